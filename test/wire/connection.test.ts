import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { SocketRow } from '../../src/host/machine';
import { machineFor } from '../../src/host/thisMachine';
import { ForbiddenMessageError } from '../../src/ibkr/allowList';
import type { ConnectionProgress, TwsConnection } from '../../src/ibkr/connection';
import { Simulator } from '../../src/simulator/simulator';
import { connectTo, reaches } from '../support/connections';
import { eventually } from '../support/eventually';
import { FakeClock, settle } from '../support/fakeClock';
import { frameOf, RawServer } from '../support/rawServer';

const machine = machineFor(process.platform);

/** What the kernel still keeps of connections to `port`, at either end. */
async function rowsOf(port: number): Promise<readonly SocketRow[]> {
  const seen = await machine.sockets([port]);
  assert.ok(seen.known);
  return seen.value.filter(({ state }) => state !== 'LISTEN');
}

/** Waits until nothing is left but what TCP itself ends by the clock. */
async function leavesNothing(port: number): Promise<void> {
  let rows: readonly SocketRow[] = [];
  try {
    await eventually(
      async () => {
        rows = await rowsOf(port);
        return rows.every(({ state }) => state === 'TIME_WAIT');
      },
      'nothing left',
      2000,
    );
  } catch {
    assert.fail(`still there: ${rows.map(({ state }) => state).join(', ')}`);
  }
}

async function sawReset(server: RawServer): Promise<void> {
  await eventually(() => server.endings.length > 0, 'the end', 2000);
  assert.deepEqual(server.endings, ['rst']);
}

describe('a connection to TWS', () => {
  let server: RawServer;
  let connection: TwsConnection | undefined;

  const dial = (clock?: FakeClock): TwsConnection => {
    connection = connectTo(server.port, clock);
    return connection;
  };

  beforeEach(async () => {
    server = await RawServer.start();
  });

  afterEach(async () => {
    connection?.close('the test is over');
    await server.stop();
  });

  it('says hello and START_API to the byte, and nothing else', async () => {
    const opening = dial();
    const hello = Buffer.from('API\0\0\0\0\x09v100..193', 'latin1');
    await eventually(() => server.received.length >= hello.length, 'the hello');
    assert.deepEqual(server.received, hello);
    server.send(178, '20261120 10:00:00 Central European Standard Time');
    const start = Buffer.from('\0\0\0\x0b71\x002\x009000\0\0', 'latin1');
    await eventually(() => server.received.length > hello.length, 'START_API');
    assert.deepEqual(server.received.subarray(hello.length), start);
    server.send(15, 1, 'DU1234567,DU7654321,');
    server.send(9, 1, 574);
    const progress = await reaches(opening, 'open');
    assert.equal(progress.serverVersion, 178);
    assert.equal(progress.serverTimeText, '20261120 10:00:00 Central European Standard Time');
    assert.deepEqual(progress.accounts, ['DU1234567', 'DU7654321']);
    assert.equal(progress.nextValidId, 574);
    assert.equal(server.received.length, hello.length + start.length);
  });

  it('opens whatever the order and the cut of the start-up', async () => {
    const opening = dial();
    await server.accepted();
    const stream = Buffer.concat([
      frameOf(100, ''),
      frameOf(4, 2, -1, 2104, 'Market data farm connection is OK:usfarm', ''),
      frameOf(9, 1, 7),
      frameOf(15, 1, 'U7654321'),
    ]);
    for (const byte of stream) {
      server.write(Buffer.from([byte]));
      await settle();
    }
    const progress = await reaches(opening, 'open');
    assert.equal(progress.serverVersion, 100);
    assert.deepEqual(
      progress.startupMessages.map(({ code }) => code),
      [2104],
    );
  });

  it('is not open before accounts and next valid id are both there (law 6)', async () => {
    const opening = dial();
    await server.accepted();
    server.send(178, '');
    await reaches(opening, 'ready');
    server.send(9, 1, 1);
    server.send(15, 1, '');
    server.send(4, 2, -1, 2104, 'x', '');
    await eventually(() => opening.progress.startupMessages.length === 1, 'the notice');
    assert.equal(opening.progress.stage, 'ready');
    assert.equal(opening.isOpen, false);
    assert.equal(await opening.askTime(1000), undefined);
    server.send(15, 1, 'DU1');
    await reaches(opening, 'open');
  });

  for (const version of [0, 99, 194, 220, 9999]) {
    it(`resets a peer of version ${version}, which it does not speak`, async () => {
      const opening = dial();
      await server.accepted();
      server.send(version, 'now');
      const { end, endedIn } = await reaches(opening, 'ended');
      assert.deepEqual(end, { kind: 'unsupported version', serverVersion: version });
      assert.equal(endedIn, 'hello');
      await sawReset(server);
    });
  }

  for (const [what, bytes] of [
    ['a web server', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['an SSH server', Buffer.from('SSH-2.0-OpenSSH_9.2p1\r\n')],
    ['ones', Buffer.alloc(64, 0xff)],
    ['a greeting that is shorter than a length', Buffer.from('OK\n')],
    ['a negative length', Buffer.from([0xff, 0xff, 0xff, 0xfc, 1, 2, 3, 4])],
    ['no length', Buffer.alloc(8)],
    ['a first frame without a version', frameOf('NaN', 'now')],
    ['a first frame of another program', frameOf('hello', 'world')],
    ['a version with a sign', frameOf('-178', 'now')],
  ] as const) {
    it(`knows ${what} for no TWS, and resets it`, async () => {
      const opening = dial();
      await server.accepted();
      server.write(bytes);
      const { end } = await reaches(opening, 'ended');
      assert.equal(end?.kind, 'not tws');
      assert.ok(end.firstBytes.length > 0 && end.firstBytes.length <= 64);
      await leavesNothing(server.port);
    });
  }

  it('tells a hello that is never finished from silence', async () => {
    const opening = dial();
    await server.accepted();
    assert.equal((await reaches(opening, 'hello')).isHelloBegun, undefined);
    server.write(Buffer.from([0, 0]));
    await new Promise<void>((resolve) => {
      opening.onDidProgress(({ isHelloBegun }) => {
        if (isHelloBegun === true) {
          resolve();
        }
      });
    });
    assert.equal(opening.progress.stage, 'hello');
  });

  it('gives up a stream that breaks after the start, and says where', async () => {
    const opening = dial();
    await server.makeReady();
    await reaches(opening, 'open');
    server.write(Buffer.from([0x7f, 0xff, 0xff, 0xff]));
    const { end, endedIn } = await reaches(opening, 'ended');
    assert.equal(end?.kind, 'malformed');
    assert.equal(endedIn, 'open');
    await leavesNothing(server.port);
  });

  it('tells a close from a reset, and where either came', async () => {
    const first = dial();
    await server.accepted();
    server.sockets[0]?.end();
    const closed = await reaches(first, 'ended');
    assert.equal(closed.end?.kind, 'fin');
    assert.equal(closed.endedIn, 'hello');
    const second = dial();
    await server.accepted(2);
    server.send(178, '');
    await reaches(second, 'ready');
    server.sockets[1]?.resetAndDestroy();
    const was = await reaches(second, 'ended');
    assert.deepEqual(was.end, { kind: 'reset', code: 'ECONNRESET' });
    assert.equal(was.endedIn, 'ready');
  });

  it('keeps the system’s code when TCP never came to be', async () => {
    const { port } = server;
    await server.stop();
    const { end, endedIn } = await reaches(connectTo(port), 'ended');
    assert.ok(end?.kind === 'not connected');
    assert.equal(end.code, 'ECONNREFUSED');
    assert.equal(endedIn, 'tcp');
    server = await RawServer.start();
  });

  it('ends once, whatever comes together', async () => {
    const opening = dial();
    const ends: ConnectionProgress[] = [];
    opening.onDidProgress((progress) => {
      if (progress.stage === 'ended') {
        ends.push(progress);
      }
    });
    await server.accepted();
    server.write(Buffer.alloc(64, 0xff));
    server.sockets[0]?.resetAndDestroy();
    await reaches(opening, 'ended');
    opening.close('x');
    opening.close('y');
    await leavesNothing(server.port);
    assert.equal(ends.length, 1);
  });

  it('says what it was given in the same turn before it ends in order', async () => {
    const opening = dial();
    await server.makeReady();
    await reaches(opening, 'open');
    await eventually(() => server.received.includes('71\x002\x00'), 'START_API');
    const before = server.received.length;
    opening.send([49, 1]);
    opening.send([49, 1]);
    opening.close('enough');
    const ended = await reaches(opening, 'ended');
    assert.deepEqual(ended.end, { kind: 'by us', why: 'enough' });
    await eventually(() => server.received.length > before, 'what was sent');
    const frames = Buffer.concat([frameOf(49, 1), frameOf(49, 1)]);
    assert.deepEqual(server.received.subarray(before), frames);
    await leavesNothing(server.port);
  });

  it('lets nothing leave that is not on the list (law 12)', async () => {
    const opening = dial();
    await server.makeReady();
    await reaches(opening, 'open');
    await eventually(() => server.received.includes('71\x002\x00'), 'START_API');
    const before = server.received.length;
    for (const attempt of [
      () => opening.send([3, 45, 1, 265598]),
      () => opening.sendFrame(Buffer.concat([frameOf(49, 1), frameOf(58, 1)])),
      () => opening.sendFrame(Buffer.from('API\0')),
    ]) {
      assert.throws(attempt, ForbiddenMessageError);
    }
    opening.send([49, 1]);
    await eventually(() => server.received.length > before, 'what may leave');
    assert.deepEqual(server.received.subarray(before), frameOf(49, 1));
  });

  describe('asking the time', () => {
    let clock: FakeClock;
    let opened: TwsConnection;
    const times: number[] = [];

    beforeEach(async () => {
      clock = new FakeClock();
      times.length = 0;
      opened = dial(clock);
      opened.onServerTime(({ epochSec }) => times.push(epochSec));
      await server.makeReady();
      await reaches(opened, 'open');
    });

    it('matches answers in order, and never gives a late one to a later question', async () => {
      const first = opened.askTime(5000);
      await clock.advance(5000);
      assert.equal(await first, undefined);
      const second = opened.askTime(5000);
      const third = opened.askTime(5000);
      await clock.advance(100);
      server.send(49, 1, 1001);
      server.send(49, 1, 1002);
      server.send(49, 1, 1003);
      assert.deepEqual(await second, {
        epochSec: 1002,
        roundTripMs: 100,
        receivedAtMs: clock.now(),
      });
      assert.equal((await third)?.epochSec, 1003);
      // The late one says all the same that TWS is alive.
      assert.deepEqual(times, [1001, 1002, 1003]);
      assert.equal(clock.pending, 0);
    });

    it('survives answers that nobody asked for, and such as are none', async () => {
      server.send(49, 1, 5);
      server.send(49, 1, 6);
      await eventually(() => times.length === 2, 'the times');
      const asked = opened.askTime(5000);
      server.send(49, 1, 'soon');
      server.send(49);
      server.send(4, 2, -1, 2104, 'x', '');
      await eventually(() => server.received.includes(frameOf(49, 1)), 'the question');
      await clock.advance(5000);
      assert.equal(await asked, undefined);
    });

    it('leaves no question open when the connection ends', async () => {
      const asked = [opened.askTime(5000), opened.askTime(5000)];
      server.sockets[0]?.resetAndDestroy();
      assert.deepEqual(await Promise.all(asked), [undefined, undefined]);
      assert.equal(await opened.askTime(5000), undefined);
      assert.equal(clock.pending, 0);
    });
  });
});

describe('giving a connection up (law 3)', () => {
  const servers: RawServer[] = [];

  const silentServer = async (reads = true): Promise<RawServer> => {
    const server = await RawServer.start({ reads });
    servers.push(server);
    return server;
  };

  afterEach(async () => {
    await Promise.all(servers.splice(0).map(async (server) => server.stop()));
  });

  it('leaves nothing of a socket that never got an answer', async () => {
    const server = await silentServer();
    const connection = connectTo(server.port);
    await reaches(connection, 'hello');
    await server.accepted();
    connection.close('unanswered');
    assert.deepEqual((await reaches(connection, 'ended')).end, {
      kind: 'by us',
      why: 'unanswered',
    });
    await leavesNothing(server.port);
    assert.deepEqual(await rowsOf(server.port), []);
    await sawReset(server);
  });

  it('leaves nothing of one that is given up in the moment it is opened, and says no hello', async () => {
    const server = await silentServer();
    const connection = connectTo(server.port);
    connection.close('never mind');
    await reaches(connection, 'ended');
    await leavesNothing(server.port);
    assert.deepEqual(await rowsOf(server.port), []);
    assert.equal(server.received.length, 0);
  });

  it('leaves nothing of a session that stopped half-way', async () => {
    const server = await silentServer();
    const connection = connectTo(server.port);
    await server.accepted();
    server.send(178, '');
    await reaches(connection, 'ready');
    connection.close('unanswered');
    await leavesNothing(server.port);
    await sawReset(server);
  });

  it('ends an open session in order, with TWS', async () => {
    const simulator = new Simulator();
    const { port } = await simulator.start();
    const connection = connectTo(port);
    await reaches(connection, 'open');
    assert.ok(await connection.askTime(2000));
    connection.close('done');
    await reaches(connection, 'ended');
    await leavesNothing(port);
    assert.equal(simulator.statistics.connectionsOpen, 0);
    await simulator.stop();
  });

  it('resets an open session whose end TWS does not answer', async () => {
    const clock = new FakeClock();
    const server = await silentServer();
    const connection = connectTo(server.port, clock);
    await server.makeReady();
    await reaches(connection, 'open');
    connection.close('done');
    await eventually(() => server.endings.length > 0, 'our end');
    assert.deepEqual(server.endings, ['fin']);
    await clock.advance(1000);
    await reaches(connection, 'ended');
    await leavesNothing(server.port);
    assert.equal(clock.pending, 0);
  });

  it('resets an open session at once while a question is unanswered', async () => {
    const clock = new FakeClock();
    const server = await silentServer();
    const connection = connectTo(server.port, clock);
    await server.makeReady();
    await reaches(connection, 'open');
    const asked = connection.askTime(5000);
    await clock.advance(5000);
    assert.equal(await asked, undefined);
    connection.close('it is frozen');
    await reaches(connection, 'ended');
    await leavesNothing(server.port);
    await sawReset(server);
  });

  it('knows what TWS has not taken, and leaves nothing of that either', async () => {
    const server = await silentServer(false);
    const connection = connectTo(server.port);
    await server.makeReady();
    await reaches(connection, 'open');
    assert.equal(connection.unsentBytes, 0);
    const large = 'x'.repeat(1_000_000);
    for (let sent = 0; sent < 12; sent += 1) {
      connection.send([9, 8, sent, large]);
    }
    await eventually(() => connection.unsentBytes > 1_000_000, 'back-pressure');
    connection.close('it no longer reads');
    await reaches(connection, 'ended');
    await leavesNothing(server.port);
  });
});

/** Listens, says on which port, and never takes a connection from the queue. */
const deafServer = `
const server = require('node:net').createServer(() => undefined);
server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
  process.stdout.write(server.address().port + '\\n');
});
`;

describe('giving up a TWS that is stopped (law 3)', () => {
  let child: ChildProcess;
  let port: number;
  const fillers: Socket[] = [];

  beforeEach(async () => {
    child = spawn(process.execPath, ['-e', deafServer], { stdio: ['ignore', 'pipe', 'ignore'] });
    assert.ok(child.stdout);
    const [text] = (await once(child.stdout, 'data')) as [Buffer];
    port = Number(text.toString());
    child.kill('SIGSTOP');
  });

  afterEach(async () => {
    const gone = once(child, 'exit');
    fillers.splice(0).forEach((socket) => socket.resetAndDestroy());
    child.kill('SIGKILL');
    await gone;
  });

  it('leaves nothing of a connection that only the system has accepted', async () => {
    const connection = connectTo(port);
    await reaches(connection, 'hello');
    connection.close('stopped');
    await reaches(connection, 'ended');
    await leavesNothing(port);
    assert.deepEqual(await rowsOf(port), []);
  });

  it('does not wait for a connection that is never made', async () => {
    for (let count = 0; count < 4; count += 1) {
      fillers.push(connect({ port, host: '127.0.0.1' }).on('error', () => undefined));
    }
    const waits = async (): Promise<boolean> =>
      (await rowsOf(port)).some(({ state }) => state === 'SYN_SENT');
    await eventually(waits, 'a full queue');
    const clock = new FakeClock();
    const connection = connectTo(port, clock);
    await settle();
    assert.equal(connection.progress.stage, 'tcp');
    connection.close('no answer');
    await clock.advance(1000);
    const { end } = await reaches(connection, 'ended');
    assert.equal(end?.kind, 'by us');
    assert.equal(clock.pending, 0);
  });
});
