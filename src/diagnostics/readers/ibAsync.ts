import type { LogLine } from '../logLine';
import { shorten } from '../notices';
import type { RunnerFact } from '../runnerFacts';
import { failed, isAboutOther, lost, means } from './clientFacts';
import { quiet } from './quiet';
import type { LinePattern } from './reader';
import { apiPort, connection, one, sign } from './sign';

/** Host and port as clients print them. */
const address = '([\\w.:[\\]-]{1,253}?):(\\d{1,5})';

/** `Stock(symbol='AAPL', …)` or `Forex('EURUSD', …)` as ib_async prints a contract. */
const contract = "\\w{1,20}\\((?:.{0,120}?symbol=)?'([A-Za-z0-9./ ]{1,20})'";

/** What is said of orders and positions carries their history, with codes that were told before. */
const states = [
  'Canceled order',
  'orderStatus',
  'openOrder',
  'placeOrder',
  'cancelOrder',
  'execDetails',
  'updatePortfolio',
  'position',
  'commissionReport',
] as const;

/** ib_insync and ib_async, logged as they do by default; the words are those of many clients. */
export const ibAsyncLines: readonly LinePattern[] = [
  // With debugging on it prints what goes over the wire; errors are read with other frames.
  quiet('<<< ', /^<<< /),
  quiet('>>> ', /^>>> /),
  {
    has: 'connecting to',
    pattern: new RegExp(
      `\\bConnecting to ${address},?\\s?\\(?(?:with\\s|w/\\s?)?(?:client[ _]?id|id)[\\s:=]{0,3}(\\d{1,10})`,
      'i',
    ),
    read: connecting,
  },
  {
    has: 'connecting to',
    pattern: new RegExp(`\\bConnecting to ([\\w.:[\\]-]{1,253}?):(${apiPort})\\b`, 'i'),
    read: connecting,
  },
  {
    has: 'connected',
    pattern: /^Connected$/,
    read: (_match, line) => connectedFacts(line),
  },
  {
    has: 'logged on to server version',
    pattern: /\bLogged on to server version (\d{1,5})/,
    read: ([, version]) => [{ kind: 'hello', serverVersion: Number(version) }],
  },
  means('api connection ready', /\bAPI connection ready/, { kind: 'connected' }),
  quiet('api connection failed', /\bAPI connection failed: (?:KeyboardInterrupt|SystemExit)\b/),
  failed('api connection failed', /\bAPI connection failed.*/),
  lost('peer closed connection', /\bPeer closed connection.*/),
  // Old versions say it in a line of its own.
  {
    has: 'already in use?',
    pattern: /\bclientId \d{1,10} already in use\?/,
    read: ([text]) => [{ kind: 'tcp connected' }, { kind: 'connection lost', text }],
  },
  lost('disconnected', /^Disconnected\.$/),
  // Old versions, and the C++ sample, which prints it for an end of its own.
  lost('disconnected', /^Disconnected$/, true),
  ...[
    {
      has: 'timeout for',
      pattern: new RegExp(`\\breqHistorical\\w{1,20}: Timeout for ${contract}`),
      errorClass: 'TimeoutError',
    },
    {
      has: 'ambiguous contract',
      pattern: new RegExp(`\\bAmbiguous contract: ${contract}`),
      errorClass: '',
    },
  ].map(({ has, pattern, errorClass }) => fetchFailed(has, pattern, errorClass)),
  sign(
    'request timed out',
    /\b(?:positions|orders|executions|account updates|summary).{0,40} request timed out/i,
    connection,
    one('sync_request_timeout', 0.8),
  ),
  sign(': timeout', /^\w{3,40}Async: Timeout$/, connection, one('sync_request_timeout', 0.5)),
  // The watchdog's probe for bars was not answered: a dead session, or a closed market's farm.
  sign('hard timeout', /^Hard timeout$/, connection, [
    { id: 'half_open_zombie', confidence: 0.35 },
    { id: 'hist_timeout', confidence: 0.3 },
  ]),
  sign('error handling fields', /^Error handling fields: /, connection, one('decoder_desync', 0.6)),
  // Consequences, explained by the lines around them.
  quiet('make sure api port', /^Make sure API port/),
  quiet('unknown contract', /^Unknown contract: /),
  ...states.map((word) =>
    quiet(
      word.toLowerCase(),
      new RegExp(`^${word}:? (?:New order |Modify order )?[A-Z]\\w{1,30}\\(`),
    ),
  ),
  quiet('disconnecting', /^Disconnecting(?:$| from )/),
  quiet('synchronization complete', /^Synchronization complete/),
];

/** In NautilusTrader "Connected" is said by its clients, when they are ready. */
function connectedFacts(line: LogLine): readonly RunnerFact[] {
  const { logger = '' } = line;
  if (logger.includes('DataClient-')) {
    return [{ kind: 'connected' }];
  }
  return isAboutOther(line) || logger.includes('Client-') ? [] : [{ kind: 'tcp connected' }];
}

function connecting([, host = '', port, id]: RegExpExecArray): ReturnType<LinePattern['read']> {
  return [
    {
      kind: 'connecting',
      host: host.replace(/[[\]]/g, ''),
      port: Number(port),
      ...(id === undefined ? {} : { clientId: Number(id) }),
    },
  ];
}

function fetchFailed(has: string, pattern: RegExp, errorClass: string): LinePattern {
  return {
    has,
    pattern,
    read: ([text, symbol = '']) => [
      { kind: 'fetch failed', symbol, errorClass, text: shorten(text) },
    ],
  };
}
