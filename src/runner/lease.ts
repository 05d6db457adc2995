import { randomBytes } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { errorCode, errorText } from '../core/errors';
import { known, type Observed, unknown } from '../core/observed';

/** Pid, start time and argv: a process and no other (law 9). */
const identitySchema = v.object({
  pid: v.pipe(v.number(), v.integer(), v.minValue(2)),
  startToken: v.pipe(v.string(), v.nonEmpty()),
  argv: v.array(v.string()),
});

const leaseSchema = v.object({
  schema: v.literal(1),
  ...identitySchema.entries,
  /** Absolute path of the folder that the runner belongs to. */
  workspace: v.string(),
  /** As it was asked for; empty for the built-in runner. */
  command: v.array(v.string()),
  symbols: v.array(v.string()),
  /** ISO 8601 in UTC. */
  startedAt: v.pipe(v.string(), v.isoTimestamp()),
  /** Where in `runner.log` the next reader begins, in bytes. */
  offset: v.pipe(v.number(), v.integer(), v.minValue(0)),
  bypassReason: v.nullable(v.string()),
});

/** By what a daemon knows a runner that another daemon has started. */
export type Lease = Readonly<v.InferOutput<typeof leaseSchema>>;

const fileName = 'lease.json';

/** Writes the lease of a workspace's folder; readers see the old one or the new one, whole. */
export async function writeLease(directory: string, lease: Lease): Promise<void> {
  // A name that nobody can have prepared, opened only if new: never through a link.
  const temporary = join(directory, `.${fileName}.${randomBytes(6).toString('hex')}`);
  try {
    const handle = await open(temporary, 'wx', 0o600);
    try {
      await handle.writeFile(`${JSON.stringify(lease)}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, join(directory, fileName));
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** The lease that lies in a workspace's folder; known(undefined) when there is none. */
export async function readLease(directory: string): Promise<Observed<Lease | undefined>> {
  const file = join(directory, fileName);
  try {
    const parsed = v.safeParse(leaseSchema, JSON.parse(await readFile(file, 'utf8')));
    return parsed.success
      ? known(parsed.output)
      : unknown(`${file} is no lease that this version can read: ${parsed.issues[0].message}`);
  } catch (error) {
    return errorCode(error) === 'ENOENT'
      ? known(undefined)
      : unknown(`${file} could not be read: ${errorText(error)}`);
  }
}

export async function removeLease(directory: string): Promise<void> {
  await rm(join(directory, fileName), { force: true });
}
