import assert from 'node:assert/strict';
import fc from 'fast-check';
import { TimeZone } from '../../src/core/timeZone';
import { instantNamed, zoneNamed } from '../../src/ibkr/timeZones';

const hourMs = 3_600_000;
const winterMs = Date.UTC(2026, 0, 15, 12);
const summerMs = Date.UTC(2026, 6, 15, 12);

/** Runtimes call a zone by its old or its new id: zones are compared by their clocks. */
function offsets(zone: TimeZone | undefined): readonly (number | undefined)[] {
  return [winterMs, summerMs].map((atMs) => zone && zone.offsetMs(atMs) / hourMs);
}

describe('a time zone', () => {
  const newYork = new TimeZone('America/New_York');

  it('shows the wall clock, to the millisecond', () => {
    assert.equal(
      newYork.wallMs(Date.UTC(2026, 3, 2, 13, 30, 5, 7)),
      Date.UTC(2026, 3, 2, 9, 30, 5, 7),
    );
    assert.equal(newYork.wallMs(-1), Date.UTC(1969, 11, 31, 19) - 1);
  });

  it('knows the two instants of a time that comes twice, and takes the first', () => {
    const wall = Date.UTC(2026, 10, 1, 1, 30);
    assert.deepEqual(newYork.instants(wall), [
      Date.UTC(2026, 10, 1, 5, 30),
      Date.UTC(2026, 10, 1, 6, 30),
    ]);
    assert.equal(newYork.epochMs(wall), Date.UTC(2026, 10, 1, 5, 30));
  });

  it('reads a time that summer time skips as the one as long after the change', () => {
    const wall = Date.UTC(2026, 2, 8, 2, 30);
    assert.deepEqual(newYork.instants(wall), []);
    assert.equal(newYork.wallMs(newYork.epochMs(wall)), Date.UTC(2026, 2, 8, 3, 30));
  });

  it('keeps step with a zone that changes by half an hour, and with one that left out a day', () => {
    const lordHowe = new TimeZone('Australia/Lord_Howe');
    assert.equal(lordHowe.instants(Date.UTC(2026, 3, 5, 1, 45)).length, 2);
    const apia = new TimeZone('Pacific/Apia');
    assert.deepEqual(apia.instants(Date.UTC(2011, 11, 30, 12)), []);
    assert.equal(apia.wallMs(apia.epochMs(Date.UTC(2011, 11, 30, 12))), Date.UTC(2011, 11, 31, 12));
  });

  it('comes back to every instant from its wall clock', () => {
    const zones = ['America/New_York', 'Europe/London', 'Asia/Kolkata', 'Australia/Lord_Howe']
      .concat(['Africa/Casablanca', 'Asia/Tokyo', 'America/St_Johns', 'UTC'])
      .map((id) => new TimeZone(id));
    fc.assert(
      fc.property(
        fc.constantFrom(...zones),
        fc.integer({ min: Date.UTC(2005, 0), max: Date.UTC(2036, 0) }),
        (zone, atMs) => {
          const instants = zone.instants(zone.wallMs(atMs));
          assert.ok(instants.includes(atMs));
          assert.ok(instants.every((each) => zone.wallMs(each) === zone.wallMs(atMs)));
          assert.equal(zone.epochMs(zone.wallMs(atMs)), instants[0]);
        },
      ),
    );
  });

  it('has an id', () => {
    assert.equal(newYork.id, 'America/New_York');
    assert.equal(zoneNamed('EST')?.id, 'America/New_York');
  });

  it('refuses an id that is none', () => {
    assert.throws(() => new TimeZone('Nowhere/Land'), RangeError);
  });
});

describe('the name of a time zone in TWS', () => {
  for (const [name, id] of [
    // In first frames of TWS and IB Gateway, as people have reported them.
    ['Central European Standard Time', 'Europe/Berlin'],
    ['Central European Summer Time', 'Europe/Berlin'],
    ['Central European Time', 'Europe/Berlin'],
    ['British Summer Time', 'Europe/London'],
    ['Greenwich Mean Time', 'Europe/London'],
    ['GMT Standard Time', 'Europe/London'],
    ['China Standard Time', 'Asia/Shanghai'],
    ['Central Standard Time', 'America/Chicago'],
    ['Eastern Standard Time', 'America/New_York'],
    ['Eastern Daylight Time', 'America/New_York'],
    ['Hong Kong Time', 'Asia/Hong_Kong'],
    ['Coordinated Universal Time', 'UTC'],
    ['EST', 'America/New_York'],
    ['CET', 'Europe/Berlin'],
    ['CEST', 'Europe/Berlin'],
    ['HKT', 'Asia/Hong_Kong'],
    ['JST', 'Asia/Tokyo'],
    ['SGT', 'Asia/Singapore'],
    ['CST', 'America/Chicago'],
    ['GMT', 'UTC'],
    // Runtimes take these for Dhaka, Darwin and New South Wales' namesakes of long ago.
    ['BST', 'Europe/London'],
    ['IST', 'Asia/Kolkata'],
    // In contract details.
    ['US/Eastern', 'America/New_York'],
    ['US/Central', 'America/Chicago'],
    ['America/New_York', 'America/New_York'],
    ['Asia/Hong_Kong', 'Asia/Hong_Kong'],
    ['Asia/Calcutta', 'Asia/Kolkata'],
    ['America/Argentina/Buenos_Aires', 'America/Argentina/Buenos_Aires'],
    ['EST5EDT', 'America/New_York'],
    ['MET', 'Europe/Berlin'],
    ['Japan', 'Asia/Tokyo'],
    ['Hongkong', 'Asia/Hong_Kong'],
    ['Israel', 'Asia/Jerusalem'],
    ['GB-Eire', 'Europe/London'],
    ['GB', 'Europe/London'],
    ['ROK', 'Asia/Seoul'],
    // Of Windows.
    ['W. Europe Standard Time', 'Europe/Berlin'],
    ['W. Europe Summer Time', 'Europe/Berlin'],
    ['Romance Standard Time', 'Europe/Paris'],
    ['FLE Standard Time', 'Europe/Kiev'],
    ['AUS Eastern Standard Time', 'Australia/Sydney'],
    ['Pacific Standard Time (Mexico)', 'America/Tijuana'],
    ['Eastern Standard Time (Mexico)', 'America/Cancun'],
    ['US Mountain Standard Time', 'America/Phoenix'],
    ['Arab Standard Time', 'Asia/Riyadh'],
    ['Australian Eastern Standard Time (New South Wales)', 'Australia/Sydney'],
    ['Russia Time Zone 11', 'Asia/Kamchatka'],
    ['UTC-02', 'Etc/GMT+2'],
    // Nothing but an offset.
    ['GMT+01:00', 'Etc/GMT-1'],
    ['GMT-05:00', 'Etc/GMT+5'],
    ['UTC', 'UTC'],
    ['GMT+00:00', 'UTC'],
    // As people write it.
    ['  central  european STANDARD time ', 'Europe/Berlin'],
    ['Pétropavlovsk-Kamchatski Time', 'Asia/Kamchatka'],
    ['us/eastern', 'America/New_York'],
  ] as const) {
    it(`${name} is that of ${id}`, () => {
      assert.deepEqual(offsets(zoneNamed(name)), offsets(new TimeZone(id)));
    });
  }

  for (const name of [
    '',
    'Nowhere Standard Time',
    'Nowhere/Land',
    'Mitteleurop\u00e4ische Zeit',
    '\u4e2d\u56fd\u6807\u51c6\u65f6\u95f4',
    '\ufffd\u0439\ufffd\ufffd\ufffd\u05fc\u02b1\ufffd\ufffd',
    'AST',
    'SST',
    'XYZ',
    'GMT+25:00',
    '-',
    'toString',
    'A'.repeat(5000),
  ]) {
    it(`${JSON.stringify(name.slice(0, 30))} is not known`, () => {
      assert.equal(zoneNamed(name), undefined);
    });
  }

  it('is known for all but a few of the long English names of this runtime', () => {
    const missed: string[] = [];
    for (const id of Intl.supportedValuesOf('timeZone')) {
      const format = new Intl.DateTimeFormat('en-US', { timeZone: id, timeZoneName: 'long' });
      for (const atMs of [winterMs, summerMs]) {
        const name = format.formatToParts(atMs).find(({ type }) => type === 'timeZoneName')?.value;
        const wallMs = new TimeZone(id).wallMs(atMs);
        const found = zoneNamed(name ?? '', { wallMs, atMs });
        if (found === undefined) {
          missed.push(`${id}: ${name ?? ''}`);
        }
      }
    }
    // Newer runtimes may bring new names.
    assert.ok(missed.length <= 8, missed.join('\n'));
  });

  describe('with a reading of its clock', () => {
    for (const [name, offset, atMs, id] of [
      ['CST', -6, winterMs, 'America/Chicago'],
      ['CST', 8, winterMs, 'Asia/Shanghai'],
      ['IST', 5.5, summerMs, 'Asia/Kolkata'],
      ['IST', 1, summerMs, 'Europe/Dublin'],
      ['IST', 2, winterMs, 'Asia/Jerusalem'],
      ['AST', -4, winterMs, 'America/Halifax'],
      ['AST', 3, winterMs, 'Asia/Riyadh'],
      ['MST', -7, summerMs, 'America/Phoenix'],
      ['MST', -7, winterMs, 'America/Denver'],
      ['EST', -5, summerMs, 'America/Panama'],
      ['Arabian Standard Time', 3, winterMs, 'Asia/Riyadh'],
      ['Arabian Standard Time', 4, winterMs, 'Asia/Dubai'],
      ['Samoa Standard Time', -11, winterMs, 'Pacific/Pago_Pago'],
      ['Samoa Standard Time', 13, winterMs, 'Pacific/Apia'],
      ['Greenwich Mean Time', 0, winterMs, 'Europe/London'],
      ['Greenwich Mean Time', 0, summerMs, 'UTC'],
    ] as const) {
      it(`${name}, ${String(offset)} h ahead, is that of ${id}`, () => {
        // Its clock is four minutes slow.
        const wallMs = atMs + offset * hourMs - 240_000;
        assert.deepEqual(offsets(zoneNamed(name, { wallMs, atMs })), offsets(new TimeZone(id)));
      });
    }

    it('is not known where the two disagree', () => {
      const wallMs = winterMs + 3 * hourMs;
      assert.equal(zoneNamed('Eastern Standard Time', { wallMs, atMs: winterMs }), undefined);
    });
  });
});

describe('a time with the name of a zone', () => {
  it('is an instant', () => {
    const wallMs = Date.UTC(2026, 6, 15, 9, 30);
    assert.equal(instantNamed(wallMs, 'US/Eastern'), Date.UTC(2026, 6, 15, 13, 30));
    assert.equal(instantNamed(wallMs, 'British Summer Time'), Date.UTC(2026, 6, 15, 8, 30));
    assert.equal(instantNamed(wallMs, 'Nowhere'), undefined);
  });

  it('in Greenwich Mean Time is never summer time', () => {
    const wallMs = Date.UTC(2026, 6, 15, 9, 30);
    assert.equal(instantNamed(wallMs, 'Greenwich Mean Time'), wallMs);
  });
});
