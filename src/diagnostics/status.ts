import type { Mode, Product } from '../ibkr/endpoint';
import type { FarmState } from '../ibkr/messageCodes';
import type { CauseId } from './causeIds';
import type { Finding, Layer, Severity, Subject } from './finding';

/** Derived from events, never stored by itself. */
export type Health = 'unknown' | 'connecting' | 'healthy' | 'degraded' | 'down' | 'expected';

/** What TWS has said of one of its data farms. */
export interface FarmStatus {
  /** Its name; its kind where TWS named none. */
  readonly name: string;
  readonly kind: FarmState['kind'];
  /** An inactive one is no fault: it connects on demand. */
  readonly state: FarmState['state'];
}

/** Something that is going to happen and needs a person: information, not a fault. */
export interface PlannedStatus {
  readonly kind: 'weekly login' | 'forced upgrade';
  readonly at: string;
  readonly words: string;
}

/** The next planned interruption of TWS or IBKR that is known. */
export interface WindowStatus {
  readonly name: string;
  readonly from: string;
  readonly until: string;
}

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
  /** Absent in what an earlier version wrote, as `movedTo`. */
  readonly farms?: readonly FarmStatus[];
  /** The port at which TWS is watched since it has moved (1300); null at its own. */
  readonly movedTo?: number | null;
}

export type RunnerState = 'starting' | 'running' | 'stopping' | 'exited' | 'external';

/**
 * What the runner's own words say about its work. `idle`: it rests while its market is closed;
 * `stalled`: it has worked and goes on no more; `silent`: it says nothing that we understand.
 */
export type RunnerWork = 'unknown' | 'working' | 'failing' | 'silent' | 'idle' | 'stalled';

/** Whether a runner that ended by itself is started again. */
export interface RestartStatus {
  readonly isAutomatic: boolean;
  /** Why, and what was decided at the last end, in one sentence. */
  readonly why: string;
  /** When the next start is due; null where none is. */
  readonly nextAt: string | null;
  /** Automatic starts within the present window of the budget. */
  readonly restarts: number;
  /** Nothing more is tried until a person starts it. */
  readonly isPersonCalled: boolean;
}

/** A program that was started with the runner. */
export interface HelperStatus {
  readonly name: string;
  readonly state: 'running' | 'exited' | 'failed';
  readonly pid: number | null;
  readonly port: number | null;
  /** Why it does not run; null while it does. */
  readonly why: string | null;
}

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
  /** When it last finished a cycle. Absent in what an earlier version wrote, as `cause`. */
  readonly lastCycleAt?: string | null;
  /** The likeliest cause of its end by the catalogue; null where it was asked to end. */
  readonly cause?: CauseId | null;
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
  /** Absent in what an earlier version wrote, as `helpers` and `warnings`; and for `external`. */
  readonly restart?: RestartStatus;
  /** Of one that was started elsewhere: the pid that is watched, also after its end. */
  readonly watchedPid?: number;
  /** When it last printed anything, understood or not. Absent in what an earlier version wrote. */
  readonly lastLineAt?: string | null;
  readonly helpers?: readonly HelperStatus[];
  /** What the trader should know before relying on it: this system ends everything at logout. */
  readonly warnings?: readonly string[];
}

/** A workspace in which something runs more than once. */
export interface DuplicatesStatus {
  readonly workspace: string;
  /** Pids of the runners that trade side by side, the rightful one first. */
  readonly runners: readonly number[];
  /** Pids of helpers that are too many. */
  readonly helpers: readonly number[];
}

/** One subject's open trouble, from its first error until it healed (law 11). */
export interface IncidentStatus {
  /** Subject and begin; the same in `robo.db`, in every window and after a restart. */
  readonly key: string;
  readonly subject: Subject;
  readonly severity: Severity;
  /** Null until a diagnosis was there. */
  readonly cause: CauseId | null;
  readonly layer: Layer | null;
  readonly message: string;
  readonly since: string;
  /** When it was last told, also because it grew worse; null while it is new or withheld. */
  readonly toldAt: string | null;
  /** Acknowledged, it raises nothing again until it ends or grows worse. */
  readonly acknowledgedAt: string | null;
}

/** How alerts are to be raised now. */
export interface AlertsStatus {
  /** Nobody is disturbed before; null where nobody asked for quiet. */
  readonly quietUntil: string | null;
  /** Why the command or the heartbeat fails or the state cannot be kept, in one sentence. */
  readonly problem: string | null;
}

/** What recovery can do; in capitals the commands of IBC. */
export type RecoveryStep =
  | 'hold'
  | 'dial'
  | 'clientId'
  | 'ENABLEAPI'
  | 'RECONNECTDATA'
  | 'RECONNECTACCOUNT'
  | 'RESTART'
  /** A person was called; nothing more is tried until the evidence changes. */
  | 'call';

/** Something that was tried, or left undone with its reason, in the present or last trouble. */
export interface RecoveryAttempt {
  readonly step: RecoveryStep;
  readonly at: string;
  /** What spoke for it. */
  readonly evidence: string;
  readonly outcome: string;
}

/** The server for dashboards and other programs (docs/feed.md). */
export interface FeedStatus {
  /** On 127.0.0.1; null while it could not be opened. */
  readonly port: number | null;
  /** Why it could not be opened, in one sentence. */
  readonly problem: string | null;
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
  /** Open incidents, oldest first. Absent in the records of versions without it. */
  readonly incidents?: readonly IncidentStatus[];
  /** Absent like `incidents`. */
  readonly alerts?: AlertsStatus;
  /** Oldest first; absent in the records of versions without it. */
  readonly recovery?: readonly RecoveryAttempt[];
  readonly session: SessionStatus;
  readonly runner: readonly RunnerStatus[];
  /** Absent in the records of versions without it. */
  readonly duplicates?: readonly DuplicatesStatus[];
  readonly monitor: {
    readonly pid: number;
    readonly version: string;
    readonly startedAt: string;
    /** Why the records could not be written, if they could not. */
    readonly recordsProblem: string | null;
  };
  /**
   * When an `expected` loss becomes an outage; null for every other health. Absent in what an
   * earlier version wrote, as `planned`.
   */
  readonly until?: string | null;
  /** The soonest first. */
  readonly planned?: readonly PlannedStatus[];
  /** Within a day; null where none is known. Absent in what an earlier version wrote. */
  readonly nextWindow?: WindowStatus | null;
  /** Null while it is off; absent in what an earlier version wrote. */
  readonly feed?: FeedStatus | null;
}
