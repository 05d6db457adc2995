import { isLoopback } from '../ibkr/endpoint';
import type { CauseGuess } from './notices';
import { isTimeoutClass, tcpTimeout } from './readers/reader';
import { apiPort } from './readers/sign';
import type { RunnerFact } from './runnerFacts';

/** How far a connection attempt that a log is telling about has come. */
export interface Attempt {
  readonly host: string | undefined;
  readonly port?: number;
  readonly clientId?: number;
  readonly reached: 'nothing' | 'tcp' | 'hello' | 'ready';
  /** The peer ended it; that it failed is said afterwards. */
  readonly isClosed?: true;
}

export const noAttempt: Attempt = { host: undefined, reached: 'nothing' };

/** More clients than TWS takes; what is older has ended unseen. */
const maxAttempts = 32;

/**
 * Follows the attempts of all clients that print into one log. Lines after "Connecting" name
 * neither client nor endpoint, so the attempt that began first takes the next step first.
 */
export class Attempts {
  private unfinished: readonly Attempt[] = [];
  private sessions: readonly Attempt[] = [];
  private closed: Attempt | undefined;

  /** A new attempt; one of the same client has ended by it, said or unsaid. */
  begin({ host, port, clientId }: Extract<RunnerFact, { kind: 'connecting' }>): void {
    this.closed = undefined;
    const attempt: Attempt = {
      host,
      port,
      ...(clientId === undefined ? {} : { clientId }),
      reached: 'nothing',
    };
    const isOther = (before: Attempt): boolean => !isSameClient(before, attempt);
    this.sessions = this.sessions.filter(isOther);
    this.unfinished = [...this.unfinished.filter(isOther), attempt].slice(-maxAttempts);
  }

  /** The oldest attempt that can have come so far has. */
  advance(reached: 'tcp' | 'hello'): void {
    this.closed = undefined;
    const step = reached === 'hello' ? ['tcp', 'nothing'] : ['nothing'];
    const before = this.oldest(step) ?? noAttempt;
    const after = { ...before, reached };
    this.unfinished = this.unfinished.includes(before)
      ? this.unfinished.map((each) => (each === before ? after : each))
      : [...this.unfinished, after].slice(-maxAttempts);
  }

  /** @returns the attempt that has become a session */
  ready(): Attempt {
    this.closed = undefined;
    const attempt = this.oldest(['hello', 'tcp', 'nothing']) ?? noAttempt;
    this.drop(attempt);
    const session: Attempt = { ...attempt, reached: 'ready' };
    this.sessions = [...this.sessions, session].slice(-maxAttempts);
    return session;
  }

  /** @returns the attempt that has failed; how far it came is the least that is sure */
  fail(errorClass: string): Attempt {
    const isAtOnce = /Refused|gaierror|NameResolution|UnknownHost/i.test(errorClass);
    const attempt = (isAtOnce ? this.newest(['nothing']) : undefined) ?? this.unfinished[0];
    this.drop(attempt);
    const { closed } = this;
    this.closed = undefined;
    return attempt ?? closed ?? noAttempt;
  }

  /** @returns the attempt or session that has ended by itself */
  lose(text: string): Attempt {
    const named = /clientId (\d{1,10})/i.exec(text)?.[1];
    const all = [...this.unfinished, ...this.sessions];
    const ended =
      (named === undefined
        ? undefined
        : all.find(({ clientId }) => clientId !== undefined && clientId === Number(named))) ??
      this.oldest(['hello', 'tcp']) ??
      this.sessions[0] ??
      this.oldest(['nothing']);
    const isUnfinished = ended !== undefined && this.unfinished.includes(ended);
    this.closed = isUnfinished ? { ...ended, isClosed: true } : undefined;
    this.drop(ended);
    return ended ?? noAttempt;
  }

  /** Lines are missing: nothing is known of any attempt. */
  forget(): void {
    this.unfinished = [];
    this.sessions = [];
    this.closed = undefined;
  }

  private oldest(steps: readonly string[]): Attempt | undefined {
    for (const step of steps) {
      const found = this.unfinished.find(({ reached }) => reached === step);
      if (found !== undefined) {
        return found;
      }
    }
    return undefined;
  }

  private newest(steps: readonly string[]): Attempt | undefined {
    return this.unfinished.findLast(({ reached }) => steps.includes(reached));
  }

  private drop(attempt: Attempt | undefined): void {
    this.unfinished = this.unfinished.filter((each) => each !== attempt);
    this.sessions = this.sessions.filter((each) => each !== attempt);
  }
}

/** `127.0.0.1:7497`, one name for all names of this machine; empty where it is not known. */
export function endpointOf({ host, port }: Attempt): string {
  return host === undefined ? '' : `${isLoopback(host) ? '127.0.0.1' : host}:${port ?? ''}`;
}

/** Without a client id in the lines, one endpoint has one client. */
function isSameClient(a: Attempt, b: Attempt): boolean {
  return endpointOf(a) === endpointOf(b) && a.clientId === b.clientId;
}

const silent: readonly CauseGuess[] = [
  { id: 'silent_handshake', confidence: 0.5 },
  { id: 'silent_accept_dialog', confidence: 0.2 },
  { id: 'silent_modal_dialog', confidence: 0.1 },
  { id: 'wedged_close_wait', confidence: 0.1 },
];

/**
 * What a failed attempt points to, by how far it came and how it failed. Best first.
 * @param text of the failure; it may name the host where nothing else does
 */
export function causesOfFailedConnection(
  attempt: Attempt,
  errorClass: string,
  text: string,
): readonly CauseGuess[] {
  if (/Refused/i.test(errorClass)) {
    return [
      { id: 'port_refused', confidence: isOurs(attempt, text) ? 0.8 : 0.6 },
      { id: 'port_mode_mismatch', confidence: 0.1 },
    ];
  }
  if (/gaierror|NameResolution|UnknownHost/i.test(errorClass)) {
    return [{ id: 'bad_host', confidence: 0.85 }];
  }
  if (errorClass === 'HostUnreachable') {
    return [
      { id: 'tcp_timeout_unreachable', confidence: 0.7 },
      { id: 'wsl_docker_network', confidence: 0.15 },
    ];
  }
  if (/Reset|BrokenPipe/i.test(errorClass)) {
    return [
      { id: 'startup_window_reset', confidence: 0.5 },
      { id: 'closed_at_once_untrusted', confidence: 0.25 },
    ];
  }
  if (errorClass === tcpTimeout && attempt.reached === 'nothing') {
    return causesOfUnanswered(attempt.host ?? hostIn(text));
  }
  if (attempt.isClosed === true) {
    return causesOfLostConnection(attempt, text);
  }
  if (isTimeoutClass(errorClass)) {
    return causesOfTimeout(attempt);
  }
  return attempt.reached === 'nothing'
    ? [
        { id: 'port_refused', confidence: 0.35 },
        { id: 'silent_handshake', confidence: 0.3 },
      ]
    : causesByReach(attempt);
}

/** Whether it is sure that TWS was asked, not another server of the program. */
function isOurs({ host, reached }: Attempt, text: string): boolean {
  return host !== undefined || reached !== 'nothing' || saysBroker.test(text);
}

const saysBroker = new RegExp(
  `\\b(?:IBKR|IB|TWS|IBC|IBG|API|gateway|Interactive ?Brokers|ib_(?:async|insync)|ibapi)\\b|IBApi|\\b${apiPort}\\b`,
  'i',
);

function causesOfTimeout({ host, reached }: Attempt): readonly CauseGuess[] {
  // "Connecting" without "Connected": TCP itself was not answered.
  if (reached === 'nothing' && host !== undefined) {
    return causesOfUnanswered(host);
  }
  return reached === 'hello' ? causesByReach({ host, reached }) : silent;
}

/** TCP itself was not answered. On one machine only a full queue does so. */
function causesOfUnanswered(host: string | undefined): readonly CauseGuess[] {
  if (host === undefined) {
    return [
      { id: 'tcp_timeout_unreachable', confidence: 0.45 },
      { id: 'accept_queue_wedge', confidence: 0.25 },
    ];
  }
  return isLoopback(host)
    ? [
        { id: 'accept_queue_wedge', confidence: 0.5 },
        { id: 'silent_handshake', confidence: 0.2 },
      ]
    : [
        { id: 'tcp_timeout_unreachable', confidence: 0.6 },
        { id: 'wsl_docker_network', confidence: 0.15 },
      ];
}

/** `10.0.0.5:4002`, `('10.0.0.5', 4002)`: the host of an address in a text. */
function hostIn(text: string): string | undefined {
  return /(?:^|[\s(['"])([\w.-]{1,253})(?::|', )\d{2,5}(?![\w.])/.exec(text)?.[1];
}

function causesByReach({ reached }: Attempt): readonly CauseGuess[] {
  return reached === 'hello'
    ? [
        { id: 'partial_handshake_no_next_valid_id', confidence: 0.6 },
        { id: 'silent_modal_dialog', confidence: 0.15 },
      ]
    : silent;
}

/** The system gave a session up because the other side answered no longer. */
const readTimedOut =
  /\b(?:read|write) ETIMEDOUT\b|\bkind: TimedOut\b|\bErrno (?:60|110)\b|\bos error (?:60|110|10060)\b|\bWinError 10060\b/;

/** What a connection that ended by itself points to. */
export function causesOfLostConnection({ reached }: Attempt, text: string): readonly CauseGuess[] {
  if ((reached === 'ready' || reached === 'nothing') && readTimedOut.test(text)) {
    return [
      { id: 'half_open_zombie', confidence: 0.45 },
      { id: 'relogin_hang', confidence: 0.15 },
    ];
  }
  if (reached === 'ready') {
    return [
      { id: 'tws_daily_restart_drop', confidence: 0.4 },
      { id: 'half_open_zombie', confidence: 0.2 },
    ];
  }
  if (reached === 'hello' || /clientId/i.test(text)) {
    // The id in ib_async's own words is a guess.
    return [
      { id: 'peer_closed_after_startapi', confidence: 0.55 },
      { id: 'client_id_in_use_326', confidence: 0.2 },
    ];
  }
  return reached === 'tcp'
    ? [
        { id: 'closed_at_once_untrusted', confidence: 0.45 },
        { id: 'startup_window_reset', confidence: 0.25 },
      ]
    : [
        { id: 'tws_daily_restart_drop', confidence: 0.3 },
        { id: 'half_open_zombie', confidence: 0.2 },
      ];
}

/** What it points to that every symbol fails: silence on a session, or a session that never was. */
export function causesOfFailingData(wasReady: boolean, isSilence: boolean): readonly CauseGuess[] {
  if (!isSilence) {
    return [
      { id: 'not_connected_504', confidence: 0.4 },
      { id: 'silent_handshake', confidence: 0.2 },
      { id: 'half_open_zombie', confidence: 0.15 },
    ];
  }
  return wasReady
    ? [
        { id: 'hist_timeout', confidence: 0.4 },
        { id: 'upstream_lost_1100', confidence: 0.2 },
        { id: 'half_open_zombie', confidence: 0.15 },
      ]
    : [
        { id: 'silent_handshake', confidence: 0.5 },
        { id: 'hist_timeout', confidence: 0.25 },
        { id: 'half_open_zombie', confidence: 0.1 },
      ];
}
