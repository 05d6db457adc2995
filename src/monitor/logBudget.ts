import type { Clock, Timer } from '../core/clock';
import type { Disposable } from '../core/disposables';
import type { LogLevel } from './records';

/** An event for the monitor log. */
export interface MonitorLogEntry {
  readonly level: LogLevel;
  readonly token: string;
  readonly words: string;
}

const minuteMs = 60_000;
/** A TWS that starts greets with some twenty farms at once. */
const maxPerMinute = 60;

/**
 * Lets each kind of event through to the log until it comes too often within a minute; the rest is
 * counted and told at the minute's end. A farm that flaps a thousand times a second would push the
 * log of months out of its file within seconds.
 */
export class LogBudget implements Disposable {
  private readonly counts = new Map<string, number>();
  private minute: Timer | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly write: (entry: MonitorLogEntry) => void,
  ) {}

  log(entry: MonitorLogEntry): void {
    const count = (this.counts.get(entry.token) ?? 0) + 1;
    this.counts.set(entry.token, count);
    this.minute ??= this.clock.setTimer(minuteMs, () => {
      this.endMinute();
    });
    if (count <= maxPerMinute) {
      this.write(entry);
    }
  }

  dispose(): void {
    this.minute?.cancel();
  }

  private endMinute(): void {
    const tooMany = [...this.counts].filter(([, count]) => count > maxPerMinute);
    this.counts.clear();
    this.minute = undefined;
    for (const [token, count] of tooMany) {
      const words = `${count - maxPerMinute} more of these within a minute were counted, not written`;
      this.write({ level: 'WARN', token, words });
    }
  }
}
