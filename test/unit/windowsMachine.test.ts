import assert from 'node:assert/strict';
import { observePort } from '../../src/host/portObservation';
import { machineFor } from '../../src/host/thisMachine';
import { UnsupportedMachine } from '../../src/host/unsupported';
import { WindowsMachine } from '../../src/host/windows';
import { FakeTools } from '../support/toolFakes';

const germanTable = `
Aktive Verbindungen

  Proto  Lokale Adresse         Remoteadresse          Status           PID
  TCP    0.0.0.0:7497           0.0.0.0:0              ABH\u0099REN         700
  TCP    127.0.0.1:7497         127.0.0.1:50001        SCHLIESSEN_WARTEN 700
  TCP    127.0.0.1:7497         127.0.0.1:50002        HERGESTELLT     700
  TCP    127.0.0.1:50002        127.0.0.1:7497         HERGESTELLT     800
`;
const processes = JSON.stringify([
  {
    ProcessId: 700,
    ParentProcessId: 600,
    Name: 'tws.exe',
    CommandLine: 'C:\\Jts\\tws.exe',
    Start: '134398188711230000',
  },
  {
    ProcessId: 800,
    ParentProcessId: 600,
    Name: 'python.exe',
    CommandLine: 'python -m robo_trader.runner_async',
    Start: '134398188711240000',
  },
]);

function machineWith(tools: FakeTools, systemRoot: string | undefined = 'D:\\Win'): WindowsMachine {
  const surroundings = { platform: 'win32' as const, home: '/nowhere', root: '/nowhere' };
  return new WindowsMachine({ run: tools.run, systemRoot, surroundings });
}

describe('reading Windows', () => {
  it('sees a port whole with one netstat and one PowerShell', async () => {
    const tools = new FakeTools()
      .prints('netstat.exe -ano', germanTable)
      .prints('Win32_Process', processes);
    const seen = await observePort(machineWith(tools), 7497, true);
    assert.ok(seen.listeners.known && seen.closeWait.known && seen.established.known);
    assert.deepEqual(
      seen.listeners.value.map(({ pid, product, receiveQueue }) => [pid, product, receiveQueue]),
      [[700, 'TWS', undefined]],
    );
    assert.deepEqual(
      seen.closeWait.value.map(({ side, role, count }) => [side, role, count]),
      [['server', 'tws', 1]],
    );
    assert.deepEqual(
      seen.established.value.map(({ clientPid, clientRole }) => [clientPid, clientRole]),
      [[800, 'runner']],
    );
    assert.deepEqual(
      tools.calls.map((call) => call.file),
      [
        'D:\\Win\\System32\\netstat.exe',
        'D:\\Win\\System32\\WindowsPowerShell\\v1.0\\powershell.exe',
      ],
    );
  });

  it('asks PowerShell for numbers where netstat speaks an unknown language', async () => {
    const table = germanTable.replaceAll('HERGESTELLT', 'USTANOWIONO');
    const rows = [
      { LocalPort: 7497, RemotePort: 0, State: 2, RemoteAddress: '0.0.0.0' },
      { LocalPort: 7497, RemotePort: 50002, State: 5, RemoteAddress: '127.0.0.1' },
    ].map((row) => ({ ...row, LocalAddress: '127.0.0.1', OwningProcess: 700 }));
    const tools = new FakeTools()
      .prints('netstat.exe', table)
      .prints('Get-NetTCPConnection', JSON.stringify(rows));
    const machine = machineWith(tools);
    const seen = await machine.sockets([7497]);
    assert.deepEqual(seen.known && seen.value.map(({ state }) => state), ['LISTEN', 'ESTABLISHED']);
    assert.equal((await machine.listeners(7497)).known, true);
    assert.equal(tools.count('powershell'), 1, 'listeners are known in every language');

    const silent = await machineWith(new FakeTools().prints('netstat.exe', table)).sockets([7497]);
    assert.ok(!silent.known && silent.why.includes('powershell.exe is not on this machine'));
  });

  it('asks netstat alone for listeners, with the numbers that the sockets have', async () => {
    const tools = new FakeTools().prints('netstat.exe', germanTable);
    const machine = machineWith(tools);
    const listeners = await machine.listeners(7497);
    const sockets = await machine.sockets([7497]);
    assert.ok(listeners.known && sockets.known);
    assert.deepEqual(listeners.value, [sockets.value[0]?.socketId]);
    assert.deepEqual(await machine.listeners(4002), { known: true, value: [] });
    assert.equal(tools.count('powershell'), 0);
  });

  it('tells the listener of a new TWS from that of the old one', async () => {
    const before = await machineWith(new FakeTools().prints('netstat.exe', germanTable)).listeners(
      7497,
    );
    const after = await machineWith(
      new FakeTools().prints('netstat.exe', germanTable.replaceAll(' 700', ' 701')),
    ).listeners(7497);
    assert.ok(before.known && after.known);
    assert.notDeepEqual(before.value, after.value);
  });

  it('finds one process in the table, and knows when there is none', async () => {
    const machine = machineWith(new FakeTools().prints('Win32_Process', processes));
    const seen = await machine.process(800);
    assert.deepEqual(seen.known && seen.value?.argv, ['python', '-m', 'robo_trader.runner_async']);
    assert.deepEqual(await machine.process(801), { known: true, value: undefined });
    assert.deepEqual(await machine.process(0), { known: true, value: undefined });
  });

  it('shares one PowerShell among those who ask while one runs', async () => {
    const tools = new FakeTools().prints('Win32_Process', processes);
    const machine = machineWith(tools);
    await Promise.all([machine.processes(), machine.process(700), machine.process(800)]);
    assert.equal(tools.count('powershell'), 2);
  });

  it('is unknown, never empty, where a tool is missing, fails, is slow or speaks otherwise', async () => {
    const broken: readonly (readonly [string, FakeTools])[] = [
      ['is not on this machine', new FakeTools()],
      ['exit code 1: Access denied', new FakeTools().prints('', '', 1, 'Access denied')],
      ['did not answer', new FakeTools().fails('', 'it did not answer within 10 s')],
      ['unknown form', new FakeTools().prints('', '')],
      ['unknown form', new FakeTools().prints('', '[]')],
    ];
    for (const [why, tools] of broken) {
      const machine = machineWith(tools);
      const looks = [
        await machine.processes(),
        await machine.process(700),
        await machine.sockets([7497]),
        await machine.listeners(7497),
      ];
      for (const look of looks) {
        assert.ok(!look.known && look.why.includes(why), `${why}: ${JSON.stringify(look)}`);
      }
    }
  });

  it('never takes a tool from a relative place', async () => {
    const tools = new FakeTools();
    await machineWith(tools, 'Windows').listeners(7497);
    await new WindowsMachine({
      run: tools.run,
      systemRoot: undefined,
      surroundings: { platform: 'win32', home: '/nowhere' },
    }).listeners(7497);
    assert.deepEqual(
      tools.calls.map((call) => call.file),
      ['C:\\Windows\\System32\\netstat.exe', 'C:\\Windows\\System32\\netstat.exe'],
    );
  });

  it('is the machine of win32, and other systems stay unknown', async () => {
    assert.ok(machineFor('win32') instanceof WindowsMachine);
    const other = machineFor('freebsd');
    assert.ok(other instanceof UnsupportedMachine);
    const look = await other.listeners();
    assert.ok(!look.known && look.why.includes('freebsd'));
  });
});
