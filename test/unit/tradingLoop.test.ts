import assert from 'node:assert/strict';
import { Emitter } from '../../src/core/emitter';
import { parseEnvFile } from '../../src/core/envFile';
import type { Answer, Bar, MarketData, StockContract } from '../../src/ibkr/marketData';
import { createFactReader } from '../../src/diagnostics/runnerReader';
import { eventLine, type TradingEvent } from '../../src/trading/events';
import { readOptions } from '../../src/trading/options';
import { Pacer } from '../../src/trading/pacer';
import { type OpenedSession, trade, type TradingPlan } from '../../src/trading/tradingLoop';
import { FakeClock, settle } from '../support/fakeClock';

const bars: readonly Bar[] = Array.from({ length: 30 }, (_, index) => ({
  timeMs: Date.parse('2026-11-20T14:30:00Z') + index * 60_000,
  open: 10,
  high: 10,
  low: 10,
  close: 10 + index,
  volume: 1,
}));

function contract(symbol: string): StockContract {
  return {
    conId: 1,
    symbol,
    exchange: 'SMART',
    primaryExchange: 'NASDAQ',
    currency: 'USD',
    longName: symbol,
    timeZoneId: 'US/Eastern',
    tradingHours: '',
    liquidHours: '',
  };
}

type Behaviour = (symbol: string, clock: FakeClock) => Promise<Answer<readonly Bar[]>>;

const answering: Behaviour = () => Promise.resolve({ ok: true, value: bars, roundTripMs: 3 });
const never: Behaviour = () => new Promise(() => undefined);
const timingOut: Behaviour = (_, clock) =>
  new Promise((resolve) => {
    clock.setTimer(30_000, () => {
      resolve({ ok: false, failure: { kind: 'timeout', afterMs: 30_000 } });
    });
  });

/** A TWS that does as told, and counts what it is asked. */
class FakeTws {
  readonly asked: string[] = [];
  readonly closed = new Emitter<string>();
  readonly events: TradingEvent[] = [];
  readonly stop = new AbortController();
  openings = 0;
  closings = 0;
  behave: Behaviour = answering;
  open: () => OpenedSession = () => ({ ok: true, session: this.session() });
  isAnswering = true;

  constructor(readonly clock: FakeClock) {}

  session(): Extract<OpenedSession, { ok: true }>['session'] {
    const marketData: MarketData = {
      stockContract: (symbol) => {
        this.asked.push(`contract ${symbol}`);
        return Promise.resolve({ ok: true, value: contract(symbol), roundTripMs: 1 });
      },
      bars: async ({ symbol }) => {
        this.asked.push(`bars ${symbol}`);
        return await this.behave(symbol, this.clock);
      },
    };
    return {
      marketData,
      onDidClose: this.closed.event,
      answers: () => Promise.resolve(this.isAnswering),
      close: () => {
        this.closings += 1;
      },
    };
  }

  run(plan: Partial<TradingPlan> = {}): Promise<number> {
    const whole: TradingPlan = {
      endpoint: { host: '127.0.0.1', port: 7497 },
      symbols: ['AAPL', 'NVDA'],
      request: { duration: '10 D', barSize: '30 mins', regularHoursOnly: true },
      intervalMs: 300_000,
      isOnce: false,
      ...plan,
    };
    return trade(whole, {
      clock: this.clock,
      say: (event) => this.events.push(event),
      openSession: () => {
        this.openings += 1;
        return Promise.resolve(this.open());
      },
      signal: this.stop.signal,
    });
  }

  said(event: TradingEvent['event']): readonly TradingEvent[] {
    return this.events.filter((each) => each.event === event);
  }
}

describe('built-in runner', () => {
  let clock: FakeClock;
  let tws: FakeTws;

  beforeEach(() => {
    clock = new FakeClock();
    tws = new FakeTws(clock);
  });

  it('does one cycle with --once and says it in events that Robo reads', async () => {
    const run = tws.run({ isOnce: true });
    await clock.advance(1000);
    assert.equal(await run, 0);
    assert.equal(tws.closings, 1);
    assert.equal(clock.pending, 0);
    const read = createFactReader();
    const facts = tws.events.flatMap((event) => read(eventLine(event, clock.now()).trimEnd()));
    const kinds = facts.map((fact) =>
      'symbol' in fact ? `${fact.kind} ${fact.symbol ?? ''}` : fact.kind,
    );
    assert.deepEqual(kinds.sort(), [
      'connected',
      'cycle',
      'fetch ok AAPL',
      'fetch ok NVDA',
      'signal AAPL',
      'signal NVDA',
    ]);
    const [cycle] = tws.said('cycle');
    assert.ok(cycle?.event === 'cycle');
    assert.deepEqual([cycle.number, cycle.symbols, cycle.failed, cycle.nextInMs], [1, 2, 0, null]);
  });

  it('qualifies a contract once and asks for bars each interval', async () => {
    const run = tws.run({ symbols: ['AAPL'] });
    await clock.advance(601_000);
    assert.deepEqual(tws.asked, ['contract AAPL', 'bars AAPL', 'bars AAPL', 'bars AAPL']);
    tws.stop.abort();
    assert.equal(await run, 0);
    assert.equal(clock.pending, 0);
  });

  it('never asks again within a cycle after a timeout, and blames no other symbol', async () => {
    tws.behave = (symbol) =>
      symbol === 'AAPL' ? timingOut(symbol, clock) : answering(symbol, clock);
    const run = tws.run();
    await clock.advance(100_000);
    assert.deepEqual(tws.asked.filter((ask) => ask === 'bars AAPL').length, 1);
    const failed = tws.said('fetch').filter((event) => event.event === 'fetch' && !event.ok);
    assert.deepEqual(failed, [
      {
        event: 'fetch',
        symbol: 'AAPL',
        ok: false,
        error: 'TimeoutError',
        message: 'no answer within 30 s',
      },
    ]);
    tws.stop.abort();
    assert.equal(await run, 0);
  });

  it('ends at once with 0 when asked, though a request is open', async () => {
    tws.behave = never;
    const run = tws.run();
    await clock.advance(1000);
    const before = clock.now();
    tws.stop.abort();
    assert.equal(await run, 0);
    assert.equal(clock.now(), before);
    assert.equal(tws.closings, 1);
    assert.equal(tws.said('cycle').length, 0);
  });

  it('ends with 1 and the reason when the first session does not open', async () => {
    tws.open = () => ({ ok: false, sentence: 'TCP accepted, hello unanswered.' });
    assert.equal(await tws.run(), 1);
    assert.deepEqual(tws.events, [{ event: 'error', message: 'TCP accepted, hello unanswered.' }]);
    assert.equal(tws.openings, 1);
  });

  it('opens a lost session again, later and later, and gives up after five times', async () => {
    const run = tws.run();
    await clock.advance(1000);
    tws.open = () => ({ ok: false, sentence: 'refused' });
    tws.closed.fire('closed by TWS');
    await clock.advance(14_000);
    assert.equal(tws.openings, 1);
    await clock.advance(511_000);
    assert.equal(await run, 1);
    assert.equal(tws.openings, 6);
    assert.deepEqual(
      tws.said('waiting').map((event) => event.event === 'waiting' && event.forMs / 1000),
      [15, 30, 60, 120, 300],
    );
  });

  it('goes on after a loss that healed, with its full patience again', async () => {
    const run = tws.run();
    await clock.advance(1000);
    for (let loss = 0; loss < 8; loss += 1) {
      tws.closed.fire('nightly restart');
      await clock.advance(16_000);
    }
    assert.equal(tws.said('cycle').length, 9);
    tws.stop.abort();
    assert.equal(await run, 0);
  });

  it('leaves a connection that answers nothing any more', async () => {
    tws.behave = timingOut;
    tws.isAnswering = false;
    const run = tws.run();
    await clock.advance(46_000);
    assert.equal(tws.openings, 2);
    tws.stop.abort();
    assert.equal(await run, 0);
  });

  it('asks for at most eight symbols at the same time', async () => {
    tws.behave = never;
    const symbols = Array.from({ length: 20 }, (_, index) => `S${String.fromCharCode(65 + index)}`);
    const run = tws.run({ symbols });
    await clock.advance(5000);
    assert.equal(tws.asked.filter((ask) => ask.startsWith('bars')).length, 8);
    tws.stop.abort();
    assert.equal(await run, 0);
  });
});

describe('pacing', () => {
  const go = new AbortController().signal;

  async function times(
    clock: FakeClock,
    count: number,
    ask: (pacer: Pacer, index: number) => Promise<void>,
  ): Promise<number[]> {
    const pacer = new Pacer(clock);
    const start = clock.monotonicMs();
    const seen: number[] = [];
    for (let index = 0; index < count; index += 1) {
      void ask(pacer, index).then(() => seen.push(clock.monotonicMs() - start));
    }
    await settle();
    await clock.advance(3_600_000);
    return seen;
  }

  it('sends at most 50 messages in any second', async () => {
    const seen = await times(new FakeClock(), 200, (pacer) => pacer.message(go));
    assert.equal(seen.length, 200);
    seen.slice(50).forEach((at, index) => {
      assert.ok(at - (seen[index] ?? 0) >= 1000);
    });
  });

  it('asks nothing identical within 15 s', async () => {
    const request = { duration: '1 D', barSize: '1 min', regularHoursOnly: true };
    const seen = await times(new FakeClock(), 5, (pacer) => pacer.bars('AAPL', request, go));
    seen.slice(1).forEach((at, index) => {
      assert.ok(at - (seen[index] ?? 0) >= 15_000);
    });
  });

  it('asks for small bars at most 60 times in any 10 minutes, for others freely', async () => {
    const small = { duration: '1 D', barSize: '30 secs', regularHoursOnly: true };
    const seen = await times(new FakeClock(), 150, (pacer, index) =>
      pacer.bars(`S${index}`, small, go),
    );
    assert.equal(seen.length, 150);
    seen.slice(60).forEach((at, index) => {
      assert.ok(at - (seen[index] ?? 0) >= 600_000 - 1);
    });
    const free = await times(new FakeClock(), 150, (pacer, index) =>
      pacer.bars(`S${index}`, { ...small, barSize: '1 min' }, go),
    );
    assert.ok((free.at(-1) ?? Infinity) < 5000);
  });
});

describe('options of the built-in runner', () => {
  const none = parseEnvFile('');

  it('has the trader’s defaults', () => {
    assert.deepEqual(readOptions(['--symbols', 'aapl,NVDA'], {}, none), {
      endpoint: { host: '127.0.0.1', port: 7497 },
      clientId: 123,
      symbols: ['AAPL', 'NVDA'],
      request: { duration: '10 D', barSize: '30 mins', regularHoursOnly: true },
      intervalMs: 300_000,
      isOnce: false,
    });
  });

  it('takes flags over environment over .env', () => {
    const envFile = parseEnvFile('SYMBOLS=TSLA\nIBKR_PORT=4002 # gateway\nIBKR_CLIENT_ID=7\n');
    const args = ['--once', '--interval', '15', '--bar-size', '1 min', '--duration', '1 D'];
    const options = readOptions(args, { IBKR_PORT: '4001', SYMBOLS: '' }, envFile);
    assert.deepEqual(options.symbols, ['TSLA']);
    assert.equal(options.endpoint.port, 4001);
    assert.equal(options.clientId, 7);
    assert.equal(options.intervalMs, 15_000);
    assert.deepEqual([options.request.barSize, options.request.duration], ['1 min', '1 D']);
    assert.equal(options.isOnce, true);
  });

  for (const [what, args, environment, words] of [
    ['no symbols', [], {}, /no symbols.*SYMBOLS=/],
    ['a symbol that is none', ['--symbols', 'AAPL;rm'], {}, /no stock symbol/],
    ['a port that is none', ['--symbols', 'A'], { IBKR_PORT: '70000' }, /no port/],
    ['a client id out of range', ['--symbols', 'A'], { IBKR_CLIENT_ID: '-1' }, /no client id/],
    ['an unknown flag', ['--symbols', 'A', '--confirm-live'], {}, /confirm-live.*Known are/],
    ['an interval that is none', ['--symbols', 'A', '--interval', '0'], {}, /--interval/],
    ['a bar size that is none', ['--symbols', 'A', '--bar-size', '7 mins'], {}, /30 mins/],
    ['a duration that is none', ['--symbols', 'A', '--duration', '10D'], {}, /10 D/],
  ] as const) {
    it(`refuses ${what} in one sentence`, () => {
      assert.throws(() => readOptions(args, environment, none), words);
    });
  }
});
