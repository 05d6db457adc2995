import { parseArgs } from 'node:util';
import { errorText, HumanError } from '../core/errors';
import {
  canonicalEndpoint,
  type Endpoint,
  formatEndpoint,
  isLoopback,
  parseClientId,
  parsePort,
  usualPort,
} from '../ibkr/endpoint';
import { parseRecoverySettings, type RecoverySettings } from '../monitor/recoverySettings';
import { parseWatchSettings } from './watchSettings';

/** Everything that a daemon is told at its start. */
export interface DaemonArguments {
  readonly endpoint: Endpoint;
  readonly clientId: number;
  readonly stateDirectory: string;
  /** The built-in runner's script. */
  readonly runnerScript: string;
  /**
   * Between server-time questions when all is quiet, in milliseconds. What is left out here and of
   * the three below, settings say.
   */
  readonly livenessIntervalMs?: number;
  /** Time zone of TWS, as it was written; empty: as TWS says. */
  readonly twsZone?: string;
  /** Daily restart of TWS, `23:45`; empty: learned. */
  readonly twsRestart?: string;
  /** Folder for copies of status and alert; empty: none. */
  readonly alsoAt?: string;
  /** Stays without a client and a runner, until it is told to end. */
  readonly isService: boolean;
  /**
   * The pid of the rehearsal that this daemon belongs to: it sees nothing of the machine but that
   * rehearsal, ends with it, and refuses every address where a real TWS may be.
   */
  readonly rehearsalOf?: number;
  /** What recovery may do beyond holding and dialling; nothing where it is left out. */
  readonly recovery?: RecoverySettings;
}

/** The command line that `parseDaemonArguments` reads back. */
export function formatDaemonArguments(daemon: DaemonArguments): readonly string[] {
  return [
    `--host=${daemon.endpoint.host}`,
    `--port=${daemon.endpoint.port}`,
    `--client-id=${daemon.clientId}`,
    `--state-dir=${daemon.stateDirectory}`,
    `--runner-script=${daemon.runnerScript}`,
    ...optional('interval-ms', daemon.livenessIntervalMs),
    ...optional('tws-zone', daemon.twsZone),
    ...optional('tws-restart', daemon.twsRestart),
    ...optional('records-also-at', daemon.alsoAt),
    ...(daemon.isService ? ['--service'] : []),
    ...(daemon.rehearsalOf === undefined ? [] : [`--rehearsal-of=${daemon.rehearsalOf}`]),
    ...formatRecovery(daemon.recovery),
  ];
}

function optional(flag: string, value: string | number | undefined): readonly string[] {
  return value === undefined ? [] : [`--${flag}=${value}`];
}

function formatRecovery(recovery: RecoverySettings | undefined): readonly string[] {
  return recovery?.ibcCommandPort === undefined
    ? []
    : [
        `--ibc-command-port=${recovery.ibcCommandPort}`,
        `--recovery-allow=${[...recovery.allow].join(',')}`,
      ];
}

type NeededFlag = 'host' | 'port' | 'client-id' | 'state-dir' | 'runner-script';

/**
 * Reads a daemon's command line.
 * @throws HumanError when a part is missing or wrong.
 */
export function parseDaemonArguments(args: readonly string[]): DaemonArguments {
  const values = readFlags(args);
  const need = (name: NeededFlag): string => {
    const value = values[name];
    if (value === undefined || value === '') {
      throw new HumanError(`The monitor process was started without --${name}.`);
    }
    return value;
  };
  const endpoint = canonicalEndpoint(need('host'), parsePort(need('port'), '--port'));
  const rehearsalOf = values['rehearsal-of'];
  return {
    endpoint,
    clientId: parseClientId(need('client-id'), '--client-id'),
    stateDirectory: need('state-dir'),
    runnerScript: need('runner-script'),
    isService: values.service === true,
    ...(rehearsalOf === undefined ? {} : { rehearsalOf: rehearsalPid(rehearsalOf, endpoint) }),
    ...readWatch(values, endpoint),
    ...readRecovery(values, endpoint),
  };
}

function readWatch(
  values: ReturnType<typeof parseFlags>,
  endpoint: Endpoint,
): Pick<DaemonArguments, 'livenessIntervalMs' | 'twsZone' | 'twsRestart' | 'alsoAt'> {
  const { 'interval-ms': interval, 'tws-zone': twsZone, 'tws-restart': twsRestart } = values;
  const texts = {
    ...(twsZone === undefined ? {} : { twsZone }),
    ...(twsRestart === undefined ? {} : { twsRestart }),
    ...(values['records-also-at'] === undefined ? {} : { alsoAt: values['records-also-at'] }),
  };
  parseWatchSettings(texts, endpoint);
  return {
    ...(interval === undefined ? {} : { livenessIntervalMs: intervalMs(interval) }),
    ...texts,
  };
}

/** A rehearsal only ever happens on a port of its own, whoever starts the daemon (law 9). */
function rehearsalPid(text: string, endpoint: Endpoint): number {
  if (!isLoopback(endpoint.host) || usualPort(endpoint.port) !== undefined) {
    throw new HumanError(
      `A rehearsal was to begin at ${formatEndpoint(endpoint)}, where a real TWS may be; it takes 127.0.0.1 and none of the usual ports.`,
    );
  }
  const pid = /^[1-9]\d{0,9}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isNaN(pid)) {
    throw new HumanError(`The monitor process was started with --rehearsal-of=${text}, no pid.`);
  }
  return pid;
}

/** A rehearsal gets none of it: an IBC on this machine belongs to a real TWS (law 9). */
function readRecovery(
  values: ReturnType<typeof parseFlags>,
  endpoint: Endpoint,
): Pick<DaemonArguments, 'recovery'> {
  const ibcCommandPort = values['ibc-command-port'];
  const raw = { ibcCommandPort, allow: values['recovery-allow'] };
  const names = { port: '--ibc-command-port', allow: '--recovery-allow' };
  const recovery = parseRecoverySettings(raw, endpoint, names);
  if (recovery.ibcCommandPort === undefined) {
    return {};
  }
  if (values['rehearsal-of'] !== undefined) {
    throw new HumanError('A rehearsal was started with --ibc-command-port; it speaks with no IBC.');
  }
  return { recovery };
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
      'tws-zone': { type: 'string' },
      'tws-restart': { type: 'string' },
      'records-also-at': { type: 'string' },
      service: { type: 'boolean' },
      'rehearsal-of': { type: 'string' },
      'ibc-command-port': { type: 'string' },
      'recovery-allow': { type: 'string' },
    },
  }).values;
}
