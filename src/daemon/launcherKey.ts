import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';

/** Stands in every file that we write as `robo`; a file without it is somebody else's. */
export const commandMark = 'robo-command';

/** A short word for everything that a launcher depends on: finding a runtime costs a process. */
export function launcherKey(parts: readonly string[]): string {
  return createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 16);
}

/** Whether both launchers of a folder were written for this key. */
export async function isLauncherOf(folder: string, key: string): Promise<boolean> {
  const texts = await Promise.all(
    ['robo', 'robo.cmd'].map((name) => readFile(path.join(folder, name), 'utf8').catch(() => '')),
  );
  return texts.every((text) => text.includes(`${commandMark} ${key}`));
}
