import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import {
  regionsOf,
  type ResetKind,
  type ResetPlace,
  windowsAt,
  windowsBetween,
} from '../../src/ibkr/resetWindows';

const zones = [
  'America/New_York',
  'America/Los_Angeles',
  'America/Sao_Paulo',
  'Europe/London',
  'Europe/Zurich',
  'Asia/Hong_Kong',
  'Asia/Kolkata',
  'Australia/Lord_Howe',
  'Pacific/Apia',
  'UTC',
] as const;

const minute = 60_000;
const day = 1440 * minute;

function kinds(at: string, place: ResetPlace): readonly ResetKind[] {
  return windowsAt(Date.parse(at), place).map(({ kind }) => kind);
}

describe('the reset windows', () => {
  const table: readonly [string, string, string | undefined, readonly ResetKind[]][] = [
    ['US 00:20 ET in winter', '2026-01-14T05:20:00Z', 'America/New_York', ['server reset']],
    ['US 00:20 ET in summer', '2026-07-15T04:20:00Z', 'America/New_York', ['server reset']],
    [
      'US 01:10 ET the second time, in the night of the change',
      '2026-11-01T06:10:00Z',
      'America/Denver',
      ['server reset', 'weekly login'],
    ],
    ['US 23:50 ET', '2026-07-15T03:50:00Z', 'America/Denver', ['server reset']],
    ['US 02:00 ET, over', '2026-07-15T06:00:00Z', 'America/New_York', []],
    ['UK 05:27 local in winter', '2026-01-14T05:27:00Z', 'Europe/London', ['server reset']],
    ['UK 05:27 local in summer', '2026-07-15T04:27:00Z', 'Europe/London', ['server reset']],
    [
      'UK 05:27 local is no time of the US',
      '2026-01-14T05:27:00Z',
      'America/Chicago',
      ['server reset'],
    ],
    ['Hong Kong 20:30', '2026-07-15T12:30:00Z', 'Asia/Tokyo', ['server reset']],
    ['Hong Kong 05:00', '2026-07-14T21:00:00Z', 'Asia/Tokyo', ['server reset']],
    ['Friday 23:30 ET', '2026-07-18T03:30:00Z', 'Europe/Zurich', ['weekend maintenance']],
    ['Saturday 03:00 ET, over', '2026-07-18T07:00:00Z', 'Europe/Zurich', []],
    ['Sunday 00:59 ET', '2026-07-19T04:59:00Z', 'America/New_York', ['server reset']],
    ['Sunday 01:00 ET', '2026-07-19T05:00:00Z', 'Asia/Hong_Kong', ['weekly login']],
    ['Monday 11:00 ET', '2026-07-20T15:00:00Z', 'America/New_York', ['weekly login']],
    ['Monday 12:00 ET, over', '2026-07-20T16:00:00Z', 'America/New_York', []],
    ["23:45 by the machine's clock", '2026-07-15T21:45:30Z', 'Europe/Zurich', ['daily restart']],
    ['23:45 of another machine', '2026-07-15T21:45:30Z', 'Europe/London', []],
    ['noon', '2026-07-15T16:00:00Z', 'America/New_York', []],
  ];
  for (const [name, at, zone, expected] of table) {
    it(`${name}: ${expected.join(', ') || 'none'}`, () => {
      assert.deepEqual(kinds(at, { zone }), expected);
    });
  }

  it('follow another restart time', () => {
    const place = { zone: 'Europe/Zurich', restartMinute: 6 * 60 };
    assert.ok(kinds('2026-07-15T04:03:00Z', place).includes('daily restart'));
    assert.deepEqual(kinds('2026-07-15T21:45:30Z', place), []);
  });

  it('begin and end right on the days of the clock change', () => {
    const place = { zone: undefined };
    const login = (at: string) =>
      windowsAt(Date.parse(at), place).find(({ kind }) => kind === 'weekly login');
    // Sunday 01:00 in New York comes an hour before summer time begins, and twice when it ends.
    assert.equal(login('2026-03-08T12:00:00Z')?.fromMs, Date.parse('2026-03-08T06:00:00Z'));
    assert.equal(login('2026-11-01T12:00:00Z')?.fromMs, Date.parse('2026-11-01T05:00:00Z'));
  });

  it('know a region by the zone, none by UTC, and take all where no zone is known', () => {
    assert.deepEqual(regionsOf('Europe/Berlin'), ['Europe']);
    assert.deepEqual(regionsOf('Australia/Sydney'), ['Asia-Pacific']);
    assert.deepEqual(regionsOf('UTC'), []);
    assert.equal(regionsOf(undefined).length, 3);
  });

  const moment = fc.integer({
    min: Date.parse('2015-01-01T00:00:00Z'),
    max: Date.parse('2035-01-01T00:00:00Z'),
  });
  const anyPlace = fc
    .option(fc.constantFrom(...zones), { nil: undefined })
    .map((zone): ResetPlace => ({ zone }));

  it('hold the time that they were asked for, and name a source', () => {
    fc.assert(
      fc.property(moment, anyPlace, (at, place) => {
        for (const { fromMs, untilMs, source, name } of windowsAt(at, place)) {
          assert.ok(fromMs <= at && at < untilMs);
          assert.ok(untilMs - fromMs <= 1.6 * day && source !== '' && name !== '');
        }
      }),
      { numRuns: 300 },
    );
  });

  it('are the same from anywhere inside, and gone outside', () => {
    fc.assert(
      fc.property(
        moment,
        anyPlace,
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (at, place, share) => {
          for (const window of windowsAt(at, place)) {
            const inside = window.fromMs + Math.floor(share * (window.untilMs - window.fromMs));
            const hit = windowsAt(inside, place).some(
              ({ kind, fromMs, untilMs }) =>
                kind === window.kind && fromMs === window.fromMs && untilMs === window.untilMs,
            );
            assert.ok(hit, `${window.name} is not open at ${new Date(inside).toISOString()}`);
            const after = windowsAt(window.untilMs, place);
            assert.ok(
              after.every(({ fromMs, kind }) => kind !== window.kind || fromMs > window.fromMs),
            );
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  it('of a span hold those of every moment in it', () => {
    fc.assert(
      fc.property(
        moment,
        fc.nat(3 * day),
        anyPlace,
        fc.double({ min: 0, max: 1, noNaN: true }),
        (from, length, place, share) => {
          const all = windowsBetween(from, from + length, place);
          const at = from + Math.floor(share * length);
          for (const { kind, fromMs } of windowsAt(at, place)) {
            assert.ok(all.some((window) => window.kind === kind && window.fromMs === fromMs));
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  it('show the times of the published table on the wall clock of their place', () => {
    fc.assert(
      fc.property(moment, (at) => {
        const clock = (ms: number, timeZone: string): string =>
          new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit' }).format(
            ms,
          );
        for (const { kind, fromMs } of windowsBetween(at, at + day, { zone: 'America/Chicago' })) {
          const expected = {
            'server reset': '23:45',
            'weekend maintenance': '23:00',
            'weekly login': '01:00',
          };
          if (kind !== 'daily restart') {
            assert.equal(clock(fromMs, 'America/New_York'), expected[kind]);
          } else {
            assert.equal(clock(fromMs, 'America/Chicago'), '23:44');
          }
        }
      }),
      { numRuns: 150 },
    );
  });
});
