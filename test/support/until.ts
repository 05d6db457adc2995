import type { Event } from '../../src/core/emitter';

/**
 * Waits for the first event that `accept` takes. Bounded: rejects after `deadlineMs`
 * milliseconds, so that a test that waits in vain fails with a word.
 */
export async function until<T>(
  event: Event<T>,
  accept: (value: T) => boolean,
  deadlineMs = 5000,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = setTimeout(() => {
      subscription.dispose();
      reject(new Error(`the awaited event did not come within ${deadlineMs} ms`));
    }, deadlineMs);
    const subscription = event((value) => {
      if (accept(value)) {
        clearTimeout(timer);
        subscription.dispose();
        resolve(value);
      }
    });
  });
}
