import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { IBApi } from '@stoqey/ib/dist/api/api';
import fc from 'fast-check';
import { systemClock } from '../../src/core/clock';
import { allowedMessages } from '../../src/ibkr/allowList';
import type { TwsConnection } from '../../src/ibkr/connection';
import type { Answer, Bar, StockContract } from '../../src/ibkr/marketData';
import { Session } from '../../src/ibkr/session';
import { Simulator, type SimulatorOptions } from '../../src/simulator/simulator';
import { connectTo, reaches } from '../support/connections';
import { eventually } from '../support/eventually';
import { FakeClock, settle } from '../support/fakeClock';
import { frameOf, RawServer } from '../support/rawServer';
import { until } from '../support/until';

const projectRoot = join(__dirname, '..', '..');
const halfHours = { duration: '2 D', barSize: '30 mins', regularHoursOnly: true };
const days = { duration: '10 D', barSize: '1 day', regularHoursOnly: true };

/** What of the library is ours to touch in a test. */
interface LentLibrary {
  readonly api: IBApi;
}

interface LibraryInside {
  readonly controller: {
    schedule: (command: () => void) => void;
    rateLimiter: (tokens: unknown[]) => void;
    readonly socket: { send(tokens: unknown[]): void };
  };
}

/** The library behind a session, made to send at once what it would send a few at a time. */
function libraryOf(session: Session): IBApi {
  const { api } = session as unknown as LentLibrary;
  const { controller } = api as unknown as LibraryInside;
  controller.schedule = (command) => {
    command();
  };
  controller.rateLimiter = (tokens) => {
    controller.socket.send(tokens);
  };
  return api;
}

function valueOf<T>(answer: Answer<T>): T {
  assert.ok(answer.ok, JSON.stringify(answer));
  return answer.value;
}

describe('a session with TWS', () => {
  let simulator: Simulator;
  let connection: TwsConnection;
  let session: Session;

  const open = async (options: SimulatorOptions = {}): Promise<void> => {
    simulator = new Simulator(options);
    const { port } = await simulator.start();
    connection = connectTo(port);
    await reaches(connection, 'open');
    session = new Session(connection, systemClock);
  };

  afterEach(async () => {
    session.dispose();
    connection.close('the test is over');
    await simulator.stop();
  });

  for (const serverVersion of [150, 176, 178, 187, 193]) {
    it(`reads contracts and bars at server version ${serverVersion}, over one connection`, async () => {
      await open({ serverVersion });
      assert.equal(connection.progress.serverVersion, serverVersion);
      const contract = valueOf(await session.stockContract('AAPL', 5000));
      assert.equal(contract.conId, 265_598);
      assert.equal(contract.symbol, 'AAPL');
      assert.equal(contract.currency, 'USD');
      assert.equal(contract.timeZoneId, 'US/Eastern');
      assert.match(contract.liquidHours, /^\d{8}:/);
      const bars = valueOf(await session.bars(contract, halfHours, 5000));
      assert.ok(bars.length > 10);
      assert.ok(bars.every((bar, index) => index === 0 || bar.timeMs > timeOf(bars[index - 1])));
      assert.ok(bars.every(({ low, high, open: first }) => low <= first && first <= high));
      const daily = valueOf(await session.bars(contract, days, 5000));
      assert.ok(daily.every(({ timeMs }) => timeMs % 86_400_000 === 0));
      assert.ok(await connection.askTime(5000));
      const { statistics } = simulator;
      assert.equal(statistics.connectionsAccepted, 1);
      assert.equal(statistics.readySessions, 1);
      assert.deepEqual(statistics.requestsById, { 9: 1, 20: 2, 49: 1, 71: 1 });
    });
  }

  it('answers many questions at a time, each with its own', async () => {
    await open();
    const symbols = ['AAPL', 'NVDA', 'TSLA', 'MSFT', 'SPY'];
    const contracts = await Promise.all(
      symbols.map((symbol) => session.stockContract(symbol, 5000)),
    );
    assert.deepEqual(
      contracts.map((answer) => valueOf(answer).symbol),
      symbols,
    );
    const all = await Promise.all(
      contracts.map((answer) => session.bars(valueOf(answer), days, 5000)),
    );
    assert.equal(new Set(all.map((answer) => valueOf(answer).at(-1)?.close)).size, symbols.length);
  });

  it('says what TWS said of an unknown symbol, and asks no more', async () => {
    await open();
    const answer = await session.stockContract('ZZTOP', 5000);
    assert.ok(!answer.ok && answer.failure.kind === 'message');
    assert.equal(answer.failure.code, 200);
    assert.ok((await session.stockContract('AAPL', 5000)).ok);
  });

  it('gives up after its deadline, and takes a late answer for nothing', async () => {
    await open();
    await simulator.setFault('frozen_ready');
    const late = await session.stockContract('NVDA', 50);
    assert.deepEqual(late, { ok: false, failure: { kind: 'timeout', afterMs: 50 } });
    const next = session.stockContract('AAPL', 5000);
    await simulator.setFault('none');
    assert.equal(valueOf(await next).symbol, 'AAPL');
  });

  it('calls off bars that did not come in time, and asks for nothing again by itself', async () => {
    await open();
    const contract = valueOf(await session.stockContract('AAPL', 5000));
    await simulator.setFault('hmds_broken');
    const late = await session.bars(contract, halfHours, 100);
    assert.deepEqual(late, { ok: false, failure: { kind: 'timeout', afterMs: 100 } });
    await eventually(() => simulator.statistics.requestsById[25] === 1, 'the cancellation');
    await simulator.setFault('none');
    assert.ok(await connection.askTime(5000));
    assert.equal(simulator.statistics.requestsById[20], 1);
    assert.ok(valueOf(await session.bars(contract, halfHours, 5000)).length > 10);
    assert.equal(simulator.statistics.requestsById[25], 1);
  });

  for (const fault of ['drop', 'drop_reset']) {
    it(`ends what waits when TWS goes (${fault}), and asks nothing more`, async () => {
      await open();
      await simulator.setFault('frozen_ready');
      const waiting = [session.stockContract('AAPL', 5000), session.stockContract('NVDA', 5000)];
      await eventually(() => simulator.statistics.requestsById[9] === 2, 'the requests');
      await simulator.setFault(fault);
      for (const answer of await Promise.all(waiting)) {
        assert.ok(!answer.ok && answer.failure.kind === 'closed');
      }
      const after = await session.stockContract('AAPL', 5000);
      assert.ok(!after.ok && after.failure.kind === 'closed');
      assert.equal(simulator.statistics.requestsById[9], 2);
    });
  }

  it('gives the connection back open, with nothing waiting', async () => {
    await open();
    await simulator.setFault('frozen_ready');
    const waiting = session.stockContract('AAPL', 5000);
    session.dispose();
    const answer = await waiting;
    assert.ok(!answer.ok && answer.failure.kind === 'closed');
    await simulator.setFault('none');
    assert.ok(await connection.askTime(5000));
  });

  it('leaves no timer behind', async () => {
    const clock = new FakeClock();
    await open();
    const quiet = new Session(connection, clock);
    assert.ok((await quiet.stockContract('AAPL', 5000)).ok);
    const unknown = await quiet.stockContract('ZZTOP', 5000);
    assert.equal(unknown.ok, false);
    assert.equal(clock.pending, 0);
    quiet.dispose();
  });

  it('can send no order, whatever is called on the library that it lends to (law 12)', async () => {
    await open({ serverVersion: 193 });
    assert.ok((await session.stockContract('AAPL', 5000)).ok);
    const api = libraryOf(session);
    const called = callEverything(api);
    assert.ok(called.has('placeOrder') && called.has('reqGlobalCancel'));
    assert.ok(called.size > 70, `${called.size} methods`);
    assert.ok(await connection.askTime(5000));
    const refused = session.refusedMessages.join('\n');
    // PLACE_ORDER, CANCEL_ORDER, EXERCISE_OPTIONS, REQ_GLOBAL_CANCEL, REPLACE_FA: they did try.
    for (const id of [3, 4, 21, 58, 19]) {
      assert.match(refused, new RegExp(`Message "${id}" `));
    }
    const seen = [...new Set(simulator.statistics.requestIds)];
    assert.deepEqual(
      seen.filter((id) => !allowedMessages.has(id)),
      [],
    );
    assert.ok(seen.includes(20));
    assert.equal(simulator.statistics.requestsById[71], 1);
    assert.equal(simulator.statistics.connectionsAccepted, 1);
  });

  it('opens no door by being disconnected and connected again', async () => {
    await open();
    const api = libraryOf(session);
    api.disconnect();
    api.connect();
    await settle();
    api.connect(1);
    await settle();
    callEverything(api);
    assert.match(session.refusedMessages.join('\n'), /Message "3" /);
    (api as unknown as { disableUseV100Plus(): void }).disableUseV100Plus();
    callEverything(api);
    assert.match(session.refusedMessages.at(-1) ?? '', /not exactly one message/);
    assert.ok(await connection.askTime(5000));
    assert.equal(simulator.statistics.connectionsAccepted, 1);
    assert.deepEqual(
      simulator.statistics.requestIds.filter((id) => !allowedMessages.has(id)),
      [],
    );
    assert.equal(simulator.statistics.requestsById[71], 1);
  });

  it('loads no .env of the current directory into the environment', async () => {
    await open();
    const folder = mkdtempSync(join(tmpdir(), 'robo-canary-'));
    try {
      writeFileSync(
        join(folder, '.env'),
        'ROBO_CANARY=sings\nIB_PORT=1\nIB_HOST=192.0.2.7\nIB_CLIENT_ID=3\nCLIENT_ID=4\nDB_PASSWORD=x\n',
      );
      const tsx = pathToFileURL(require.resolve('tsx')).href;
      const script = join(projectRoot, 'test', 'support', 'canaryHost.ts');
      const { stdout } = await promisify(execFile)(
        process.execPath,
        ['--import', tsx, script, String(connection.endpoint.port)],
        { cwd: folder, timeout: 15_000, env: { PATH: process.env['PATH'] } },
      );
      assert.deepEqual(JSON.parse(stdout), { isAnswered: true, added: [], clientId: 9001 });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }).timeout(20_000);
});

describe('answers that TWS would not send', () => {
  let server: RawServer;
  let connection: TwsConnection;
  let session: Session;

  beforeEach(async () => {
    server = await RawServer.start();
    connection = connectTo(server.port);
    await server.makeReady();
    await reaches(connection, 'open');
    session = new Session(connection, systemClock);
  });

  afterEach(async () => {
    session.dispose();
    connection.close('the test is over');
    await server.stop();
  });

  const contract: StockContract = {
    conId: 265_598,
    symbol: 'AAPL',
    exchange: 'SMART',
    primaryExchange: 'NASDAQ',
    currency: 'USD',
    longName: 'APPLE INC',
    timeZoneId: 'US/Eastern',
    tradingHours: '',
    liquidHours: '',
  };
  const bar = ['1795186800', 1, 2, 0.5, 1.5, 100, 1.2, 7] as const;
  const history = (id: number, count: number, ...fields: (string | number)[]): Buffer =>
    frameOf(17, id, 'from', 'to', count, ...fields);

  /** Asks for bars so often; the request ids are 1, 2, … */
  const askBars = async (count: number): Promise<readonly Promise<Answer<readonly Bar[]>>[]> => {
    const waiting = Array.from({ length: count }, () => session.bars(contract, days, 2000));
    const last = Buffer.from(`20\0${count}\0`);
    await eventually(() => server.received.includes(last), 'the requests');
    return waiting;
  };

  const fails = async (waiting: Promise<Answer<unknown>> | undefined): Promise<void> => {
    const answer = await waiting;
    assert.ok(answer?.ok === false && answer.failure.kind === 'closed', JSON.stringify(answer));
    assert.match(answer.failure.why, /could not be decoded/);
  };

  const bad: readonly (readonly [string, (id: number) => Buffer])[] = [
    ['fewer bars than promised', (id) => history(id, 3, ...bar)],
    ['more bars than promised', (id) => history(id, 1, ...bar, ...bar)],
    ['half a bar', (id) => history(id, 1, ...bar.slice(0, 4))],
    ['no number of bars', (id) => history(id, Number.NaN, ...bar)],
    ['a negative number of bars', (id) => history(id, -1, ...bar)],
    ['a price that is none', (id) => history(id, 1, ...bar.slice(0, 4), 'free', ...bar.slice(5))],
    ['a time that is none', (id) => history(id, 1, 'yesterday', ...bar.slice(1))],
    ['far too many fields', (id) => frameOf(17, id, 'from', 'to', 1e6, '\0'.repeat(400_000))],
  ];

  for (const [what, frame] of bad) {
    it(`fail their own request only: ${what}`, async () => {
      const from = performance.now();
      const [first, second, third] = await askBars(3);
      server.write(Buffer.concat([frame(2), history(1, 1, ...bar), history(3, 1, ...bar)]));
      await fails(second);
      for (const good of [first, third]) {
        assert.ok(good);
        const [only, ...more] = valueOf(await good);
        assert.deepEqual(only, {
          timeMs: 1_795_186_800_000,
          ...{ open: 1, high: 2, low: 0.5, close: 1.5, volume: 100 },
        });
        assert.deepEqual(more, []);
      }
      assert.ok(performance.now() - from < 1500);
    });
  }

  it('do not take a message version for a request id', async () => {
    const [first] = await askBars(1);
    // The end of contract details: 52, version 1, and then no request id.
    server.write(Buffer.concat([frameOf(52, 1), history(1, 1, ...bar)]));
    assert.ok(first);
    assert.equal(valueOf(await first).length, 1);
  });

  it('do not spoil the next answer by lacking their last NUL', async () => {
    const [first, second] = await askBars(2);
    const whole = history(1, 1, ...bar);
    const cut = whole.subarray(0, -1);
    cut.writeUInt32BE(cut.length - 4, 0);
    server.write(Buffer.concat([cut, history(2, 1, ...bar)]));
    assert.ok(first && second);
    assert.equal(valueOf(await first).length, 1);
    assert.equal(valueOf(await second).length, 1);
  });

  it('fail a contract that breaks off, and no other', async () => {
    const first = session.stockContract('AAPL', 2000);
    const second = session.stockContract('NVDA', 2000);
    await eventually(() => server.received.includes('9\x008\x002\x00'), 'the requests');
    server.send(10, 2, 'NVDA', 'STK');
    await fails(second);
    server.send(52, 1, 1);
    const answer = await first;
    assert.ok(!answer.ok && answer.failure.kind === 'message' && answer.failure.code === 200);
  });

  it('neither hang nor end anything, whatever is in them', async () => {
    const field = fc.oneof(
      fc.constantFrom(
        '',
        '1',
        '2',
        '-1',
        '0',
        '8',
        '1e9',
        '2147483647',
        'NaN',
        'finished-x',
        '\\u12',
      ),
      fc.string({ unit: 'binary', maxLength: 6 }).map((text) => text.replaceAll('\0', '')),
      fc.integer().map(String),
    );
    const frame = fc
      .tuple(
        fc.constantFrom('10', '17', '52', '108', '4', '9', '15', '49', '3', '5', '81', ''),
        fc.array(field, { maxLength: 40 }),
      )
      .map(([id, fields]) => frameOf(id, ...fields));
    let mark = 9_000_000_000;
    await fc.assert(
      fc.asyncProperty(fc.array(frame, { minLength: 1, maxLength: 30 }), async (frames) => {
        mark += 1;
        const seen = until(connection.onServerTime, ({ epochSec }) => epochSec === mark, 2000);
        server.write(Buffer.concat([...frames, frameOf(49, 1, mark)]));
        await seen;
        assert.equal(connection.isOpen, true);
      }),
      { numRuns: 25 },
    );
    const [last] = await askBars(1);
    server.write(history(1, 1, ...bar));
    assert.ok(last);
    assert.equal(valueOf(await last).length, 1);
  });
});

describe('the library', () => {
  it('is imported in one place', () => {
    const importers = globSync('src/**/*.ts', { cwd: projectRoot }).filter((file) =>
      /from '@stoqey\/ib|import\('@stoqey\/ib|require\('@stoqey\/ib/.test(
        readFileSync(join(projectRoot, file), 'utf8'),
      ),
    );
    assert.deepEqual(importers, [join('src', 'ibkr', 'session.ts')]);
  });
});

function timeOf(bar: Bar | undefined): number {
  return bar?.timeMs ?? Number.NaN;
}

/** Calls every method that the library has, in several ways; those that throw have not sent. */
function callEverything(api: IBApi): ReadonlySet<string> {
  const contract = {
    conId: 265_598,
    symbol: 'AAPL',
    secType: 'STK',
    exchange: 'SMART',
    currency: 'USD',
  };
  const order = {
    ...{ action: 'BUY', totalQuantity: 1, orderType: 'MKT', tif: 'DAY', transmit: true },
    ...{ account: 'DU1234567', orderId: 1, lmtPrice: 1, auxPrice: 1 },
  };
  const ways: readonly (readonly unknown[])[] = [
    [1, contract, order],
    [1, contract, 1, 1, 'DU1234567', 0],
    [1, contract, '', '1 D', '1 day', 'TRADES', 1, 1, false],
    [1, '', '<xml/>'],
    ['20261120 10:00:00', '', ''],
    [{ manualOrderCancelTime: '', extOperator: '', manualOrderIndicator: 0 }],
    [1],
    [],
  ];
  const methods = api as unknown as Readonly<
    Record<string, (...args: readonly unknown[]) => unknown>
  >;
  const called = new Set<string>();
  for (const name of Object.getOwnPropertyNames(IBApi.prototype)) {
    const isMethod =
      typeof Object.getOwnPropertyDescriptor(IBApi.prototype, name)?.value === 'function';
    if (
      !isMethod ||
      ['constructor', 'connect', 'disconnect', 'disableUseV100Plus'].includes(name)
    ) {
      continue;
    }
    called.add(name);
    for (const way of ways) {
      try {
        methods[name]?.(...way);
      } catch {
        // Not what this method takes.
      }
    }
  }
  return called;
}
