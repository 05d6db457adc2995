import type { Health } from '../diagnostics/status';

/** What each health is called. */
export const healthWords: Readonly<Record<Health, string>> = {
  healthy: 'Healthy',
  degraded: 'Degraded',
  down: 'Down',
  expected: 'Planned interruption',
  connecting: 'Connecting',
  unknown: 'Unknown',
};

/** `850 ms`, `12 s`, `3 min`, `2 h 5 min`, `4 d 2 h` */
export function duration(ms: number): string {
  const seconds = Math.floor(Math.max(0, ms) / 1000);
  if (seconds < 60) {
    return `${seconds} s`;
  }
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) {
    return `${minutes} min`;
  }
  const hours = Math.floor(minutes / 60);
  const [large, small] =
    hours < 24
      ? [`${hours} h`, minutes % 60 === 0 ? '' : ` ${minutes % 60} min`]
      : [`${Math.floor(hours / 24)} d`, hours % 24 === 0 ? '' : ` ${hours % 24} h`];
  return `${large}${small}`;
}

/** `12 ms`, `1.25 s` */
export function milliseconds(ms: number): string {
  return ms < 1000
    ? `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`
    : `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
}

/** In the reader's own zone and language. */
export interface TimeWords {
  /** `14:05:12` */
  readonly clock: (at: string | number) => string;
  /** `14:05` */
  readonly minute: (at: string | number) => string;
  /** `22 Nov, 14:05:12` */
  readonly moment: (at: string | number) => string;
}

export function timeWords(locale: string | undefined, timeZone: string | undefined): TimeWords {
  const zone = timeZone === undefined ? {} : { timeZone };
  const twoDigits = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23', ...zone } as const;
  const format = (options: Intl.DateTimeFormatOptions) => {
    const formatter = new Intl.DateTimeFormat(locale, options);
    return (at: string | number): string => {
      const time = new Date(at);
      return Number.isNaN(time.getTime()) ? 'at an unknown time' : formatter.format(time);
    };
  };
  return {
    clock: format({ ...twoDigits, second: '2-digit' }),
    minute: format(twoDigits),
    moment: format({ ...twoDigits, second: '2-digit', day: 'numeric', month: 'short' }),
  };
}

/** The last part of a path, which is what a folder is called. */
export function folderName(path: string): string {
  return (
    path
      .split(/[\\/]/)
      .filter((part) => part !== '')
      .at(-1) ?? path
  );
}

/** `1,234.50`; more digits for what costs little. */
export function amount(value: number): string {
  const digits = Math.abs(value) < 1 && value !== 0 ? 4 : 2;
  return value.toLocaleString('en-US', {
    minimumFractionDigits: 2,
    maximumFractionDigits: digits,
  });
}
