import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { errorCode, errorText } from '../core/errors';
import { type EnvEntry, parseEnvFile } from '../core/envFile';
import { defaultStateDirectory } from '../core/paths';
import { version } from '../core/version';
import {
  type DaemonFiles,
  installDaemonFiles,
  programStorageVariable,
} from '../daemon/daemonFiles';
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
import { type OptionsConfig, type ParsedCommand, parseFlags } from './flags';
import { monitorNode } from './runtime';

/** Flags of every command about an endpoint. */
const endpointOptions = {
  host: { type: 'string' },
  port: { type: 'string' },
  'client-id': { type: 'string' },
  'state-dir': { type: 'string' },
} as const satisfies OptionsConfig;

/** What a command about an endpoint works with. */
export interface EndpointCommand extends ParsedCommand {
  readonly configuration: Configuration;
  /** The workspace's `.env` as text. */
  readonly envFile: ReadonlyMap<string, EnvEntry>;
  readonly stateDirectory: string;
  /** Where an editor keeps the programs that outlive its extension's folder. */
  readonly programStorage: string | undefined;
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
  return {
    ...parsed,
    configuration,
    envFile,
    stateDirectory: stateDirectory(context, text('state-dir')),
    programStorage: context.environment[programStorageVariable],
  };
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
    runtime: {
      execPath: monitorNode(directory),
      // An editor's own Node is told to be one, and the daemon must be told so too.
      environment: process.versions['electron'] === undefined ? {} : { ELECTRON_RUN_AS_NODE: '1' },
    },
    daemonScript: join(directory, 'daemon.cjs'),
    runnerScript: join(directory, 'runner.cjs'),
  };
}

/** Joins or starts the daemon, lets `work` use it, and leaves it. */
export async function withDaemon<T>(
  command: EndpointCommand,
  work: (client: DaemonClient) => Promise<T>,
): Promise<T> {
  const client = await connectToDaemon({
    ...daemonOptions(command),
    ...(await lastingFiles(command)),
  });
  try {
    return await work(client);
  } finally {
    client.dispose();
  }
}

/** The daemon's programs where an editor's next update does not delete them. */
async function lastingFiles({
  programStorage = '',
}: EndpointCommand): Promise<Partial<DaemonFiles>> {
  return programStorage === ''
    ? {}
    : installDaemonFiles(bundleDirectory(), programStorage, version);
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
