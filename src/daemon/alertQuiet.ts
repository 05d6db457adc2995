import { HumanError } from '../core/errors';

const minuteMs = 60_000;
const units: Readonly<Record<string, number>> = {
  m: minuteMs,
  h: 60 * minuteMs,
  d: 1440 * minuteMs,
};

/** Longer than a weekend with a holiday, and short enough not to be forgotten for ever. */
export const maxQuietMs = 7 * 1440 * minuteMs;

/**
 * Reads how long nobody is to be disturbed: `2h`, `90m`, `1d`, `until 17:00` (of this machine's own
 * time zone, the next one that comes) or `off`.
 * @returns milliseconds since the epoch; null for `off`
 * @throws HumanError at anything else, and beyond seven days.
 */
export function parseQuiet(text: string, nowMs: number): number | null {
  const words = text.trim().toLowerCase().replace(/\s+/g, ' ');
  if (words === 'off') {
    return null;
  }
  const untilMs = lengthMs(words, nowMs) ?? timeOfDayMs(words, nowMs);
  if (untilMs === undefined) {
    throw new HumanError(
      `"${text}" says no time to be quiet; use 30m, 2h, 1d, "until 17:00" or off.`,
    );
  }
  return checkedQuiet(untilMs, nowMs);
}

/**
 * @returns `untilMs`
 * @throws HumanError when it is past or more than seven days away.
 */
export function checkedQuiet(untilMs: number, nowMs: number): number {
  if (!(untilMs > nowMs && untilMs - nowMs <= maxQuietMs)) {
    throw new HumanError('Quiet takes a time from now on and at most seven days away.');
  }
  return untilMs;
}

function lengthMs(words: string, nowMs: number): number | undefined {
  const pattern = /^(?:for )?(\d{1,5}(?:\.\d{1,2})?) ?(m|min|minutes?|h|hours?|d|days?)$/;
  const [, number, unit = ''] = pattern.exec(words) ?? [];
  const unitMs = units[unit.slice(0, 1)];
  return unitMs === undefined ? undefined : nowMs + Number(number) * unitMs;
}

function timeOfDayMs(words: string, nowMs: number): number | undefined {
  const [, hours, minutes] = /^(?:until )?([01]?\d|2[0-3]):([0-5]\d)$/.exec(words) ?? [];
  if (hours === undefined || minutes === undefined) {
    return undefined;
  }
  const time = new Date(nowMs);
  time.setHours(Number(hours), Number(minutes), 0, 0);
  if (time.getTime() <= nowMs) {
    time.setDate(time.getDate() + 1);
  }
  return time.getTime();
}
