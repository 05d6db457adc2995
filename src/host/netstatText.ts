import type { SocketAddress, TcpState } from './machine';
import { parseDotEnd, stateOfWord } from './socketText';

/** One TCP row of `netstat -anv -p tcp` on macOS. */
export interface NetstatRow {
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  readonly state: TcpState;
  readonly receiveQueue: number;
  /** The process that used the socket last; a connection not yet accepted carries its listener's. */
  readonly pid: number | undefined;
  /** The kernel's number of the socket (column gencnt); older systems do not print it. */
  readonly generation: string | undefined;
}

/** One listener of `netstat -Lan -p tcp` on macOS. */
export interface ListenQueue {
  /** `*.7497`, `127.0.0.1.7497` or `::1.7497`: here no column tells IPv4 from IPv6. */
  readonly end: string;
  /** Connections that are complete and not accepted. */
  readonly waiting: number;
}

const rowPattern = /^tcp(4|6|46)\s+(\d+)\s+\d+\s+(\S+)\s+(\S+)\s+([A-Z_\d]+)(?:\s+(.*?))?\s*$/;

/**
 * Reads the table; with `ports` only the rows with one of them at either end. The columns after
 * the state differ between systems and are found by their names: macOS 10.14 has `pid epid`,
 * macOS 11 adds `gencnt`, 15 adds byte counts, and 26 writes `process:pid`, where a name may
 * hold blanks. Columns are no guide to positions: the header is wider than its rows there.
 * @returns undefined when the text is no such table
 */
export function parseNetstat(
  text: string,
  ports: ReadonlySet<number>,
): readonly NetstatRow[] | undefined {
  const rows: NetstatRow[] = [];
  let columns: readonly string[] | undefined;
  for (const line of text.split('\n')) {
    if (line.startsWith('Proto ')) {
      columns = line
        .slice(line.indexOf('(state)') + '(state)'.length)
        .trim()
        .split(/\s+/);
    } else if (line.startsWith('tcp')) {
      const row = columns === undefined ? undefined : parseRow(line, columns, ports);
      if (row === undefined) {
        return undefined;
      }
      if (row !== 'other port') {
        rows.push(row);
      }
    }
    // Other lines are titles, or the note that sockets came or went while the table was read.
  }
  return columns === undefined ? undefined : rows;
}

function parseRow(
  line: string,
  columns: readonly string[],
  ports: ReadonlySet<number>,
): NetstatRow | 'other port' | undefined {
  const match = rowPattern.exec(line);
  const [, family, queue, localText = '', remoteText = '', word = '', rest = ''] = match ?? [];
  const anyAddress = family === '4' ? '0.0.0.0' : '::';
  const local = parseDotEnd(localText, anyAddress);
  const remote = parseDotEnd(remoteText, anyAddress);
  if (local === undefined || remote === undefined) {
    return undefined;
  }
  if (!ports.has(local.port) && !ports.has(remote.port)) {
    return 'other port';
  }
  const state = stateOfWord(word);
  return state === undefined
    ? undefined
    : { local, remote, state, receiveQueue: Number(queue), ...parseOwner(rest, columns) };
}

/** Pid and generation; both undefined where the row does not fit its header. */
function parseOwner(
  rest: string,
  columns: readonly string[],
): Pick<NetstatRow, 'pid' | 'generation'> {
  const namedAt = columns.indexOf('process:pid');
  if (namedAt < 0) {
    const values = rest.split(/\s+/);
    return {
      pid: positive(values[columns.indexOf('pid')]),
      generation: values[columns.indexOf('gencnt')],
    };
  }
  // The column after the name is a number of five hexadecimal digits: it ends the name.
  const pattern = new RegExp(`^(?:\\d+\\s+){${namedAt}}.*?:(\\d+)\\s+([\\da-f]{5}\\s.*)$`);
  const match = pattern.exec(rest);
  const after = (match?.[2] ?? '').split(/\s+/);
  const generationAt = columns.indexOf('gencnt') - namedAt - 1;
  return { pid: positive(match?.[1]), generation: after[generationAt] };
}

/** The kernel's 0 means that no process has the socket. */
function positive(text: string | undefined): number | undefined {
  const pid = /^\d+$/.test(text ?? '') ? Number(text) : 0;
  return pid > 0 ? pid : undefined;
}

/**
 * Reads the queues. macOS counts connections in the making among the first number (xnu,
 * sonewconn), so that they are taken off again.
 * @returns undefined when the text is no such list
 */
export function parseListenQueues(text: string): readonly ListenQueue[] | undefined {
  const queues: ListenQueue[] = [];
  let hasTitle = false;
  for (const line of text.split('\n')) {
    const match = /^(?:tcp\S*\s+)?(\d+)\/(\d+)\/\d+\s+(\S+)\s*$/.exec(line);
    if (match !== null) {
      const waiting = Math.max(0, Number(match[1]) - Number(match[2]));
      queues.push({ end: match[3] ?? '', waiting });
    }
    hasTitle ||= line.startsWith('Current listen queue sizes');
  }
  return hasTitle ? queues : undefined;
}
