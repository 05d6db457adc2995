import type { MarketBar, StockMarket } from './market';
import type { Zone } from './zone';

/** `always`: trades around the clock, so that there are signals at any hour. `exchange`: US hours. */
export type TradingHours = 'always' | 'exchange';

/** One stretch of trading; `day` is the midnight that begins its trading day. */
export interface Session {
  readonly startMs: number;
  readonly endMs: number;
  readonly day: number;
}

/**
 * When the market is open. `exchange` knows weekdays, 09:30-16:00 and 04:00-20:00, and no
 * holidays; `always` is one session a day, from midnight to midnight.
 */
export class TradingCalendar {
  constructor(
    readonly zone: Zone,
    readonly hours: TradingHours,
  ) {}

  /** Sessions of the days that touch `fromMs` to `toMs`, oldest first. */
  sessions(fromMs: number, toMs: number, regularOnly: boolean): readonly Session[] {
    const found: Session[] = [];
    for (let day = this.zone.midnight(fromMs); day < toMs; day = this.zone.midnight(day, 1)) {
      const session = this.session(day, regularOnly);
      if (session !== undefined) {
        found.push(session);
      }
    }
    return found;
  }

  /** Today and the five days after it as contract details state hours: `20260406:0930-20260406:1600;…`. */
  hoursText(nowMs: number, regularOnly: boolean): string {
    const days = [0, 1, 2, 3, 4, 5].map((shift) => this.zone.midnight(nowMs, shift));
    const at = (epochMs: number): string =>
      `${this.zone.date(epochMs)}:${this.zone.hoursMinutes(epochMs)}`;
    return days
      .map((day) => {
        const session = this.session(day, regularOnly);
        return session === undefined
          ? `${this.zone.date(day)}:CLOSED`
          : `${at(session.startMs)}-${at(session.endMs)}`;
      })
      .join(';');
  }

  /** The session of the day that begins at `day`; undefined when the market stays closed. */
  session(day: number, regularOnly: boolean): Session | undefined {
    const next = this.zone.midnight(day, 1);
    if (this.hours === 'always') {
      return { startMs: day, endMs: next, day };
    }
    const weekday = this.zone.weekday(day);
    if (weekday === 0 || weekday === 6) {
      return undefined;
    }
    const wall = this.zone.wallTime(day);
    const at = (hour: number, minute: number): number =>
      this.zone.epochMs({ ...wall, hour, minute });
    return regularOnly
      ? { startMs: at(9, 30), endMs: at(16, 0), day }
      : { startMs: at(4, 0), endMs: at(20, 0), day };
  }
}

const secondMs = 1000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;

type BarSize =
  { readonly kind: 'span'; readonly ms: number } | { readonly kind: 'day' | 'week' | 'month' };

/** TWS's own spellings (IBKR's documentation of reqHistoricalData). */
const barSizes: ReadonlyMap<string, BarSize> = new Map([
  ...spans('sec', secondMs, [1, 5, 10, 15, 30]),
  ...spans('min', minuteMs, [1, 2, 3, 5, 10, 15, 20, 30]),
  ...spans('hour', hourMs, [1, 2, 3, 4, 8]),
  ...['1 day', '1D'].map((name): [string, BarSize] => [name, { kind: 'day' }]),
  ...['1 week', '1W'].map((name): [string, BarSize] => [name, { kind: 'week' }]),
  ...['1 month', '1M'].map((name): [string, BarSize] => [name, { kind: 'month' }]),
]);

function spans(unit: string, ms: number, counts: readonly number[]): [string, BarSize][] {
  return counts.flatMap((count) => {
    const size: BarSize = { kind: 'span', ms: count * ms };
    const names = count === 1 ? [`1 ${unit}`, `1 ${unit}s`] : [`${count} ${unit}s`];
    return names.map((name): [string, BarSize] => [name, size]);
  });
}

export interface HistoryQuery {
  /** End of the range; the newest bar is the one that runs at that time. */
  readonly endMs: number;
  readonly duration: string;
  readonly barSize: string;
  readonly regularOnly: boolean;
}

export interface History {
  readonly startMs: number;
  readonly endMs: number;
  /** True when a bar stands for a day or more: it is then stamped with a date alone. */
  readonly daily: boolean;
  readonly bars: readonly MarketBar[];
}

/** Why TWS would refuse a query, in the form of its own message. */
export interface Refusal {
  readonly code: number;
  readonly text: string;
}

export type HistoryAnswer =
  | { readonly ok: true; readonly history: History }
  | { readonly ok: false; readonly refusal: Refusal };

/** More than any chart asks for; a real TWS refuses long ranges of small bars as well. */
const mostBars = 20_000;
const mostYears = 10;
/** Beyond it TWS wants days. */
const mostSeconds = 86_400;
const daysOfUnit: ReadonlyMap<string, number> = new Map([
  ['S', 1 / 86_400],
  ['D', 1],
  ['W', 7],
  ['M', 30],
  ['Y', 365],
]);

const validation = "Error validating request.-'cg' : cause - ";

function refuse(code: number, text: string): { readonly ok: false; readonly refusal: Refusal } {
  return { ok: false, refusal: { code, text } };
}

/** Bars as TWS would send them for a duration and a bar size in its own spelling. */
export function historyOf(
  market: StockMarket,
  calendar: TradingCalendar,
  query: HistoryQuery,
): HistoryAnswer {
  const size = barSizes.get(query.barSize.trim());
  if (size === undefined) {
    return refuse(321, `${validation}Historical data bar size setting is invalid.`);
  }
  const duration = /^(\d{1,6}) ([SDWMY])$/.exec(query.duration.trim());
  const count = Number(duration?.[1]);
  const unit = duration?.[2];
  if (unit === undefined || !(count >= 1)) {
    return refuse(321, `${validation}Historical data query duration is invalid.`);
  }
  if (unit === 'S' && count > mostSeconds) {
    const cause = `Historical data request for greater than ${mostSeconds} seconds rejected.`;
    return refuse(321, `${validation}${cause}`);
  }
  const range = rangeOf(calendar, query, { count, unit, size });
  const tooLong = refuse(
    162,
    'Historical Market Data Service error message:Time length exceed max.',
  );
  if (range === undefined) {
    return tooLong;
  }
  const spansOfBars =
    size.kind === 'span' ? cut(range, size.ms) : group(range, size, calendar.zone);
  if (spansOfBars.length > mostBars) {
    return tooLong;
  }
  const bars = spansOfBars.map((span) => ({
    ...market.bar(span.startMs, span.endMs),
    timeMs: span.stampMs,
  }));
  const { startMs, endMs } = range;
  return { ok: true, history: { startMs, endMs, daily: size.kind !== 'span', bars } };
}

interface Extent {
  readonly count: number;
  readonly unit: string;
  readonly size: BarSize;
}

interface Range {
  readonly startMs: number;
  readonly endMs: number;
  /** The sessions that touch the range, whole. */
  readonly sessions: readonly Session[];
}

/** Undefined when the range is longer than the market's memory. */
function rangeOf(
  calendar: TradingCalendar,
  { endMs, regularOnly }: HistoryQuery,
  extent: Extent,
): Range | undefined {
  const { zone } = calendar;
  if (extent.count * (daysOfUnit.get(extent.unit) ?? 0) > mostYears * 366) {
    return undefined;
  }
  const wholeDays = extent.size.kind !== 'span';
  if (extent.unit === 'D' && (wholeDays || calendar.hours === 'exchange')) {
    // Two weekdays of seven are closed, so twice the days hold enough sessions.
    const from = zone.midnight(endMs, -extent.count * 2 - 7);
    const sessions = begunSessions(calendar, from, endMs, regularOnly).slice(-extent.count);
    return { startMs: sessions[0]?.startMs ?? endMs, endMs, sessions };
  }
  if (extent.unit === 'S' && extent.size.kind === 'span') {
    return secondsBefore(calendar, { endMs, regularOnly }, extent.count, extent.size.ms);
  }
  const startMs = startOf(zone, endMs, extent);
  // A day's bar is never cut: the day on which the range begins is left out instead.
  const from = wholeDays ? zone.midnight(startMs, 1) : startMs;
  return { startMs, endMs, sessions: begunSessions(calendar, from, endMs, regularOnly) };
}

/**
 * IBKR counts seconds in trading time: over a night they reach into the session before. The bar in
 * which they begin is given whole (rust-ibapi issue 835: an answer of a real TWS).
 */
function secondsBefore(
  calendar: TradingCalendar,
  { endMs, regularOnly }: Pick<HistoryQuery, 'endMs' | 'regularOnly'>,
  count: number,
  barMs: number,
): Range {
  const wholeDays = Math.ceil(count / 3600 / 6) * 2 + 7;
  const from = calendar.zone.midnight(endMs, -wholeDays);
  const sessions = begunSessions(calendar, from, endMs, regularOnly);
  let leftMs = count * secondMs;
  for (let index = sessions.length - 1; index >= 0; index -= 1) {
    const session = sessions[index];
    const lengthMs = session === undefined ? 0 : Math.min(session.endMs, endMs) - session.startMs;
    if (session !== undefined && leftMs <= lengthMs) {
      const startMs = session.startMs + lengthMs - leftMs;
      const mark = session.day + Math.floor((startMs - session.day) / barMs) * barMs;
      const firstMs = Math.max(session.startMs, mark);
      return { startMs: firstMs, endMs, sessions: sessions.slice(index) };
    }
    leftMs -= lengthMs;
  }
  return { startMs: from, endMs, sessions };
}

function begunSessions(
  calendar: TradingCalendar,
  fromMs: number,
  endMs: number,
  regularOnly: boolean,
): readonly Session[] {
  return calendar
    .sessions(fromMs, endMs, regularOnly)
    .filter((session) => session.startMs < endMs && session.endMs > fromMs);
}

function startOf(zone: Zone, endMs: number, range: Extent): number {
  const dayMs = 24 * hourMs;
  switch (range.unit) {
    case 'S':
      return endMs - range.count * secondMs;
    case 'D':
      return endMs - range.count * dayMs;
    case 'W':
      return endMs - range.count * 7 * dayMs;
    case 'M': {
      const wall = zone.wallTime(endMs);
      return zone.epochMs({ ...wall, month: wall.month - range.count });
    }
    default: {
      const wall = zone.wallTime(endMs);
      return zone.epochMs({ ...wall, year: wall.year - range.count });
    }
  }
}

interface BarSpan {
  readonly startMs: number;
  readonly endMs: number;
  /** What the bar is stamped with. */
  readonly stampMs: number;
}

/**
 * Bars on the clock's own marks, so that the bar of a given time is the same whatever range
 * was asked for: one that began before the range is left out, a session's first may be short.
 */
function cut(range: Range, barMs: number): readonly BarSpan[] {
  const spansOfBars: BarSpan[] = [];
  for (const session of range.sessions) {
    const firstMs = Math.max(session.startMs, range.startMs);
    let mark = session.day + Math.floor((firstMs - session.day) / barMs) * barMs;
    const lastMs = Math.min(session.endMs, range.endMs);
    for (; mark < lastMs && spansOfBars.length <= mostBars; mark += barMs) {
      const startMs = Math.max(mark, session.startMs);
      if (startMs >= range.startMs) {
        const endMs = Math.min(mark + barMs, session.endMs, endOfMinute(range.endMs));
        spansOfBars.push({ startMs, endMs, stampMs: startMs });
      }
    }
  }
  return spansOfBars;
}

/** A minute is the market's smallest whole: the one that runs now is given complete. */
function endOfMinute(epochMs: number): number {
  return Math.ceil(epochMs / minuteMs) * minuteMs;
}

/** Bars of days, weeks or months, stamped with their last trading day. */
function group(range: Range, size: BarSize, zone: Zone): readonly BarSpan[] {
  const groups = new Map<string, BarSpan>();
  for (const session of range.sessions) {
    const key = groupKey(session.day, size, zone);
    const startMs = groups.get(key)?.startMs ?? session.startMs;
    const endMs = Math.min(session.endMs, endOfMinute(range.endMs));
    groups.set(key, { startMs, endMs, stampMs: session.day });
  }
  return [...groups.values()];
}

function groupKey(day: number, size: BarSize, zone: Zone): string {
  switch (size.kind) {
    case 'week':
      return zone.date(zone.midnight(day, -((zone.weekday(day) + 6) % 7)));
    case 'month':
      return zone.date(day).slice(0, 6);
    default:
      return zone.date(day);
  }
}

/**
 * Reads an end time in any of TWS's forms: empty (now), `20260402 09:30:00 US/Eastern`,
 * `20260402 09:30:00` (taken as the exchange's time) or `20260402-14:30:00` (UTC).
 * Undefined when it is none of them.
 */
export function parseEndTime(text: string, nowMs: number, zone: Zone): number | undefined {
  if (text.trim() === '') {
    return nowMs;
  }
  const match = /^(\d{4})(\d\d)(\d\d)([ -]+)(\d\d):(\d\d):(\d\d)(?: (\S.*))?$/.exec(text.trim());
  if (match === null) {
    return undefined;
  }
  const [year = 0, month = 0, day = 0] = [match[1], match[2], match[3]].map(Number);
  const [hour = 0, minute = 0, second = 0] = [match[5], match[6], match[7]].map(Number);
  const name = match[8];
  const isUtc = match[4] === '-' || name === 'UTC' || name === 'GMT';
  return isUtc
    ? Date.UTC(year, month - 1, day, hour, minute, second)
    : zone.epochMs({ year, month, day, hour, minute, second });
}
