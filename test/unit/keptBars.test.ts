import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Bar, BarRequest, StockContract } from '../../src/ibkr/marketData';
import {
  type HistoryQuery,
  historyOf,
  TradingCalendar,
  type TradingHours,
} from '../../src/simulator/history';
import { type MarketBar, StockMarket } from '../../src/simulator/market';
import { usEastern } from '../../src/simulator/zone';
import { KeptBars } from '../../src/trading/keptBars';
import { stockContract } from '../support/contracts';

const zone = usEastern();
const minuteMs = 60_000;
const dayMs = 86_400_000;
const slow: BarRequest = { duration: '10 D', barSize: '30 mins', regularHoursOnly: true };
const fast: BarRequest = { duration: '1 D', barSize: '1 min', regularHoursOnly: true };

/** As many bars as the simulated market has, for less time. */
class QuickMarket extends StockMarket {
  override bar(startMs: number, endMs: number): MarketBar {
    const price = (ms: number): number => 100 + (((ms / 1000) * 7919) % 1000) / 100;
    const [open, close] = [price(startMs), price(endMs)];
    const [high, low] = [Math.max(open, close), Math.min(open, close)];
    const volume = (endMs - startMs) / 1000;
    return { timeMs: startMs, open, high, low, close, volume, average: open, trades: 1 };
  }
}

function timesOf(bars: readonly Bar[]): readonly number[] {
  return bars.map(({ timeMs }) => timeMs);
}

/** What is done to the bars that TWS has, all of them or those from a time on. */
type Change = (bar: Bar) => Bar;

/** The history of one symbol, which can be corrected; how TWS cuts the first bar is not settled. */
class History {
  readonly changes: Change[] = [];
  /** The bar in which a duration in seconds begins: given whole, cut, or left out. */
  firstBar: 'whole' | 'cut' | 'left out' = 'whole';
  private readonly market = new QuickMarket('AAPL');
  private readonly calendar: TradingCalendar;

  constructor(hours: TradingHours = 'exchange') {
    this.calendar = new TradingCalendar(zone, hours);
  }

  answer(request: BarRequest, nowMs: number): readonly Bar[] {
    const { duration, barSize, regularHoursOnly: regularOnly } = request;
    const query: HistoryQuery = { endMs: nowMs, duration, barSize, regularOnly };
    const answer = historyOf(this.market, this.calendar, query);
    assert.ok(answer.ok, `${duration} of ${barSize} was refused`);
    const { daily } = answer.history;
    const bars = answer.history.bars.map(({ timeMs, open, high, low, close, volume }) => {
      const bar: Bar = { timeMs: daily ? dateOf(timeMs) : timeMs, open, high, low, close, volume };
      return this.changes.reduce((changed, change) => change(changed), bar);
    });
    const [first, ...rest] = bars;
    if (first === undefined || !duration.endsWith('S') || this.firstBar === 'whole') {
      return bars;
    }
    return this.firstBar === 'left out' ? rest : [{ ...first, open: 1, volume: 1 }, ...rest];
  }
}

const dates = new Map<number, number>();

/** Midnight UTC of the date in New York, as bars of days have it. */
function dateOf(timeMs: number): number {
  const known = dates.get(timeMs);
  if (known !== undefined) {
    return known;
  }
  const date = zone.date(timeMs);
  const midnight = Date.UTC(
    Number(date.slice(0, 4)),
    Number(date.slice(4, 6)) - 1,
    Number(date.slice(6)),
  );
  dates.set(timeMs, midnight);
  return midnight;
}

/** Asks as the runner does. @returns its bars, and the durations that it asked for */
function cycle(
  kept: KeptBars,
  contract: StockContract,
  { history, whole, nowMs }: { history: History; whole: BarRequest; nowMs: number },
): { readonly bars: readonly Bar[]; readonly asked: readonly string[] } {
  const tail = kept.tailFor(contract, nowMs);
  const merged = tail && kept.merge(contract, history.answer(tail, nowMs), nowMs);
  const asked = tail === undefined ? [] : [tail.duration];
  if (merged !== undefined) {
    return { bars: merged, asked };
  }
  const bars = history.answer(whole, nowMs);
  kept.keep(contract, bars);
  return { bars, asked: [...asked, whole.duration] };
}

function scaled(factor: number, fromMs = 0): Change {
  return (bar) =>
    bar.timeMs < fromMs
      ? bar
      : {
          ...bar,
          open: bar.open * factor,
          high: bar.high * factor,
          low: bar.low * factor,
          close: bar.close * factor,
        };
}

/** Friday 11:02 in New York. */
const friday = Date.parse('2026-11-20T16:02:00Z');

describe('bars that are kept', () => {
  const contract = stockContract('AAPL');

  function run(whole: BarRequest, times: readonly number[], history = new History()): string[][] {
    const kept = new KeptBars(whole);
    return times.map((nowMs) => {
      const { bars, asked } = cycle(kept, contract, { history, whole, nowMs });
      assert.deepEqual(bars, history.answer(whole, nowMs));
      return [...asked];
    });
  }

  it('are asked for whole once, then from before the last complete one', () => {
    const times = [0, 5, 10, 27, 29].map((minutes) => friday + minutes * minuteMs);
    assert.deepEqual(run(slow, times), [['10 D'], ['3600 S'], ['3600 S'], ['3600 S'], ['5400 S']]);
    const quick = [0, 15, 30, 45].map((seconds) => friday + seconds * 1000);
    assert.deepEqual(run(fast, quick), [['1 D'], ['240 S'], ['180 S'], ['180 S']]);
  });

  it('reach over the night to the bar before today’s first one', () => {
    const opening = Date.parse('2026-11-23T14:31:00Z');
    const times = [opening, opening + 5 * minuteMs, opening + 30 * minuteMs];
    assert.deepEqual(run(slow, times), [['10 D'], ['3600 S'], ['5400 S']]);
  });

  it('are asked for whole on a new trading day, when it opens as well', () => {
    const monday = friday + 3 * dayMs;
    assert.deepEqual(run(slow, [friday, monday]), [['10 D'], ['10 D']]);
    const evening = Date.parse('2026-11-20T20:59:00Z');
    const early = Date.parse('2026-11-23T13:00:00Z');
    const open = Date.parse('2026-11-23T14:31:00Z');
    assert.deepEqual(run(slow, [evening, early, open]), [['10 D'], ['10 D'], ['10 D']]);
  });

  it('are asked for whole where their end would be long, and after a loss of data', () => {
    const kept = new KeptBars(slow);
    const history = new History('always');
    const asking = { history, whole: slow, nowMs: Date.parse('2026-11-20T05:10:00Z') };
    cycle(kept, contract, asking);
    const evening = asking.nowMs + 18 * 3_600_000;
    assert.equal(kept.tailFor(contract, evening)?.duration, '68400 S');
    assert.equal(kept.tailFor(contract, asking.nowMs + 23.5 * 3_600_000), undefined);
    kept.forgetAll();
    assert.equal(kept.tailFor(contract, evening), undefined);
    const short = { ...slow, duration: '1 D' };
    const few = new KeptBars(short);
    cycle(few, contract, { history: new History(), whole: short, nowMs: friday });
    assert.equal(few.tailFor(contract, friday + minuteMs), undefined);
  });

  it('are asked for whole at all times where nobody knows when they begin', () => {
    for (const duration of ['7200 S', '1 W', '1 M', '1 Y']) {
      const whole = { ...slow, duration };
      assert.deepEqual(run(whole, [friday, friday + minuteMs]), [[duration], [duration]]);
    }
    const weeks = { ...slow, duration: '1 Y', barSize: '1 week' };
    assert.deepEqual(run(weeks, [friday, friday + minuteMs]), [['1 Y'], ['1 Y']]);
  });

  it('of days are taken up from three days before', () => {
    for (const duration of ['1 Y', '6 M', '20 D', '4 W']) {
      const whole = { ...slow, duration, barSize: '1 day' };
      const times = [friday, friday + minuteMs, friday + 3 * dayMs];
      assert.deepEqual(run(whole, times), [[duration], ['3 D'], [duration]]);
    }
  });

  it('are asked for whole after a split, with nothing wrong in between', () => {
    const history = new History();
    const kept = new KeptBars(slow);
    const asking = { history, whole: slow, nowMs: friday };
    cycle(kept, contract, asking);
    history.changes.push(scaled(0.5));
    const after = cycle(kept, contract, { ...asking, nowMs: friday + 5 * minuteMs });
    assert.deepEqual(after.asked, ['3600 S', '10 D']);
    assert.deepEqual(after.bars, history.answer(slow, friday + 5 * minuteMs));
  });

  describe('are not joined with an end that', () => {
    const whole = new History().answer(slow, friday);
    const [before = assert.fail(), complete = assert.fail(), last = assert.fail()] =
      whole.slice(-3);
    const next = { ...last, timeMs: last.timeMs + 30 * minuteMs };
    for (const [what, tail] of [
      ['is empty', []],
      ['lacks the last complete bar', [last, next]],
      ['lacks the bar that was running', [before, complete, next]],
      ['has another volume in the complete bar', [{ ...complete, volume: 1 }, last]],
      [
        'has a bar more between',
        [before, { ...before, timeMs: before.timeMs + 1 }, complete, last],
      ],
      [
        'has another bar before, not its first',
        [whole.at(-4), { ...before, low: 1 }, complete, last],
      ],
      ['goes back in time', [complete, last, complete]],
      ['ends on another day', [complete, last, { ...next, timeMs: friday + 3 * dayMs }]],
      [
        'reaches back beyond them',
        [...whole.slice(0, 1), ...whole]
          .map((bar, index) => (index === 0 ? { ...bar, timeMs: bar.timeMs - 2 } : bar))
          .flatMap((bar, index) =>
            index === 0 ? [{ ...bar, timeMs: bar.timeMs - 1 }, bar] : [bar],
          ),
      ],
    ] as const) {
      it(what, () => {
        const kept = new KeptBars(slow);
        kept.keep(contract, whole);
        const bars = tail.map((bar) => bar ?? assert.fail());
        assert.equal(kept.merge(contract, bars, friday), undefined);
        assert.equal(kept.tailFor(contract, friday), undefined, 'and are kept no longer');
      });
    }

    it('nothing of: its first bar may be cut', () => {
      const kept = new KeptBars(slow);
      kept.keep(contract, whole);
      const tail = [{ ...before, open: 1, timeMs: before.timeMs + 1 }, complete, last, next];
      assert.deepEqual(kept.merge(contract, tail, friday), [...whole, next]);
    });
  });

  it('are those of their own contract, and none that go back in time', () => {
    const kept = new KeptBars(slow);
    const bars = new History().answer(slow, friday);
    kept.keep(contract, bars);
    assert.equal(kept.tailFor(stockContract('NVDA'), friday), undefined);
    assert.notEqual(kept.tailFor(contract, friday), undefined);
    kept.forget(contract);
    assert.equal(kept.tailFor(contract, friday), undefined);
    kept.keep(contract, [...bars, ...bars]);
    assert.equal(kept.tailFor(contract, friday), undefined);
  });
});

describe('bars that are kept, whatever happens', () => {
  /** Between two cycles: time goes by, and TWS may have changed bars. */
  const step = fc.record({
    afterMs: fc.oneof(
      { weight: 6, arbitrary: fc.integer({ min: 15_000, max: 20 * minuteMs }) },
      { weight: 1, arbitrary: fc.integer({ min: 0, max: 4 * dayMs }) },
    ),
    change: fc.constantFrom('none', 'none', 'none', 'none', 'split', 'recent', 'running'),
    factor: fc.constantFrom(0.1, 0.5, 0.99, 2),
    skewMs: fc.constantFrom(0, 0, 0, -45_000, 45_000, 3_600_000, -3_600_000),
    isLost: fc.constantFrom(false, false, false, false, false, true),
  });
  const requests = fc.constantFrom<BarRequest>(
    slow,
    fast,
    { ...slow, duration: '3 D', barSize: '5 mins' },
    { ...slow, duration: '20 D', barSize: '1 hour' },
    { ...slow, duration: '30 D', barSize: '4 hours' },
    { ...slow, duration: '1 Y', barSize: '1 day' },
    { ...slow, duration: '2 W', barSize: '30 mins' },
  );
  const firstBars = fc.constantFrom<History['firstBar']>('whole', 'cut', 'left out');

  it('are what TWS answers to the whole request', () => {
    let tails = 0;
    fc.assert(
      fc.property(
        requests,
        firstBars,
        fc.array(step, { minLength: 5, maxLength: 25 }),
        (whole, firstBar, steps) => {
          const history = new History();
          history.firstBar = firstBar;
          const kept = new KeptBars(whole);
          const contract = stockContract('AAPL');
          let nowMs = friday - 2 * dayMs;
          for (const { afterMs, change, factor, skewMs, isLost } of steps) {
            nowMs += afterMs;
            const times = change === 'none' ? [] : timesOf(history.answer(whole, nowMs));
            // TWS corrects all bars, or those from the last complete one that is kept on.
            const back = change === 'running' ? -1 : change === 'recent' ? -2 : -times.length;
            if (change !== 'none') {
              history.changes.push(scaled(factor, times.at(back)));
            }
            if (isLost) {
              kept.forgetAll();
            }
            // Our clock is wrong by the skew; TWS answers by its own. Both agree on the day.
            const isOneDay = zone.date(nowMs) === zone.date(nowMs + skewMs);
            const ours = nowMs + (isOneDay ? skewMs : 0);
            const tail = kept.tailFor(contract, ours);
            const merged = tail && kept.merge(contract, history.answer(tail, nowMs), ours);
            const all = history.answer(whole, nowMs);
            if (merged === undefined) {
              kept.keep(contract, all);
            } else {
              tails += 1;
              assert.deepEqual(merged, all);
            }
          }
        },
      ),
      { numRuns: 30 },
    );
    assert.ok(tails > 20, `only ${tails} ends were joined`);
  });
});
