import {
  NotificationType,
  ParameterStructures,
  RequestType,
  RequestType0,
} from 'vscode-jsonrpc/node';
import type { DashboardMessage } from '../diagnostics/dashboard';
import type { Finding } from '../diagnostics/finding';
import type { IncidentStatus, RunnerStatus, StatusRecord } from '../diagnostics/status';
import type { KillOutcome, StopWay } from '../host/endProcess';
import type { Mode } from '../ibkr/endpoint';
import type { LayerResult, PreflightReport } from '../preflight/report';
import type { ListedProcess } from '../runner/listedProcess';
import type { HelperCommand } from '../runner/helperCommand';
import type { AlertSettings, AlertSource, SettingsBySource } from './alertSettings';
import type { WatchSettings, WatchSettingsBySource } from './watchSettings';

/** Raised when a message changes in a way that an older side cannot read. */
export const protocolVersion = 1;

/** The first message each way. A daemon that speaks another protocol says so and nothing else. */
export interface Hello {
  readonly protocol: number;
  readonly version: string;
  readonly pid: number;
  readonly kind: 'window' | 'cli' | 'daemon';
  /** A daemon that stays without clients and runner (`robo monitor`, a service of the system). */
  readonly isService?: boolean;
}

export interface TestParams {
  /** Names the progress notifications of this test. */
  readonly token: string;
  /** Symbols for the data layer; empty leaves it out only with `withData: false`. */
  readonly symbols: readonly string[];
  readonly withData: boolean;
  /** The mode that the caller believes it is in; another one fails the account layer. */
  readonly mode?: Mode;
  /** How long the whole test may wait for TWS, in milliseconds. */
  readonly timeoutMs: number;
}

export interface TestProgress {
  readonly token: string;
  readonly layer: LayerResult;
}

export interface StartRunnerParams {
  readonly token: string;
  /** Absolute path of the folder that the runner belongs to: one runner per workspace. */
  readonly workspace: string;
  /** Argument array; never seen by a shell. Empty means the built-in runner. */
  readonly command: readonly string[];
  readonly workingDirectory: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly symbols: readonly string[];
  readonly mode?: Mode;
  /** Ends a runner of this workspace that we supervise, then starts; the gate comes first. */
  readonly restart: boolean;
  /** When a gate that is still waiting refuses, in milliseconds; 15,000 where it is left out. */
  readonly refuseAfterMs?: number;
  /** Why the gate is to be passed over once; ten characters or more. */
  readonly bypassReason?: string;
  /** Whether it is started again when it ends by itself; by default on for paper, off for live. */
  readonly restartsByItself?: boolean;
  readonly helpers?: readonly HelperCommand[];
}

/** The gate's early word, 3 s after the start, while it goes on waiting. */
export interface GateEarlyWord {
  readonly token: string;
  readonly finding: Finding;
}

export type StartRunnerResult =
  | { readonly outcome: 'started'; readonly pid: number; readonly report: PreflightReport | null }
  | { readonly outcome: 'refused'; readonly report: PreflightReport }
  | { readonly outcome: 'already running'; readonly pid: number }
  | { readonly outcome: 'failed'; readonly finding: Finding };

export interface StopRunnerParams {
  readonly workspace: string;
}

export interface StopRunnerResult {
  readonly outcome: 'stopped' | 'not running' | 'still alive';
  readonly pid: number | null;
  /** True when it was ended without being asked, or asking was not enough. */
  readonly wasKilled: boolean;
  /** By what it ended; left out where nothing was ended. */
  readonly how?: StopWay;
  /** Whether it had the chance to put things in order: TERM or the end of its input was enough. */
  readonly isGraceful?: boolean;
  /** Why it is not sure to be gone, in one sentence; left out otherwise. */
  readonly why?: string;
}

/** A runner that somebody else has started, as its identity was read from a listing. */
export interface WatchRunnerParams {
  readonly pid: number;
  readonly startToken: string;
  readonly argv: readonly string[];
  /** Absolute path of the folder that it belongs to. */
  readonly workspace: string;
  /** Its log, where the trader names it; without, Robo looks for it. */
  readonly logFile?: string;
}

export type WatchRunnerResult =
  | { readonly outcome: 'watching'; readonly runner: RunnerStatus }
  | { readonly outcome: 'refused'; readonly why: string };

export interface UnwatchRunnerParams {
  readonly pid: number;
}

export interface UnwatchRunnerResult {
  readonly outcome: 'unwatched' | 'not watched';
}

export interface ProcessListing {
  /** Null when the process table could be read; otherwise why not. */
  readonly unknownWhy: string | null;
  readonly processes: readonly ListedProcess[];
}

export interface ListProcessesParams {
  readonly workspace: string | null;
  /** The workspace's runner command; the built-in runner where it is left out or empty. */
  readonly command?: readonly string[];
}

/** The command is needed too: without it a program of the trader's own is in no fresh listing. */
export interface KillProcessesParams extends Required<ListProcessesParams> {
  /** Identities from a listing; each is read again just before each signal. */
  readonly targets: readonly Pick<ListedProcess, 'pid' | 'startToken' | 'argv'>[];
}

export interface AcknowledgeParams {
  /** Keys of incidents; all that are open where it is left out. */
  readonly keys?: readonly string[];
}

export interface QuietParams {
  /** ISO 8601, at most seven days away; null ends it. */
  readonly until: string | null;
}

export interface ConfigureAlertsParams {
  readonly source: AlertSource;
  /** Replaces what this source has said before; null changes nothing. */
  readonly settings: AlertSettings | null;
}

export interface ConfigureWatchParams {
  readonly source: AlertSource;
  /** Replaces what this source has said before; null changes nothing. */
  readonly settings: WatchSettings | null;
}

export interface DashboardParams {
  /** False ends what was begun. */
  readonly isFollowed: boolean;
}

export interface OpenFeedParams {
  /** 0, or left out, for one that is free. */
  readonly port?: number;
}

/** The server for dashboards and other programs; on until the daemon ends. */
export interface OpenFeedResult {
  /** On 127.0.0.1. */
  readonly port: number;
  readonly token: string;
  /** Stands for the token once, for a minute: addresses that programs are started with are read by others. */
  readonly ticket: string;
}

export interface RunnerLogLines {
  readonly workspace: string;
  readonly lines: readonly string[];
}

/** A list in place of an object is refused: its items would be taken for something else. */
const { byName } = ParameterStructures;

export const requests = {
  hello: new RequestType<Hello, Hello, void>('hello', byName),
  status: new RequestType0<StatusRecord, void>('status'),
  test: new RequestType<TestParams, PreflightReport, void>('test', byName),
  startRunner: new RequestType<StartRunnerParams, StartRunnerResult, void>('startRunner', byName),
  stopRunner: new RequestType<StopRunnerParams, StopRunnerResult, void>('stopRunner', byName),
  watchRunner: new RequestType<WatchRunnerParams, WatchRunnerResult, void>('watchRunner', byName),
  unwatchRunner: new RequestType<UnwatchRunnerParams, UnwatchRunnerResult, void>(
    'unwatchRunner',
    byName,
  ),
  listProcesses: new RequestType<ListProcessesParams, ProcessListing, void>(
    'listProcesses',
    byName,
  ),
  killProcesses: new RequestType<KillProcessesParams, readonly KillOutcome[], void>(
    'killProcesses',
    byName,
  ),
  reconnect: new RequestType0<StatusRecord, void>('reconnect'),
  acknowledge: new RequestType<AcknowledgeParams, readonly IncidentStatus[], void>(
    'acknowledge',
    byName,
  ),
  quiet: new RequestType<QuietParams, StatusRecord, void>('quiet', byName),
  configureAlerts: new RequestType<ConfigureAlertsParams, SettingsBySource, void>(
    'configureAlerts',
    byName,
  ),
  configureWatch: new RequestType<ConfigureWatchParams, WatchSettingsBySource, void>(
    'configureWatch',
    byName,
  ),
  /** Followed, the notifications `dashboard` tell all there is, and then what is new. */
  dashboard: new RequestType<DashboardParams, null, void>('dashboard', byName),
  openFeed: new RequestType<OpenFeedParams, OpenFeedResult, void>('openFeed', byName),
  shutdown: new RequestType0<null, void>('shutdown'),
} as const;

export const notifications = {
  /** The whole present state, after every change and on connection. */
  health: new NotificationType<StatusRecord>('health'),
  testProgress: new NotificationType<TestProgress>('testProgress'),
  gateEarlyWord: new NotificationType<GateEarlyWord>('gateEarlyWord'),
  /** New lines of a runner's output, batched. */
  log: new NotificationType<RunnerLogLines>('log'),
  /** To those that follow the dashboard, at most twice a second. */
  dashboard: new NotificationType<DashboardMessage>('dashboard'),
} as const;

export type { KillOutcome, ListedProcess };
