/**
 * When a new connection may be opened (law 3). A few attempts on capped backoff; after that
 * only a change, or, where changes cannot be seen, one dial every five minutes.
 */
export const dialPolicy = {
  /** First delay in milliseconds; doubled with every failure. */
  firstMs: 1000,
  /** Longest delay between the free attempts. */
  capMs: 30_000,
  /** Attempts in a row before something has to change. */
  freeAttempts: 5,
  /** House, law 3: where a change cannot be seen. */
  slowDialMs: 300_000,
  /** A session that lived this long was of use; its end starts the count anew. */
  stableMs: 60_000,
} as const;

/**
 * The delay before the attempt after `failures` failures, in milliseconds.
 * @param random in [0, 1); takes up to 20 % off, so that clients do not dial in step.
 */
export function backoffMs(failures: number, random: number): number {
  const full = Math.min(dialPolicy.capMs, dialPolicy.firstMs * 2 ** Math.max(0, failures - 1));
  return Math.round(full * (1 - 0.2 * random));
}

/** The delay of the slow dial in milliseconds: never sooner than law 3 says, and not in step. */
export function slowDialMs(random: number): number {
  return Math.round(dialPolicy.slowDialMs * (1 + 0.1 * random));
}
