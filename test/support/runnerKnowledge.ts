import type { RunnerFact } from '../../src/diagnostics/runnerFacts';
import type { RunnerKnowledge } from '../../src/runner/runnerKnowledge';
import type { RunnerExit, RunnerProcess } from '../../src/runner/runnerState';
import { marketState } from '../../src/ibkr/marketState';
import { hear } from '../../src/runner/says';
import { type Says, saysNothing } from '../../src/runner/saysState';

/** When the runner of these tests was started. */
export const startedAtMs = Date.parse('2026-11-20T15:00:00Z');

/** `python3 -m robo_trader.runner_async`, asked for as such. */
export const traderArgv = ['python3', '-m', 'robo_trader.runner_async'];

function processOf(argv: readonly string[]): RunnerProcess {
  return { pid: 4711, startToken: 'b:1', argv, startedAtMs, isOurChild: true };
}

/** A runner that lives, ten minutes old, and has said nothing. */
export function living(change: Partial<RunnerKnowledge> = {}): RunnerKnowledge {
  return {
    workspace: '/ws',
    logFile: '/state/runner.log',
    phase: { name: 'running', process: processOf(traderArgv) },
    run: { command: traderArgv, symbols: ['AAPL', 'NVDA'], bypassReason: null },
    says: saysNothing(['AAPL', 'NVDA']),
    lastLines: [],
    lastLineMs: null,
    newerSource: null,
    falls: [],
    platform: 'linux',
    recordsProblem: null,
    hasMoreToSay: false,
    market: marketState(startedAtMs, undefined),
    now: startedAtMs + 600_000,
    ...change,
  };
}

/** One that has ended by itself, five seconds after its start. */
export function fallen(
  exit: Partial<RunnerExit>,
  { argv = traderArgv, ...change }: Partial<RunnerKnowledge> & { argv?: readonly string[] } = {},
): RunnerKnowledge {
  const end: RunnerExit = {
    atMs: startedAtMs + 5000,
    code: null,
    signal: null,
    how: 'by itself',
    ...exit,
  };
  return living({
    phase: { name: 'exited', process: processOf(argv), exit: end },
    run: { command: argv, symbols: [], bypassReason: null },
    ...change,
  });
}

/** What was said, one fact a second after the start. */
export function said(...facts: readonly RunnerFact[]): Says {
  return facts.reduce(
    (says, fact, index) => hear(says, fact, startedAtMs + index * 1000),
    saysNothing(['AAPL', 'NVDA']),
  );
}
