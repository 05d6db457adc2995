import type { RunnerExit } from './runnerState';

/** A run that ended by itself soon after its start. Times are milliseconds since the epoch. */
export interface Fall {
  readonly atMs: number;
  /** `exit code 1`, `SIGSEGV` */
  readonly how: string;
}

/** A run that lived longer was at work: its end is no part of a loop (pm2 takes 1 s, we a start). */
export const soonMs = 2 * 60_000;
/** Watchdogs restart each minute, later every five: three falls of either fit (origin system, 4.7). */
export const windowMs = 30 * 60_000;
/** As many as the trader's own watchdog takes before it calls a human (origin system, rule 20). */
export const fallsOfLoop = 3;

/**
 * The falls that still count after a run has ended. A run that lived, was asked to stop, or ended
 * with code 0 shows that the loop is over; an end that nobody saw tells nothing.
 */
export function fallsAfter(
  falls: readonly Fall[],
  { atMs, code, signal, how }: RunnerExit,
  startedAtMs: number,
): readonly Fall[] {
  if (how === 'unseen') {
    return falls;
  }
  if (how === 'asked' || code === 0 || atMs - startedAtMs > soonMs) {
    return [];
  }
  const fall = { atMs, how: signal ?? `exit code ${code ?? 'unknown'}` };
  return [...falls, fall].filter((each) => atMs - each.atMs <= windowMs).slice(-20);
}
