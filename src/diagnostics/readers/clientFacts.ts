import type { LogLine } from '../logLine';
import { shorten } from '../notices';
import type { RunnerFact } from '../runnerFacts';
import { errorClassIn, isUnanswered, type LinePattern, tcpTimeout } from './reader';

const otherService =
  /web ?socket|socket\.io|redis|kafka|mqtt|mongo|postgres|mysql|sqlite|database|smtp|telegram|slack|discord|dashboard|uvicorn|influx|(?:https?|wss?):\/\//i;

/** Other brokers, exchanges and vendors of data, whose clients fail in the same words. */
const otherBroker =
  /\b(?:alpaca|binance|bitfinex|bitget|bitmex|bitstamp|bybit|ccxt|coinbase|deribit|etrade|finnhub|gemini|huobi|hyperliquid|kraken|kucoin|metatrader|oanda|okx|polygon|questrade|robinhood|schwab|tastytrade|tiingo|tradier|tradovate|yfinance|zerodha)/i;
const ownBroker = /\b(?:ibkr|ib_(?:async|insync)|ibapi|tws|ib ?gateway|interactive ?brokers)\b/i;

/** Ports on which databases, queues, web servers and mail are, at the end of an address. */
const otherPort =
  /(?:[\w\])]:|['"], ?|['"] port )(?:1433|1521|2181|3306|5432|5672|5900|6080|6379|8080|8086|8123|8443|9092|9200|11211|27017)\b|\.[\w-]{1,63}:(?:22|25|53|80|443|587)\b/;

/** True for a line about a connection to something else than TWS. */
export function isAboutOther({ text, logger = '' }: LogLine): boolean {
  const all = `${logger} ${text}`;
  return (
    otherService.test(all) || otherPort.test(all) || (otherBroker.test(all) && !ownBroker.test(all))
  );
}

/** A line that always means the same. */
export function means(has: string, pattern: RegExp, ...facts: readonly RunnerFact[]): LinePattern {
  return { has, pattern, read: () => facts };
}

/** A connection that ended. `maybeOwn`: the client prints it for an end of its own, too. */
export function lost(has: string, pattern: RegExp, maybeOwn = false): LinePattern {
  return {
    has,
    pattern,
    read: ([text], line) =>
      isAboutOther(line)
        ? []
        : [{ kind: 'connection lost', text: shorten(text), ...(maybeOwn ? { maybeOwn } : {}) }],
  };
}

/** An attempt that failed; the class is that of the words, or `assumed` where they name none. */
export function failed(has: string, pattern: RegExp, assumed = ''): LinePattern {
  return {
    has,
    pattern,
    read: ([text], line) => (isAboutOther(line) ? [] : [failedFact(text, assumed)]),
  };
}

/** An attempt that failed with these words. */
export function failedFact(
  text: string,
  assumed = '',
): Extract<RunnerFact, { kind: 'connection failed' }> {
  const named = failureClass(text);
  const errorClass = named === '' ? assumed : named;
  return { kind: 'connection failed', errorClass, text: shorten(text) };
}

/** What Windows says, in its languages, of a port on which nobody listens. */
export const refusedByWindows: readonly string[] = [
  'target machine actively refused it',
  'Zielcomputer die Verbindung verweigerte',
  'a expressément refusée',
  'equipo de destino denegó expresamente',
  'computer di destinazione',
  'máquina de destino as recusou',
  '目标计算机积极拒绝',
  '目標電腦拒絕連線',
  'コンピューターによって拒否されたため',
  '연결을 거부했으므로',
  'компьютер отверг запрос',
];

/** What a failed socket says in Python, Node, Rust, C#, on Linux, macOS and Windows. */
const failureWords: readonly (readonly [RegExp, string])[] = [
  [
    new RegExp(
      `refused|Err(?:no |or\\()(?:61|111)\\b|WinError (?:10061|1225)\\b|os error (?:61|111|10061)\\b|SocketException \\((?:61|111|10061)\\)|${refusedByWindows.join('|')}`,
      'i',
    ),
    'ConnectionRefusedError',
  ],
  [
    /reset by peer|ECONNRESET|ConnectionReset|ConnectionAborted|forcibly closed|broken ?pipe|EPIPE|WinError 1005[34]\b/i,
    'ConnectionResetError',
  ],
  [
    /gaierror|getaddrinfo|ENOTFOUND|EAI_AGAIN|name or service not known|nodename nor servname|no such host|UnknownHost/i,
    'gaierror',
  ],
  [
    /no route to host|EHOSTUNREACH|ENETUNREACH|network is unreachable|(?:Host|Network)Unreachable|Err(?:no |or\()(?:51|65|101|113)\b|WinError 1005[01]\b|WinError 10065\b/i,
    'HostUnreachable',
  ],
  // Cancelled from outside: a deadline of the program's own ran out.
  [
    /time(?:d[ -]?)?[ -]?out|Err(?:no |or\()(?:60|110)\b|WinError (?:121|10060)\b|Cancelled/i,
    'TimeoutError',
  ],
];

/** The class of a failure to connect, from an exception in any language; empty where unknown. */
export function failureClass(text: string): string {
  if (isUnanswered(text)) {
    return tcpTimeout;
  }
  const known = failureWords.find(([words]) => words.test(text));
  return known?.[1] ?? errorClassIn(text);
}

type TwsMessage = Extract<RunnerFact, { kind: 'tws message' }>;

/** A message of TWS by its code. */
export function twsFact(code: string, id: string | undefined, text: string): TwsMessage {
  const requestId = Number(id ?? '-1');
  const symbol = symbolIn(Number(code), text);
  return {
    kind: 'tws message',
    code: Number(code),
    requestId: Number.isInteger(requestId) ? requestId : -1,
    text: text.trim(),
    ...(symbol === undefined ? {} : { symbol }),
  };
}

/** The contract that a message names: as clients print it, or in TWS's own words for 162. */
export function symbolIn(code: number, text: string): string | undefined {
  const printed = /\bsymbol['"]?\s?[=:]\s?['"]([A-Z0-9. ]{1,20})['"]/.exec(text)?.[1];
  const noData = /\bno (?:historical market )?data(?::| for) ([A-Z0-9.]{1,15})@[A-Z]/i;
  return printed ?? (code === 162 ? noData.exec(text)?.[1] : undefined);
}

/**
 * A row of a table for a line with the named groups `code`, `text` and perhaps `id`.
 *
 * @param by the part of the client, where another part prints the same message too
 */
export function coded(has: string, pattern: RegExp, by?: string): LinePattern {
  return {
    has,
    pattern,
    read: ({ groups }) => [
      {
        ...twsFact(groups?.['code'] ?? '', groups?.['id'], groups?.['text'] ?? ''),
        ...(by === undefined ? {} : { by }),
      },
    ],
  };
}
