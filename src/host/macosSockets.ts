import type { SocketAddress, SocketRow } from './machine';
import type { LsofSocket } from './lsofText';
import type { ListenQueue, NetstatRow } from './netstatText';

/**
 * Puts together what three tools say of the same sockets. netstat shows everybody's and names
 * the process that used a socket last; lsof shows the true holder, but only for the user's own
 * processes; the queues say how many connections wait to be accepted.
 * @param queues undefined where they could not be read
 * @param held undefined where lsof could not be asked
 */
export function joinSockets(
  rows: readonly NetstatRow[],
  queues: readonly ListenQueue[] | undefined,
  held: readonly LsofSocket[] | undefined,
): readonly SocketRow[] {
  const holders = new Map((held ?? []).map((one) => [keyOf(one.local, one.remote), one.pid]));
  const listeners = rows.filter(isListener);
  const waitingOn = (row: NetstatRow): number | undefined =>
    queues === undefined ? undefined : waitingFor(row, listeners, queues);
  const unaccepted = (row: NetstatRow): boolean =>
    (row.state === 'ESTABLISHED' || row.state === 'CLOSE_WAIT') &&
    listeners.some(
      (listener) =>
        takes(listener, row) &&
        (waitingOn(listener) ?? 0) > 0 &&
        // The listener's process is ours to look into, and this socket is not among its files.
        holders.has(keyOf(listener.local, undefined)),
    );
  return rows.map((row) => {
    const isListening = isListener(row);
    const holder = holders.get(keyOf(row.local, isListening ? undefined : row.remote));
    const isUnheld = holder === undefined && unaccepted(row);
    return {
      local: row.local,
      remote: row.remote,
      state: row.state,
      ownerPid: isUnheld ? undefined : (holder ?? row.pid),
      receiveQueue: isListening ? waitingOn(row) : row.receiveQueue,
      socketId: isUnheld ? '0' : socketIdOf(row),
    };
  });
}

/**
 * Tells a new listener from an old one. Where the system does not number its sockets, one that
 * the same process has opened anew looks like the old one.
 */
export function socketIdOf({ generation, pid, local, remote }: NetstatRow): string {
  const { address, port } = local;
  return generation ?? `${pid ?? '?'} ${address} ${port} ${remote.address} ${remote.port}`;
}

function isListener(row: NetstatRow): boolean {
  return row.state === 'LISTEN';
}

function isAny(address: string): boolean {
  return address === '0.0.0.0' || address === '::';
}

/** The tools do not agree on what a socket for both IPv4 and IPv6 is called. */
function nameOf(address: string): string {
  return isAny(address) ? '*' : address;
}

function keyOf(local: SocketAddress, remote: SocketAddress | undefined): string {
  const other = remote === undefined ? '' : `${nameOf(remote.address)} ${remote.port}`;
  return `${nameOf(local.address)} ${local.port} ${other}`;
}

function takes(listener: NetstatRow, row: NetstatRow): boolean {
  return (
    listener.local.port === row.local.port &&
    (isAny(listener.local.address) || listener.local.address === row.local.address)
  );
}

/**
 * Listeners for IPv4 and for IPv6 are both `*.7497` in the list of queues; both tools print the
 * kernel's list in its order. Undefined where they do not show the same listeners.
 */
function waitingFor(
  row: NetstatRow,
  listeners: readonly NetstatRow[],
  queues: readonly ListenQueue[],
): number | undefined {
  const end = `${nameOf(row.local.address)}.${row.local.port}`;
  const same = listeners.filter(({ local }) => `${nameOf(local.address)}.${local.port}` === end);
  const found = queues.filter((queue) => queue.end.toLowerCase() === end);
  return found.length === same.length ? found[same.indexOf(row)]?.waiting : undefined;
}
