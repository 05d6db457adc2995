import { isoTime } from '../core/clock';
import type { ExitEvidence, RunnerState, RunnerStatus } from '../diagnostics/status';
import { causesOfEnd, type Exited, runnerFindings } from './runnerFindings';
import type { RunnerKnowledge } from './runnerKnowledge';
import { saysSymbols, saysWork, seenBy, timeOrNull } from './says';

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
  // Its last lines are part of the evidence: before they are read nothing is said of its end.
  const isOver = phase.name === 'exited' && !known.hasMoreToSay;
  const exit = isOver ? exitEvidence(known, phase) : null;
  const isAlive = phase.name === 'running' || phase.name === 'stopping';
  return {
    workspace: known.workspace,
    // Whoever waits for the end may leave at once, and would miss the last lines.
    state: known.hasMoreToSay ? 'stopping' : stateOf(known),
    pid: isAlive ? phase.process.pid : null,
    command: known.run.command,
    symbols: known.run.symbols,
    startedAt: process === null ? null : isoTime(process.startedAtMs),
    logFile: known.logFile,
    work: isAlive ? saysWork(says, known.now, known.market, heardSince(known)) : 'unknown',
    lastLineAt: timeOrNull(known.lastLineMs),
    lastCycleAt: timeOrNull(says.lastCycleMs),
    lastFetchAt: timeOrNull(says.lastFetchMs),
    symbolStatus: saysSymbols(seenBy(says, known.market)),
    bypassReason: known.run.bypassReason,
    exit,
    findings: runnerFindings(known, exit),
  };
}

/** Who took it over does not know what it has said before: it may have been understood. */
function heardSince({ phase, says, now }: RunnerKnowledge): number {
  const isFromStart = 'process' in phase && phase.process.isOurChild;
  return isFromStart
    ? phase.process.startedAtMs
    : says.heardSinceMs === 0
      ? now
      : says.heardSinceMs;
}

function stateOf({ phase, isExternal }: RunnerKnowledge): RunnerState {
  return isExternal === true && phase.name === 'running' ? 'external' : states[phase.name];
}

function exitEvidence(known: RunnerKnowledge, phase: Exited): ExitEvidence {
  const { atMs, code, signal, how } = phase.exit;
  const { lastLines, says } = known;
  const exit = { at: isoTime(atMs), code, signal, how, lastLines };
  const cause = how === 'asked' ? null : causesOfEnd(known, phase, exit).causes[0].id;
  return { ...exit, lastCycleAt: timeOrNull(says.lastCycleMs), cause };
}
