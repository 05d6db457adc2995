import { randomUUID } from 'node:crypto';
import { copyFile, mkdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { errorCode, HumanError } from '../core/errors';
import { pageFiles, pageFolder } from './feed/pageAssets';

/** Tells the command line, started by an editor, the folder that `installDaemonFiles` is given. */
export const programStorageVariable = 'ROBO_PROGRAM_STORAGE';

/** All that a monitor needs, by its path in `dist` and in every copy. */
export const programFiles: readonly string[] = [
  'daemon.cjs',
  'runner.cjs',
  ...pageFiles.map((name) => path.join(pageFolder, name)),
];

export interface DaemonFiles {
  readonly daemonScript: string;
  readonly runnerScript: string;
}

/**
 * Copies the daemon's and the runner's bundle and the dashboard's page to `<storage>/<version>/`
 * and returns the paths of the bundles there. Editors delete the folder of an old extension while
 * its processes still run, and a project's folder goes with its next build.
 * @throws HumanError when a bundle is missing or the storage cannot be written
 */
export async function installDaemonFiles(
  distDirectory: string,
  storageDirectory: string,
  version: string,
): Promise<DaemonFiles> {
  const target = path.join(storageDirectory, version);
  try {
    await mkdir(path.join(target, pageFolder), { recursive: true });
    await Promise.all(
      programFiles.map(async (name) =>
        copyIfDifferent(path.join(distDirectory, name), path.join(target, name)),
      ),
    );
    return {
      daemonScript: path.join(target, 'daemon.cjs'),
      runnerScript: path.join(target, 'runner.cjs'),
    };
  } catch (error) {
    throw new HumanError(
      `The monitor's program could not be put into ${target} (${errorCode(error) ?? String(error)}). ` +
        'Free space or rights there, or reinstall Robo, then try again.',
    );
  }
}

async function copyIfDifferent(source: string, target: string): Promise<void> {
  const [wanted, present] = await Promise.all([readFile(source), readIfThere(target)]);
  if (present === undefined || !wanted.equals(present)) {
    // Renamed into place: two windows may do this at once, and a daemon may be reading.
    const temporary = `${target}.${randomUUID()}`;
    try {
      await copyFile(source, temporary);
      await rename(temporary, target);
    } finally {
      await rm(temporary, { force: true });
    }
  }
}

async function readIfThere(file: string): Promise<Buffer | undefined> {
  try {
    return await readFile(file);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') {
      return undefined;
    }
    throw error;
  }
}
