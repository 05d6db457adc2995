import { isoTime } from '../core/clock';
import { catalogue } from '../diagnostics/catalogue';
import type { CauseId } from '../diagnostics/causeIds';
import type { Finding, Severity } from '../diagnostics/finding';
import type { ExitEvidence, RunnerState, RunnerStatus } from '../diagnostics/status';
import type { RunnerExit, RunnerPhase } from './runnerState';
import { saysFindings, saysSymbols, saysWork, timeOrNull } from './says';
import type { Says } from './saysState';

/** All that a supervisor knows, from which the status is derived. */
export interface RunnerKnowledge {
  readonly workspace: string;
  readonly logFile: string;
  readonly phase: Exclude<RunnerPhase, { name: 'none' }>;
  readonly run: {
    readonly command: readonly string[];
    readonly symbols: readonly string[];
    readonly bypassReason: string | null;
  };
  readonly says: Says;
  readonly lastLines: readonly string[];
  readonly recordsProblem: string | null;
  /** It has ended, and its last lines are still being read. */
  readonly hasMoreToSay: boolean;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

const states: Record<RunnerKnowledge['phase']['name'], RunnerState> = {
  starting: 'starting',
  running: 'running',
  stopping: 'stopping',
  exited: 'exited',
  failed: 'exited',
};

/** The runner as others see it. */
export function runnerStatus(known: RunnerKnowledge): RunnerStatus {
  const { phase, says } = known;
  const process = 'process' in phase ? phase.process : null;
  const exit = phase.name === 'exited' ? exitEvidence(phase.exit, known.lastLines) : null;
  const isAlive = phase.name === 'running' || phase.name === 'stopping';
  return {
    workspace: known.workspace,
    // Whoever waits for the end may leave at once, and would miss the last lines.
    state: known.hasMoreToSay ? 'stopping' : states[phase.name],
    pid: isAlive ? phase.process.pid : null,
    command: known.run.command,
    symbols: known.run.symbols,
    startedAt: process === null ? null : isoTime(process.startedAtMs),
    logFile: known.logFile,
    work: isAlive ? saysWork(says, known.now) : 'unknown',
    lastCycleAt: timeOrNull(says.lastCycleMs),
    lastFetchAt: timeOrNull(says.lastFetchMs),
    symbolStatus: saysSymbols(says),
    bypassReason: known.run.bypassReason,
    exit,
    findings: findings(known, exit),
  };
}

function exitEvidence(exit: RunnerExit, lastLines: readonly string[]): ExitEvidence {
  const { atMs, code, signal, how } = exit;
  return { at: isoTime(atMs), code, signal, how, lastLines };
}

function findings(known: RunnerKnowledge, exit: ExitEvidence | null): readonly Finding[] {
  const { phase } = known;
  if (phase.name === 'failed') {
    return [phase.finding];
  }
  // What a runner said before it was stopped is history; before it fell, it is the reason.
  const spoken = exit?.how === 'asked' ? [] : saysFindings(known.says);
  const own = exit === null ? [] : exitFindings(known.workspace, exit);
  const records =
    known.recordsProblem === null
      ? []
      : [runnerFinding(known, 'records_unwritable', 'warning', known.recordsProblem)];
  return [...own, ...records, ...spoken];
}

function exitFindings(workspace: string, exit: ExitEvidence): readonly Finding[] {
  if (exit.how === 'asked') {
    return [];
  }
  const last = exit.lastLines.at(-1);
  const said = last === undefined ? 'It printed nothing.' : `Its last line: ${last}`;
  const how =
    exit.how === 'unseen'
      ? 'The runner has ended while nobody watched; how is unknown.'
      : exit.signal === null
        ? `The runner has ended by itself with exit code ${exit.code ?? 'unknown'}.`
        : `The runner was ended by ${exit.signal}, which Robo did not send.`;
  const severity: Severity = exit.how === 'unseen' ? 'warning' : exit.code === 0 ? 'info' : 'error';
  const evidence = exit.lastLines.slice(-3).map((text) => ({
    kind: 'exit' as const,
    source: 'runner.log',
    at: exit.at,
    text,
  }));
  const message = `${how} ${said}`;
  const finding = runnerFinding(
    { workspace, now: Date.parse(exit.at) },
    'runner_exited',
    severity,
    message,
  );
  return [{ ...finding, evidence }];
}

function runnerFinding(
  known: Pick<RunnerKnowledge, 'workspace' | 'now'>,
  id: CauseId,
  severity: Severity,
  message: string,
): Finding {
  const at = isoTime(known.now);
  return {
    subject: { kind: 'runner', name: known.workspace },
    severity,
    causes: [{ id, confidence: 1, why: 'Seen by the supervisor itself.' }],
    message,
    evidence: [],
    remedy: catalogue[id].remedy,
    guide: id,
    firstAt: at,
    lastAt: at,
    count: 1,
  };
}
