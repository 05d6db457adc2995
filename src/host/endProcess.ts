import { type Clock, delay } from '../core/clock';
import { errorCode, errorText } from '../core/errors';
import type { Machine, ProcessIdentity, ProcessInfo } from './machine';
import { classifyProcess, untouchableReason } from './processRoles';
import { ProcessTree } from './processTree';

/** What became of one process that was to be ended. */
export interface KillOutcome {
  readonly pid: number;
  readonly outcome:
    | 'ended'
    | 'killed'
    | 'already gone'
    | 'refused'
    | 'still alive'
    /** No target itself: the one that was started in place of a target that has ended. */
    | 'came back';
  /** One sentence for the trader. */
  readonly why: string;
}

/** By what a program that Robo started has ended; only TERM and the end of its input are asking. */
export type StopWay = 'TERM' | 'KILL' | 'end of input' | 'not graceful';

/** What became of a program that Robo started, and of everything that it started. */
export interface TreeEnd {
  readonly outcome: 'stopped' | 'not running' | 'still alive';
  /** Null unless it was stopped. */
  readonly how: StopWay | null;
  /** True when it was ended without being asked, or asking was not enough. */
  readonly wasKilled: boolean;
  /** Pids that are left, when it is still alive. */
  readonly left: readonly number[];
  /** Why it is not sure to be gone, in one sentence; null otherwise. */
  readonly why: string | null;
}

/** A program that Robo started, as far as its supervisor knows it. */
export interface OwnTree {
  /** True while it is a child of ours whose end the system has not told us yet. */
  readonly isOwnAlive: () => boolean;
  /**
   * Asks it to end where the system has no signal that asks (Windows): ends its standard input.
   * False where that cannot be done either.
   */
  readonly askPolitely?: () => boolean;
  /** How long the polite word is given, in milliseconds. */
  readonly politeMs?: number;
  /** How long TERM is given before KILL, in milliseconds (10 s: origin system, rule 15). */
  readonly graceMs?: number;
  /** Replaces the rule of `processRoles` in tests. */
  readonly isUntouchable?: (process: ProcessInfo) => boolean;
}

export interface EndProcessDeps {
  readonly machine: Pick<Machine, 'platform' | 'processes' | 'process'>;
  readonly clock: Clock;
  /** As `process.kill` (a negative pid is a group): throws a system error with `code` ESRCH or EPERM. */
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
/** A clean end within five seconds is what is expected of a runner. */
const defaultPoliteMs = 5_000;
/** A killed process is gone at once unless the kernel waits for a device. */
const killWaitMs = 5_000;
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
  const tree = treeOf(identity, deps, options);
  const before = await deps.machine.processes();
  if (before.known) {
    tree.update(before.value);
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
    tree.update(now.value);
    const done = new Set(outcomes.map((outcome) => outcome.pid));
    const left = tree.alive.filter((info) => !done.has(info.pid));
    if (left.length === 0) {
      break;
    }
    outcomes.push(...(await Promise.all(left.map((info) => endProcess(info, deps, options)))));
  }
  return outcomes.filter((other, index) => index === 0 || other.outcome !== 'already gone');
}

/**
 * Ends a program that Robo has started, with everything that it started: a polite word where there
 * is one, TERM, wait, KILL, verify gone (law 9). Its group is signalled in one stroke, so that
 * nothing can be started between two signals; who left the group, and who came late, singly. Pid
 * and start time are read again just before each signal, argv is not: the program may have
 * replaced itself (`exec`), and what it is now decides whether it is untouchable. Where the
 * process table cannot be read, only a child of our own is signalled. Never rejects.
 */
export async function endOwnTree(
  leader: ProcessIdentity,
  deps: EndProcessDeps,
  own: OwnTree,
): Promise<TreeEnd> {
  const tree = treeOf(leader, deps, { startedByUs: true, ...own });
  const unreadable = await lookAgain(tree, deps);
  if (unreadable !== undefined && !own.isOwnAlive()) {
    return stillAlive([leader.pid], unreadable);
  }
  if (tree.isRootUntouchable) {
    const why = `Process ${leader.pid} is TWS, IB Gateway or something that may be one, which Robo never signals; end it in its own window.`;
    return stillAlive([leader.pid], why);
  }
  const isInTable = unreadable === undefined && tree.alive.length > 0;
  if (!isInTable && !own.isOwnAlive()) {
    return { ...gone, outcome: 'not running' };
  }
  const isPolite = await endedPolitely(deps.clock, own);
  return isInTable
    ? await endMembers(tree, deps, { own, isPolite })
    : await endOwnChild(leader.pid, deps, { own, isPolite });
}

const gone = { outcome: 'stopped', how: null, wasKilled: false, left: [], why: null } as const;

function stillAlive(left: readonly number[], why: string, wasKilled = false): TreeEnd {
  return { outcome: 'still alive', how: null, wasKilled, left, why };
}

function stopped(how: StopWay, isPolite: boolean, platform: NodeJS.Platform): TreeEnd {
  // On Windows TERM ends a process at once, with no chance to put anything in order.
  const way = isPolite ? 'end of input' : platform === 'win32' ? 'not graceful' : how;
  return { ...gone, how: way, wasKilled: way === 'KILL' || way === 'not graceful' };
}

interface Ending {
  readonly own: OwnTree;
  readonly isPolite: boolean;
}

async function endMembers(
  tree: ProcessTree,
  deps: EndProcessDeps,
  { own, isPolite }: Ending,
): Promise<TreeEnd> {
  const { clock, machine } = deps;
  const graceMs = own.graceMs ?? defaultGraceMs;
  let wasKilled = false;
  let problem: string | undefined;
  let trouble = await lookAgain(tree, deps);
  const termed = new Set<number>();
  let deadline = clock.monotonicMs() + graceMs;
  for (;;) {
    if (trouble === undefined && tree.alive.length === 0) {
      return stopped(wasKilled ? 'KILL' : 'TERM', isPolite, machine.platform);
    }
    const isLate = clock.monotonicMs() >= deadline;
    if (isLate && (wasKilled || trouble !== undefined)) {
      const left = tree.alive.map((member) => member.pid);
      return stillAlive(left, trouble ?? problem ?? stuck(left), wasKilled);
    }
    if (isLate) {
      wasKilled = true;
      problem = signalMembers(tree.alive, strokeOf(tree), 'SIGKILL', deps);
      deadline = clock.monotonicMs() + killWaitMs;
    } else if (trouble === undefined && !wasKilled) {
      const fresh = tree.alive.filter(({ pid }) => !termed.has(pid));
      // A second TERM tells many a program to drop everything; latecomers get theirs singly.
      const group = termed.size === 0 ? strokeOf(tree) : undefined;
      problem = signalMembers(fresh, group, 'SIGTERM', deps) ?? problem;
      fresh.forEach(({ pid }) => termed.add(pid));
    }
    await delay(clock, pollMs);
    trouble = await lookAgain(tree, deps);
  }
}

/**
 * Without the process table, or the start time to find it there: the system keeps the pid of a child of ours until it has told us of
 * its end, so that pid and its group can be nobody else's.
 */
async function endOwnChild(
  pid: number,
  deps: EndProcessDeps,
  { own, isPolite }: Ending,
): Promise<TreeEnd> {
  const { clock, machine, signal } = deps;
  const target = machine.platform === 'win32' ? pid : -pid;
  const waits = [
    { name: 'SIGTERM', how: 'TERM', ms: own.graceMs ?? defaultGraceMs },
    { name: 'SIGKILL', how: 'KILL', ms: killWaitMs },
  ] as const;
  for (const { name, how, ms } of waits) {
    if (own.isOwnAlive()) {
      try {
        signal(target, name);
      } catch {
        // It ended just now, or may not be signalled; the wait tells which.
      }
    }
    await until(clock, ms, () => !own.isOwnAlive());
    if (!own.isOwnAlive()) {
      return stopped(how, isPolite, machine.platform);
    }
  }
  return stillAlive([pid], stuck([pid]), true);
}

/** True when the leader has ended after the polite word alone. */
async function endedPolitely(clock: Clock, own: OwnTree): Promise<boolean> {
  if (own.askPolitely?.() !== true) {
    return false;
  }
  await until(clock, own.politeMs ?? defaultPoliteMs, () => !own.isOwnAlive());
  return !own.isOwnAlive();
}

async function until(clock: Clock, limitMs: number, holds: () => boolean): Promise<void> {
  const deadline = clock.monotonicMs() + limitMs;
  while (!holds() && clock.monotonicMs() < deadline) {
    await delay(clock, pollMs);
  }
}

/** Says why the table could not be read, where it could not. */
async function lookAgain(tree: ProcessTree, deps: EndProcessDeps): Promise<string | undefined> {
  const table = await deps.machine.processes();
  if (!table.known) {
    return `The process table could not be read (${table.why}), so nothing was signalled any more; look whether process ${tree.root.pid} still runs.`;
  }
  tree.update(table.value);
  return undefined;
}

/** The group that may be signalled as a whole. */
function strokeOf({ group, isGroupShared }: ProcessTree): number | undefined {
  return isGroupShared ? undefined : group;
}

/** Signals the group in one stroke and those outside it one by one; returns what went wrong. */
function signalMembers(
  members: readonly ProcessInfo[],
  group: number | undefined,
  name: 'SIGTERM' | 'SIGKILL',
  deps: EndProcessDeps,
): string | undefined {
  const isOfGroup = (entry: ProcessInfo): boolean =>
    group !== undefined && entry.processGroup === group;
  const single = members.filter((entry) => !isOfGroup(entry)).map(({ pid }) => pid);
  const stroke = group !== undefined && members.some(isOfGroup) ? [-group] : [];
  let problem: string | undefined;
  for (const pid of [...stroke, ...single]) {
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

function stuck(left: readonly number[]): string {
  return `Process ${left.join(', ')} is still there ${killWaitMs / 1000} s after KILL; it waits for the system, so look at what it waits for (ps -o pid,stat,wchan -p ${left.join(',')}).`;
}

function treeOf(
  root: ProcessIdentity,
  { machine, ownPid }: EndProcessDeps,
  options: EndProcessOptions & Pick<OwnTree, 'isUntouchable'>,
): ProcessTree {
  const isOwnChild = options.startedByUs === true;
  return new ProcessTree(root, {
    platform: machine.platform,
    ownPid,
    isOwnChild,
    isUntouchable:
      options.isUntouchable ??
      ((info) => untouchableReason(classifyProcess(info), isOwnChild) !== undefined),
  });
}

function refused(pid: number, why: string): KillOutcome {
  return { pid, outcome: 'refused', why: `not signalled: ${why}` };
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

async function look(identity: ProcessIdentity, machine: EndProcessDeps['machine']): Promise<Sight> {
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
