import type { TimeZone } from '../core/timeZone';
import { zoneNamed } from './timeZones';

/** A stretch of time, milliseconds since the epoch; it holds `fromMs` and not `untilMs`. */
export interface Span {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** A stretch that has a name: a holiday, what an early close takes away. */
export interface NamedSpan extends Span {
  readonly name: string;
}

/** When a market is open, as far as somebody has said so. */
export interface MarketHours {
  /** Who says so, for a sentence: `TWS`. */
  readonly source: string;
  /** The zone as its source calls it. */
  readonly zoneName: string;
  /** Undefined where nobody knows that name; nothing else is known then. */
  readonly zone: TimeZone | undefined;
  /** In order, apart from each other. */
  readonly sessions: readonly Span[];
  /** Where sessions are all there is; outside it is not known. In order, apart from each other. */
  readonly covered: readonly Span[];
  /** Why there is no session, where it is known; not in order. */
  readonly holidays: readonly NamedSpan[];
  /** What was not understood, a sentence each. */
  readonly ignored: readonly string[];
}

/** A part of the text, in minutes of the wall clock since 1970-01-01 00:00. */
interface Entry {
  readonly kind: 'session' | 'closed';
  readonly from: number;
  readonly until: number;
}

const minuteMs = 60_000;
const dayMinutes = 1440;
/** Currencies trade a week without a break; anything longer is a wrong date. */
const longestSession = 8 * dayMinutes;
/** TWS tells a month at most, one or two sessions a day. */
const maxParts = 400;

/**
 * The hours in contract details, `tradingHours` (whenever the contract trades) or `liquidHours`
 * (the regular session). Both forms of TWS are read: `20090507:0700-1830,1830-2330;20090508:CLOSED`
 * where a session that ends before it begins has begun the day before, and
 * `20180323:0400-20180323:2000`.
 * @param timeZoneId the zone in the same contract details
 */
export function readTradingHours(text: string, timeZoneId: string): MarketHours {
  const zone = zoneNamed(timeZoneId);
  const hours = { source: 'TWS', zoneName: timeZoneId, holidays: [] };
  if (zone === undefined) {
    const ignored = [`The time zone of the hours, "${timeZoneId}", is not known.`];
    return { ...hours, zone, sessions: [], covered: [], ignored };
  }
  const { entries, ignored } = readEntries(text);
  const toSpan = ({ from, until }: Pick<Entry, 'from' | 'until'>): Span => ({
    fromMs: zone.epochMs(from * minuteMs),
    untilMs: zone.epochMs(until * minuteMs),
  });
  const sessions = entries.filter(({ kind }) => kind === 'session');
  return {
    ...hours,
    zone,
    sessions: joined(joinMidnights(sessions).map(toSpan)),
    covered: joined(stretches(entries).map(toSpan)),
    ignored,
  };
}

/** Whether the market is open; undefined where that is not known. */
export function isOpen(hours: MarketHours, atMs: number): boolean | undefined {
  return at(hours.sessions, atMs) !== undefined
    ? true
    : at(hours.covered, atMs) === undefined
      ? undefined
      : false;
}

/** When the next session begins, after `atMs`; undefined where that is not known. */
export function nextOpen(hours: MarketHours, atMs: number): number | undefined {
  const next = hours.sessions.find(({ fromMs }) => fromMs > atMs)?.fromMs;
  return next !== undefined && isCovered(hours, atMs, next) ? next : undefined;
}

/** When the last session ended, `atMs` or before; undefined where that is not known. */
export function lastClose(hours: MarketHours, atMs: number): number | undefined {
  const last = hours.sessions.findLast(({ untilMs }) => untilMs <= atMs)?.untilMs;
  return last !== undefined && isCovered(hours, last, atMs) ? last : undefined;
}

/** Hours told by one source and, where it tells nothing, by another: the calendar behind TWS. */
export function withFallback(first: MarketHours, second: MarketHours): MarketHours {
  if (first.zone === undefined) {
    return { ...second, ignored: [...first.ignored, ...second.ignored] };
  }
  const rest = (spans: readonly Span[]): readonly Span[] =>
    first.covered.reduce<readonly Span[]>(
      (left, cut) => left.flatMap((span) => without(span, cut)),
      spans,
    );
  return {
    ...first,
    source: `${first.source}, otherwise ${second.source}`,
    sessions: joined([...first.sessions, ...rest(second.sessions)]),
    covered: joined([...first.covered, ...second.covered]),
    holidays: [...first.holidays, ...second.holidays],
    ignored: [...first.ignored, ...second.ignored],
  };
}

/** Spans in order, those that touch or overlap as one. */
export function joined(spans: readonly Span[]): readonly Span[] {
  const result: Span[] = [];
  for (const span of spans.toSorted((a, b) => a.fromMs - b.fromMs)) {
    const last = result.at(-1);
    if (last !== undefined && span.fromMs <= last.untilMs) {
      result.splice(-1, 1, { ...last, untilMs: Math.max(last.untilMs, span.untilMs) });
    } else if (span.fromMs < span.untilMs) {
      result.push(span);
    }
  }
  return result;
}

function at<S extends Span>(spans: readonly S[], atMs: number): S | undefined {
  return spans.find(({ fromMs, untilMs }) => fromMs <= atMs && atMs < untilMs);
}

function isCovered({ covered }: MarketHours, fromMs: number, untilMs: number): boolean {
  return covered.some((span) => span.fromMs <= fromMs && untilMs <= span.untilMs);
}

function without(span: Span, cut: Span): readonly Span[] {
  return [
    { fromMs: span.fromMs, untilMs: Math.min(span.untilMs, cut.fromMs) },
    { fromMs: Math.max(span.fromMs, cut.untilMs), untilMs: span.untilMs },
  ].filter(({ fromMs, untilMs }) => fromMs < untilMs);
}

function readEntries(text: string): {
  readonly entries: readonly Entry[];
  readonly ignored: readonly string[];
} {
  const entries: Entry[] = [];
  const ignored: string[] = [];
  const parts = text.split(';').map((part) => part.trim());
  for (const part of parts.slice(0, maxParts).filter((each) => each !== '')) {
    const [, date = '', rest = ''] = /^(\d{8}):(.*)$/.exec(part) ?? [];
    const day = dayNumber(date);
    if (day === undefined) {
      ignored.push(`"${shown(part)}" does not begin with a day.`);
    } else if (rest.trim().toUpperCase() === 'CLOSED') {
      const from = day * dayMinutes;
      entries.push({ kind: 'closed', from, until: from + dayMinutes });
    } else {
      for (const piece of rest.split(',')) {
        const read = readSession(piece.trim(), day);
        if (typeof read === 'string') {
          ignored.push(`"${shown(piece)}" of ${date} ${read}.`);
        } else {
          entries.push(read);
        }
      }
    }
  }
  if (parts.length > maxParts) {
    ignored.push(`${String(parts.length - maxParts)} parts beyond the first ${String(maxParts)}.`);
  }
  return { entries: entries.sort((a, b) => a.from - b.from || a.until - b.until), ignored };
}

/** The session, or why it is none. */
function readSession(piece: string, day: number): Entry | string {
  const match = /^(?:(\d{8}):)?(\d{4})-(?:(\d{8}):)?(\d{4})$/.exec(piece);
  if (match === null) {
    return 'is neither a session nor CLOSED';
  }
  const [, fromDate, fromTime = '', untilDate, untilTime = ''] = match;
  const fromDay = fromDate === undefined ? day : dayNumber(fromDate);
  const untilDay = untilDate === undefined ? fromDay : dayNumber(untilDate);
  const fromMinute = minuteOfDay(fromTime);
  const untilMinute = minuteOfDay(untilTime);
  if (
    fromDay === undefined ||
    untilDay === undefined ||
    fromMinute === undefined ||
    untilMinute === undefined
  ) {
    return 'has a day or a time that does not exist';
  }
  if (untilDate === undefined) {
    // The day is that of trading, on which the session ends; it may have begun the evening before.
    const end = untilMinute === 0 ? dayMinutes : untilMinute;
    const from = fromDay * dayMinutes + fromMinute - (end <= fromMinute ? dayMinutes : 0);
    return { kind: 'session', from, until: fromDay * dayMinutes + end };
  }
  const from = fromDay * dayMinutes + fromMinute;
  const until = untilDay * dayMinutes + untilMinute;
  if (until <= from) {
    return 'ends before it begins';
  }
  return until - from > longestSession ? 'is longer than a week' : { kind: 'session', from, until };
}

/** Days since 1970-01-01; undefined for a day that does not exist. */
function dayNumber(date: string): number | undefined {
  const [, year = '', month = '', day = ''] = /^(\d{4})(\d{2})(\d{2})$/.exec(date) ?? [];
  const ms = Date.UTC(Number(year), Number(month) - 1, Number(day));
  const exists = new Date(ms).toISOString().startsWith(`${year}-${month}-${day}`);
  return year !== '' && exists ? ms / (dayMinutes * minuteMs) : undefined;
}

function minuteOfDay(time: string): number | undefined {
  const hour = Number(time.slice(0, 2));
  const minute = Number(time.slice(2));
  const isTime = minute < 60 && (hour < 24 || (hour === 24 && minute === 0));
  return isTime ? hour * 60 + minute : undefined;
}

/** 23:59 before a session that begins at midnight is midnight. */
function joinMidnights(sessions: readonly Entry[]): readonly Entry[] {
  return sessions.map((session) => {
    const midnight = session.until + 1;
    const goesOn = midnight % dayMinutes === 0 && sessions.some(({ from }) => from === midnight);
    return goesOn ? { ...session, until: midnight } : session;
  });
}

/**
 * Where the entries tell everything. From one entry to the next where no day lies between them
 * that is not named. The ends are whole days, unless sessions go over midnight: then the session
 * before the first entry and the evening after the last one are not told.
 */
function stretches(entries: readonly Entry[]): readonly Pick<Entry, 'from' | 'until'>[] {
  const evenings = entries
    .filter(({ kind, from, until }) => kind === 'session' && dayOf(from) !== dayOf(until - 1))
    .map(({ from }) => from % dayMinutes);
  const evening = evenings.length === 0 ? undefined : Math.min(...evenings);
  const result: { from: number; until: number }[] = [];
  for (const { kind, from, until } of entries) {
    const startOfDay = dayOf(from) * dayMinutes;
    const start = kind === 'session' && evening !== undefined ? from : startOfDay;
    const end = Math.max(
      kind === 'session' ? until : start,
      dayOf(until - 1) * dayMinutes + (evening ?? dayMinutes),
    );
    const last = result.at(-1);
    if (last !== undefined && dayOf(start) <= dayOf(last.until - 1) + 1) {
      last.until = Math.max(last.until, end);
    } else {
      result.push({ from: start, until: end });
    }
  }
  return result;
}

function dayOf(minutes: number): number {
  return Math.floor(minutes / dayMinutes);
}

function shown(part: string): string {
  return part.length > 60 ? `${part.slice(0, 59)}…` : part;
}
