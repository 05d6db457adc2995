import type { Clock, Timer } from '../core/clock';
import type { Disposable } from '../core/disposables';
import type { HealthRow } from './historyRows';

/** More changes in an hour than any outage brings. */
export const burst = 60;
/** Then one in this time, the newest. Milliseconds. */
export const spacingMs = 60_000;

/**
 * Lets changes of health into the history: a connection that flaps without end would otherwise
 * push the year before it out of the file within hours. What happened in between is in no row; the
 * row after it says what came of it.
 */
export class HealthBudget implements Disposable {
  private left = burst;
  private countedAtMs: number;
  private last: HealthRow | undefined;
  private held: HealthRow | undefined;
  private timer: Timer | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly write: (row: HealthRow) => void,
  ) {
    this.countedAtMs = clock.monotonicMs();
  }

  take(row: HealthRow): void {
    this.refill();
    this.held = row;
    if (this.left >= 1) {
      this.flush();
    } else {
      this.timer ??= this.clock.setTimer(spacingMs, () => {
        this.refill();
        this.flush();
      });
    }
  }

  /** Writes the change that is held, where there is one that says something new. */
  flush(): void {
    const { held, last } = this;
    this.timer?.cancel();
    this.timer = undefined;
    this.held = undefined;
    if (held === undefined || (held.health === last?.health && held.layer === last.layer)) {
      return;
    }
    this.left = Math.max(0, this.left - 1);
    this.last = held;
    this.write(last === undefined ? held : { ...held, was: last.health });
  }

  dispose(): void {
    this.timer?.cancel();
  }

  private refill(): void {
    const nowMs = this.clock.monotonicMs();
    this.left = Math.min(burst, this.left + (nowMs - this.countedAtMs) / spacingMs);
    this.countedAtMs = nowMs;
  }
}
