import { readFileSync } from 'node:fs';
import { systemClock } from '../core/clock';
import { errorCode, errorText, HumanError } from '../core/errors';
import type { EndpointPaths } from '../core/paths';
import { daemonPaths } from '../daemon/launcher';
import type { Health, StatusRecord } from '../diagnostics/status';
import { describeEndpoint } from '../ibkr/endpoint';
import { type LastDrill, readLastDrill } from '../monitor/drillRecord';
import type { Command } from './command';
import {
  type EndpointCommand,
  parseEndpointCommand,
  withDaemon,
  withRunningDaemon,
} from './options';
import { drillLine, statusText } from './statusText';
import { styleFor } from './style';

/** The convention of monitoring plugins: 0 ok, 1 warning, 2 critical, 3 unknown. */
const exitByHealth: Readonly<Record<Health, number>> = {
  healthy: 0,
  degraded: 1,
  expected: 1,
  down: 2,
  unknown: 3,
  connecting: 3,
};

/** `robo status`: the present state from the daemon, or the last one from the records. */
export const statusCommand: Command = async (context) => {
  const command = parseEndpointCommand(context, { json: { type: 'boolean' } });
  const live = await withRunningDaemon(command, async (client) => client?.status());
  return show(context, command, live);
};

/** `robo reconnect`: try now, within the laws. */
export const reconnectCommand: Command = async (context) => {
  const command = parseEndpointCommand(context, { json: { type: 'boolean' } });
  return show(context, command, await withDaemon(command, async (client) => client.reconnect()));
};

function show(
  context: Parameters<Command>[0],
  command: EndpointCommand,
  live: StatusRecord | undefined,
): number {
  const record = live ?? readRecord(command);
  const lastDrill = readLastDrill(pathsOf(command));
  if (command.flags['json'] === true) {
    context.stdout(
      `${JSON.stringify(record === undefined ? null : dated(record, live, lastDrill))}\n`,
    );
  } else if (record === undefined) {
    const endpoint = describeEndpoint(command.configuration.endpoint);
    context.stdout(
      `unknown: nobody has watched ${endpoint} yet. Run "robo test".\n${drillLine(lastDrill)}\n`,
    );
  } else {
    const surroundings = { lastDrill, style: styleFor(context), nowMs: systemClock.now() };
    context.stdout(statusText(record, live !== undefined, surroundings));
  }
  // A record that nobody keeps says what was, not what is.
  return record === undefined || live === undefined
    ? exitByHealth.unknown
    : exitByHealth[record.health];
}

/** A record of a monitor that has ended says what was; machines are told so, as people are. */
function dated(
  record: StatusRecord,
  live: StatusRecord | undefined,
  lastDrill: LastDrill | undefined,
): object {
  const ageMs = systemClock.now() - Date.parse(record.timestamp);
  return {
    ...record,
    live: live !== undefined,
    ageSeconds: Math.round(ageMs / 1000),
    lastDrill: lastDrill ?? null,
  };
}

function pathsOf(command: EndpointCommand): EndpointPaths {
  const { stateDirectory, configuration } = command;
  return daemonPaths({ stateDirectory, endpoint: configuration.endpoint });
}

export function readRecord(command: EndpointCommand): StatusRecord | undefined {
  const file = pathsOf(command).status;
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as StatusRecord;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') {
      return undefined;
    }
    throw new HumanError(`${file} cannot be read: ${errorText(error)}`);
  }
}
