import { isoTime } from '../core/clock';
import type { TimeZone } from '../core/timeZone';

/** A session that TWS ended in order, and that was back soon. Milliseconds since the epoch. */
export interface SeenRestart {
  readonly endedAtMs: number;
  readonly backAtMs: number;
}

const minuteMs = 60_000;
const dayMs = 86_400_000;
const dayMinutes = 1440;
/** How far two ends may lie apart in the time of day to be one habit, in minutes. */
const toleranceMinutes = 5;
/** A habit that was not seen for so long is over: somebody has chosen another time. */
const memoryMs = 14 * dayMs;
/** Of several habits that counts which was seen most often of late. */
const lateMs = 4 * dayMs;
/** IBKR: TWS is back within a minute or two of its restart; a slow machine takes some more. */
const longestRestartMs = 10 * minuteMs;
/** A connection that is dropped and taken again at once was no restart. */
const shortestRestartMs = 5000;

/** Whether an end and a return are the restart of a program, by their distance. */
export function isRestart({ endedAtMs, backAtMs }: SeenRestart): boolean {
  const awayMs = backAtMs - endedAtMs;
  return awayMs >= shortestRestartMs && awayMs <= longestRestartMs;
}

/** Those that still teach something. */
export function recentRestarts(seen: readonly SeenRestart[]): readonly SeenRestart[] {
  const newestMs = Math.max(...seen.map(({ endedAtMs }) => endedAtMs));
  return seen.filter(({ endedAtMs }) => newestMs - endedAtMs <= memoryMs);
}

/**
 * TWS's own restart time as it shows: the time of day at which sessions ended on at least two
 * days, of several the one that came most often of late. Minutes after midnight.
 * @returns undefined while no time of day has come twice
 */
export function learnedRestartMinute(
  seen: readonly SeenRestart[],
  zone: TimeZone,
): number | undefined {
  const ends = recentRestarts(seen.filter(isRestart))
    .map(({ endedAtMs }) => zone.wallMs(endedAtMs))
    .sort((a, b) => b - a);
  const newestMs = ends[0] ?? 0;
  let best: { readonly count: number; readonly minute: number } | undefined;
  for (const end of ends) {
    const alike = ends.filter((each) => Math.abs(distance(each, end)) <= toleranceMinutes);
    // Two in one night are one night.
    const isHabit = alike.some((each) => Math.abs(each - end) > dayMs / 2);
    const count = alike.filter((each) => newestMs - each < lateMs).length;
    if (isHabit && count > (best?.count ?? -1)) {
      const first = Math.min(...alike.map((each) => distance(each, end)));
      best = { count, minute: (minuteOf(end) + first + dayMinutes) % dayMinutes };
    }
  }
  return best?.minute;
}

/** `23:45`, from minutes after midnight. */
export function timeOfDay(minute: number): string {
  return isoTime(minute * minuteMs).slice(11, 16);
}

function minuteOf(wallMs: number): number {
  return Math.floor((wallMs % dayMs) / minuteMs);
}

/** From one time of day to another, around midnight where that is nearer; minutes. */
function distance(wallMs: number, fromWallMs: number): number {
  const ahead = minuteOf(wallMs) - minuteOf(fromWallMs);
  return ((ahead + dayMinutes / 2 + dayMinutes) % dayMinutes) - dayMinutes / 2;
}
