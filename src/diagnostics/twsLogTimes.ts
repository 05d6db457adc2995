import type { TwsLogTail } from '../host/twsFiles';

/** Zones differ from UTC by whole quarters of an hour. Milliseconds. */
const quarterMs = 900_000;
const dayMs = 86_400_000;
const maxOffsetMs = 14 * 3_600_000;
/** A line is written at most so long before the file's time, or it is not what the time is of. */
const writtenWithinMs = 10_000;
/** File systems that keep whole or even seconds round down. Milliseconds. */
const roundingMs = 2000;

const lineTime =
  /^\s?\[?(?:(\d{4})[-/](\d\d)[-/](\d\d)[T ]+)?(\d\d):(\d\d):(\d\d)(?:[.,:](\d{1,3}))?\d{0,6}\s?(Z|[+-]\d\d:?\d\d)?/;

/** A time as it stands in a line: `wallMs` as if it were UTC, `isAbsolute` with its own offset. */
interface Wall {
  readonly wallMs: number;
  readonly isAbsolute: boolean;
}

/**
 * When each line of a log was written, milliseconds since the epoch. TWS and IBC write their wall
 * clock, in a zone that the file does not name and that need not be this machine's, and API logs
 * write no date. The time of the file tells both: its last line was written then. Where that does
 * not fit, the zone of this machine is tried; where that would be in the future, the times are
 * undefined. A line without a time has that of the one before it.
 */
export function lineTimes({ lines, modifiedAtMs }: TwsLogTail): readonly (number | undefined)[] {
  const walls = withDates(lines, modifiedAtMs);
  const toEpoch = zoneOf(walls, modifiedAtMs);
  let last: number | undefined;
  return walls.map((wall) => {
    if (wall !== undefined) {
      last = wall.isAbsolute ? wall.wallMs : toEpoch?.(wall.wallMs);
    }
    return last;
  });
}

/** Walks back from the end, where the date of a bare time of day is that of the file. */
function withDates(lines: readonly string[], modifiedAtMs: number): readonly (Wall | undefined)[] {
  const walls: (Wall | undefined)[] = [];
  let day = Math.floor(modifiedAtMs / dayMs) * dayMs;
  let after = Infinity;
  for (const line of lines.toReversed()) {
    const match = lineTime.exec(line);
    if (match === null) {
      walls.push(undefined);
      continue;
    }
    const [, year, month, date, hour, minute, second, fraction = '0', zone] = match;
    const ofDayMs =
      ((Number(hour) * 60 + Number(minute)) * 60 + Number(second)) * 1000 +
      Number(fraction.padEnd(3, '0'));
    if (year !== undefined) {
      day = Date.UTC(Number(year), Number(month) - 1, Number(date));
    } else if (ofDayMs > after) {
      // Going back, the clock went up: midnight lies between.
      day -= dayMs;
    }
    after = ofDayMs;
    walls.push({ wallMs: day + ofDayMs - offsetMs(zone), isAbsolute: zone !== undefined });
  }
  return walls.reverse();
}

function offsetMs(zone: string | undefined): number {
  const [, sign, hours, minutes] = /^([+-])(\d\d):?(\d\d)$/.exec(zone ?? '') ?? [];
  return (sign === '-' ? -1 : 1) * (Number(hours ?? 0) * 60 + Number(minutes ?? 0)) * 60_000;
}

/** From the wall clock of a log to the epoch; undefined where that cannot be told. */
function zoneOf(
  walls: readonly (Wall | undefined)[],
  modifiedAtMs: number,
): ((wallMs: number) => number) | undefined {
  const last = walls.at(-1);
  if (last !== undefined && !last.isAbsolute) {
    const offset = Math.round((last.wallMs - modifiedAtMs) / quarterMs) * quarterMs;
    const beforeMs = modifiedAtMs - (last.wallMs - offset);
    // The date of a bare time of day may be off by the day that begins between two zones.
    const isZone = Math.abs(offset) <= maxOffsetMs + dayMs;
    if (isZone && beforeMs >= -roundingMs && beforeMs <= writtenWithinMs) {
      return (wallMs) => wallMs - offset;
    }
  }
  const lastTimed = walls.findLast((wall) => wall?.isAbsolute === false);
  return lastTimed !== undefined && inThisZone(lastTimed.wallMs) <= modifiedAtMs + roundingMs
    ? inThisZone
    : undefined;
}

function inThisZone(wallMs: number): number {
  const wall = new Date(wallMs);
  return new Date(
    wall.getUTCFullYear(),
    wall.getUTCMonth(),
    wall.getUTCDate(),
    wall.getUTCHours(),
    wall.getUTCMinutes(),
    wall.getUTCSeconds(),
    wall.getUTCMilliseconds(),
  ).getTime();
}
