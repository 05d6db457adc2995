import { shorten } from '../notices';
import { coded, failed, failedFact, lost, means } from './clientFacts';
import { quiet } from './quiet';
import type { LinePattern } from './reader';
import { connection, one, sign } from './sign';

/** `AAPL` of `AAPL.NASDAQ` or `AAPL.NASDAQ-1-MINUTE-LAST-EXTERNAL`. */
const instrument = '([A-Z][A-Z0-9/]{0,14}(?: [A-Z])?)\\.[A-Z]{2,12}\\b';

/** A symbol that did not come, or was not found. */
function symbolSign(has: string, pattern: RegExp, isMissing: boolean): LinePattern {
  return {
    has,
    pattern,
    read: ([text, name]) => [
      {
        kind: 'sign',
        subject: { kind: 'symbol', ...(name === undefined ? {} : { name }) },
        causes: isMissing
          ? one('no_secdef_200', 0.6)
          : [
              { id: 'hist_no_data_162', confidence: 0.5 },
              { id: 'hist_timeout', confidence: 0.2 },
            ],
        text: shorten(text),
      },
    ],
  };
}

/** NautilusTrader's Interactive Brokers client, in Python and in Rust. */
export const nautilusLines: readonly LinePattern[] = [
  {
    has: 'connected to interactive brokers',
    pattern: /\bConnected to Interactive Brokers \(v(\d{1,5})\)/,
    read: ([, version]) => [{ kind: 'hello', serverVersion: Number(version) }],
  },
  means('dataclient-interactive_brokers', /\bDataClient-INTERACTIVE_BROKERS\S{0,20}: Connected\b/, {
    kind: 'connected',
  }),
  quiet(
    'client-interactive_brokers',
    /\b(?:Data|Exec)Client-INTERACTIVE_BROKERS\S{0,20}: (?:Connect|Disconnect)/,
  ),
  means('interactive brokers data client', /\bConnected Interactive Brokers data client\b/, {
    kind: 'connected',
  }),
  means('successfully connected to ib gateway', /\bSuccessfully connected to IB Gateway\/TWS\b/, {
    kind: 'connected',
  }),
  means('reconnection successful via watchdog', /\bReconnection successful via watchdog/, {
    kind: 'connected',
  }),
  // It follows "Connection failed" and tells no more.
  quiet('(code: 502, req_id=-1)', /\(code: 502, req_id=-1\)/),
  ...['connection failed', 'connection timeout'].map((has): LinePattern => ({
    has,
    pattern:
      /(?:^|InteractiveBrokersClient\S{0,20}: )(?:Connection (?:failed|timeout)|Client failed to initialize; connection timeout)$/,
    read: ([text], { logger = '' }) =>
      `${logger} ${text}`.includes('InteractiveBrokersClient') ? [failedFact(text)] : [],
  })),
  failed('client is not ready', /\bClient is not ready\b.*/, 'TimeoutError'),
  failed('reconnection failed via watchdog', /\bReconnection failed via watchdog.*/),
  failed('connection attempt', /\bConnection attempt \d{1,6} failed: .*/),
  quiet('max connection attempts reached', /\bMax connection attempts reached\b/),
  quiet('attempting to reconnect in', /\bAttempt \d{1,6}: attempting to reconnect in\b/),
  lost(
    'connection watchdog',
    /\bConnection watchdog detect(?:s|ed) (?:connection lost|disconnection).*/,
  ),
  quiet('disconnected from interactive brokers', /\bDisconnected from Interactive Brokers API/),
  quiet(
    'interactivebrokersclient (',
    /\b(?:Starting|Stopping|Resetting|Resuming|Degrading) InteractiveBrokersClient \(/,
  ),
  // These only repeat a code that has been told.
  quiet('unhandled error: ', /\bUnhandled error: \d{1,5} for req_id\b/),
  quiet('unknown subscription error', /\bUnknown subscription error: \d{1,5} for req_id\b/),
  quiet('unhandled order warning', /\bUnhandled order warning or error code\b/),
  quiet('client id fallback', /\bclient ID fallback after IB error 326\b/),
  coded(
    'req_id=',
    /^(?:\S{0,80}Client\S{0,20}: )?(?<text>.*?)\s?\(code: (?<code>\d{1,5}), req_id=(?<id>-?\d{1,10})\)/,
    'client',
  ),
  {
    has: 'request timed out for request(',
    pattern: new RegExp(`\\bRequest timed out for Request\\((?:.{0,160}?\\b${instrument})?.*`),
    read: ([text, name]) =>
      name === undefined
        ? [
            {
              kind: 'sign',
              subject: connection,
              causes: one('sync_request_timeout', 0.6),
              text: shorten(text),
            },
          ]
        : [{ kind: 'fetch failed', symbol: name, errorClass: 'TimeoutError', text: shorten(text) }],
  },
  quiet('ending request', /\bConnection error during Request\(/),
  symbolSign(
    ' received for ',
    new RegExp(`\\bNo (?:bar|quote tick|trade)s?(?: data)? received for ${instrument}.*`),
    false,
  ),
  symbolSign(
    'instrument not found',
    new RegExp(`\\b(?:for|request) ${instrument}.{0,60}\\binstrument not found`),
    true,
  ),
  symbolSign('not available', new RegExp(`\\bInstrument for ${instrument} not available`), true),
  quiet('setting market datatype', /\bSetting Market DataType to\b/),
  sign(
    'market datatype is',
    /\bMarket DataType is DELAYED/,
    connection,
    one('delayed_data_advisory', 0.8),
  ),
  quiet('market datatype is', /\bMarket DataType is\b/),
];
