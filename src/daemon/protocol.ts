import { NotificationType, RequestType, RequestType0 } from 'vscode-jsonrpc/node';
import type { Finding } from '../diagnostics/finding';
import type { IncidentStatus, StatusRecord } from '../diagnostics/status';
import type { KillOutcome } from '../host/endProcess';
import type { Mode } from '../ibkr/endpoint';
import type { LayerResult, PreflightReport } from '../preflight/report';
import type { ListedProcess } from '../runner/duplicates';
import type { HelperCommand } from '../runner/helperCommand';
import type { AlertSettings, AlertSource, SettingsBySource } from './alertSettings';

/** Raised when a message changes in a way that an older side cannot read. */
export const protocolVersion = 1;

/** The first message each way. A daemon that speaks another protocol says so and nothing else. */
export interface Hello {
  readonly protocol: number;
  readonly version: string;
  readonly pid: number;
  readonly kind: 'window' | 'cli' | 'daemon';
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

export interface StopRunnerResult {
  readonly outcome: 'stopped' | 'not running' | 'still alive';
  readonly pid: number | null;
  /** True when TERM was not enough. */
  readonly wasKilled: boolean;
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

export interface RunnerLogLines {
  readonly workspace: string;
  readonly lines: readonly string[];
}

export const requests = {
  hello: new RequestType<Hello, Hello, void>('hello'),
  status: new RequestType0<StatusRecord, void>('status'),
  test: new RequestType<TestParams, PreflightReport, void>('test'),
  startRunner: new RequestType<StartRunnerParams, StartRunnerResult, void>('startRunner'),
  stopRunner: new RequestType<{ readonly workspace: string }, StopRunnerResult, void>('stopRunner'),
  listProcesses: new RequestType<ListProcessesParams, ProcessListing, void>('listProcesses'),
  killProcesses: new RequestType<KillProcessesParams, readonly KillOutcome[], void>(
    'killProcesses',
  ),
  reconnect: new RequestType0<StatusRecord, void>('reconnect'),
  acknowledge: new RequestType<AcknowledgeParams, readonly IncidentStatus[], void>('acknowledge'),
  quiet: new RequestType<QuietParams, StatusRecord, void>('quiet'),
  configureAlerts: new RequestType<ConfigureAlertsParams, SettingsBySource, void>(
    'configureAlerts',
  ),
  shutdown: new RequestType0<null, void>('shutdown'),
} as const;

export const notifications = {
  /** The whole present state, after every change and on connection. */
  health: new NotificationType<StatusRecord>('health'),
  testProgress: new NotificationType<TestProgress>('testProgress'),
  gateEarlyWord: new NotificationType<GateEarlyWord>('gateEarlyWord'),
  /** New lines of a runner's output, batched. */
  log: new NotificationType<RunnerLogLines>('log'),
} as const;

export type { KillOutcome, ListedProcess };
