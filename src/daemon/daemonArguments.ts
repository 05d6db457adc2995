import { parseArgs } from 'node:util';
import { errorText, HumanError } from '../core/errors';
import { canonicalEndpoint, type Endpoint, parseClientId, parsePort } from '../ibkr/endpoint';

/** Everything that a daemon is told at its start. */
export interface DaemonArguments {
  readonly endpoint: Endpoint;
  readonly clientId: number;
  readonly stateDirectory: string;
  /** The built-in runner's script. */
  readonly runnerScript: string;
  /** Between server-time questions when all is quiet, in milliseconds. */
  readonly livenessIntervalMs: number;
  /** Stays without a client and a runner, until it is told to end. */
  readonly isService: boolean;
}

/** The command line that `parseDaemonArguments` reads back. */
export function formatDaemonArguments(daemon: DaemonArguments): readonly string[] {
  return [
    `--host=${daemon.endpoint.host}`,
    `--port=${daemon.endpoint.port}`,
    `--client-id=${daemon.clientId}`,
    `--state-dir=${daemon.stateDirectory}`,
    `--runner-script=${daemon.runnerScript}`,
    `--interval-ms=${daemon.livenessIntervalMs}`,
    ...(daemon.isService ? ['--service'] : []),
  ];
}

/**
 * Reads a daemon's command line.
 * @throws HumanError when a part is missing or wrong.
 */
export function parseDaemonArguments(args: readonly string[]): DaemonArguments {
  const values = readFlags(args);
  const need = (name: Exclude<keyof typeof values, 'service'>): string => {
    const value = values[name];
    if (value === undefined || value === '') {
      throw new HumanError(`The monitor process was started without --${name}.`);
    }
    return value;
  };
  return {
    endpoint: canonicalEndpoint(need('host'), parsePort(need('port'), '--port')),
    clientId: parseClientId(need('client-id'), '--client-id'),
    stateDirectory: need('state-dir'),
    runnerScript: need('runner-script'),
    livenessIntervalMs: intervalMs(need('interval-ms')),
    isService: values.service === true,
  };
}

function intervalMs(text: string): number {
  const ms = Number(text);
  if (!(ms >= 1000 && ms <= 3_600_000)) {
    throw new HumanError(
      `The monitor process was started with --interval-ms=${text}; it takes 1000 to 3600000.`,
    );
  }
  return ms;
}

function readFlags(args: readonly string[]): ReturnType<typeof parseFlags> {
  try {
    return parseFlags(args);
  } catch (error) {
    throw new HumanError(`The monitor process was started with wrong flags: ${errorText(error)}`);
  }
}

function parseFlags(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    options: {
      host: { type: 'string' },
      port: { type: 'string' },
      'client-id': { type: 'string' },
      'state-dir': { type: 'string' },
      'runner-script': { type: 'string' },
      'interval-ms': { type: 'string' },
      service: { type: 'boolean' },
    },
  }).values;
}
