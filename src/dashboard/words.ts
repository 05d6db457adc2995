import type { DashboardRunner } from '../diagnostics/dashboard';
import type { FarmStatus, Health, HelperStatus, SessionStatus } from '../diagnostics/status';
import type { L10n } from './l10n';

/** How the page speaks: sentences, names of states, times and figures, all of one language. */
export interface Words {
  readonly l10n: L10n;
  /** `14:05:12` in the reader's own zone */
  readonly clock: (at: string | number) => string;
  /** `14:05` */
  readonly minute: (at: string | number) => string;
  /** `22 Nov, 14:05:12` */
  readonly moment: (at: string | number) => string;
  /** `850 ms`, `12 s`, `3 min`, `2 h 5 min`, `4 d 2 h` */
  readonly duration: (ms: number) => string;
  /** `12 ms`, `1.25 s` */
  readonly milliseconds: (ms: number) => string;
  /** `1,234.50`; more digits for what costs little. */
  readonly amount: (value: number) => string;
  /** `98.2` of a share between 0 and 1; rounded down: 100 is said of nothing that is less. */
  readonly percent: (share: number) => string;
}

export interface Language {
  readonly l10n: L10n;
  /** BCP 47; undefined for the reader's own. */
  readonly locale: string | undefined;
  /** Undefined for the reader's own. */
  readonly timeZone?: string;
}

export function wordsOf({ l10n, locale, timeZone }: Language): Words {
  const zone = timeZone === undefined ? {} : { timeZone };
  const twoDigits = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23', ...zone } as const;
  const time = (options: Intl.DateTimeFormatOptions) => {
    const formatter = new Intl.DateTimeFormat(locale, options);
    return (at: string | number): string => {
      const moment = new Date(at);
      return Number.isNaN(moment.getTime())
        ? l10n.t('at an unknown time')
        : formatter.format(moment);
    };
  };
  const number = (least: number, most = least) => {
    const digits = { minimumFractionDigits: least, maximumFractionDigits: most };
    const formatter = new Intl.NumberFormat(locale, digits);
    return (value: number): string => formatter.format(value);
  };
  const [whole, tenths, cents, fine, share] = [
    number(0),
    number(1),
    number(2),
    number(2, 4),
    number(0, 1),
  ];
  return {
    l10n,
    clock: time({ ...twoDigits, second: '2-digit' }),
    minute: time(twoDigits),
    moment: time({ ...twoDigits, second: '2-digit', day: 'numeric', month: 'short' }),
    duration: (ms) => duration(ms, l10n),
    milliseconds: (ms) =>
      ms < 1000
        ? l10n.t('{0} ms', ms < 10 ? tenths(ms) : whole(ms))
        : l10n.t('{0} s', ms < 10_000 ? cents(ms / 1000) : tenths(ms / 1000)),
    amount: (value) => (Math.abs(value) < 1 && value !== 0 ? fine : cents)(value),
    percent: (part) => share(Math.floor(part * 1000) / 10),
  };
}

function duration(ms: number, l10n: L10n): string {
  const seconds = Math.floor(Math.max(0, ms) / 1000);
  if (seconds < 60) {
    return l10n.t('{0} s', seconds);
  }
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) {
    return l10n.t('{0} min', minutes);
  }
  const hours = Math.floor(minutes / 60);
  if (hours < 24) {
    return minutes % 60 === 0
      ? l10n.t('{0} h', hours)
      : l10n.t('{0} h {1} min', hours, minutes % 60);
  }
  const days = Math.floor(hours / 24);
  return hours % 24 === 0 ? l10n.t('{0} d', days) : l10n.t('{0} d {1} h', days, hours % 24);
}

/** What each health is called. */
export function healthWords(health: Health, l10n: L10n): string {
  const words: Readonly<Record<Health, string>> = {
    healthy: l10n.t('Healthy'),
    degraded: l10n.t('Degraded'),
    down: l10n.t('Down'),
    expected: l10n.t('Planned interruption'),
    connecting: l10n.t('Connecting'),
    unknown: l10n.t('Unknown'),
  };
  return words[health];
}

export function sessionWords(state: SessionStatus['state'], l10n: L10n): string {
  const words: Readonly<Record<typeof state, string>> = {
    idle: l10n.t('none'),
    waiting: l10n.t('none, waiting to try again'),
    dialling: l10n.t('dialling'),
    held: l10n.t('held, TWS does not answer yet'),
    ready: l10n.t('ready'),
  };
  return words[state];
}

export function runnerWords(state: DashboardRunner['state'], l10n: L10n): string {
  const words: Readonly<Record<typeof state, string>> = {
    starting: l10n.t('starting'),
    running: l10n.t('running'),
    stopping: l10n.t('stopping'),
    exited: l10n.t('exited'),
    external: l10n.t('running, started elsewhere'),
  };
  return words[state];
}

/** `failing (3 of 24 symbols)`; a runner that fails by its connection alone counts no symbols. */
export function workWords(runner: DashboardRunner, l10n: L10n): string {
  const { work, failing, symbols, moreSymbols } = runner;
  const all = symbols.length + moreSymbols;
  switch (work) {
    case 'unknown':
      return l10n.t('work unknown');
    case 'working':
      return failing > 0
        ? l10n.t('working ({0} of {1} symbols failing)', failing, all)
        : l10n.t('working');
    case 'failing':
      return failing > 0 ? l10n.t('failing ({0} of {1} symbols)', failing, all) : l10n.t('failing');
    case 'silent':
      return l10n.t('silent (says nothing that Robo understands)');
    case 'idle':
      return l10n.t('idle (market closed)');
    case 'stalled':
      return l10n.t('stalled');
  }
}

export function helperWords({ state, why }: HelperStatus, l10n: L10n): string {
  const words: Readonly<Record<typeof state, string>> = {
    running: l10n.t('running'),
    exited: l10n.t('exited'),
    failed: l10n.t('failed'),
  };
  return why === null ? words[state] : `${words[state]}: ${why}`;
}

export function farmWords({ kind, state }: FarmStatus, l10n: L10n): string {
  const kinds: Readonly<Record<typeof kind, string>> = {
    'market data': l10n.t('market data'),
    'historical data': l10n.t('historical data'),
    'security definition': l10n.t('security definition'),
    unknown: l10n.t('unknown'),
  };
  const states: Readonly<Record<typeof state, string>> = {
    ok: l10n.t('ok'),
    broken: l10n.t('broken'),
    inactive: l10n.t('inactive, connects on demand'),
    connecting: l10n.t('connecting'),
  };
  return `${kinds[kind]}: ${states[state]}`;
}

/** What a runner has decided; a word of its own stays as it is. */
export function signalWords(signal: string, l10n: L10n): string {
  switch (signal) {
    case 'buy':
      return l10n.t('buy');
    case 'sell':
      return l10n.t('sell');
    case 'hold':
      return l10n.t('hold');
    default:
      return signal;
  }
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
