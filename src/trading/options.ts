import { parseArgs } from 'node:util';
import type { EnvEntry } from '../core/envFile';
import { errorText, HumanError } from '../core/errors';
import { resolveConfiguration } from '../ibkr/configuration';
import type { Endpoint } from '../ibkr/endpoint';
import type { BarRequest } from '../ibkr/marketData';

export interface TradingOptions {
  readonly endpoint: Endpoint;
  readonly clientId: number;
  readonly symbols: readonly string[];
  readonly request: BarRequest;
  readonly intervalMs: number;
  /** One cycle, then the end. */
  readonly isOnce: boolean;
}

/** The id that the trader's own runner uses when nothing else is said. */
const defaultRunnerClientId = 123;

/** The bar sizes that TWS serves (IBKR's documentation of historical bars). */
const barSizes = [
  ...['1 secs', '5 secs', '10 secs', '15 secs', '30 secs'],
  ...['1 min', '2 mins', '3 mins', '5 mins', '10 mins', '15 mins', '20 mins', '30 mins'],
  ...['1 hour', '2 hours', '3 hours', '4 hours', '8 hours', '1 day', '1 week', '1 month'],
];

/**
 * Flags over environment over `.env`, with the flags and keys of the trader's own system.
 * @throws HumanError with one sentence for the first thing that is wrong.
 */
export function readOptions(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  envFile: ReadonlyMap<string, EnvEntry>,
): TradingOptions {
  const flags = readFlags(args);
  const configuration = resolveConfiguration({
    flags: flags.symbols === undefined ? {} : { symbols: flags.symbols },
    environment,
    settings: {},
    envFile,
  });
  const [problem] = configuration.problems;
  if (problem !== undefined) {
    throw new HumanError(problem.sentence);
  }
  if (configuration.symbols.length === 0) {
    throw new HumanError(
      'There are no symbols to trade. Pass --symbols AAPL,NVDA, or add SYMBOLS=AAPL,NVDA to .env.',
    );
  }
  return {
    endpoint: configuration.endpoint,
    clientId: configuration.runnerClientId ?? defaultRunnerClientId,
    symbols: configuration.symbols,
    request: {
      duration: readDuration(flags.duration ?? '10 D'),
      barSize: readBarSize(flags['bar-size'] ?? '30 mins'),
      regularHoursOnly: true,
    },
    intervalMs: readInterval(flags.interval ?? '300'),
    isOnce: flags.once ?? false,
  };
}

interface Flags {
  readonly symbols?: string | undefined;
  readonly duration?: string | undefined;
  readonly 'bar-size'?: string | undefined;
  readonly interval?: string | undefined;
  readonly once?: boolean | undefined;
}

function readFlags(args: readonly string[]): Flags {
  try {
    return parseArgs({
      args: [...args],
      options: {
        symbols: { type: 'string' },
        duration: { type: 'string' },
        'bar-size': { type: 'string' },
        interval: { type: 'string' },
        once: { type: 'boolean' },
      },
    }).values;
  } catch (error) {
    throw new HumanError(
      `${errorText(error)}. Known are --symbols A,B --duration "10 D" --bar-size "30 mins" --interval SECONDS --once.`,
    );
  }
}

function readDuration(text: string): string {
  if (!/^[1-9]\d{0,4} [SDWMY]$/.test(text)) {
    throw new HumanError(
      `--duration is "${text}", which TWS does not know. Use a number and S, D, W, M or Y, such as "10 D".`,
    );
  }
  return text;
}

function readBarSize(text: string): string {
  if (!barSizes.includes(text)) {
    throw new HumanError(
      `--bar-size is "${text}", which TWS does not serve. Use one of: ${barSizes.join(', ')}.`,
    );
  }
  return text;
}

function readInterval(text: string): number {
  const seconds = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(seconds >= 1 && seconds <= 86_400)) {
    throw new HumanError(
      `--interval is "${text}". Use whole seconds from 1 to 86400, such as 300.`,
    );
  }
  return seconds * 1000;
}
