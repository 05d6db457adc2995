import type { SocketAddress } from './machine';
import { parseColonEnd } from './socketText';

/** A TCP socket that lsof found among the open files of a process. */
export interface LsofSocket {
  readonly pid: number;
  readonly local: SocketAddress;
  /** Undefined for one that is connected to nobody. */
  readonly remote: SocketAddress | undefined;
}

interface Field {
  readonly letter: string;
  readonly value: string;
}

function fieldsOf(text: string): readonly Field[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => ({ letter: line.slice(0, 1), value: line.slice(1) }));
}

/**
 * Reads `lsof -nP -iTCP… -FpftPn`: one field a line, its letter first; `p` begins a process, `f` a
 * file. Fields that were not asked for (`TST=LISTEN`, `TQR=0`) are passed over.
 * @returns undefined when the text is something else
 */
export function parseLsofSockets(text: string): readonly LsofSocket[] | undefined {
  const sockets: LsofSocket[] = [];
  let pid: number | undefined;
  let anyAddress = '0.0.0.0';
  for (const { letter, value } of fieldsOf(text)) {
    if (letter === 'p') {
      pid = /^\d+$/.test(value) ? Number(value) : undefined;
    } else if (letter === 't') {
      anyAddress = value === 'IPv6' ? '::' : '0.0.0.0';
    }
    if (pid === undefined) {
      return undefined;
    }
    if (letter === 'n') {
      const [local = '', remote] = value.split('->').map((end) => parseColonEnd(end, anyAddress));
      if (local !== '') {
        sockets.push({ pid, local, remote });
      }
    }
  }
  return sockets;
}

/** Reads `lsof -d cwd -Fpn`: the working directory of each process, as far as it may be seen. */
export function parseLsofDirectories(text: string): ReadonlyMap<number, string> {
  const directories = new Map<number, string>();
  let pid = 0;
  for (const { letter, value } of fieldsOf(text)) {
    if (letter === 'p') {
      pid = Number(value);
    } else if (letter === 'n' && value.startsWith('/')) {
      directories.set(pid, unescapeName(value));
    }
  }
  return directories;
}

/** In the C locale lsof writes each byte of `ü` as `\xc3`, `\xbc`. */
function unescapeName(name: string): string {
  return name.replace(/(?:\\x[\da-f]{2})+/g, (bytes) =>
    Buffer.from(bytes.replaceAll('\\x', ''), 'hex').toString('utf8'),
  );
}
