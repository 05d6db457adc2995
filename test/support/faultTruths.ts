import type { CauseId } from '../../src/diagnostics/causeIds';
import type { Layer } from '../../src/diagnostics/finding';
import type { SituationName } from './evidenceSituations';
import type { Reach } from './faultRecordings';

/**
 * What is right to say about a fault, written by hand from the catalogue of failures; nothing
 * here is taken from what the rules answer. Where several causes stand, the evidence does not
 * tell them apart: each may come first, and none may be stated with confidence (0.7 or more).
 */
export interface Truth {
  readonly reach: Reach;
  /** Undefined where a pre-flight rightly finds nothing. */
  readonly layer: Layer | undefined;
  readonly usual: readonly CauseId[];
  /** Where the tables of the machine change what is right. */
  readonly but?: Readonly<Partial<Record<SituationName, readonly CauseId[]>>>;
  readonly layerBut?: Readonly<Partial<Record<SituationName, Layer>>>;
  readonly why: string;
}

/** Faults 3, 4 of the simulator's kinds look alike on the wire: the umbrella, unless seen outside. */
const silence: Truth = {
  reach: 'connected',
  layer: 'hello',
  usual: ['silent_handshake'],
  but: {
    'TWS young': ['silent_handshake', 'startup_window_reset'],
    'dead connections': ['wedged_close_wait'],
    'not accepted': ['accept_queue_wedge'],
    forwarder: ['proxy_upstream_timeout', 'silent_handshake'],
    'another client': ['silent_accept_dialog', 'silent_handshake'],
    stopped: ['gateway_frozen'],
    'foreign program': ['wrong_service', 'proxy_upstream_timeout'],
  },
  layerBut: { 'dead connections': 'sockets' },
  why: 'On the wire every silence is the same; only dead connections, a queue, a stopped process or the owner of the port tell more (rules 1, 4 to 7).',
};

const hangUp: Truth = {
  reach: 'ended',
  layer: 'hello',
  usual: ['closed_at_once_untrusted', 'startup_window_reset'],
  but: {
    'TWS young': ['startup_window_reset', 'closed_at_once_untrusted'],
    forwarder: ['proxy_upstream_refused'],
    'foreign program': ['wrong_service', 'proxy_upstream_refused'],
    'owner hidden': [
      'closed_at_once_untrusted',
      'startup_window_reset',
      'proxy_upstream_refused',
      'wrong_service',
    ],
    'tables blind': ['closed_at_once_untrusted', 'startup_window_reset', 'wrong_service'],
  },
  why: 'Who closes at once is told by who owns the port and how old it is (rules 1 and 3); a TLS server looks like this too, and only its process says so.',
};

const refused: Truth = {
  reach: 'refused',
  layer: 'port',
  usual: ['port_refused', 'twofa_timeout'],
  but: {
    'TWS young': ['startup_window_reset', 'twofa_timeout'],
    'other port too': ['port_mode_mismatch', 'port_refused'],
    stopped: ['gateway_frozen', 'port_refused'],
    forwarder: ['port_refused'],
    'foreign program': ['port_refused'],
    'owner hidden': ['port_refused'],
    'tables blind': ['port_refused', 'startup_window_reset'],
  },
  layerBut: { 'tables blind': 'tcp' },
  why: 'Nobody listens. A young TWS is starting or at its login, an old one has its API off or waits for the second factor, and without a TWS process it is not running.',
};

const notReady: Truth = {
  reach: 'version',
  layer: 'ready',
  usual: ['partial_handshake_no_next_valid_id', 'silent_modal_dialog'],
  but: {
    'TWS young': [
      'partial_handshake_no_next_valid_id',
      'silent_modal_dialog',
      'startup_window_reset',
    ],
    stopped: ['gateway_frozen'],
  },
  why: 'The hello was answered, so the address is trusted and the API is on; TWS is half started, or a notice blocks it.',
};

const unanswered: Truth = {
  reach: 'open',
  layer: 'clock',
  usual: ['gateway_frozen', 'relogin_hang', 'half_open_zombie'],
  but: {
    stopped: ['gateway_frozen'],
    'not accepted': ['gateway_frozen', 'relogin_hang'],
  },
  why: 'A session that was ready answers nothing. Only a stopped process proves why.',
};

const lost: Truth = {
  reach: 'dropped',
  layer: 'tcp',
  usual: ['tws_daily_restart_drop', 'half_open_zombie', 'port_refused'],
  why: 'A ready session was ended without a word; the time of day, not the tables, would tell a restart.',
};

function coded(layer: Layer, cause: CauseId, reach: Reach = 'ended', why = 'TWS says it by code.') {
  return { reach, layer, usual: [cause], why } satisfies Truth;
}

function harmless(why: string): Truth {
  return { reach: 'open', layer: undefined, usual: [], why };
}

function foreignBytes(why: string): Truth {
  return { reach: 'ended', layer: 'hello', usual: ['wrong_service'], why };
}

const torn: Truth = {
  reach: 'dropped',
  layer: 'clock',
  usual: ['decoder_desync'],
  why: 'TWS had been ready and then sent bytes that are no frame.',
};

/** Every fault of the simulator. */
export const truths: Readonly<Record<string, Truth>> = {
  none: harmless('Nothing is wrong.'),
  silent_handshake: silence,
  wedged_close_wait: silence,
  gateway_frozen: silence,
  frozen_ready: unanswered,
  refused,
  close_on_accept: hangUp,
  reset_on_accept: {
    ...hangUp,
    why: 'As a close, but a reset is more often a TWS that is starting; an old TWS that resets may be restarting or not trust us.',
  },
  tls_server: hangUp,
  close_after_start: {
    reach: 'ended',
    layer: 'ready',
    usual: ['peer_closed_after_startapi', 'client_id_in_use_326'],
    but: { 'TWS young': ['peer_closed_after_startapi', 'startup_window_reset'] },
    why: 'Closed after the hello without a code: the id is only a guess (rule 8).',
  },
  client_id_in_use: coded('ready', 'client_id_in_use_326'),
  paper_disclaimer: coded('ready', 'paper_disclaimer_10141'),
  port_reset: coded('ready', 'port_reset_1300'),
  drop: lost,
  drop_reset: lost,
  version_only: notReady,
  accounts_only: { ...notReady, reach: 'accounts' },
  next_id_only: { ...notReady, reach: 'next id' },
  version_too_old: coded('hello', 'server_version_too_old', 'ended', 'The hello names version 76.'),
  startup_twice: harmless('Accounts and id may come twice.'),
  odd_time_zone: harmless('The zone is a name of the system, in any encoding.'),
  upstream_lost: coded('data', 'upstream_lost_1100', 'open'),
  upstream_lost_data: coded('data', 'upstream_lost_1100', 'open'),
  upstream_partial: coded('data', 'upstream_lost_1100', 'open'),
  server_broken: coded('data', 'tws_server_broken_2110', 'open'),
  farm_broken: coded('data', 'farm_broken_2103', 'open'),
  hmds_broken: coded('data', 'hmds_broken_2105', 'open'),
  secdef_broken: {
    ...coded('data', 'false_200_during_outage', 'open'),
    why: 'Good symbols get 200 while 2157 says that the definition farm is away.',
  },
  competing_session: coded('data', 'different_ip_session', 'open', 'The text of the 162 says it.'),
  no_data: {
    reach: 'open',
    layer: 'data',
    usual: ['hist_timeout', 'hmds_broken_2105', 'upstream_lost_1100'],
    why: 'The server time is answered and no request for data is, without a word from TWS.',
  },
  silent_stream_death: harmless(
    'A pre-flight opens no stream: only the age of what the runner gets shows it.',
  ),
  data_not_subscribed: coded('data', 'not_subscribed', 'open', 'The text of the 162 says it.'),
  api_entitlement: harmless('History is answered; only quotes, which are not asked, get 10089.'),
  hist_no_data: coded('data', 'hist_no_data_162', 'open', 'The text of the 162 says it.'),
  pacing_162: coded('data', 'pacing_162', 'open', 'The text of the 162 says it.'),
  unknown_symbols: {
    reach: 'open',
    layer: 'data',
    usual: ['no_secdef_200', 'false_200_during_outage', 'secdef_broken_2157'],
    why: 'Two good symbols are unknown at once, and no farm is said to be away.',
  },
  clock_skew: coded('clock', 'clock_skew', 'open', 'The server time is three hours ahead.'),
  live_account: coded('account', 'account_mode_mismatch', 'open', 'A U account on the paper port.'),
  read_only: harmless('Only requests about orders are refused, and Robo makes none.'),
  http_server: foreignBytes('The bytes are HTTP (rule 2).'),
  ssh_server: foreignBytes('The bytes are an SSH banner (rule 2).'),
  garbage: foreignBytes('The bytes are no frame (rule 2).'),
  negative_length_hello: foreignBytes('A frame of negative length is not TWS.'),
  version_not_a_number: foreignBytes('A hello without a version is not TWS.'),
  negative_length: torn,
  huge_length: torn,
  bad_reject_json: harmless('Robo does not read that field.'),
  slow_bytes: harmless('Everything is right, one byte at a time.'),
};
