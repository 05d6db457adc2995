import { constants } from 'node:fs';
import { lstat, open, readdir } from 'node:fs/promises';

export interface FolderEntry {
  readonly name: string;
  /** A link is `other`, wherever it leads. */
  readonly kind: 'file' | 'folder' | 'other';
}

export interface FileLook {
  readonly isFile: boolean;
  /** Milliseconds since the epoch. */
  readonly modifiedAtMs: number;
  readonly size: number;
  /** Tells a file by whatever path it was reached. */
  readonly id: string;
}

export interface FileEnd {
  readonly bytes: Uint8Array;
  /** There is more in front. */
  readonly startsInside: boolean;
}

/** The few things that are asked of the disk. All may reject with a Node.js system error. */
export interface Disk {
  /** The folder itself may be reached through a link. */
  list(folder: string): Promise<readonly FolderEntry[]>;
  /** Never follows a link. */
  look(file: string): Promise<FileLook>;
  /** The last `maxBytes` of a regular file, from an even offset. */
  readEnd(file: string, maxBytes: number): Promise<FileEnd>;
}

/** O_NOFOLLOW: no link. O_NONBLOCK: a pipe that took the name must not hold us. */
const openFlags = constants.O_RDONLY | flag('O_NOFOLLOW') | flag('O_NONBLOCK');

/** Zero where the platform lacks the flag (Windows). */
function flag(name: 'O_NOFOLLOW' | 'O_NONBLOCK'): number {
  return (constants as Partial<typeof constants>)[name] ?? 0;
}

export const systemDisk: Disk = {
  async list(folder) {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries.map((entry) => ({
      name: entry.name,
      kind: entry.isFile() ? 'file' : entry.isDirectory() ? 'folder' : 'other',
    }));
  },

  async look(file) {
    const stats = await lstat(file);
    return {
      isFile: stats.isFile(),
      modifiedAtMs: stats.mtimeMs,
      size: stats.size,
      id: `${stats.dev}:${stats.ino}`,
    };
  },

  async readEnd(file, maxBytes) {
    const handle = await open(file, openFlags);
    try {
      const stats = await handle.stat();
      if (!stats.isFile()) {
        throw new Error('it is not a regular file');
      }
      const start = Math.max(0, stats.size - maxBytes);
      const evenStart = start + (start % 2);
      const buffer = Buffer.alloc(Math.min(stats.size, maxBytes));
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, evenStart);
      return { bytes: buffer.subarray(0, bytesRead), startsInside: evenStart > 0 };
    } finally {
      await handle.close();
    }
  },
};
