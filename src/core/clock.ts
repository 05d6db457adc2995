/** A timer that has been set and can be taken back. */
export interface Timer {
  cancel(): void;
}

/** The only source of time; tests replace it, so that no test has to wait. */
export interface Clock {
  /** Wall-clock time in milliseconds since the epoch. */
  now(): number;
  /** Monotonic time in milliseconds; only differences mean anything. */
  monotonicMs(): number;
  /** Runs `action` once after `delayMs` milliseconds. */
  setTimer(delayMs: number, action: () => void): Timer;
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimer: (delayMs, action) => {
    const handle = setTimeout(action, delayMs);
    return {
      cancel: () => {
        clearTimeout(handle);
      },
    };
  },
};

/** Resolves after `delayMs` milliseconds, or at once when `signal` is aborted. */
export async function delay(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted === true) {
    return;
  }
  await new Promise<void>((resolve) => {
    const onAbort = (): void => {
      timer.cancel();
      resolve();
    };
    const timer = clock.setTimer(delayMs, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** ISO 8601 in UTC with milliseconds, the form in which every record states a time. */
export function isoTime(epochMs: number): string {
  return new Date(epochMs).toISOString();
}

/**
 * A moment for a sentence: `2026-11-20 14:30:05 UTC`.
 * @param epochMs milliseconds since the epoch, within the years 0 to 9999
 */
export function timeInWords(epochMs: number): string {
  return `${isoTime(epochMs).slice(0, 19).replace('T', ' ')} UTC`;
}
