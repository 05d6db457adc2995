import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { errorCode, errorText, HumanError } from '../../core/errors';
import { replaceFile } from '../../monitor/records';
import { programFiles } from '../daemonFiles';
import { pageFolder } from '../feed/pageAssets';
import { parseRecord, type ServiceRecord } from './serviceSpec';
import type { ServiceSystem } from './serviceSystem';

/** A definition that Robo has written. */
export interface Definition {
  readonly text: string;
  readonly record: ServiceRecord;
}

type DefinitionPlace = Pick<ServiceSystem, 'file' | 'isUtf16'>;

const byteOrderMark = '\ufeff';

/**
 * Reads a definition.
 * @returns undefined where there is none
 * @throws HumanError for a file that is not Robo's: it is neither replaced nor removed
 */
export function readDefinition({ file, isUtf16 }: DefinitionPlace): Definition | undefined {
  const text = readRegular(file, isUtf16 ? 'utf16le' : 'utf8');
  if (text === undefined) {
    return undefined;
  }
  const record = parseRecord(text);
  if (record === undefined) {
    throw new HumanError(
      `${file} was not written by Robo, which leaves it alone; rename it or remove it, then try again.`,
    );
  }
  return { text: text.replace(byteOrderMark, ''), record };
}

function readRegular(file: string, encoding: BufferEncoding): string | undefined {
  try {
    if (!lstatSync(file).isFile()) {
      throw new HumanError(
        `${file} is a link or no file, and Robo writes through none; remove it.`,
      );
    }
    return readFileSync(file, encoding);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') {
      return undefined;
    }
    throw error instanceof HumanError
      ? error
      : new HumanError(`${file} cannot be read: ${errorText(error)}`);
  }
}

/**
 * Puts a definition in place, as a whole and through no link.
 * @throws HumanError that says why it cannot be written
 */
export function writeDefinition({ file, isUtf16 }: DefinitionPlace, text: string): void {
  try {
    mkdirSync(dirname(file), { recursive: true });
    const bytes = isUtf16 ? Buffer.from(byteOrderMark + text, 'utf16le') : text;
    // As other definitions are; there is no secret in it.
    replaceFile(file, bytes, 0o644);
  } catch (error) {
    throw new HumanError(
      `${file} cannot be written (${errorCode(error) ?? errorText(error)}); free some space or make the directory writable.`,
    );
  }
}

/** Removes a definition. */
export function removeDefinition({ file }: DefinitionPlace): void {
  rmSync(file, { force: true });
}

/**
 * The name of a version's folder: another build of the same version is another folder, so that
 * the definition changes with it and nothing is replaced under a running process.
 * @throws HumanError when a bundle cannot be read
 */
export function programVersion(distDirectory: string, version: string): string {
  const hash = createHash('sha256');
  for (const name of programFiles) {
    const file = join(distDirectory, name);
    try {
      hash.update(readFileSync(file));
    } catch (error) {
      throw new HumanError(
        `${file} cannot be read (${errorCode(error) ?? errorText(error)}); build or reinstall Robo.`,
      );
    }
  }
  return `${version}-${hash.digest('hex').slice(0, 8)}`;
}

/**
 * Removes the copied programs and the folders that are empty then; what else lies there stays.
 * @param keep the folder of a version that stays
 */
export function removePrograms(directory: string, keep?: string): void {
  for (const folder of versionFolders(directory).filter((name) => name !== keep)) {
    for (const name of programFiles) {
      rmSync(join(directory, folder, name), { force: true });
    }
    removeEmpty(join(directory, folder, pageFolder));
    removeEmpty(join(directory, folder));
  }
  if (keep === undefined) {
    // `<data>/services/<name>`: all three come with the first installation.
    for (const folder of [directory, dirname(directory), dirname(dirname(directory))]) {
      removeEmpty(folder);
    }
  }
}

function versionFolders(directory: string): readonly string[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
  } catch {
    // Never installed, or somebody has removed it: nothing is left to remove.
    return [];
  }
}

function removeEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch {
    // Not empty, or not there: both are as they should be.
  }
}
