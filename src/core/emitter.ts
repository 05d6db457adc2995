import { type Disposable, toDisposable } from './disposables';

/** Subscribes a listener; disposing the result unsubscribes it. */
export type Event<T> = (listener: (value: T) => void) => Disposable;

/**
 * A typed event source. A listener that throws does not keep the others from
 * hearing the event; its error goes to `onListenerError`.
 */
export class Emitter<T> implements Disposable {
  private readonly listeners = new Set<(value: T) => void>();

  constructor(
    private readonly onListenerError: (error: unknown) => void = (error) => {
      queueMicrotask(() => {
        throw error;
      });
    },
  ) {}

  readonly event: Event<T> = (listener) => {
    // Wrapped, so that the same function may subscribe twice and unsubscribe once.
    const entry = (value: T): void => {
      listener(value);
    };
    this.listeners.add(entry);
    return toDisposable(() => this.listeners.delete(entry));
  };

  fire(value: T): void {
    for (const listener of [...this.listeners]) {
      // One that another listener has just unsubscribed hears no more.
      if (!this.listeners.has(listener)) {
        continue;
      }
      try {
        listener(value);
      } catch (error) {
        this.onListenerError(error);
      }
    }
  }

  dispose(): void {
    this.listeners.clear();
  }
}
