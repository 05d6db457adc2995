/**
 * How often the monitor dials by itself, whatever speaks for it: ten times as the backoff says,
 * then once every three minutes until an hour has passed; at most 30 times in any hour. A TWS that
 * restarts over and over offers a new listener each time, and backoff alone would follow it.
 */
export const dialBudget = { burst: 10, spacingMs: 180_000, windowMs: 3_600_000 } as const;

/**
 * How long the next dial has to wait, in milliseconds; 0 where it may come now.
 * @param dials when the earlier ones were, oldest first, by the monotonic clock
 */
export function budgetDelayMs(dials: readonly number[], monotonicMs: number): number {
  const last = dials.at(-1);
  return last === undefined || recent(dials, monotonicMs).length < dialBudget.burst
    ? 0
    : Math.max(0, last + dialBudget.spacingMs - monotonicMs);
}

/** The dials that still count, with one more now. */
export function withDial(dials: readonly number[], monotonicMs: number): readonly number[] {
  return [...recent(dials, monotonicMs), monotonicMs];
}

/** The trader asks: one more dial may come at once. */
export function withGrace(dials: readonly number[]): readonly number[] {
  return dials.slice(-(dialBudget.burst - 1));
}

function recent(dials: readonly number[], monotonicMs: number): readonly number[] {
  return dials.filter((atMs) => monotonicMs - atMs < dialBudget.windowMs);
}
