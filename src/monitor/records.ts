import {
  appendFileSync,
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from 'node:fs';
import { isoTime } from '../core/clock';
import { errorCode, errorText, HumanError } from '../core/errors';
import type { EndpointPaths } from '../core/paths';
import type { StatusRecord } from '../diagnostics/status';

/** Windows has no such flag, and Node leaves it undefined there. */
const noFollow = (constants as Partial<typeof constants>).O_NOFOLLOW ?? 0;

/** The log is turned over at this size; one old file is kept. */
const maxLogBytes = 5 * 1024 * 1024;
/** The longest words of one event, in characters: a peer may send megabytes. */
const maxWordsLength = 2000;

export type LogLevel = 'INFO' | 'WARN' | 'ERROR';

/**
 * Makes sure that a directory exists, is a real directory and belongs to us. A new one is closed
 * to others; of one that the user has named, the rights are the user's affair.
 * @throws HumanError that says what is wrong and what to do.
 */
export function ensureOwnDirectory(directory: string): void {
  inDirectory(directory, () => undefined);
}

/**
 * The same for a directory that only Robo uses: it is closed to others, however it came to be.
 * @throws HumanError that says what is wrong and what to do.
 */
export function ensurePrivateDirectory(directory: string): void {
  inDirectory(directory, ({ mode }) => {
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      chmodSync(directory, 0o700);
    }
  });
}

function inDirectory(directory: string, secure: (stats: Stats) => void): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const stats = lstatSync(directory);
    if (!stats.isDirectory()) {
      throw new HumanError(
        `${directory} is a link or a file, not a directory; remove it or choose another place with --state-dir or ROBO_STATE_DIR.`,
      );
    }
    const userId = process.getuid?.();
    if (userId !== undefined && stats.uid !== userId) {
      throw new HumanError(
        `${directory} belongs to another user; choose another place with --state-dir or ROBO_STATE_DIR.`,
      );
    }
    secure(stats);
  } catch (error) {
    if (error instanceof HumanError) {
      throw error;
    }
    throw new HumanError(
      `The records directory ${directory} cannot be used (${errorCode(error) ?? errorText(error)}); make it writable or choose another place with --state-dir or ROBO_STATE_DIR.`,
    );
  }
}

/**
 * Replaces a file as a whole: readers see the old text or the new, never a part of one. The new
 * text is written beside it under a name that must not exist yet, so that no link is followed.
 * @param mode rights of the new file; most are nobody else's business
 */
export function replaceFile(file: string, text: string | Uint8Array, mode = 0o600): void {
  const temporary = `${file}.${process.pid}.new`;
  rmSync(temporary, { force: true });
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;
  const descriptor = openSync(temporary, flags, mode);
  try {
    try {
      // Not writeSync: on a disk that is nearly full it writes a part and calls that a success.
      writeFileSync(descriptor, text);
    } finally {
      closeSync(descriptor);
    }
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

type RecordName = 'status' | 'alert' | 'log';

/** Another place that gets the status and the alert file. */
export interface RecordMirror {
  /** Why its last write failed, in one sentence; null when all worked. */
  readonly problem: string | null;
  /** Writes a record, or removes it; false when that failed. */
  write(record: string, text: string | undefined): boolean;
  /** Removes what it has written. */
  remove(): void;
}

/** The records of one endpoint. Failing to write is told, never fatal: the watch goes on. */
export class Records {
  private readonly problems = new Map<RecordName, string>();
  /** What was last to be written of each; undefined for a file that is to be absent. */
  private readonly last = new Map<string, string | undefined>();
  private mirror: RecordMirror | undefined;

  constructor(private readonly paths: EndpointPaths) {}

  /** Why a record's last write failed, in one sentence; null when all worked. */
  get problem(): string | null {
    return [...this.problems.values()][0] ?? this.mirror?.problem ?? null;
  }

  /** Copies the present records there, and all that follow; what was copied elsewhere goes. */
  copyTo(mirror: RecordMirror | undefined): void {
    this.mirror?.remove();
    this.mirror = mirror;
    for (const [record, text] of this.last) {
      mirror?.write(record, text);
    }
  }

  writeStatus(record: StatusRecord): void {
    const text = `${JSON.stringify(record, undefined, 2)}\n`;
    this.attempt('status', () => {
      replaceFile(this.paths.status, text);
    });
    this.copy(this.paths.status, text);
  }

  /**
   * Writes the alert file, or removes it: it exists exactly while a critical incident is open.
   * @returns false when that failed and is to be tried again.
   */
  writeAlert(text: string | undefined): boolean {
    const isWritten = this.attempt('alert', () => {
      if (text === undefined) {
        rmSync(this.paths.alert, { force: true });
      } else {
        replaceFile(this.paths.alert, text);
      }
    });
    const isCopied = this.copy(this.paths.alert, text);
    // An alert is written again with each state; what is to go must be asked for again.
    return text === undefined ? isWritten && isCopied : isWritten;
  }

  /** Appends one event: time, level, stable token, words. Line breaks in words are flattened. */
  log(atMs: number, level: LogLevel, token: string, words: string): void {
    this.attempt('log', () => {
      this.turnOver();
      const line = `${isoTime(atMs).replace('Z', '+00:00')} ${level} ${token} ${flatten(words)}\n`;
      const descriptor = openSync(
        this.paths.monitorLog,
        constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | noFollow,
        0o600,
      );
      try {
        appendLine(descriptor, line);
      } finally {
        closeSync(descriptor);
      }
    });
  }

  private copy(record: string, text: string | undefined): boolean {
    this.last.set(record, text);
    return this.mirror?.write(record, text) ?? true;
  }

  private turnOver(): void {
    const stats = statSync(this.paths.monitorLog, { throwIfNoEntry: false });
    if (stats !== undefined && stats.size > maxLogBytes) {
      renameSync(this.paths.monitorLog, `${this.paths.monitorLog}.1`);
    }
  }

  private attempt(name: RecordName, write: () => void): boolean {
    try {
      ensurePrivateDirectory(this.paths.directory);
      write();
      this.problems.delete(name);
      return true;
    } catch (error) {
      this.problems.set(name, this.explain(name, error));
      return false;
    }
  }

  private explain(name: RecordName, error: unknown): string {
    if (error instanceof HumanError) {
      return error.message;
    }
    const { directory, monitorLog, status, alert } = this.paths;
    const file = { status, alert, log: monitorLog }[name];
    if (isDirectory(file)) {
      return `${file} is a directory where a file belongs; remove it.`;
    }
    return errorCode(error) === 'ELOOP'
      ? `${monitorLog} is a link, and Robo writes through none; remove it.`
      : `The records in ${directory} cannot be written (${errorCode(error) ?? errorText(error)}); free some space or make the directory writable.`;
  }
}

function isDirectory(file: string): boolean {
  try {
    return lstatSync(file).isDirectory();
  } catch {
    return false;
  }
}

/** A disk that fills up in the middle of a line would make one line of it and the next. */
function appendLine(descriptor: number, line: string): void {
  const { size } = fstatSync(descriptor);
  try {
    appendFileSync(descriptor, line);
  } catch (error) {
    ftruncateSync(descriptor, size);
    throw error;
  }
}

/** One line for the log, whatever a peer sent: control characters become blanks. */
function flatten(words: string): string {
  // eslint-disable-next-line no-control-regex -- these are exactly what must not reach a log line
  const line = words.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ').trim();
  return line.length <= maxWordsLength ? line : `${line.slice(0, maxWordsLength - 1)}…`;
}
