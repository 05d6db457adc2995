import type { SocketAddress, TcpState } from './machine';

/** The states as the tools of macOS and an English Windows write them, one spelling each. */
const stateWords: ReadonlyMap<string, TcpState> = new Map([
  ['LISTEN', 'LISTEN'],
  ['LISTENING', 'LISTEN'],
  ['SYN_SENT', 'SYN_SENT'],
  ['SYN_RCVD', 'SYN_RECV'],
  ['SYN_RECEIVED', 'SYN_RECV'],
  ['SYN_RECV', 'SYN_RECV'],
  ['ESTABLISHED', 'ESTABLISHED'],
  ['FIN_WAIT_1', 'FIN_WAIT1'],
  ['FIN_WAIT_2', 'FIN_WAIT2'],
  ['TIME_WAIT', 'TIME_WAIT'],
  ['CLOSED', 'CLOSE'],
  ['CLOSE_WAIT', 'CLOSE_WAIT'],
  ['LAST_ACK', 'LAST_ACK'],
  ['CLOSING', 'CLOSING'],
]);

/** Undefined for a word of another language, or of a system that we do not know. */
export function stateOfWord(word: string): TcpState | undefined {
  return stateWords.get(word);
}

/**
 * `127.0.0.1:7497`, `[::1]:7497` or `*:7497`, as lsof and Windows write an end.
 * @param anyAddress what `*` stands for in this row: `0.0.0.0` or `::`
 */
export function parseColonEnd(text: string, anyAddress: string): SocketAddress | undefined {
  const match = /^(?:\[([^\]]*)\]|([^\s:]+)):(\d+|\*)$/.exec(text);
  const address = match?.[1] ?? match?.[2];
  return match === null || address === undefined
    ? undefined
    : end(address === '*' ? anyAddress : address, match[3] ?? '*');
}

/** `127.0.0.1.7497`, `::1.7497` or `*.7497`, as netstat of macOS writes an end. */
export function parseDotEnd(text: string, anyAddress: string): SocketAddress | undefined {
  const match = /^(\S+)\.(\d+|\*)$/.exec(text);
  return match === null
    ? undefined
    : end(match[1] === '*' ? anyAddress : (match[1] ?? ''), match[2] ?? '*');
}

/** `*` as a port means that there is none yet. */
function end(address: string, port: string): SocketAddress | undefined {
  const number = port === '*' ? 0 : Number(port);
  return number > 65_535 ? undefined : { address: plainAddress(address), port: number };
}

/** IPv4 in IPv6 (`::ffff:127.0.0.1`) is shown as IPv4, so that both kinds of rows speak alike. */
function plainAddress(address: string): string {
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address.toLowerCase();
}
