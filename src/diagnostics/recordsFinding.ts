import type { CauseId } from './causeIds';
import type { Setup } from './cause';
import type { Finding, Subject } from './finding';
import { makeFinding } from './makeFinding';

/** What stops a write: no space is one matter, all the rest another. */
export function causeOfWriteProblem(problem: string): CauseId {
  return /\b(?:ENOSPC|EDQUOT)\b|no space left|quota exceeded/i.test(problem)
    ? 'disk_full'
    : 'records_unwritable';
}

/**
 * The finding for records that could not be written. A warning also where the disk is full: the
 * watch goes on without them.
 * @param problem one sentence with the system's error in it
 */
export function recordsFinding(
  problem: string,
  subject: Subject,
  { nowMs, setup }: { readonly nowMs: number; readonly setup: Setup },
): Finding {
  const id = causeOfWriteProblem(problem);
  return makeFinding({
    subject,
    causes: [{ id, confidence: 0.95, why: 'the system refused the write' }],
    message: problem,
    nowMs,
    severity: 'warning',
    setup,
  });
}
