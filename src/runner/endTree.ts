import { type Clock, delay } from '../core/clock';
import { errorCode } from '../core/errors';
import type { Machine, ProcessIdentity, ProcessInfo } from '../host/machine';

export interface EndTreeDeps {
  readonly clock: Clock;
  readonly machine: Pick<Machine, 'platform' | 'processes'>;
  /** `process.kill`; a negative pid means the process group. */
  readonly signal: (pid: number, name: NodeJS.Signals) => void;
  /** TWS, IB Gateway, IBC, any java: never signalled, also where the runner started it. */
  readonly isUntouchable: (process: ProcessInfo) => boolean;
  /** True while the leader is a child of ours whose end the system has not told us yet. */
  readonly isOwnAlive: () => boolean;
  /** How long TERM is given before KILL, in milliseconds (10 s: origin system, rule 15). */
  readonly graceMs?: number;
}

export interface TreeEnd {
  readonly outcome: 'stopped' | 'not running' | 'still alive';
  /** True when TERM was not enough. */
  readonly wasKilled: boolean;
  /** Pids that are left, when it is still alive. */
  readonly left: readonly number[];
  /** Why it is not sure to be gone, in one sentence; null otherwise. */
  readonly why: string | null;
}

const pollMs = 100;
/** A killed process is gone at once unless the kernel waits for a device. */
const killWaitMs = 5000;

/**
 * Ends a runner with everything that it started: TERM, wait, KILL, verify gone (law 9). The
 * tree is the process group of the leader and its descendants, also those that left the group.
 * Pid and start time are read again just before each signal; a pid that now is another process
 * is never hit. TWS or anything else untouchable in the tree is left alone, with what it started.
 * Where the process table cannot be read, only a child of our own is signalled.
 */
export async function endTree(leader: ProcessIdentity, deps: EndTreeDeps): Promise<TreeEnd> {
  const { clock } = deps;
  const tree = new KnownTree(leader, deps.isUntouchable);
  const unreadable = await tree.update(deps.machine);
  if (unreadable !== undefined) {
    return deps.isOwnAlive()
      ? await endOwnChild(leader.pid, deps)
      : { outcome: 'still alive', wasKilled: false, left: [leader.pid], why: unreadable };
  }
  if (tree.isLeaderUntouchable) {
    const why = `Process ${leader.pid} is TWS, IB Gateway or something that may be one, which Robo never signals; end it in its own window.`;
    return { outcome: 'still alive', wasKilled: false, left: [leader.pid], why };
  }
  if (tree.alive.length === 0) {
    return { outcome: 'not running', wasKilled: false, left: [], why: null };
  }
  let wasKilled = false;
  let problem = signalTree(tree, 'SIGTERM', deps);
  let deadline = clock.monotonicMs() + (deps.graceMs ?? 10_000);
  for (;;) {
    await delay(clock, pollMs);
    const trouble = await tree.update(deps.machine);
    if (trouble === undefined && tree.alive.length === 0) {
      return { outcome: 'stopped', wasKilled, left: [], why: null };
    }
    if (clock.monotonicMs() < deadline) {
      continue;
    }
    if (wasKilled || trouble !== undefined) {
      const left = tree.alive.map((member) => member.pid);
      return { outcome: 'still alive', wasKilled, left, why: trouble ?? problem ?? stuck(left) };
    }
    wasKilled = true;
    problem = signalTree(tree, 'SIGKILL', deps);
    deadline = clock.monotonicMs() + killWaitMs;
  }
}

/**
 * Without a process table: the system keeps the pid of a child of ours until it has told us of
 * its end, so that pid and its group can be nobody else's.
 */
async function endOwnChild(pid: number, deps: EndTreeDeps): Promise<TreeEnd> {
  const target = deps.machine.platform === 'win32' ? pid : -pid;
  const waits = [
    { name: 'SIGTERM', ms: deps.graceMs ?? 10_000 },
    { name: 'SIGKILL', ms: killWaitMs },
  ] as const;
  for (const { name, ms } of waits) {
    try {
      deps.signal(target, name);
    } catch {
      // It ended just now, or may not be signalled; the wait tells which.
    }
    const deadline = deps.clock.monotonicMs() + ms;
    while (deps.isOwnAlive() && deps.clock.monotonicMs() < deadline) {
      await delay(deps.clock, pollMs);
    }
    if (!deps.isOwnAlive()) {
      return { outcome: 'stopped', wasKilled: name === 'SIGKILL', left: [], why: null };
    }
  }
  return { outcome: 'still alive', wasKilled: true, left: [pid], why: stuck([pid]) };
}

function stuck(left: readonly number[]): string {
  return `Process ${left.join(', ')} is still there ${killWaitMs / 1000} s after KILL; it waits for the system, so look at what it waits for (ps -o pid,stat,wchan -p ${left.join(',')}).`;
}

/** The processes that belong to a runner, as far as they were ever seen. */
class KnownTree {
  alive: readonly ProcessInfo[] = [];
  /** Something untouchable shares the process group, so the group must not be signalled. */
  isGroupShared = false;
  isLeaderUntouchable = false;
  private members: ReadonlySet<string>;

  constructor(
    readonly leader: ProcessIdentity,
    private readonly isUntouchable: (process: ProcessInfo) => boolean,
  ) {
    this.members = new Set([keyOf(leader)]);
  }

  /** Looks again; returns why not, where it could not. */
  async update(machine: Pick<Machine, 'processes'>): Promise<string | undefined> {
    const listing = await machine.processes();
    if (!listing.known) {
      return `The process table could not be read (${listing.why}), so nothing was signalled any more; look whether process ${this.leader.pid} still runs.`;
    }
    const spared = sparedPids(listing.value.filter(this.isUntouchable), listing.value, this.leader);
    this.isLeaderUntouchable = listing.value.some(
      (entry) => keyOf(entry) === keyOf(this.leader) && this.isUntouchable(entry),
    );
    this.isGroupShared = listing.value.some(
      (entry) => entry.processGroup === this.leader.pid && spared.has(entry.pid),
    );
    const touchable = listing.value.filter((entry) => !spared.has(entry.pid));
    const found = treeMembers(touchable, this.leader, this.members);
    this.members = new Set([...this.members, ...found.map(keyOf)]);
    this.alive = found;
    return undefined;
  }
}

function keyOf(identity: Pick<ProcessIdentity, 'pid' | 'startToken'>): string {
  return `${identity.pid}/${identity.startToken}`;
}

/**
 * Who in a process table belongs to the runner: known members, their process group, and all
 * their descendants. A process whose argv is empty has ended and waits to be collected.
 */
export function treeMembers(
  table: readonly ProcessInfo[],
  leader: ProcessIdentity,
  knownMembers: ReadonlySet<string>,
): readonly ProcessInfo[] {
  const living = table.filter((entry) => entry.argv.length > 0);
  const stranger = living.some(
    (entry) => entry.pid === leader.pid && entry.startToken !== leader.startToken,
  );
  const found = new Map<number, ProcessInfo>();
  for (const entry of living) {
    // The system gives a group's number to no new process while the group has a member; once
    // somebody else has our leader's pid, that group is no longer ours.
    if (knownMembers.has(keyOf(entry)) || (!stranger && entry.processGroup === leader.pid)) {
      found.set(entry.pid, entry);
    }
  }
  let size = -1;
  while (size !== found.size) {
    size = found.size;
    for (const entry of living) {
      if (found.has(entry.parentPid)) {
        found.set(entry.pid, entry);
      }
    }
  }
  return [...found.values()];
}

/**
 * What is untouchable, and what stands between it and the leader: a script that keeps a Gateway
 * may end it when it is ended itself.
 */
function sparedPids(
  untouchable: readonly ProcessInfo[],
  table: readonly ProcessInfo[],
  leader: ProcessIdentity,
): ReadonlySet<number> {
  const parents = new Map(table.map((entry) => [entry.pid, entry.parentPid]));
  const spared = new Set<number>();
  for (const { pid } of untouchable) {
    spared.add(pid);
    let next = parents.get(pid);
    while (next !== undefined && next !== leader.pid && !spared.has(next)) {
      spared.add(next);
      next = parents.get(next);
    }
  }
  return spared;
}

/** Signals the group in one stroke and those outside it one by one; returns what went wrong. */
function signalTree(tree: KnownTree, name: NodeJS.Signals, deps: EndTreeDeps): string | undefined {
  const group = tree.leader.pid;
  const hasGroup =
    deps.machine.platform !== 'win32' &&
    !tree.isGroupShared &&
    tree.alive.some((entry) => entry.processGroup === group);
  const single = tree.alive
    .filter((entry) => !hasGroup || entry.processGroup !== group)
    .map((entry) => entry.pid);
  let problem: string | undefined;
  for (const pid of hasGroup ? [-group, ...single] : single) {
    try {
      deps.signal(pid, name);
    } catch (error) {
      // ESRCH: it ended between the look and the signal, which is what we want.
      if (errorCode(error) !== 'ESRCH') {
        problem = `Process ${Math.abs(pid)} could not be sent ${name} (${errorCode(error) ?? 'error'}); it belongs to another user or is protected.`;
      }
    }
  }
  return problem;
}
