import type { TreeEnd } from '../host/endProcess';
import type { ProcessInfo } from '../host/machine';
import {
  endMarked,
  type MarkedDeps,
  type MarkedEnd,
  markedProcesses,
  type RunMark,
} from './markedProcesses';

export interface DetachedDeps extends MarkedDeps {
  /** Says what became of processes that a run had detached from itself. */
  readonly onDetached: ((level: 'INFO' | 'WARN', words: string) => void) | undefined;
}

export interface StopOutcome {
  readonly outcome: TreeEnd['outcome'];
  readonly pid: number | null;
  /** By what it ended; null unless it was stopped. */
  readonly how: TreeEnd['how'];
  /** True when it was ended without being asked, or asking was not enough. */
  readonly wasKilled: boolean;
  /** Why it is not sure to be gone; null otherwise. */
  readonly why: string | null;
}

/** Ends those of a run that have left its tree; nothing where no mark of it is known. */
export async function endDetached(
  mark: RunMark | undefined,
  deps: DetachedDeps,
): Promise<MarkedEnd> {
  if (mark === undefined) {
    return { isSure: true, ended: [], wasKilled: false, left: [] };
  }
  const detached = await endMarked(mark, deps);
  for (const { pid, name } of detached.ended) {
    deps.onDetached?.('INFO', `${name} (pid ${pid}), which had detached itself from it, was ended`);
  }
  for (const { pid, why } of detached.left) {
    deps.onDetached?.('WARN', `pid ${pid}, which had detached itself from it, is left: ${why}`);
  }
  return detached;
}

/**
 * What a command that failed by itself has left behind must not meet its next start. One that
 * ended well may only have brought others up (`START_TRADER.sh`), which trade from now on: they
 * are told.
 * @param code null where a signal ended it
 * @returns those that go on, and whether they could be seen
 */
export async function afterExit(
  code: number | null,
  mark: RunMark | undefined,
  deps: DetachedDeps,
): Promise<{ readonly living: readonly LeftProcess[]; readonly isSure: boolean }> {
  if (code !== 0 || mark === undefined) {
    const { left, isSure } = await endDetached(mark, deps);
    return { living: left.map(({ pid }) => ({ pid, name: 'a process' })), isSure };
  }
  const seen = await markedProcesses(mark, deps);
  const marked = seen.known ? seen.value : [];
  // Their children end with them, and would only make the sentence longer.
  const living = marked.filter(({ parentPid }) => !marked.some(({ pid }) => pid === parentPid));
  if (living.length > 0) {
    const names = namesOf(living);
    deps.onDetached?.('WARN', `its command has ended and left ${names}; a stop ends them`);
  }
  return { living, isSure: seen.known };
}

/** A process that goes on although the command that started it has ended. */
export type LeftProcess = Pick<ProcessInfo, 'pid' | 'name'>;

/** What is told of them with the end of their command. */
export function leftWords(left: readonly LeftProcess[]): string {
  const pid = left[0]?.pid ?? 0;
  return `When the command ended, it left ${namesOf(left)} running; "robo stop" ends what it left, "robo watch ${pid}" watches it.`;
}

function namesOf(left: readonly LeftProcess[]): string {
  return left.map(({ pid, name }) => `${name} (pid ${pid})`).join(', ');
}

const notRunning = { outcome: 'not running', how: null, wasKilled: false, why: null } as const;

/**
 * What a stop has come to: the end of the tree, and of those that had left it.
 * @param tree null where there was none any more
 */
export function withDetached(
  tree: Pick<TreeEnd, 'outcome' | 'how' | 'wasKilled' | 'why'> | null,
  leader: number | null,
  { ended, wasKilled, left }: MarkedEnd,
): StopOutcome {
  const { outcome, how, why, wasKilled: isLeaderKilled } = tree ?? notRunning;
  const pid = leader ?? ended[0]?.pid ?? left[0]?.pid ?? null;
  if (left.length > 0 && outcome !== 'still alive') {
    const each = left.map((one) => `pid ${one.pid}: ${one.why}`).join('; ');
    const words = `It has ended, and what had detached itself from it has not (${each}).`;
    return { outcome: 'still alive', pid, how: null, wasKilled, why: words };
  }
  return ended.length === 0 || outcome === 'still alive'
    ? { outcome, pid, how, wasKilled: isLeaderKilled, why }
    : {
        outcome: 'stopped',
        pid,
        how: wasKilled ? 'KILL' : (how ?? 'TERM'),
        wasKilled: wasKilled || isLeaderKilled,
        why,
      };
}
