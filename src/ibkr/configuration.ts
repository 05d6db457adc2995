import type { EnvEntry } from '../core/envFile';
import { errorText } from '../core/errors';
import {
  canonicalEndpoint,
  defaultClientId,
  defaultEndpoint,
  type Endpoint,
  isLoopback,
  type Mode,
  parseClientId,
  parsePort,
} from './endpoint';

/** Who decided a value; a Problem is placed there. */
export type Origin = 'flag' | 'environment' | 'setting' | 'envFile' | 'default';

export type ConfigurationKey = 'host' | 'port' | 'clientId' | 'symbols' | 'mode' | 'runnerClientId';

/** Raw text of one source; undefined where it says nothing. */
export type RawConfiguration = Partial<
  Record<'host' | 'port' | 'clientId' | 'symbols' | 'mode', string>
>;

export interface ConfigurationSources {
  readonly flags: RawConfiguration;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Only explicitly set settings, never their defaults. */
  readonly settings: RawConfiguration;
  readonly envFile: ReadonlyMap<string, EnvEntry>;
}

export interface ConfigurationProblem {
  readonly key: ConfigurationKey;
  readonly origin: Origin;
  readonly sentence: string;
}

export interface Configuration {
  readonly endpoint: Endpoint;
  readonly clientId: number;
  readonly symbols: readonly string[];
  readonly mode: Mode | undefined;
  /** The runner's own id, read to recognise it; never used by Robo. */
  readonly runnerClientId: number | undefined;
  readonly origins: Readonly<Record<'host' | 'port' | 'clientId' | 'symbols' | 'mode', Origin>>;
  /** What was wrong; the value then is the default, and nothing may be started. */
  readonly problems: readonly ConfigurationProblem[];
}

/** Environment and `.env` keys that the trader already has. */
const keys = {
  host: ['IBKR_HOST'],
  port: ['IBKR_PORT'],
  symbols: ['SYMBOLS'],
  mode: ['TRADING_MODE', 'EXECUTION_MODE'],
} as const;

interface Chosen {
  readonly text: string;
  readonly origin: Origin;
  readonly name: string;
}

/** Resolves flags over environment over explicit settings over the workspace's `.env` over defaults. */
export function resolveConfiguration(sources: ConfigurationSources): Configuration {
  const problems: ConfigurationProblem[] = [];
  const read = <T>(
    key: ConfigurationKey,
    chosen: Chosen | undefined,
    parse: (text: string, name: string) => T,
    fallback: T,
  ): T => {
    if (chosen === undefined) {
      return fallback;
    }
    try {
      return parse(chosen.text, chosen.name);
    } catch (error) {
      problems.push({ key, origin: chosen.origin, sentence: errorText(error) });
      return fallback;
    }
  };
  const host = choose('host', sources);
  const port = choose('port', sources);
  const clientId = choose('clientId', sources);
  const symbols = choose('symbols', sources);
  const mode = choose('mode', sources);
  const runnerId = fromEnvironment(['IBKR_CLIENT_ID'], sources);
  return {
    endpoint: canonicalEndpoint(
      read('host', host, parseHost, defaultEndpoint.host),
      read('port', port, parsePort, defaultEndpoint.port),
    ),
    clientId: read('clientId', clientId, parseClientId, defaultClientId),
    symbols: read('symbols', symbols, parseSymbols, []),
    mode: read('mode', mode, parseMode, undefined),
    runnerClientId: read('runnerClientId', runnerId, parseClientId, undefined),
    origins: {
      host: host?.origin ?? 'default',
      port: port?.origin ?? 'default',
      clientId: clientId?.origin ?? 'default',
      symbols: symbols?.origin ?? 'default',
      mode: mode?.origin ?? 'default',
    },
    problems,
  };
}

function choose(
  key: 'host' | 'port' | 'clientId' | 'symbols' | 'mode',
  sources: ConfigurationSources,
): Chosen | undefined {
  const flag = sources.flags[key];
  if (flag !== undefined) {
    return { text: flag, origin: 'flag', name: `--${key === 'clientId' ? 'client-id' : key}` };
  }
  const names = key === 'clientId' ? [] : keys[key];
  const variable = names.find((name) => (sources.environment[name] ?? '') !== '');
  if (variable !== undefined) {
    return { text: sources.environment[variable] ?? '', origin: 'environment', name: variable };
  }
  const setting = sources.settings[key];
  if (setting !== undefined) {
    return { text: setting, origin: 'setting', name: `robo.${key}` };
  }
  return fromEnvFile(names, sources);
}

function fromEnvFile(names: readonly string[], sources: ConfigurationSources): Chosen | undefined {
  for (const name of names) {
    const entry = sources.envFile.get(name);
    if (entry !== undefined && entry.value !== '') {
      // Opening a folder must not make us dial a stranger: another host than this
      // machine needs a flag or consent, never `.env` alone (house, Processes).
      if (name === 'IBKR_HOST' && !isLoopback(entry.value)) {
        continue;
      }
      return { text: entry.value, origin: 'envFile', name: `${name} in .env` };
    }
  }
  return undefined;
}

function fromEnvironment(
  names: readonly string[],
  sources: ConfigurationSources,
): Chosen | undefined {
  const variable = names.find((name) => (sources.environment[name] ?? '') !== '');
  return variable === undefined
    ? fromEnvFile(names, sources)
    : { text: sources.environment[variable] ?? '', origin: 'environment', name: variable };
}

/** The host that `.env` names although it is not this machine; it needs a flag or consent. */
export function remoteHostInEnvFile(envFile: ReadonlyMap<string, EnvEntry>): string | undefined {
  const host = envFile.get('IBKR_HOST')?.value;
  return host !== undefined && host !== '' && !isLoopback(host) ? host : undefined;
}

function parseHost(text: string, where: string): string {
  const host = text.trim().replace(/^\[(.*)\]$/, '$1');
  if (!/^[A-Za-z0-9]([A-Za-z0-9.-]{0,252})$|^[0-9A-Fa-f:]{2,45}$/.test(host)) {
    throw new Error(
      `${where} is "${text}", which is no host name or address. Use 127.0.0.1 for TWS on this machine.`,
    );
  }
  return host;
}

const symbolPattern = /^[A-Z]{1,5}(\.[A-Z]{1,2})?$/;

/** Splits a comma list of US stock symbols (the trader's own pattern); keeps the order, drops repeats. */
export function parseSymbols(text: string, where: string): readonly string[] {
  const symbols = text
    .split(',')
    .map((part) => part.trim().toUpperCase())
    .filter((part) => part !== '');
  const wrong = symbols.find((symbol) => !symbolPattern.test(symbol));
  if (wrong !== undefined) {
    throw new Error(
      `${where} contains "${wrong}", which is no stock symbol. Use a comma-separated list such as AAPL,NVDA,TSLA.`,
    );
  }
  return [...new Set(symbols)];
}

function parseMode(text: string, where: string): Mode {
  const mode = text.trim().toLowerCase();
  if (mode !== 'paper' && mode !== 'live') {
    throw new Error(`${where} is "${text}". Use paper or live.`);
  }
  return mode;
}
