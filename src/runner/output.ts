import { constants, fstatSync, ftruncateSync } from 'node:fs';
import { type FileHandle, open, rename } from 'node:fs/promises';
import type { Clock, Timer } from '../core/clock';
import type { Disposable } from '../core/disposables';
import { Emitter } from '../core/emitter';
import { errorCode, errorText } from '../core/errors';
import { LineSplitter } from './lines';

export interface OutputDeps {
  readonly clock: Clock;
  /** How often the file is looked at, in milliseconds. */
  readonly intervalMs?: number;
  /** The file is copied to `.1` and truncated when it is this long (10 MB). */
  readonly rotateAtBytes?: number;
  /** How far behind the end we may fall before bytes are left out (4 MiB). */
  readonly maxBehindBytes?: number;
  /** Somebody else's file: only read, never rotated, and a link to it is followed. */
  readonly isForeign?: boolean;
}

/** Read at most in one look; with the interval it bounds both memory and time per look. */
const chunkBytes = 256 * 1024;
/** The next look, when there was more to read than one chunk. */
const catchUpMs = 10;
/** How often late output is waited for before a file that is written all the time is truncated. */
const lateRounds = 4;
/** The last bytes that were read, kept to notice a file that was truncated and grew again. */
const fingerprintBytes = 64;

// Absent on Windows, where a link needs rights that a stranger does not have.
const { O_NOFOLLOW: noFollow = 0, O_NONBLOCK: noWait = 0 } = constants as Partial<typeof constants>;

/** Opens a runner's log for its stdout and stderr: append-only, private, never through a link. */
export async function openForAppend(file: string): Promise<FileHandle> {
  const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | noFollow;
  return await open(file, flags, 0o600);
}

/**
 * Follows an append-only file by looking at it again and again. The writer holds the file
 * itself, not a pipe of ours, so nothing here can block or break its next print. What comes
 * faster than it can be read is left out and said so; the file keeps it.
 */
export class OutputFollower implements Disposable {
  private readonly linesEmitter = new Emitter<readonly string[]>();
  private readonly problemEmitter = new Emitter<string>();
  private readonly splitter = new LineSplitter();
  private handle: FileHandle | undefined;
  private openedId: string | undefined;
  private position: number;
  private fingerprint: Buffer = Buffer.alloc(0);
  private timer: Timer | undefined;
  private queue: Promise<unknown> = Promise.resolve();
  private isDisposed = false;
  private saidProblem: string | undefined;

  /** New complete lines, in order, one batch a look. */
  readonly onLines = this.linesEmitter.event;
  /** Why the file cannot be followed or rotated, once per reason. */
  readonly onProblem = this.problemEmitter.event;

  /** @param startOffset where to begin, in bytes from the start of `file` */
  constructor(
    private readonly file: string,
    startOffset: number,
    private readonly deps: OutputDeps,
  ) {
    this.position = startOffset;
    this.arm(0);
  }

  /** Where the next reader has to begin to miss no line, in bytes. */
  get offset(): number {
    return this.position - this.splitter.pendingBytes;
  }

  /** The file that is read, by which it is known under another name; undefined before it is open. */
  get fileId(): string | undefined {
    return this.openedId;
  }

  /** Reads to the present end of the file, and gives the unfinished last line too. */
  async drain(): Promise<void> {
    await this.enqueue(async () => {
      // More turns than the distance at which bytes are left out; then whoever writes writes on.
      let turns = Math.ceil(this.maxBehindBytes / chunkBytes) + 1;
      while (turns > 0 && (await this.look())) {
        turns -= 1;
      }
      this.fire(this.splitter.flush());
    });
  }

  dispose(): void {
    if (this.isDisposed) {
      return;
    }
    this.isDisposed = true;
    this.timer?.cancel();
    void this.queue.then(async () => {
      await this.handle?.close().catch(() => undefined);
      this.handle = undefined;
    });
    this.linesEmitter.dispose();
    this.problemEmitter.dispose();
  }

  private get maxBehindBytes(): number {
    return this.deps.maxBehindBytes ?? 4 * 1024 * 1024;
  }

  private arm(delayMs: number): void {
    if (this.isDisposed) {
      return;
    }
    this.timer = this.deps.clock.setTimer(delayMs, () => {
      void this.enqueue(async () => {
        const hasMore = await this.look();
        this.arm(hasMore ? catchUpMs : (this.deps.intervalMs ?? 100));
      });
    });
  }

  /** One look at a time, whoever asks. */
  private async enqueue(action: () => Promise<void>): Promise<void> {
    const turn = this.queue.then(action);
    this.queue = turn;
    await turn;
  }

  /** Reads one chunk; true when there is more. Never throws. */
  private async look(): Promise<boolean> {
    if (this.isDisposed) {
      return false;
    }
    try {
      this.handle ??= await this.open();
      const { size } = await this.handle.stat();
      const hasMore = await this.advance(this.handle, size, this.maxBehindBytes);
      if (this.deps.isForeign !== true) {
        await this.rotateIfLong(this.handle, size);
      }
      this.saidProblem = undefined;
      return hasMore;
    } catch (error) {
      this.complain(error);
      return false;
    }
  }

  private async open(): Promise<FileHandle> {
    // Without a wait: a pipe in its place would hold the reader until somebody writes.
    const flags =
      this.deps.isForeign === true ? constants.O_RDONLY | noWait : constants.O_RDWR | noFollow;
    const handle = await open(this.file, flags);
    const entry = await handle.stat();
    if (!entry.isFile()) {
      await handle.close();
      throw new Error('it is no regular file');
    }
    this.openedId = fileIdOf(entry);
    return handle;
  }

  private async advance(handle: FileHandle, size: number, maxBehind: number): Promise<boolean> {
    const lines: string[] = [];
    if (size < this.position) {
      this.startOver(lines);
    }
    if (size - this.position > maxBehind) {
      const left = size - chunkBytes - this.position;
      this.position += left;
      this.fingerprint = Buffer.alloc(0);
      this.splitter.skipToNextLine();
      lines.push(`[robo: ${left} bytes of output left out here; the log file has them]`);
    }
    if (size > this.position) {
      await this.readChunk(handle, lines);
    }
    this.fire(lines);
    return size > this.position;
  }

  private async readChunk(handle: FileHandle, lines: string[]): Promise<void> {
    const known = this.fingerprint.length;
    const buffer = Buffer.allocUnsafe(known + chunkBytes);
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, this.position - known);
    if (!buffer.subarray(0, known).equals(this.fingerprint)) {
      this.startOver(lines);
      return;
    }
    const chunk = buffer.subarray(known, Math.max(known, bytesRead));
    this.position += chunk.length;
    this.fingerprint = Buffer.from(
      buffer.subarray(Math.max(0, bytesRead - fingerprintBytes), bytesRead),
    );
    lines.push(...this.splitter.push(chunk));
  }

  private startOver(lines: string[]): void {
    this.position = 0;
    this.fingerprint = Buffer.alloc(0);
    this.splitter.reset();
    lines.push('[robo: the log file was truncated; lines may be missing here]');
  }

  private async rotateIfLong(handle: FileHandle, size: number): Promise<void> {
    const limit = this.deps.rotateAtBytes ?? 10_000_000;
    // A file that grows faster than it is read is rotated all the same, to bound the disk.
    if (size < limit || (this.position < size && size < 2 * limit)) {
      return;
    }
    const old = await open(
      `${this.file}.1.tmp`,
      constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | noFollow,
      0o600,
    );
    try {
      // Whole, so that it begins with a line, unless a flood has outgrown it.
      await copyRange(handle, old, size < 2 * limit ? 0 : size - limit, size);
      await rename(`${this.file}.1.tmp`, `${this.file}.1`);
      await this.truncateAt(handle, old, size);
    } finally {
      await old.close();
    }
    this.position = 0;
    this.fingerprint = Buffer.alloc(0);
    await this.markRotation();
  }

  /**
   * Copies and gives what was printed meanwhile, then truncates. Only what is printed between
   * the last look at the size and the truncation can be lost, so these two are one step.
   */
  private async truncateAt(handle: FileHandle, old: FileHandle, copied: number): Promise<void> {
    let reached = copied;
    for (let round = 0; round < lateRounds; round += 1) {
      const { size } = fstatSync(handle.fd);
      if (size === reached && size === this.position) {
        break;
      }
      await copyRange(handle, old, Math.max(reached, size - chunkBytes), size);
      // The newest lines are given in any case: they may be the runner's last words.
      await this.advance(handle, size, chunkBytes);
      reached = size;
    }
    ftruncateSync(handle.fd, 0);
  }

  private async markRotation(): Promise<void> {
    const log = await openForAppend(this.file);
    try {
      const name = `${this.file.split(/[\\/]/).at(-1) ?? ''}.1`;
      const mark = `[robo: older lines are in ${name}; a line printed just now may be lost]\n`;
      await log.write(this.splitter.pendingBytes === 0 ? mark : `\n${mark}`);
    } finally {
      await log.close();
    }
  }

  private fire(lines: readonly string[]): void {
    if (lines.length > 0 && !this.isDisposed) {
      this.linesEmitter.fire(lines);
    }
  }

  private complain(error: unknown): void {
    const text = errorText(error);
    // Not there yet is no problem: the runner's first line makes it.
    if (errorCode(error) !== 'ENOENT' && text !== this.saidProblem && !this.isDisposed) {
      this.saidProblem = text;
      this.problemEmitter.fire(`The runner's log ${this.file} could not be followed: ${text}`);
    }
  }
}

/** Device and number of a file: the same under every name, and another for a new file. */
export function fileIdOf({ dev, ino }: { readonly dev: number; readonly ino: number }): string {
  return `${dev}:${ino}`;
}

async function copyRange(
  from: FileHandle,
  to: FileHandle,
  start: number,
  end: number,
): Promise<void> {
  const buffer = Buffer.allocUnsafe(chunkBytes);
  let position = start;
  while (position < end) {
    const { bytesRead } = await from.read(
      buffer,
      0,
      Math.min(chunkBytes, end - position),
      position,
    );
    if (bytesRead === 0) {
      return;
    }
    await to.write(buffer, 0, bytesRead);
    position += bytesRead;
  }
}
