import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { errorCode, errorText } from '../core/errors';
import { parseEnvFile } from '../core/envFile';
import { defaultStateDirectory } from '../core/paths';
import { connectToDaemon, type DaemonOptions, joinDaemon } from '../daemon/launcher';
import type { DaemonClient } from '../daemon/client';
import {
  type Configuration,
  type RawConfiguration,
  remoteHostInEnvFile,
  resolveConfiguration,
} from '../ibkr/configuration';
import { isLoopback } from '../ibkr/endpoint';
import { type CommandContext, ConfigurationError, UsageError } from './command';
import { monitorNode } from './runtime';

type OptionsConfig = NonNullable<ParseArgsConfig['options']>;

/** Flags of every command about an endpoint. */
const endpointOptions = {
  host: { type: 'string' },
  port: { type: 'string' },
  'client-id': { type: 'string' },
  'state-dir': { type: 'string' },
} as const satisfies OptionsConfig;

/** A command's flags, read. */
export interface ParsedCommand {
  readonly flags: Readonly<Record<string, string | boolean | undefined>>;
  readonly positionals: readonly string[];
}

/** What a command about an endpoint works with. */
export interface EndpointCommand extends ParsedCommand {
  readonly configuration: Configuration;
  readonly stateDirectory: string;
}

/**
 * Reads flags.
 * @throws UsageError at an unknown flag, a missing value, or an argument too many.
 */
export function parseFlags(
  context: CommandContext,
  options: OptionsConfig,
  maxPositionals = 0,
): ParsedCommand {
  try {
    const { values, positionals } = parseArgs({
      args: [...context.args],
      options,
      allowPositionals: maxPositionals > 0,
    });
    if (positionals.length > maxPositionals) {
      throw new UsageError(`Unexpected argument "${positionals[maxPositionals] ?? ''}".`);
    }
    return { flags: values as ParsedCommand['flags'], positionals };
  } catch (error) {
    // Node adds sentences and lines about `--` that help nobody here.
    throw error instanceof UsageError
      ? error
      : new UsageError(errorText(error).split(/\.?\n|\. /)[0] ?? '');
  }
}

/**
 * Reads the flags of a command about an endpoint, and the configuration behind them.
 * @throws UsageError at wrong flags, ConfigurationError at a wrong environment or `.env`.
 */
export function parseEndpointCommand(
  context: CommandContext,
  options: OptionsConfig = {},
  maxPositionals = 0,
): EndpointCommand {
  const parsed = parseFlags(context, { ...endpointOptions, ...options }, maxPositionals);
  const text = (name: string): string | undefined => {
    const value = parsed.flags[name];
    return typeof value === 'string' ? value : undefined;
  };
  const flags: RawConfiguration = dropUndefined({
    host: text('host'),
    port: text('port'),
    clientId: text('client-id'),
    symbols: text('symbols') ?? text('symbol'),
    mode: text('mode'),
  });
  const envFile = parseEnvFile(readEnvFile(context.workingDirectory));
  // An editor may have put `.env` into the environment of its terminals: it counts as that file.
  const ofEnvironment = context.environment['IBKR_HOST'];
  const remote =
    ofEnvironment === undefined || ofEnvironment === ''
      ? remoteHostInEnvFile(envFile)
      : ofEnvironment;
  if (remote !== undefined && flags.host === undefined && !isLoopback(remote)) {
    throw new ConfigurationError(
      `IBKR_HOST names ${remote}, which is another machine; add --host ${remote} to say that you mean it.`,
    );
  }
  const configuration = resolveConfiguration({
    flags,
    environment: context.environment,
    settings: {},
    envFile,
  });
  const problem = configuration.problems[0];
  if (problem !== undefined) {
    throw problem.origin === 'flag'
      ? new UsageError(problem.sentence)
      : new ConfigurationError(problem.sentence);
  }
  return { ...parsed, configuration, stateDirectory: stateDirectory(context, text('state-dir')) };
}

/** Absolute: the daemon works in another directory than the command that starts it. */
function stateDirectory(context: CommandContext, flag: string | undefined): string {
  const directory =
    flag ??
    defaultStateDirectory({
      platform: process.platform,
      environment: context.environment,
      homeDirectory: homedir(),
      userId: process.getuid?.(),
    });
  return resolve(context.workingDirectory, directory);
}

function dropUndefined(values: Record<string, string | undefined>): RawConfiguration {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

function readEnvFile(directory: string): string {
  try {
    return readFileSync(join(directory, '.env'), 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'EISDIR') {
      return '';
    }
    throw new ConfigurationError(`.env in ${directory} cannot be read: ${errorText(error)}.`);
  }
}

/** The folder of the bundles, where daemon and runner lie beside the command line. */
export function bundleDirectory(): string {
  return __dirname;
}

/** How this command line reaches and starts the daemon. */
export function daemonOptions(command: EndpointCommand): DaemonOptions {
  const directory = bundleDirectory();
  return {
    stateDirectory: command.stateDirectory,
    endpoint: command.configuration.endpoint,
    clientId: command.configuration.clientId,
    kind: 'cli',
    runtime: { execPath: monitorNode(directory), environment: {} },
    daemonScript: join(directory, 'daemon.cjs'),
    runnerScript: join(directory, 'runner.cjs'),
  };
}

/** Joins or starts the daemon, lets `work` use it, and leaves it. */
export async function withDaemon<T>(
  command: EndpointCommand,
  work: (client: DaemonClient) => Promise<T>,
): Promise<T> {
  const client = await connectToDaemon(daemonOptions(command));
  try {
    return await work(client);
  } finally {
    client.dispose();
  }
}

/** Joins a daemon that runs already; `work` gets undefined where none does. */
export async function withRunningDaemon<T>(
  command: EndpointCommand,
  work: (client: DaemonClient | undefined) => Promise<T>,
): Promise<T> {
  const { endpoint } = command.configuration;
  const client = await joinDaemon({
    stateDirectory: command.stateDirectory,
    endpoint,
    kind: 'cli',
  });
  try {
    return await work(client);
  } finally {
    client?.dispose();
  }
}
