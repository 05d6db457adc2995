import {
  appendFileSync,
  closeSync,
  constants,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { isoTime } from '../core/clock';
import { errorCode, errorText, HumanError } from '../core/errors';
import type { EndpointPaths } from '../core/paths';
import type { StatusRecord } from '../diagnostics/status';

/** Windows has no such flag, and Node leaves it undefined there. */
const noFollow = (constants as Partial<typeof constants>).O_NOFOLLOW ?? 0;

/** The log is turned over at this size; one old file is kept. */
const maxLogBytes = 5 * 1024 * 1024;

export type LogLevel = 'INFO' | 'WARN' | 'ERROR';

/**
 * Makes sure that a directory of ours exists, is a real directory, belongs to us, and is closed to others.
 * @throws HumanError that says what is wrong and what to do.
 */
export function ensurePrivateDirectory(directory: string): void {
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
 */
export function replaceFile(file: string, text: string): void {
  const temporary = `${file}.${process.pid}.new`;
  rmSync(temporary, { force: true });
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;
  const descriptor = openSync(temporary, flags, 0o600);
  try {
    writeSync(descriptor, text);
  } finally {
    closeSync(descriptor);
  }
  renameSync(temporary, file);
}

/** The records of one endpoint. Failing to write is told, never fatal: the watch goes on. */
export class Records {
  /** Why the last write failed, in one sentence; null when it worked. */
  problem: string | null = null;

  constructor(private readonly paths: EndpointPaths) {}

  writeStatus(record: StatusRecord): void {
    this.attempt(() => {
      replaceFile(this.paths.status, `${JSON.stringify(record, undefined, 2)}\n`);
    });
  }

  /** Writes the alert file, or removes it: it exists exactly while a critical incident is open. */
  writeAlert(text: string | undefined): void {
    this.attempt(() => {
      if (text === undefined) {
        rmSync(this.paths.alert, { force: true });
      } else {
        replaceFile(this.paths.alert, text);
      }
    });
  }

  /** Appends one event: time, level, stable token, words. Line breaks in words are flattened. */
  log(atMs: number, level: LogLevel, token: string, words: string): void {
    this.attempt(() => {
      this.turnOver();
      const line = `${isoTime(atMs).replace('Z', '+00:00')} ${level} ${token} ${flatten(words)}\n`;
      const descriptor = openSync(
        this.paths.monitorLog,
        constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | noFollow,
        0o600,
      );
      try {
        appendFileSync(descriptor, line);
      } finally {
        closeSync(descriptor);
      }
    });
  }

  private turnOver(): void {
    const stats = statSync(this.paths.monitorLog, { throwIfNoEntry: false });
    if (stats !== undefined && stats.size > maxLogBytes) {
      renameSync(this.paths.monitorLog, `${this.paths.monitorLog}.1`);
    }
  }

  private attempt(write: () => void): void {
    try {
      ensurePrivateDirectory(this.paths.directory);
      write();
      this.problem = null;
    } catch (error) {
      this.problem =
        error instanceof HumanError
          ? error.message
          : `The records in ${dirname(this.paths.status)} cannot be written (${errorCode(error) ?? errorText(error)}); free some space or make the directory writable.`;
    }
  }
}

/** One line for the log, whatever a peer sent: control characters become blanks. */
function flatten(words: string): string {
  // eslint-disable-next-line no-control-regex -- these are exactly what must not reach a log line
  return words.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ').trim();
}
