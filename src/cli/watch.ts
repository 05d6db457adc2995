import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { HumanError } from '../core/errors';
import type { DaemonClient } from '../daemon/client';
import { daemonPaths } from '../daemon/launcher';
import { listProcesses } from '../daemon/processes';
import type { WatchRunnerParams, WatchRunnerResult } from '../daemon/protocol';
import { workText } from '../diagnostics/runnerWork';
import type { RunnerStatus } from '../diagnostics/status';
import { machineFor } from '../host/thisMachine';
import { describeEndpoint } from '../ibkr/endpoint';
import type { ListedProcess } from '../runner/listedProcess';
import { folderOf, onlyCandidate, watchCandidates } from '../runner/watchCandidates';
import { type Command, type CommandContext, UsageError } from './command';
import {
  type EndpointCommand,
  parseEndpointCommand,
  withDaemon,
  withRunningDaemon,
} from './options';
import { printable } from './style';

const exitCodes = { done: 0, notDone: 1 } as const;

type Identity = Pick<WatchRunnerParams, 'pid' | 'startToken' | 'argv' | 'workspace'>;

/** `robo watch [PID]`: watches a runner that was started elsewhere; without PID, the only one. */
export const watchCommand: Command = async (context) => {
  const command = parseEndpointCommand(
    context,
    { log: { type: 'string' }, json: { type: 'boolean' } },
    1,
  );
  const [word] = command.positionals;
  const workspace = realFolder(context.workingDirectory);
  const identity =
    word === undefined
      ? await chooseOne(command, workspace, context)
      : await identityOf(pidOf(word), workspace);
  if (identity === undefined) {
    return exitCodes.notDone;
  }
  const { log } = command.flags;
  const logFile =
    typeof log === 'string' ? { logFile: resolve(context.workingDirectory, log) } : {};
  const result = await withDaemon(command, async (client: DaemonClient) =>
    client.watchRunner({ ...identity, ...logFile }),
  );
  return tell(result, command, context);
};

/** `robo unwatch PID`: watches it no more; the process is left alone. */
export const unwatchCommand: Command = async (context) => {
  const command = parseEndpointCommand(context, { json: { type: 'boolean' } }, 1);
  const [word] = command.positionals;
  if (word === undefined) {
    throw new UsageError('Name the PID that is to be watched no more; "robo status" shows it.');
  }
  const pid = pidOf(word);
  return withRunningDaemon(command, async (client) => {
    if (client === undefined) {
      const endpoint = describeEndpoint(command.configuration.endpoint);
      throw new HumanError(`no monitor runs for ${endpoint}, so that no runner is watched.`);
    }
    const { outcome } = await client.unwatchRunner(pid);
    const isDone = outcome === 'unwatched';
    if (command.flags['json'] === true) {
      context.stdout(`${JSON.stringify({ schema: 1, outcome })}\n`);
    } else if (isDone) {
      context.stdout(`Pid ${pid} is watched no more; it was left alone.\n`);
    } else {
      context.stderr(`Pid ${pid} is not watched; "robo status" shows what is.\n`);
    }
    return isDone ? exitCodes.done : exitCodes.notDone;
  });
};

function pidOf(word: string): number {
  const pid = Number(word);
  if (!Number.isSafeInteger(pid) || pid < 2) {
    throw new UsageError(`"${word}" is no process id.`);
  }
  return pid;
}

async function identityOf(pid: number, workspace: string): Promise<Identity> {
  const seen = await machineFor(process.platform).process(pid);
  if (!seen.known) {
    throw new HumanError(`process ${pid} cannot be seen: ${seen.why}`);
  }
  if (seen.value === undefined) {
    throw new HumanError(`there is no process ${pid}; "robo ps" lists the runners.`);
  }
  const { startToken, argv, workingDirectory } = seen.value;
  return { pid, startToken, argv, workspace: folderOf(workingDirectory, workspace) };
}

/** The only runner that can be meant; otherwise says which there are. */
async function chooseOne(
  command: EndpointCommand,
  workspace: string,
  context: CommandContext,
): Promise<Identity | undefined> {
  const candidates = await candidatesFor(command, workspace);
  const only = onlyCandidate(candidates);
  if (only !== undefined) {
    const { pid, startToken, argv, workingDirectory } = only;
    return { pid, startToken, argv, workspace: folderOf(workingDirectory, workspace) };
  }
  if (command.flags['json'] === true) {
    context.stdout(`${JSON.stringify({ schema: 1, outcome: 'not chosen', candidates })}\n`);
  } else {
    context.stdout(candidates.map(candidateText).join(''));
  }
  context.stderr(
    candidates.length === 0
      ? 'No runner was found that Robo does not know already; start it, or name its PID: robo watch PID\n'
      : 'Name the one to watch: robo watch PID\n',
  );
  return undefined;
}

async function candidatesFor(
  command: EndpointCommand,
  workspace: string,
): Promise<readonly ListedProcess[]> {
  const { endpoint } = command.configuration;
  const listing = await listProcesses(
    { workspace },
    {
      machine: machineFor(process.platform),
      endpoint,
      runnersDirectory: daemonPaths({ stateDirectory: command.stateDirectory, endpoint }).runners,
    },
  );
  if (listing.unknownWhy !== null) {
    throw new HumanError(`the processes cannot be listed: ${listing.unknownWhy}`);
  }
  // A daemon that does not run yet watches nobody, and is started only for a runner.
  const known = await withRunningDaemon(
    command,
    async (client): Promise<readonly RunnerStatus[]> => (await client?.status())?.runner ?? [],
  );
  return watchCandidates(listing.processes, known);
}

function candidateText({ pid, argv, why, role }: ListedProcess): string {
  const line = printable(argv.join(' ')).slice(0, 120);
  return `${String(pid).padStart(8)}  ${role.padEnd(12)}  ${line}\n          ${printable(why)}\n`;
}

function tell(
  result: WatchRunnerResult,
  command: EndpointCommand,
  context: CommandContext,
): number {
  const isDone = result.outcome === 'watching';
  if (command.flags['json'] === true) {
    context.stdout(`${JSON.stringify({ schema: 1, ...result })}\n`);
  } else if (!isDone) {
    context.stderr(`Not watched: ${printable(result.why)}.\n`);
  } else {
    context.stdout(watchingText(result.runner));
  }
  return isDone ? exitCodes.done : exitCodes.notDone;
}

function watchingText(runner: RunnerStatus): string {
  const { pid, workspace, logFile, warnings = [] } = runner;
  if (pid === null) {
    return `The runner of ${printable(workspace)} has ended just now.\n`;
  }
  const log = logFile === '' ? '' : `; its log is ${printable(logFile)}`;
  return [
    `Watching pid ${pid} of ${printable(workspace)}${log}. Work ${workText(runner)}.`,
    ...warnings.map((warning) => printable(warning)),
    '',
  ].join('\n');
}

/** As the kernel names working directories. */
function realFolder(folder: string): string {
  try {
    return realpathSync(folder);
  } catch {
    return folder;
  }
}
