import type { MarketState } from '../ibkr/marketState';
import type { Fall } from './crashLoop';
import type { RunnerPhase } from './runnerState';
import type { Says } from './saysState';
import type { SourceFile } from './sourceAge';

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
  /** When it last printed anything, understood or not; null while it has not. */
  readonly lastLineMs: number | null;
  /** Source that is newer than the running program. */
  readonly newerSource: SourceFile | null;
  /** Earlier runs and this one that ended by themselves soon after their start. */
  readonly falls: readonly Fall[];
  readonly platform: NodeJS.Platform;
  readonly recordsProblem: string | null;
  /** It has ended, and its last lines are still being read. */
  readonly hasMoreToSay: boolean;
  /** The market of its symbols, now. */
  readonly market: MarketState;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Somebody else has started it; Robo only watches. */
  readonly isExternal?: boolean;
}
