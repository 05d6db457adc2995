import { isoTime } from '../core/clock';
import { version } from '../core/version';
import type { Finding } from '../diagnostics/finding';
import { modeOfAccount } from '../diagnostics/notices';
import { recordsFinding } from '../diagnostics/recordsFinding';
import type {
  RunnerStatus,
  SessionStatus,
  StatusRecord,
  WindowStatus,
} from '../diagnostics/status';
import { triedText } from '../diagnostics/tried';
import { type Endpoint, type Mode, usualPort } from '../ibkr/endpoint';
import type { ResetWindow } from '../ibkr/resetWindows';
import type { MonitorSnapshot } from '../monitor/monitor';
import { shortAccount } from '../preflight/layerWords';

/** What the daemon knows of itself. */
export interface DaemonFacts {
  readonly endpoint: Endpoint;
  readonly clientId: number;
  readonly startedAtMs: number;
  readonly recordsProblem: string | null;
}

/** Puts the status record together (schema 1). */
export function statusRecord(
  snapshot: MonitorSnapshot,
  runner: readonly RunnerStatus[],
  facts: DaemonFacts,
  nowMs: number,
): StatusRecord {
  const { state, health } = snapshot;
  return {
    timestamp: isoTime(nowMs),
    connected: health === 'healthy' || health === 'degraded',
    port: facts.endpoint.port,
    consecutive_failures: Math.max(health === 'down' ? 1 : 0, consecutiveFailures(snapshot.state)),
    last_good_connection: optionalTime(state.lastAnswerAtMs),
    message: snapshot.message,
    schema: 1,
    health,
    since: isoTime(snapshot.healthSinceMs),
    layer: snapshot.layer,
    findings: [...snapshot.findings, ...ownFindings(facts.recordsProblem, nowMs)],
    session: sessionStatus(snapshot, facts),
    runner,
    monitor: {
      pid: process.pid,
      version,
      startedAt: isoTime(facts.startedAtMs),
      recordsProblem: facts.recordsProblem,
    },
    until: optionalTime(snapshot.expectedUntilMs),
    planned: snapshot.planned.map(({ kind, atMs, words }) => ({ kind, at: isoTime(atMs), words })),
    nextWindow: windowStatus(snapshot.nextWindow),
  };
}

function windowStatus(window: ResetWindow | undefined): WindowStatus | null {
  return window === undefined
    ? null
    : { name: window.name, from: isoTime(window.fromMs), until: isoTime(window.untilMs) };
}

/** What is wrong with the daemon itself. */
function ownFindings(recordsProblem: string | null, nowMs: number): readonly Finding[] {
  const setup = { platform: process.platform };
  return recordsProblem === null
    ? []
    : [recordsFinding(recordsProblem, { kind: 'process', name: 'robo' }, { nowMs, setup })];
}

/** Attempts without a verified session, or questions without an answer. */
function consecutiveFailures({ phase, failures, missedAnswers }: MonitorSnapshot['state']): number {
  const isVerified = phase.kind === 'open' && phase.isVerified;
  return (isVerified ? 0 : failures) + missedAnswers;
}

function sessionStatus(snapshot: MonitorSnapshot, facts: DaemonFacts): SessionStatus {
  const { state, progress } = snapshot;
  const usual = usualPort(facts.endpoint.port);
  const names = {
    idle: 'idle',
    waiting: 'waiting',
    dialling: 'dialling',
    held: 'held',
    open: 'ready',
  } as const;
  return {
    state: names[state.phase.kind],
    host: facts.endpoint.host,
    port: facts.endpoint.port,
    clientId: facts.clientId,
    product: usual?.product ?? null,
    // The account tells what it is; the port only what it is by convention.
    mode: modeOfAccounts(snapshot.accounts) ?? usual?.mode ?? null,
    serverVersion: progress?.serverVersion ?? null,
    accounts: snapshot.accounts.map(shortAccount),
    connectedAt: progress?.stage === 'ended' ? null : optionalTime(progress?.connectedAtMs),
    lastAnswerAt: optionalTime(state.lastAnswerAtMs),
    roundTripMs: snapshot.roundTripMs ?? null,
    connectionsOpened: state.connectionsOpened,
    nextDialAt:
      state.phase.kind === 'waiting' && state.phase.why === 'backing off'
        ? isoTime(state.phase.untilMs)
        : null,
    farms: [...state.farms].map(([name, { kind, state: farm }]) => ({ name, kind, state: farm })),
    movedTo: state.movedTo ?? null,
  };
}

/** Live where any account is: the careful answer. */
function modeOfAccounts(accounts: readonly string[]): Mode | undefined {
  const modes = accounts.map(modeOfAccount);
  return modes.includes('live') ? 'live' : modes.find((mode) => mode !== undefined);
}

function optionalTime(ms: number | undefined): string | null {
  return ms === undefined ? null : isoTime(ms);
}

/** The alert file's text: since when, what, what to do. Undefined while nothing critical is open. */
export function alertText(record: StatusRecord): string | undefined {
  if (record.health !== 'down') {
    return undefined;
  }
  const finding = record.findings.find(({ subject }) => subject.kind !== 'process');
  const cause = finding?.causes[0];
  const acknowledged = (record.incidents ?? []).flatMap(({ subject, acknowledgedAt }) =>
    subject.kind === 'connection' && acknowledgedAt !== null ? [acknowledgedAt] : [],
  );
  const tried = triedText(record.recovery);
  return [
    `CRITICAL ALERT: ${record.since}`,
    record.message,
    ...(cause === undefined
      ? []
      : [`Likely cause: ${cause.id} (${Math.round(cause.confidence * 100)} %): ${cause.why}`]),
    `Consecutive failures: ${record.consecutive_failures}`,
    ...(tried === undefined ? [] : [`Robo has ${tried}`]),
    ...acknowledged.map((at) => `Acknowledged: ${at}`),
    `ACTION REQUIRED: ${finding?.remedy[0] ?? 'Look at TWS or IB Gateway, then run "robo test".'}`,
    '',
  ].join('\n');
}
