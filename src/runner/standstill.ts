import type { MarketState } from '../ibkr/marketState';
import type { Says } from './saysState';

/** The trader's own watchdog calls it a stall after five minutes without a cycle (section 4.7). */
export const stallMs = 5 * 60_000;
/** What a stated time of the next cycle is given at least: a cycle takes its time, too. */
export const leastGraceMs = 2 * 60_000;
/** The trader's system sleeps up to 30 minutes while the market is closed (section 6). */
export const longestSleepMs = 30 * 60_000;
/**
 * No known runner is quiet for longer on purpose, announced or not: that sleep, and five more for
 * a slow cycle.
 */
export const quietLimitMs = longestSleepMs + stallMs;

/** Until when a runner's next word of work can wait, and where that time is from. */
export interface WorkDue {
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  readonly basis: 'said' | 'learned' | 'usual';
}

/**
 * When a runner counts as stalled unless it works before: what its last cycle or pause announced,
 * else its usual rhythm, else the trader's rule of five minutes, each with a grace. The rules that
 * are no words of its own hold in trading hours; where these are not known, it may sleep. A cycle
 * that goes on to other symbols goes on. Undefined before it has spoken of its work.
 */
export function workDue(says: Says, market?: MarketState): WorkDue | undefined {
  const { lastCycleMs, lastProgressMs, quietUntilMs } = says;
  const workedMs = Math.max(lastCycleMs ?? 0, lastProgressMs ?? 0);
  if (workedMs === 0 && quietUntilMs === 0) {
    return undefined;
  }
  const said = saidDue(says);
  const { atMs, basis } = said ?? usualDue(says, workedMs, market);
  const progressMs = lastProgressMs === null ? 0 : lastProgressMs + stallMs;
  return { atMs: Math.max(atMs, progressMs, openingDue(said, workedMs, market)), basis };
}

function saidDue({ quietUntilMs, lastCycleMs, nextInMs, durationMs }: Says): WorkDue | undefined {
  const slowCycleMs = 2 * (durationMs ?? 0);
  if (quietUntilMs > 0) {
    return { atMs: quietUntilMs + Math.max(stallMs, slowCycleMs), basis: 'said' };
  }
  if (lastCycleMs === null || nextInMs === null) {
    return undefined;
  }
  const graceMs = Math.max(leastGraceMs, nextInMs / 2, slowCycleMs);
  return { atMs: lastCycleMs + nextInMs + graceMs, basis: 'said' };
}

function usualDue(says: Says, workedMs: number, market: MarketState | undefined): WorkDue {
  const rhythmMs = median(says.cycleGapsMs);
  const limitMs = Math.max(stallMs, 2 * (rhythmMs ?? 0));
  const isKnown = market !== undefined && market.state !== 'unknown';
  return {
    atMs: workedMs + (isKnown ? limitMs : Math.max(limitMs, quietLimitMs)),
    basis: rhythmMs === undefined ? 'usual' : 'learned',
  };
}

/** The night counts as none: who has not announced when it wakes may sleep past the opening. */
function openingDue(
  said: WorkDue | undefined,
  workedMs: number,
  market: MarketState | undefined,
): number {
  const openedMs = market?.state === 'open' ? (market.sinceMs ?? 0) : 0;
  if (openedMs <= workedMs) {
    return 0;
  }
  return openedMs + (said === undefined ? quietLimitMs : stallMs);
}

/** Of two or more: one gap may hold a pause. */
function median(gaps: readonly number[]): number | undefined {
  const sorted = gaps.toSorted((one, other) => one - other);
  return sorted.length < 2 ? undefined : sorted[Math.floor((sorted.length - 1) / 2)];
}
