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
  /** First, last and number of the signals since the last success that had a price of zero: no data. */
  readonly emptySinceMs: number | null;
  readonly lastEmptyMs: number | null;
  readonly empties: number;
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
  /** Since when it is listened to, milliseconds since the epoch; 0: since its start. */
  readonly heardSinceMs: number;
  readonly symbols: ReadonlyMap<string, SymbolSays>;
  readonly lastCycleMs: number | null;
  /** What the last cycle said of the next one, and of itself; null where it did not. */
  readonly nextInMs: number | null;
  readonly durationMs: number | null;
  /** The times between the last cycles, oldest first. */
  readonly cycleGapsMs: readonly number[];
  /** When it last came to a symbol that is new in its present cycle. */
  readonly lastProgressMs: number | null;
  readonly lastFetchMs: number | null;
  readonly lastWordMs: number | null;
  /** It said that it sleeps until then; 0 where its last cycle is newer. */
  readonly quietUntilMs: number;
  /** Connections that it has opened since it last worked. */
  readonly reconnects: number;
  /** It has had a ready API connection since its start. */
  readonly wasConnected: boolean;
  readonly troubles: ReadonlyMap<string, OpenTrouble>;
  readonly hasErredInCycle: boolean;
}

/** Stands behind the last line of a run, so that what spans lines is whole; it says nothing itself. */
export const endMark = '[robo: the runner has ended]';

/** Nothing has been said yet. */
export function saysNothing(configured: readonly string[], heardSinceMs = 0): Says {
  return {
    configured,
    heardSinceMs,
    symbols: new Map(),
    lastCycleMs: null,
    nextInMs: null,
    durationMs: null,
    cycleGapsMs: [],
    lastProgressMs: null,
    lastFetchMs: null,
    lastWordMs: null,
    quietUntilMs: 0,
    reconnects: 0,
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
      emptySinceMs: null,
      lastEmptyMs: null,
      empties: 0,
    }
  );
}

/** True when the failure was silence, not an answer. */
export function isTimeout(symbol: Pick<SymbolSays, 'errorClass' | 'text'>): boolean {
  return /time(d\s?)?-?\s?out/i.test(`${symbol.errorClass} ${symbol.text}`);
}

/** True when it was answered that there is no data, which is no fault while the market is closed. */
export function isNoData({ errorClass, text }: Pick<SymbolSays, 'errorClass' | 'text'>): boolean {
  return /\bno ?data\b/i.test(`${errorClass} ${text}`);
}
