import type { Clock } from '../core/clock';
import { type CalmWindow, wakeGraceMs } from './health';

/** Time that passed without us. */
export interface Jump {
  /**
   * `slept`: the machine slept, this process was stopped, or somebody set the clock forward, which
   * cannot be told apart everywhere. `set back`: somebody set the clock back.
   */
  readonly kind: 'slept' | 'set back';
  /** How much, in milliseconds. */
  readonly ms: number;
  /** When it began, by the wall clock of before, milliseconds since the epoch. */
  readonly fromMs: number;
}

/** How often somebody has to look, in milliseconds. */
export const pulseMs = 5000;
/** A busy machine is late by less; NTP corrects by less. Milliseconds. */
const toleranceMs = 10_000;

/**
 * Sees the machine's sleep and jumps of the wall clock. Some systems stop the monotonic clock in a
 * sleep, so that the two clocks part; on others it goes on, and a look comes much too late.
 */
export class SleepWatch {
  private wallMs: number;
  private monotonicMs: number;
  private seen = 0;
  private sleep: CalmWindow | undefined;

  constructor(private readonly clock: Clock) {
    this.wallMs = clock.now();
    this.monotonicMs = clock.monotonicMs();
  }

  /** How often time has jumped: a question from before a jump proves nothing. */
  get jumps(): number {
    return this.seen;
  }

  /** The machine's last sleep, with the time that connections get to come back. */
  get lastSleep(): CalmWindow | undefined {
    return this.sleep;
  }

  /** To be called every `pulseMs`, and before anything is judged by time. */
  look(): Jump | undefined {
    const jump = this.measure();
    if (jump !== undefined) {
      this.seen += 1;
    }
    if (jump?.kind === 'slept') {
      const name = 'waking up after a sleep of this machine';
      const untilMs = this.wallMs + wakeGraceMs;
      this.sleep = { kind: 'sleep', name, fromMs: jump.fromMs, untilMs };
    }
    return jump;
  }

  private measure(): Jump | undefined {
    const fromMs = this.wallMs;
    const monotonicMs = this.clock.monotonicMs() - this.monotonicMs;
    const wallMs = this.clock.now() - fromMs;
    this.wallMs += wallMs;
    this.monotonicMs += monotonicMs;
    const partedMs = wallMs - monotonicMs;
    if (partedMs < -toleranceMs) {
      return { kind: 'set back', ms: -partedMs, fromMs };
    }
    const isLate = monotonicMs > pulseMs + toleranceMs;
    return isLate || partedMs > toleranceMs
      ? { kind: 'slept', ms: Math.max(wallMs, monotonicMs), fromMs }
      : undefined;
  }
}
