import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { errorCode, errorText, HumanError } from '../core/errors';
import { LineDecoder } from '../diagnostics/textDecoding';

export interface LogEndBounds {
  /** How much is read of the file, at most. */
  readonly maxBytes: number;
  readonly maxLines: number;
}

/** The last lines of a log. */
export interface LogEnd {
  /** Complete lines, without their line breaks, oldest first. */
  readonly lines: readonly string[];
  /** What stands behind the last line break; empty where nothing does. */
  readonly unfinished: string;
  /** True where no older lines stand before these. */
  readonly isWhole: boolean;
  /** Where a follower goes on, in bytes: behind the last line break. */
  readonly nextOffset: number;
  /** What it cost. */
  readonly bytesRead: number;
}

// Absent on Windows.
const { O_NONBLOCK: noWait = 0 } = constants as Partial<typeof constants>;
const lineFeed = 10;

/**
 * Reads the end of a log, however long the file is.
 * @returns undefined where there is no such file
 * @throws HumanError when it cannot be read or is no regular file
 */
export async function readLogEnd(file: string, bounds: LogEndBounds): Promise<LogEnd | undefined> {
  let handle: FileHandle | undefined;
  try {
    // Without a wait: a pipe in its place would hold us until somebody writes.
    handle = await open(file, constants.O_RDONLY | noWait);
    const stats = await handle.stat();
    if (!stats.isFile()) {
      throw new Error('it is no regular file');
    }
    return await readEnd(handle, stats.size, bounds);
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') {
      return undefined;
    }
    throw new HumanError(
      `The log ${file} cannot be read (${errorCode(error) ?? errorText(error)}); make it readable.`,
    );
  } finally {
    await handle?.close();
  }
}

async function readEnd(handle: FileHandle, size: number, bounds: LogEndBounds): Promise<LogEnd> {
  const start = Math.max(0, size - bounds.maxBytes);
  const bytes = await readRange(handle, start, size);
  // It may begin in the middle of a line; without any line break it is the middle of one.
  const from = start === 0 ? 0 : bytes.indexOf(lineFeed) + 1;
  const end = bytes.lastIndexOf(lineFeed) + 1;
  const lines = linesOf(bytes.subarray(from, end));
  const kept = lines.slice(Math.max(0, lines.length - bounds.maxLines));
  return {
    lines: kept,
    unfinished: linesOf(bytes.subarray(end)).join(' '),
    isWhole: start === 0 && kept.length === lines.length,
    nextOffset: start + end,
    bytesRead: bytes.length,
  };
}

async function readRange(handle: FileHandle, start: number, end: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(end - start);
  let filled = 0;
  while (filled < bytes.length) {
    const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, start + filled);
    if (bytesRead === 0) {
      // It was truncated meanwhile.
      break;
    }
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}

function linesOf(bytes: Buffer): readonly string[] {
  const decoder = new LineDecoder();
  return [...decoder.push(bytes), ...decoder.end()];
}
