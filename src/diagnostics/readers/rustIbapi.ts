import type { RunnerFact } from '../runnerFacts';
import { shorten } from '../notices';
import { coded, failed, failedFact, failureClass, lost, means } from './clientFacts';
import { quiet } from './quiet';
import type { LinePattern } from './reader';
import { connection, type Guesses, one, sign } from './sign';

/** A peer that closes before the hello: an address that it does not trust, or a start that is not over. */
const rejected: Guesses = [
  { id: 'closed_at_once_untrusted', confidence: 0.6 },
  { id: 'startup_window_reset', confidence: 0.2 },
];
const rejectedAgain: Guesses = [
  { id: 'startup_window_reset', confidence: 0.45 },
  { id: 'closed_at_once_untrusted', confidence: 0.35 },
];

/** What stands before `code] text` where a notice of TWS is logged. */
const noticeWords = [
  'error during account info: [',
  'connectivity: [',
  'warning: [',
  'error: [',
  'notice on subscription: [',
  'by tws error [',
  'error during collect: [',
] as const;

/** Words of HTTP statuses, which other clients print in the same brackets. */
const http =
  '(?!Not Found|Service Unavailable|Bad Gateway|Bad Request|Gateway Time|Internal|Unauth|Forbidden|Too Many|OK\\b)';

/** rust-ibapi of the first to the third generation, and twsapi. */
export const rustIbapiLines: readonly LinePattern[] = [
  ...noticeWords.map((words) =>
    coded(
      words,
      new RegExp(`\\b${words.replace('[', '\\[')}(?<code>\\d{1,5})\\] ${http}(?<text>.*)`, 'i'),
    ),
  ),
  coded(
    'no recipient for',
    /\bno recipient for (?:notice|error) \(id=(?<id>-?\d{1,10})\): \[(?<code>\d{1,5})\] (?<text>.*)/,
  ),
  coded(
    'warning_code: ',
    /\brequest_id: (?<id>-?\d{1,10}), warning_code: (?<code>\d{1,5}), warning_message: (?<text>.*?)(?:, advanced_order_reject_json:.*)?$/,
  ),
  coded(
    'error_code: ',
    /\brequest_id: (?<id>-?\d{1,10}), error_code: (?<code>\d{1,5}), error_message: (?<text>.*?)(?:, advanced_order_reject_json:.*)?$/,
  ),
  // The raw message: version, request, code, text.
  coded(
    'fields: [',
    /\bfields: \["4", "2", "(?<id>-?\d{1,10})", "(?<code>\d{1,5})", "(?<text>[^"]{0,2000})"/,
  ),
  quiet('shutdown signal', /\bReceived shutdown signal, stopping\b/),
  quiet(
    'error reading next message',
    /\berror reading next message.{0,60}: (?:Shutdown|Cancelled)\b/,
  ),
  lost('error reading next message', /\berror reading next message.*/i),
  lost('connection error detected', /\bConnection error detected, attempting to reconnect.*/),
  lost('error processing message', /\bError processing message \(shutting down\).*/),
  quiet('next reconnection attempt', /\bnext reconnection attempt in\b/),
  failed('reconnection attempt', /\breconnection attempt \d{1,4}(?:\/| of )\d{1,6} failed.*/i),
  means('reconnected !!!', /\breconnected !!!/, { kind: 'tcp connected' }),
  means('successfully reconnected to tws', /\bsuccessfully reconnected to TWS/i, {
    kind: 'connected',
  }),
  sign(
    'failed to reconnect',
    /\bfailed to reconnect to TWS\/Gateway: .{0,80}(?:rejecting connections|ConnectionRejected)/i,
    connection,
    rejectedAgain,
  ),
  failed('failed to reconnect', /\bfailed to reconnect to TWS\/Gateway.*/i),
];

/** Errors of the library as programs print them, in a line or as the reason of a panic. */
export const rustErrors: readonly LinePattern[] = [
  sign('rejecting connections', /server may be rejecting connections/i, connection, rejected),
  sign('connectionrejected(', /\bConnectionRejected\(/, connection, rejected),
  sign('connection rejected: ', /\bconnection rejected: /, connection, rejected),
  sign(
    'server version',
    /\bserver version \d{1,5} required, got \d{1,5}/i,
    connection,
    one('server_version_too_old'),
  ),
  sign(
    'serverversion(',
    /\bServerVersion\(\d{1,5}, \d{1,5}, /,
    connection,
    one('server_version_too_old'),
  ),
  sign('time zone not found', /\btime zone not found\b/i, connection, one('timezone_unsupported')),
  sign('unsupportedtimezone', /\bUnsupportedTimeZone\(/, connection, one('timezone_unsupported')),
  sign(
    'unrecognized ib gateway timezone',
    /\bunrecognized IB Gateway timezone\b/,
    connection,
    one('timezone_unsupported'),
  ),
  sign(
    'invalid message length',
    /\bInvalid message length/i,
    connection,
    one('decoder_desync', 0.8),
  ),
  sign('unexpectedwireformat', /\bUnexpectedWireFormat\b/, connection, one('decoder_desync', 0.7)),
  sign(
    'protobuf decode error',
    /\bprotobuf decode error: /,
    connection,
    one('decoder_desync', 0.7),
  ),
  {
    has: 'kind: ',
    pattern: /\bIo\((?:Os|Error|Custom|Kind)\b.{0,20}\bkind: (\w{1,40}).*/,
    read: ([text, kind = '']) => ioFacts(text, kind),
  },
  failed('connectionfailed', /(?:\bError: |: |value: |^)ConnectionFailed\b.*/),
  lost('connectionreset', /(?:\bError: |: |value: |^)ConnectionReset\b.*/),
];

/** A socket that failed: while connecting, or later. */
function ioFacts(text: string, kind: string): readonly RunnerFact[] {
  const isLater = /^(?:ConnectionReset|ConnectionAborted|BrokenPipe|UnexpectedEof|NotConnected)$/;
  return isLater.test(kind) && failureClass(text) !== 'ConnectionRefusedError'
    ? [{ kind: 'connection lost', text: shorten(text) }]
    : [failedFact(text)];
}
