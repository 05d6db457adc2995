import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { MarketHours } from '../../src/ibkr/tradingHours';
import {
  isOpen,
  lastClose,
  nextOpen,
  readTradingHours,
  withFallback,
} from '../../src/ibkr/tradingHours';

const utc = (text: string): number => Date.parse(`${text}Z`);
const sessions = ({ sessions: all }: MarketHours): readonly string[] =>
  all.map(({ fromMs, untilMs }) => `${shown(fromMs)} ${shown(untilMs)}`);
const covered = ({ covered: all }: MarketHours): readonly string[] =>
  all.map(({ fromMs, untilMs }) => `${shown(fromMs)} ${shown(untilMs)}`);
const shown = (ms: number): string => new Date(ms).toISOString().slice(5, 16);

describe('the hours in contract details', () => {
  it('are read in the form with both days', () => {
    const hours = readTradingHours(
      '20251018:CLOSED;20251019:CLOSED;20251020:0400-20251020:2000',
      'US/Eastern',
    );
    assert.deepEqual(sessions(hours), ['10-20T08:00 10-21T00:00']);
    assert.deepEqual(covered(hours), ['10-18T04:00 10-21T04:00']);
    assert.deepEqual(hours.ignored, []);
  });

  it('are read in the older form, sessions that touch as one', () => {
    const hours = readTradingHours('20090507:0700-1830,1830-2330;20090508:CLOSED', 'GMT');
    assert.deepEqual(sessions(hours), ['05-07T07:00 05-07T23:30']);
    assert.deepEqual(covered(hours), ['05-07T00:00 05-09T00:00']);
  });

  it('keep the break of noon', () => {
    const hours = readTradingHours(
      '20260305:0930-20260305:1200;20260305:1300-20260305:1600',
      'Hongkong',
    );
    assert.deepEqual(sessions(hours), ['03-05T01:30 03-05T04:00', '03-05T05:00 03-05T08:00']);
    assert.equal(isOpen(hours, utc('2026-03-05T04:30')), false);
  });

  it('begin the evening before where a session of the older form ends before it begins', () => {
    const hours = readTradingHours('20130114:1700-1515,1530-1615;20130115:1700-1515', 'US/Central');
    assert.deepEqual(sessions(hours), [
      '01-13T23:00 01-14T21:15',
      '01-14T21:30 01-14T22:15',
      '01-14T23:00 01-15T21:15',
    ]);
  });

  it('go over midnight, and the evening after the last session is not told', () => {
    const hours = readTradingHours(
      '20250521:1700-20250522:1600;20250522:1700-20250523:1600;20250524:CLOSED;' +
        '20250525:1700-20250526:1200;20250526:1700-20250527:1600;20250527:1700-20250528:1600',
      'US/Central',
    );
    assert.equal(sessions(hours).length, 5);
    // One hour after the last close the next session may begin, or not.
    assert.deepEqual(covered(hours), ['05-21T22:00 05-28T22:00']);
    assert.equal(isOpen(hours, utc('2025-05-21T21:30')), undefined, 'before the first session');
    assert.equal(isOpen(hours, utc('2025-05-24T15:00')), false, 'on Saturday');
    assert.equal(isOpen(hours, utc('2025-05-25T21:59')), false, 'on Sunday before it opens');
    assert.equal(isOpen(hours, utc('2025-05-25T22:00')), true, 'on Sunday when it has opened');
    assert.equal(isOpen(hours, utc('2025-05-28T21:30')), false, 'after the last close');
    assert.equal(isOpen(hours, utc('2025-05-28T22:30')), undefined, 'the evening after');
  });

  it('open on the evening of a day that is closed, where a session says so', () => {
    const hours = readTradingHours('20180325:CLOSED;20180326:1715-1700', 'US/Eastern');
    assert.equal(isOpen(hours, utc('2018-03-25T21:00')), false);
    assert.equal(isOpen(hours, utc('2018-03-25T21:30')), true);
  });

  it('say nothing of a day that is not named', () => {
    const hours = readTradingHours('20260406:0930-1600;20260408:0930-1600', 'US/Eastern');
    assert.equal(isOpen(hours, utc('2026-04-07T15:00')), undefined);
    assert.equal(nextOpen(hours, utc('2026-04-06T21:00')), undefined);
    assert.equal(lastClose(hours, utc('2026-04-08T12:00')), undefined);
    assert.deepEqual(covered(hours), ['04-06T04:00 04-07T04:00', '04-08T04:00 04-09T04:00']);
  });

  it('take 23:59 before midnight for midnight', () => {
    const hours = readTradingHours('20260404:0000-2359;20260405:0000-2359', 'UTC');
    assert.deepEqual(sessions(hours), ['04-04T00:00 04-05T23:59']);
    assert.deepEqual(sessions(readTradingHours('20260404:0000-2400', 'UTC')), [
      '04-04T00:00 04-05T00:00',
    ]);
    assert.deepEqual(sessions(readTradingHours('20260404:1800-0000', 'UTC')), [
      '04-04T18:00 04-05T00:00',
    ]);
  });

  it('follow the change to summer time', () => {
    const hours = readTradingHours(
      '20260306:0930-20260306:1600;20260307:CLOSED;20260308:CLOSED;20260309:0930-20260309:1600',
      'US/Eastern',
    );
    assert.deepEqual(sessions(hours), ['03-06T14:30 03-06T21:00', '03-09T13:30 03-09T20:00']);
  });

  it('come in any order and more than once', () => {
    const text = '20260407:0930-1600;20260406:0930-1600;20260407:0930-1600';
    assert.equal(sessions(readTradingHours(text, 'US/Eastern')).length, 2);
  });

  for (const [text, reason] of [
    ['nonsense', /"nonsense" does not begin with a day/],
    ['20260231:0930-1600', /does not begin with a day/],
    ['20260406:0930', /"0930" of 20260406 is neither a session nor CLOSED/],
    ['20260406:', /neither a session nor CLOSED/],
    ['20260406:2560-2700', /has a day or a time that does not exist/],
    ['20260406:0930-20260431:1600', /has a day or a time that does not exist/],
    ['20260406:1600-20260406:0930', /ends before it begins/],
    ['20260406:0930-20260506:1600', /is longer than a week/],
    [`20260406:${'x'.repeat(500)}`, /x…" of/],
  ] as const) {
    it(`leave out ${text.slice(0, 40)} and say why`, () => {
      const hours = readTradingHours(`${text};20260407:0930-1600`, 'US/Eastern');
      assert.equal(hours.sessions.length, 1);
      assert.equal(hours.ignored.length, 1);
      assert.match(hours.ignored[0] ?? '', reason);
      assert.ok((hours.ignored[0] ?? '').length < 150);
    });
  }

  it('are unknown without a text, and in a zone that nobody knows', () => {
    const empty = readTradingHours('', 'US/Eastern');
    assert.equal(isOpen(empty, utc('2026-04-07T15:00')), undefined);
    const nowhere = readTradingHours('20260407:0930-1600', '');
    assert.equal(isOpen(nowhere, utc('2026-04-07T15:00')), undefined);
    assert.match(nowhere.ignored[0] ?? '', /time zone of the hours, "", is not known/);
  });

  it('tell the next opening and the last close, also from within a session', () => {
    const hours = readTradingHours(
      '20260403:CLOSED;20260404:CLOSED;20260405:CLOSED;20260406:0930-1600;20260407:0930-1600',
      'US/Eastern',
    );
    const within = utc('2026-04-07T15:00');
    assert.equal(nextOpen(hours, utc('2026-04-04T15:00')), utc('2026-04-06T13:30'));
    assert.equal(lastClose(hours, within), utc('2026-04-06T20:00'));
    assert.equal(nextOpen(hours, within), undefined);
    assert.equal(lastClose(hours, utc('2026-04-06T15:00')), undefined);
    assert.equal(lastClose(hours, utc('2026-04-06T20:00')), utc('2026-04-06T20:00'));
    assert.equal(isOpen(hours, utc('2026-04-06T13:30')), true, 'it opens on the minute');
    assert.equal(isOpen(hours, utc('2026-04-06T20:00')), false, 'it closes on the minute');
  });

  it('are read whatever the text', () => {
    const piece = fc.oneof(
      fc.constantFrom('20260406', '20260407', ':', '-', ',', ';', 'CLOSED', '0930', '1600', '2400'),
      fc.string({ maxLength: 4 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const hours = readTradingHours(pieces.join(''), 'US/Eastern');
        for (const spans of [hours.sessions, hours.covered]) {
          spans.forEach(({ fromMs, untilMs }, index) => {
            assert.ok(fromMs < untilMs);
            assert.ok((spans[index - 1]?.untilMs ?? -Infinity) < fromMs);
          });
        }
        for (const { fromMs, untilMs } of hours.sessions) {
          assert.ok(
            hours.covered.some((span) => span.fromMs <= fromMs && untilMs <= span.untilMs),
            'a session is within what is known',
          );
        }
      }),
    );
  });
});

describe('hours with others behind them', () => {
  const own = readTradingHours('20260406:0930-1300', 'US/Eastern');
  const other = readTradingHours('20260406:0930-1600;20260407:0930-1600', 'US/Eastern');

  it('are the first where the first tells them, else the others', () => {
    const both = withFallback(own, other);
    assert.deepEqual(sessions(both), ['04-06T13:30 04-06T17:00', '04-07T13:30 04-07T20:00']);
    assert.deepEqual(covered(both), ['04-06T04:00 04-08T04:00']);
    assert.equal(nextOpen(both, utc('2026-04-06T18:00')), utc('2026-04-07T13:30'));
  });

  it('are the others where the zone of the first is not known', () => {
    const both = withFallback(readTradingHours('20260406:0930-1300', 'Nowhere'), other);
    assert.deepEqual(sessions(both), sessions(other));
    assert.equal(both.ignored.length, 1);
  });
});
