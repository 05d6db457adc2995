import { formatAge, type L10n, timeOfDay } from './words';

/** How points in time are said. Times are ISO 8601; a span is said without the word before it. */
export interface Times {
  /** False where what is said soon says something else: ages, latencies. */
  readonly isCalm: boolean;
  /** How long something has lasted: `2 h 5 min ago`, `Fri 15:04`. */
  since(at: string): string;
  /** When something that comes again and again was last seen. */
  last(at: string): string;
  /** When something ends: `12 min more`, `until Fri 15:04`. */
  until(at: string): string;
  /** When something begins: `in 12 min`, `at Fri 15:04`. */
  from(at: string): string;
}

/** For a list that is read once: ages to the second. */
export function exactTimes(nowMs: number, l10n: L10n): Times {
  const age = (at: string): string => formatAge(nowMs - Date.parse(at), l10n);
  const ahead = (at: string): string => formatAge(Date.parse(at) - nowMs, l10n);
  return {
    isCalm: false,
    since: (at) => l10n.t('{0} ago', age(at)),
    last: (at) => l10n.t('{0} ago', age(at)),
    until: (at) => l10n.t('{0} more', ahead(at)),
    from: (at) => l10n.t('in {0}', ahead(at)),
  };
}

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

/** For rows that are seen for long: short, and in steps, so that they seldom say something else. */
export function coarseTimes(nowMs: number, l10n: L10n): Times {
  const span = (ms: number): string =>
    ms < minuteMs
      ? l10n.t('< 1 min')
      : ms < hourMs || ms >= 48 * hourMs
        ? formatAge(Math.floor(ms / minuteMs) * minuteMs, l10n)
        : l10n.t('{0} h', Math.floor(ms / hourMs));
  const age = (at: string): string => span(nowMs - Date.parse(at));
  const ahead = (at: string): string => span(Date.parse(at) - nowMs);
  return {
    isCalm: true,
    since: (at) => l10n.t('{0} ago', age(at)),
    last: (at) => l10n.t('{0} ago', age(at)),
    until: (at) => l10n.t('{0} more', ahead(at)),
    from: (at) => l10n.t('in {0}', ahead(at)),
  };
}

/**
 * For what must stand still while it is read: words that stay true for minutes.
 * @param language of the times, as `vscode.env.language`
 */
export function calmTimes(nowMs: number, l10n: L10n, language: string): Times {
  const time = (at: string): string => timeOfDay(Date.parse(at), language, nowMs);
  const last = (at: string): string => {
    const ageMs = nowMs - Date.parse(at);
    return ageMs < minuteMs
      ? l10n.t('less than a minute ago')
      : ageMs < 5 * minuteMs
        ? l10n.t('less than 5 minutes ago')
        : time(at);
  };
  return {
    isCalm: true,
    since: time,
    last,
    until: (at) => l10n.t('until {0}', time(at)),
    from: (at) => l10n.t('at {0}', time(at)),
  };
}
