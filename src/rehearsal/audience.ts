import { readFileSync } from 'node:fs';
import { type Clock, delay } from '../core/clock';
import type { DaemonClient } from '../daemon/client';
import type { StatusRecord } from '../diagnostics/status';

/** Between looks at the alert file and the state, in milliseconds. */
const lookMs = 40;

/** The rehearsal was called off. */
export class CalledOff extends Error {
  override readonly name = 'CalledOff';
}

/**
 * Sees what the trader would see of a daemon: its status, the alert file as it lies on the disk,
 * and the lines of the runner.
 */
export class Audience {
  status: StatusRecord | undefined;
  /** The number of the runner's last cycle. */
  cycles = 0;
  /** The runner's own word that it was signalled. */
  signalled: string | undefined;
  private wasAlertSeen = false;
  private readonly named = new Set<string>();

  constructor(
    client: DaemonClient,
    private readonly options: {
      readonly alertFile: string;
      readonly runnerWorkspace: string;
      readonly clock: Clock;
      readonly signal: AbortSignal;
    },
  ) {
    client.onDidChangeStatus((status) => {
      this.status = status;
      this.look();
    });
    client.onDidLog(({ workspace, lines }) => {
      if (workspace === options.runnerWorkspace) {
        lines.forEach((line) => {
          this.hear(line);
        });
      }
    });
  }

  /** The alert as it lies there now; undefined where there is none. */
  get alert(): string | undefined {
    try {
      const text = readFileSync(this.options.alertFile, 'utf8');
      this.wasAlertSeen = true;
      return text;
    } catch {
      return undefined;
    }
  }

  get hasSeenAlert(): boolean {
    return this.alert !== undefined || this.wasAlertSeen;
  }

  /** The causes that led a finding of the status since the last `forget`. */
  get namedInStatus(): readonly string[] {
    return [...this.named];
  }

  /** A new act begins. */
  forget(): void {
    this.wasAlertSeen = false;
    this.named.clear();
  }

  /**
   * Waits until something holds.
   * @returns false when it did not within `deadlineMs`.
   * @throws CalledOff
   */
  async until(holds: () => boolean, deadlineMs: number): Promise<boolean> {
    const { clock, signal } = this.options;
    const end = clock.monotonicMs() + deadlineMs;
    for (;;) {
      if (signal.aborted) {
        throw new CalledOff();
      }
      this.look();
      if (holds()) {
        return true;
      }
      if (clock.monotonicMs() >= end) {
        return false;
      }
      await delay(clock, lookMs, signal);
    }
  }

  private look(): void {
    this.wasAlertSeen ||= this.alert !== undefined;
    for (const { subject, causes } of this.status?.findings ?? []) {
      const [best] = causes;
      if (best !== undefined && subject.kind !== 'process') {
        this.named.add(best.id);
      }
    }
  }

  private hear(line: string): void {
    const cycle = /"event":"cycle","number":(\d+)/.exec(line)?.[1];
    if (cycle !== undefined) {
      this.cycles = Number(cycle);
    } else if (line.startsWith('signalled ')) {
      this.signalled = line;
    }
  }
}

/** The cause that an alert file names. */
export function causeOfAlert(alert: string | undefined): string | undefined {
  return /^Likely cause: ([a-z0-9_]+)/m.exec(alert ?? '')?.[1];
}
