import { isoTime } from '../core/clock';
import type { RunnerFact } from '../diagnostics/runnerFacts';
import type { RunnerStatus, StatusRecord } from '../diagnostics/status';
import { isDecided } from './incidentLedger';
import type { LeftOpen, RunRow, SignalRow } from './historyRows';

/** The longest line of output that is kept of a run, in characters. */
const keptLength = 300;

/** Arguments of a command that are kept. */
const keptArguments = 50;
/** The longest names of options are half as long. Characters. */
const maxSymbolLength = 40;

/** What a runner has said since its row was last made. */
interface Heard {
  readonly cycles: number;
  readonly lastCycleMs: number;
  readonly signalsLeftOut: number;
}

const nothingHeard: Heard = { cycles: 0, lastCycleMs: 0, signalsLeftOut: 0 };

/** Turns the states of runners, and what they say, into runs and signals. */
export class RunLedger {
  private readonly runs = new Map<string, RunRow>();
  private readonly heard = new Map<string, Heard>();
  /** Runs that an earlier daemon left open and that are not found again yet. */
  private readonly left = new Map<string, RunRow>();
  /** The last cycle of each that an earlier daemon has counted, milliseconds since the epoch. */
  private readonly countedUntilMs = new Map<string, number>();
  private lastSeenAt: string | null = null;

  /** @param redact takes what must not be kept out of a runner's words */
  constructor(private readonly redact: (text: string) => string) {}

  /** Takes over what an earlier daemon has left; the next states decide what becomes of it. */
  adopt({ runs, lastSeenAt }: Pick<LeftOpen, 'runs' | 'lastSeenAt'>): void {
    this.lastSeenAt = lastSeenAt;
    for (const row of runs) {
      this.left.set(row.workspace, row);
      if (row.last_cycle_at !== null) {
        this.countedUntilMs.set(row.workspace, Date.parse(row.last_cycle_at));
      }
    }
  }

  /** The rows of the newest run of every workspace. */
  get present(): readonly RunRow[] {
    return [...this.runs.values()];
  }

  /** Takes in what a runner said; the signals in it are rows of their own. */
  hear(workspace: string, facts: readonly RunnerFact[], nowMs: number): readonly SignalRow[] {
    const signals: SignalRow[] = [];
    for (const fact of facts) {
      const atMs = timeOf(fact, nowMs);
      if (fact.kind === 'cycle') {
        this.countCycle(workspace, atMs, fact.at !== undefined);
      } else if (fact.kind === 'signal') {
        const { symbol, signal, price } = fact;
        const name = symbol.slice(0, maxSymbolLength);
        signals.push({ at: isoTime(atMs), workspace, symbol: name, signal, price: price ?? null });
      }
    }
    return signals;
  }

  /** Counts signals that are not kept. */
  leaveOut(workspace: string, count: number): void {
    const before = this.heard.get(workspace) ?? nothingHeard;
    this.heard.set(workspace, { ...before, signalsLeftOut: before.signalsLeftOut + count });
  }

  /** Takes in a state; gives the rows that are new or have changed. */
  take(record: StatusRecord): readonly RunRow[] {
    const changed: RunRow[] = [];
    for (const runner of record.runner) {
      if (runner.startedAt !== null) {
        changed.push(...this.takeRunner(runner, runner.startedAt, record.timestamp));
      }
    }
    if (isDecided(record)) {
      for (const row of this.left.values()) {
        changed.push(unseen(row, this.lastSeenAt ?? record.timestamp));
      }
      this.left.clear();
    }
    return changed;
  }

  private takeRunner(runner: RunnerStatus, startedAt: string, now: string): readonly RunRow[] {
    const { workspace } = runner;
    const known = this.runs.get(workspace);
    const left = this.left.get(workspace);
    const before = [known, left].find((row) => row?.started_at === startedAt);
    if (known !== undefined && before === known && known.ended_at !== null) {
      return [];
    }
    const row = this.withHeard(before ?? begun(runner, startedAt, this.redact), runner);
    this.runs.set(workspace, row);
    if (left !== undefined && left === before) {
      this.left.delete(workspace);
    }
    const isReplaced = known !== undefined && before !== known && known.ended_at === null;
    return [
      ...(isReplaced ? [unseen(known, now)] : []),
      ...(before === undefined || !isEqual(before, row) ? [row] : []),
    ];
  }

  private withHeard(row: RunRow, runner: RunnerStatus): RunRow {
    const { cycles, lastCycleMs, signalsLeftOut } = this.heard.get(row.workspace) ?? nothingHeard;
    this.heard.delete(row.workspace);
    const { exit } = runner;
    return {
      ...row,
      pid: runner.pid ?? row.pid,
      cycles: row.cycles + cycles,
      last_cycle_at: cycles === 0 ? row.last_cycle_at : isoTime(lastCycleMs),
      signals_left_out: row.signals_left_out + signalsLeftOut,
      ...(runner.state === 'exited' && exit !== null
        ? {
            ended_at: exit.at,
            how: exit.how,
            exit_code: exit.code,
            exit_signal: exit.signal,
            last_lines: JSON.stringify(exit.lastLines.map((line) => kept(line, this.redact))),
          }
        : {}),
    };
  }

  /** A daemon that takes over after a kill reads some seconds of output again. */
  private countCycle(workspace: string, atMs: number, isStated: boolean): void {
    const before = this.heard.get(workspace) ?? nothingHeard;
    if (isStated && atMs <= (this.countedUntilMs.get(workspace) ?? 0)) {
      return;
    }
    this.heard.set(workspace, {
      ...before,
      cycles: before.cycles + 1,
      lastCycleMs: Math.max(before.lastCycleMs, atMs),
    });
  }
}

/** Redacted before it is cut: half a secret is not known as one. */
function kept(text: string, redact: (text: string) => string): string {
  const redacted = redact(text);
  return redacted.length <= keptLength ? redacted : `${redacted.slice(0, keptLength - 1)}…`;
}

/** A fact's own time where it has a credible one. */
function timeOf(fact: RunnerFact, nowMs: number): number {
  const stated = fact.at === undefined ? Number.NaN : Date.parse(fact.at);
  return stated <= nowMs ? stated : nowMs;
}

function begun(runner: RunnerStatus, startedAt: string, redact: (text: string) => string): RunRow {
  return {
    workspace: runner.workspace,
    started_at: startedAt,
    pid: runner.pid,
    command: JSON.stringify(
      runner.command.slice(0, keptArguments).map((part) => kept(part, redact)),
    ),
    symbols: JSON.stringify(runner.symbols),
    bypass_reason: runner.bypassReason === null ? null : kept(runner.bypassReason, redact),
    cycles: 0,
    last_cycle_at: null,
    signals_left_out: 0,
    ended_at: null,
    how: null,
    exit_code: null,
    exit_signal: null,
    last_lines: null,
  };
}

function unseen(row: RunRow, at: string): RunRow {
  return { ...row, ended_at: at, how: 'unseen' };
}

function isEqual(one: RunRow, other: RunRow): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
