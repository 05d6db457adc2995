import { isoTime } from '../core/clock';
import type { ProcessInfo, SocketAddress, SocketRow } from '../host/machine';
import { type ProcessClass, classifyProcess, runnerFamily } from '../host/processRoles';
import { type Program, describeProgram, isInside, isSameProgram, programOf } from '../host/program';
import { type Endpoint, formatEndpoint, isLoopback, usualPort } from '../ibkr/endpoint';

/** What a listed process is to us. */
export type ProcessRole =
  'runner' | 'duplicate' | 'other runner' | 'worker' | 'helper' | 'tws' | 'proxy' | 'monitor';

export interface ListedProcess {
  readonly pid: number;
  readonly startToken: string;
  readonly argv: readonly string[];
  readonly role: ProcessRole;
  /** Why it counts as what it is, in one sentence. */
  readonly why: string;
  /** ISO 8601 in UTC. */
  readonly startedAt: string;
  readonly workingDirectory: string | null;
  /** The one that is kept when duplicates are ended. */
  readonly isRightful: boolean;
}

export interface ListRunnersInput {
  readonly processes: readonly ProcessInfo[];
  /** Rows of the endpoint's port and of the usual ports; undefined where they are unknown. */
  readonly sockets: readonly SocketRow[] | undefined;
  /** Absolute path with links resolved; null lists every runner as another one. */
  readonly workspace: string | null;
  readonly endpoint: Endpoint;
  /** The user's command; empty means the built-in runner. */
  readonly runnerCommand: readonly string[];
  /** The runner that the daemon supervises in this workspace. */
  readonly supervised: { readonly pid: number; readonly startToken: string } | undefined;
  /** The process that asks; never listed. */
  readonly ownPid: number;
}

/**
 * Says which runners there are and which of them are duplicates. Duplicates share program,
 * workspace and endpoint, and account, portfolio and client id where both name them; any other
 * one is *another runner*. A wrapper with its child and a worker with its parent count once. The
 * rightful one is the supervised one, else the one with a session, else the oldest. Pure.
 */
export function listRunners(input: ListRunnersInput): readonly ListedProcess[] {
  const view = new View(input);
  const groups = runnerGroups(view);
  const listed = [
    ...listGroups(groups, view),
    ...view.all.flatMap((entry) => listSupport(entry, view, groups)),
  ];
  return listed.sort((one, other) => roleOrder(one) - roleOrder(other) || one.pid - other.pid);
}

const order: readonly ProcessRole[] = [
  'monitor',
  'runner',
  'duplicate',
  'other runner',
  'worker',
  'helper',
  'tws',
  'proxy',
];

function roleOrder(listed: ListedProcess): number {
  return order.indexOf(listed.role);
}

interface Entry {
  readonly info: ProcessInfo;
  readonly processClass: ProcessClass;
}

/** One runner: the process at its top, and all that stands below it. */
interface RunnerGroup {
  readonly root: Entry;
  /** Descendants of the root, and the process group of a supervised one. */
  readonly members: readonly Entry[];
  readonly isSupervised: boolean;
  readonly hasSession: boolean;
}

/** The table of processes with what is asked of it again and again. */
class View {
  readonly all: readonly Entry[];
  readonly byPid: ReadonlyMap<number, Entry>;
  readonly command: Program | undefined;

  constructor(readonly input: ListRunnersInput) {
    this.all = input.processes
      .filter((info) => info.pid !== input.ownPid)
      .map((info) => ({ info, processClass: classifyProcess(info) }));
    this.byPid = new Map(this.all.map((entry) => [entry.info.pid, entry]));
    this.command = programOf(input.runnerCommand, input.workspace ?? undefined);
  }

  /** The parents of a process, nearest first. */
  parentsOf(entry: Entry): readonly Entry[] {
    const parents: Entry[] = [];
    const seen = new Set([entry.info.pid]);
    for (
      let next = this.byPid.get(entry.info.parentPid);
      next !== undefined && !seen.has(next.info.pid);
      next = this.byPid.get(next.info.parentPid)
    ) {
      seen.add(next.info.pid);
      parents.push(next);
    }
    return parents;
  }

  isSupervised({ info }: Entry): boolean {
    const { supervised } = this.input;
    return supervised?.pid === info.pid && supervised.startToken === info.startToken;
  }

  /** Known by name, by the user's command, or because the daemon started it. */
  isRunner(entry: Entry): boolean {
    const { kind, program } = entry.processClass;
    return (
      this.isSupervised(entry) ||
      kind === 'runner' ||
      ((kind === 'other' || kind === 'java' || kind === 'helper') &&
        program !== undefined &&
        this.command !== undefined &&
        isSameProgram(program, this.command))
    );
  }
}

function runnerGroups(view: View): readonly RunnerGroup[] {
  const runners = new Set(view.all.filter((entry) => view.isRunner(entry)));
  const supervised = view.all.find((entry) => view.isSupervised(entry));
  const roots = new Map<Entry, Entry>();
  for (const entry of view.all) {
    // The topmost runner above it is the whole runner; a shell between them changes nothing.
    const line = [entry, ...view.parentsOf(entry)].filter((one) => runners.has(one));
    const isOfSupervised =
      supervised !== undefined &&
      supervised.info.processGroup === supervised.info.pid &&
      entry.info.processGroup === supervised.info.pid;
    const root =
      isOfSupervised || (supervised !== undefined && line.includes(supervised))
        ? supervised
        : line.at(-1);
    if (root !== undefined) {
      roots.set(entry, root);
    }
  }
  return [...new Set(roots.values())].map((root) => {
    const members = view.all.filter((entry) => roots.get(entry) === root);
    const pids = new Set(members.map((member) => member.info.pid));
    return {
      root,
      members,
      isSupervised: root === supervised,
      hasSession: (view.input.sockets ?? []).some(
        (row) =>
          row.state === 'ESTABLISHED' &&
          isEndpoint(row.remote, view.input.endpoint) &&
          row.ownerPid !== undefined &&
          pids.has(row.ownerPid),
      ),
    };
  });
}

function isEndpoint(remote: SocketAddress, endpoint: Endpoint): boolean {
  if (remote.port !== endpoint.port) {
    return false;
  }
  const isHere = isLoopback(remote.address);
  // A host name stays a name here: its port is all that can be compared.
  const isAddress = /^[\d.]+$|:/.test(endpoint.host);
  return isLoopback(endpoint.host)
    ? isHere
    : !isHere && (!isAddress || remote.address === endpoint.host);
}

function listGroups(groups: readonly RunnerGroup[], view: View): readonly ListedProcess[] {
  const strangers = new Map<RunnerGroup, string>();
  const ours: RunnerGroup[] = [];
  for (const group of groups) {
    const why = group.isSupervised ? undefined : otherRunnerReason(group, view);
    if (why === undefined) {
      ours.push(group);
    } else {
      strangers.set(group, why);
    }
  }
  return [
    ...sameProgramSets(ours).flatMap((set) => listSet(set, view)),
    ...[...strangers].flatMap(([group, why]) => listGroup(group, 'other runner', why, view)),
  ];
}

/** Why a runner belongs elsewhere: another folder, endpoint, or nobody can tell. */
function otherRunnerReason(group: RunnerGroup, view: View): string | undefined {
  const { workspace, endpoint, sockets } = view.input;
  const { info, processClass } = group.root;
  if (processClass.kind === 'java') {
    return 'it runs the same program, but it is Java, and Robo never ends a Java program';
  }
  if (workspace === null) {
    return 'no workspace was named to which it could belong';
  }
  const folderWhy = otherFolderReason(info, processClass.program, workspace);
  if (folderWhy !== undefined || group.hasSession) {
    return folderWhy;
  }
  const pids = new Set(group.members.map((member) => member.info.pid));
  const elsewhere = (sockets ?? []).find(
    (row) =>
      row.ownerPid !== undefined &&
      pids.has(row.ownerPid) &&
      row.state !== 'LISTEN' &&
      usualPort(row.remote.port) !== undefined &&
      !isEndpoint(row.remote, endpoint),
  );
  if (elsewhere !== undefined) {
    return `it is connected to ${elsewhere.remote.address}:${elsewhere.remote.port}, not to ${formatEndpoint(endpoint)}`;
  }
  const port = statedValue(group, 'port');
  return port === undefined || port === String(endpoint.port)
    ? undefined
    : `its command line names port ${port}, not ${endpoint.port}`;
}

function otherFolderReason(
  info: ProcessInfo,
  program: Program | undefined,
  workspace: string,
): string | undefined {
  // The interpreter may lie in a shared environment; it speaks only where nothing else does.
  const paths = [info.workingDirectory ?? info.argv[0] ?? ''];
  if (program?.kind === 'script' || program?.kind === 'binary') {
    paths.push(program.name);
  }
  if (paths.some((path) => isInside(path, workspace))) {
    return undefined;
  }
  return info.workingDirectory === undefined
    ? 'its working directory is hidden, so that it may belong to another workspace'
    : `it works in ${info.workingDirectory}, another workspace`;
}

/** What the command line may state about the account, by the flags in use. */
const statedFlags = {
  port: ['--port', '--ib-port', '--ibkr-port', '--tws-port'],
  account: ['--account', '--ibkr-account'],
  portfolio: ['--portfolio', '--portfolio-id'],
  'client id': ['--client-id', '--clientid', '--ibkr-client-id'],
} as const;

function statedValue(group: RunnerGroup, what: keyof typeof statedFlags): string | undefined {
  for (const { processClass } of [group.root, ...group.members]) {
    const { program } = processClass;
    for (const flag of program === undefined ? [] : statedFlags[what]) {
      const value = flagValue(program?.args ?? [], flag);
      if (value !== undefined) {
        return value;
      }
    }
  }
  return undefined;
}

function flagValue(args: readonly string[], flag: string): string | undefined {
  const at = args.findIndex((arg) => arg.replaceAll('_', '-').toLowerCase() === flag);
  const joined = args.find((arg) => arg.toLowerCase().startsWith(`${flag}=`));
  return joined?.slice(flag.length + 1) ?? (at < 0 ? undefined : args[at + 1]);
}

/** Runners of one workspace and endpoint, by the program that they share. */
function sameProgramSets(groups: readonly RunnerGroup[]): readonly (readonly RunnerGroup[])[] {
  const sets: RunnerGroup[][] = [];
  for (const group of groups) {
    const set = sets.find(([first]) => first !== undefined && isSameRunner(first, group));
    if (set === undefined) {
      sets.push([group]);
    } else {
      set.push(group);
    }
  }
  return sets;
}

function isSameRunner(one: RunnerGroup, other: RunnerGroup): boolean {
  const programs = (group: RunnerGroup): readonly Program[] =>
    group.members.flatMap(({ processClass }) => processClass.program ?? []);
  return programs(one).some((program) =>
    programs(other).some((second) => {
      const family = runnerFamily(program);
      return family === undefined
        ? isRunnerProgram(program, one) && isSameProgram(program, second)
        : family === runnerFamily(second);
    }),
  );
}

/** The program of the root; what it starts besides (shells, tools) says nothing about it. */
function isRunnerProgram(program: Program, group: RunnerGroup): boolean {
  return program === group.root.processClass.program;
}

function listSet(set: readonly RunnerGroup[], view: View): readonly ListedProcess[] {
  const [rightful, ...others] = [...set].sort(
    (one, other) =>
      Number(other.isSupervised) - Number(one.isSupervised) ||
      Number(other.hasSession) - Number(one.hasSession) ||
      one.root.info.startedAtMs - other.root.info.startedAtMs ||
      one.root.info.pid - other.root.info.pid,
  );
  if (rightful === undefined) {
    return [];
  }
  return [
    ...listGroup(rightful, 'runner', rightfulWhy(rightful, others.length > 0, view), view),
    ...others.flatMap((group) => {
      const difference = statedDifference(group, rightful);
      return difference === undefined
        ? listGroup(group, 'duplicate', duplicateWhy(rightful, view), view)
        : listGroup(group, 'other runner', difference, view);
    }),
  ];
}

function rightfulWhy(group: RunnerGroup, hasOthers: boolean, view: View): string {
  if (group.isSupervised) {
    return 'Robo started it and watches it';
  }
  if (group.hasSession) {
    return `it has a session with ${formatEndpoint(view.input.endpoint)}`;
  }
  if (!hasOthers) {
    return 'it is the only one of its program in this workspace';
  }
  return view.input.sockets === undefined
    ? 'it is the oldest, and which of them has a session cannot be seen'
    : 'it is the oldest, and none of them has a session';
}

function duplicateWhy(rightful: RunnerGroup, view: View): string {
  const { workspace, endpoint } = view.input;
  return `it runs the same program in ${workspace ?? ''} for ${formatEndpoint(endpoint)} as ${rightful.root.info.pid}`;
}

function statedDifference(group: RunnerGroup, rightful: RunnerGroup): string | undefined {
  for (const what of ['account', 'portfolio', 'client id'] as const) {
    const mine = statedValue(group, what);
    const theirs = statedValue(rightful, what);
    if (mine !== undefined && theirs !== undefined && mine !== theirs) {
      const shown = what === 'account' ? '' : ` ${mine}`;
      return `it runs for another ${what}${shown} than ${rightful.root.info.pid}`;
    }
  }
  return undefined;
}

function listGroup(
  group: RunnerGroup,
  role: ProcessRole,
  why: string,
  view: View,
): readonly ListedProcess[] {
  const source = view
    .parentsOf(group.root)
    .find(({ processClass }) => processClass.respawnsRunners);
  const sentence =
    source === undefined
      ? why
      : `${why}; ${programWords(source)} (pid ${source.info.pid}) started it and will start another`;
  const { pid } = group.root.info;
  return [
    listed(group.root, role, sentence),
    ...group.members
      .filter((member) => member !== group.root)
      .filter((member) => member.processClass.kind === 'worker' || view.isRunner(member))
      .map((member) => listed(member, 'worker', `it is part of runner ${pid} and ends with it`)),
  ];
}

function listed({ info }: Entry, role: ProcessRole, why: string): ListedProcess {
  return {
    pid: info.pid,
    startToken: info.startToken,
    argv: info.argv,
    role,
    why,
    startedAt: isoTime(info.startedAtMs),
    workingDirectory: info.workingDirectory ?? null,
    isRightful: role === 'runner',
  };
}

function programWords({ info, processClass: { program } }: Entry): string {
  return program === undefined ? info.name : describeProgram(program);
}

/** What is listed beside the runners: for orientation, and never ended with them. */
function listSupport(
  entry: Entry,
  view: View,
  groups: readonly RunnerGroup[],
): readonly ListedProcess[] {
  const { info, processClass } = entry;
  const { workspace } = view.input;
  const isOfRunner = groups.some((group) => group.members.includes(entry));
  const inWorkspace =
    workspace === null || otherFolderReason(info, processClass.program, workspace) === undefined;
  switch (processClass.kind) {
    case 'tws':
      return [listed(entry, 'tws', `it is ${twsWords(processClass)}; Robo never ends it`)];
    case 'monitor':
      return [listed(entry, 'monitor', monitorWhy)];
    case 'worker':
      return isOfRunner || !inWorkspace
        ? []
        : [listed(entry, 'worker', 'it is a worker whose runner is gone')];
    case 'helper':
      return inWorkspace && !view.isRunner(entry)
        ? [listed(entry, 'helper', helperWhy(processClass))]
        : [];
    case 'proxy':
    case 'java': {
      const port = listeningPort(info.pid, view);
      const words = processClass.kind === 'java' ? 'a Java program' : programWords(entry);
      return port === undefined || isOfRunner
        ? []
        : [
            listed(
              entry,
              processClass.kind === 'java' ? 'tws' : 'proxy',
              `it is ${words} that listens on port ${port}; Robo never ends it`,
            ),
          ];
    }
    case 'runner':
    case 'robo':
    case 'other':
      return [];
  }
}

const monitorWhy =
  'it is the old monitor, which ends your runner and starts another one with its own symbols; end it first';

function helperWhy({ program, respawnsRunners }: ProcessClass): string {
  const name = program === undefined ? 'a helper' : describeProgram(program);
  return respawnsRunners
    ? `${name} starts a runner again when it ends; end it before you end runners`
    : `${name} is a helper of this system and does not trade`;
}

function twsWords({ product }: ProcessClass): string {
  return product === 'simulator' ? 'a simulated TWS' : (product ?? 'TWS');
}

function listeningPort(pid: number, view: View): number | undefined {
  return view.input.sockets?.find(
    (row) =>
      row.state === 'LISTEN' &&
      row.ownerPid === pid &&
      (row.local.port === view.input.endpoint.port || usualPort(row.local.port) !== undefined),
  )?.local.port;
}
