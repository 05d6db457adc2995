import * as v from 'valibot';
import type { Observed } from '../core/observed';
import { runNameSchema } from './lease';
import type { RunMark } from './markedProcesses';
import { readStateFile, writeStateFile } from './stateFile';

const lastRunSchema = v.object({
  schema: v.literal(1),
  /** As it was asked for; empty for the built-in runner. */
  command: v.array(v.string()),
  /** Runs whose command has ended and whose other processes may live on, oldest first. */
  left: v.array(
    v.object({ run: runNameSchema, sinceMs: v.pipe(v.number(), v.integer(), v.minValue(0)) }),
  ),
});

/** What stays known of a folder's runs when none has a lease. */
export type LastRun = Readonly<v.InferOutput<typeof lastRunSchema>>;

const fileName = 'last.json';
/** A command that ends well leaves something at most each time; older ones are long gone. */
const maxLeft = 16;

/** What lies in a workspace's folder; known(undefined) where no run has ended yet. */
export async function readLastRun(directory: string): Promise<Observed<LastRun | undefined>> {
  return await readStateFile(directory, fileName, { schema: lastRunSchema, what: 'last run' });
}

/**
 * Notes a run that has ended, and by what those are known that it may have left.
 * @throws where the folder cannot be written
 */
export async function noteLastRun(
  directory: string,
  command: readonly string[],
  mark: RunMark | undefined,
): Promise<void> {
  const before = await leftBefore(directory);
  const left = [...before, ...(mark === undefined ? [] : [mark])].slice(-maxLeft);
  await write(directory, { schema: 1, command: [...command], left });
}

/**
 * Of these runs nothing is left any more.
 * @throws where the folder cannot be written
 */
export async function forgetLeft(directory: string, runs: ReadonlySet<string>): Promise<void> {
  const last = await readLastRun(directory);
  if (last.known && last.value?.left.some(({ run }) => runs.has(run)) === true) {
    const left = last.value.left.filter(({ run }) => !runs.has(run));
    await write(directory, { ...last.value, left });
  }
}

/** Marks of the runs that may have left something. What cannot be read tells nothing. */
export async function leftBefore(directory: string): Promise<readonly RunMark[]> {
  const last = await readLastRun(directory);
  return last.known ? (last.value?.left ?? []) : [];
}

async function write(directory: string, last: LastRun): Promise<void> {
  await writeStateFile(directory, fileName, last);
}
