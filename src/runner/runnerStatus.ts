import { isoTime } from '../core/clock';
import type { ExitEvidence, RunnerState, RunnerStatus } from '../diagnostics/status';
import { runnerFindings } from './runnerFindings';
import type { RunnerKnowledge } from './runnerKnowledge';
import type { RunnerExit } from './runnerState';
import { saysSymbols, saysWork, timeOrNull } from './says';

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
    work: isAlive ? saysWork(says, known.now, known.market) : 'unknown',
    lastCycleAt: timeOrNull(says.lastCycleMs),
    lastFetchAt: timeOrNull(says.lastFetchMs),
    symbolStatus: saysSymbols(says),
    bypassReason: known.run.bypassReason,
    exit,
    findings: runnerFindings(known, exit),
  };
}

function exitEvidence(exit: RunnerExit, lastLines: readonly string[]): ExitEvidence {
  const { atMs, code, signal, how } = exit;
  return { at: isoTime(atMs), code, signal, how, lastLines };
}
