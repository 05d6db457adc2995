import { apiPort, connection, one, sign } from './sign';
import { coded, failed, lost, means } from './clientFacts';
import { silentWhenReady } from '../factFilter';
import { quiet } from './quiet';
import type { LinePattern } from './reader';

/** @stoqey/ib: the raw events as programs print them, and the loggers of IBApiNext. */
export const stoqeyLines: readonly LinePattern[] = [
  // A socket's own words stand in the message of 502 and tell more than the code.
  failed(
    'connect e',
    new RegExp(
      `\\bconnect E[A-Z]{5,20} [\\w.:-]{1,253}(?::${apiPort}\\b.*|(?![\\w.:-]).{0,200}\\b(?:code|Error)\\W{0,3}502\\b.*)`,
    ),
  ),
  failed('getaddrinfo', /\bgetaddrinfo E[A-Z_]{5,20} .{0,200}\b502\b.*/),
  lost('read e', /\bread E(?:CONNRESET|TIMEDOUT|PIPE|HOSTUNREACH)\b.{0,200}\b502\b.*/),
  lost('write e', /\bwrite E(?:CONNRESET|PIPE)\b.{0,200}\b502\b.*/),
  {
    has: 'logging into server',
    pattern: /\bLogging into server: ([\w.:-]{1,253}):(\d{1,5})$/,
    read: ([, host = '', port]) => [{ kind: 'connecting', host, port: Number(port) }],
  },
  // It says "connected" when the hello is answered, before the API is ready.
  quiet('connecting to tws with client id', /\bConnecting to TWS with client id \d/),
  quiet('successfully connected to tws', /\bSuccessfully connected to TWS with client id \d/),
  {
    has: 'server version:',
    pattern: /\bServer Version: (\d{1,5})\. Connection time\b/,
    read: ([, version]) => [{ kind: 'hello', serverVersion: Number(version) }],
  },
  // Without a request only codes that no HTTP status can be.
  coded(
    ' - code: ',
    /^(?<text>.*?) - Code: (?<code>1[13]\d\d|21\d\d|10\d{3}|326)$/i,
    silentWhenReady,
  ),
  coded(
    ' - code: ',
    /^(?<text>.*?) - Code: (?<code>\d{1,5})\s?[-,]\s?reqId:?\s?(?<id>-?\d{1,10})$/i,
  ),
  coded('(error #', /^(?<text>.*?)\s?\(Error #(?<code>\d{1,5})\)/),
  lost('connection watchdog timeout', /\bConnection watchdog timeout\. Dropping connection.*/),
  lost('re-connecting to tws in', /\bRe-Connecting to TWS in .*/),
  quiet('disconnecting client id', /\bDisconnecting client id \d{1,10} from TWS/),
  // OpenAlice's broker.
  {
    has: 'ibkrbroker[',
    pattern: /\bIbkrBroker\[[^\]]{0,80}\]: connected \(account=/,
    read: () => [{ kind: 'connected' }],
  },
  // Every event with its arguments, as a program that listens to all of them prints it.
  {
    has: 'server [',
    pattern: /\bserver \[(\d{1,5}),\s?"\d{8} /,
    read: ([, version]) => [{ kind: 'hello', serverVersion: Number(version) }],
  },
  means('nextvalidid [', /\bnextValidId \[\s?\d/, { kind: 'connected' }),
  coded('info [', /\binfo \["(?<text>.{0,250}?)",\s?(?<code>\d{1,5})\]/),
  coded('error [', /\berror \[(?<text>.{0,250}?),\s?(?<code>\d{1,5}),\s?(?<id>-?\d{1,10})\b/),
  lost('disconnected []', /\bdisconnected \[\]/, true),
  quiet('received [[', /\breceived \[\[/),
  quiet('sent [[', /\bsent \[\[/),
];

/** Errors of the library, which programs print with or without their stack. */
export const stoqeyErrors: readonly LinePattern[] = [
  sign('data left on queue', /unprocessed data left on queue/i, connection, one('decoder_desync')),
  sign('underrun error on', /\bUnderrun error on \w/, connection, one('decoder_desync', 0.8)),
  sign(
    'no parser implementation found',
    /\bNo parser implementation found for token/,
    connection,
    one('decoder_desync', 0.7),
  ),
  sign(
    'unsupported version',
    /\bUnsupported Version \d{1,5}\b/,
    connection,
    one('server_version_too_old'),
  ),
];
