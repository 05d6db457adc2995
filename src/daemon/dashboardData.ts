import { type Clock, isoTime, type Timer } from '../core/clock';
import { type Disposable, toDisposable } from '../core/disposables';
import type { DashboardMessage, DashboardPart } from '../diagnostics/dashboard';
import type { RunnerFact } from '../diagnostics/runnerFacts';
import type { StatusRecord } from '../diagnostics/status';
import { DashboardMemory } from './dashboardMemory';
import { dashboardState, type MarketOf } from './dashboardState';
import { readPast } from './historyReader';
import type { IncidentRow } from './historyRows';
import { readPaperPast } from './paperPast';

/** How far back a dashboard looks, in milliseconds. */
const shownMs = 86_400_000;
/** Between two updates, in milliseconds: changes come in bursts, and a person sees two a second. */
const updateMs = 500;
/** A past that could not be read is tried again this much later, in milliseconds. */
const retryMs = 60_000;

export interface DashboardDependencies {
  readonly clock: Clock;
  /** `robo.db`, and the folder with one folder a workspace. */
  readonly paths: { readonly database: string; readonly runners: string };
  readonly status: () => StatusRecord;
  readonly marketOf: MarketOf;
  readonly startedAtMs: number;
}

type Listener = (message: DashboardMessage) => void;

/**
 * What dashboards show, for whoever looks: all there is at first, then what is new, at most twice
 * a second. What happens is remembered all the time, in bounds; nothing is put together, and no
 * database read, while nobody looks.
 */
export class DashboardData implements Disposable {
  private readonly memory: DashboardMemory;
  private readonly listeners = new Set<Listener>();
  /** Workspaces whose paper book has been read. */
  private readonly readBooks = new Set<string>();
  /** Why a part of the past is missing. */
  private readonly problems = new Map<string, string>();
  private isStateNew = false;
  private timer: Timer | undefined;
  private reading: Promise<void> | undefined;
  private isPastKnown = false;
  private retryAtMs = 0;
  private isDisposed = false;

  constructor(private readonly deps: DashboardDependencies) {
    this.memory = new DashboardMemory(deps.startedAtMs);
  }

  takeStatus(record: StatusRecord): void {
    this.isStateNew = true;
    this.memory.takeStatus(record);
    this.changed();
    if (this.listeners.size > 0 && this.unreadBooks(record).length > 0) {
      void this.knowPast().then(() => {
        this.flush();
        this.tell([...this.listeners], { type: 'snapshot', snapshot: this.snapshot() });
      });
    }
  }

  takeIncidents(rows: readonly IncidentRow[]): void {
    this.memory.takeIncidents(rows);
    this.changed();
  }

  hear(workspace: string, facts: readonly RunnerFact[]): void {
    this.memory.hear(workspace, facts, this.deps.clock.now());
    this.changed();
  }

  /** Tells a listener all there is, soon, and then each change, until it is disposed. */
  subscribe(listener: Listener): Disposable {
    let isWanted = true;
    void this.knowPast().then(() => {
      if (isWanted && !this.isDisposed) {
        // Changes that the others still wait for are in this snapshot already.
        this.flush();
        this.listeners.add(listener);
        this.tell([listener], { type: 'snapshot', snapshot: this.snapshot() });
      }
    });
    return toDisposable(() => {
      isWanted = false;
      this.listeners.delete(listener);
    });
  }

  dispose(): void {
    this.isDisposed = true;
    this.timer?.cancel();
    this.listeners.clear();
  }

  private changed(): void {
    if (this.listeners.size > 0 && this.timer === undefined && !this.isDisposed) {
      this.timer = this.deps.clock.setTimer(updateMs, () => {
        this.flush();
      });
    }
  }

  private flush(): void {
    this.timer?.cancel();
    this.timer = undefined;
    const changes = this.memory.changes();
    const state = this.isStateNew ? this.state() : undefined;
    this.isStateNew = false;
    if (this.listeners.size > 0) {
      const update = { ...this.frame(), ...(state === undefined ? {} : { state }), ...changes };
      this.tell([...this.listeners], { type: 'update', update });
    }
  }

  private tell(listeners: readonly Listener[], message: DashboardMessage): void {
    listeners.forEach((listener) => {
      listener(message);
    });
  }

  private snapshot(): Extract<DashboardMessage, { type: 'snapshot' }>['snapshot'] {
    const fromMs = this.deps.clock.now() - shownMs;
    return { ...this.frame(), state: this.state(), ...this.memory.since(fromMs) };
  }

  private frame(): Pick<DashboardPart, 'schema' | 'at' | 'from'> {
    const now = this.deps.clock.now();
    return { schema: 1, at: isoTime(now), from: isoTime(now - shownMs) };
  }

  private state(): NonNullable<DashboardPart['state']> {
    const [problem = null] = this.problems.values();
    return dashboardState(this.deps.status(), this.deps.marketOf, problem);
  }

  /** Reads what of the past is not known yet. Never rejects: a dashboard without a past says so. */
  private async knowPast(): Promise<void> {
    this.reading ??= this.readPast().finally(() => {
      this.reading = undefined;
    });
    await this.reading;
  }

  private async readPast(): Promise<void> {
    const { paths, clock } = this.deps;
    const from = isoTime(clock.now() - shownMs);
    if (!this.isPastKnown && clock.monotonicMs() >= this.retryAtMs) {
      const past = await readPast(paths.database, from);
      this.isPastKnown = past.known;
      if (past.known) {
        this.memory.prepend(past.value);
        this.problems.delete('history');
      } else {
        this.problems.set('history', `What was before this monitor is not shown: ${past.why}.`);
        this.retryAtMs = clock.monotonicMs() + retryMs;
      }
    }
    for (const workspace of this.unreadBooks(this.deps.status())) {
      this.readBooks.add(workspace);
      const book = await readPaperPast(paths.runners, workspace, from);
      if (book.known) {
        this.memory.prependPaper(workspace, book.value);
      } else {
        this.problems.set(workspace, `The past of a paper book is not shown: ${book.why}.`);
      }
    }
  }

  private unreadBooks({ runner }: StatusRecord): readonly string[] {
    return runner
      .map(({ workspace }) => workspace)
      .filter((workspace) => !this.readBooks.has(workspace));
  }
}
