import { type Program, isInside } from '../host/program';
import { type Entry, isEndpoint, type ProcessView } from './processView';

/** One runner or helper: the process at its top, and all that stands below it. */
export interface ProcessGroup {
  readonly root: Entry;
  /** The root, its descendants, and the process group of a supervised one. */
  readonly members: readonly Entry[];
  readonly pids: ReadonlySet<number>;
  /** What the tools and shells at its top lead to; undefined where the root is the program. */
  readonly core?: Program | undefined;
  readonly isSupervised: boolean;
  /** Robo was asked to watch one of its processes. */
  readonly isWatched: boolean;
  readonly hasSession: boolean;
}

/**
 * The runners of the table, each with its wrappers, shells and workers. What the user's command
 * leads to (`npm run trade` starts `node src/bot.ts`) is a runner too where somebody started it
 * directly.
 */
export function runnerGroups(view: ProcessView): readonly ProcessGroup[] {
  const groups = groupsOf(view, (entry) => view.isRunner(entry));
  const cores = groups.flatMap((group) =>
    [coreProgram(group, view) ?? [], presentProgram(group, view) ?? []].flat(),
  );
  return cores.length === 0
    ? groups
    : groupsOf(view, (entry) => view.isRunner(entry, cores)).map((group) => ({
        ...group,
        core: coreProgram(group, view),
      }));
}

/**
 * What a runner that Robo started is by now: its start script has replaced itself
 * (`exec python3 bot.py`), and its command names that no more. A module (`python -m freqtrade`) may
 * be many programs, told apart by their arguments alone, and so may be what is only watched.
 */
function presentProgram(
  { root, isSupervised }: ProcessGroup,
  view: ProcessView,
): Program | undefined {
  const { program } = root.processClass;
  if (!isSupervised || program === undefined || program.kind === 'module') {
    return undefined;
  }
  return isOwn(program, view) ? program : undefined;
}

/** A tool of the machine (`tail`, `tsc`) that a runner happens to run is nobody's runner. */
function isOwn({ kind, runtime, name }: Program, { input: { workspace } }: ProcessView): boolean {
  return (
    kind === 'module' ||
    ((kind === 'script' || kind === 'binary') &&
      runtime !== 'shell' &&
      workspace !== null &&
      isInside(name, workspace))
  );
}

/** True for the programs of a group, and false for the shells and tools around and below them. */
export function isProgramOf(
  group: Pick<ProcessGroup, 'core'>,
  entry: Entry,
  view: ProcessView,
): boolean {
  return view.isRunner(entry, group.core === undefined ? [] : [group.core]);
}

/** Groups of the processes that `isWanted` names; the topmost wanted one is the root. */
export function groupsOf(
  view: ProcessView,
  isWanted: (entry: Entry) => boolean,
): readonly ProcessGroup[] {
  const wanted = new Set(view.all.filter(isWanted));
  const supervised = [...wanted].find((entry) => view.isSupervised(entry));
  const groups = new Map<Entry, Entry[]>();
  for (const entry of wanted.size === 0 ? [] : view.all) {
    const root = rootOf(entry, { view, wanted, supervised });
    if (root !== undefined) {
      const members = groups.get(root) ?? [];
      members.push(entry);
      groups.set(root, members);
    }
  }
  return [...groups].map(([root, members]) => groupOf(root, members, view, root === supervised));
}

function rootOf(
  entry: Entry,
  {
    view,
    wanted,
    supervised,
  }: {
    readonly view: ProcessView;
    readonly wanted: ReadonlySet<Entry>;
    readonly supervised: Entry | undefined;
  },
): Entry | undefined {
  // The topmost one above it is the whole; a shell between them changes nothing.
  const line = [entry, ...view.parentsOf(entry)].filter((one) => wanted.has(one));
  const isOfSupervised =
    supervised !== undefined &&
    supervised.info.processGroup === supervised.info.pid &&
    entry.info.processGroup === supervised.info.pid;
  return isOfSupervised || (supervised !== undefined && line.includes(supervised))
    ? supervised
    : line.at(-1);
}

function groupOf(
  root: Entry,
  members: readonly Entry[],
  view: ProcessView,
  isSupervised: boolean,
): ProcessGroup {
  const pids = new Set(members.map(({ info }) => info.pid));
  const sessions = view.connections(pids, (remote) => isEndpoint(remote, view.input.endpoint));
  return {
    root,
    members,
    pids,
    isSupervised,
    isWatched: members.some((entry) => view.isWatched(entry)),
    hasSession: sessions.some(({ state }) => state === 'ESTABLISHED'),
  };
}

/** Down from a tool or a shell that has one child each, to a program of the workspace's own. */
function coreProgram({ root, members }: ProcessGroup, view: ProcessView): Program | undefined {
  let present: Entry | undefined = root;
  const seen = new Set<Entry>();
  while (present !== undefined && !seen.has(present)) {
    seen.add(present);
    const { program }: { program: Program | undefined } = present.processClass;
    const isLauncher =
      program === undefined || program.kind === 'tool' || program.runtime === 'shell';
    if (!isLauncher) {
      return present !== root && isOwn(program, view) ? program : undefined;
    }
    const { pid }: { pid: number } = present.info;
    const children: readonly Entry[] = members.filter(({ info }) => info.parentPid === pid);
    present = children.length === 1 ? children[0] : undefined;
  }
  return undefined;
}
