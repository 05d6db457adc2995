import type { CauseId } from '../diagnostics/causeIds';

/** What is right while a fault lasts, and how it ends. Written from the meaning of the causes. */
export interface Expectation {
  /**
   * Where the fault is met: by the session that is kept, or only by a new one, because open
   * connections go on as before. Then the simulated TWS restarts and comes back with the fault.
   */
  readonly meets: 'kept session' | 'new session';
  /** Whether another runner may start while the fault lasts. */
  readonly gate: 'shut' | 'open';
  /** Each of these may rightly be named first; empty where there is nothing to name. */
  readonly causes: readonly CauseId[];
  /** `passing`: it comes with the lost session and goes before the fault ends. */
  readonly alert: 'until healed' | 'passing' | 'none';
  readonly heals: 'by itself' | 'with a restart of TWS';
  /** `degraded`: what TWS says at the end of the fault is itself a trouble. */
  readonly afterwards: 'healthy' | 'degraded';
  readonly why: string;
}

const kept = {
  meets: 'kept session',
  gate: 'shut',
  alert: 'until healed',
  heals: 'by itself',
  afterwards: 'healthy',
} as const;

const fresh = { ...kept, meets: 'new session' } as const;

/** What has only to do with data: the session is healthy, so there is no incident. */
const dataOnly = { ...kept, alert: 'none' } as const;

const harmless = { ...kept, gate: 'open', alert: 'none', causes: [] } as const;

/** A drill may fall into a nightly reset, where the same message means less. */
const timeOfDay = ['nightly_reset', 'outage_outlives_reset_window'] as const;

/** A simulated TWS is seconds old, as one that is still starting. */
const young = 'startup_window_reset';

const silence: Expectation = {
  ...fresh,
  causes: ['silent_handshake', 'silent_accept_dialog', 'silent_modal_dialog', young],
  why: 'A TWS that accepts and does not answer is silent for many reasons, and no evidence tells them apart here; the umbrella is right.',
};

const unanswered: Expectation = {
  ...kept,
  causes: ['gateway_frozen', 'relogin_hang', 'half_open_zombie'],
  why: 'A session that was ready answers nothing any more; two missed server times in a row are an outage.',
};

const hangUp: Expectation = {
  ...fresh,
  causes: ['closed_at_once_untrusted', young],
  why: 'Closed before any byte: the address is not trusted, or TWS is still starting.',
};

const lost: Expectation = {
  ...kept,
  gate: 'open',
  causes: ['tws_daily_restart_drop', 'half_open_zombie', 'port_refused', young],
  alert: 'passing',
  why: 'TWS ended the session and serves again at once: an incident that is over with the next connection, and the gate waits for that.',
};

const notReady: Expectation = {
  ...fresh,
  causes: ['partial_handshake_no_next_valid_id', 'silent_modal_dialog', young],
  why: 'The hello was answered and the start-up is not complete: TWS is half started, or a dialog blocks it.',
};

const upstream: Expectation = {
  ...kept,
  causes: ['upstream_lost_1100', ...timeOfDay],
  why: 'TWS says by code 1100 that it has lost IBKR: nothing can be traded, whatever it still answers.',
};

const torn: Expectation = {
  ...kept,
  causes: ['decoder_desync'],
  why: 'After bytes that are no frame nothing that follows can be read; the session is given up each time.',
};

const stranger: Expectation = {
  ...fresh,
  causes: ['wrong_service'],
  heals: 'with a restart of TWS',
  why: 'What answers is not TWS; only another program on the port ends that.',
};

const cameAnew: Expectation = {
  ...harmless,
  meets: 'new session',
  alert: 'passing',
  why: 'Harmless: only the restart, by which it is met, is an incident.',
};

/** Every fault of the simulator (a test holds the two lists together). */
export const expectations: Readonly<Record<string, Expectation>> = {
  none: { ...harmless, why: 'Nothing is wrong: a gate that never opens would prove nothing.' },
  silent_handshake: silence,
  wedged_close_wait: { ...silence, causes: [...silence.causes, 'wedged_close_wait'] },
  gateway_frozen: unanswered,
  frozen_ready: unanswered,
  refused: {
    ...kept,
    causes: ['port_refused', 'tws_daily_restart_drop', 'twofa_timeout', young],
    why: 'TWS has ended the session and nobody listens any more: it has ended, or has not come back from a restart.',
  },
  close_on_accept: hangUp,
  reset_on_accept: hangUp,
  tls_server: {
    ...hangUp,
    heals: 'with a restart of TWS',
    causes: [...hangUp.causes, 'wrong_service'],
    why: 'A TLS server hangs up without a byte, which looks like a TWS that does not trust us.',
  },
  close_after_start: {
    ...fresh,
    causes: ['peer_closed_after_startapi', 'client_id_in_use_326', young],
    why: 'Closed after the hello without a code: the client id is only a guess.',
  },
  client_id_in_use: {
    ...fresh,
    causes: ['client_id_in_use_326'],
    why: 'TWS says by code 326 that the client id is taken.',
  },
  paper_disclaimer: {
    ...fresh,
    causes: ['paper_disclaimer_10141'],
    why: 'TWS says by code 10141 that the disclaimer of the paper account was not accepted.',
  },
  drop: lost,
  drop_reset: lost,
  port_reset: {
    ...kept,
    causes: ['port_reset_1300'],
    why: 'TWS says by code 1300 that its port is another one now; following it by itself could cross from paper to live.',
  },
  version_only: notReady,
  accounts_only: notReady,
  next_id_only: notReady,
  version_too_old: {
    ...stranger,
    causes: ['server_version_too_old'],
    why: 'The hello names version 76, and only another TWS has another version.',
  },
  startup_twice: cameAnew,
  odd_time_zone: cameAnew,
  upstream_lost: upstream,
  upstream_lost_data: upstream,
  upstream_partial: {
    ...upstream,
    afterwards: 'degraded',
    why: `${upstream.why} The 1102 at the end names a farm that did not come back.`,
  },
  server_broken: {
    ...kept,
    causes: ['tws_server_broken_2110', ...timeOfDay],
    why: 'TWS says by code 2110 that it has no link to its server.',
  },
  farm_broken: {
    ...dataOnly,
    gate: 'open',
    causes: ['farm_broken_2103', 'farm_flap'],
    why: 'Quotes are away (2103) and history is answered: a warning, because the data that was asked for came.',
  },
  hmds_broken: {
    ...dataOnly,
    causes: ['hmds_broken_2105'],
    why: 'History is away (2105) and no symbol is answered.',
  },
  secdef_broken: {
    ...dataOnly,
    causes: ['false_200_during_outage', 'secdef_broken_2157'],
    why: 'Every symbol is unknown while the definitions are away (2157): no symbol has data.',
  },
  competing_session: {
    ...dataOnly,
    causes: ['different_ip_session', 'competing_session_10197'],
    why: 'The same user trades elsewhere, and no symbol gets data here until that ends.',
  },
  no_data: {
    ...dataOnly,
    causes: ['hist_timeout', 'hmds_broken_2105', 'upstream_lost_1100'],
    why: 'The server time is answered and no request for data is: up, and of no use.',
  },
  silent_stream_death: {
    ...harmless,
    why: 'Every request is answered; that a stream has died only the runner that reads it can see.',
  },
  data_not_subscribed: {
    ...dataOnly,
    gate: 'open',
    causes: ['not_subscribed'],
    why: 'A missing subscription is an answer, and the trader may mean it: a warning.',
  },
  api_entitlement: {
    ...harmless,
    why: 'History is answered; only quotes, which the gate does not ask for, need the entitlement.',
  },
  hist_no_data: {
    ...dataOnly,
    gate: 'open',
    causes: ['hist_no_data_162'],
    why: 'TWS answers that it has no bars, as for a closed market or a new listing: a warning.',
  },
  pacing_162: {
    ...dataOnly,
    gate: 'open',
    causes: ['pacing_162'],
    why: 'TWS answers that it was asked too often: the way to data works, so that this warns.',
  },
  unknown_symbols: {
    ...dataOnly,
    causes: ['no_secdef_200', 'false_200_during_outage', 'secdef_broken_2157'],
    why: 'Two good symbols are unknown at once: no symbol has data, whatever the reason.',
  },
  clock_skew: {
    ...dataOnly,
    gate: 'open',
    causes: ['clock_skew'],
    why: 'The server time is hours away from ours: a warning, because the connection works.',
  },
  live_account: {
    ...fresh,
    causes: ['account_mode_mismatch'],
    alert: 'passing',
    heals: 'with a restart of TWS',
    why: 'The trader believes to be on paper and the account is a live one: the gate decides it, and the connection itself is healthy.',
  },
  read_only: {
    ...harmless,
    why: 'Only requests about orders are refused, and Robo makes none.',
  },
  http_server: stranger,
  ssh_server: stranger,
  garbage: stranger,
  negative_length_hello: { ...stranger, causes: ['wrong_service', 'decoder_desync'] },
  version_not_a_number: { ...stranger, causes: ['wrong_service', 'decoder_desync'] },
  negative_length: torn,
  huge_length: torn,
  bad_reject_json: { ...harmless, why: 'Robo does not read that field of a message.' },
  slow_bytes: { ...harmless, why: 'Everything is right, one byte at a time.' },
};
