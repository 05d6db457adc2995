import { readFileSync } from 'node:fs';

/** One TCP socket of this machine with a watched port at either end. */
export interface KernelSocket {
  readonly localPort: number;
  readonly remotePort: number;
  readonly state: string;
}

/** include/net/tcp_states.h; what is left out here has no name in any expectation. */
const stateNames = new Map([
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
]);

/**
 * What a connection that was not closed properly leaves in the table. TIME_WAIT is none of them:
 * both sides have agreed on the end.
 */
const unfinished: ReadonlySet<string> = new Set([
  'CLOSE_WAIT',
  'FIN_WAIT1',
  'FIN_WAIT2',
  'LAST_ACK',
  'CLOSING',
]);

/** True where the kernel's table can be read. */
export const hasKernelTable = process.platform === 'linux';

/**
 * Reads the kernel's own table, IPv4 and IPv6, with no code of the product in between. It is no
 * snapshot: a connection may stand there twice, and its last row counts.
 * @param ports sockets with one of them at either end
 * @param pid whose network namespace is looked at; a stopped process is no obstacle
 */
export function kernelSockets(
  ports: ReadonlySet<number>,
  pid: number | 'self' = 'self',
): readonly KernelSocket[] {
  const found = new Map<string, KernelSocket>();
  for (const table of ['tcp', 'tcp6']) {
    const lines = readFileSync(`/proc/${pid}/net/${table}`, 'latin1').trimEnd().split('\n');
    for (const line of lines.slice(1)) {
      const [, local = '', remote = '', code = '', , , , , , inode = ''] = line.trim().split(/\s+/);
      const state = stateNames.get(code) ?? code;
      const [localPort, remotePort] = [portOf(local), portOf(remote)];
      if (ports.has(localPort) || ports.has(remotePort)) {
        const identity = `${local} ${state === 'LISTEN' ? inode : remote}`;
        found.set(identity, { localPort, remotePort, state });
      }
    }
  }
  return [...found.values()];
}

/** The sockets that somebody has left behind half closed, whose side ever. */
export function unfinishedSockets(sockets: readonly KernelSocket[]): readonly KernelSocket[] {
  return sockets.filter(({ state }) => unfinished.has(state));
}

/** `FIN_WAIT2 49152->7497`, for the words of a failed expectation. */
export function describeSockets(sockets: readonly KernelSocket[]): string {
  return sockets
    .map(({ state, localPort, remotePort }) => `${state} ${localPort}->${remotePort}`)
    .join(', ');
}

function portOf(address: string): number {
  return Number.parseInt(address.slice(address.lastIndexOf(':') + 1), 16);
}
