import type { Adjustment } from '../ranking';
import type { Stage } from '../situation';
import type { ConnectionRule } from './rule';

const silentWhy = 'TCP was accepted and the hello has not been answered';
const notReadyWhy = 'the hello was answered, and accounts or next valid id are missing';
const unansweredWhy = 'the server time is no longer answered';

/** A port on which nobody listens, tried or only looked at. */
function closedCauses(why: string): readonly Adjustment[] {
  return [
    { cause: 'port_refused', add: 5, why },
    { cause: 'port_mode_mismatch', add: 2.2, why: 'TWS may listen on another port' },
    { cause: 'startup_window_reset', add: 2, why: 'TWS may be starting' },
    { cause: 'twofa_timeout', add: 1.8, why: 'a login or second factor may be waiting' },
  ];
}

/** What each stage is compatible with before any other evidence is looked at. */
const stageCauses: Readonly<Partial<Record<Stage, readonly Adjustment[]>>> = {
  'name unknown': [
    { cause: 'bad_host', add: 10, why: 'the name does not resolve', isConclusive: true },
  ],
  refused: closedCauses('the connection was refused: nobody listened'),
  silent: [
    { cause: 'silent_handshake', add: 3, why: silentWhy },
    { cause: 'silent_accept_dialog', add: 1.5, why: `${silentWhy}, as while a dialog waits` },
    { cause: 'silent_modal_dialog', add: 1, why: `${silentWhy}, as while a notice is open` },
    { cause: 'silent_api_not_enabled', add: 0.4, why: silentWhy },
    { cause: 'wedged_close_wait', add: 0.4, why: silentWhy },
    { cause: 'accept_queue_wedge', add: 0.3, why: silentWhy },
  ],
  'not tws': [
    {
      cause: 'wrong_service',
      add: 20,
      why: 'the first bytes are not those of the TWS API',
      isConclusive: true,
    },
  ],
  'unsupported version': [
    {
      cause: 'server_version_too_old',
      add: 20,
      why: 'the version in the hello is outside what Robo speaks',
      isConclusive: true,
    },
  ],
  malformed: [
    {
      cause: 'decoder_desync',
      add: 20,
      why: 'the answers began as those of TWS, and then the stream lost its frames',
      isConclusive: true,
    },
  ],
  'not ready': [
    { cause: 'partial_handshake_no_next_valid_id', add: 5, why: notReadyWhy },
    { cause: 'silent_modal_dialog', add: 1.5, why: notReadyWhy },
    { cause: 'tws_server_broken_2110', add: 0.5, why: notReadyWhy },
  ],
  'closed after start': [
    {
      cause: 'peer_closed_after_startapi',
      add: 4,
      why: 'TWS closed after the hello and gave no code',
    },
    { cause: 'client_id_in_use_326', add: 1.5, why: 'a taken client id ends like this' },
    { cause: 'paper_disclaimer_10141', add: 0.7, why: 'an open paper disclaimer ends like this' },
    { cause: 'startup_window_reset', add: 0.7, why: 'a restart of TWS ends like this' },
  ],
  unanswered: [
    { cause: 'half_open_zombie', add: 4, why: unansweredWhy },
    { cause: 'gateway_frozen', add: 2.5, why: unansweredWhy },
    { cause: 'relogin_hang', add: 1.5, why: unansweredWhy },
  ],
  lost: [
    { cause: 'tws_daily_restart_drop', add: 4, why: 'TWS ended a session that had been ready' },
    { cause: 'half_open_zombie', add: 0.7, why: 'the connection broke' },
  ],
};

/** EAI_AGAIN: the name service gave no answer, so nothing is known of the name (law 4). */
const nameServiceSilent: readonly Adjustment[] = [
  { cause: 'bad_host', add: 4, why: 'the name could not be looked up; it may be wrong' },
  {
    cause: 'tcp_timeout_unreachable',
    add: 3.5,
    why: 'the name service does not answer: the network may be down',
  },
];

/** How far the attempt came. */
export const stageRule: ConnectionRule = {
  name: 'stage',
  judge: ({ stage, listeners, situation }) => {
    if (stage === 'not tried' && listeners?.length === 0) {
      return closedCauses(`nobody listens on port ${situation.endpoint.port}`);
    }
    const end = situation.connection?.end;
    return end?.kind === 'not connected' && end.code === 'EAI_AGAIN'
      ? nameServiceSilent
      : (stageCauses[stage] ?? []);
  },
};

const cutWhy = 'a part of a hello came, which TWS sends in one piece, and not the rest';

/** Bytes that could be the beginning of a hello, and nothing behind them: no dialog does that. */
export const unfinishedHello: ConnectionRule = {
  name: 'unfinished hello',
  judge: ({ stage, situation }) =>
    stage === 'silent' && situation.connection?.isHelloBegun === true
      ? [
          { cause: 'wrong_service', add: 8, why: cutWhy },
          { cause: 'silent_accept_dialog', times: 0.2, why: cutWhy },
          { cause: 'silent_modal_dialog', times: 0.2, why: cutWhy },
          { cause: 'silent_api_not_enabled', times: 0.2, why: cutWhy },
          { cause: 'accept_queue_wedge', times: 0.2, why: cutWhy },
        ]
      : [],
};
