import type { Mode, Product } from '../ibkr/endpoint';
import type { Severity } from './finding';
import type {
  FarmStatus,
  Health,
  HelperStatus,
  PlannedStatus,
  RunnerState,
  RunnerWork,
  SessionStatus,
  SymbolStatus,
} from './status';

// What a dashboard shows, as it travels from the daemon to a page in a browser or in VS Code.
// Times in series are milliseconds since the epoch, all others ISO 8601.

/** Milliseconds since the epoch, and a value. */
export type Sample = readonly [atMs: number, value: number];

/** Something that is wrong now, as a person reads it. */
export interface DashboardProblem {
  readonly severity: Severity;
  readonly title: string;
  readonly message: string;
  /** The first thing to do; empty where there is nothing. */
  readonly remedy: string;
}

export interface DashboardRunner {
  readonly workspace: string;
  readonly state: RunnerState;
  readonly pid: number | null;
  readonly work: RunnerWork;
  /** How many of its symbols fail now, those that are not listed too. */
  readonly failing: number;
  readonly startedAt: string | null;
  readonly lastCycleAt: string | null;
  readonly lastFetchAt: string | null;
  readonly symbols: readonly SymbolStatus[];
  /** How many symbols it has beyond those listed. */
  readonly moreSymbols: number;
  readonly helpers: readonly HelperStatus[];
  readonly market: DashboardMarket;
}

export interface DashboardMarket {
  readonly state: 'open' | 'closed' | 'unknown';
  readonly until: string | null;
  readonly words: string;
}

/** The present state. */
export interface DashboardState {
  readonly host: string;
  readonly port: number;
  readonly product: Product | null;
  readonly mode: Mode | null;
  readonly health: Health;
  readonly since: string;
  readonly message: string;
  readonly session: Pick<
    SessionStatus,
    'state' | 'connectedAt' | 'lastAnswerAt' | 'roundTripMs' | 'connectionsOpened' | 'nextDialAt'
  >;
  readonly problems: readonly DashboardProblem[];
  readonly farms: readonly FarmStatus[];
  readonly planned: readonly PlannedStatus[];
  readonly runners: readonly DashboardRunner[];
  readonly monitor: { readonly version: string; readonly startedAt: string };
  /** Why something of the past is missing, in one sentence; null when all is there. */
  readonly historyProblem: string | null;
}

/** From here on the health was this one. */
export interface HealthChange {
  readonly at: string;
  readonly health: Health;
  readonly reason: string;
}

export interface DashboardIncident {
  /** The same one again is the same incident, further on. */
  readonly key: string;
  readonly severity: Severity;
  /** Whom it is about: a symbol, a workspace; null for the connection. */
  readonly subject: string | null;
  readonly title: string;
  readonly message: string;
  readonly since: string;
  /** Null while it is open. */
  readonly until: string | null;
}

export interface DashboardSignal {
  readonly at: string;
  readonly symbol: string;
  readonly signal: 'buy' | 'sell' | 'hold';
  readonly price: number | null;
  readonly reason: string;
}

export interface DashboardFill {
  readonly at: string;
  readonly symbol: string;
  readonly side: 'buy' | 'sell';
  readonly quantity: number;
  readonly price: number;
}

/** A finished pass of a runner over its symbols. */
export interface DashboardCycle {
  readonly at: string;
  readonly workspace: string;
  readonly durationMs: number | null;
}

/**
 * The past day, or what has been added to it. A series holds one value a slot of `slotMs`, so that
 * a sample with the time of the last one replaces it.
 */
export interface DashboardPart {
  readonly schema: 1;
  /** When this was true, by the daemon's clock. */
  readonly at: string;
  /** Nothing before is shown. */
  readonly from: string;
  /** Present in a snapshot, and where it has changed. */
  readonly state?: DashboardState;
  readonly health: readonly HealthChange[];
  readonly incidents: readonly DashboardIncident[];
  /** Server-time round trips in milliseconds, the longest of each slot. */
  readonly latency: readonly Sample[];
  /** The last price of each slot, by symbol. */
  readonly prices: Readonly<Record<string, readonly Sample[]>>;
  readonly signals: readonly DashboardSignal[];
  readonly fills: readonly DashboardFill[];
  /** What the account or paper book is worth, in dollars, by workspace. */
  readonly equity: Readonly<Record<string, readonly Sample[]>>;
  readonly cycles: readonly DashboardCycle[];
}

export type DashboardSnapshot = DashboardPart & { readonly state: DashboardState };

/** What a page is told: all there is first, then what is new. */
export type DashboardMessage =
  | { readonly type: 'snapshot'; readonly snapshot: DashboardSnapshot }
  | { readonly type: 'update'; readonly update: DashboardPart };
