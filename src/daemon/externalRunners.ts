import { realpathSync } from 'node:fs';
import * as v from 'valibot';
import type { Clock } from '../core/clock';
import type { Disposable } from '../core/disposables';
import { errorText, HumanError } from '../core/errors';
import { createFactReader } from '../diagnostics/runnerReader';
import type { RunnerStatus } from '../diagnostics/status';
import type { Machine, ProcessInfo } from '../host/machine';
import { classifyProcess } from '../host/processRoles';
import type { Endpoint } from '../ibkr/endpoint';
import type { MarketState } from '../ibkr/marketState';
import { ExternalRunner, type WatchedRunner } from '../runner/externalRunner';
import { readStateFile, writeStateFile } from '../runner/stateFile';
import type { WatchRunnerParams, WatchRunnerResult } from './protocol';
import { RunnerEvents } from './runnerEvents';

const fileName = 'external.json';
/** More are a mistake of a script; each is looked at every second. */
const maxWatched = 16;

const fileSchema = v.object({
  schema: v.literal(1),
  watched: v.array(
    v.object({
      pid: v.pipe(v.number(), v.integer(), v.minValue(2)),
      startToken: v.pipe(v.string(), v.nonEmpty()),
      argv: v.array(v.string()),
      workspace: v.string(),
      startedAtMs: v.number(),
      logFile: v.nullable(v.string()),
    }),
  ),
});

/** Pid and start of the runners on the list of a folder; none where it cannot be read. */
export async function watchedRunnersOf(
  directory: string,
): Promise<readonly Pick<WatchedRunner, 'pid' | 'startToken'>[]> {
  const kept = await readStateFile(directory, fileName, {
    schema: fileSchema,
    what: 'list of watched runners',
  });
  return kept.known ? (kept.value?.watched ?? []) : [];
}

export interface ExternalRunnersDependencies {
  readonly clock: Clock;
  readonly machine: Machine;
  readonly endpoint: Endpoint;
  readonly marketOf?: (symbols: readonly string[]) => MarketState;
  readonly log: (level: 'INFO' | 'WARN' | 'ERROR', token: string, words: string) => void;
  /** The runners that Robo has started itself. */
  readonly supervised: () => readonly RunnerStatus[];
}

/**
 * The runners that somebody else has started and Robo was asked to watch: a debugger's, a tmux's,
 * cron's. They are known by their identity, also to the next daemon. They are never started,
 * stopped or restarted; one workspace has one.
 */
export class ExternalRunners implements Disposable {
  private readonly runners = new Map<string, ExternalRunner>();
  private writing: Promise<void> = Promise.resolve();
  private readonly events = new RunnerEvents();

  readonly onDidChange = this.events.onDidChange;
  readonly onLines = this.events.onLines;
  readonly onFacts = this.events.onFacts;

  constructor(
    /** Holds the list of them. */
    private readonly directory: string,
    private readonly deps: ExternalRunnersDependencies,
  ) {}

  status(): readonly RunnerStatus[] {
    return [...this.runners.values()].map((runner) => runner.status());
  }

  /** All runners of the endpoint: a watched one stands for what its workspace had before. */
  with(supervised: readonly RunnerStatus[]): readonly RunnerStatus[] {
    const ours = this.status();
    const isTold = (other: RunnerStatus): boolean =>
      ours.some(
        ({ pid, workspace }) =>
          (pid !== null && pid === other.pid) ||
          (other.state === 'exited' && isSameFolder(workspace, other.workspace)),
      );
    return [...ours, ...supervised.filter((other) => !isTold(other))];
  }

  get isAnyAlive(): boolean {
    return [...this.runners.values()].some(({ isAlive }) => isAlive);
  }

  /** The pid of the watched runner that lives in a folder. */
  livingIn(workspace: string): number | undefined {
    return [...this.runners.values()].find(
      ({ isAlive, watched }) => isAlive && isSameFolder(watched.workspace, workspace),
    )?.watched.pid;
  }

  /** Goes on watching what an earlier daemon has watched. */
  async adoptAll(): Promise<void> {
    const kept = await readStateFile(this.directory, fileName, {
      schema: fileSchema,
      what: 'list of watched runners',
    });
    if (!kept.known) {
      this.deps.log('WARN', 'runner.external_unreadable', kept.why);
    }
    for (const watched of kept.known ? (kept.value?.watched ?? []) : []) {
      await this.open(watched);
    }
  }

  /** Watches a process from now on. Asked again for the same one, it takes another log file. */
  async watch(params: WatchRunnerParams): Promise<WatchRunnerResult> {
    const { pid, workspace } = params;
    const seen = await this.deps.machine.process(pid);
    if (!seen.known) {
      throw new HumanError(`Whether process ${pid} runs could not be seen: ${seen.why}`);
    }
    const present = seen.value;
    if (present === undefined || !isSameProcess(present, params)) {
      const why = `process ${pid} has ended, or is another one now; list the runners again`;
      return { outcome: 'refused', why };
    }
    const why = this.refusal(present, workspace);
    if (why !== undefined) {
      return { outcome: 'refused', why };
    }
    for (const [key, runner] of this.runners) {
      if (key === keyOf(present) || isSameFolder(runner.watched.workspace, workspace)) {
        this.drop(key, runner);
      }
    }
    const { startToken, argv, startedAtMs } = present;
    const logFile = params.logFile ?? null;
    const runner = await this.open({ pid, startToken, argv, workspace, startedAtMs, logFile });
    this.deps.log('INFO', 'runner.external_watched', `pid ${pid} of ${workspace}`);
    return { outcome: 'watching', runner: runner.status() };
  }

  /** Watches a process no more, and forgets one that is gone. The process is left alone. */
  async unwatch(pid: number): Promise<boolean> {
    const found = [...this.runners].filter(([, { watched }]) => watched.pid === pid);
    for (const [key, runner] of found) {
      this.drop(key, runner);
      this.deps.log(
        'INFO',
        'runner.external_unwatched',
        `pid ${pid} of ${runner.watched.workspace}`,
      );
    }
    await this.keep();
    return found.length > 0;
  }

  /** A runner of Robo's own was started in a folder: what ended there before is history. */
  forget(workspace: string): void {
    for (const [key, runner] of this.runners) {
      if (!runner.isAlive && isSameFolder(runner.watched.workspace, workspace)) {
        this.drop(key, runner);
      }
    }
  }

  /** Watches no more, and waits until the list is written: the next daemon goes on by it. */
  async end(): Promise<void> {
    this.dispose();
    await this.writing;
  }

  dispose(): void {
    for (const runner of this.runners.values()) {
      runner.dispose();
    }
    this.events.dispose();
  }

  /** Why a process is not watched as the runner of a folder; undefined where it may be. */
  private refusal(present: ProcessInfo, workspace: string): string | undefined {
    const { kind } = classifyProcess(present);
    if (kind === 'tws' || kind === 'proxy' || present.pid === process.pid) {
      return `process ${present.pid} is no runner, but ${present.name}`;
    }
    const ours = this.deps
      .supervised()
      .find(
        ({ state, restart, ...other }) =>
          isSameFolder(other.workspace, workspace) &&
          state !== 'external' &&
          (state !== 'exited' || (restart?.nextAt ?? null) !== null),
      );
    if (ours !== undefined) {
      return ours.pid === null
        ? `Robo is about to start the runner of ${workspace} again; stop it first`
        : `Robo itself runs and watches the runner of ${workspace} (pid ${ours.pid})`;
    }
    const other = this.livingIn(workspace);
    if (other !== undefined && other !== present.pid) {
      return `pid ${other} of ${workspace} is watched already; "robo unwatch ${other}" ends that`;
    }
    const isFull = this.runners.size >= maxWatched && other === undefined;
    return isFull ? `${maxWatched} runners are watched already` : undefined;
  }

  private async open(watched: WatchedRunner): Promise<ExternalRunner> {
    const { clock, machine, endpoint, marketOf } = this.deps;
    const { workspace, pid } = watched;
    const runner = new ExternalRunner(watched, {
      clock,
      machine,
      endpoint,
      createReader: createFactReader,
      ...(marketOf === undefined ? {} : { marketOf }),
    });
    this.runners.set(keyOf(watched), runner);
    runner.onDidChange(({ state }) => {
      if (state === 'exited') {
        this.deps.log(
          'WARN',
          'runner.external_gone',
          `pid ${pid} of ${workspace} has ended unseen`,
        );
        void this.keep();
      }
      this.events.changed();
    });
    this.events.forward(workspace, runner);
    await runner.begin();
    await this.keep();
    this.events.changed();
    return runner;
  }

  private drop(key: string, runner: ExternalRunner): void {
    runner.dispose();
    this.runners.delete(key);
    this.events.changed();
  }

  /** Writes the list of those that live; one write at a time. */
  private async keep(): Promise<void> {
    this.writing = this.writing.then(async () => {
      const watched = [...this.runners.values()]
        .filter(({ isAlive }) => isAlive)
        .map((runner) => runner.watched);
      try {
        await writeStateFile(this.directory, fileName, { schema: 1, watched });
      } catch (error) {
        const words = `the list of watched runners could not be kept (${errorText(error)}); a new monitor would not know them`;
        this.deps.log('WARN', 'runner.external_unkept', words);
      }
    });
    await this.writing;
  }
}

function keyOf({ pid, startToken }: Pick<WatchedRunner, 'pid' | 'startToken'>): string {
  return `${pid} ${startToken}`;
}

function isSameProcess(present: ProcessInfo, asked: WatchRunnerParams): boolean {
  return (
    present.startToken === asked.startToken &&
    present.argv.length === asked.argv.length &&
    present.argv.every((part, at) => part === asked.argv[at])
  );
}

function isSameFolder(one: string, other: string): boolean {
  return one === other || realFolder(one) === realFolder(other);
}

function realFolder(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
