import type { ExitEvidence } from '../diagnostics/status';
import type { Finding } from '../diagnostics/finding';
import type { TreeEnd } from '../host/endProcess';
import type { ProcessIdentity } from '../host/machine';

/** The runner's process as its supervisor knows it. */
export interface RunnerProcess extends ProcessIdentity {
  /** Milliseconds since the epoch. */
  readonly startedAtMs: number;
  /** Ours tells us when it ends; an adopted one has to be looked for. */
  readonly isOurChild: boolean;
}

export interface RunnerExit {
  readonly atMs: number;
  readonly code: number | null;
  readonly signal: string | null;
  readonly how: ExitEvidence['how'];
}

export type RunnerPhase =
  | { readonly name: 'none' }
  | { readonly name: 'starting' }
  | { readonly name: 'running'; readonly process: RunnerProcess }
  | {
      readonly name: 'stopping';
      readonly process: RunnerProcess;
      /** The leader's end, while others of its tree may still be there. */
      readonly exit: RunnerExit | null;
      /** What became of the whole tree, once that is known. */
      readonly tree: TreeEnd | null;
    }
  | { readonly name: 'exited'; readonly process: RunnerProcess; readonly exit: RunnerExit }
  | { readonly name: 'failed'; readonly finding: Finding };

export type RunnerEvent =
  | { readonly kind: 'start asked' }
  | { readonly kind: 'spawned'; readonly process: RunnerProcess }
  | { readonly kind: 'spawn failed'; readonly finding: Finding }
  /** A lease led to a process that is the same one. */
  | { readonly kind: 'adopted'; readonly process: RunnerProcess }
  /** A lease led to nothing: it ended while nobody watched. */
  | { readonly kind: 'found gone'; readonly process: RunnerProcess }
  | { readonly kind: 'stop asked' }
  /** Our child ended and the system told us how. */
  | { readonly kind: 'ended'; readonly code: number | null; readonly signal: string | null }
  /** An adopted process is not there any more. */
  | { readonly kind: 'vanished' }
  | { readonly kind: 'tree ended'; readonly tree: TreeEnd };

export type RunnerEffect =
  /** Keep the lease up to date, watch for the end. */
  | 'watch'
  | 'end tree'
  /** Read the last lines, drop the lease. */
  | 'close';

export interface RunnerStep {
  readonly phase: RunnerPhase;
  readonly effects: readonly RunnerEffect[];
}

/**
 * The life of one workspace's runner. An event that does not fit the phase changes nothing:
 * a late exit, a second stop.
 */
export function reduceRunner(phase: RunnerPhase, event: RunnerEvent, now: number): RunnerStep {
  switch (event.kind) {
    case 'start asked':
      return isIdle(phase) ? to({ name: 'starting' }) : to(phase);
    case 'spawned':
      return phase.name === 'starting'
        ? to({ name: 'running', process: event.process }, 'watch')
        : to(phase);
    case 'spawn failed':
      return phase.name === 'starting' ? to({ name: 'failed', finding: event.finding }) : to(phase);
    case 'adopted':
      return isIdle(phase) ? to({ name: 'running', process: event.process }, 'watch') : to(phase);
    case 'found gone':
      return isIdle(phase) ? exited(event.process, unseen(now)) : to(phase);
    case 'stop asked':
      return phase.name === 'running'
        ? to({ name: 'stopping', process: phase.process, exit: null, tree: null }, 'end tree')
        : to(phase);
    case 'ended':
      return leaderGone(phase, { code: event.code, signal: event.signal, how: 'by itself' }, now);
    case 'vanished':
      return leaderGone(phase, { code: null, signal: null, how: 'unseen' }, now);
    case 'tree ended':
      return treeEnded(phase, event.tree, now);
    default:
      return event satisfies never;
  }
}

/** True when a start may begin. */
export function isIdle(phase: RunnerPhase): boolean {
  return phase.name === 'none' || phase.name === 'exited' || phase.name === 'failed';
}

function to(phase: RunnerPhase, ...effects: readonly RunnerEffect[]): RunnerStep {
  return { phase, effects };
}

function exited(process: RunnerProcess, exit: RunnerExit): RunnerStep {
  return to({ name: 'exited', process, exit }, 'close');
}

function unseen(now: number): RunnerExit {
  return { atMs: now, code: null, signal: null, how: 'unseen' };
}

function leaderGone(phase: RunnerPhase, end: Omit<RunnerExit, 'atMs'>, now: number): RunnerStep {
  if (phase.name === 'running') {
    return exited(phase.process, { ...end, atMs: now });
  }
  if (phase.name !== 'stopping' || phase.exit !== null) {
    return to(phase);
  }
  const exit: RunnerExit = { ...end, atMs: now, how: 'asked' };
  return phase.tree === null ? to({ ...phase, exit }) : exited(phase.process, exit);
}

function treeEnded(phase: RunnerPhase, tree: TreeEnd, now: number): RunnerStep {
  if (phase.name !== 'stopping') {
    return to(phase);
  }
  if (phase.exit !== null) {
    return exited(phase.process, phase.exit);
  }
  if (tree.outcome === 'still alive') {
    // Nothing is known to have ended; what lives goes on being supervised.
    return to({ name: 'running', process: phase.process }, 'watch');
  }
  if (phase.process.isOurChild) {
    // The process table is quicker than the system's word to us, which says how it ended.
    return to({ ...phase, tree });
  }
  return exited(
    phase.process,
    tree.outcome === 'stopped' ? { ...unseen(now), how: 'asked' } : unseen(now),
  );
}
