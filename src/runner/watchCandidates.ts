import type { RunnerStatus } from '../diagnostics/status';
import { isInside } from '../host/program';
import type { ListedProcess } from './listedProcess';

/** Runners that Robo could be asked to watch: those that it neither runs nor watches already. */
export function watchCandidates(
  processes: readonly ListedProcess[],
  runners: readonly Pick<RunnerStatus, 'pid' | 'state' | 'warnings'>[],
): readonly ListedProcess[] {
  const known = new Set(runners.map(({ pid }) => pid));
  const roles: readonly ListedProcess['role'][] = ['runner', 'duplicate', 'other runner'];
  return processes.filter(
    ({ pid, role, isHelper }) => roles.includes(role) && !isHelper && !known.has(pid),
  );
}

/**
 * The only one that can be meant: of this folder and endpoint, else the only other one that is
 * bound for this endpoint. Undefined where there is a choice, or nothing to choose.
 */
export function onlyCandidate(candidates: readonly ListedProcess[]): ListedProcess | undefined {
  const own = candidates.filter(({ role }) => role !== 'other runner');
  const meant = own.length > 0 ? own : candidates.filter(({ isBoundHere }) => isBoundHere);
  return meant.length === 1 ? meant[0] : undefined;
}

/** The folder that a runner belongs to: the asking one where it works inside, else its own. */
export function folderOf(workingDirectory: string | null | undefined, workspace: string): string {
  return workingDirectory === null ||
    workingDirectory === undefined ||
    isInside(workingDirectory, workspace)
    ? workspace
    : workingDirectory;
}
