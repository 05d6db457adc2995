import { readdir, readFile, readlink } from 'node:fs/promises';
import { errorText } from '../core/errors';
import { known, type Observed, unknown } from '../core/observed';

/** Handles looked at; a program with more has its log among the first. */
const maxHandles = 256;
/** Access mode in the flags of a handle: 1 writes, 2 reads and writes (open(2)). */
const accessMode = 3;

/**
 * The files that a process has open for writing: its stdout, its stderr, then what is called like
 * a log. Linux tells them in `/proc`; elsewhere they are unknown, because asking starts a slow tool.
 * @param root where procfs is mounted
 */
export async function openOutputs(
  pid: number,
  platform: NodeJS.Platform,
  root = '/proc',
): Promise<Observed<readonly string[]>> {
  if (platform !== 'linux') {
    return unknown(`the open files of a process are not read on ${platform}`);
  }
  const folder = `${root}/${pid}`;
  try {
    const handles = (await readdir(`${folder}/fd`))
      .sort((one, other) => Number(one) - Number(other))
      .slice(0, maxHandles);
    const outputs: string[] = [];
    for (const handle of handles) {
      const file = await outputAt(folder, handle);
      if (file !== undefined && !outputs.includes(file)) {
        outputs.push(file);
      }
    }
    return known(outputs);
  } catch (error) {
    return unknown(`the open files of process ${pid} cannot be read: ${errorText(error)}`);
  }
}

async function outputAt(folder: string, handle: string): Promise<string | undefined> {
  const isStandard = handle === '1' || handle === '2';
  try {
    const file = await readlink(`${folder}/fd/${handle}`);
    // Pipes, sockets and terminals have no path, or one of a device; a removed file says so.
    const isPlain = file.startsWith('/') && !file.startsWith('/dev/');
    if (!isPlain || file.endsWith(' (deleted)') || !(isStandard || /\.(?:log|out)$/i.test(file))) {
      return undefined;
    }
    const info = await readFile(`${folder}/fdinfo/${handle}`, 'utf8');
    const flags = Number.parseInt(/^flags:\s*(\d+)/m.exec(info)?.[1] ?? '0', 8);
    return (flags & accessMode) === 0 ? undefined : file;
  } catch {
    // Closed while we looked.
    return undefined;
  }
}
