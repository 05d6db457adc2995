import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { errorCode, errorText, HumanError } from '../core/errors';
import type { EndpointPaths } from '../core/paths';
import { type RecordMirror, replaceFile } from './records';

/** Whose copies they are, and the time by which another monitor's are judged. */
export interface CopyOwner {
  readonly host: string;
  readonly port: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** Windows has neither, and Node leaves them undefined there. */
const { O_NOFOLLOW: noFollow = 0, O_NONBLOCK: noWait = 0 } = constants as Partial<typeof constants>;

/** A monitor writes every half minute: copies that are older are nobody's any more. Milliseconds. */
const abandonedMs = 120_000;

/** A status is some kilobytes; what is longer is none. */
const maxStatusBytes = 10_000_000;

/**
 * Copies of the status and the alert file in a folder of the trader's choice, which may be one for
 * everybody, like `/tmp`. They have the names that scripts know, so that one folder takes the
 * copies of one endpoint. Nothing is written through a link or in place of a stranger's file.
 */
export class RecordCopies implements RecordMirror {
  private readonly problems = new Map<string, string>();
  private readonly last = new Map<string, string | undefined>();

  constructor(
    private readonly paths: EndpointPaths,
    /** As the trader has named it. */
    readonly folder: string,
    private readonly owner: CopyOwner,
  ) {
    this.removeUnfinished();
  }

  /** Why the last write failed, in one sentence; null when all worked. */
  get problem(): string | null {
    return [...this.problems.values()][0] ?? null;
  }

  /**
   * Writes the copy of a record, or removes it.
   * @returns false when that failed and is to be tried again.
   */
  write(record: string, text: string | undefined): boolean {
    const name = basename(record);
    this.last.set(name, text);
    try {
      this.put(this.usableFolder(), name, text);
      this.problems.delete(name);
      return true;
    } catch (error) {
      this.problems.set(name, this.explain(error));
      return false;
    }
  }

  /** Removes the copies: they would be taken for the present state. */
  remove(): void {
    for (const name of this.last.keys()) {
      try {
        this.put(this.usableFolder(), name, undefined);
      } catch {
        // What is not ours stays.
      }
    }
  }

  private put(folder: string, name: string, text: string | undefined): void {
    const file = join(folder, name);
    this.refuseOthers(folder);
    const stats = lstatSync(file, { throwIfNoEntry: false });
    if (stats === undefined && text === undefined) {
      return;
    }
    if (stats !== undefined && !stats.isFile()) {
      throw new HumanError(
        `${file} is a link or no file, and Robo writes through none; remove it.`,
      );
    }
    if (stats !== undefined && isForeign(stats.uid)) {
      throw new HumanError(
        `${file} belongs to another user; remove it or choose another folder with robo.records.alsoAt.`,
      );
    }
    if (text === undefined) {
      rmSync(file, { force: true });
    } else {
      replaceFile(file, text);
    }
  }

  /** The folder itself, made where it is missing in one that exists; a link is followed to it. */
  private usableFolder(): string {
    const { folder } = this;
    if (lstatSync(folder, { throwIfNoEntry: false }) === undefined) {
      mkdirSync(folder, { mode: 0o700 });
    }
    const real = realpathSync(folder);
    const stats = statSync(real);
    const owners = [lstatSync(folder).uid, stats.uid];
    if (!stats.isDirectory()) {
      throw new HumanError(`${folder} is no folder; choose another one with robo.records.alsoAt.`);
    }
    // The system's own folders, /tmp above all, belong to root.
    if (owners.some((uid) => uid !== 0 && isForeign(uid))) {
      throw new HumanError(
        `${folder} belongs to another user, who could change the copies; choose another folder with robo.records.alsoAt.`,
      );
    }
    if (real === realpathSync(this.paths.directory)) {
      throw new HumanError(
        `${folder} is where the records are; choose another folder with robo.records.alsoAt, or none.`,
      );
    }
    return real;
  }

  /** The monitor of another endpoint that writes here: the two would undo each other's words. */
  private refuseOthers(folder: string): void {
    const theirs = readStatus(join(folder, basename(this.paths.status)));
    const { host, port, now } = this.owner;
    if (
      theirs === undefined ||
      (theirs.host === host && theirs.port === port) ||
      Math.abs(now() - theirs.atMs) > abandonedMs
    ) {
      return;
    }
    throw new HumanError(
      `${this.folder} has the copies of the monitor of ${theirs.host}:${theirs.port}; choose another folder for ${host}:${port} with robo monitor --records-also-at.`,
    );
  }

  /** What a monitor left that was killed while it wrote: the text that never took its place. */
  private removeUnfinished(): void {
    const names = [this.paths.status, this.paths.alert].map((file) => basename(file));
    try {
      const folder = realpathSync(this.folder);
      for (const name of readdirSync(folder)) {
        const isCopy = names.includes(name.replace(/\.\d+\.new$/, '')) && !names.includes(name);
        const stats = isCopy ? lstatSync(join(folder, name)) : undefined;
        // Another endpoint's monitor may be writing one just now.
        const isOld = this.owner.now() - (stats?.mtimeMs ?? 0) > abandonedMs;
        if (stats !== undefined && !isForeign(stats.uid) && isOld) {
          rmSync(join(folder, name), { force: true });
        }
      }
    } catch {
      // They only take up room; what keeps us from writing here, the copies tell.
    }
  }

  private explain(error: unknown): string {
    return error instanceof HumanError
      ? error.message
      : `The copies of the records in ${this.folder} cannot be written (${errorCode(error) ?? errorText(error)}); free some space, make the folder writable or choose another one with robo.records.alsoAt.`;
  }
}

function isForeign(uid: number): boolean {
  const userId = process.getuid?.();
  return userId !== undefined && uid !== userId;
}

interface Written {
  readonly host: string;
  readonly port: number;
  readonly atMs: number;
}

/** Undefined for what no monitor of Robo has written. */
function readStatus(file: string): Written | undefined {
  try {
    // Without waiting: somebody may have put a pipe there.
    const descriptor = openSync(file, constants.O_RDONLY | noFollow | noWait);
    try {
      const stats = fstatSync(descriptor);
      if (!stats.isFile() || stats.size > maxStatusBytes) {
        return undefined;
      }
      const status = JSON.parse(readFileSync(descriptor, 'utf8')) as {
        readonly timestamp?: unknown;
        readonly session?: { readonly host?: unknown; readonly port?: unknown };
      } | null;
      const { host, port } = status?.session ?? {};
      const atMs = Date.parse(String(status?.timestamp));
      return typeof host === 'string' && typeof port === 'number' && !Number.isNaN(atMs)
        ? { host, port, atMs }
        : undefined;
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return undefined;
  }
}
