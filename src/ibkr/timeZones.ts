import { TimeZone } from '../core/timeZone';
import type { NamedZone } from './timeZoneNames';
import { abbreviations, lessLikely, longNames, undecided } from './timeZoneNames';

/** A reading of the clock of TWS, and when we made it. */
export interface ClockReading {
  /** What it showed, milliseconds since the epoch as if it were UTC. */
  readonly wallMs: number;
  /** Our own time then, milliseconds since the epoch. */
  readonly atMs: number;
}

/** Half of a quarter of an hour, the step in which zones differ: so much may two clocks differ. */
const toleranceMs = 450_000;

/**
 * The zone that TWS means by a name: an IANA id, its own or Windows' long name in English, an
 * abbreviation, or an offset (`GMT+01:00`). TWS names its zone in the first frame, and those of
 * exchanges in contract details.
 *
 * Some names stand for several zones. Then the likelier one for a TWS is the answer (`CST` is
 * Chicago, `BST` London, `IST` Kolkata, `Greenwich Mean Time` London, `EST` New York), unless a
 * reading of its clock says another one (`CST` eight hours ahead is Shanghai).
 * @returns undefined for a name that is not known (a localised one, one of unreadable bytes), for
 *   one that is too common to choose (`AST`), and for one that the reading contradicts
 */
export function zoneNamed(name: string, reading?: ClockReading): TimeZone | undefined {
  for (const id of candidates(name, reading !== undefined)) {
    const zone = zoneWithId(id);
    if (zone !== undefined && (reading === undefined || shows(zone, reading))) {
      return zone;
    }
  }
  return undefined;
}

/**
 * When the clock of the zone of that name shows `wallMs`; of two such times the first.
 * @param wallMs milliseconds since the epoch as if it were UTC
 * @returns undefined where the zone is not known
 */
export function instantNamed(wallMs: number, name: string): number | undefined {
  return zoneOfTimes(name)?.epochMs(wallMs);
}

/** The zone of times that TWS writes with this name; undefined where it is not known. */
export function zoneOfTimes(name: string): TimeZone | undefined {
  // London's zone, but only in winter: in summer it would have written British Summer Time.
  return plainName(name) === 'greenwich mean time' ? new TimeZone('UTC') : zoneNamed(name);
}

/** The likeliest first. */
function candidates(name: string, isRead: boolean): readonly string[] {
  const id = offsetId(name) ?? ianaId(name);
  if (id?.includes('/') === true) {
    return [id];
  }
  const plain = plainName(name);
  const known = [
    ...zonesOf(abbreviations, plain),
    ...zonesOf(longNames, stem(plain)),
    ...zonesOf(lessLikely, stem(plain)),
  ];
  if (known.length > 0) {
    return known;
  }
  const rivals = zonesOf(undecided, plain);
  if (rivals.length > 0) {
    return isRead ? rivals : [];
  }
  return id === undefined ? [] : [id];
}

function zonesOf(table: readonly NamedZone[], name: string): readonly string[] {
  return table.flatMap(([id, ...names]) => (names.includes(name) ? [id] : []));
}

function plainName(name: string): string {
  return name
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .replace(/[‘’]/g, "'")
    .replace(/\s+/g, ' ')
    .trim()
    .toLowerCase();
}

/** `central european summer time` and `central european time` to `central european`. */
function stem(plain: string): string {
  return plain.replace(/(?: standard| summer| daylight)? time(?= \(.*\)$|$)/, '');
}

/** `GMT+5`, `UTC-03:30`: Java's and Windows' names for a zone that is nothing but an offset. */
function offsetId(name: string): string | undefined {
  const match = /^(?:GMT|UTC)?([+-])(\d{1,2})(?::?([0-5]\d))?$/i.exec(name.trim());
  if (match === null) {
    return undefined;
  }
  const [, sign = '+', hours = '', minutes = '00'] = match;
  if (minutes !== '00') {
    return `${sign}${hours.padStart(2, '0')}:${minutes}`;
  }
  // In the names of these zones the sign is the other way round.
  return Number(hours) === 0 ? 'UTC' : `Etc/GMT${sign === '+' ? '-' : '+'}${String(Number(hours))}`;
}

/**
 * Abbreviations are left out: runtimes read some as ids of long ago (`BST` as Dhaka, `SST` as
 * Guadalcanal). Three letters that are names of the database are short for a country.
 */
function ianaId(name: string): string | undefined {
  const id = name.trim();
  const isId = /^[a-z][\w+-]*(?:\/[\w+-]+)+$/i.test(id) || /^[a-z]+(?:\d[a-z]+|-\w+)?$/i.test(id);
  const isAbbreviation =
    /^[a-z]{1,4}$/i.test(id) && !/^(?:prc|roc|rok|gb|nz|uct|zulu|cuba|eire|iran)$/i.test(id);
  return isId && !isAbbreviation ? id : undefined;
}

/** Undefined where this runtime does not know the zone. */
function zoneWithId(id: string): TimeZone | undefined {
  try {
    return new TimeZone(id);
  } catch (error) {
    if (error instanceof RangeError) {
      return undefined;
    }
    throw error;
  }
}

function shows(zone: TimeZone, { wallMs, atMs }: ClockReading): boolean {
  return Math.abs(zone.wallMs(atMs) - wallMs) <= toleranceMs;
}
