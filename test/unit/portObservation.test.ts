import assert from 'node:assert/strict';
import { type Observed, known, unknown } from '../../src/core/observed';
import { observePort, twsPorts } from '../../src/host/portObservation';
import { UnsupportedMachine } from '../../src/host/unsupported';
import { usualPorts } from '../../src/ibkr/endpoint';
import { FakeMachine, fakeProcess, fakeSocket } from '../support/hostFakes';

function value<T>(observed: Observed<T>): T {
  assert.ok(observed.known);
  return observed.value;
}

const tws = fakeProcess(10, 'java -cp jts4launch-1030.jar jclient.LoginFrame');
const bot = fakeProcess(20, 'python3 -m robo_trader.runner_async');
const listen = fakeSocket('::', '', 'LISTEN', 10);
const listener = { ...listen, local: { address: '::', port: 7497 } };

function machineWith(...rows: readonly ReturnType<typeof fakeSocket>[]): FakeMachine {
  const machine = new FakeMachine();
  machine.table = known([tws, bot]);
  machine.rows = known(rows);
  return machine;
}

describe('what the system tells about a port', () => {
  it('names who listens, and TWS itself', async () => {
    const machine = machineWith(
      { ...listener, receiveQueue: 3, socketId: '77' },
      fakeSocket('0.0.0.0:4001', '0.0.0.0:0', 'LISTEN', 20),
      fakeSocket('0.0.0.0:80', '0.0.0.0:0', 'LISTEN', 20),
    );
    const seen = await observePort(machine, 7497, true);
    assert.deepEqual(value(seen.listeners), [
      {
        address: '::',
        pid: 10,
        role: 'tws',
        product: 'TWS',
        argv: tws.argv,
        startedAtMs: tws.startedAtMs,
        isStopped: false,
        receiveQueue: 3,
        socketId: '77',
      },
    ]);
    assert.deepEqual(value(seen.otherUsualPortsListening), [4001]);
    assert.deepEqual(
      value(seen.twsProcesses).map((process) => [process.pid, process.product]),
      [[10, 'TWS']],
    );
  });

  it('leaves out simulated TWSs that play on other ports', async () => {
    const simulator = (pid: number, ...flags: readonly string[]) =>
      fakeProcess(pid, ['node', '/opt/robo/dist/cli.cjs', 'simulate', ...flags].join(' '));
    const machine = machineWith(
      { ...listener, ownerPid: 31 },
      { ...listener, local: { address: '::', port: 4002 }, ownerPid: 32 },
    );
    machine.table = known([
      tws,
      simulator(31, '--port', '0'),
      simulator(32, '--fault', 'none'),
      simulator(33, '--port', '4002'),
      simulator(34, '--port=7498'),
      simulator(35),
      // It refuses connections, and listens nowhere.
      simulator(36, '--port', '7497', '--fault', 'refused'),
      simulator(37, '--port=7497'),
    ]);
    const pidsAt = async (port: number): Promise<readonly number[]> =>
      value((await observePort(machine, port, true)).twsProcesses).map(({ pid }) => pid);
    assert.deepEqual(await pidsAt(7497), [10, 31, 36, 37]);
    assert.deepEqual(await pidsAt(4002), [10, 32, 33]);
    assert.deepEqual(await pidsAt(4001), [10]);
  });

  it('says hidden, not nobody, for a listener whose owner we may not see', async () => {
    const seen = await observePort(machineWith({ ...listener, ownerPid: undefined }), 7497, true);
    assert.equal(value(seen.listeners)[0]?.role, 'hidden');
  });

  it('tells zombies of TWS, leaks of a client and never accepted ones apart', async () => {
    const machine = machineWith(
      fakeSocket('127.0.0.1:7497', '127.0.0.1:50001', 'CLOSE_WAIT', 10),
      fakeSocket('127.0.0.1:7497', '127.0.0.1:50002', 'CLOSE_WAIT', 10),
      fakeSocket('127.0.0.1:7497', '127.0.0.1:50003', 'CLOSE_WAIT', { socketId: '0' }),
      fakeSocket('127.0.0.1:50004', '127.0.0.1:7497', 'CLOSE_WAIT', 20),
      fakeSocket('127.0.0.1:4001', '127.0.0.1:50005', 'CLOSE_WAIT', 10),
      fakeSocket('192.168.0.2:50006', '192.168.0.9:7497', 'CLOSE_WAIT', 20),
    );
    assert.deepEqual(value((await observePort(machine, 7497, true)).closeWait), [
      { side: 'server', ownerPid: 10, role: 'tws', count: 2 },
      { side: 'server', ownerPid: undefined, role: 'nobody', count: 1 },
      { side: 'client', ownerPid: 20, role: 'runner', count: 1 },
    ]);
  });

  it('pairs the ends of each connection, and sees which TWS has not accepted', async () => {
    const pair = (port: number, owner: number | undefined, socketId: string) => [
      fakeSocket(`127.0.0.1:${port}`, '127.0.0.1:7497', 'ESTABLISHED', 20),
      fakeSocket('127.0.0.1:7497', `127.0.0.1:${port}`, 'ESTABLISHED', {
        ownerPid: owner,
        socketId,
      }),
    ];
    const machine = machineWith(
      ...pair(50001, 10, '91'),
      ...pair(50002, undefined, '0'),
      ...pair(50003, undefined, '93'),
      fakeSocket('127.0.0.1:50004', '127.0.0.1:7497', 'ESTABLISHED', 20),
      fakeSocket('127.0.0.1:50005', '127.0.0.1:7497', 'ESTABLISHED', 20),
      fakeSocket('127.0.0.1:7497', '127.0.0.1:50005', 'SYN_RECV', { socketId: '0' }),
      fakeSocket('192.168.0.2:7497', '192.168.0.9:50006', 'ESTABLISHED', 10),
      fakeSocket('192.168.0.2:50007', '192.168.0.9:7497', 'ESTABLISHED', 20),
    );
    const seen = value((await observePort(machine, 7497, true)).established);
    assert.deepEqual(
      Object.fromEntries(
        seen.map((one) => [one.clientPort, [one.clientPid, one.clientRole, one.serverOwned]]),
      ),
      {
        50001: [20, 'runner', true],
        50002: [20, 'runner', false],
        50003: [20, 'runner', true],
        50004: [20, 'runner', undefined],
        50005: [20, 'runner', false],
        50006: [undefined, 'hidden', true],
      },
    );
    assert.equal(seen[0]?.clientProgram, 'python -m robo_trader.runner_async');
  });

  it('tells how much of a client its server has not read', async () => {
    const machine = machineWith(
      fakeSocket('127.0.0.1:50001', '127.0.0.1:7497', 'ESTABLISHED', 20),
      fakeSocket('127.0.0.1:7497', '127.0.0.1:50001', 'ESTABLISHED', {
        ownerPid: 10,
        receiveQueue: 17,
      }),
      fakeSocket('127.0.0.1:50002', '127.0.0.1:7497', 'ESTABLISHED', 20),
    );
    const seen = value((await observePort(machine, 7497, true)).established);
    assert.deepEqual(
      seen.map(({ unreadAtServer }) => unreadAtServer),
      [17, undefined],
    );
  });

  it('does not take a TWS for absent where the programs of others are hidden', async () => {
    const machine = machineWith();
    machine.table = known([bot]);
    assert.deepEqual((await observePort(machine, 7497, true)).twsProcesses, known([]));
    machine.hidden = 'hidepid';
    assert.deepEqual((await observePort(machine, 7497, true)).twsProcesses, unknown('hidepid'));
    machine.table = known([bot, tws]);
    assert.equal(value((await observePort(machine, 7497, true)).twsProcesses).length, 1);
  });

  it('keeps unknown unknown, each part for itself', async () => {
    const machine = machineWith(listener);
    machine.table = unknown('no procfs');
    const half = await observePort(machine, 7497, true);
    assert.equal(value(half.listeners)[0]?.pid, 10);
    assert.deepEqual(half.twsProcesses, unknown('no procfs'));
    for (const seen of [
      await observePort(new UnsupportedMachine('win32'), 7497, true),
      await observePort(machine, 7497, false),
    ]) {
      const { port, platform, ...parts } = seen;
      assert.equal(port, 7497);
      assert.ok(platform);
      assert.ok(Object.values(parts).every((part) => !part.known && part.why.length > 20));
    }
  });

  it('knows the same usual ports as the endpoint does', () => {
    assert.deepEqual([...twsPorts].sort(), usualPorts.map(({ port }) => port).sort());
  });
});
