import { constants } from 'node:fs';
import { access, open, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { errorCode, errorText } from '../core/errors';

/** What was read of a file. `absent` is known; `unreadable` says why it could not be read. */
export type FileText =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'absent' }
  | { readonly kind: 'unreadable'; readonly why: string };

/**
 * A folder of the trader, looked at and never changed. Paths may be relative to it or absolute.
 * Links are followed; only regular files are read, and only where they are small enough: what
 * else lies there (a pipe, a device, a huge file) is neither waited for nor loaded.
 */
export interface WorkspaceLook {
  readonly root: string;
  /** The text of a regular file of at most `maxBytes`; undefined for anything else. */
  read(file: string, maxBytes?: number): Promise<string | undefined>;
  /** What a path leads to; undefined where nothing is there or it cannot be seen. */
  kind(place: string): Promise<'file' | 'folder' | undefined>;
  /** Whether this user may execute a file. */
  isExecutable(file: string): Promise<boolean>;
  /** Names in a folder, sorted, at most 1,000; none where it cannot be read. */
  list(folder: string): Promise<readonly string[]>;
}

/** Source of people, not data. */
const defaultMaxBytes = 1_048_576;
const maxNames = 1000;

/** Looks at a folder on disk. */
export function lookAt(root: string): WorkspaceLook {
  const absolute = (place: string): string => path.resolve(root, place);
  return {
    root,
    read: async (file, maxBytes = defaultMaxBytes) => {
      const found = await readRegularFile(absolute(file), maxBytes);
      return found.kind === 'text' ? found.text : undefined;
    },
    kind: async (place) => {
      const entry = await stat(absolute(place)).catch(() => undefined);
      return entry?.isFile() === true
        ? 'file'
        : entry?.isDirectory() === true
          ? 'folder'
          : undefined;
    },
    isExecutable: async (file) =>
      await access(absolute(file), constants.X_OK).then(
        () => true,
        () => false,
      ),
    list: async (folder) => {
      const names = await readdir(absolute(folder)).catch(() => []);
      return names.sort().slice(0, maxNames);
    },
  };
}

/** Reads a regular file whole, if it has at most `maxBytes`; a pipe is not waited for. */
export async function readRegularFile(file: string, maxBytes: number): Promise<FileText> {
  let handle;
  try {
    // Windows knows no O_NONBLOCK and no pipes among files: undefined counts as no flag there.
    handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
    const entry = await handle.stat();
    if (!entry.isFile()) {
      return { kind: 'unreadable', why: 'it is no regular file' };
    }
    if (entry.size > maxBytes) {
      return { kind: 'unreadable', why: `it has ${entry.size} bytes, more than ${maxBytes}` };
    }
    const buffer = Buffer.alloc(entry.size);
    const { bytesRead } = await handle.read(buffer, 0, entry.size, 0);
    return { kind: 'text', text: buffer.toString('utf8', 0, bytesRead) };
  } catch (error) {
    const code = errorCode(error);
    return code === 'ENOENT' || code === 'ENOTDIR'
      ? { kind: 'absent' }
      : { kind: 'unreadable', why: code ?? errorText(error) };
  } finally {
    await handle?.close();
  }
}
