/** One settings file of TWS or IB Gateway (`jts.ini`), as far as it decides a connection. */
export interface TwsSettingsFile {
  readonly file: string;
  /** Milliseconds since the epoch. */
  readonly modifiedAtMs: number;
  /** The API port that it names; undefined where it names none. */
  readonly port: number | undefined;
  /** Undefined where the file does not say. An empty list trusts nobody. */
  readonly trustedIps: readonly string[] | undefined;
  /** The time zone in which TWS writes times, in its own words. */
  readonly timeZone: string | undefined;
  /** What the login window was last set to; absent where the file does not say. */
  readonly mode?: 'paper' | 'live';
  /** Set where a running TWS or IB Gateway names the folder of this file on its command line. */
  readonly isOfRunning?: true;
}

/** Which program of the login chain writes a log. */
export type TwsLogKind = 'api' | 'launcher' | 'ibc';

/** The newest part of one log; lines in the order of the file, bounded in number and length. */
export interface TwsLogTail {
  readonly file: string;
  readonly kind: TwsLogKind;
  /** Milliseconds since the epoch. */
  readonly modifiedAtMs: number;
  readonly lines: readonly string[];
}

/** A file or folder that is there and could not be read: what it says stays unknown. */
export interface UnreadableTwsFile {
  readonly file: string;
  readonly why: string;
}

/** What TWS, IB Gateway and IBC have written on this machine. Newest file first. */
export interface TwsFiles {
  readonly settings: readonly TwsSettingsFile[];
  readonly logs: readonly TwsLogTail[];
  /** Absent where everything that was found could be read. */
  readonly unreadable?: readonly UnreadableTwsFile[];
}
