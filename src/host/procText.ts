import type { SocketAddress, TcpState } from './machine';

/** The fields of `/proc/<pid>/stat` that Robo uses (proc_pid_stat(5)). */
export interface ProcStat {
  readonly name: string;
  readonly state: string;
  readonly parentPid: number;
  readonly processGroup: number;
  /** Clock ticks between boot and the start of the process; kept as text, it is an identity. */
  readonly startTicks: string;
}

/** One row of `/proc/net/tcp` or `tcp6`, owner not yet looked up. */
export interface ProcSocket {
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  readonly state: TcpState;
  readonly receiveQueue: number;
  /** `0` for a socket that no process holds: TIME_WAIT, orphaned, or not yet accepted. */
  readonly inode: string;
}

/** The states by their number in the kernel (include/net/tcp_states.h). */
const tcpStates: ReadonlyMap<string, TcpState> = new Map([
  ['01', 'ESTABLISHED'],
  ['02', 'SYN_SENT'],
  ['03', 'SYN_RECV'],
  ['04', 'FIN_WAIT1'],
  ['05', 'FIN_WAIT2'],
  ['06', 'TIME_WAIT'],
  ['07', 'CLOSE'],
  ['08', 'CLOSE_WAIT'],
  ['09', 'LAST_ACK'],
  ['0A', 'LISTEN'],
  ['0B', 'CLOSING'],
  // TCP_NEW_SYN_RECV, a request that has not become a socket yet.
  ['0C', 'SYN_RECV'],
]);

/**
 * Reads `/proc/<pid>/stat`. The name stands in parentheses and may hold blanks, newlines and
 * parentheses itself, so the last `)` of the text ends it.
 * @returns undefined when the text is cut off or something else
 */
export function parseProcStat(text: string): ProcStat | undefined {
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  if (open < 0 || close < open) {
    return undefined;
  }
  // Counted from the state, which is field 3 of the manual: parent 4, group 5, start 22.
  const fields = text.slice(close + 2).split(' ', 20);
  const [state, parentPid, processGroup] = fields;
  const startTicks = fields[19];
  if (state === undefined || startTicks === undefined || !/^\d+$/.test(startTicks)) {
    return undefined;
  }
  return {
    name: text.slice(open + 1, close),
    state,
    parentPid: Number(parentPid),
    processGroup: Number(processGroup),
    startTicks,
  };
}

/** Splits `/proc/<pid>/cmdline`; empty for kernel threads and for what is ending. */
export function parseCommandLine(text: string): readonly string[] {
  if (text === '') {
    return [];
  }
  // Each argument ends in NUL; a program that rewrote its title may leave more of them, or none.
  let end = text.length;
  while (end > 0 && text[end - 1] === '\0') {
    end -= 1;
  }
  return text.slice(0, end).split('\0');
}

/** Wall-clock second of the boot from `/proc/stat`, or undefined when it is not there. */
export function parseBootTime(text: string): number | undefined {
  const match = /^btime (\d+)$/m.exec(text);
  const seconds = Number(match?.[1] ?? 0);
  return seconds > 0 ? seconds : undefined;
}

/**
 * Reads a table of `/proc/net/tcp` or `tcp6`; with `ports` only the rows with one of them at
 * either end. The kernel prints it page by page while sockets come and go, so that one of them may
 * stand there twice: its last row counts.
 * @returns undefined when the text is no such table
 */
export function parseTcpTable(
  text: string,
  ports: ReadonlySet<number>,
  isLittleEndian: boolean,
): readonly ProcSocket[] | undefined {
  const [header = '', ...lines] = text.split('\n');
  if (!header.includes('local_address')) {
    return undefined;
  }
  const rows = new Map<string, ProcSocket>();
  for (const line of lines) {
    if (line.trim() === '') {
      continue;
    }
    const row = parseTcpRow(line, ports, isLittleEndian);
    if (row === undefined) {
      return undefined;
    }
    if (row !== 'other port') {
      rows.set(identityOf(row), row);
    }
  }
  return [...rows.values()];
}

/** Two listeners may share an address (SO_REUSEPORT), two connections never share both ends. */
function identityOf({ local, remote, state, inode }: ProcSocket): string {
  const own = `${local.address} ${local.port}`;
  return state === 'LISTEN' ? `${own} ${inode}` : `${own} ${remote.address} ${remote.port}`;
}

const rowPattern =
  /^\s*\d+: ([0-9A-F]{8,32}):([0-9A-F]{4}) ([0-9A-F]{8,32}):([0-9A-F]{4}) ([0-9A-F]{2}) [0-9A-F]+:([0-9A-F]+) \S+ \S+ +\d+ +\d+ (\d+)/;

function parseTcpRow(
  line: string,
  ports: ReadonlySet<number>,
  isLittleEndian: boolean,
): ProcSocket | 'other port' | undefined {
  const match = rowPattern.exec(line);
  if (match === null) {
    return undefined;
  }
  const [, local = '', localPort = '', remote = '', remotePort = '', code = '', queue = ''] = match;
  const ends = [parseInt(localPort, 16), parseInt(remotePort, 16)] as const;
  if (!ports.has(ends[0]) && !ports.has(ends[1])) {
    return 'other port';
  }
  const state = tcpStates.get(code);
  if (state === undefined) {
    return undefined;
  }
  return {
    local: { address: parseAddress(local, isLittleEndian), port: ends[0] },
    remote: { address: parseAddress(remote, isLittleEndian), port: ends[1] },
    state,
    receiveQueue: parseInt(queue, 16),
    inode: match[7] ?? '0',
  };
}

/**
 * An address as the kernel prints it: words of 32 bits, each in the machine's byte order.
 * IPv4 in IPv6 (`::ffff:127.0.0.1`) is shown as IPv4, so that both tables speak alike.
 */
export function parseAddress(hex: string, isLittleEndian: boolean): string {
  const bytes = Buffer.from(hex, 'hex');
  if (isLittleEndian) {
    bytes.swap32();
  }
  if (bytes.length === 4) {
    return bytes.join('.');
  }
  if (bytes.subarray(0, 12).equals(mappedPrefix)) {
    return bytes.subarray(12).join('.');
  }
  return formatIpv6(bytes);
}

const mappedPrefix = Buffer.from('00000000000000000000ffff', 'hex');

/** The canonical text of RFC 5952: lower case, the longest run of zeros (two or more) as `::`. */
function formatIpv6(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2));
  let bestStart = -1;
  let bestLength = 1;
  for (let start = 0; start < 8; start += 1) {
    const next = groups.findIndex((group, index) => index >= start && group !== 0);
    const length = (next < 0 ? 8 : next) - start;
    if (length > bestLength) {
      bestStart = start;
      bestLength = length;
    }
  }
  const words = groups.map((group) => group.toString(16));
  if (bestStart < 0) {
    return words.join(':');
  }
  return `${words.slice(0, bestStart).join(':')}::${words.slice(bestStart + bestLength).join(':')}`;
}
