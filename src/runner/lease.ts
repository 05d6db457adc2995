import * as v from 'valibot';
import type { Observed } from '../core/observed';
import { readStateFile, removeStateFile, writeStateFile } from './stateFile';

/** Pid, start time and argv: a process and no other (law 9). */
export const identitySchema = v.object({
  pid: v.pipe(v.number(), v.integer(), v.minValue(2)),
  startToken: v.pipe(v.string(), v.nonEmpty()),
  argv: v.array(v.string()),
});

/** What the environment of a run carries as `ROBO_RUN`: 32 hexadecimal digits. */
export const runNameSchema = v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/));

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
  /** What the start asked for; absent where it left that to the mode, and in older leases. */
  restartsByItself: v.exactOptional(v.boolean()),
  /** Absent in older leases. */
  workingDirectory: v.exactOptional(v.string()),
  /** Absent in older leases. */
  run: v.exactOptional(runNameSchema),
});

/** By what a daemon knows a runner that another daemon has started. */
export type Lease = Readonly<v.InferOutput<typeof leaseSchema>>;

const fileName = 'lease.json';

/** Writes the lease of a workspace's folder; readers see the old one or the new one, whole. */
export async function writeLease(directory: string, lease: Lease): Promise<void> {
  await writeStateFile(directory, fileName, lease);
}

/** The lease that lies in a workspace's folder; known(undefined) when there is none. */
export async function readLease(directory: string): Promise<Observed<Lease | undefined>> {
  return await readStateFile(directory, fileName, { schema: leaseSchema, what: 'lease' });
}

export async function removeLease(directory: string): Promise<void> {
  await removeStateFile(directory, fileName);
}
