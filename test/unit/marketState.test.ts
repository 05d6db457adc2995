import assert from 'node:assert/strict';
import { usEquityHours } from '../../src/ibkr/marketCalendar';
import { marketState } from '../../src/ibkr/marketState';
import { readTradingHours, withFallback } from '../../src/ibkr/tradingHours';

const utc = (text: string): number => Date.parse(`${text}Z`);

describe('the state of a market', () => {
  const hours = usEquityHours({
    fromMs: utc('2026-11-20T12:00'),
    untilMs: utc('2026-12-01T12:00'),
  });

  it('is open, since and until when', () => {
    assert.deepEqual(marketState(utc('2026-11-20T15:00'), hours), {
      state: 'open',
      sinceMs: utc('2026-11-20T14:30'),
      untilMs: utc('2026-11-20T21:00'),
      words: 'The market is open since Fri 20 Nov 09:30 until Fri 20 Nov 16:00 (America/New_York).',
    });
  });

  it('is closed, and the holiday is named', () => {
    assert.deepEqual(marketState(utc('2026-11-26T15:00'), hours), {
      state: 'closed',
      sinceMs: utc('2026-11-25T21:00'),
      untilMs: utc('2026-11-27T14:30'),
      words:
        'The market is closed since Wed 25 Nov 16:00 until Fri 27 Nov 09:30 (America/New_York): Thanksgiving Day.',
    });
    assert.match(marketState(utc('2026-11-21T15:00'), hours).words, /: weekend\.$/);
    assert.match(
      marketState(utc('2026-11-27T19:00'), hours).words,
      /: early close after Thanksgiving Day\.$/,
    );
    assert.match(marketState(utc('2026-11-24T23:00'), hours).words, /\(America\/New_York\)\.$/);
  });

  it('is closed with an end that is not known where the hours end', () => {
    const told = readTradingHours('20260406:0930-20260406:1600', 'US/Eastern');
    assert.deepEqual(marketState(utc('2026-04-06T21:00'), told), {
      state: 'closed',
      sinceMs: utc('2026-04-06T20:00'),
      untilMs: undefined,
      words: 'The market is closed since Mon 6 Apr 16:00 (US/Eastern).',
    });
    const closed = readTradingHours('20260406:CLOSED', 'US/Eastern');
    assert.equal(marketState(utc('2026-04-06T15:00'), closed).words, 'The market is closed.');
  });

  for (const [why, hoursThen, words] of [
    ['nobody told', undefined, 'nobody has told its hours'],
    ['TWS told none', readTradingHours('', 'US/Eastern'), 'TWS has told no hours'],
    [
      'the zone is not known',
      readTradingHours('20260406:CLOSED', 'Mars'),
      'its time zone, "Mars", is not known',
    ],
    [
      'the hours are of days gone by',
      readTradingHours('20260406:CLOSED', 'US/Eastern'),
      'the hours that TWS has told end Tue 7 Apr 00:00 (US/Eastern)',
    ],
    [
      'the hours are of days to come',
      readTradingHours('20260510:CLOSED', 'US/Eastern'),
      'TWS has told no hours for Wed 8 Apr 11:00 (US/Eastern)',
    ],
  ] as const) {
    it(`is unknown, never closed, when ${why}`, () => {
      assert.deepEqual(marketState(utc('2026-04-08T15:00'), hoursThen), {
        state: 'unknown',
        sinceMs: undefined,
        untilMs: undefined,
        words: `Whether the market is open is not known: ${words}.`,
      });
    });
  }

  it('goes on by the calendar where TWS has told no more', () => {
    const told = readTradingHours('20261120:0930-20261120:1600', 'US/Eastern');
    const state = marketState(utc('2026-11-22T15:00'), withFallback(told, hours));
    assert.equal(state.state, 'closed');
    assert.equal(state.sinceMs, utc('2026-11-20T21:00'));
    assert.equal(state.untilMs, utc('2026-11-23T14:30'));
  });
});
