import type { RunnerFact } from '../runnerFacts';
import { gatewayImagePatterns } from './gatewayImages';
import { GatewayStart } from './gatewayStart';
import { ibAutomaterPatterns } from './ibAutomater';
import { ibcPatterns } from './ibc';
import type { LinePattern } from './reader';
import { createSocketTablePatterns } from './socketTables';
import { twsLogPatterns } from './twsLogs';

/** Patterns that remember earlier lines: each text needs a set of its own. */
export interface RememberingPatterns {
  /** `has` and `pattern` are the same in every set, in the same order. */
  readonly patterns: readonly LinePattern[];
  /** What the end of the text leaves open. */
  readonly end: () => readonly RunnerFact[];
}

/**
 * Lines of TWS, IB Gateway, their keepers and forwarders, and rows of socket tables.
 * @param isApiPort tells of a port beside the usual ones that the text has named
 */
export function createGatewayPatterns(isApiPort?: (port: number) => boolean): RememberingPatterns {
  const start = new GatewayStart();
  return {
    patterns: [
      ...ibcPatterns(start),
      ...ibAutomaterPatterns,
      ...gatewayImagePatterns(start),
      ...twsLogPatterns,
      ...createSocketTablePatterns(isApiPort),
    ],
    end: () => start.end(),
  };
}
