import { stat } from 'node:fs/promises';
import type { Clock, Timer } from '../core/clock';
import type { Disposable } from '../core/disposables';
import { Emitter } from '../core/emitter';
import { fileIdOf, OutputFollower } from './output';

export interface LogFollowerDeps {
  readonly clock: Clock;
  /** How often the file is looked at, in milliseconds. */
  readonly intervalMs?: number;
}

/** How often the name is looked at: a rotation gives it to a new file. */
const nameLookMs = 1000;
/** How long a file that has lost its name is read on: a second writer may not have noticed. */
const olderReadMs = 10 * 60_000;

/**
 * Follows a log that somebody else writes and rotates: by its file and by its name. A file that was
 * renamed is read to its end and for a while on, because one of two writers may still hold it
 * (origin system, incident 57); the new one of that name is read from its beginning. Only reads.
 */
export class LogFollower implements Disposable {
  private readonly linesEmitter = new Emitter<readonly string[]>();
  private readonly problemEmitter = new Emitter<string>();
  private readonly older = new Map<OutputFollower, Timer>();
  private current: OutputFollower;
  private timer: Timer | undefined;
  private isDisposed = false;

  /** New complete lines, one batch a look. */
  readonly onLines = this.linesEmitter.event;
  /** Why the file cannot be followed, once per reason. */
  readonly onProblem = this.problemEmitter.event;

  /** @param startOffset where to begin in the present file, in bytes */
  constructor(
    private readonly file: string,
    startOffset: number,
    private readonly deps: LogFollowerDeps,
  ) {
    this.current = this.open(startOffset);
    this.lookLater();
  }

  /** Reads to the present end, and gives the unfinished last line too. */
  async drain(): Promise<void> {
    await this.followName();
    await this.current.drain();
  }

  dispose(): void {
    this.isDisposed = true;
    this.timer?.cancel();
    for (const [follower, timer] of this.older) {
      timer.cancel();
      follower.dispose();
    }
    this.current.dispose();
    this.linesEmitter.dispose();
    this.problemEmitter.dispose();
  }

  private open(startOffset: number): OutputFollower {
    const { clock, intervalMs = 500 } = this.deps;
    const follower = new OutputFollower(this.file, startOffset, {
      clock,
      intervalMs,
      isForeign: true,
    });
    follower.onLines((lines) => {
      this.linesEmitter.fire(lines);
    });
    follower.onProblem((problem) => {
      this.problemEmitter.fire(problem);
    });
    return follower;
  }

  private lookLater(): void {
    if (!this.isDisposed) {
      this.timer = this.deps.clock.setTimer(nameLookMs, () => {
        void this.followName().then(() => {
          this.lookLater();
        });
      });
    }
  }

  private async followName(): Promise<void> {
    const { fileId } = this.current;
    // A look that fails says nothing; the next one comes soon.
    const named = await stat(this.file).catch(() => undefined);
    // Without a file of that name the old one may still be written.
    if (this.isDisposed || fileId === undefined || named === undefined) {
      return;
    }
    if (named.isFile() && fileIdOf(named) !== fileId) {
      const old = this.current;
      await old.drain();
      this.replace(old);
    }
  }

  private replace(old: OutputFollower): void {
    if (!this.isDisposed) {
      this.leaveLater(old);
      this.current = this.open(0);
    }
  }

  private leaveLater(old: OutputFollower): void {
    const leave = this.deps.clock.setTimer(olderReadMs, () => {
      this.older.delete(old);
      old.dispose();
    });
    this.older.set(old, leave);
  }
}
