import { join } from 'node:path';
import * as v from 'valibot';
import { killSwitchWords } from './blockers';
import { readRegularFile } from './workspaceLook';

/** What the trader's own system has written about its end (origin system, section 4.3). */
export interface ExitAudit {
  /** Its note about this very run; null where there is none, or it is another's or too old. */
  readonly note: { readonly reason: string; readonly code: number } | null;
  /** That its kill switch is set, after "The kill switch of this workspace"; null where it is not. */
  readonly killSwitch: string | null;
}

export const noAudit: ExitAudit = { note: null, killSwitch: null };

/** Older evidence says nothing about this end (origin system, rule 18). Milliseconds. */
const freshMs = 300_000;
const maxBytes = 65_536;

const noteSchema = v.object({
  reason: v.string(),
  exit_code: v.number(),
  pid: v.number(),
  /** Seconds since the epoch, or ISO 8601. */
  timestamp: v.optional(v.union([v.number(), v.string()])),
  iso_timestamp: v.optional(v.string()),
});

/**
 * Reads `data/runner_exit.json` and the files of the kill switch; changes nothing.
 * @param folder the runner's working directory
 * @param pid of the run that has ended; a note of another pid is another run's
 */
export async function readExitAudit(
  folder: string,
  pid: number | null,
  nowMs: number,
): Promise<ExitAudit> {
  const [note, killSwitch] = await Promise.all([
    readRegularFile(join(folder, 'data', 'runner_exit.json'), maxBytes),
    killSwitchWords(folder),
  ]);
  return { note: note.kind === 'text' ? noteOf(note.text, pid, nowMs) : null, killSwitch };
}

function noteOf(text: string, pid: number | null, nowMs: number): ExitAudit['note'] {
  const note = parsed(noteSchema, text);
  if (note === undefined) {
    return null;
  }
  const { timestamp, iso_timestamp: iso } = note;
  const atMs =
    typeof timestamp === 'number' ? timestamp * 1000 : Date.parse(timestamp ?? iso ?? '');
  const isOfThisRun = note.pid === pid && Math.abs(nowMs - atMs) <= freshMs;
  return isOfThisRun ? { reason: note.reason, code: note.exit_code } : null;
}

function parsed<T extends v.GenericSchema>(schema: T, text: string): v.InferOutput<T> | undefined {
  try {
    const result = v.safeParse(schema, JSON.parse(text));
    return result.success ? result.output : undefined;
  } catch {
    return undefined;
  }
}
