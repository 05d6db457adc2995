import { isLoopback } from '../../ibkr/endpoint';
import type { RunnerFact } from '../runnerFacts';
import { coded, failed, failedFact, lost, means, twsFact } from './clientFacts';
import { quiet } from './quiet';
import type { LinePattern } from './reader';
import { apiPort, connection, one, sign } from './sign';

const tcp: RunnerFact = { kind: 'tcp connected' };
const ready: RunnerFact = { kind: 'connected' };

/** The version of TWS, from a line that only an answered hello brings. */
function hello(has: string, pattern: RegExp): LinePattern {
  return {
    has,
    pattern,
    read: ([, version]) => [
      { kind: 'hello', ...(version === undefined ? {} : { serverVersion: Number(version) }) },
    ],
  };
}

/** IBKR's own clients in Python, Java, C# and C++, and the samples that most programs start from. */
export const officialApiLines: readonly LinePattern[] = [
  // Python, logger ibapi. "Connecting to …" is read with ib_async.
  {
    has: 'answer error {',
    pattern:
      /\bANSWER error \{.{0,80}?'errorCode': (\d{1,5}), 'errorString': (?:'(.{0,250}?)'|"(.{0,250}?)")(?:\}|, ')/,
    read: ([text, code = '', single, double]) => [
      {
        ...twsFact(code, /'reqId': (-?\d{1,10})/.exec(text)?.[1], single ?? double ?? ''),
        by: 'answer',
      },
    ],
  },
  means('answer nextvalidid', /\bANSWER nextValidId\b/, ready),
  quiet('answer version:', /\bANSWER Version:\d/),
  lost('answer connectionclosed', /\bANSWER connectionClosed\b/, true),
  quiet('answer ', /\bANSWER \w{1,40} \{/),
  means('request b', /\bREQUEST b['"]API\\x00/, tcp),
  quiet('request ', /\bREQUEST \w{1,40} \{/),
  quiet('sending ', /\bSENDING \w{1,40} b['"]/),
  hello('sent startapi', /\bsent startApi$/),
  quiet('could not connect', /^could not connect$/),
  {
    has: 'disconnected; resetting connection',
    pattern: /\bDisconnected; resetting connection/,
    read: ([text]) => [tcp, { kind: 'connection lost', text }],
  },
  lost('either closed or broken', /\bsocket either closed or broken.*/i),
  lost('socket broken', /\bsocket broken, disconnecting/i),
  quiet('socket is broken or closed', /^Socket is broken or closed\.?$/),
  // The samples: Error. Id: -1, Code: 2104, Msg: … with commas or without, with a time or without.
  coded(
    'error. id:',
    /\bError\. Id:\s{0,4}(?<id>-?\d{1,10}),?\s{1,4}(?:(?:Error )?Time:\s{0,4}.{1,40}?,?\s{1,4})?Code:\s{0,4}(?<code>\d{1,5}),?\s{1,4}Msg:\s{0,4}(?<text>.*)/i,
    'sample',
  ),
  // IBrokers of R: version, request, code.
  coded('tws message: 2 ', /\bTWS Message: 2 (?<id>-?\d{1,10}) (?<code>\d{1,5}) (?<text>\D.*)/),
  {
    has: ' cannot be opened',
    pattern: new RegExp(`(?:^|\\s)([\\w.-]{1,253}):${apiPort} cannot be opened`),
    // R does not say why; on one machine nothing else keeps a port from being opened.
    read: ([text, host = '']) => [
      {
        kind: 'connection failed',
        errorClass: isLoopback(host) ? 'ConnectionRefusedError' : '',
        text: text.trim(),
      },
    ],
  },
  // The last line of 502, which stands in every 502 and tells nothing about this one.
  quiet('maximum api connection threshold', /^\W{0,4}Verify that the maximum API connection/),
  // Java's and IbPy's sockets print the version themselves.
  hello('server version:', /^Server Version:\s?(\d{1,5})\b/i),
  quiet('tws time at connection', /^TWS Time at connection/),
  hello(
    'connected to',
    /^Connected to [\w.:-]{1,253} client ?id:\s?\d{1,10}(?: server ?version:\s?(\d{1,5}))?/i,
  ),
  failed('cannot connect to', /\bCannot connect to [\w.:-]{1,253} client ?id.*/i),
  // What C's perror prints for the client in C++, and for any other program.
  {
    has: 'connect: ',
    pattern:
      /^connect(?:\(\))?: (?:Connection (?:refused|timed out|reset by peer)|Operation timed out|No route to host|Network is unreachable)$/,
    read: ([text]) => [{ ...failedFact(text), isBare: true }],
  },
  means(
    'next valid',
    /(?:^|\s-\s|: |\| )(?:Next ?Valid ?(?:Order ?)?Id)\s?:\s?\[?\d{1,10}\]?$/i,
    ready,
  ),
  means('nextvalidid', /(?:^|\s-\s|: |\| )NextValid(?:Order)?Id\s?:\s?\[?\d{1,10}\]?$/i, ready),
  quiet('account list', /^Account list\s?:/i),
  quiet('acknowledging connection', /^Acknowledging connection/),
  quiet('before next attempt', /^Sleeping \d{1,5} seconds before next attempt/),
  lost('connection closed', /(?:^|\s-\s|: |\| )Connection [Cc]losed\.?$/, true),
  lost('connectionclosed', /(?:^|\s-\s|: |\| )<?connectionClosed(?:\(\))?>?\.?$/, true),
  sign('badmessage', /^BadMessage$/, connection, one('decoder_desync', 0.6)),
];
