import type { Mode, Product } from '../ibkr/endpoint';
import type { Finding, Layer } from './finding';

/** Derived from events, never stored by itself. */
export type Health = 'unknown' | 'connecting' | 'healthy' | 'degraded' | 'down' | 'expected';

/** The kept session as others see it. Absent values are null, so that every key always exists. */
export interface SessionStatus {
  readonly state: 'idle' | 'waiting' | 'dialling' | 'held' | 'ready';
  readonly host: string;
  readonly port: number;
  readonly clientId: number;
  readonly product: Product | null;
  readonly mode: Mode | null;
  readonly serverVersion: number | null;
  /** Account ids, shortened: enough to recognise one's own, not enough to use. */
  readonly accounts: readonly string[];
  /** When the TCP connection that is open now was opened. */
  readonly connectedAt: string | null;
  /** When TWS last answered a server-time request. */
  readonly lastAnswerAt: string | null;
  readonly roundTripMs: number | null;
  /** TCP connections that this daemon has opened since it started. */
  readonly connectionsOpened: number;
  /** When the next dial is due, if one is planned. */
  readonly nextDialAt: string | null;
}

export type RunnerState = 'starting' | 'running' | 'stopping' | 'exited' | 'external';

/** What the runner's own words say about its work. */
export type RunnerWork = 'unknown' | 'working' | 'failing' | 'silent';

export interface SymbolStatus {
  readonly symbol: string;
  readonly lastFetchAt: string | null;
  readonly lastFailureAt: string | null;
  /** Failures since the last success. */
  readonly failures: number;
  readonly price: number | null;
  readonly signal: string | null;
}

/** How a runner ended. */
export interface ExitEvidence {
  readonly at: string;
  readonly code: number | null;
  readonly signal: string | null;
  /** `asked` = stopped on request; `unseen` = gone while nobody watched. */
  readonly how: 'asked' | 'by itself' | 'unseen';
  readonly lastLines: readonly string[];
}

/** One workspace's runner. */
export interface RunnerStatus {
  readonly workspace: string;
  readonly state: RunnerState;
  readonly pid: number | null;
  readonly command: readonly string[];
  readonly symbols: readonly string[];
  readonly startedAt: string | null;
  readonly logFile: string;
  readonly work: RunnerWork;
  readonly lastCycleAt: string | null;
  readonly lastFetchAt: string | null;
  readonly symbolStatus: readonly SymbolStatus[];
  readonly bypassReason: string | null;
  readonly exit: ExitEvidence | null;
  readonly findings: readonly Finding[];
}

/**
 * `ibkr_monitor_status.json`, schema 1, and the answer to `status`. The first six keys
 * are those that the trader's scripts already read.
 */
export interface StatusRecord {
  readonly timestamp: string;
  readonly connected: boolean;
  readonly port: number;
  readonly consecutive_failures: number;
  /** Null until there was one. */
  readonly last_good_connection: string | null;
  readonly message: string;
  readonly schema: 1;
  readonly health: Health;
  readonly since: string;
  /** The last layer that was reached. */
  readonly layer: Layer | null;
  readonly findings: readonly Finding[];
  readonly session: SessionStatus;
  readonly runner: readonly RunnerStatus[];
  readonly monitor: {
    readonly pid: number;
    readonly version: string;
    readonly startedAt: string;
    /** Why the records could not be written, if they could not. */
    readonly recordsProblem: string | null;
  };
}
