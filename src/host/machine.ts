import type { Observed } from '../core/observed';
import type { ProcessBackground } from './processBackground';
import type { TwsFiles } from './twsFiles';

/** What makes a pid one process and no other (law 9). */
export interface ProcessIdentity {
  readonly pid: number;
  /**
   * Start time exactly as the system states it; opaque, only compared. On Linux the boot id
   * and the clock ticks since boot, so that it never changes with the wall clock; on macOS the
   * second in UTC, on Windows 100 ns, both as the kernel noted them at the start.
   */
  readonly startToken: string;
  /**
   * Empty where it is hidden. On macOS only the first one is exact: an argument with a blank in
   * it comes out as two, and always the same two.
   */
  readonly argv: readonly string[];
}

export interface ProcessInfo extends ProcessIdentity {
  /** 0 where the parent has ended (Windows; elsewhere the child is given to process 1 then). */
  readonly parentPid: number;
  /** 0 where the system has no such groups (Windows), so that nobody is a member of one. */
  readonly processGroup: number;
  /** Wall-clock start in milliseconds since the epoch; precise to 10 ms, on macOS to a second. */
  readonly startedAtMs: number;
  /** Undefined where the system does not let us see it. */
  readonly workingDirectory: string | undefined;
  /** The short name of the program (`java`, `node`, `java.exe`). */
  readonly name: string;
  readonly userId: number | undefined;
  /**
   * Stopped by a signal or a debugger (state T or t): alive, and unable to answer. Windows does
   * not tell, so that false proves nothing there.
   */
  readonly isStopped: boolean;
}

export type TcpState =
  | 'LISTEN'
  | 'SYN_SENT'
  | 'SYN_RECV'
  | 'ESTABLISHED'
  | 'FIN_WAIT1'
  | 'FIN_WAIT2'
  | 'TIME_WAIT'
  | 'CLOSE'
  | 'CLOSE_WAIT'
  | 'LAST_ACK'
  | 'CLOSING';

export interface SocketAddress {
  readonly address: string;
  readonly port: number;
}

/** One row of the kernel's TCP table. */
export interface SocketRow {
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  readonly state: TcpState;
  /** Undefined where the owner is hidden from us, or the socket belongs to no process any more. */
  readonly ownerPid: number | undefined;
  /**
   * For LISTEN: connections that wait to be accepted. Otherwise unread bytes. Undefined where the
   * system does not tell.
   */
  readonly receiveQueue: number | undefined;
  /**
   * Tells a new listener from the old one: the kernel's number of the socket (inode on Linux,
   * generation on macOS), on Windows its process and ends. `0` where no process holds it.
   */
  readonly socketId: string;
}

/**
 * What the operating system can tell without touching the port (law 1). Every look
 * answers *unknown* with a reason when it could not be made (law 4).
 */
export interface Machine {
  readonly platform: NodeJS.Platform;
  /** All processes that we may see. */
  processes(): Promise<Observed<readonly ProcessInfo[]>>;
  /** Why `processes` leaves out those of other users; undefined, or left out, where it does not. */
  hiddenProcesses?(): string | undefined;
  /** The process with this pid now; known(undefined) when there is none. */
  process(pid: number): Promise<Observed<ProcessInfo | undefined>>;
  /**
   * The asked-for variables, and what keeps a process running, by pid. Left out is every process
   * that is not this one any more; left out as a whole where the system tells nothing of it.
   * @param variables the only ones that are kept
   */
  background?(
    processes: readonly Pick<ProcessIdentity, 'pid' | 'startToken'>[],
    variables: readonly string[],
  ): Promise<ReadonlyMap<number, ProcessBackground>>;
  /** All TCP rows with one of `ports` at either end. Owners are looked up for these rows only. */
  sockets(ports: readonly number[]): Promise<Observed<readonly SocketRow[]>>;
  /**
   * Who listens on `port`, without owners: cheap enough to ask every second.
   * The values are `socketId`s.
   */
  listeners(port: number): Promise<Observed<readonly string[]>>;
  /**
   * What TWS, IB Gateway and IBC have written: settings and the newest part of their logs.
   * @param running the processes of TWS, IB Gateway and IBC; their arguments and working
   *   directories name further places to look
   */
  twsFiles(running: readonly ProcessInfo[]): Promise<Observed<TwsFiles>>;
}
