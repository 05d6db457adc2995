import { type Observed, known, unknown } from '../core/observed';
import type { Machine, ProcessInfo, SocketAddress, SocketRow } from './machine';
import {
  type ProcessClass,
  type ProcessKind,
  type TwsProduct,
  classifyProcess,
} from './processRoles';
import { describeProgram } from './program';
import type { TwsFiles } from './twsFiles';

/**
 * Whose a socket is: a kind of process, `nobody` where the kernel says that no process holds it
 * (never accepted, or orphaned), `hidden` where we may not see the owner.
 */
export type OwnerRole = ProcessKind | 'nobody' | 'hidden';

/** A program that listens on the endpoint's port. */
export interface PortListener {
  readonly address: string;
  /** Undefined where the owner is hidden from us (`role` is `hidden` then). */
  readonly pid: number | undefined;
  readonly role: OwnerRole;
  /** Set for `role: 'tws'`. */
  readonly product: TwsProduct | undefined;
  readonly argv: readonly string[] | undefined;
  readonly startedAtMs: number | undefined;
  /** Stopped by a signal or a debugger: the kernel accepts for it and nobody answers. */
  readonly isStopped: boolean;
  /** Connections that wait to be accepted; undefined where the system does not tell. */
  readonly receiveQueue: number | undefined;
  /** Tells a new listener from an old one. */
  readonly socketId: string;
}

/** Sockets in CLOSE_WAIT: their peer has closed and the owner never noticed. */
export interface CloseWaitGroup {
  /** `server`: the end at our port (TWS's zombies). `client`: a client that TWS has left. */
  readonly side: 'server' | 'client';
  readonly ownerPid: number | undefined;
  readonly role: OwnerRole;
  readonly count: number;
}

/** One established connection to the endpoint's port. */
export interface EstablishedClient {
  readonly clientAddress: string;
  readonly clientPort: number;
  /** Undefined for a client on another machine, or one whose owner is hidden. */
  readonly clientPid: number | undefined;
  readonly clientRole: OwnerRole;
  /** The client's program in a few words (`python3 -m robo_trader.runner_async`). */
  readonly clientProgram: string | undefined;
  /**
   * False only where the server's end is seen and no process holds it: the kernel has completed
   * the connection and nobody has accepted it. Undefined where that end cannot be seen: compare
   * with `=== false`.
   */
  readonly serverOwned: boolean | undefined;
  /** Bytes that the server has not read yet; undefined where its end or its queue is not seen. */
  readonly unreadAtServer?: number | undefined;
}

/** A TWS, IB Gateway or IBC on this machine, or Robo's simulator where it plays on this port. */
export interface TwsProcess {
  readonly pid: number;
  readonly product: TwsProduct;
  readonly startedAtMs: number;
  readonly isStopped: boolean;
  readonly argv: readonly string[];
}

/** What the operating system tells about one endpoint, without touching its port (law 1). */
export interface PortObservation {
  readonly port: number;
  readonly listeners: Observed<readonly PortListener[]>;
  /** Those of 7496, 7497, 4001 and 4002 but ours that somebody listens on. */
  readonly otherUsualPortsListening: Observed<readonly number[]>;
  readonly closeWait: Observed<readonly CloseWaitGroup[]>;
  readonly established: Observed<readonly EstablishedClient[]>;
  readonly twsProcesses: Observed<readonly TwsProcess[]>;
  readonly twsFiles: Observed<TwsFiles>;
  /** The system that was looked at. */
  readonly platform: NodeJS.Platform;
}

/**
 * The default API ports. They also stand in ibkr/endpoint, a room of our own rank that we do not
 * import; a test holds the two lists together.
 */
export const twsPorts: readonly number[] = [7497, 7496, 4002, 4001];

/**
 * Looks at the endpoint from outside: who listens, who is connected, what is stuck. Never opens a
 * socket. Rejects never; each part says for itself when it could not be seen.
 * @param hostIsLoopback false for a TWS on another machine, of which nothing can be seen here
 */
export async function observePort(
  machine: Machine,
  port: number,
  hostIsLoopback: boolean,
): Promise<PortObservation> {
  if (!hostIsLoopback) {
    const why = unknown(
      'the host is no loopback address: the processes and sockets behind it cannot be seen from here',
    );
    return {
      port,
      listeners: why,
      otherUsualPortsListening: why,
      closeWait: why,
      established: why,
      twsProcesses: why,
      twsFiles: why,
      platform: machine.platform,
    };
  }
  const otherPorts = twsPorts.filter((other) => other !== port);
  const rows = await machine.sockets([port, ...otherPorts]);
  // After the sockets, so that the owner of every row has had time to appear.
  const processes = await machine.processes();
  const owners = new Owners(processes.known ? processes.value : []);
  const ofRows = <T>(look: (rows: readonly SocketRow[]) => T): Observed<T> =>
    rows.known ? known(look(rows.value)) : rows;
  return {
    port,
    listeners: ofRows((all) => listenersOn(all, port, owners)),
    otherUsualPortsListening: ofRows((all) =>
      otherPorts.filter((other) => all.some((row) => isListener(row, other))),
    ),
    closeWait: ofRows((all) => groupCloseWait(all, port, owners)),
    established: ofRows((all) => establishedClients(all, port, owners)),
    twsProcesses: processes.known
      ? foundOrHidden(
          owners.twsProcesses(port, rows.known ? rows.value : []),
          machine.hiddenProcesses?.(),
        )
      : processes,
    twsFiles: await machine.twsFiles(owners.twsInfos()),
    platform: machine.platform,
  };
}

/** None found proves nothing where the programs of others are hidden (law 4). */
function foundOrHidden(
  found: readonly TwsProcess[],
  hidden: string | undefined,
): Observed<readonly TwsProcess[]> {
  return found.length === 0 && hidden !== undefined ? unknown(hidden) : known(found);
}

interface Owner {
  readonly role: OwnerRole;
  readonly info: ProcessInfo | undefined;
  readonly processClass: ProcessClass | undefined;
}

/** Says whose a socket is. */
class Owners {
  private readonly classes: ReadonlyMap<number, Required<Owner>>;

  constructor(processes: readonly ProcessInfo[]) {
    this.classes = new Map(
      processes.map((info) => {
        const processClass = classifyProcess(info);
        return [info.pid, { role: processClass.kind, info, processClass }];
      }),
    );
  }

  of(row: SocketRow | undefined): Owner {
    const seen = row?.ownerPid === undefined ? undefined : this.classes.get(row.ownerPid);
    const role = row !== undefined && isUnheld(row) ? 'nobody' : 'hidden';
    return seen ?? { role, info: undefined, processClass: undefined };
  }

  /** TWS, IB Gateway and IBC as processes; the simulator writes no files. */
  twsInfos(): readonly ProcessInfo[] {
    return [...this.classes.values()].flatMap(({ info, processClass }) =>
      info !== undefined &&
      processClass?.product !== undefined &&
      processClass.product !== 'simulator'
        ? [info]
        : [],
    );
  }

  /** A TWS opens whichever port it is told to; a simulator has one, which it says or listens on. */
  twsProcesses(port: number, rows: readonly SocketRow[]): readonly TwsProcess[] {
    const listening = rows.filter((row) => isListener(row, port)).map(({ ownerPid }) => ownerPid);
    const isElsewhere = ({ pid, argv }: ProcessInfo): boolean =>
      simulatedPort(argv) !== port && !listening.includes(pid);
    return [...this.classes.values()].flatMap(({ info, processClass }) =>
      info !== undefined &&
      processClass?.product !== undefined &&
      !(processClass.product === 'simulator' && isElsewhere(info))
        ? [
            {
              pid: info.pid,
              product: processClass.product,
              startedAtMs: info.startedAtMs,
              isStopped: info.isStopped,
              argv: info.argv,
            },
          ]
        : [],
    );
  }
}

/** The port that a simulator was told to play on; undefined where it took a free one. */
function simulatedPort(argv: readonly string[]): number | undefined {
  const at = argv.indexOf('--port');
  const text = at === -1 ? argv.find((arg) => arg.startsWith('--port='))?.slice(7) : argv[at + 1];
  const port = Number(text);
  return text !== undefined && port > 0 ? port : undefined;
}

/** The kernel gives a socket its number when a process takes it; `0` means that none has it. */
function isUnheld(row: SocketRow): boolean {
  return row.socketId === '0';
}

function isListener(row: SocketRow, port: number): boolean {
  return row.state === 'LISTEN' && row.local.port === port;
}

function listenersOn(
  rows: readonly SocketRow[],
  port: number,
  owners: Owners,
): readonly PortListener[] {
  return rows
    .filter((row) => isListener(row, port))
    .map((row) => {
      const { role, info, processClass } = owners.of(row);
      return {
        address: row.local.address,
        pid: row.ownerPid,
        role,
        product: processClass?.product,
        argv: info?.argv,
        startedAtMs: info?.startedAtMs,
        isStopped: info?.isStopped ?? false,
        receiveQueue: row.receiveQueue,
        socketId: row.socketId,
      };
    });
}

/** Both ends of the connections to `port` on this machine, as far as this machine shows them. */
function connections(
  rows: readonly SocketRow[],
  port: number,
): { readonly servers: ReadonlyMap<string, SocketRow>; readonly clients: readonly SocketRow[] } {
  const servers = new Map<string, SocketRow>();
  for (const row of rows) {
    if (row.local.port === port && row.state !== 'LISTEN') {
      servers.set(pairKey(row.remote, row.local), row);
    }
  }
  const clients = rows.filter(
    (row) =>
      row.remote.port === port &&
      row.local.port !== port &&
      // A connection to the same port of another machine is not ours.
      (isLoopbackAddress(row.remote.address) || servers.has(pairKey(row.local, row.remote))),
  );
  return { servers, clients };
}

function pairKey(client: SocketAddress, server: SocketAddress): string {
  return `${client.address} ${client.port} ${server.address} ${server.port}`;
}

function isLoopbackAddress(address: string): boolean {
  return address === '::1' || address.startsWith('127.');
}

function groupCloseWait(
  rows: readonly SocketRow[],
  port: number,
  owners: Owners,
): readonly CloseWaitGroup[] {
  const { servers, clients } = connections(rows, port);
  const sides = [
    ...[...servers.values()].map((row) => ({ side: 'server' as const, row })),
    ...clients.map((row) => ({ side: 'client' as const, row })),
  ].filter(({ row }) => row.state === 'CLOSE_WAIT');
  const groups = new Map<string, CloseWaitGroup>();
  for (const { side, row } of sides) {
    const { role } = owners.of(row);
    const key = `${side} ${role} ${row.ownerPid ?? ''}`;
    const count = (groups.get(key)?.count ?? 0) + 1;
    groups.set(key, { side, ownerPid: row.ownerPid, role, count });
  }
  return [...groups.values()];
}

function establishedClients(
  rows: readonly SocketRow[],
  port: number,
  owners: Owners,
): readonly EstablishedClient[] {
  const { servers, clients } = connections(rows, port);
  const clientsByPair = new Map(clients.map((row) => [pairKey(row.local, row.remote), row]));
  return [...new Set([...servers.keys(), ...clientsByPair.keys()])].flatMap((key) => {
    const server = servers.get(key);
    const client = clientsByPair.get(key);
    const end = client?.local ?? server?.remote;
    if (end === undefined || (client ?? server)?.state !== 'ESTABLISHED') {
      return [];
    }
    const { role, info, processClass } = owners.of(client);
    const program = processClass?.program;
    return [
      {
        clientAddress: end.address,
        clientPort: end.port,
        clientPid: client?.ownerPid,
        clientRole: role,
        clientProgram: program === undefined ? info?.name : describeProgram(program),
        // SYN_RECV: the accept queue is full, and the kernel holds the last step back.
        serverOwned:
          server === undefined ? undefined : !isUnheld(server) && server.state !== 'SYN_RECV',
        unreadAtServer: server?.receiveQueue,
      },
    ];
  });
}
