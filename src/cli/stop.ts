import { join } from 'node:path';
import { workspaceFolderName } from '../core/paths';
import type { DaemonClient } from '../daemon/client';
import { daemonPaths } from '../daemon/launcher';
import type { StopRunnerResult } from '../daemon/protocol';
import type { RunnerStatus } from '../diagnostics/status';
import { machineFor } from '../host/thisMachine';
import { describeEndpoint } from '../ibkr/endpoint';
import { helpersLeftIn } from '../runner/helperProcesses';
import { leftBefore } from '../runner/lastRun';
import { readLease } from '../runner/lease';
import { markedAmong } from '../runner/markedProcesses';
import { readIntent } from '../runner/startIntent';
import type { Command } from './command';
import {
  type EndpointCommand,
  parseEndpointCommand,
  withDaemon,
  withRunningDaemon,
} from './options';
import { printable } from './style';

const exitCodes = { stopped: 0, left: 1 } as const;

/** What a stop has come to, and what of this and of other folders runs after it. */
interface Stopped {
  readonly result: StopRunnerResult;
  /** Of this folder: its runner where it goes on, and helpers that could not be ended. */
  readonly left: readonly { readonly name: string; readonly pid: number | null }[];
  readonly others: readonly RunnerStatus[];
  readonly wasDue: boolean;
}

/** `robo stop`: ends the runner of this folder and its helpers; nothing to end is no error. */
export const stopCommand: Command = async (context) => {
  const command = parseEndpointCommand(context, { json: { type: 'boolean' } });
  const stopped = await stopHere(command, context.workingDirectory);
  const { left, result } = stopped;
  if (command.flags['json'] === true) {
    context.stdout(`${JSON.stringify({ schema: 1, ...result, left })}\n`);
  } else {
    const { endpoint } = command.configuration;
    context.stdout(stoppedText(stopped, describeEndpoint(endpoint)));
  }
  if (left.length > 0 || result.outcome === 'still alive') {
    context.stderr(leftText(stopped));
    return exitCodes.left;
  }
  return exitCodes.stopped;
};

async function stopHere(command: EndpointCommand, workspace: string): Promise<Stopped> {
  const work = async (client: DaemonClient): Promise<Stopped> => stop(client, workspace);
  const stopped = await withRunningDaemon(command, async (client) =>
    client === undefined ? undefined : work(client),
  );
  if (stopped !== undefined) {
    return stopped;
  }
  // A monitor that was killed leaves a runner that goes on; the next one takes it over.
  return (await isAnyLeft(command, workspace)) ? withDaemon(command, work) : nothing;
}

const nothing: Stopped = {
  result: { outcome: 'not running', pid: null, wasKilled: false },
  left: [],
  others: [],
  wasDue: false,
};

async function stop(client: DaemonClient, workspace: string): Promise<Stopped> {
  const isHere = (runner: RunnerStatus): boolean => runner.workspace === workspace;
  const before = (await client.status()).runner.find(isHere);
  const result = await client.stopRunner(workspace);
  const { runner: runners } = await client.status();
  const left = runners.filter(isHere).flatMap(({ pid, helpers = [] }) => [
    ...(pid === null ? [] : [{ name: 'runner', pid }]),
    // Of one that could not be ended only its record knows the number.
    ...helpers.filter(({ state }) => state !== 'exited').map(({ name, pid }) => ({ name, pid })),
  ]);
  const others = runners.filter((runner) => !isHere(runner) && runner.pid !== null);
  return { result, left, others, wasDue: (before?.restart?.nextAt ?? null) !== null };
}

/** True also where the records cannot be read: the monitor says then what is wrong. */
async function isAnyLeft(command: EndpointCommand, workspace: string): Promise<boolean> {
  const { stateDirectory, configuration } = command;
  const { runners } = daemonPaths({ stateDirectory, endpoint: configuration.endpoint });
  const directory = join(runners, workspaceFolderName(workspace));
  const [lease, intent, helpers] = await Promise.all([
    readLease(directory),
    readIntent(directory),
    helpersLeftIn(directory),
  ]);
  const isLeft = [lease, intent].some((record) => !record.known || record.value !== undefined);
  return isLeft || helpers !== undefined || (await isAnyMarked(directory));
}

/** What a run has left whose own command has ended; what cannot be seen may be there. */
async function isAnyMarked(directory: string): Promise<boolean> {
  const marks = await leftBefore(directory);
  const machine = machineFor(process.platform);
  if (marks.length === 0) {
    return false;
  }
  const table = await machine.processes();
  if (!table.known) {
    return true;
  }
  const living = await markedAmong(table.value, marks, { machine, ownPid: process.pid });
  return living.length > 0;
}

function stoppedText(
  { result: { outcome, pid, wasKilled, how }, others, wasDue }: Stopped,
  endpoint: string,
): string {
  const lines =
    outcome === 'stopped'
      ? [`Runner stopped, pid ${pid ?? 'unknown'}.`]
      : outcome === 'not running'
        ? [
            wasDue
              ? 'The runner of this folder had ended; its next start was called off.'
              : `No runner of this folder runs for ${endpoint}.`,
          ]
        : [];
  if (outcome === 'stopped' && wasKilled) {
    lines.push(
      how === 'not graceful'
        ? 'It was ended without being asked: this system has no signal that asks. Look at open orders and positions.'
        : 'It did not end when it was asked to and was killed; what it had not finished is lost. Look at open orders and positions.',
    );
  }
  if (outcome === 'not running') {
    lines.push(
      ...others.map(
        (other) =>
          `The one of ${printable(other.workspace)} (pid ${other.pid ?? 'unknown'}) goes on.`,
      ),
    );
  }
  return lines.map((line) => `${line}\n`).join('');
}

function leftText({ result: { outcome, pid, why }, left }: Stopped): string {
  const named = left.map((one) => `${one.name} (pid ${one.pid ?? 'unknown'})`).join(', ');
  const who = named === '' ? `the runner (pid ${pid ?? 'unknown'})` : named;
  const reason = outcome === 'still alive' && why !== undefined ? ` ${why}` : '';
  return `Left running: ${printable(`${who}.${reason}`)} "robo ps" shows what it is; end it by hand if it is yours.\n`;
}
