import { readFile, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Clock } from '../core/clock';
import { parseEnvFile } from '../core/envFile';
import { workspaceFolderName } from '../core/paths';
import { endProcessTree, type KillOutcome } from '../host/endProcess';
import type { Machine, ProcessIdentity, ProcessInfo } from '../host/machine';
import { classifyProcess } from '../host/processRoles';
import { type Program, baseName, programOf } from '../host/program';
import type { ProcessBackground } from '../host/processBackground';
import { type Endpoint, type Mode, usualPorts } from '../ibkr/endpoint';
import { listRunners } from '../runner/duplicates';
import { type LastRun, readLastRun } from '../runner/lastRun';
import { type Lease, readLease } from '../runner/lease';
import type { ListedProcess, ListRunnersInput, ProcessRole } from '../runner/listedProcess';
import { markedAmong } from '../runner/markedProcesses';
import { folderOfProgram } from '../runner/processView';
import { statedVariables } from '../runner/statedIdentity';
import { readRegularFile } from '../runner/workspaceLook';
import { cameBack } from './cameBack';
import { watchedRunnersOf } from './externalRunners';
import type {
  KillProcessesParams,
  ListProcessesParams,
  ProcessListing,
  StartRunnerParams,
} from './protocol';

export interface ProcessesDependencies {
  readonly machine: Machine;
  readonly endpoint: Endpoint;
  /** Where the leases of this endpoint's runners are. */
  readonly runnersDirectory: string;
  /** Mode of the account behind the endpoint, where a session has told it. */
  readonly mode?: (() => Mode | undefined) | undefined;
}

/** The helpers' own ports where neither `.env` nor flags say others: dashboard and feed. */
const usualHelperPorts = [5555, 8765];

/** Lists runners and what belongs to them, by a look at the machine; needs no daemon. */
export async function listProcesses(
  params: ListProcessesParams,
  deps: ProcessesDependencies,
): Promise<ProcessListing> {
  const table = await deps.machine.processes();
  return table.known
    ? { unknownWhy: null, processes: await listKnown(table.value, params, deps) }
    : { unknownWhy: table.why, processes: [] };
}

/** A start that is asked for, as far as it tells which runner it would double. */
export type PlannedStart = Pick<
  StartRunnerParams,
  'workspace' | 'workingDirectory' | 'environment' | 'command'
>;

/** No system gives such a number to a process. */
const plannedPid = Number.MAX_SAFE_INTEGER;

/**
 * The pid of the runner that a start would double, whoever has started that one: judged by the
 * rule for duplicates as if the new one ran already, so that live beside paper and a second
 * portfolio are none. Undefined where none is seen, also where the processes cannot be: a look
 * that failed refuses nothing (law 4).
 * @param start with the command that is really started, also for the built-in runner
 */
export async function runnerDoubledBy(
  start: PlannedStart,
  deps: ProcessesDependencies,
): Promise<number | undefined> {
  const table = await deps.machine.processes();
  if (!table.known) {
    return undefined;
  }
  const planned: ProcessInfo = {
    pid: plannedPid,
    startToken: 'planned',
    argv: start.command,
    parentPid: 0,
    processGroup: plannedPid,
    startedAtMs: 0,
    workingDirectory: await resolved(start.workingDirectory),
    name: '',
    userId: undefined,
    isStopped: false,
  };
  const params = { workspace: start.workspace, command: start.command };
  const isDoubled = (listed: readonly ListedProcess[]): ListedProcess | undefined =>
    listed.find(({ duplicateOf, isHelper }) => duplicateOf === plannedPid && !isHelper);
  const input = withPlanned(await listInput(table.value, params, deps), planned);
  return isDoubled(listRunners(input)) === undefined
    ? undefined
    : isDoubled(await listClosely(input, deps, environmentOf(start)))?.pid;
}

function withPlanned(input: ListRunnersInput, planned: ProcessInfo): ListRunnersInput {
  return { ...input, processes: [...input.processes, planned], supervised: planned };
}

function environmentOf({ environment }: PlannedStart): ReadonlyMap<number, ProcessBackground> {
  const told = new Map(
    statedVariables.flatMap((name) => {
      const value = environment[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
  return new Map([
    [plannedPid, { environment: told, controlGroup: undefined, launchdLabel: undefined }],
  ]);
}

/** The same among processes that were just looked at. */
export async function listKnown(
  processes: readonly ProcessInfo[],
  params: ListProcessesParams,
  deps: ProcessesDependencies,
): Promise<readonly ListedProcess[]> {
  return await listClosely(await listInput(processes, params, deps), deps);
}

/** @param more background of processes that do not run yet */
async function listClosely(
  base: ListRunnersInput,
  deps: ProcessesDependencies,
  more: ReadonlyMap<number, ProcessBackground> = new Map(),
): Promise<readonly ListedProcess[]> {
  const { machine, endpoint } = deps;
  const envFile = await envFileOf(base.workspace);
  const ports = [
    endpoint.port,
    ...usualPorts.map(({ port }) => port),
    ...usualHelperPorts,
    ...['DASH_PORT', 'WEBSOCKET_PORT'].map((name) => Number(envFile.get(name))),
  ].filter((port) => Number.isInteger(port) && port > 0);
  const [sockets, background, scripts] = await Promise.all([
    machine.sockets([...new Set(ports)]),
    backgroundOf(listRunners(base), base.processes, machine),
    scriptsAbove(listRunners(base), base.processes),
  ]);
  return listRunners({
    ...base,
    sockets: sockets.known ? sockets.value : undefined,
    background: background === undefined ? undefined : new Map([...background, ...more]),
    envFile,
    scripts,
    mode: deps.mode?.(),
  });
}

/**
 * True where a closer look may find duplicates: what it adds (sockets, environments, `.env`) only
 * ever tells processes apart. Costs no look at the machine.
 */
export async function mayBeDoubled(
  processes: readonly ProcessInfo[],
  params: ListProcessesParams,
  deps: ProcessesDependencies,
): Promise<boolean> {
  const listed = listRunners(await listInput(processes, params, deps));
  return listed.some(({ role }) => role === 'duplicate');
}

async function listInput(
  processes: readonly ProcessInfo[],
  params: ListProcessesParams,
  { machine, endpoint, runnersDirectory }: ProcessesDependencies,
): Promise<ListRunnersInput> {
  const { workspace } = params;
  const folder =
    workspace === null ? undefined : join(runnersDirectory, workspaceFolderName(workspace));
  const [lease, last] = await Promise.all([leaseIn(folder), lastRunIn(folder)]);
  const asked = params.command ?? [];
  const command = asked.length > 0 ? asked : (lease?.command ?? last?.command ?? []);
  const realWorkspace = workspace === null ? null : await resolved(workspace);
  return {
    processes,
    sockets: undefined,
    workspace: realWorkspace,
    endpoint,
    runnerCommand: command,
    realFolders: await realFoldersOf(processes, programOf(command, realWorkspace ?? undefined)),
    supervised: lease,
    left: await markedAmong(processes, last?.left ?? [], { machine, ownPid: process.pid }),
    // Their list lies beside the folder of the leases.
    watched: await watchedRunnersOf(dirname(runnersDirectory)),
    ownPid: process.pid,
  };
}

/** The runners and helpers, what stands above them, and ourselves, to compare with. */
async function backgroundOf(
  listed: readonly ListedProcess[],
  processes: readonly ProcessInfo[],
  machine: Machine,
): Promise<ReadonlyMap<number, ProcessBackground> | undefined> {
  const byPid = new Map(processes.map((info) => [info.pid, info]));
  const wanted = new Map<number, ProcessInfo>();
  const judged = listed.filter(({ role }) => role !== 'tws' && role !== 'proxy');
  for (const { pid } of judged.length === 0 ? [] : [...judged, { pid: process.pid }]) {
    for (
      let info = byPid.get(pid);
      info !== undefined && !wanted.has(info.pid);
      info = byPid.get(info.parentPid)
    ) {
      wanted.set(info.pid, info);
    }
  }
  return wanted.size === 0
    ? undefined
    : machine.background?.([...wanted.values()], statedVariables);
}

/** A script of people, not an archive that unpacks itself. Bytes. */
const maxScriptBytes = 262_144;

/** The text of the shell scripts that stand right above runners and helpers, by their pid. */
async function scriptsAbove(
  listed: readonly ListedProcess[],
  processes: readonly ProcessInfo[],
): Promise<ReadonlyMap<number, string>> {
  const parents = new Set(listed.map(({ parentPid }) => parentPid));
  const texts = processes
    .filter(({ pid }) => parents.has(pid))
    .map(async (info) => {
      const { program } = classifyProcess(info);
      const isScript = program?.kind === 'script' && program.runtime === 'shell';
      const read = isScript ? await readRegularFile(program.name, maxScriptBytes) : undefined;
      return read?.kind === 'text' ? [[info.pid, read.text] as const] : [];
    });
  return new Map((await Promise.all(texts)).flat());
}

/** What the workspace's `.env` says of what tells runners apart; read as text. */
async function envFileOf(workspace: string | null): Promise<ReadonlyMap<string, string>> {
  const text =
    workspace === null ? '' : await readFile(join(workspace, '.env'), 'utf8').catch(() => '');
  const entries = parseEnvFile(text);
  return new Map(
    statedVariables.flatMap((name) => {
      const entry = entries.get(name);
      return entry === undefined ? [] : [[name, entry.value]];
    }),
  );
}

/**
 * Where links lead in the paths of what may be a runner: one that cron starts by `~/bot/bot.py`
 * works in the folder that `~/bot` stands for.
 */
async function realFoldersOf(
  processes: readonly ProcessInfo[],
  command: Program | undefined,
): Promise<ReadonlyMap<string, string>> {
  const name = command === undefined ? undefined : baseName(command.name);
  const programs = processes.flatMap((info) => {
    const { kind, program } = classifyProcess(info);
    const isMeant = program !== undefined && (kind === 'runner' || baseName(program.name) === name);
    return isMeant ? [program] : [];
  });
  const folders = new Set(
    [...programs, ...(command === undefined ? [] : [command])].flatMap(
      (program) => folderOfProgram(program) ?? [],
    ),
  );
  const pairs = await Promise.all(
    [...folders].map(async (folder) => [folder, await resolved(folder)] as const),
  );
  return new Map(pairs.filter(([folder, real]) => folder !== real));
}

/** Links in the path are resolved, as the kernel does for working directories. */
async function resolved(path: string): Promise<string> {
  return realpath(path).catch(() => path);
}

/** What the supervised runner of the workspace was started as. */
async function leaseIn(folder: string | undefined): Promise<Lease | undefined> {
  const lease = folder === undefined ? undefined : await readLease(folder);
  return lease?.known === true ? lease.value : undefined;
}

/** What the workspace's runner was started as the last time, and what its runs may have left. */
async function lastRunIn(folder: string | undefined): Promise<LastRun | undefined> {
  const last = folder === undefined ? undefined : await readLastRun(folder);
  return last?.known === true ? last.value : undefined;
}

/** Roles that may be ended at all; TWS, proxies and strangers are in no list of targets. */
const endableRoles: ReadonlySet<ProcessRole> = new Set([
  'runner',
  'duplicate',
  'other runner',
  'worker',
  'helper',
  'monitor',
]);

/**
 * Ends processes with their children, each checked again before each signal. A target that is not
 * in the fresh `listing` under a role that may be ended is refused, whatever the caller says. What
 * is started again within two seconds is told behind the rest.
 */
export async function endListed(
  targets: KillProcessesParams['targets'],
  listing: ProcessListing,
  deps: EndListedDependencies,
): Promise<readonly KillOutcome[]> {
  const listedAs = (target: ProcessIdentity): ListedProcess | undefined =>
    listing.processes.find(
      ({ pid, startToken }) => pid === target.pid && startToken === target.startToken,
    );
  const isEndable = (target: ProcessIdentity): boolean => {
    const listed = listedAs(target);
    return listed !== undefined && endableRoles.has(listed.role);
  };
  const refused = targets.filter((target) => !isEndable(target));
  const stopped = (await deps.stopOwn?.(targets.filter(isEndable))) ?? [];
  const others = targets.filter(
    (target) => isEndable(target) && !stopped.some(({ pid }) => pid === target.pid),
  );
  const askedAtMs = deps.clock.now();
  const ended = await Promise.all(
    others.map(async (target) =>
      endProcessTree(target, {
        machine: deps.machine,
        clock: deps.clock,
        signal: (pid, signal) => {
          process.kill(pid, signal);
        },
        ownPid: process.pid,
      }),
    ),
  );
  const outcomes = [
    ...refused.map((target) => refusal(target.pid, listedAs(target))),
    ...stopped,
    ...ended.flat(),
  ];
  const gone = outcomes.filter(({ outcome }) => outcome === 'ended' || outcome === 'killed');
  const pids = gone.map(({ pid }) => pid);
  return [...outcomes, ...(await cameBack(pids, { before: listing, askedAtMs }, deps))];
}

export interface EndListedDependencies {
  readonly machine: Machine;
  readonly clock: Clock;
  /** Lists again, to see whether something has started an ended one anew. */
  readonly look: () => Promise<ProcessListing>;
  /** Stops those of the targets that are the monitor's own runners, and says what became of them. */
  readonly stopOwn?: (targets: readonly ProcessIdentity[]) => Promise<readonly KillOutcome[]>;
}

function refusal(pid: number, listed: ListedProcess | undefined): KillOutcome {
  const why =
    listed === undefined
      ? 'it is no longer a runner of this list: it has ended, or is another process now'
      : `it is listed as ${listed.role}, which Robo never ends`;
  return { pid, outcome: 'refused', why };
}
