import { parseArgs } from 'node:util';
import type { EnvEntry } from '../core/envFile';
import { errorText, HumanError } from '../core/errors';
import { resolveConfiguration } from '../ibkr/configuration';
import type { Endpoint } from '../ibkr/endpoint';
import type { BarRequest } from '../ibkr/marketData';
import { barSizes } from './barSizes';
import { type Micros, toMicros } from './money';
import type { PaperRules } from './paperRules';

export interface TradingOptions {
  readonly endpoint: Endpoint;
  readonly clientId: number;
  readonly symbols: readonly string[];
  readonly request: BarRequest;
  readonly intervalMs: number;
  /** One cycle, then the end. */
  readonly isOnce: boolean;
  /** A module of the trader's own; undefined for the crossover of averages. */
  readonly strategyFile: string | undefined;
  /** Where the paper book is kept; undefined for the place that Robo chooses. */
  readonly paperFile: string | undefined;
  /** What a new paper book begins with. */
  readonly openingCash: Micros;
  readonly rules: PaperRules;
}

/** The id that the trader's own runner uses when nothing else is said. */
const defaultRunnerClientId = 123;

interface Preset {
  readonly duration: string;
  readonly barSize: string;
  /** Seconds. */
  readonly interval: string;
}

/** The trader's first system and their later one (origin system, section 6). */
const presets: ReadonlyMap<string, Preset> = new Map([
  ['slow', { duration: '10 D', barSize: '30 mins', interval: '300' }],
  ['fast', { duration: '1 D', barSize: '1 min', interval: '15' }],
]);

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
  const preset = readPreset(flags.preset ?? given(environment['ROBO_RUNNER_PRESET']) ?? 'slow');
  const said = (key: string): string | undefined =>
    given(environment[key]) ?? given(envFile.get(key)?.value);
  const barSize = readBarSize(flags['bar-size'] ?? preset.barSize);
  const intervalMs = readInterval(flags.interval ?? preset.interval);
  return {
    endpoint: configuration.endpoint,
    clientId: configuration.runnerClientId ?? defaultRunnerClientId,
    symbols: configuration.symbols,
    request: {
      duration: readDuration(flags.duration ?? preset.duration),
      barSize,
      regularHoursOnly: true,
    },
    intervalMs,
    isOnce: flags.once ?? environment['ROBO_RUNNER_ONCE'] === '1',
    // Never from `.env`: one names code that is run, the other a file that is written.
    strategyFile: flags.strategy ?? given(environment['ROBO_STRATEGY']),
    paperFile: flags['paper-db'] ?? given(environment['ROBO_PAPER_DB']),
    openingCash: readCash(flags['default-cash'], said('DEFAULT_CASH')),
    rules: {
      ...readLimits(flags, said),
      freshMs: intervalMs,
      barMs: barSizes.get(barSize) ?? 0,
    },
  };
}

const flagOptions = {
  symbols: { type: 'string' },
  preset: { type: 'string' },
  duration: { type: 'string' },
  'bar-size': { type: 'string' },
  interval: { type: 'string' },
  once: { type: 'boolean' },
  strategy: { type: 'string' },
  'paper-db': { type: 'string' },
  'default-cash': { type: 'string' },
  'slippage-bps': { type: 'string' },
  'max-position-percent': { type: 'string' },
  'max-daily-loss-percent': { type: 'string' },
  'max-open-positions': { type: 'string' },
} as const;

type Flags = {
  readonly [Name in keyof typeof flagOptions]?:
    ((typeof flagOptions)[Name]['type'] extends 'boolean' ? boolean : string) | undefined;
};

function readFlags(args: readonly string[]): Flags {
  try {
    return parseArgs({ args: [...args], options: flagOptions }).values;
  } catch (error) {
    throw new HumanError(
      `${errorText(error)}. Known are --symbols A,B --preset slow|fast --duration "10 D" --bar-size "30 mins" --interval SECONDS --once --strategy FILE --paper-db FILE --default-cash DOLLARS --slippage-bps N --max-position-percent N --max-daily-loss-percent N --max-open-positions N.`,
    );
  }
}

/** An empty value says nothing. */
function given(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

function readPreset(name: string): Preset {
  const preset = presets.get(name);
  if (preset === undefined) {
    throw new HumanError(
      `--preset is "${name}". Use slow (10 days of 30-minute bars every 300 s) or fast (1 day of 1-minute bars every 15 s).`,
    );
  }
  return preset;
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
  if (!barSizes.has(text)) {
    throw new HumanError(
      `--bar-size is "${text}", which TWS does not serve. Use one of: ${[...barSizes.keys()].join(', ')}.`,
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

/** The limits of the trader's own system; its environment has fractions where flags have percent. */
function readLimits(
  flags: Flags,
  said: (key: string) => string | undefined,
): Omit<PaperRules, 'freshMs' | 'barMs'> {
  const ppm = (name: 'max-position-percent' | 'max-daily-loss-percent', key: string): number => {
    const flag = flags[name];
    return Math.round(
      flag === undefined
        ? readNumber({ name: key, text: said(key) ?? defaultShares[name], min: 0, max: 1 }) * 1e6
        : readNumber({ name: `--${name}`, text: flag, min: 0, max: 100 }) * 1e4,
    );
  };
  const open = flags['max-open-positions'];
  const openKey = 'RISK_MAX_OPEN_POSITIONS';
  return {
    slippagePpm: Math.round(
      readNumber({
        name: '--slippage-bps',
        text: flags['slippage-bps'] ?? '0',
        min: 0,
        max: 1000,
      }) * 100,
    ),
    maxPositionPpm: ppm('max-position-percent', 'RISK_MAX_POSITION_PCT'),
    maxDailyLossPpm: ppm('max-daily-loss-percent', 'RISK_MAX_DAILY_LOSS_PCT'),
    maxOpenPositions: Math.floor(
      readNumber({
        name: open === undefined ? openKey : '--max-open-positions',
        text: open ?? said(openKey) ?? '20',
        min: 0,
        max: 10_000,
      }),
    ),
  };
}

/** Fractions, as in the trader's environment. */
const defaultShares = {
  'max-position-percent': '0.02',
  'max-daily-loss-percent': '0.005',
} as const;

function readCash(flag: string | undefined, said: string | undefined): Micros {
  const name = flag === undefined ? 'DEFAULT_CASH' : '--default-cash';
  const text = flag ?? said ?? '100000';
  const dollars = readNumber({ name, text, min: 1, max: 1_000_000_000 });
  return toMicros(dollars) ?? 0;
}

interface NumberText {
  readonly name: string;
  readonly text: string;
  readonly min: number;
  readonly max: number;
}

function readNumber({ name, text, min, max }: NumberText): number {
  const value = /^\d{1,12}(?:\.\d{1,9})?$|^\.\d{1,9}$/.test(text.trim())
    ? Number(text)
    : Number.NaN;
  if (!(value >= min && value <= max)) {
    throw new HumanError(`${name} is "${text}". Use a number from ${min} to ${max}.`);
  }
  return value;
}
