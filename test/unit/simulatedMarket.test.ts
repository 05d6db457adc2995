import assert from 'node:assert/strict';
import {
  type HistoryQuery,
  TradingCalendar,
  historyOf,
  parseEndTime,
} from '../../src/simulator/history';
import { type MarketBar, StockMarket, isStockSymbol } from '../../src/simulator/market';
import { usEastern } from '../../src/simulator/zone';

const sundayMorning = Date.parse('2026-11-22T08:12:34Z');
const always = new TradingCalendar(usEastern(), 'always');
const exchange = new TradingCalendar(usEastern(), 'exchange');

function query(difference: Partial<HistoryQuery>): HistoryQuery {
  const usual = { endMs: sundayMorning, duration: '1 D', barSize: '1 min', regularOnly: true };
  return { ...usual, ...difference };
}

function bars(
  symbol: string,
  difference: Partial<HistoryQuery>,
  calendar = always,
): readonly MarketBar[] {
  const answer = historyOf(new StockMarket(symbol), calendar, query(difference));
  assert.ok(answer.ok, JSON.stringify(answer));
  return answer.history.bars;
}

function refusalCode(difference: Partial<HistoryQuery>): number | undefined {
  const answer = historyOf(new StockMarket('AAPL'), always, query(difference));
  return answer.ok ? undefined : answer.refusal.code;
}

/** Distances between changes of sign of SMA 10 minus SMA 20. */
function crossDistances(closes: readonly number[]): readonly number[] {
  const mean = (end: number, length: number): number =>
    closes.slice(end - length, end).reduce((sum, close) => sum + close, 0) / length;
  const distances: number[] = [];
  let last = 0;
  let lastAt = 0;
  for (let end = 20; end <= closes.length; end += 1) {
    const sign = Math.sign(mean(end, 10) - mean(end, 20));
    if (sign !== 0 && sign !== last) {
      if (last !== 0) {
        distances.push(end - lastAt);
      }
      last = sign;
      lastAt = end;
    }
  }
  return distances;
}

describe('simulated market', () => {
  it('knows the way US stock symbols are written', () => {
    for (const symbol of ['A', 'AAPL', 'GOOGL', 'BRK.B', 'BRK B', 'BF.A']) {
      assert.ok(isStockSymbol(symbol), symbol);
    }
    for (const symbol of ['', 'aapl', 'TOOLONG', '7203', 'EUR/USD', 'BRK.', '.B', 'A\n']) {
      assert.ok(!isStockSymbol(symbol), symbol);
    }
  });

  it('gives the same bars to everyone, and other bars to other symbols', () => {
    assert.deepEqual(bars('AAPL', {}), bars('AAPL', {}));
    const closes = (symbol: string): readonly number[] => bars(symbol, {}).map((bar) => bar.close);
    assert.notDeepEqual(closes('AAPL'), closes('NVDA'));
  });

  it('gives the bar of a time the same shape in every range', () => {
    const day = bars('TSLA', { duration: '1 D', barSize: '5 mins' });
    const later = bars('TSLA', {
      duration: '3 D',
      barSize: '5 mins',
      endMs: sundayMorning + 7_200_000,
    });
    const byTime = new Map(later.map((bar) => [bar.timeMs, bar]));
    for (const bar of day.slice(0, -1)) {
      assert.deepEqual(byTime.get(bar.timeMs), bar);
    }
  });

  it('adds minute bars up to longer ones', () => {
    const minutes = bars('NVDA', { duration: '2 D', barSize: '1 min' });
    for (const barSize of ['30 mins', '1 hour', '4 hours']) {
      const long = bars('NVDA', { duration: '1 D', barSize });
      assert.ok(long.length >= 6);
      for (const [index, bar] of long.entries()) {
        const end = long[index + 1]?.timeMs ?? Infinity;
        const parts = minutes.filter((part) => part.timeMs >= bar.timeMs && part.timeMs < end);
        assert.equal(bar.open, parts[0]?.open);
        assert.equal(bar.close, parts.at(-1)?.close);
        assert.equal(bar.high, Math.max(...parts.map((part) => part.high)));
        assert.equal(bar.low, Math.min(...parts.map((part) => part.low)));
        assert.equal(
          bar.volume,
          parts.reduce((sum, part) => sum + part.volume, 0),
        );
      }
    }
  });

  it('keeps bars of seconds inside the bar of their minute', () => {
    const [minute] = bars('F', { duration: '60 S', barSize: '1 min' });
    assert.ok(minute !== undefined);
    const seconds = bars('F', { duration: '300 S', barSize: '5 secs' }).filter(
      (bar) => bar.timeMs >= minute.timeMs && bar.timeMs < minute.timeMs + 60_000,
    );
    assert.ok(seconds.length >= 6);
    assert.ok(seconds.every((bar) => bar.high <= minute.high && bar.low >= minute.low));
  });

  it('has sane bars', () => {
    for (const symbol of ['AAPL', 'F', 'BRK.B', 'Z', 'QQQQQ']) {
      for (const bar of bars(symbol, { duration: '10 D', barSize: '30 mins' })) {
        assert.ok(bar.low > 0 && bar.volume > 0 && bar.trades > 0);
        assert.ok(bar.low <= Math.min(bar.open, bar.close));
        assert.ok(bar.high >= Math.max(bar.open, bar.close));
        assert.ok(bar.average >= bar.low && bar.average <= bar.high);
      }
    }
  });

  it('crosses SMA 10 and 20 every so often on every usual bar size', () => {
    for (const [barSize, duration] of [
      ['1 min', '1 D'],
      ['5 mins', '5 D'],
      ['30 mins', '30 D'],
      ['1 hour', '60 D'],
      ['1 day', '1 Y'],
    ] as const) {
      const distances = ['AAPL', 'NVDA', 'TSLA'].flatMap((symbol) =>
        crossDistances(bars(symbol, { duration, barSize }).map((bar) => bar.close)),
      );
      const average = distances.reduce((sum, distance) => sum + distance, 0) / distances.length;
      assert.ok(distances.length >= 20, `${barSize}: ${distances.length} crosses`);
      assert.ok(average >= 15 && average <= 60, `${barSize}: every ${average} bars`);
    }
  });

  it('trades around the clock up to now', () => {
    const minutes = bars('AAPL', { duration: '1 D', barSize: '1 min' });
    assert.equal(minutes.length, 1440);
    assert.equal(minutes.at(-1)?.timeMs, Date.parse('2026-11-22T08:12:00Z'));
    const halfHours = bars('AAPL', { duration: '10 D', barSize: '30 mins' });
    assert.equal(halfHours.length, 480);
    assert.equal(halfHours.at(-1)?.timeMs, Date.parse('2026-11-22T08:00:00Z'));
    const days = bars('AAPL', { duration: '1 Y', barSize: '1 day' });
    assert.equal(days.length, 365);
    assert.equal(usEastern().date(days.at(-1)?.timeMs ?? 0), '20261122');
  });

  it('keeps to the hours of the exchange when told to', () => {
    const zone = usEastern();
    const halfHours = bars('AAPL', { duration: '2 D', barSize: '30 mins' }, exchange);
    assert.deepEqual(
      [zone.date(halfHours[0]?.timeMs ?? 0), zone.time(halfHours[0]?.timeMs ?? 0)],
      ['20261119', '09:30:00'],
    );
    assert.equal(halfHours.length, 26);
    assert.equal(zone.time(halfHours.at(-1)?.timeMs ?? 0), '15:30:00');
    const hours = bars('AAPL', { duration: '1 D', barSize: '1 hour' }, exchange);
    assert.deepEqual(
      hours.map((bar) => zone.hoursMinutes(bar.timeMs)),
      ['0930', '1000', '1100', '1200', '1300', '1400', '1500'],
    );
    const extended = bars('AAPL', { duration: '1 D', regularOnly: false }, exchange);
    assert.equal(extended.length, 16 * 60);
    const days = bars('AAPL', { duration: '10 D', barSize: '1 day' }, exchange);
    assert.equal(days.length, 10);
    assert.equal(zone.date(days.at(-1)?.timeMs ?? 0), '20261120');
    assert.equal(
      exchange.hoursText(Date.parse('2026-11-20T15:00:00Z'), true),
      '20261120:0930-20261120:1600;20261121:CLOSED;20261122:CLOSED;' +
        '20261123:0930-20261123:1600;20261124:0930-20261124:1600;20261125:0930-20261125:1600',
    );
  });

  it('counts a duration in seconds in trading time, and gives the bar whole in which it begins', () => {
    const zone = usEastern();
    const times = (endMs: number, duration: string, barSize = '30 mins'): readonly string[] =>
      bars('AAPL', { endMs, duration, barSize }, exchange).map(
        ({ timeMs }) => `${zone.date(timeMs).slice(6)} ${zone.hoursMinutes(timeMs)}`,
      );
    const monday = Date.parse('2026-11-23T14:35:00Z');
    assert.deepEqual(times(monday, '300 S'), ['23 0930']);
    assert.deepEqual(times(monday, '3600 S'), ['20 1500', '20 1530', '23 0930']);
    assert.deepEqual(times(sundayMorning, '1800 S'), ['20 1530']);
    const day = times(monday, '86400 S', '1 hour');
    assert.deepEqual([day[0], day.length], ['17 1100', 27]);
    const [first] = bars(
      'AAPL',
      { endMs: monday, duration: '3600 S', barSize: '30 mins' },
      exchange,
    );
    const whole = bars('AAPL', { endMs: monday, duration: '2 D', barSize: '30 mins' }, exchange);
    assert.deepEqual(first, whole.at(-3));
    assert.equal(refusalCode({ duration: '86401 S' }), 321);
  });

  it('groups days into weeks and months', () => {
    const weeks = bars('AAPL', { duration: '10 W', barSize: '1W' });
    assert.ok(weeks.length === 10 || weeks.length === 11, String(weeks.length));
    assert.equal(bars('AAPL', { duration: '6 M', barSize: '1M' }).length, 7);
  });

  it('survives the nights on which the clocks change', () => {
    for (const night of ['2026-11-01T12:00:00Z', '2026-03-08T12:00:00Z']) {
      const endMs = Date.parse(night);
      const times = bars('AAPL', { endMs, duration: '1 D', barSize: '1 hour' }).map(
        (bar) => bar.timeMs,
      );
      assert.equal(times.length, 24);
      assert.equal(new Set(times).size, 24);
    }
  });

  it('takes every duration and bar size of TWS and refuses others as TWS does', () => {
    for (const duration of ['60 S', '3600 S', '1 D', '10 D', '2 W', '6 M', '1 Y']) {
      assert.equal(refusalCode({ duration, barSize: '1 day' }), undefined, duration);
    }
    for (const barSize of [
      ...['1 secs', '5 secs', '10 secs', '15 secs', '30 secs', '1 min', '2 mins', '3 mins'],
      ...['5 mins', '10 mins', '15 mins', '20 mins', '30 mins', '1 hour', '2 hours', '3 hours'],
      ...['4 hours', '8 hours', '1 day', '1W', '1M'],
    ]) {
      assert.equal(refusalCode({ duration: '7200 S', barSize }), undefined, barSize);
    }
    assert.equal(refusalCode({ barSize: '7 mins' }), 321);
    assert.equal(refusalCode({ barSize: 'constructor' }), 321);
    for (const duration of ['', '1', 'D', '0 D', '-1 D', '1 X', '1.5 D', '1  D']) {
      assert.equal(refusalCode({ duration }), 321, duration);
    }
    assert.equal(refusalCode({ duration: '1 Y', barSize: '1 secs' }), 162);
    assert.equal(refusalCode({ duration: '99999 D', barSize: '1 day' }), 162);
    assert.equal(refusalCode({ duration: '999999 Y', barSize: '1 day' }), 162);
  });

  it('reads end times in the forms of TWS', () => {
    const zone = usEastern();
    const read = (text: string): number | undefined => parseEndTime(text, 5, zone);
    assert.equal(read(''), 5);
    assert.equal(read('20260402 09:30:00 US/Eastern'), Date.parse('2026-04-02T13:30:00Z'));
    assert.equal(read('20260402  09:30:00'), Date.parse('2026-04-02T13:30:00Z'));
    assert.equal(read('20260402-13:30:00'), Date.parse('2026-04-02T13:30:00Z'));
    assert.equal(read('20260402 13:30:00 UTC'), Date.parse('2026-04-02T13:30:00Z'));
    assert.equal(read('yesterday'), undefined);
  });
});
