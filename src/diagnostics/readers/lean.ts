import { shorten } from '../notices';
import type { RunnerFact } from '../runnerFacts';
import { failed, failedFact, failureClass, lost, means, twsFact } from './clientFacts';
import { quiet } from './quiet';
import type { LinePattern } from './reader';
import { connection, type Guesses, one, process, runner, sign } from './sign';

/** The class of Lean that talks to TWS; its older lines use two colons. */
const broker = 'InteractiveBrokersBrokerage(?:\\.|::)';

function at(method: string, words = ''): RegExp {
  return new RegExp(`\\b${broker}${method}\\(\\):? ?${words}`);
}

/** What IBAutomater's start ended with. */
const startErrors: readonly (readonly [string, Guesses])[] = [
  ['LoginFailed', one('login_failed')],
  ['LoginFailedAccountTasksRequired', one('login_failed', 0.7)],
  ['ExistingSessionDetected', one('existing_session_relogin')],
  ['SecurityDialogDetected', one('login_failed', 0.5)],
  ['UnsupportedVersion', one('version_desupported_2172', 0.6)],
  ['TwoFactorConfirmationTimeout', one('twofa_timeout')],
  ['2FAAuthRequired', one('twofa_timeout', 0.8)],
  [
    'InitializationTimeout',
    [
      { id: 'twofa_timeout', confidence: 0.4 },
      { id: 'login_failed', confidence: 0.25 },
    ],
  ],
  ['JavaException', one('gateway_frozen', 0.4)],
];

/** QuantConnect's Lean with its Interactive Brokers brokerage. */
export const leanLines: readonly LinePattern[] = [
  {
    has: 'interactivebrokersbrokerage(): host:',
    pattern: at('InteractiveBrokersBrokerage', 'Host: ([\\w.:-]{1,253}), Port: (\\d{1,5})'),
    read: ([, host = '', port]) => [{ kind: 'connecting', host, port: Number(port) }],
  },
  {
    has: 'api client connected [',
    pattern: /\bAPI client connected \[Server Version: (\d{1,5})\]/,
    read: ([, version]) => [{ kind: 'hello', serverVersion: Number(version) }],
  },
  means('next valid id received', at('Connect', 'IB next valid id received'), {
    kind: 'connected',
  }),
  lost('api client disconnected', /\bAPI client disconnected\b.*/, true),
  {
    has: 'timeout waiting for connect callback',
    pattern: at('Connect', 'timeout waiting for connect callback'),
    read: ([text]) => [
      // It waits for the hello on a socket that stands.
      { kind: 'tcp connected' },
      { kind: 'connection failed', errorClass: 'TimeoutError', text: shorten(text) },
    ],
  },
  failed(
    'operation took longer than',
    at('Connect', 'Operation took longer than.*'),
    'TimeoutError',
  ),
  quiet('error, errorcode: ', /\bignoring error, +ErrorCode: /i),
  quiet('ignoring error', /\bHandleError\(\).{0,80}\bignor(?:e|ing)\b.{0,40}\berror\b/i),
  quiet('benign', /\bHandleError\(\).{0,40}\bbenign\b/),
  quiet('invalidateorder', /\bHandleError\.InvalidateOrder\(\)/),
  {
    has: 'errorcode: ',
    pattern: at('HandleError', 'RequestId: (-?\\d{1,10}) ErrorCode: (-?\\d{1,5}) - (.*)'),
    read: ([, id, code = '', text = '']) => handleError(id, code, text),
  },
  sign('heartbeat(): failed', at('HeartBeat', 'failed'), connection, one('half_open_zombie', 0.6)),
  sign('heart beat failed', /\bHeart beat failed\b/, connection, one('half_open_zombie', 0.7)),
  sign(
    'account is not ready',
    at('DownloadAccount', 'Account is not ready'),
    connection,
    one('nightly_reset', 0.6),
  ),
  ...['operation took longer', 'timed out while waiting'].map((has) =>
    sign(
      has,
      at(
        'Download(?:FinancialAdvisor)?Account',
        '(?:Operation took longer|Timed out while waiting)',
      ),
      connection,
      one('account_updates_missing', 0.7),
    ),
  ),
  sign('pacing violation', at('GetHistory', 'Pacing violation'), connection, one('pacing_162')),
  sign(
    'history request timed out',
    at('GetHistory', 'History request timed out'),
    connection,
    one('hist_timeout', 0.6),
  ),
  sign(
    'failed to receive response from ib',
    /\bfailed to receive response from IB within\b/,
    connection,
    one('sync_request_timeout', 0.6),
  ),
  sign(
    'update dropped',
    /Not connected; update dropped/i,
    connection,
    one('fills_dropped_during_1100'),
  ),
  ...startErrors.map(([code, causes]) =>
    sign(code.toLowerCase(), new RegExp(`\\b(?:Code: |\\(\\): )${code} - `), process, causes),
  ),
  sign(
    'two factor authentication request timed out',
    /\btwo factor authentication request timed out\b/i,
    process,
    one('twofa_timeout'),
  ),
  sign(
    'terminating algorithm',
    /\bUnexpected, not connected state\b.{0,80}\bTerminating algorithm\b/,
    runner,
    one('runner_exited', 0.6),
  ),
  // The code 1100 has been told by HandleError.
  quiet(
    'connection with interactive brokers lost',
    /\bConnection with Interactive Brokers lost\. This could be\b/,
  ),
  {
    has: 'brokerage.onmessage()',
    pattern: /\bBrokerage\.OnMessage\(\): \w{1,20} - Code: (\d{1,5}) - (.*)/,
    read: ([, code = '', text = '']) => [{ ...twsFact(code, undefined, text), by: 'events' }],
  },
  // What is left are traces; the lines of IBAutomater in them are its own.
  quiet(
    'interactivebrokersbrokerage',
    new RegExp(`\\b${broker}(?!OnIbAutomater(?:Output|Error)DataReceived|OnIbAutomaterExited)\\w`),
  ),
];

/** Code −1 carries an exception of the socket. */
function handleError(id: string | undefined, code: string, text: string): readonly RunnerFact[] {
  if (code.startsWith('-')) {
    return failureClass(text) === ''
      ? [{ kind: 'connection lost', text: shorten(text), maybeOwn: true }]
      : [failedFact(text)];
  }
  const symbol = /\bOrigin: \[Id=\d{1,10}\] \w{1,40}: ([A-Z][A-Z0-9.]{0,14})\b/.exec(text)?.[1];
  const fact = twsFact(code, id, text.replace(/\. Origin: .*$/, ''));
  return [symbol === undefined ? fact : { ...fact, symbol }];
}
