import type { Clock, Timer } from '../../src/core/clock';

interface PendingTimer {
  readonly dueMs: number;
  readonly action: () => void;
}

/** Time that moves only when a test says so. */
export class FakeClock implements Clock {
  private elapsedMs = 0;
  private wallOffsetMs: number;
  private readonly timers = new Set<PendingTimer>();

  constructor(startMs = Date.parse('2026-11-20T15:00:00Z')) {
    this.wallOffsetMs = startMs;
  }

  now(): number {
    return this.wallOffsetMs + this.elapsedMs;
  }

  monotonicMs(): number {
    return this.elapsedMs;
  }

  setTimer(delayMs: number, action: () => void): Timer {
    const timer = { dueMs: this.elapsedMs + Math.max(0, delayMs), action };
    this.timers.add(timer);
    return { cancel: () => this.timers.delete(timer) };
  }

  /** How many timers wait; zero after a clean end. */
  get pending(): number {
    return this.timers.size;
  }

  /** Moves time on, firing timers in order and letting promises settle after each. */
  async advance(ms: number): Promise<void> {
    const end = this.elapsedMs + ms;
    await settle();
    for (;;) {
      const next = [...this.timers].sort((a, b) => a.dueMs - b.dueMs)[0];
      if (next === undefined || next.dueMs > end) {
        break;
      }
      this.timers.delete(next);
      this.elapsedMs = next.dueMs;
      next.action();
      await settle();
    }
    this.elapsedMs = end;
    await settle();
  }

  /** Moves only the wall clock, as a sleep or an NTP step does. */
  jumpWall(ms: number): void {
    this.wallOffsetMs += ms;
  }
}

/** Lets everything that is already due in promises and immediates run. */
export async function settle(): Promise<void> {
  for (let round = 0; round < 4; round += 1) {
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
  }
}
