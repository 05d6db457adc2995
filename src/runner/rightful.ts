import type { ProcessGroup } from './processGroups';

/** The order of law: the supervised one, then the watched one; one with a session; the oldest. */
export function rightfulFirst(one: ProcessGroup, other: ProcessGroup): number {
  return (
    Number(other.isSupervised) - Number(one.isSupervised) ||
    Number(other.isWatched) - Number(one.isWatched) ||
    Number(other.hasSession) - Number(one.hasSession) ||
    one.root.info.startedAtMs - other.root.info.startedAtMs ||
    one.root.info.pid - other.root.info.pid
  );
}

/** Puts together what `isSame` as the first one of a set. */
export function partition(
  groups: readonly ProcessGroup[],
  isSame: (one: ProcessGroup, other: ProcessGroup) => boolean,
): readonly (readonly ProcessGroup[])[] {
  const sets: ProcessGroup[][] = [];
  for (const group of groups) {
    const set = sets.find(([first]) => first !== undefined && isSame(first, group));
    if (set === undefined) {
      sets.push([group]);
    } else {
      set.push(group);
    }
  }
  return sets;
}
