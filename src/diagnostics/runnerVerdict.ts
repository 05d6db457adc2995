import { isoTime } from '../core/clock';
import type { PortObservation } from '../host/portObservation';
import type { Evidence, Finding, RankedCause } from './finding';
import { makeFinding } from './makeFinding';
import { describeDuration } from './notices';
import type { RunnerStatus } from './status';

/** The kept session, as far as a runner's trouble is compared with it. Times: ms since the epoch. */
export interface OwnSession {
  /** When the handshake of the session that is open now was completed; undefined without one. */
  readonly openAtMs: number | undefined;
  /** When TWS last answered on it. */
  readonly lastAnswerAtMs: number | undefined;
  /** When a request for data was last answered on it. */
  readonly lastDataAtMs: number | undefined;
  /** What the system says about the port; undefined where nobody looked. */
  readonly os: PortObservation | undefined;
}

/** A runner's fault of connection, read off what it says itself. */
interface RunnerTrouble {
  readonly finding: Finding;
  readonly atMs: number;
  readonly hadSession: boolean;
}

/** An answer that is older proves nothing about now: two rounds of questions. Milliseconds. */
const freshMs = 70_000;

/**
 * What a runner's trouble means beside a session of Robo's that works (rule 10). Only a handshake
 * that is newer than the runner's failure clears TWS; an older session that lives while the runner
 * gets silence points to a TWS that takes no new clients (law 8).
 * @returns undefined where the runner reports no trouble of its connection, or where Robo's own
 *   session is no better off: then its finding says what there is to say
 */
export function runnerVerdict(
  runner: RunnerStatus,
  ours: OwnSession,
  nowMs: number,
): Finding | undefined {
  const trouble = troubleOf(runner);
  const isAlive = ours.lastAnswerAtMs !== undefined && nowMs - ours.lastAnswerAtMs < freshMs;
  if (trouble === undefined || ours.openAtMs === undefined || !isAlive) {
    return undefined;
  }
  const causes = causesBeside(trouble, { ...ours, openAtMs: ours.openAtMs });
  const message = trouble.hadSession
    ? 'The runner gets no data on its own connection, while Robo got data from the same TWS since.'
    : 'The runner gets no connection, while the session that Robo keeps to the same TWS works.';
  const verdict = makeFinding({
    subject: trouble.finding.subject,
    causes,
    message,
    nowMs,
    severity: 'error',
    evidence: evidenceOf(trouble, ours, nowMs),
  });
  const { firstAt, lastAt, count } = trouble.finding;
  return verdict === undefined ? undefined : { ...verdict, firstAt, lastAt, count };
}

/** A finding whose best cause is as sure says itself what is wrong (a code, a traceback). */
const sureOfItself = 0.7;

function causesBeside(
  trouble: RunnerTrouble,
  ours: OwnSession & { readonly openAtMs: number },
): readonly RankedCause[] {
  if (trouble.hadSession) {
    return dataStopped(trouble, ours);
  }
  const { layer, causes } = trouble.finding;
  // It never came as far as TWS: that is no silence of an accept loop.
  if (layer === 'port' || layer === 'tcp') {
    return goesElsewhere(ours);
  }
  if ((causes[0]?.confidence ?? 0) >= sureOfItself) {
    return [];
  }
  return ours.openAtMs > trouble.atMs
    ? environment(trouble, ours.openAtMs)
    : takesNoNewClients(ours);
}

/** Refused or without an answer, while TWS listens for others: it asks at another place. */
function goesElsewhere({ os }: OwnSession): readonly RankedCause[] {
  if (os?.listeners.known === true && os.listeners.value.length === 0) {
    return [];
  }
  const why = "it does not reach the port at which Robo's session lives";
  return [
    { id: 'bad_configuration', confidence: 0.45, why: `${why}: its host or port may differ` },
    { id: 'wsl_docker_network', confidence: 0.2, why: `${why}: it may run in a container or WSL` },
    { id: 'port_refused', confidence: 0.1, why: `${why}: TWS may have closed it since` },
  ];
}

/**
 * The runner's status with that verdict, where there is one, in the place of what the runner says
 * itself about its connection: one incident is one finding, and its words are the evidence.
 */
export function withVerdict(runner: RunnerStatus, ours: OwnSession, nowMs: number): RunnerStatus {
  const verdict = runnerVerdict(runner, ours, nowMs);
  const own = troubleOf(runner)?.finding;
  return verdict === undefined
    ? runner
    : { ...runner, findings: [verdict, ...runner.findings.filter((finding) => finding !== own)] };
}

/** True for a living runner that reports a fault of its connection. */
export function isConnectionInTrouble(runner: RunnerStatus): boolean {
  return troubleOf(runner) !== undefined;
}

function troubleOf({ findings, state }: RunnerStatus): RunnerTrouble | undefined {
  const finding = findings.find(
    ({ subject, severity }) => subject.kind === 'connection' && severity === 'error',
  );
  // What a runner said before its end is told with its end.
  const isAlive = state === 'running' || state === 'starting' || state === 'external';
  if (finding === undefined || !isAlive) {
    return undefined;
  }
  const atMs = Date.parse(finding.lastAt);
  return Number.isNaN(atMs) ? undefined : { finding, atMs, hadSession: finding.layer === 'data' };
}

/** Our handshake is newer: address, settings and accept loop are fine for a client of this host. */
function environment({ atMs }: RunnerTrouble, openAtMs: number): readonly RankedCause[] {
  const after = describeDuration(openAtMs - atMs);
  const why = `Robo's handshake passed ${after} after the runner's failed, on the same TWS`;
  return [
    { id: 'client_lib_mismatch', confidence: 0.3, why: `${why}: its library may be at fault` },
    { id: 'event_loop_misuse', confidence: 0.2, why: `${why}: its event loop may be blocked` },
    { id: 'client_id_in_use_326', confidence: 0.15, why: `${why}: its own client id may be taken` },
    { id: 'bad_configuration', confidence: 0.12, why: `${why}: its host or port may differ` },
    { id: 'ipv6_trusted_ip_mismatch', confidence: 0.08, why: `${why}: it may come from ::1` },
  ];
}

/** Our session is older than its failure: that TWS still takes new clients is not proved. */
function takesNoNewClients({ os }: OwnSession): readonly RankedCause[] {
  const old = "Robo's session is older than the runner's failure and lives";
  const waiting = os?.listeners.known
    ? os.listeners.value.reduce((sum, { receiveQueue }) => sum + (receiveQueue ?? 0), 0)
    : 0;
  const unheld = os?.established.known
    ? os.established.value.filter(({ serverOwned }) => serverOwned === false).length
    : 0;
  const count = Math.max(waiting, unheld);
  if (count > 0) {
    const why = `${old}, and the system holds ${count} new connection(s) that TWS never accepted`;
    return [
      { id: 'accept_queue_wedge', confidence: 0.85, why },
      { id: 'gateway_frozen', confidence: 0.05, why },
    ];
  }
  const dead = os?.closeWait.known
    ? os.closeWait.value.filter(({ side, role }) => side === 'server' && role !== 'proxy').length
    : 0;
  if (dead > 0) {
    const why = `${old}, and TWS holds dead connections (CLOSE_WAIT)`;
    return [
      { id: 'wedged_close_wait', confidence: 0.65, why },
      { id: 'accept_queue_wedge', confidence: 0.2, why },
    ];
  }
  const why = `${old}, while a new client gets no answer`;
  return [
    { id: 'accept_queue_wedge', confidence: 0.35, why },
    { id: 'silent_accept_dialog', confidence: 0.3, why: `${why}: TWS may ask about it` },
    {
      id: 'client_lib_mismatch',
      confidence: 0.1,
      why: `${old}: the runner itself may be at fault`,
    },
    { id: 'client_id_in_use_326', confidence: 0.1, why: `${old}: its client id may be taken` },
  ];
}

/** It had data and has none, and ours came since: the fault is between TWS and the runner. */
function dataStopped(trouble: RunnerTrouble, ours: OwnSession): readonly RankedCause[] {
  if (ours.lastDataAtMs === undefined || ours.lastDataAtMs < trouble.atMs) {
    return [];
  }
  const why = 'Robo got data from the same TWS after the runner got none';
  return [
    { id: 'silent_stream_death', confidence: 0.3, why: `${why}: its subscription may have died` },
    { id: 'worker_unresponsive', confidence: 0.25, why: `${why}: its own worker may be stuck` },
    { id: 'half_open_zombie', confidence: 0.2, why: `${why}: its connection may be dead` },
    { id: 'pacing_162', confidence: 0.1, why: `${why}: it may ask too often` },
  ];
}

function evidenceOf(
  { finding, atMs }: RunnerTrouble,
  { openAtMs, lastAnswerAtMs, lastDataAtMs }: OwnSession,
  nowMs: number,
): readonly Evidence[] {
  const own = (ms: number | undefined, text: string): readonly Evidence[] =>
    ms === undefined
      ? []
      : [{ kind: 'timing', source: "Robo's connection", at: isoTime(ms), text }];
  return [
    { kind: 'log', source: 'runner.log', at: isoTime(atMs), text: finding.message },
    ...own(openAtMs, 'handshake completed'),
    ...own(lastAnswerAtMs, 'server time answered'),
    ...own(lastDataAtMs, 'data came'),
    ...finding.evidence.slice(0, 3),
    ...(lastDataAtMs === undefined
      ? [
          {
            kind: 'unknown',
            source: "Robo's connection",
            at: isoTime(nowMs),
            text: 'no data was asked for lately',
          } as const,
        ]
      : []),
  ];
}
