import { existsSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock, Timer } from '../core/clock';
import type { Disposable } from '../core/disposables';
import { workspaceFolderName } from '../core/paths';
import type { RunnerStatus } from '../diagnostics/status';
import type { Machine, ProcessInfo } from '../host/machine';
import type { RunRow } from './historyRows';

/** A run that the database knows and nobody has seen end. */
export type OpenRun = Pick<
  RunRow,
  'workspace' | 'started_at' | 'pid' | 'command' | 'symbols' | 'bypass_reason'
>;

export interface OrphansDependencies {
  readonly clock: Clock;
  readonly machine: Pick<Machine, 'process'>;
  readonly log: (level: 'INFO' | 'WARN', token: string, words: string) => void;
}

/** Between looks whether an orphan still lives, in milliseconds. */
const lookMs = 5000;
/**
 * How far the start of a process may lie from what was noted of it, in milliseconds: the system
 * counts from a boot time that it corrects by up to a second. A pid does not come twice in that.
 */
const toleranceMs = 2000;

/**
 * Runners that an earlier daemon has started and that live on, although their lease is gone or
 * cannot be read: the database still names pid and start. They are told as `external`, are never
 * signalled, and no second runner is started beside one.
 */
export class Orphans implements Disposable {
  private readonly living = new Map<string, RunnerStatus>();
  private timer: Timer | undefined;
  private isDisposed = false;

  constructor(
    /** Holds one folder a workspace. */
    private readonly directory: string,
    private readonly deps: OrphansDependencies,
    private readonly onChange: () => void,
  ) {}

  status(): readonly RunnerStatus[] {
    return [...this.living.values()];
  }

  /** The pid of the orphan that lives in a folder. */
  of(workspace: string): number | undefined {
    const folder = realFolder(workspace);
    const found = this.status().find((one) => realFolder(one.workspace) === folder);
    return found?.pid ?? undefined;
  }

  /** Takes in the runs that nobody has seen end, but for those of `known` workspaces. */
  async find(runs: readonly OpenRun[], known: ReadonlySet<string>): Promise<void> {
    for (const run of runs) {
      const status = this.statusOf(run);
      // One that somebody else has started has no log here, and never had a lease.
      const isOurs = existsSync(status.logFile) && !known.has(run.workspace);
      if (isOurs && (await this.lives(run))) {
        this.living.set(run.workspace, status);
        this.deps.log('WARN', 'runner.orphan', status.warnings?.[0] ?? '');
      }
    }
    this.plan();
  }

  /** Looks whether they still live. */
  async look(): Promise<void> {
    for (const [workspace, { pid, startedAt }] of this.living) {
      if (startedAt !== null && !(await this.lives({ pid, started_at: startedAt }))) {
        this.living.delete(workspace);
        this.deps.log('WARN', 'runner.gone', `the orphan ${pid ?? ''} of ${workspace} has ended`);
        this.onChange();
      }
    }
  }

  dispose(): void {
    this.isDisposed = true;
    this.timer?.cancel();
  }

  private plan(): void {
    this.timer?.cancel();
    if (this.living.size > 0 && !this.isDisposed) {
      this.timer = this.deps.clock.setTimer(lookMs, () => {
        void this.look().then(() => {
          this.plan();
        });
      });
    }
  }

  /** Not to be seen is not gone, but nothing is told of a process that nobody could look at. */
  private async lives({ pid, started_at }: Pick<OpenRun, 'pid' | 'started_at'>): Promise<boolean> {
    if (pid === null) {
      return false;
    }
    const seen = await this.deps.machine.process(pid);
    if (!seen.known) {
      return this.status().some((one) => one.pid === pid);
    }
    return seen.value !== undefined && isSameStart(seen.value, started_at);
  }

  private statusOf(run: OpenRun): RunnerStatus {
    const { workspace, pid } = run;
    const folder = join(this.directory, workspaceFolderName(workspace));
    const warning = `The runner of ${workspace}, pid ${pid ?? ''}, lives on, but its lease in ${folder} is missing or cannot be read, so that it is an orphan: its output is not followed, it is not stopped with the others, and no second one is started; watch it with "robo watch ${pid ?? ''}", or end it by hand and start it again.`;
    return {
      workspace,
      state: 'external',
      pid,
      command: textsIn(run.command),
      symbols: textsIn(run.symbols),
      startedAt: run.started_at,
      logFile: join(folder, 'runner.log'),
      work: 'unknown',
      lastCycleAt: null,
      lastFetchAt: null,
      symbolStatus: [],
      bypassReason: run.bypass_reason,
      exit: null,
      findings: [],
      warnings: [warning],
    };
  }
}

function isSameStart(process: ProcessInfo, startedAt: string): boolean {
  return Math.abs(process.startedAtMs - Date.parse(startedAt)) <= toleranceMs;
}

function textsIn(json: string): readonly string[] {
  try {
    const list: unknown = JSON.parse(json);
    return Array.isArray(list) ? list.map(String) : [];
  } catch {
    return [];
  }
}

function realFolder(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
