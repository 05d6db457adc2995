import { type Clock, delay } from '../core/clock';
import { errorCode, errorText } from '../core/errors';
import type { Machine, ProcessIdentity, ProcessInfo } from './machine';
import { classifyProcess, untouchableReason } from './processRoles';

/** What became of one process that was to be ended. */
export interface KillOutcome {
  readonly pid: number;
  readonly outcome: 'ended' | 'killed' | 'already gone' | 'refused' | 'still alive';
  /** One sentence for the trader. */
  readonly why: string;
}

export interface EndProcessDeps {
  readonly machine: Machine;
  readonly clock: Clock;
  /** As `process.kill`: throws a system error with `code` ESRCH or EPERM. */
  readonly signal: (pid: number, signal: 'SIGTERM' | 'SIGKILL') => void;
  /** The process that asks; it and its parents are never signalled. */
  readonly ownPid: number;
}

export interface EndProcessOptions {
  /** Time between TERM and KILL, in milliseconds. Default 10,000, as the trader's own scripts wait. */
  readonly graceMs?: number;
  /** How long KILL may take to show, in milliseconds. Default 2,000. */
  readonly verifyMs?: number;
  /**
   * The process was started by Robo: a Java runner may be ended then. TWS, IB Gateway and IBC
   * stay untouchable.
   */
  readonly startedByUs?: boolean;
}

const defaultGraceMs = 10_000;
const defaultVerifyMs = 2_000;
const pollMs = 50;
/** A child may start another one while it is being ended; more often is a fork bomb, not a runner. */
const maxRounds = 3;

/** What the process table says about an identity now. */
type Sight =
  | { readonly is: 'same'; readonly info: ProcessInfo }
  /** The kernel has already taken its memory and arguments. */
  | { readonly is: 'ending' }
  | { readonly is: 'gone' }
  /** The pid is another process's now. */
  | { readonly is: 'reused' }
  /** The same process runs another program now. */
  | { readonly is: 'changed' }
  | { readonly is: 'unknown'; readonly why: string };

/**
 * Ends one process by the law of identity: TERM, wait, KILL, verify gone. Pid, start time and
 * argv are read again just before each signal, so that a reused pid is never hit. Its children
 * are left alone; see `endProcessTree`. Never rejects.
 */
export async function endProcess(
  identity: ProcessIdentity,
  deps: EndProcessDeps,
  options: EndProcessOptions = {},
): Promise<KillOutcome> {
  const { pid } = identity;
  const table = await deps.machine.processes();
  if (!table.known) {
    return refused(pid, `the process table cannot be read: ${table.why}`);
  }
  const protectedWhy = ownLineReason(pid, deps.ownPid, table.value);
  return protectedWhy === undefined ? end(identity, deps, options) : refused(pid, protectedWhy);
}

/**
 * Ends a process and then what is left of its descendants and of the process group that it
 * leads, each with its own identity and its own grace. The first outcome is the process's own.
 * Descendants that are untouchable (a Gateway that the trader's script started), and those
 * between them and the root, are left running and not listed. Never rejects.
 */
export async function endProcessTree(
  identity: ProcessIdentity,
  deps: EndProcessDeps,
  options: EndProcessOptions = {},
): Promise<readonly KillOutcome[]> {
  const before = await deps.machine.processes();
  const family = new Map<string, ProcessInfo>();
  const leader = before.known ? groupLeader(before.value, identity, options) : undefined;
  if (before.known) {
    collectFamily(before.value, identity, leader, family);
  }
  const outcomes = [await endProcess(identity, deps, options)];
  if (outcomes[0]?.outcome === 'refused') {
    return outcomes;
  }
  for (let round = 0; round < maxRounds; round += 1) {
    const now = await deps.machine.processes();
    if (!now.known) {
      const why = `its children could not be looked for: ${now.why}`;
      return [...outcomes, { pid: identity.pid, outcome: 'still alive', why }];
    }
    collectFamily(now.value, identity, leader, family);
    const done = new Set(outcomes.map((outcome) => outcome.pid));
    const left = touchable(now.value, family, options).filter((info) => !done.has(info.pid));
    if (left.length === 0) {
      break;
    }
    outcomes.push(...(await Promise.all(left.map((info) => endProcess(info, deps, options)))));
  }
  return outcomes.filter((other, index) => index === 0 || other.outcome !== 'already gone');
}

/**
 * The number of the process group that `identity` leads, if it does. Where it has ended, that is
 * known only of our own child, which always leads one.
 */
function groupLeader(
  processes: readonly ProcessInfo[],
  identity: ProcessIdentity,
  options: EndProcessOptions,
): number | undefined {
  const holder = processes.find((info) => info.pid === identity.pid);
  if (holder === undefined) {
    return options.startedByUs === true ? identity.pid : undefined;
  }
  const isLeader = isSame(holder, identity) && holder.processGroup === holder.pid;
  return isLeader ? holder.pid : undefined;
}

function refused(pid: number, why: string): KillOutcome {
  return { pid, outcome: 'refused', why: `not signalled: ${why}` };
}

function isSame(info: ProcessIdentity, identity: ProcessIdentity): boolean {
  return info.pid === identity.pid && info.startToken === identity.startToken;
}

/** Why this pid is nobody's to end here: the system's, our own, or one of our parents. */
function ownLineReason(
  pid: number,
  ownPid: number,
  processes: readonly ProcessInfo[],
): string | undefined {
  if (!Number.isInteger(pid) || pid <= 1) {
    return `${pid} is no process that may be ended`;
  }
  const parents = new Map(processes.map((info) => [info.pid, info.parentPid]));
  const line = new Set<number>();
  for (let next: number | undefined = ownPid; next !== undefined && !line.has(next);) {
    line.add(next);
    next = parents.get(next);
  }
  if (!line.has(pid)) {
    return undefined;
  }
  return pid === ownPid ? 'it is Robo itself' : 'Robo runs inside it';
}

async function end(
  identity: ProcessIdentity,
  deps: EndProcessDeps,
  options: EndProcessOptions,
): Promise<KillOutcome> {
  const { pid } = identity;
  const graceMs = options.graceMs ?? defaultGraceMs;
  const verifyMs = options.verifyMs ?? defaultVerifyMs;
  const term = await signalIfSame(identity, 'SIGTERM', deps, options);
  if (term !== undefined) {
    return term;
  }
  if (await isGoneWithin(identity, deps, graceMs)) {
    return { pid, outcome: 'ended', why: 'it ended after TERM' };
  }
  const waited = `it was still there ${seconds(graceMs)} after TERM`;
  const kill = await signalIfSame(identity, 'SIGKILL', deps, options);
  if (kill !== undefined) {
    return kill.outcome === 'already gone'
      ? { pid, outcome: 'ended', why: 'it ended after TERM' }
      : { pid, outcome: 'still alive', why: `${waited}, and KILL was not sent (${kill.why})` };
  }
  return (await isGoneWithin(identity, deps, verifyMs))
    ? { pid, outcome: 'killed', why: `${waited}, so it was killed` }
    : { pid, outcome: 'still alive', why: `${waited}, and ${seconds(verifyMs)} after KILL` };
}

function seconds(ms: number): string {
  return `${ms / 1000} s`;
}

async function look(identity: ProcessIdentity, machine: Machine): Promise<Sight> {
  const now = await machine.process(identity.pid);
  if (!now.known) {
    return { is: 'unknown', why: now.why };
  }
  const info = now.value;
  if (info === undefined) {
    return { is: 'gone' };
  }
  if (info.startToken !== identity.startToken) {
    return { is: 'reused' };
  }
  if (info.argv.length === 0 && identity.argv.length > 0) {
    return { is: 'ending' };
  }
  const isSameArgv =
    info.argv.length === identity.argv.length &&
    info.argv.every((arg, index) => arg === identity.argv[index]);
  return isSameArgv ? { is: 'same', info } : { is: 'changed' };
}

/** Signals if and only if the pid is still this process. An outcome means: no signal was sent. */
async function signalIfSame(
  identity: ProcessIdentity,
  signal: 'SIGTERM' | 'SIGKILL',
  deps: EndProcessDeps,
  options: EndProcessOptions,
): Promise<KillOutcome | undefined> {
  const { pid } = identity;
  const sight = await look(identity, deps.machine);
  switch (sight.is) {
    case 'gone':
      return { pid, outcome: 'already gone', why: 'it had ended before' };
    case 'ending':
      // KILL does no harm to what is ending, and helps nothing: only waiting does.
      return (await isGoneWithin(identity, deps, options.verifyMs ?? defaultVerifyMs))
        ? { pid, outcome: 'already gone', why: 'it was ending by itself' }
        : { pid, outcome: 'still alive', why: 'it is ending, and the system holds it' };
    case 'reused':
      return refused(pid, 'the process has ended and its number belongs to another one now');
    case 'changed':
      return refused(pid, 'the process runs another command line now than when it was listed');
    case 'unknown':
      return refused(pid, `it cannot be looked at: ${sight.why}`);
    case 'same':
      break;
  }
  const untouchable = untouchableReason(classifyProcess(sight.info), options.startedByUs);
  if (untouchable !== undefined) {
    return refused(pid, untouchable);
  }
  try {
    deps.signal(pid, signal);
    return undefined;
  } catch (error) {
    return errorCode(error) === 'ESRCH'
      ? { pid, outcome: 'already gone', why: 'it had ended before' }
      : refused(pid, `the system did not permit ${signal} (${errorText(error)})`);
  }
}

/** Polls until the identity is gone. A look that fails is no proof and is tried again. */
async function isGoneWithin(
  identity: ProcessIdentity,
  deps: EndProcessDeps,
  limitMs: number,
): Promise<boolean> {
  const deadline = deps.clock.monotonicMs() + limitMs;
  for (;;) {
    const sight = await look(identity, deps.machine);
    if (sight.is === 'gone' || sight.is === 'reused') {
      return true;
    }
    const leftMs = deadline - deps.clock.monotonicMs();
    if (leftMs <= 0) {
      return false;
    }
    await delay(deps.clock, Math.min(pollMs, leftMs));
  }
}

/** Adds to `family` the descendants of `root`, of what is in it already, and the group it leads. */
function collectFamily(
  processes: readonly ProcessInfo[],
  root: ProcessIdentity,
  group: number | undefined,
  family: Map<string, ProcessInfo>,
): void {
  const parents = new Set<number>();
  const add = (info: ProcessInfo): void => {
    family.set(familyKey(info), info);
    parents.add(info.pid);
  };
  // While anybody is left in a group, the kernel gives its number to no new process; a stranger
  // under that number therefore means that the group was empty in between.
  const isReused = processes.some((info) => info.pid === root.pid && !isSame(info, root));
  for (const info of processes) {
    if (isSame(info, root)) {
      parents.add(info.pid);
    } else if (family.has(familyKey(info))) {
      parents.add(info.pid);
    } else if (info.processGroup === group && !isReused) {
      add(info);
    }
  }
  for (let before = -1; before !== parents.size;) {
    before = parents.size;
    for (const info of processes) {
      if (parents.has(info.parentPid) && !parents.has(info.pid)) {
        add(info);
      }
    }
  }
}

function familyKey(info: ProcessInfo): string {
  return `${info.pid} ${info.startToken}`;
}

/** Those of the family that are alive, may be signalled, and stand above nothing untouchable. */
function touchable(
  processes: readonly ProcessInfo[],
  family: ReadonlyMap<string, ProcessInfo>,
  options: EndProcessOptions,
): readonly ProcessInfo[] {
  const parents = new Map(processes.map((info) => [info.pid, info.parentPid]));
  const kept = new Set<number>();
  for (const info of processes) {
    if (untouchableReason(classifyProcess(info), options.startedByUs) !== undefined) {
      for (
        let next: number | undefined = info.pid;
        next !== undefined && !kept.has(next);
        next = parents.get(next)
      ) {
        kept.add(next);
      }
    }
  }
  return processes.filter((info) => family.has(familyKey(info)) && !kept.has(info.pid));
}
