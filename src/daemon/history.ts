import { type Clock, isoTime, type Timer } from '../core/clock';
import type { Disposable } from '../core/disposables';
import type { RunnerFact } from '../diagnostics/runnerFacts';
import type { Health, StatusRecord } from '../diagnostics/status';
import { HealthBudget } from './healthBudget';
import { HistoryFault, HistoryFile } from './historyFile';
import type {
  HealthRow,
  IncidentRow,
  LeftOpen,
  SignalRow,
  TableRow,
  WatchRow,
} from './historyRows';
import { IncidentLedger } from './incidentLedger';
import { RunLedger } from './runLedger';

/**
 * Rows of one transaction: 4 ms with full tables (measured on two busy cores; 12 ms in one of
 * twenty), for which the watch stands still. With `busyMs` it is 2000 rows a second, however busy
 * a runner is; what comes faster is counted and left out.
 */
const batchRows = 500;
/** Between two transactions while there is more to write, in milliseconds. */
const busyMs = 250;
/** Incidents, health and ends are written this soon; what a burst changes is one transaction. */
const soonMs = 20;
/** Signals and cycles wait for company. */
const companyMs = 250;
/** Signals that may wait; two seconds of a full load. */
const maxWaitingSignals = 4000;
/** Other rows that may wait while nothing can be written; the oldest health goes first. */
const maxWaitingRows = 2000;
/** While nothing else is written, a watch says this often that it lasts. Milliseconds. */
const aliveMs = 30_000;
/** The next try after a failure. */
const retryMs = 30_000;
/** The daemon looks every two seconds whether its folder is still its own; it leaves then. */
const movedMs = 5000;
/** The longest reason of a change of health, in characters: TWS may say anything. */
const maxReasonLength = 300;
/** Tries that find the database locked before that is a problem: five seconds. */
const patientTries = 20;
const dayMs = 86_400_000;

export interface HistoryDependencies {
  readonly clock: Clock;
  /** Takes accounts, secrets and names out of a runner's words. */
  readonly redact: (text: string) => string;
  /** The problem is another one, or none any more. */
  readonly onProblem: (problem: string | null) => void;
}

/**
 * `robo.db`: incidents, health over time, runs and signals of one endpoint. It takes in the states
 * of the daemon and writes what they change. Failing to write is told, never fatal: what could not
 * be written waits, within bounds, and the watch goes on.
 */
export class History implements Disposable {
  private readonly file: HistoryFile;
  private readonly incidents = new IncidentLedger();
  private readonly runs: RunLedger;
  /** By key, so that a row that changes again before it is written is written once. */
  private readonly waiting = new Map<string, TableRow>();
  private waitingSignals: SignalRow[] = [];
  private watch: WatchRow;
  private health: HealthRow | undefined;
  private readonly healthBudget: HealthBudget;
  private healthCount = 0;
  private isKnown = false;
  private writtenAtMs = Number.NEGATIVE_INFINITY;
  private urgentAtMs = Number.NEGATIVE_INFINITY;
  private prunedAtMs = Number.NEGATIVE_INFINITY;
  private busyTries = 0;
  private failure: string | null = null;
  private notice: { readonly text: string; readonly untilMs: number } | null = null;
  /** Found while writing; a look at the file as a whole might not find it again. */
  private damage: HistoryFault | null = null;
  private toldProblem: string | null = null;
  private timer: Timer | undefined;
  private dueMs = Number.POSITIVE_INFINITY;
  private retryAtMs = Number.NEGATIVE_INFINITY;
  private isDisposed = false;

  constructor(
    path: string,
    self: Pick<WatchRow, 'pid' | 'version' | 'started_at'>,
    private readonly deps: HistoryDependencies,
  ) {
    this.file = new HistoryFile(path);
    this.runs = new RunLedger(deps.redact);
    this.healthBudget = new HealthBudget(deps.clock, (row) => {
      this.enqueueHealth(row);
    });
    this.watch = { ...self, last_seen_at: self.started_at, ended_at: null, why: null };
  }

  /** Why the database is not written, or what became of it, in one sentence; null when all is well. */
  get problem(): string | null {
    const { notice } = this;
    const isNew = notice !== null && this.deps.clock.now() < notice.untilMs;
    return this.failure ?? (isNew ? notice.text : null);
  }

  /** Takes in a change of health. */
  changeHealth(change: Omit<HealthRow, 'at'>): void {
    this.begin();
    const reason = change.reason.slice(0, maxReasonLength);
    this.health = { at: isoTime(this.deps.clock.now()), ...change, reason };
    this.healthBudget.take(this.health);
  }

  /** Takes in what a runner said. */
  hear(workspace: string, facts: readonly RunnerFact[]): void {
    this.begin();
    const signals = this.runs.hear(workspace, facts, this.deps.clock.now());
    const room = Math.max(0, maxWaitingSignals - this.waitingSignals.length);
    this.waitingSignals.push(...signals.slice(0, room));
    if (signals.length > room) {
      this.runs.leaveOut(workspace, signals.length - room);
    }
    if (this.waitingSignals.length > 0) {
      this.schedule(companyMs);
    }
  }

  /**
   * Takes in a state of the daemon.
   * @param isAlerted the alert file stands for it
   * @returns the incidents that are new or have changed with it
   */
  take(record: StatusRecord, isAlerted: boolean): readonly IncidentRow[] {
    this.begin();
    const known = new Set(this.incidents.present.map(({ incident_key }) => incident_key));
    const changed = this.incidents.take(record, isAlerted);
    for (const row of changed) {
      this.enqueue(`incident ${row.incident_key}`, { table: 'incidents', row });
    }
    for (const row of this.runs.take(record)) {
      const delayMs = row.ended_at === null ? companyMs : soonMs;
      this.enqueue(`run ${row.started_at} ${row.workspace}`, { table: 'runs', row }, delayMs);
    }
    if (this.deps.clock.monotonicMs() - this.writtenAtMs >= aliveMs) {
      this.schedule(soonMs);
    }
    if (this.incidents.present.some(({ incident_key }) => !known.has(incident_key))) {
      this.writeNow();
    }
    return changed;
  }

  /**
   * An incident is in the file before it is shown: a daemon that is killed right behind would take
   * it along. Trouble that comes faster than this is written with the next batch.
   */
  private writeNow(): void {
    const nowMs = this.deps.clock.monotonicMs();
    if (nowMs < this.retryAtMs || nowMs - this.urgentAtMs < busyMs || this.isDisposed) {
      return;
    }
    this.urgentAtMs = nowMs;
    this.timer?.cancel();
    this.dueMs = Number.POSITIVE_INFINITY;
    this.flush();
  }

  /** Writes the rest, and that the watch ended in order. Open incidents stay open: nobody knows. */
  end(health: Health, why: string): void {
    const at = isoTime(this.deps.clock.now());
    const reason = `Not watched since ${at}: ${why}.`;
    this.healthBudget.flush();
    this.changeHealth({ was: health, health: 'unknown', layer: null, reason });
    this.healthBudget.flush();
    this.watch = { ...this.watch, ended_at: at, why };
    // As many as may wait; whatever fails now is lost.
    const rounds = Math.ceil((maxWaitingRows + maxWaitingSignals) / batchRows) + 1;
    this.retryAtMs = Number.NEGATIVE_INFINITY;
    for (let round = 0; round < rounds && !this.isDisposed; round += 1) {
      if (!this.flush() || !this.hasMore) {
        break;
      }
    }
    this.dispose();
  }

  /** Closes the database without a word: what waits is not written. */
  dispose(): void {
    this.isDisposed = true;
    this.timer?.cancel();
    this.healthBudget.dispose();
    this.file.close();
  }

  private get hasMore(): boolean {
    return this.waiting.size > 0 || this.waitingSignals.length > 0;
  }

  /** What an earlier daemon left must be known before the first state is judged. */
  private begin(): void {
    if (!this.isKnown && this.deps.clock.monotonicMs() >= this.retryAtMs && !this.isDisposed) {
      this.attempt(() => {
        this.connect();
      });
    }
  }

  private enqueueHealth(row: HealthRow): void {
    this.healthCount += 1;
    this.enqueue(`health ${this.healthCount}`, { table: 'health', row });
  }

  private enqueue(key: string, row: TableRow, delayMs = soonMs): void {
    this.waiting.set(key, row);
    if (this.waiting.size > maxWaitingRows) {
      const keys = [...this.waiting.keys()];
      // A state in between can be missed; an incident is written once, when it changes.
      const least = keys.find((other) => this.waiting.get(other)?.table === 'health') ?? keys[0];
      this.waiting.delete(least ?? key);
    }
    this.schedule(delayMs);
  }

  private schedule(delayMs: number): void {
    const now = this.deps.clock.monotonicMs();
    const dueMs = Math.max(now + delayMs, this.retryAtMs);
    if (this.isDisposed || dueMs >= this.dueMs) {
      return;
    }
    this.timer?.cancel();
    this.dueMs = dueMs;
    this.timer = this.deps.clock.setTimer(dueMs - now, () => {
      this.dueMs = Number.POSITIVE_INFINITY;
      this.flush();
    });
  }

  /** Writes one batch; false when that failed. */
  private flush(): boolean {
    if (this.file.isMoved) {
      // Whoever did that may have begun another daemon in its place, whose database this is.
      this.file.close();
      this.retryAtMs = this.deps.clock.monotonicMs() + movedMs;
      this.schedule(movedMs);
      return false;
    }
    const isDone = this.attempt(() => {
      if (!this.file.isOpen) {
        this.connect();
      }
      this.writeBatch();
      this.prune();
    });
    if (isDone && this.hasMore) {
      this.schedule(busyMs);
    }
    return isDone;
  }

  private writeBatch(): void {
    const at = isoTime(this.deps.clock.now());
    const keys = [...this.waiting.keys()].slice(0, batchRows);
    const signals = this.waitingSignals.slice(0, batchRows - keys.length);
    this.watch = { ...this.watch, last_seen_at: this.watch.ended_at ?? at };
    const done = (): void => {
      keys.forEach((key) => this.waiting.delete(key));
      this.waitingSignals = this.waitingSignals.slice(signals.length);
    };
    try {
      this.file.write([
        { table: 'watches', row: this.watch },
        ...keys.flatMap((key) => this.waiting.get(key) ?? []),
        ...signals.map((row) => ({ table: 'signals', row }) as const),
      ]);
    } catch (error) {
      if (error instanceof HistoryFault && error.kind === 'rejected') {
        // Tried again, one row that cannot be would keep all that follow out for ever.
        done();
      }
      throw error;
    }
    done();
    this.writtenAtMs = this.deps.clock.monotonicMs();
  }

  private prune(): void {
    const now = this.deps.clock.monotonicMs();
    if (now - this.prunedAtMs < dayMs) {
      return;
    }
    if (this.file.prune(this.deps.clock.now())) {
      this.schedule(busyMs);
    } else {
      this.prunedAtMs = now;
    }
  }

  private connect(): void {
    try {
      if (this.damage !== null) {
        throw this.damage;
      }
      this.file.connect();
    } catch (error) {
      if (!(error instanceof HistoryFault) || error.kind !== 'damaged') {
        throw error;
      }
      this.replace(error);
    }
    const left = this.file.leftOpen(this.watch);
    if (left !== undefined) {
      this.takeOver(left);
    }
    this.isKnown = true;
  }

  /** A damaged database is kept for a person to look at, and a new one begun. */
  private replace(fault: HistoryFault): void {
    const now = this.deps.clock.now();
    const aside = this.file.moveAside(now);
    this.notice = {
      text: `${fault.message} It was moved to ${aside}, and a new one was begun.`,
      untilMs: now + dayMs,
    };
    this.damage = null;
    this.file.connect();
  }

  /** A database that does not know this watch: another daemon's, or a new one. */
  private takeOver(left: LeftOpen): void {
    this.incidents.adopt(left);
    this.runs.adopt(left);
    this.schedule(soonMs);
    if (left.lastSeenAt !== null && !left.wasEnded) {
      const reason = 'Not watched from here on: the monitor ended without a word.';
      this.enqueueHealth({
        at: left.lastSeenAt,
        was: null,
        health: 'unknown',
        layer: null,
        reason,
      });
    }
    if (this.isKnown && this.health !== undefined) {
      this.enqueueHealth(this.health);
    }
    for (const row of this.incidents.present) {
      this.enqueue(`incident ${row.incident_key}`, { table: 'incidents', row });
    }
    for (const row of this.runs.present) {
      this.enqueue(`run ${row.started_at} ${row.workspace}`, { table: 'runs', row });
    }
  }

  /** Does what may fail; a failure is told and tried again later. */
  private attempt(work: () => void): boolean {
    try {
      work();
      this.busyTries = 0;
      this.failure = null;
      this.retryAtMs = Number.NEGATIVE_INFINITY;
      this.tellProblem();
      return true;
    } catch (error) {
      if (!(error instanceof HistoryFault)) {
        throw error;
      }
      this.failed(error);
      return false;
    }
  }

  private failed(fault: HistoryFault): void {
    const isBusy = fault.kind === 'busy';
    this.busyTries = isBusy ? this.busyTries + 1 : 0;
    const isPatient = isBusy && this.busyTries < patientTries;
    if (!isPatient) {
      this.failure = fault.message;
    }
    if (!isBusy) {
      this.file.close();
    }
    this.damage = fault.kind === 'damaged' ? fault : this.damage;
    // A damage is mended by the next opening.
    const delayMs = isPatient || fault.kind === 'damaged' ? busyMs : retryMs;
    this.retryAtMs = this.deps.clock.monotonicMs() + delayMs;
    this.schedule(delayMs);
    this.tellProblem();
  }

  private tellProblem(): void {
    const { problem } = this;
    if (problem !== this.toldProblem && !this.isDisposed) {
      this.toldProblem = problem;
      this.deps.onProblem(problem);
    }
  }
}
