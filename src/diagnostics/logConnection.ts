import { isLoopback } from '../ibkr/endpoint';
import type { CauseGuess } from './notices';
import { isTimeoutClass } from './readers/reader';
import type { RunnerFact } from './runnerFacts';

/** How far the connection attempt that a log is telling about has come. */
export interface Attempt {
  readonly host: string | undefined;
  readonly reached: 'nothing' | 'tcp' | 'hello' | 'ready';
}

export const noAttempt: Attempt = { host: undefined, reached: 'nothing' };

/** Follows an attempt through the lines of a client. */
export function advanceAttempt(attempt: Attempt, fact: RunnerFact): Attempt {
  switch (fact.kind) {
    case 'connecting':
      return { host: fact.host, reached: 'nothing' };
    case 'tcp connected':
      return { ...attempt, reached: 'tcp' };
    case 'hello':
      return { ...attempt, reached: 'hello' };
    case 'connected':
      return { ...attempt, reached: 'ready' };
    default:
      return attempt;
  }
}

const silent: readonly CauseGuess[] = [
  { id: 'silent_handshake', confidence: 0.5 },
  { id: 'silent_accept_dialog', confidence: 0.2 },
  { id: 'silent_modal_dialog', confidence: 0.1 },
  { id: 'wedged_close_wait', confidence: 0.1 },
];

/** What a failed attempt points to, by how far it came and how it failed. Best first. */
export function causesOfFailedConnection(
  attempt: Attempt,
  errorClass: string,
): readonly CauseGuess[] {
  if (/Refused/i.test(errorClass)) {
    return [
      { id: 'port_refused', confidence: 0.8 },
      { id: 'port_mode_mismatch', confidence: 0.1 },
    ];
  }
  if (/gaierror|NameResolution|UnknownHost/i.test(errorClass)) {
    return [{ id: 'bad_host', confidence: 0.85 }];
  }
  if (/Reset|BrokenPipe/i.test(errorClass)) {
    return [
      { id: 'startup_window_reset', confidence: 0.5 },
      { id: 'closed_at_once_untrusted', confidence: 0.25 },
    ];
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

function causesOfTimeout({ host, reached }: Attempt): readonly CauseGuess[] {
  // "Connecting" without "Connected": TCP itself was not answered.
  if (reached === 'nothing' && host !== undefined) {
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
  return reached === 'hello' ? causesByReach({ host, reached }) : silent;
}

function causesByReach({ reached }: Attempt): readonly CauseGuess[] {
  return reached === 'hello'
    ? [
        { id: 'partial_handshake_no_next_valid_id', confidence: 0.6 },
        { id: 'silent_modal_dialog', confidence: 0.15 },
      ]
    : silent;
}

/** What a connection that ended by itself points to. */
export function causesOfLostConnection({ reached }: Attempt, text: string): readonly CauseGuess[] {
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
