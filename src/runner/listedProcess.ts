import type { ProcessInfo, SocketRow } from '../host/machine';
import type { ProcessBackground } from '../host/processBackground';
import type { Endpoint, Mode } from '../ibkr/endpoint';

/** What a listed process is to us. */
export type ProcessRole =
  'runner' | 'duplicate' | 'other runner' | 'worker' | 'helper' | 'tws' | 'proxy' | 'monitor';

/** What would start a runner again once it is ended. */
export interface RespawnSource {
  /** What it is called: `the systemd unit trader.service`, `pm2 (pid 812)`. */
  readonly name: string;
  /** Null where it is no process of its own (a unit, a container, a job). */
  readonly pid: number | null;
  /** What to do before runners are ended, in one sentence. */
  readonly remedy: string;
}

export interface ListedProcess {
  readonly pid: number;
  readonly startToken: string;
  readonly argv: readonly string[];
  readonly role: ProcessRole;
  /** Why it counts as what it is, in one sentence. */
  readonly why: string;
  /** ISO 8601 in UTC. */
  readonly startedAt: string;
  readonly workingDirectory: string | null;
  /** The one that is kept when duplicates are ended. */
  readonly isRightful: boolean;
  /** A helper, also where its role is `duplicate`. */
  readonly isHelper: boolean;
  /** 0 where the parent has ended (Windows). */
  readonly parentPid: number;
  /** Known to trade on a live account; false where that is unknown too. */
  readonly isLive: boolean;
  /** Known to be for this endpoint: by a connection, or by the port that it was told. */
  readonly isBoundHere: boolean;
  /** Connections to the endpoint, as `127.0.0.1:50123 ESTABLISHED`; null where unknown. */
  readonly sockets: readonly string[] | null;
  /** What starts runners: itself, or what would start it again; null where none is seen. */
  readonly respawnedBy: RespawnSource | null;
  /** The pid of which it is a duplicate; absent unless its role is `duplicate`. */
  readonly duplicateOf?: number;
}

/** A process by what never changes of it. */
export type ProcessMark = Pick<ProcessInfo, 'pid' | 'startToken'>;

export interface ListRunnersInput {
  readonly processes: readonly ProcessInfo[];
  /**
   * Rows of the endpoint's port, of the usual ports and of those of helpers; undefined where they
   * are unknown.
   */
  readonly sockets: readonly SocketRow[] | undefined;
  /** Absolute path with links resolved; null lists every runner as another one. */
  readonly workspace: string | null;
  readonly endpoint: Endpoint;
  /** The user's command; empty means the built-in runner. */
  readonly runnerCommand: readonly string[];
  /** The runner that the daemon supervises in this workspace. */
  readonly supervised: ProcessMark | undefined;
  /** What runs of this workspace have left running whose command has ended. */
  readonly left?: readonly ProcessMark[] | undefined;
  /** Runners that Robo was asked to watch: theirs is the work that the trader relies on. */
  readonly watched?: readonly ProcessMark[] | undefined;
  /** The process that asks; never listed. */
  readonly ownPid: number;
  /** What the system tells beyond the table, by pid, with that of `ownPid`; absent: unknown. */
  readonly background?: ReadonlyMap<number, ProcessBackground> | undefined;
  /** Where links in the folders of programs lead, by the folder as the program's path names it. */
  readonly realFolders?: ReadonlyMap<string, string> | undefined;
  /** Text of the shell scripts that run now and may have started a runner, by pid. */
  readonly scripts?: ReadonlyMap<number, string> | undefined;
  /** Keys and values of the workspace's `.env`: what a runner uses that is told nothing else. */
  readonly envFile?: ReadonlyMap<string, string> | undefined;
  /** Mode of the account behind the endpoint, where a session has told it. */
  readonly mode?: Mode | undefined;
}
