import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Emitter } from '../../src/core/emitter';
import { parseEnvFile } from '../../src/core/envFile';
import type { Answer, Bar, MarketData } from '../../src/ibkr/marketData';
import { createFactReader } from '../../src/diagnostics/runnerReader';
import { eventLine, type TradingEvent } from '../../src/trading/events';
import { readOptions } from '../../src/trading/options';
import { Pacer } from '../../src/trading/pacer';
import { PaperBook } from '../../src/trading/paperBook';
import { smaCrossover, type Strategy } from '../../src/trading/strategy';
import { StrategyFault } from '../../src/trading/strategyModule';
import { type OpenedSession, trade, type TradingPlan } from '../../src/trading/tradingLoop';
import { stockContract } from '../support/contracts';
import { FakeClock, settle } from '../support/fakeClock';
import { MemoryKeeper, paperRules } from '../support/paper';

const bars: readonly Bar[] = Array.from({ length: 30 }, (_, index) => ({
  timeMs: Date.parse('2026-11-20T14:30:00Z') + index * 60_000,
  open: 10 + index,
  high: 10 + index,
  low: 10 + index,
  close: 10 + index,
  volume: 1,
}));

const [bar = assert.fail()] = bars;

type Behaviour = (
  symbol: string,
  clock: FakeClock,
  duration: string,
) => Promise<Answer<readonly Bar[]>>;

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
  readonly durations: string[] = [];
  readonly closed = new Emitter<string>();
  readonly lost = new Emitter<void>();
  readonly events: TradingEvent[] = [];
  readonly stop = new AbortController();
  openings = 0;
  closings = 0;
  behave: Behaviour = answering;
  strategy: Strategy = (all) => smaCrossover(all);
  liquidHours = '';
  readonly keeper = new MemoryKeeper();
  open: () => OpenedSession = () => ({ ok: true, session: this.session() });
  isAnswering = true;

  constructor(readonly clock: FakeClock) {}

  session(): Extract<OpenedSession, { ok: true }>['session'] {
    const marketData: MarketData = {
      stockContract: (symbol) => {
        this.asked.push(`contract ${symbol}`);
        return Promise.resolve({
          ok: true,
          value: { ...stockContract(symbol), liquidHours: this.liquidHours },
          roundTripMs: 1,
        });
      },
      bars: async ({ symbol }, { duration }) => {
        this.asked.push(`bars ${symbol}`);
        this.durations.push(duration);
        return await this.behave(symbol, this.clock, duration);
      },
    };
    return {
      marketData,
      onDidClose: this.closed.event,
      onDidLoseData: this.lost.event,
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
    const say = (event: TradingEvent): void => {
      this.events.push(event);
    };
    return trade(whole, {
      clock: this.clock,
      say,
      strategy: this.strategy,
      paper: new PaperBook(this.keeper, paperRules, { clock: this.clock, say }),
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
      'book',
      'book',
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
      symbol === 'AAPL' ? timingOut(symbol, clock, '') : answering(symbol, clock, '');
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
    assert.deepEqual(tws.said('error'), [
      { event: 'error', message: 'TCP accepted, hello unanswered.' },
    ]);
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

  it('does not dial once more when it is asked to stop while it waits', async () => {
    const run = tws.run();
    await clock.advance(1000);
    tws.closed.fire('closed by TWS');
    await clock.advance(5000);
    tws.stop.abort();
    assert.equal(await run, 0);
    assert.equal(tws.openings, 1);
    const stopped = new FakeTws(clock);
    stopped.stop.abort();
    assert.equal(await stopped.run(), 0);
    assert.equal(stopped.openings, 0);
    assert.equal(clock.pending, 0);
  });

  it('ends with 1 with --once when no symbol brought data, and with 0 when one did', async () => {
    const noData: Answer<readonly Bar[]> = {
      ok: false,
      failure: { kind: 'message', code: 162, text: 'HMDS query returned no data' },
    };
    tws.behave = () => Promise.resolve(noData);
    const run = tws.run({ isOnce: true });
    await clock.advance(1000);
    assert.equal(await run, 1);
    assert.match(JSON.stringify(tws.said('error')), /No symbol brought any data/);
    assert.equal(tws.said('cycle').length, 1);
    const other = new FakeTws(clock);
    other.behave = (symbol) =>
      symbol === 'AAPL' ? Promise.resolve(noData) : answering(symbol, clock, '');
    const half = other.run({ isOnce: true });
    await clock.advance(1000);
    assert.equal(await half, 0);
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

  describe('while the market is closed', () => {
    const wednesday = Date.parse('2026-11-18T22:00:00Z');
    const hours = '20261118:0930-20261118:1600;20261119:0930-20261119:1600';

    beforeEach(() => {
      clock = new FakeClock(wednesday);
      tws = new FakeTws(clock);
      tws.liquidHours = hours;
    });

    it('qualifies contracts, asks for no bars, and waits until the open', async () => {
      const run = tws.run();
      await clock.advance(16 * 3_600_000);
      assert.deepEqual(tws.asked, ['contract AAPL', 'contract NVDA']);
      const [cycle] = tws.said('cycle');
      assert.ok(cycle?.event === 'cycle');
      assert.deepEqual([cycle.failed, cycle.closed], [0, 2]);
      const waits = tws.said('waiting');
      assert.ok(waits.length >= 31, 'it looks again every 30 minutes');
      for (const wait of waits) {
        assert.ok(wait.event === 'waiting' && wait.forMs <= 30 * 60_000);
        assert.equal(wait.until, '2026-11-19T14:30:00.000Z');
        assert.match(wait.message, /closed since Wed 18 Nov 16:00 until Thu 19 Nov 09:30/);
      }
      await clock.advance(31 * 60_000);
      assert.deepEqual(tws.asked.slice(2, 4), ['bars AAPL', 'bars NVDA']);
      tws.stop.abort();
      assert.equal(await run, 0);
      assert.equal(clock.pending, 0);
    });

    it('ends at once when asked, and with --once asks all the same', async () => {
      const run = tws.run();
      await clock.advance(3_600_000);
      tws.stop.abort();
      assert.equal(await run, 0);
      const other = new FakeTws(new FakeClock(wednesday));
      other.liquidHours = hours;
      const once = other.run({ isOnce: true });
      await other.clock.advance(1000);
      assert.equal(await once, 0);
      assert.equal(other.said('signal').length, 2);
    });

    it('keeps its patience for the sessions that are lost over a long weekend', async () => {
      const run = tws.run();
      for (let night = 0; night < 8; night += 1) {
        await clock.advance(100 * 60_000);
        tws.closed.fire('nightly restart');
      }
      await clock.advance(16_000);
      assert.equal(tws.openings, 9);
      tws.stop.abort();
      assert.equal(await run, 0);
    });
  });

  describe('in later cycles', () => {
    const dataLost: Answer<readonly Bar[]> = {
      ok: false,
      failure: { kind: 'message', code: 162, text: 'HMDS query returned no data' },
    };
    const answerOf = (value: readonly Bar[]): Answer<readonly Bar[]> => ({
      ok: true,
      value,
      roundTripMs: 3,
    });
    let seen: number[];

    beforeEach(() => {
      seen = [];
      tws.strategy = (all) => {
        seen.push(all.length);
        return smaCrossover(all);
      };
      tws.behave = (_, __, duration) =>
        Promise.resolve(answerOf(duration.endsWith(' S') ? bars.slice(-3) : bars));
    });

    async function durationsAfter(change: () => void): Promise<readonly string[]> {
      const run = tws.run({ symbols: ['AAPL'] });
      await clock.advance(301_000);
      change();
      await clock.advance(600_000);
      tws.stop.abort();
      assert.equal(await run, 0);
      assert.equal(clock.pending, 0);
      return tws.durations;
    }

    it('asks for the end of the bars, and tells the strategy all of them', async () => {
      const durations = await durationsAfter(() => undefined);
      assert.deepEqual(durations, ['10 D', '1800 S', '1800 S', '1800 S']);
      assert.deepEqual(seen, [30, 30, 30, 30]);
    });

    it('asks for all of them in the same cycle where the end does not fit', async () => {
      const split = bars.map((each) => ({ ...each, open: 1, high: 2, low: 1, close: 2 }));
      const durations = await durationsAfter(() => {
        tws.behave = (_, __, duration) =>
          Promise.resolve(answerOf(duration.endsWith(' S') ? split.slice(-3) : split));
      });
      assert.deepEqual(durations, ['10 D', '1800 S', '1800 S', '10 D', '1800 S']);
      const prices = tws
        .said('fetch')
        .map((each) => each.event === 'fetch' && each.ok && each.price);
      assert.deepEqual(prices, [39, 39, 2, 2]);
    });

    it('takes an end without bars for no success', async () => {
      const durations = await durationsAfter(() => {
        tws.behave = () => Promise.resolve(answerOf([]));
      });
      assert.deepEqual(durations, ['10 D', '1800 S', '1800 S', '10 D', '10 D']);
      const oks = tws.said('fetch').map((each) => each.event === 'fetch' && each.ok);
      assert.deepEqual(oks, [true, true, false, false]);
    });

    it('says what TWS says of the end, and asks for all of them in the next cycle', async () => {
      const durations = await durationsAfter(() => {
        const { behave } = tws;
        tws.behave = () => {
          tws.behave = behave;
          return Promise.resolve(dataLost);
        };
      });
      assert.deepEqual(durations, ['10 D', '1800 S', '1800 S', '10 D']);
      const [failed] = tws.said('fetch').filter((each) => each.event === 'fetch' && !each.ok);
      assert.ok(failed?.event === 'fetch' && !failed.ok);
      assert.equal(failed.code, 162);
    });

    it('asks for all of them after TWS has lost data, and in a new session', async () => {
      const durations = await durationsAfter(() => {
        tws.lost.fire();
      });
      assert.deepEqual(durations, ['10 D', '1800 S', '10 D', '1800 S']);
      tws.durations.length = 0;
      const other = new FakeTws(clock);
      const run = other.run({ symbols: ['AAPL'] });
      await clock.advance(1000);
      other.closed.fire('nightly restart');
      await clock.advance(16_000);
      other.stop.abort();
      assert.equal(await run, 0);
      assert.deepEqual(other.durations, ['10 D', '10 D']);
    });

    it('keeps nothing that was asked for before the loss', async () => {
      let answer = (): void => undefined;
      tws.behave = () =>
        new Promise((resolve) => {
          answer = (): void => {
            resolve(answerOf(bars));
          };
        });
      const run = tws.run({ symbols: ['AAPL'] });
      await clock.advance(1000);
      tws.lost.fire();
      answer();
      await clock.advance(300_000);
      assert.deepEqual(tws.durations, ['10 D', '10 D']);
      tws.stop.abort();
      assert.equal(await run, 0);
    });
  });

  describe('with a strategy', () => {
    const buying: Strategy = (all) => ({
      value: 1,
      price: all.at(-1)?.close ?? null,
      fast: null,
      slow: null,
      reason: 'always',
    });

    it('buys once on paper, says it, and says nothing twice after a restart', async () => {
      tws.strategy = buying;
      const run = tws.run({ symbols: ['AAPL'] });
      await clock.advance(1_000_000);
      tws.stop.abort();
      assert.equal(await run, 0);
      const [fill] = tws.said('fill');
      assert.ok(fill?.event === 'fill');
      assert.deepEqual([fill.side, fill.quantity, fill.price, fill.cash], ['buy', 51, 39, 98_011]);
      assert.equal(tws.said('fill').length, 1);
      const [opening, book] = tws.said('book');
      assert.ok(opening?.event === 'book' && book?.event === 'book');
      assert.deepEqual([opening.positions, book.positions, book.equity], [0, 1, 100_000]);
      const read = createFactReader();
      const facts = tws.events.flatMap((event) => read(eventLine(event, clock.now()).trimEnd()));
      assert.deepEqual(
        facts.filter(({ kind }) => kind === 'fill').map((fact) => ({ ...fact, at: undefined })),
        [{ kind: 'fill', symbol: 'AAPL', side: 'buy', quantity: 51, price: 39, at: undefined }],
      );
      const cycles = facts.filter(({ kind }) => kind === 'cycle');
      assert.ok(
        cycles.length > 1 &&
          cycles.every((fact) => fact.kind === 'cycle' && fact.equity === 100_000),
      );
    });

    it('goes on when it fails, and says each line once a cycle', async () => {
      tws.strategy = () => {
        throw new StrategyFault('it broke', { file: '/w/s.js', line: 3 });
      };
      const run = tws.run();
      await clock.advance(301_000);
      assert.deepEqual(
        tws.said('error'),
        [1, 2].map(() => ({
          event: 'error',
          message: 'it broke',
          symbol: 'AAPL',
          source: { file: '/w/s.js', line: 3 },
        })),
      );
      assert.equal(tws.said('cycle').length, 2);
      tws.stop.abort();
      assert.equal(await run, 0);
      assert.equal(tws.keeper.book.marks.get('AAPL')?.price, 39_000_000, 'the book knows prices');
    });

    it('says why bars with an impossible price lead to nothing', async () => {
      tws.behave = () =>
        Promise.resolve({ ok: true, value: [{ ...bar, close: 0 }, ...bars], roundTripMs: 3 });
      const run = tws.run({ symbols: ['AAPL'], isOnce: true });
      await clock.advance(1000);
      assert.equal(await run, 0);
      const [signal] = tws.said('signal');
      assert.ok(signal?.event === 'signal');
      assert.deepEqual([signal.signal, signal.price], [0, 39]);
      assert.match(signal.reason, /impossible close 0/);
    });

    it('asks one that does not come back only once a cycle', async () => {
      let asked = 0;
      tws.strategy = () => {
        asked += 1;
        throw new StrategyFault('it was stopped', { file: '/w/s.js', line: 3 }, true);
      };
      const run = tws.run();
      await clock.advance(301_000);
      assert.equal(asked, 2);
      tws.stop.abort();
      assert.equal(await run, 0);
    });
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

describe('pacing of anything, at any time', () => {
  const sizes = ['30 secs', '1 min'] as const;
  const ask = fc.record({
    afterMs: fc.integer({ min: 0, max: 90_000 }),
    symbol: fc.integer({ min: 0, max: 12 }),
    size: fc.constantFrom(...sizes),
    isContract: fc.boolean(),
  });

  it('keeps every limit of IBKR', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(ask, { minLength: 60, maxLength: 150 }), async (asks) => {
        const clock = new FakeClock();
        const pacer = new Pacer(clock);
        const go = new AbortController().signal;
        const sent: { readonly at: number; readonly key: string }[] = [];
        for (const { afterMs, symbol, size, isContract } of asks) {
          await clock.advance(afterMs);
          const request = { duration: '1 D', barSize: size, regularHoursOnly: true };
          const key = isContract ? 'contract' : `${size} ${symbol}`;
          const wait = isContract ? pacer.message(go) : pacer.bars(`S${symbol}`, request, go);
          void wait.then(() => sent.push({ at: clock.monotonicMs(), key }));
        }
        await clock.advance(7_200_000);
        assert.equal(sent.length, asks.length, 'nothing is dropped');
        const gaps = (keep: (key: string) => boolean, apart: number): number[] => {
          const times = sent.filter(({ key }) => keep(key)).map(({ at }) => at);
          return times.slice(apart).map((at, index) => at - (times[index] ?? 0));
        };
        assert.ok(gaps(() => true, 50).every((gap) => gap >= 1000));
        assert.ok(gaps((key) => key.startsWith('30 secs'), 60).every((gap) => gap >= 599_000));
        for (const key of new Set(sent.map((each) => each.key))) {
          const least = key === 'contract' ? 0 : 14_900;
          assert.ok(
            gaps((each) => each === key, 1).every((gap) => gap >= least),
            key,
          );
        }
      }),
      { numRuns: 25 },
    );
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
      strategyFile: undefined,
      paperFile: undefined,
      openingCash: 100_000_000_000,
      rules: paperRules,
    });
  });

  it('has a preset for small bars, which single flags change', () => {
    const fast = readOptions(['--symbols', 'A', '--preset', 'fast'], {}, none);
    assert.deepEqual(fast.request, { duration: '1 D', barSize: '1 min', regularHoursOnly: true });
    assert.deepEqual(
      [fast.intervalMs, fast.rules.freshMs, fast.rules.barMs],
      [15_000, 15_000, 60_000],
    );
    const other = readOptions(
      ['--interval', '60'],
      { ROBO_RUNNER_PRESET: 'fast', SYMBOLS: 'A' },
      none,
    );
    assert.deepEqual([other.intervalMs, other.request.barSize], [60_000, '1 min']);
  });

  it('takes the limits of the book from flags in percent, else from the trader’s own keys', () => {
    const envFile = parseEnvFile(
      'RISK_MAX_POSITION_PCT=0.05\nRISK_MAX_OPEN_POSITIONS=3\nDEFAULT_CASH=5000\n',
    );
    const environment = { SYMBOLS: 'A', RISK_MAX_DAILY_LOSS_PCT: '.01' };
    const args = ['--max-position-percent', '2.5', '--slippage-bps', '1.5'];
    const { rules, openingCash } = readOptions(args, environment, envFile);
    assert.deepEqual(
      [rules.maxPositionPpm, rules.maxDailyLossPpm, rules.maxOpenPositions, rules.slippagePpm],
      [25_000, 10_000, 3, 150],
    );
    assert.equal(openingCash, 5_000_000_000);
  });

  it('lets no .env name code to run or a file to write', () => {
    const envFile = parseEnvFile('SYMBOLS=A\nROBO_STRATEGY=evil.js\nROBO_PAPER_DB=/etc/passwd\n');
    const options = readOptions([], {}, envFile);
    assert.deepEqual([options.strategyFile, options.paperFile], [undefined, undefined]);
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
    ['a preset that is none', ['--symbols', 'A', '--preset', 'quick'], {}, /slow .* or fast/],
    [
      'a limit that is none',
      ['--symbols', 'A', '--max-position-percent', '200'],
      {},
      /from 0 to 100/,
    ],
    [
      'a fraction above one',
      ['--symbols', 'A'],
      { RISK_MAX_POSITION_PCT: '2' },
      /RISK_MAX_POSITION_PCT.*0 to 1/,
    ],
    [
      'cash that is none',
      ['--symbols', 'A', '--default-cash', '1e5'],
      {},
      /--default-cash is "1e5"/,
    ],
  ] as const) {
    it(`refuses ${what} in one sentence`, () => {
      assert.throws(() => readOptions(args, environment, none), words);
    });
  }
});
