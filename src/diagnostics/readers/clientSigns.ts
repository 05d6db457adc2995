import type { LinePattern } from './reader';
import { connection, one, runner, sign } from './sign';

/** Lines of API clients that point to a cause by themselves. */
export const clientSigns: readonly LinePattern[] = [
  sign('server version information', /Failed to receive server version/i, connection, [
    { id: 'server_version_missing', confidence: 0.5 },
    { id: 'silent_handshake', confidence: 0.4 },
  ]),
  sign('rejecting connections', /server may be rejecting connections/i, connection, [
    { id: 'closed_at_once_untrusted', confidence: 0.6 },
    { id: 'startup_window_reset', confidence: 0.2 },
  ]),
  sign('either closed or broken', /socket either closed or broken/i, connection, [
    { id: 'closed_at_once_untrusted', confidence: 0.35 },
    { id: 'peer_closed_after_startapi', confidence: 0.3 },
  ]),
  sign('api is not accepted', /API is not accepted/i, connection, one('silent_accept_dialog')),
  sign(
    'already in use',
    /client ?id\b.{0,20}\balready in use(?!\?)/i,
    connection,
    one('client_id_in_use_326'),
  ),
  sign(
    'request timed out',
    /\b(?:positions|orders|executions|account updates|summary).{0,40} request timed out/i,
    connection,
    one('sync_request_timeout', 0.8),
  ),
  sign(
    'event loop',
    /event loop is (?:already running|closed)|attached to a different (?:event )?loop|no current event loop/i,
    runner,
    one('event_loop_misuse', 0.8),
  ),
  sign('time zone not found', /Time zone not found/i, connection, one('timezone_unsupported')),
  sign(
    'missing',
    /missing \d{1,2} required positional argument/,
    runner,
    one('client_lib_mismatch', 0.6),
  ),
  sign(
    'not supported between',
    /not supported between instances of 'NoneType' and 'int'/,
    runner,
    one('client_lib_mismatch', 0.5),
  ),
  sign(
    'no module named',
    /No module named '?(?:ib_async|ib_insync|ibapi|nest_asyncio)/,
    runner,
    one('client_lib_mismatch', 0.8),
  ),
  sign('data left on queue', /unprocessed data left on queue/i, connection, one('decoder_desync')),
  sign('invalid message length', /Invalid message length/i, connection, one('decoder_desync', 0.8)),
  sign(
    'numberformatexception',
    /NumberFormatException: For input string/,
    connection,
    one('malformed_request_320'),
  ),
  sign(
    'connection threshold',
    /maximum API connection threshold/i,
    connection,
    one('max_clients_32', 0.5),
  ),
  sign(
    'update dropped',
    /Not connected; update dropped/i,
    connection,
    one('fills_dropped_during_1100'),
  ),
  sign(
    'paper trading disclaimer',
    /disclaimer must first be accepted/i,
    connection,
    one('paper_disclaimer_10141'),
  ),
  sign('pacing violation', /\bpacing violation\b/i, connection, one('pacing_162')),
];
