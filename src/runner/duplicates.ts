import { isPersonsProgram } from '../host/personsProgram';
import { runnerFamily } from '../host/processRoles';
import { type Program, isInside, isSameProgram } from '../host/program';
import { formatEndpoint, isLoopback, usualPort } from '../ibkr/endpoint';
import type { ListedProcess, ListRunnersInput, ProcessRole } from './listedProcess';
import { listedOf } from './listedOf';
import { groupsOf, isProgramOf, type ProcessGroup, runnerGroups } from './processGroups';
import { type Entry, isEndpoint, otherFolderReason, ProcessView } from './processView';
import { partition, rightfulFirst } from './rightful';
import { respawnSource } from './respawnSource';
import { type Stated, statedValue } from './statedIdentity';
import { leftWhy, listSupport } from './supportProcesses';

/**
 * Says which runners there are and which of them are duplicates. Duplicates share program,
 * workspace and endpoint, and mode, account, portfolio and client id where both are known; any
 * other one is *another runner*. A wrapper with its child and a worker with its parent count once.
 * The rightful one is the supervised one, else the watched one, else the one with a session, else
 * the oldest. Helpers are judged by the same rule. What starts runners again comes first. Pure.
 */
export function listRunners(input: ListRunnersInput): readonly ListedProcess[] {
  const view = new ProcessView(input);
  const groups = runnerGroups(view);
  const listed = [
    ...listGroups(groups, view),
    ...listSupport(view, groups),
    ...listClients(groups, view),
  ];
  return listed.sort((one, other) => rank(one) - rank(other) || one.pid - other.pid);
}

/**
 * Programs that nobody has named and that have a session with the endpoint: a runner of the
 * trader's own, as likely as a notebook. So they are shown, and never anybody's duplicate.
 */
function listClients(
  runners: readonly ProcessGroup[],
  view: ProcessView,
): readonly ListedProcess[] {
  const { endpoint } = view.input;
  const isClient = (entry: Entry): boolean =>
    entry.processClass.kind === 'other' &&
    !view.isLeft(entry) &&
    !isPersonsProgram(entry.info) &&
    !runners.some(({ pids }) => pids.has(entry.info.pid)) &&
    view
      .connections(new Set([entry.info.pid]), (remote) => isEndpoint(remote, endpoint))
      .some(({ state }) => state === 'ESTABLISHED');
  const why = `it has a session with ${formatEndpoint(endpoint)}, and nobody has named its program as a runner of this folder`;
  return groupsOf(view, isClient).map((group) =>
    listedOf(group.root, 'other runner', why, { view, group }),
  );
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

function rank({ role, pid, respawnedBy }: ListedProcess): number {
  return respawnedBy?.pid === pid ? -1 : order.indexOf(role);
}

function listGroups(groups: readonly ProcessGroup[], view: ProcessView): readonly ListedProcess[] {
  const strangers = new Map<ProcessGroup, string>();
  const ours: ProcessGroup[] = [];
  for (const group of groups) {
    const why = group.isSupervised || group.isWatched ? undefined : otherRunnerReason(group, view);
    if (why === undefined) {
      ours.push(group);
    } else {
      strangers.set(group, why);
    }
  }
  return [
    ...partition(ours, (one, other) => isSameRunner(one, other, view)).flatMap((set) =>
      listSet(set, view),
    ),
    ...[...strangers].flatMap(([group, why]) =>
      listGroup(group, { role: 'other runner', why }, view),
    ),
  ];
}

/** Why a runner belongs elsewhere: another folder, endpoint, or nobody can tell. */
function otherRunnerReason(group: ProcessGroup, view: ProcessView): string | undefined {
  const { workspace, endpoint } = view.input;
  if (group.root.processClass.kind === 'java') {
    return 'it runs the same program, but it is Java, and Robo never ends a Java program';
  }
  if (workspace === null) {
    return 'no workspace was named to which it could belong';
  }
  const folderWhy = otherFolderReason(group.root, workspace);
  if (folderWhy !== undefined || group.hasSession) {
    return folderWhy;
  }
  const [elsewhere] = view.connections(
    group.pids,
    (remote) => usualPort(remote.port) !== undefined && !isEndpoint(remote, endpoint),
  );
  if (elsewhere !== undefined) {
    return `it is connected to ${elsewhere.remote.address}:${elsewhere.remote.port}, not to ${formatEndpoint(endpoint)}`;
  }
  const port = statedValue(group, 'port', view);
  if (port !== undefined && port !== String(endpoint.port)) {
    return `its command line, environment or .env names port ${port}, not ${endpoint.port}`;
  }
  const host = statedValue(group, 'host', view);
  return host === undefined ||
    host === endpoint.host ||
    (isLoopback(host) && isLoopback(endpoint.host))
    ? undefined
    : `its command line, environment or .env names host ${host}, not ${endpoint.host}`;
}

/** One program: of one family, or what stands at the top of either, or below a launcher. */
function isSameRunner(one: ProcessGroup, other: ProcessGroup, view: ProcessView): boolean {
  const programs = ({ members }: ProcessGroup): readonly Program[] =>
    members.flatMap(({ processClass }) => processClass.program ?? []);
  const isTop = (program: Program, { root }: ProcessGroup): boolean =>
    program === root.processClass.program;
  return programs(one).some((program) =>
    programs(other).some((second) => {
      const family = runnerFamily(program);
      const isSame =
        family === undefined
          ? (isTop(program, one) || isTop(second, other)) && isSameProgram(program, second)
          : family === runnerFamily(second);
      const homes = [homeOf(program, view), homeOf(second, view)];
      return isSame && (homes.includes(undefined) || homes[0] === homes[1]);
    }),
  );
}

/**
 * The folder that a program belongs to. A folder above two projects (`~/bots`) is no workspace of
 * theirs: each has a `robo_trader` of its own. Undefined where the program's file alone tells.
 */
function homeOf(
  { kind, name, workingDirectory, ...rest }: Program,
  { input: { workspace } }: ProcessView,
): string | undefined {
  const isFile = kind === 'script' || kind === 'binary';
  if (!isFile || workspace === null || !isInside(name, workspace)) {
    return workingDirectory;
  }
  return runnerFamily({ kind, name, workingDirectory, ...rest }) === undefined
    ? undefined
    : name.replace(/(?:[\\/]robo_trader)?[\\/][^\\/]*$/, '');
}

/** Runners of one program in one workspace, the rightful one first. */
function listSet(set: readonly ProcessGroup[], view: ProcessView): readonly ListedProcess[] {
  const [rightful, ...others] = [...set].sort(rightfulFirst);
  if (rightful === undefined) {
    return [];
  }
  const strangers = others.filter((group) => difference(group, rightful, view) !== undefined);
  const duplicates = others.filter((group) => !strangers.includes(group));
  return [
    ...listGroup(
      rightful,
      { role: 'runner', why: rightfulWhy(rightful, others.length > 0, view) },
      view,
    ),
    ...duplicates.flatMap((group) => listGroup(group, duplicateOf(rightful, view), view)),
    // Two that run for the second portfolio are duplicates of each other.
    ...partition(strangers, (one, other) => difference(one, other, view) === undefined).flatMap(
      ([first, ...rest]) =>
        first === undefined
          ? []
          : [
              ...listGroup(
                first,
                { role: 'other runner', why: difference(first, rightful, view) ?? '' },
                view,
              ),
              ...rest.flatMap((group) => listGroup(group, duplicateOf(first, view), view)),
            ],
    ),
  ];
}

function rightfulWhy(group: ProcessGroup, hasOthers: boolean, view: ProcessView): string {
  if (group.isSupervised) {
    return 'Robo started it and watches it';
  }
  if (group.isWatched) {
    return 'Robo was asked to watch it';
  }
  if (group.hasSession) {
    return `it has a session with ${formatEndpoint(view.input.endpoint)}`;
  }
  if (!hasOthers && view.isLeft(group.root)) {
    return leftWhy;
  }
  if (!hasOthers) {
    return 'it is the only one of its program in this workspace';
  }
  return view.input.sockets === undefined
    ? 'it is the oldest, and which of them has a session cannot be seen'
    : 'it is the oldest, and none of them has a session';
}

/** What a group counts as. */
interface Judged {
  readonly role: ProcessRole;
  readonly why: string;
  readonly duplicateOf?: ProcessGroup;
}

function duplicateOf(rightful: ProcessGroup, view: ProcessView): Judged {
  const { workspace, endpoint } = view.input;
  const why = `it runs the same program in ${workspace ?? ''} for ${formatEndpoint(endpoint)} as ${rightful.root.info.pid}`;
  return { role: 'duplicate', why, duplicateOf: rightful };
}

/** What may be shown of what tells two runners apart: no account, and no list of portfolios. */
const differences: readonly (readonly [Stated, (mine: string) => string])[] = [
  ['mode', (mine) => `mode (${mine})`],
  ['account', () => 'account'],
  ['portfolio', (mine) => `portfolio ${mine}`],
  ['portfolios', () => 'list of portfolios'],
  ['client id', (mine) => `client id ${mine}`],
];

function difference(
  group: ProcessGroup,
  rightful: ProcessGroup,
  view: ProcessView,
): string | undefined {
  for (const [what, words] of differences) {
    const mine = statedValue(group, what, view);
    const theirs = statedValue(rightful, what, view);
    if (mine !== undefined && theirs !== undefined && mine !== theirs) {
      return `it runs for another ${words(mine)} than ${rightful.root.info.pid}`;
    }
  }
  return onePortfolio(group, rightful, view);
}

/** Portfolios are named on the command line alone: who names none there runs for the usual one. */
function onePortfolio(
  group: ProcessGroup,
  rightful: ProcessGroup,
  view: ProcessView,
): string | undefined {
  const mine = statedValue(group, 'portfolio', view);
  const theirs = statedValue(rightful, 'portfolio', view);
  const { pid } = rightful.root.info;
  if ((mine === undefined) === (theirs === undefined)) {
    return undefined;
  }
  return mine === undefined
    ? `it names no portfolio, and ${pid} runs for portfolio ${theirs ?? ''}`
    : `it runs for portfolio ${mine}, and ${pid} names none`;
}

function listGroup(
  group: ProcessGroup,
  { role, why, ...judged }: Judged,
  view: ProcessView,
): readonly ListedProcess[] {
  const { root, members } = group;
  const source = respawnSource(group, view);
  const sentence =
    source === null
      ? why
      : view.parentsOf(root).some(({ info }) => info.pid === source.pid)
        ? `${why}; ${source.name} started it and will start another`
        : `${why}; ${source.name} may start another`;
  const more = { view, group, respawnedBy: source };
  const isPart = (entry: Entry): boolean =>
    entry !== root && (entry.processClass.kind === 'worker' || isProgramOf(group, entry, view));
  return [
    listedOf(root, role, sentence, { ...more, ...judged }),
    ...members.filter(isPart).map((member) =>
      listedOf(member, 'worker', `it is part of runner ${root.info.pid} and ends with it`, {
        view,
        group,
      }),
    ),
  ];
}
