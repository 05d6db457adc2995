import { HumanError } from '../core/errors';
import { withLength } from './wire';

/** A TWS message that belongs to no request (id -1). */
export interface Notice {
  readonly code: number;
  readonly text: string;
}

/** How a kind of request ends: with its answer, with nothing, or with an error message. */
export type Outcome = 'answer' | 'silence' | Notice;

/** A program that is not TWS. It says something, and then keeps or closes the connection. */
export interface Stranger {
  readonly speaks: 'at_once' | 'when_spoken_to';
  readonly bytes: Buffer;
  readonly then: 'hold' | 'close';
}

/** Everything in which a faulty TWS can differ from a healthy one. */
export interface Behaviour {
  readonly listens: boolean;
  readonly accept: 'serve' | 'close' | 'reset' | Stranger;
  readonly hello: 'answer' | 'hold';
  /** Stands for the server version in the answer to the hello. */
  readonly versionText: string | undefined;
  /** Stands for the frame that answers the hello. */
  readonly helloBytes: Buffer | undefined;
  /** Stands for the zone's name in the answer to the hello; raw, as Windows writes it. */
  readonly zoneBytes: Buffer | undefined;
  readonly start:
    | 'ready'
    | 'twice'
    | 'nothing'
    | 'accounts_only'
    | 'next_id_only'
    | 'close'
    | 'id_in_use'
    | 'paper_disclaimer';
  /** Nothing read is acted upon: never, once a session is ready, or at all. */
  readonly frozen: 'never' | 'when_ready' | 'always';
  readonly contracts: Outcome;
  readonly history: Outcome;
  readonly marketData: Outcome;
  readonly streams: 'flow' | 'stop';
  readonly openOrders: 'answer' | 'read_only';
  /** Said to every ready session, and after the start-up of a new one, while the fault lasts. */
  readonly notices: readonly Notice[];
  /** The notices are said again each time this has passed. */
  readonly repeatMs: number | undefined;
  /** Farm notices that are left out of a start-up, by code. */
  readonly missingFarms: readonly number[];
  /** Said to every ready session when the fault is over. */
  readonly healNotices: readonly Notice[];
  readonly healStopsStreams: boolean;
  /** Raw bytes behind the start-up of each session, and to the ready ones at once. */
  readonly poison: Buffer | undefined;
  /** What happens to open connections when the fault begins, and when it ends. */
  readonly living: 'keep' | 'close' | 'reset';
  readonly afterwards: 'keep' | 'reset';
  /** A client's close is not noticed: our side stays in CLOSE_WAIT. */
  readonly ignoresClose: boolean;
  readonly oneByteAtATime: boolean;
  /** Added to the server time. */
  readonly clockSkewMs: number;
  readonly accounts: readonly string[] | undefined;
}

/** The behaviour of a TWS with nothing wrong. */
export const healthyBehaviour: Behaviour = {
  listens: true,
  accept: 'serve',
  hello: 'answer',
  versionText: undefined,
  helloBytes: undefined,
  zoneBytes: undefined,
  start: 'ready',
  frozen: 'never',
  contracts: 'answer',
  history: 'answer',
  marketData: 'answer',
  streams: 'flow',
  openOrders: 'answer',
  notices: [],
  repeatMs: undefined,
  missingFarms: [],
  healNotices: [],
  healStopsStreams: false,
  poison: undefined,
  living: 'keep',
  afterwards: 'keep',
  ignoresClose: false,
  oneByteAtATime: false,
  clockSkewMs: 0,
  accounts: undefined,
};

export interface Fault {
  readonly name: string;
  /** What a client meets. */
  readonly description: string;
  /** Ids of the catalogue of causes that look like this on the wire, the plainest first. */
  readonly causes: readonly string[];
  /** What becomes of the connections that are open when the fault is switched on. */
  readonly living: string;
  readonly behaviour: Behaviour;
}

const untouched = 'Open connections go on as before.';
const atOnce = 'Applies to open sessions at once.';

function fault(
  name: string,
  causes: readonly string[],
  [description, living]: readonly [string, string],
  difference: Partial<Behaviour> = {},
): Fault {
  return {
    ...{ name, description, causes, living },
    behaviour: { ...healthyBehaviour, ...difference },
  };
}

const unsubscribed = 'Requested market data is not subscribed.Delayed market data is available.';
const historyError = 'Historical Market Data Service error message:';
const lost = 'Connectivity between IBKR and Trader Workstation has been lost.';
const restored = 'Connectivity between IBKR and Trader Workstation has been restored - ';
const restoredAll =
  'Connectivity between IB and Trader Workstation has been restored - data maintained. ' +
  'All data farms are connected: usfarm; ushmds; secdefil.';

/** The farms that a healthy session reports, under the codes of their good news. */
export const farmNotices: readonly Notice[] = [
  { code: 2104, text: 'Market data farm connection is OK:usfarm' },
  { code: 2106, text: 'HMDS data farm connection is OK:ushmds' },
  { code: 2158, text: 'Sec-def data farm connection is OK:secdefil' },
];
const [marketFarmOk, historyFarmOk, secdefFarmOk] = farmNotices.map((notice) => [notice]);

const silent: readonly Fault[] = [
  fault(
    'silent_handshake',
    [
      'silent_handshake',
      'silent_accept_dialog',
      'silent_modal_dialog',
      'silent_api_not_enabled',
      'ipv6_trusted_ip_mismatch',
      'server_version_missing',
      'wsl_docker_network',
    ],
    [
      'Accepts, and does not answer the hello. Healed, it answers every hello still held, as after a click on Accept.',
      untouched,
    ],
    { hello: 'hold' },
  ),
  fault(
    'wedged_close_wait',
    ['wedged_close_wait', 'self_inflicted_probe_zombies', 'accept_queue_wedge'],
    [
      'Accepts, answers nobody, and never notices that a client closed: CLOSE_WAIT sockets pile up. Healed like a restart: every open connection is reset.',
      'Open sessions get no more answers.',
    ],
    { hello: 'hold', frozen: 'always', ignoresClose: true, afterwards: 'reset' },
  ),
  fault(
    'gateway_frozen',
    ['gateway_frozen', 'relogin_hang'],
    [
      'The port accepts, nothing is answered, as with a stopped process. Healed, it takes up what it was sent meanwhile.',
      'Open sessions get no more answers until it heals.',
    ],
    { hello: 'hold', frozen: 'always', streams: 'stop' },
  ),
  fault(
    'frozen_ready',
    ['gateway_frozen', 'relogin_hang', 'half_open_zombie'],
    [
      'Handshakes complete, then no request is answered, server time included. Healed, it takes up what it was sent meanwhile.',
      'Open sessions get no more answers until it heals.',
    ],
    { frozen: 'when_ready', streams: 'stop' },
  ),
];

const closing: readonly Fault[] = [
  fault(
    'refused',
    ['port_refused', 'port_mode_mismatch', 'twofa_timeout'],
    [
      'Nothing listens. Healed, it listens on the same port again.',
      'Open connections are closed, as by a TWS that ends.',
    ],
    { listens: false, living: 'close' },
  ),
  fault(
    'close_on_accept',
    ['closed_at_once_untrusted', 'proxy_upstream_refused'],
    ['Closes (FIN) before any byte.', untouched],
    { accept: 'close' },
  ),
  fault('reset_on_accept', ['startup_window_reset'], ['Resets (RST) before any byte.', untouched], {
    accept: 'reset',
  }),
  fault(
    'close_after_start',
    ['peer_closed_after_startapi', 'bad_length_507'],
    ['Answers the hello and closes (FIN) after START_API, without a word.', untouched],
    { start: 'close' },
  ),
  fault(
    'client_id_in_use',
    ['client_id_in_use_326', 'duplicate_runner'],
    ['Every client id is in use: message 326, and closed about 0.7 s later.', untouched],
    { start: 'id_in_use' },
  ),
  fault(
    'paper_disclaimer',
    ['paper_disclaimer_10141'],
    ['Message 10141 after START_API, then closed.', untouched],
    { start: 'paper_disclaimer' },
  ),
  fault(
    'drop',
    ['tws_daily_restart_drop'],
    [
      'Closes (FIN) all open connections once, then serves as usual.',
      'Open connections are closed.',
    ],
    { living: 'close' },
  ),
  fault(
    'drop_reset',
    ['tws_daily_restart_drop', 'startup_window_reset'],
    [
      'Resets (RST) all open connections once, then serves as usual.',
      'Open connections are reset.',
    ],
    { living: 'reset' },
  ),
  fault(
    'port_reset',
    ['port_reset_1300'],
    [
      'Message 1300 names port 7499, and the connection is closed, for new sessions as well.',
      'Open sessions get message 1300 and are closed.',
    ],
    {
      living: 'close',
      start: 'close',
      notices: [
        {
          code: 1300,
          text: 'TWS socket port has been reset and this connection is being dropped. Please reconnect on the new port - 7499',
        },
      ],
    },
  ),
];

const halfReady: readonly Fault[] = [
  fault(
    'version_only',
    ['silent_modal_dialog', 'partial_handshake_no_next_valid_id'],
    ['Answers the hello, then stays silent. Healed, it completes the start-up.', untouched],
    { start: 'nothing' },
  ),
  fault(
    'accounts_only',
    ['partial_handshake_no_next_valid_id'],
    ['Sends managed accounts, no next valid id. Healed, it completes the start-up.', untouched],
    { start: 'accounts_only' },
  ),
  fault(
    'next_id_only',
    ['partial_handshake_no_next_valid_id'],
    ['Sends the next valid id, no accounts. Healed, it completes the start-up.', untouched],
    { start: 'next_id_only' },
  ),
  fault(
    'version_too_old',
    ['server_version_too_old'],
    ['Answers the hello with server version 76, then stays silent.', untouched],
    { versionText: '76', start: 'nothing' },
  ),
  fault(
    'startup_twice',
    [],
    ['Harmless: accounts and next valid id come twice, and the id goes down.', untouched],
    { start: 'twice' },
  ),
  fault(
    'odd_time_zone',
    ['timezone_unsupported'],
    ['Harmless: the hello names its time zone in Latin-1 bytes, with blanks.', untouched],
    { zoneBytes: Buffer.from('Mitteleurop\u00e4ische Zeit', 'latin1') },
  ),
];

const upstream: readonly Fault[] = [
  fault(
    'upstream_lost',
    ['upstream_lost_1100', 'nightly_reset', 'outage_outlives_reset_window', 'restored_1102'],
    [
      'TWS lost IBKR: message 1100, again every minute; time is answered, data is not. Healed with 1102, data maintained.',
      atOnce,
    ],
    { ...lostUpstream(), healNotices: [{ code: 1102, text: restoredAll }, ...farmNotices] },
  ),
  fault(
    'upstream_lost_data',
    ['upstream_lost_1100', 'restored_data_lost_1101'],
    [
      'As upstream_lost, but healed with 1101, data lost: streams do not come back by themselves.',
      atOnce,
    ],
    {
      ...lostUpstream(),
      healNotices: [{ code: 1101, text: `${restored}data lost.` }, ...farmNotices],
      healStopsStreams: true,
    },
  ),
  fault(
    'upstream_partial',
    ['upstream_lost_1100', 'restored_partial_farms'],
    ['As upstream_lost, but the 1102 that heals it names a farm as not connected.', atOnce],
    {
      ...lostUpstream(),
      healNotices: [
        {
          code: 1102,
          text: `${restored}data maintained. The following farms are not connected: ushmds.`,
        },
      ],
    },
  ),
  fault(
    'server_broken',
    ['tws_server_broken_2110'],
    ['Message 2110: no link from TWS to its server, no data.', atOnce],
    {
      ...lostUpstream(),
      repeatMs: undefined,
      notices: [
        {
          code: 2110,
          text: 'Connectivity between Trader Workstation and server is broken. It will be restored automatically.',
        },
      ],
      healNotices: farmNotices,
    },
  ),
  fault(
    'farm_broken',
    ['farm_broken_2103', 'farm_flap'],
    ['Message 2103: no quotes and no streams; history flows. Healed with 2104.', atOnce],
    {
      notices: [{ code: 2103, text: 'Market data farm connection is broken:usfarm' }],
      ...{ marketData: 'silence', streams: 'stop', missingFarms: [2104] },
      healNotices: marketFarmOk ?? [],
    },
  ),
  fault(
    'hmds_broken',
    ['hmds_broken_2105', 'hist_timeout'],
    ['Message 2105: history is not answered; quotes flow. Healed with 2106.', atOnce],
    {
      notices: [{ code: 2105, text: 'HMDS data farm connection is broken:ushmds' }],
      ...{ history: 'silence', missingFarms: [2106] },
      healNotices: historyFarmOk ?? [],
    },
  ),
  fault(
    'secdef_broken',
    ['secdef_broken_2157', 'false_200_during_outage'],
    ['Message 2157: good symbols are answered with error 200. Healed with 2158.', atOnce],
    {
      notices: [{ code: 2157, text: 'Sec-def data farm connection is broken:secdefil' }],
      contracts: {
        code: 200,
        text: 'No security definition has been found for the request',
      },
      missingFarms: [2158],
      healNotices: secdefFarmOk ?? [],
    },
  ),
  fault(
    'competing_session',
    ['competing_session_10197', 'different_ip_session'],
    ['The same user trades elsewhere: quotes get 10197, history gets 162.', atOnce],
    {
      streams: 'stop',
      marketData: { code: 10197, text: 'No market data during competing live session' },
      history: {
        code: 162,
        text: `${historyError}Trading TWS session is connected from a different IP address`,
      },
    },
  ),
];

const data: readonly Fault[] = [
  fault(
    'no_data',
    ['hist_timeout', 'sync_request_timeout', 'silent_stream_death'],
    ['Time and accounts are answered; contracts, history and quotes never are.', atOnce],
    { contracts: 'silence', history: 'silence', marketData: 'silence', streams: 'stop' },
  ),
  fault(
    'silent_stream_death',
    ['silent_stream_death'],
    ['Every request is answered, but subscriptions bring nothing more.', atOnce],
    { streams: 'stop' },
  ),
  fault(
    'data_not_subscribed',
    ['not_subscribed'],
    ['No permission: quotes get 354, history gets 162.', atOnce],
    {
      marketData: { code: 354, text: unsubscribed },
      history: { code: 162, text: `${historyError}No market data permissions for NYSE STK` },
    },
  ),
  fault(
    'api_entitlement',
    ['api_entitlement_10089'],
    ['Quotes get 10089: the subscription does not cover the API.', atOnce],
    {
      marketData: {
        code: 10089,
        text: "Requested market data requires additional subscription for API. See link in 'Market Data Connections' dialog for more details.",
      },
    },
  ),
  fault(
    'hist_no_data',
    ['hist_no_data_162'],
    ['History gets 162, query returned no data.', atOnce],
    {
      history: {
        code: 162,
        text: `${historyError}HMDS query returned no data: {symbol}@SMART Trades`,
      },
    },
  ),
  fault('pacing_162', ['pacing_162'], ['History gets 162, pacing violation.', atOnce], {
    history: { code: 162, text: `${historyError}Historical data request pacing violation` },
  }),
  fault(
    'unknown_symbols',
    ['no_secdef_200'],
    ['Every symbol gets error 200.', atOnce],
    allOf({ code: 200, text: 'No security definition has been found for the request' }),
  ),
  fault('clock_skew', ['clock_skew'], ['The server time is three hours ahead.', atOnce], {
    clockSkewMs: 3 * 3_600_000,
  }),
  fault(
    'live_account',
    ['account_mode_mismatch', 'port_mode_mismatch'],
    ['The account behind the port is a live one, U1234567.', atOnce],
    { accounts: ['U1234567'] },
  ),
  fault(
    'read_only',
    ['read_only_321'],
    ['Requests about open orders get 321 (orders always do), the rest is answered.', atOnce],
    { openOrders: 'read_only' },
  ),
];

const strangers: readonly Fault[] = [
  stranger('http_server', 'An HTTP server: 400 Bad Request, then closed.', {
    speaks: 'when_spoken_to',
    bytes: Buffer.from(
      'HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
    ),
    then: 'close',
  }),
  stranger('tls_server', 'A TLS server: closes when it reads the hello.', {
    speaks: 'when_spoken_to',
    bytes: Buffer.alloc(0),
    then: 'close',
  }),
  stranger('ssh_server', 'An SSH server: its banner, then silence.', {
    speaks: 'at_once',
    bytes: Buffer.from('SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n'),
    then: 'hold',
  }),
  stranger('garbage', '64 bytes 0xFF, then silence.', {
    speaks: 'at_once',
    bytes: Buffer.alloc(64, 0xff),
    then: 'hold',
  }),
];

const hostile: readonly Fault[] = [
  fault(
    'negative_length_hello',
    ['wrong_service', 'decoder_desync'],
    ['Answers the hello with a length prefix of -4.', untouched],
    { helloBytes: Buffer.from('fffffffc0000000000000000', 'hex') },
  ),
  fault(
    'version_not_a_number',
    ['wrong_service', 'decoder_desync'],
    ['Answers the hello with a well-formed frame that holds no number.', untouched],
    { versionText: 'hello', start: 'nothing' },
  ),
  fault(
    'negative_length',
    ['decoder_desync'],
    ['Once a session is ready, a length prefix of -4 comes.', atOnce],
    { poison: Buffer.from('fffffffc0000000000000000', 'hex') },
  ),
  fault(
    'huge_length',
    ['decoder_desync'],
    ['Once a session is ready, a length prefix of 2147483647 comes.', atOnce],
    { poison: Buffer.from('7fffffff3439003100', 'hex') },
  ),
  fault(
    'bad_reject_json',
    ['decoder_desync'],
    ['Once a session is ready, a notice comes whose JSON field is no JSON.', atOnce],
    {
      poison: withLength(Buffer.from('4\x002\x00-1\x002104\x00Market data farm\x00{not json\x00')),
    },
  ),
  fault('slow_bytes', [], ['Harmless: everything is right, one byte at a time.', atOnce], {
    oneByteAtATime: true,
  }),
];

/** Every fault, `none` first. */
export const faults: readonly Fault[] = [
  fault('none', [], ['Nothing is wrong.', 'Whatever the last fault withheld is made up for.']),
  ...silent,
  ...closing,
  ...halfReady,
  ...upstream,
  ...data,
  ...strangers,
  ...hostile,
];

function lostUpstream(): Partial<Behaviour> {
  return {
    ...{ contracts: 'silence', history: 'silence', marketData: 'silence', streams: 'stop' },
    notices: [{ code: 1100, text: lost }],
    repeatMs: 60_000,
    missingFarms: farmNotices.map((notice) => notice.code),
  };
}

function allOf(outcome: Outcome): Partial<Behaviour> {
  return { contracts: outcome, history: outcome, marketData: outcome };
}

function stranger(name: string, description: string, accept: Stranger): Fault {
  return fault(name, ['wrong_service'], [description, untouched], { accept });
}

/**
 * The fault of that name, or the first one that stands for the cause of that name.
 * @throws HumanError that names the nearest faults.
 */
export function faultNamed(text: string): Fault {
  const wanted = text.trim();
  const found =
    faults.find((entry) => entry.name === wanted) ??
    faults.find((entry) => entry.causes[0] === wanted) ??
    faults.find((entry) => entry.causes.includes(wanted));
  if (found === undefined) {
    throw new HumanError(
      `"${wanted}" is no fault of the simulator; the nearest are ${nearest(wanted).join(', ')}. See: robo simulate --list`,
    );
  }
  return found;
}

function nearest(wanted: string): readonly string[] {
  const distanceTo = (name: string): number =>
    name.includes(wanted) && wanted.length > 2 ? 0 : editDistance(wanted, name);
  return faults
    .map((entry) => ({ name: entry.name, distance: distanceTo(entry.name) }))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, 3)
    .map((entry) => entry.name);
}

/** Insertions, deletions and replacements between two words (Levenshtein). */
function editDistance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (const [at, letter] of Array.from(left.slice(0, 64)).entries()) {
    const next = [at + 1];
    for (const [index, other] of Array.from(right).entries()) {
      const replaced = (row[index] ?? 0) + (letter === other ? 0 : 1);
      next.push(Math.min((row[index + 1] ?? 0) + 1, (next[index] ?? 0) + 1, replaced));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
