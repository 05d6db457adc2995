import { shorten } from '../notices';
import type { RunnerFact } from '../runnerFacts';
import { quiet } from './quiet';
import { errorClassIn, type LinePattern } from './reader';
import { connection, type Guesses, one, process, runner, sign } from './sign';

type Reading = (text: string) => readonly RunnerFact[];

const nothing: Reading = () => [];
const regained: Reading = () => [{ kind: 'connected' }];
const gone: Reading = (text) => [{ kind: 'connection lost', text }];
const failed: Reading = (text) => [
  { kind: 'connection failed', errorClass: errorClassIn(text), text },
];

function says(causes: Guesses, subject = runner): Reading {
  return (text) => [{ kind: 'sign', subject, causes, text }];
}

/** The events of the trader's system, logfmt within the message: `event=NAME key=value …`. */
const events: readonly (readonly [string, Reading])[] = [
  ['connection_initialized', regained],
  ['recovery_succeeded', regained],
  ['cycle_disconnect_recovered', regained],
  ['health_triggered_recovery', gone],
  ['cycle_authoritative_disconnect', gone],
  ['cycle_transport_abort', gone],
  ['recovery_started', nothing],
  ['recovery_attempt_failed', failed],
  ['recovery_exhausted_latched', nothing],
  ['run_continuous_exit_recovery_exhausted', says(one('runner_exited', 0.6))],
  ['recovery_exhausted', failed],
  [
    'recovery_gateway_restart_failed',
    says(
      [
        { id: 'twofa_timeout', confidence: 0.35 },
        { id: 'port_refused', confidence: 0.3 },
      ],
      process,
    ),
  ],
  ['cycle_skipped_recovery_in_progress', nothing],
  ['cycle_skipped_unhealthy', says(one('runner_stalled', 0.6))],
  ['cycle_error', (text) => [{ kind: 'error', text }]],
  ['runner_exit_unprotected_positions', says(one('runner_exited', 0.7))],
  ['run_continuous_exit_unprotected_positions', says(one('runner_exited', 0.7))],
  ['kill_switch_auto_reset', nothing],
  ['kill_switch_not_reset', says(one('kill_switch_triggered', 0.75))],
  ['kill_switch_triggered', says(one('kill_switch_triggered'))],
];

/** An event of its own name, with or without `event=` before it. */
function event(name: string, read: Reading): LinePattern {
  return {
    has: name,
    pattern: new RegExp(`(?:^|[\\s=])${name}(?=\\s|$)`),
    read: (_match, { text }) => read(shorten(text)),
  };
}

export const tradingEventPatterns: readonly LinePattern[] = [
  ...events.map(([name, read]) => event(name, read)),
  {
    has: 'connection_state_change',
    pattern: /\bconnection_state_change\b.{0,60}?\bto=(\w{1,20})/,
    read: ([, to = ''], { text }) => (/^unhealthy$/i.test(to) ? gone(shorten(text)) : []),
  },
  {
    has: 'managed_account_validation_failed',
    pattern: /\bmanaged_account_validation_failed\b.{0,20}?\breason=(\w{1,40})/,
    read: ([, reason = ''], { text }) => [
      { kind: 'sign', subject: connection, causes: accountCauses(reason), text: shorten(text) },
    ],
  },
];

function accountCauses(reason: string): Guesses {
  switch (reason) {
    case 'missing_configured_account':
      return one('bad_configuration', 0.8);
    case 'identity_mismatch':
      return [
        { id: 'account_mode_mismatch', confidence: 0.5 },
        { id: 'bad_configuration', confidence: 0.3 },
      ];
    default:
      return one('partial_handshake_no_next_valid_id', 0.4);
  }
}

/** CLOSE_WAIT sockets, which the trader's system calls zombies. */
export const zombiePatterns: readonly LinePattern[] = [
  quiet(
    'zombie',
    /\b(?:no|0) (?:CLOSE_WAIT )?zombie|\bno CLOSE_WAIT\b|\bzombies? (?:cleared|cleanup|check)\b|\bcleaning up zombie/i,
  ),
  sign(
    'zombie',
    /\bGateway(?:-owned)? zombies?\b|\bzombie.{0,40}\bblock API handshakes|\bowned by (?:java|JavaAppli|Gateway|TWS)\b/i,
    connection,
    one('wedged_close_wait', 0.8),
  ),
  sign(
    'zombie',
    /\b(?:killed|ended) Python zombie/i,
    connection,
    one('self_inflicted_probe_zombies', 0.6),
  ),
  sign(
    'zombie',
    /\b[1-9]\d{0,5} (?:CLOSE_WAIT )?zombie|\bstill have \d{1,5} zombies/i,
    connection,
    [
      { id: 'wedged_close_wait', confidence: 0.5 },
      { id: 'self_inflicted_probe_zombies', confidence: 0.3 },
    ],
  ),
];
