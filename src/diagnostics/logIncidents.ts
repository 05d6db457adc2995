import { catalogue } from './catalogue';
import type { Severity, Subject } from './finding';
import type { CauseGuess } from './notices';
import type { SourcePlace } from './runnerFacts';

/** What a log says is wrong; the shape of `robo diagnose --json`. Lines count from 1. */
export interface LogFinding {
  readonly line: number;
  readonly endLine: number;
  readonly severity: Severity;
  readonly subject: Subject;
  readonly causes: readonly CauseGuess[];
  readonly message: string;
  readonly count: number;
  /** Null where the lines carry no time. */
  readonly firstAt: string | null;
  readonly lastAt: string | null;
  readonly source?: SourcePlace;
}

/** Where and when something stood. */
export interface Place {
  readonly line: number;
  /** Where it begins, if it has several lines: an exception. */
  readonly from?: number;
  /** ISO 8601; undefined where the line has no time. May cost a parse: ask only when needed. */
  readonly at: string | undefined;
  readonly isTimed: boolean;
}

/** One matter, from its first line to its last. */
export interface Incident {
  readonly subject: Subject;
  causes: readonly CauseGuess[];
  message: string;
  first: Place;
  last: Place;
  count: number;
  source: SourcePlace | undefined;
  /** Overrides the severity of the best cause. */
  severity?: Severity;
  /** What it began as; once it is over, that is what it was. */
  begunBy?: Pick<Incident, 'causes' | 'message'>;
}

export type NewIncident = Pick<Incident, 'subject' | 'causes' | 'message' | 'source'>;

/** One that is over; a second part may still be joined to it. */
interface Closed {
  readonly incident: Incident;
  endedAt: Place;
  hasRecovered: boolean;
}

/** Bounds of what is kept, however long the log is. */
const maxIncidents = 1000;
const maxPerKey = 100;
/**
 * What comes back sooner had not healed: a loop that connects and is thrown out again is one
 * incident. Without times the lines between must do.
 */
const healedAfterMs = 120_000;
const healedAfterLines = 10;
/** What is over sooner cost nobody anything: a program that waits for its gateway, a blink. */
const blinkMs = 120_000;

/** The incidents of one log: open ones by their key, and those that are over. */
export class IncidentBook {
  private readonly open = new Map<string, Incident>();
  private readonly closed: Closed[] = [];
  /** The newest closed one of a key, and how many there are. */
  private readonly newest = new Map<string, { closed: Closed; count: number }>();

  get(key: string): Incident | undefined {
    return this.open.get(key);
  }

  find(fits: (incident: Incident, key: string) => boolean): Incident | undefined {
    for (const [key, incident] of this.open) {
      if (fits(incident, key)) {
        return incident;
      }
    }
    return undefined;
  }

  get size(): number {
    return this.open.size;
  }

  /** Counts one more under `key`, or opens it. */
  add(key: string, parts: NewIncident, place: Place): Incident {
    const known = this.open.get(key);
    if (known !== undefined) {
      extend(known, place);
      known.count += 1;
      return known;
    }
    const incident = { ...parts, first: beginOf(place), last: place, count: 1 };
    if (this.open.size < maxIncidents) {
      this.open.set(key, incident);
    }
    return incident;
  }

  /** Takes an open incident out, as if it had not been; for one that belongs to another. */
  withdraw(fits: (incident: Incident, key: string) => boolean): readonly Incident[] {
    const taken: Incident[] = [];
    for (const [key, incident] of this.open) {
      if (fits(incident, key)) {
        this.open.delete(key);
        taken.push(incident);
      }
    }
    return taken;
  }

  /** Takes one line back from an incident; the incident itself, if that was all. */
  takeOne(key: string): void {
    const incident = this.open.get(key);
    if (incident !== undefined) {
      incident.count -= 1;
      if (incident.count === 0) {
        this.open.delete(key);
      }
    }
  }

  /** Good news at `place` ends all that fit. */
  recover(fits: (incident: Incident, key: string) => boolean, place: Place): void {
    for (const [key, incident] of this.open) {
      if (fits(incident, key)) {
        this.open.delete(key);
        this.keep(key, { incident, endedAt: place, hasRecovered: true });
      }
    }
  }

  /** Keeps an incident that was never open here. */
  note(key: string, incident: Incident, hasRecovered: boolean, endedAt: Place): void {
    this.keep(key, { incident, endedAt, hasRecovered });
  }

  /** The log is over: all findings in the order of the text. */
  finish(): readonly LogFinding[] {
    for (const [key, incident] of this.open) {
      this.keep(key, { incident, endedAt: incident.last, hasRecovered: false });
    }
    this.open.clear();
    return this.closed.map(findingOf).sort((a, b) => a.line - b.line || a.endLine - b.endLine);
  }

  private keep(key: string, closed: Closed): void {
    const before = this.newest.get(key);
    const isFull =
      this.closed.length >= maxIncidents || (before !== undefined && before.count >= maxPerKey);
    if (before !== undefined && (isFull || isSame(before.closed, closed))) {
      absorb(before.closed.incident, closed.incident);
      before.closed.endedAt = closed.endedAt;
      before.closed.hasRecovered = closed.hasRecovered;
    } else if (!isFull) {
      this.closed.push(closed);
      this.newest.set(key, { closed, count: (before?.count ?? 0) + 1 });
    }
  }
}

/** True where the second came so soon after the end of the first that nothing had healed. */
function isSame(before: Closed, next: Closed): boolean {
  return (
    before.hasRecovered &&
    before.incident.causes[0]?.id === next.incident.causes[0]?.id &&
    !hasHealed(before.endedAt, next.incident.first)
  );
}

/** The first line of what stands at a place. */
export function beginOf(place: Place): Place {
  const { from } = place;
  // Its time may cost a parse.
  return from === undefined ? place : { line: from, at: place.at, isTimed: place.isTimed };
}

/** Moves the end on; a line without a time stands at the time of the line before it. */
export function extend(incident: Incident, place: Place): void {
  if (place.line >= incident.last.line) {
    const { last } = incident;
    const { line, from } = place;
    incident.last = place.isTimed
      ? place
      : { line, ...(from === undefined ? {} : { from }), at: last.at, isTimed: last.isTimed };
  }
}

/** Makes one of two: `other` was part of `incident`. */
export function absorb(incident: Incident, other: Incident): void {
  incident.count += other.count;
  incident.source ??= other.source;
  if (other.first.line < incident.first.line) {
    incident.first = other.first;
  }
  extend(incident, other.last);
}

/** Milliseconds from one place to the other; NaN where a time is missing or the clock went back. */
export function lastedMs(from: Place, to: Place): number {
  const ms = Date.parse(to.at ?? '') - Date.parse(from.at ?? '');
  return ms >= 0 ? ms : Number.NaN;
}

function hasHealed(ended: Place, again: Place): boolean {
  const ms = lastedMs(ended, again);
  return Number.isNaN(ms) ? again.line - ended.line > healedAfterLines : ms > healedAfterMs;
}

function findingOf(closed: Closed): LogFinding {
  const { incident, hasRecovered } = closed;
  const { subject, first, last, count, source } = incident;
  const { causes, message } = (hasRecovered ? incident.begunBy : undefined) ?? incident;
  const [best] = causes;
  const own = incident.severity ?? (best === undefined ? 'warning' : catalogue[best.id].severity);
  // One symbol never weighs more than a warning: the others go on.
  const severity = subject.kind === 'symbol' && own === 'error' ? 'warning' : own;
  return {
    line: first.line,
    endLine: Math.max(first.line, last.line),
    severity: hasRecovered ? severityAfter(closed, severity) : severity,
    subject,
    causes,
    message: withoutAddresses(hasRecovered ? `${message} (it recovered)` : message),
    count,
    firstAt: first.at ?? null,
    lastAt: last.at ?? null,
    ...(source === undefined ? {} : { source }),
  };
}

/** Where an object lay in memory tells nobody anything, and is different in every line. */
function withoutAddresses(text: string): string {
  return text.replace(/\b0x[0-9a-f]{4,}/gi, '0x…');
}

/** The program's own errors are not over by time: they only did not come again. */
function severityAfter({ incident, endedAt }: Closed, severity: Severity): Severity {
  const wasBlink =
    incident.subject.kind !== 'runner' && lastedMs(incident.first, endedAt) <= blinkMs;
  return severity === 'error' && !wasBlink ? 'warning' : 'info';
}
