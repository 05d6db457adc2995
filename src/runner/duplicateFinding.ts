import type { Evidence, Finding } from '../diagnostics/finding';
import { makeFinding } from '../diagnostics/makeFinding';
import { isoTime } from '../core/clock';
import type { ListedProcess } from './listedProcess';
import { respawnSources } from './respawnSources';

/** The processes at the top of runners, without helpers, that trade side by side. */
export function doubledRunners(listed: readonly ListedProcess[]): readonly ListedProcess[] {
  const duplicates = listed.filter(({ role, isHelper }) => role === 'duplicate' && !isHelper);
  return duplicates.length === 0
    ? []
    : [...listed.filter(({ isRightful }) => isRightful), ...duplicates];
}

/**
 * What is wrong in a workspace whose runner or helper runs more than once.
 * @param sinceMs when that was first seen, in milliseconds since the epoch
 * @returns undefined where nothing runs twice
 */
export function duplicateFinding(
  listed: readonly ListedProcess[],
  about: {
    readonly workspace: string;
    readonly sinceMs: number;
    readonly nowMs: number;
    readonly platform: NodeJS.Platform;
  },
): Finding | undefined {
  const duplicates = listed.filter(({ role }) => role === 'duplicate');
  const [first] = duplicates;
  if (first === undefined) {
    return undefined;
  }
  const runners = doubledRunners(listed);
  const pids = duplicates.map(({ pid }) => pid).join(', ');
  const message =
    runners.length > 0
      ? `${runners.length} runners of this workspace run at the same time (pid ${runners.map(({ pid }) => pid).join(', ')}).`
      : `A helper of this workspace runs more than once (pid ${pids} too many).`;
  const finding = makeFinding({
    // One subject a workspace, and another one than its runner: it may be in trouble for itself.
    subject: { kind: 'process', name: about.workspace },
    severity: runners.length > 0 ? 'error' : 'warning',
    causes: [{ id: 'duplicate_runner', confidence: 0.9, why: first.why }],
    message,
    nowMs: about.nowMs,
    evidence: evidenceOf([...listed.filter(({ isRightful }) => isRightful), ...duplicates], about),
    setup: { platform: about.platform },
  });
  const related = listed.filter(({ role }) => role === 'duplicate' || role === 'monitor');
  return {
    ...finding,
    firstAt: isoTime(about.sinceMs),
    remedy: [...respawnSources(related).map(({ remedy }) => remedy), ...finding.remedy],
  };
}

function evidenceOf(
  processes: readonly ListedProcess[],
  { nowMs }: { readonly nowMs: number },
): readonly Evidence[] {
  return processes.map(({ pid, startedAt, why, isRightful }) => ({
    kind: 'process',
    source: `pid ${pid}`,
    at: isoTime(nowMs),
    text: `started ${startedAt}, ${isRightful ? 'kept: ' : ''}${why}`,
  }));
}
