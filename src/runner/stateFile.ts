import { randomBytes } from 'node:crypto';
import { open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { errorCode, errorText } from '../core/errors';
import { known, type Observed, unknown } from '../core/observed';

/** Writes a private file of a runner's folder; readers see the old one or the new one, whole. */
export async function writeStateFile(
  directory: string,
  name: string,
  value: unknown,
): Promise<void> {
  // A name that nobody can have prepared, opened only if new: never through a link.
  const temporary = join(directory, `.${name}.${randomBytes(6).toString('hex')}`);
  try {
    const handle = await open(temporary, 'wx', 0o600);
    try {
      await handle.writeFile(`${JSON.stringify(value)}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, join(directory, name));
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Reads such a file; known(undefined) when there is none. */
export async function readStateFile<T extends v.GenericSchema>(
  directory: string,
  name: string,
  { schema, what }: { readonly schema: T; readonly what: string },
): Promise<Observed<v.InferOutput<T> | undefined>> {
  const file = join(directory, name);
  try {
    const parsed = v.safeParse(schema, JSON.parse(await readFile(file, 'utf8')));
    return parsed.success
      ? known(parsed.output)
      : unknown(`${file} is no ${what} that this version can read: ${parsed.issues[0].message}`);
  } catch (error) {
    return errorCode(error) === 'ENOENT'
      ? known(undefined)
      : unknown(`${file} could not be read: ${errorText(error)}`);
  }
}

export async function removeStateFile(directory: string, name: string): Promise<void> {
  await rm(join(directory, name), { force: true });
}

/**
 * Removes what a writer has left that died before it had finished; only while no other one writes.
 * What cannot be removed lies there until the next time: it is in nobody's way, and a folder that
 * cannot be written must not keep a runner from being taken over.
 */
export async function removeUnfinished(directory: string): Promise<void> {
  const names = await readdir(directory).catch(() => []);
  const left = names.filter((name) => /^\.[\w-]+\.json\.[0-9a-f]{12}$/.test(name));
  await Promise.allSettled(left.map(async (name) => rm(join(directory, name), { force: true })));
}
