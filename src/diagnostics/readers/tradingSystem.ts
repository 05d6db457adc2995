import type { LogLine } from '../logLine';
import { shorten } from '../notices';
import type { RunnerFact } from '../runnerFacts';
import {
  errorClassIn,
  type LinePattern,
  type LineReader,
  parseAmount,
  tableReader,
} from './reader';
import { signalOf } from './roboEvents';
import { runner } from './sign';
import { tradingEventPatterns, zombiePatterns } from './tradingEvents';
import { tradingLauncherPatterns } from './tradingLauncher';
import {
  readWorkerAnswer,
  tradingConnectionPatterns,
  tradingWorkerPatterns,
  workerSilent,
} from './tradingWorker';

/** A ticker as a log line writes it. */
const symbol = '([A-Z][A-Z0-9]{0,9}(?:[. ][A-Z]{1,3})?)';

/** The trader's Python system: its runner, its worker, its launcher, its watchdog. */
export const tradingSystemLines: readonly LinePattern[] = [
  {
    has: 'failed to fetch',
    pattern: new RegExp(
      `\\bFailed to fetch (?:(?:market |historical |price )?(?:data|bars|price|quote) )?for ${symbol}(?:: ?|\\s|$)(.*)`,
      'i',
    ),
    read: fetchFailed,
  },
  {
    has: 'transport failed while fetching',
    pattern: new RegExp(`transport failed while fetching ${symbol}: ?(.*)`),
    read: (match) => fetchFailed(match, 'ConnectionError'),
  },
  {
    has: 'timeout after',
    pattern: new RegExp(`Command timeout after .{1,20}\\(\\w{1,60} for ${symbol}\\)`),
    read: (_match, { text }) => silentWorker(text),
  },
  {
    has: 'signal=',
    pattern: new RegExp(
      `^${symbol}: Signal=(-?\\w{1,8})(?:,\\s?Price=\\$?([\\d.,]{1,20}))?(?:,\\s?(.*))?$`,
    ),
    read: readSignal,
  },
  {
    has: 'cycle complete',
    pattern: /\bcycle completed?\b(?:.{0,60}?Equity: \$?([\d,.]{1,30}))?/i,
    read: readCycle,
  },
  {
    has: 'before next iteration',
    pattern: /\bWaiting ([\d.]{1,10}) (second|minute|hour)s? before next iteration/i,
    read: ([text, amount, unit]) => [
      { kind: 'waiting', forMs: (parseAmount(amount) ?? 0) * unitMs(unit), text },
    ],
  },
  {
    has: 'market',
    triggers: ['closed', 'after-hours', 'pre-market'],
    pattern: /\bmarket (?:is )?(?:currently )?(?:closed|after-hours|pre-market)\b/i,
    read: (_match, { text }) => [{ kind: 'waiting', text }],
  },
  ...tradingConnectionPatterns,
  ...tradingWorkerPatterns,
  ...tradingEventPatterns,
  ...zombiePatterns,
  ...tradingLauncherPatterns,
];

const readLine = tableReader(tradingSystemLines);

export const readTradingSystem: LineReader = Object.assign(
  (line: LogLine) => readWorkerAnswer(line) ?? readLine(line),
  { triggers: [...(readLine.triggers ?? []), 'error_type'] },
);

/** The command never came back: what the symbol has to do with it is unknown. */
function silentWorker(text: string): readonly RunnerFact[] {
  return [{ kind: 'sign', subject: runner, causes: workerSilent, text: shorten(text) }];
}

function fetchFailed(match: RegExpExecArray, assumed: unknown): readonly RunnerFact[] {
  const [text, name = '', detail = ''] = match;
  if (detail.includes('Command timeout')) {
    return silentWorker(text);
  }
  const fallback = typeof assumed === 'string' ? assumed : '';
  const named = errorClassIn(detail);
  return [
    { kind: 'fetch failed', symbol: name, errorClass: named === '' ? fallback : named, text },
  ];
}

function readCycle([, amount]: RegExpExecArray): readonly RunnerFact[] {
  const equity = parseAmount(amount?.replace(/\.$/, ''));
  return [{ kind: 'cycle', ...(equity === undefined ? {} : { equity }) }];
}

/** A price of zero means that there was no data, which says nothing outside the session. */
function readSignal(match: RegExpExecArray): readonly RunnerFact[] {
  const [, name = '', value = '', priceText, reason] = match;
  const signal = signalOf(/^-?\d+$/.test(value) ? Number(value) : value);
  const price = parseAmount(priceText);
  if (signal === undefined) {
    return [];
  }
  const spoken: RunnerFact = {
    kind: 'signal',
    symbol: name,
    signal,
    ...(price === undefined ? {} : { price }),
    ...(reason === undefined || reason === '' ? {} : { reason }),
  };
  return price === undefined || price <= 0
    ? [spoken]
    : [{ kind: 'fetch ok', symbol: name, price }, spoken];
}

function unitMs(unit: string | undefined): number {
  switch (unit?.toLowerCase()) {
    case 'hour':
      return 3_600_000;
    case 'minute':
      return 60_000;
    default:
      return 1000;
  }
}
