import { randomBytes } from 'node:crypto';
import * as v from 'valibot';
import { known, type Observed, unknown } from '../core/observed';
import type { Machine, ProcessInfo } from '../host/machine';
import { runVariable } from './environment';
import { runNameSchema } from './lease';
import { readStateFile, removeStateFile, writeStateFile } from './stateFile';

const intentSchema = v.object({
  schema: v.literal(1),
  run: runNameSchema,
  /** ISO 8601 in UTC; the process is younger. */
  askedAt: v.pipe(v.string(), v.isoTimestamp()),
  /** The arguments that are spawned. */
  argv: v.array(v.string()),
  workspace: v.string(),
  command: v.array(v.string()),
  symbols: v.array(v.string()),
  /** Where in `runner.log` the run begins, in bytes. */
  offset: v.pipe(v.number(), v.integer(), v.minValue(0)),
  bypassReason: v.nullable(v.string()),
  restartsByItself: v.exactOptional(v.boolean()),
  workingDirectory: v.exactOptional(v.string()),
});

/**
 * A start that is under way, written before the process is there: a daemon that dies between the
 * spawn and the lease must not leave a runner that nobody knows.
 */
export type StartIntent = Readonly<v.InferOutput<typeof intentSchema>>;

const fileName = 'start.json';
/** Systems count starts from a boot time that they correct by up to a second. Milliseconds. */
const toleranceMs = 2000;

export function newRunName(): string {
  return randomBytes(16).toString('hex');
}

export async function writeIntent(directory: string, intent: StartIntent): Promise<void> {
  await writeStateFile(directory, fileName, intent);
}

/** The start that was under way in a folder; known(undefined) when there was none. */
export async function readIntent(directory: string): Promise<Observed<StartIntent | undefined>> {
  return await readStateFile(directory, fileName, { schema: intentSchema, what: 'start' });
}

export async function removeIntent(directory: string): Promise<void> {
  await removeStateFile(directory, fileName);
}

/**
 * The process that a start has led to, known by its environment. Where the system hides that, by
 * its arguments, as long as nobody else is its parent: its own parent is the daemon that died.
 */
export async function startedBy(
  intent: StartIntent,
  machine: Pick<Machine, 'processes' | 'background'>,
): Promise<Observed<ProcessInfo | undefined>> {
  const table = await machine.processes();
  if (!table.known) {
    return unknown(table.why);
  }
  const earliestMs = Date.parse(intent.askedAt) - toleranceMs;
  const young = table.value.filter(
    ({ startedAtMs, pid }) => startedAtMs >= earliestMs && pid !== process.pid,
  );
  const background = await machine.background?.(young, [runVariable]);
  const environmentOf = (pid: number): ReadonlyMap<string, string> | undefined =>
    background?.get(pid)?.environment;
  const marked = young.filter(({ pid }) => environmentOf(pid)?.get(runVariable) === intent.run);
  if (marked.length > 0) {
    return known(leaderOf(marked));
  }
  const living = new Set(table.value.map(({ pid }) => pid));
  const alike = young.filter(
    ({ pid, parentPid, argv }) =>
      environmentOf(pid) === undefined &&
      (parentPid <= 1 || !living.has(parentPid)) &&
      argv.length === intent.argv.length &&
      argv.every((argument, at) => argument === intent.argv[at]),
  );
  return known(leaderOf(alike));
}

/** The one that none of the others has started: a run hands its environment on to its children. */
function leaderOf(processes: readonly ProcessInfo[]): ProcessInfo | undefined {
  const pids = new Set(processes.map(({ pid }) => pid));
  return processes
    .filter(({ parentPid }) => !pids.has(parentPid))
    .toSorted((a, b) => a.startedAtMs - b.startedAtMs)[0];
}
