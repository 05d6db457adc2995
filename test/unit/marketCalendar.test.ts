import assert from 'node:assert/strict';
import fc from 'fast-check';
import { calendarHours, usEquityDay, usEquityHours } from '../../src/ibkr/marketCalendar';
import { isOpen, lastClose, nextOpen } from '../../src/ibkr/tradingHours';

const utc = (text: string): number => Date.parse(`${text}Z`);

/**
 * NYSE Group, holiday and early closings calendars announced on 2019-12-27 (2020 to 2022), with
 * Juneteenth of 2021-12-27 (2022 to 2024), 2024-11-08 (2025 to 2027) and 2025-12-23 (2026 to 2028);
 * closure of 2025-01-09 announced on 2024-12-30.
 */
const published: Readonly<Record<number, { readonly closed: string; readonly early: string }>> = {
  2020: {
    closed: '01-01 01-20 02-17 04-10 05-25 07-03 09-07 11-26 12-25',
    early: '11-27 12-24',
  },
  2021: {
    closed: '01-01 01-18 02-15 04-02 05-31 07-05 09-06 11-25 12-24',
    early: '11-26',
  },
  2022: {
    closed: '01-17 02-21 04-15 05-30 06-20 07-04 09-05 11-24 12-26',
    early: '11-25',
  },
  2023: {
    closed: '01-02 01-16 02-20 04-07 05-29 06-19 07-04 09-04 11-23 12-25',
    early: '07-03 11-24',
  },
  2024: {
    closed: '01-01 01-15 02-19 03-29 05-27 06-19 07-04 09-02 11-28 12-25',
    early: '07-03 11-29 12-24',
  },
  2025: {
    closed: '01-01 01-09 01-20 02-17 04-18 05-26 06-19 07-04 09-01 11-27 12-25',
    early: '07-03 11-28 12-24',
  },
  2026: {
    closed: '01-01 01-19 02-16 04-03 05-25 06-19 07-03 09-07 11-26 12-25',
    early: '11-27 12-24',
  },
  2027: {
    closed: '01-01 01-18 02-15 03-26 05-31 06-18 07-05 09-06 11-25 12-24',
    early: '11-26',
  },
  2028: {
    closed: '01-17 02-21 04-14 05-29 06-19 07-04 09-04 11-23 12-25',
    early: '07-03 11-24',
  },
};

function daysOf(year: number): readonly Date[] {
  const days: Date[] = [];
  for (let ms = Date.UTC(year, 0, 1); ms < Date.UTC(year + 1, 0, 1); ms += 86_400_000) {
    days.push(new Date(ms));
  }
  return days;
}

function dayOf(date: Date): ReturnType<typeof usEquityDay> {
  return usEquityDay(date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate());
}

function isWeekend(date: Date): boolean {
  return date.getUTCDay() === 0 || date.getUTCDay() === 6;
}

describe('the calendar of the US stock exchanges', () => {
  for (const [year, { closed, early }] of Object.entries(published)) {
    it(`agrees with the table published for ${year}, day by day`, () => {
      const days = daysOf(Number(year)).filter((date) => !isWeekend(date));
      const shown = (date: Date): string => date.toISOString().slice(5, 10);
      const closedDays = days.filter((date) => dayOf(date)?.kind === 'closed').map(shown);
      const earlyDays = days.filter((date) => {
        const day = dayOf(date);
        return day?.kind === 'open' && day.closeMinute === 13 * 60;
      });
      assert.equal(closedDays.join(' '), closed);
      assert.equal(earlyDays.map(shown).join(' '), early);
    });
  }

  it('knows the older closures and holidays that it covers', () => {
    assert.deepEqual(usEquityDay(2018, 12, 5), {
      kind: 'closed',
      name: 'National Day of Mourning for George H. W. Bush',
    });
    assert.equal(usEquityDay(2013, 3, 29)?.kind, 'closed', 'Good Friday 2013');
    assert.equal(usEquityDay(2016, 3, 25)?.kind, 'closed', 'Good Friday 2016');
    assert.equal(usEquityDay(2021, 6, 18)?.kind, 'open', 'Juneteenth came in 2022');
    assert.equal(usEquityDay(2021, 12, 31)?.kind, 'open', "New Year's Day on a Saturday");
  });

  it('says nothing of years whose rules it does not know', () => {
    assert.equal(usEquityDay(2012, 10, 29), undefined);
    assert.deepEqual(
      usEquityHours({ fromMs: utc('2012-10-01'), untilMs: utc('2012-11-01') }).covered,
      [],
    );
  });

  it('keeps what is true of every year', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2013, max: 2150 }), (year) => {
        const holidays = daysOf(year).filter(
          (date) => !isWeekend(date) && dayOf(date)?.kind === 'closed',
        );
        const oneOff = [2018, 2025].includes(year) ? 1 : 0;
        const rules = year < 2022 ? 9 : 10;
        // New Year's Day on a Saturday is not observed.
        const expected = rules - (new Date(Date.UTC(year, 0, 1)).getUTCDay() === 6 ? 1 : 0);
        assert.equal(holidays.length, expected + oneOff);
        for (const date of daysOf(year)) {
          const day = dayOf(date);
          assert.ok(day !== undefined && (!isWeekend(date) || day.kind === 'closed'));
          if (day.kind === 'open' && day.name !== undefined) {
            assert.ok(date.getUTCDay() >= 1 && date.getUTCDay() <= 5);
            assert.ok([7, 11, 12].includes(date.getUTCMonth() + 1));
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it('gives sessions as instants, in summer and in winter', () => {
    const hours = usEquityHours({
      fromMs: utc('2026-03-06T12:00'),
      untilMs: utc('2026-03-09T12:00'),
    });
    assert.deepEqual(
      hours.sessions.map(({ fromMs }) => new Date(fromMs).toISOString()),
      ['2026-03-06T14:30:00.000Z', '2026-03-09T13:30:00.000Z'],
    );
    assert.equal(isOpen(hours, utc('2026-03-07T15:00')), false);
    assert.equal(lastClose(hours, utc('2026-03-07T15:00')), utc('2026-03-06T21:00'));
    assert.equal(nextOpen(hours, utc('2026-03-07T15:00')), utc('2026-03-09T13:30'));
    assert.equal(isOpen(hours, utc('2026-03-12T15:00')), undefined, 'outside the days asked for');
  });

  it('closes early', () => {
    const hours = usEquityHours({ fromMs: utc('2026-11-27'), untilMs: utc('2026-11-28') });
    assert.equal(isOpen(hours, utc('2026-11-27T17:59')), true);
    assert.equal(isOpen(hours, utc('2026-11-27T18:00')), false);
  });
});

describe('the calendar of an instrument', () => {
  const span = { fromMs: utc('2026-04-06'), untilMs: utc('2026-04-08') };

  for (const exchange of ['NASDAQ', 'NYSE', 'ARCA', 'BATS', 'AMEX']) {
    it(`is that of the US exchanges for a stock at ${exchange}`, () => {
      const hours = calendarHours({ secType: 'STK', currency: 'USD', exchange }, span);
      assert.ok(hours !== undefined && hours.sessions.length > 0);
    });
  }

  for (const [secType, currency, exchange] of [
    ['STK', 'EUR', 'IBIS'],
    ['STK', 'USD', 'LSEETF'],
    ['FUT', 'USD', 'CME'],
    ['CASH', 'USD', 'IDEALPRO'],
    ['STK', 'USD', ''],
  ] as const) {
    it(`is not known for ${secType} in ${currency} at "${exchange}"`, () => {
      assert.equal(calendarHours({ secType, currency, exchange }, span), undefined);
    });
  }
});
