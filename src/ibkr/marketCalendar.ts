import { TimeZone } from '../core/timeZone';
import type { MarketHours, NamedSpan, Span } from './tradingHours';
import { joined } from './tradingHours';

/** A day of the US stock exchanges, New York time. */
export type UsEquityDay =
  | { readonly kind: 'closed'; readonly name: string }
  /** Minutes after midnight; `name` says why it closes early. */
  | {
      readonly kind: 'open';
      readonly openMinute: number;
      readonly closeMinute: number;
      readonly name?: string;
    };

/** What is known of an instrument's venue, in the words of TWS. */
export interface Venue {
  /** `STK`, `FUT`, … */
  readonly secType: string;
  readonly currency: string;
  /** The primary exchange where there is one, else the exchange. */
  readonly exchange: string;
}

const dayMs = 86_400_000;
const minuteMs = 60_000;
const openMinute = 9 * 60 + 30;
const closeMinute = 16 * 60;
const earlyCloseMinute = 13 * 60;
const saturday = 6;

/** Before it the rules were others, and closures are not listed here. */
const firstYear = 2013;

/**
 * Days on which the exchanges did not open, by no rule. Sources: announcements of NYSE Group and
 * of Nasdaq, December 2018 and December 2024.
 */
const closures: ReadonlyMap<string, string> = new Map([
  ['2018-12-05', 'National Day of Mourning for George H. W. Bush'],
  ['2025-01-09', 'National Day of Mourning for Jimmy Carter'],
]);

/** As TWS names the exchanges where US stocks are listed or traded. */
const usExchanges: ReadonlySet<string> = new Set(
  ['NYSE', 'NASDAQ', 'ISLAND', 'ARCA', 'AMEX', 'BATS', 'IEX', 'NYSENAT', 'CHX', 'BYX', 'EDGEA']
    .concat(['DRCTEDGE', 'EDGX', 'BEX', 'PSX', 'MEMX', 'PEARL', 'LTSE'])
    .concat(['NASDAQ.NMS', 'NASDAQ.SCM']),
);

/**
 * The regular session of the NYSE and Nasdaq on a day, by NYSE Rule 7.2: 09:30 to 16:00, or to
 * 13:00 before some holidays. Agrees with the exchange's own tables of 2020 to 2028.
 * @param month from 1
 * @returns undefined before 2013
 */
export function usEquityDay(year: number, month: number, day: number): UsEquityDay | undefined {
  if (year < firstYear) {
    return undefined;
  }
  const ms = Date.UTC(year, month - 1, day);
  const weekday = weekdayOf(ms);
  if (weekday === 0 || weekday === saturday) {
    return { kind: 'closed', name: 'weekend' };
  }
  const closed = closures.get(new Date(ms).toISOString().slice(0, 10)) ?? holiday(ms);
  if (closed !== undefined) {
    return { kind: 'closed', name: closed };
  }
  const early = earlyClose(ms);
  return early === undefined
    ? { kind: 'open', openMinute, closeMinute }
    : { kind: 'open', openMinute, closeMinute: earlyCloseMinute, name: early };
}

/**
 * The regular sessions of US stocks, by the calendar, for the days that touch a span. Ask for a
 * week to each side of a time to know the last close and the next opening. A closure that the
 * exchanges announce at short notice is not in it.
 */
export function usEquityHours({ fromMs, untilMs }: Span): MarketHours {
  const zoneName = 'America/New_York';
  const zone = new TimeZone(zoneName);
  const sessions: Span[] = [];
  const covered: Span[] = [];
  const holidays: NamedSpan[] = [];
  const last = zone.wallMs(untilMs);
  for (let day = Math.floor(zone.wallMs(fromMs) / dayMs) * dayMs; day <= last; day += dayMs) {
    const date = new Date(day);
    const known = usEquityDay(date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate());
    if (known === undefined) {
      continue;
    }
    const span = (from: number, until: number): Span => ({
      fromMs: zone.epochMs(day + from * minuteMs),
      untilMs: zone.epochMs(day + until * minuteMs),
    });
    covered.push(span(0, 1440));
    if (known.kind === 'closed') {
      holidays.push({ ...span(0, 1440), name: known.name });
      continue;
    }
    sessions.push(span(known.openMinute, known.closeMinute));
    if (known.name !== undefined) {
      holidays.push({ ...span(known.closeMinute, closeMinute), name: known.name });
    }
  }
  const source = 'the calendar of the US stock exchanges';
  return { source, zoneName, zone, sessions, covered: joined(covered), holidays, ignored: [] };
}

/**
 * What the calendar knows of an instrument's regular session; undefined for anything but US
 * stocks: every other venue has only what TWS tells.
 */
export function calendarHours(venue: Venue, span: Span): MarketHours | undefined {
  return venue.secType === 'STK' && venue.currency === 'USD' && usExchanges.has(venue.exchange)
    ? usEquityHours(span)
    : undefined;
}

/** The holiday that closes the exchanges on a weekday. */
function holiday(ms: number): string | undefined {
  const date = new Date(ms);
  const year = date.getUTCFullYear();
  const holidays: readonly (readonly [name: string, ms: number])[] = [
    // On a Saturday it is not observed: the Friday before ends the year's accounts.
    ["New Year's Day", sundayToMonday(Date.UTC(year, 0, 1))],
    ['Martin Luther King, Jr. Day', nthWeekday(year, 0, 1, 3)],
    ["Washington's Birthday", nthWeekday(year, 1, 1, 3)],
    ['Good Friday', easter(year) - 2 * dayMs],
    ['Memorial Day', lastMonday(year, 4)],
    ...(year < 2022
      ? []
      : [['Juneteenth National Independence Day', observed(Date.UTC(year, 5, 19))] as const]),
    ['Independence Day', observed(Date.UTC(year, 6, 4))],
    ['Labor Day', nthWeekday(year, 8, 1, 1)],
    ['Thanksgiving Day', thanksgiving(year)],
    ['Christmas Day', observed(Date.UTC(year, 11, 25))],
  ];
  return holidays.find(([, on]) => on === ms)?.[0];
}

/** Why a trading day ends at 13:00. A Friday before a holiday on Saturday is no trading day. */
function earlyClose(ms: number): string | undefined {
  const year = new Date(ms).getUTCFullYear();
  switch (ms) {
    case Date.UTC(year, 6, 3):
      return 'early close before Independence Day';
    case thanksgiving(year) + dayMs:
      return 'early close after Thanksgiving Day';
    case Date.UTC(year, 11, 24):
      return 'early close before Christmas Day';
    default:
      return undefined;
  }
}

/** 0 is Sunday. */
function weekdayOf(ms: number): number {
  return new Date(ms).getUTCDay();
}

function sundayToMonday(ms: number): number {
  return weekdayOf(ms) === 0 ? ms + dayMs : ms;
}

function observed(ms: number): number {
  return weekdayOf(ms) === saturday ? ms - dayMs : sundayToMonday(ms);
}

/** @param month from 0 */
function nthWeekday(year: number, month: number, weekday: number, n: number): number {
  const first = Date.UTC(year, month, 1);
  return first + (((weekday - weekdayOf(first) + 7) % 7) + (n - 1) * 7) * dayMs;
}

function lastMonday(year: number, month: number): number {
  return nthWeekday(year, month + 1, 1, 1) - 7 * dayMs;
}

function thanksgiving(year: number): number {
  return nthWeekday(year, 10, 4, 4);
}

/** Easter Sunday, by the Gregorian computus (the form of Meeus, Jones and Butcher). */
function easter(year: number): number {
  const golden = year % 19;
  const century = Math.floor(year / 100);
  const ofCentury = year % 100;
  const lunar = Math.floor((century - Math.floor((century + 8) / 25) + 1) / 3);
  const epact = (19 * golden + century - Math.floor(century / 4) - lunar + 15) % 30;
  const toSunday =
    (32 + 2 * (century % 4) + 2 * Math.floor(ofCentury / 4) - epact - (ofCentury % 4)) % 7;
  const late = Math.floor((golden + 11 * epact + 22 * toSunday) / 451);
  const days = epact + toSunday - 7 * late + 114;
  return Date.UTC(year, Math.floor(days / 31) - 1, (days % 31) + 1);
}
