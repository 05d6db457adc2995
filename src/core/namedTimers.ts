import type { Clock, Timer } from './clock';
import type { Disposable } from './disposables';

/** Timers of which each name has one at most: to set it again is to move it. */
export class NamedTimers<Name extends string> implements Disposable {
  private readonly timers = new Map<Name, Timer>();

  constructor(private readonly clock: Clock) {}

  /** Whether it was set and has not been cancelled since; one that has run counts. */
  has(name: Name): boolean {
    return this.timers.has(name);
  }

  set(name: Name, delayMs: number, action: () => void): void {
    this.timers.get(name)?.cancel();
    this.timers.set(name, this.clock.setTimer(delayMs, action));
  }

  cancel(name: Name): void {
    this.timers.get(name)?.cancel();
    this.timers.delete(name);
  }

  dispose(): void {
    for (const timer of this.timers.values()) {
      timer.cancel();
    }
    this.timers.clear();
  }
}
