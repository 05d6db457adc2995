import type { RunnerFact, SourcePlace } from '../diagnostics/runnerFacts';

/** What is known about one symbol from the runner's own words. Times are epoch milliseconds. */
export interface SymbolSays {
  readonly symbol: string;
  readonly lastFetchMs: number | null;
  readonly lastFailureMs: number | null;
  /** First and number of the failures since the last success. */
  readonly failingSinceMs: number | null;
  readonly failures: number;
  readonly errorClass: string;
  readonly text: string;
  /** The message code of TWS that the last failure came with. */
  readonly code: number | null;
  readonly source: SourcePlace | null;
  readonly price: number | null;
  readonly signal: string | null;
}

/** Something that stays open until better news comes: same key, one finding with a count. */
export interface OpenTrouble {
  readonly fact: Extract<
    RunnerFact,
    { kind: 'sign' | 'error' | 'tws message' | 'connection failed' | 'connection lost' }
  >;
  readonly firstMs: number;
  readonly lastMs: number;
  readonly count: number;
}

/** Everything that the runner has said, folded. */
export interface Says {
  /** The symbols that it was started with; empty where nobody knows. */
  readonly configured: readonly string[];
  readonly symbols: ReadonlyMap<string, SymbolSays>;
  readonly lastCycleMs: number | null;
  readonly lastFetchMs: number | null;
  readonly lastWordMs: number | null;
  /** It said that it sleeps until then. */
  readonly quietUntilMs: number;
  /** It has had a ready API connection since its start. */
  readonly wasConnected: boolean;
  readonly troubles: ReadonlyMap<string, OpenTrouble>;
  readonly hasErredInCycle: boolean;
}

/** Nothing has been said yet. */
export function saysNothing(configured: readonly string[]): Says {
  return {
    configured,
    symbols: new Map(),
    lastCycleMs: null,
    lastFetchMs: null,
    lastWordMs: null,
    quietUntilMs: 0,
    wasConnected: false,
    troubles: new Map(),
    hasErredInCycle: false,
  };
}

/** What is known about `symbol`; all null while nothing is. */
export function symbolSays(says: Says, symbol: string): SymbolSays {
  return (
    says.symbols.get(symbol) ?? {
      symbol,
      lastFetchMs: null,
      lastFailureMs: null,
      failingSinceMs: null,
      failures: 0,
      errorClass: '',
      text: '',
      code: null,
      source: null,
      price: null,
      signal: null,
    }
  );
}

/** True when the failure was silence, not an answer. */
export function isTimeout(symbol: Pick<SymbolSays, 'errorClass' | 'text'>): boolean {
  return /time(d\s?)?-?\s?out/i.test(`${symbol.errorClass} ${symbol.text}`);
}
