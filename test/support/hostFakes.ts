import { type Observed, known } from '../../src/core/observed';
import type { Machine, ProcessInfo, SocketRow, TcpState } from '../../src/host/machine';
import type { TwsFiles } from '../../src/host/twsFiles';

/** A process with plausible defaults. */
export function fakeProcess(
  pid: number,
  argv: string,
  more: Partial<ProcessInfo> = {},
): ProcessInfo {
  return {
    pid,
    startToken: `boot:${pid}00`,
    argv: argv.split(' '),
    parentPid: 1,
    processGroup: pid,
    startedAtMs: Date.parse('2026-11-20T09:00:00Z') + pid * 1000,
    workingDirectory: '/ws',
    name: argv.split(' ')[0] ?? '',
    userId: 1000,
    isStopped: false,
    ...more,
  };
}

/** A row between two ends written as `address:port`; a number as the last argument is the owner. */
export function fakeSocket(
  local: string,
  remote: string,
  state: TcpState,
  more: Partial<SocketRow> | number = {},
): SocketRow {
  const end = (text: string): { address: string; port: number } => {
    const at = text.lastIndexOf(':');
    return { address: text.slice(0, at), port: Number(text.slice(at + 1)) };
  };
  return {
    local: end(local),
    remote: end(remote),
    state,
    ownerPid: undefined,
    receiveQueue: 0,
    socketId: `${local} ${remote}`,
    ...(typeof more === 'number' ? { ownerPid: more } : more),
  };
}

/** A machine whose tables a test writes. */
export class FakeMachine implements Machine {
  readonly platform = 'linux';
  table: Observed<readonly ProcessInfo[]> = known([]);
  rows: Observed<readonly SocketRow[]> = known([]);
  files: Observed<TwsFiles> = known({ settings: [], logs: [] });
  hidden: string | undefined;

  hiddenProcesses(): string | undefined {
    return this.hidden;
  }

  processes(): Promise<Observed<readonly ProcessInfo[]>> {
    return Promise.resolve(this.table);
  }

  process(pid: number): Promise<Observed<ProcessInfo | undefined>> {
    const { table } = this;
    return Promise.resolve(
      table.known ? known(table.value.find((info) => info.pid === pid)) : table,
    );
  }

  sockets(ports: readonly number[]): Promise<Observed<readonly SocketRow[]>> {
    const { rows } = this;
    const wanted = (row: SocketRow): boolean =>
      ports.includes(row.local.port) || ports.includes(row.remote.port);
    return Promise.resolve(rows.known ? known(rows.value.filter(wanted)) : rows);
  }

  twsFiles(): Promise<Observed<TwsFiles>> {
    return Promise.resolve(this.files);
  }

  listeners(port: number): Promise<Observed<readonly string[]>> {
    const { rows } = this;
    const isListener = (row: SocketRow): boolean =>
      row.state === 'LISTEN' && row.local.port === port;
    return Promise.resolve(
      rows.known ? known(rows.value.filter(isListener).map((row) => row.socketId)) : rows,
    );
  }
}
