import { readFileSync } from 'node:fs';
import { systemClock } from '../core/clock';
import { errorCode, errorText, HumanError } from '../core/errors';
import type { EndpointPaths } from '../core/paths';
import { daemonPaths } from '../daemon/launcher';
import { describeDuration } from '../diagnostics/notices';
import { workText } from '../diagnostics/runnerWork';
import type { Health, RunnerStatus, StatusRecord } from '../diagnostics/status';
import { triedText } from '../diagnostics/tried';
import { describeEndpoint } from '../ibkr/endpoint';
import { type LastDrill, readLastDrill } from '../monitor/drillRecord';
import type { Command } from './command';
import {
  type EndpointCommand,
  parseEndpointCommand,
  withDaemon,
  withRunningDaemon,
} from './options';
import { findingText } from './reportText';
import { printable, type Style, styleFor } from './style';

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
    context.stdout(statusText(record, live !== undefined, { lastDrill, style: styleFor(context) }));
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

function statusText(
  record: StatusRecord,
  isLive: boolean,
  { lastDrill, style }: { readonly lastDrill: LastDrill | undefined; readonly style: Style },
): string {
  const paint =
    record.health === 'healthy' ? style.good : record.health === 'down' ? style.bad : style.warn;
  const age = describeDuration(systemClock.now() - Date.parse(record.timestamp));
  const lines = [
    isLive
      ? `${paint(record.health)}: ${printable(record.message)}`
      : `unknown: no monitor runs now; ${age} ago it was ${record.health}: ${printable(record.message)}`,
    `  since ${record.since}, layer ${record.layer ?? 'none'}, last answer ${record.last_good_connection ?? 'never'}`,
    `  session ${record.session.state}, client id ${record.session.clientId}, connections opened ${record.session.connectionsOpened}`,
    ...(record.planned ?? []).map(({ words }) => `  ${printable(words)}`),
    ...brokenFarmsLine(record),
    ...triedLine(record),
    ...record.runner.flatMap(runnerLines),
    ...alertLines(record),
    drillLine(lastDrill),
    ...record.findings.map((finding) => `\n${findingText(finding, style)}`),
    ...record.runner
      .flatMap(({ findings }) => findings)
      .map((finding) => `\n${findingText(finding, style)}`),
  ];
  return `${lines.join('\n')}\n`;
}

/** What recovery has tried; of a trouble that is over it is history, which the log tells. */
function triedLine({ health, recovery }: StatusRecord): readonly string[] {
  const tried = health === 'healthy' ? undefined : triedText(recovery);
  return tried === undefined ? [] : [`  ${printable(tried)}`];
}

function brokenFarmsLine({ session: { farms = [] } }: StatusRecord): readonly string[] {
  const broken = farms.filter(({ state }) => state === 'broken');
  const names = broken.map(({ name, kind }) => `${printable(name)} (${kind})`);
  return broken.length === 0 ? [] : [`  farms broken: ${names.join(', ')}`];
}

/** Open incidents, whether they are acknowledged, and quiet. */
function alertLines({ incidents = [], alerts }: StatusRecord): readonly string[] {
  const quietUntil = alerts?.quietUntil ?? null;
  const problem = alerts?.problem ?? null;
  return [
    ...incidents.map(({ message, since, acknowledgedAt }) => {
      const known = acknowledgedAt === null ? 'not acknowledged' : `acknowledged ${acknowledgedAt}`;
      return `  incident since ${since}, ${known}: ${printable(message)}`;
    }),
    ...(quietUntil === null ? [] : [`  do not disturb until ${quietUntil}`]),
    ...(problem === null ? [] : [`  alerts: ${printable(problem)}`]),
  ];
}

function drillLine(last: LastDrill | undefined): string {
  if (last === undefined) {
    return '  last rehearsal: never ("robo drill")';
  }
  const { at, held, total, known, notHeld } = last;
  const part = total < known ? `, of ${known} faults` : '';
  const failed = notHeld.length === 0 ? '' : ` (not: ${printable(notHeld.join(', '))})`;
  return `  last rehearsal: ${at.slice(0, 10)}, ${held} of ${total} held${part}${failed}`;
}

/** The runner, what was started with it, and what the trader should know of it. */
function runnerLines(runner: RunnerStatus): readonly string[] {
  const { restart, helpers = [], warnings = [] } = runner;
  const more = [
    ...(restart === undefined ? [] : [restart.why]),
    ...helpers.map(({ name, state, port, why }) => {
      const place = port === null ? '' : `, port ${port}`;
      return `helper ${name}: ${state}${place}${why === null ? '' : ` (${why})`}`;
    }),
    ...warnings,
  ];
  return [runnerLine(runner), ...more.map((line) => `    ${printable(line)}`)];
}

function runnerLine(runner: RunnerStatus): string {
  const pid = runner.pid === null ? '' : `, pid ${runner.pid}`;
  const { lastLineAt = null } = runner;
  const ages = [
    ageWords('last cycle', runner.lastCycleAt),
    ageWords('last data', runner.lastFetchAt),
    ageWords('last line', lastLineAt),
  ];
  return `  runner of ${printable(runner.workspace)}: ${runner.state}${pid}, work ${workText(runner)}${ages.join('')}`;
}

function ageWords(what: string, at: string | null): string {
  return at === null ? '' : `, ${what} ${describeDuration(systemClock.now() - Date.parse(at))} ago`;
}
