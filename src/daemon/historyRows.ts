import type { CauseId } from '../diagnostics/causeIds';
import type { Layer, Severity, Subject } from '../diagnostics/finding';
import type { ExitEvidence, Health } from '../diagnostics/status';

// The rows of `robo.db`, column by column. Times are ISO 8601 in UTC, as in every record; JSON is
// text. Types, not interfaces: a row is bound to a statement as it is.

/** The newest schema that this version writes and reads (`PRAGMA user_version`). */
export const schemaVersion = 1;

/** One daemon's watch: between two of them nobody looked. */
export type WatchRow = Readonly<{
  pid: number;
  version: string;
  started_at: string;
  /** At most half a minute before its end, however it ended. */
  last_seen_at: string;
  /** Null while it lasts, and for ever where the daemon was killed. */
  ended_at: string | null;
  why: string | null;
}>;

/** A change of the endpoint's health, with its reason in one sentence. */
export type HealthRow = Readonly<{
  at: string;
  was: Health | null;
  health: Health;
  layer: Layer | null;
  reason: string;
}>;

/** One subject's trouble from its begin to its end, whatever its diagnosis became meanwhile. */
export type IncidentRow = Readonly<{
  /** Subject and begin: the same in every row about this incident. */
  incident_key: string;
  subject_kind: Subject['kind'];
  subject_name: string | null;
  severity: Severity;
  /** The best cause, and its layer; null until a diagnosis was there. */
  cause: CauseId | null;
  layer: Layer | null;
  message: string;
  since: string;
  /** Null while it is open; the last time that it was seen where nobody saw it end. */
  until: string | null;
  ending: 'seen' | 'not seen' | null;
  duration_ms: number | null;
  /** How much of it nobody watched, because no daemon ran. */
  unwatched_ms: number;
  /** When the alert file was raised for it. */
  notified_at: string | null;
  /** JSON: the findings of its last diagnosis, shortened. */
  findings: string;
}>;

/** One run of a workspace's runner. */
export type RunRow = Readonly<{
  workspace: string;
  started_at: string;
  pid: number | null;
  /** JSON arrays. */
  command: string;
  symbols: string;
  bypass_reason: string | null;
  cycles: number;
  last_cycle_at: string | null;
  /** Signals that came faster than they could be written. */
  signals_left_out: number;
  ended_at: string | null;
  how: ExitEvidence['how'] | null;
  exit_code: number | null;
  exit_signal: string | null;
  /** JSON array, without accounts, secrets and names; null while it runs. */
  last_lines: string | null;
}>;

/** What a runner decided. */
export type SignalRow = Readonly<{
  at: string;
  workspace: string;
  symbol: string;
  signal: 'buy' | 'sell' | 'hold';
  price: number | null;
}>;

/** A row on its way into its table. */
export type TableRow =
  | { readonly table: 'watches'; readonly row: WatchRow }
  | { readonly table: 'health'; readonly row: HealthRow }
  | { readonly table: 'incidents'; readonly row: IncidentRow }
  | { readonly table: 'runs'; readonly row: RunRow }
  | { readonly table: 'signals'; readonly row: SignalRow };

/** What an earlier daemon has left open. */
export interface LeftOpen {
  /** When that daemon last wrote; null where there was none. */
  readonly lastSeenAt: string | null;
  /** False where it was killed. */
  readonly wasEnded: boolean;
  readonly incidents: readonly IncidentRow[];
  readonly runs: readonly RunRow[];
}
