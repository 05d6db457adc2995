import type { ListedProcess } from '../runner/listedProcess';

/**
 * How long a duplicate must be there until it is told, in milliseconds: a restart shows the old
 * runner beside the new one while the old one takes its 10 s to end.
 */
export const confirmMs = 15_000;
/** How long none must be there until it is over: a supervisor starts the next one within that. */
export const clearMs = 15_000;

/** What was seen of one workspace, look by look. */
export interface DuplicateSight {
  /** When each duplicate that is there now was first seen, by pid and start, monotonic. */
  readonly firstSeenMs: ReadonlyMap<string, number>;
  /** Since when none is there any more; undefined while one is. */
  readonly goneSinceMs: number | undefined;
  /** The listing that is told; empty while nothing is. */
  readonly told: readonly ListedProcess[];
}

export const nothingSeen: DuplicateSight = {
  firstSeenMs: new Map(),
  goneSinceMs: undefined,
  told: [],
};

/** Takes in a look. `nowMs` is monotonic. Pure. */
export function looked(
  sight: DuplicateSight,
  listed: readonly ListedProcess[],
  nowMs: number,
): DuplicateSight {
  const duplicates = listed.filter(({ role }) => role === 'duplicate');
  const firstSeenMs = new Map(
    duplicates.map((one) => {
      const key = `${one.pid} ${one.startToken}`;
      return [key, sight.firstSeenMs.get(key) ?? nowMs];
    }),
  );
  const isTold = sight.told.length > 0;
  if (duplicates.length === 0) {
    const goneSinceMs = isTold ? (sight.goneSinceMs ?? nowMs) : undefined;
    const isOver = goneSinceMs !== undefined && nowMs - goneSinceMs >= clearMs;
    return isOver ? nothingSeen : { firstSeenMs, goneSinceMs, told: sight.told };
  }
  // One that follows another is the same trouble: something starts them again.
  const isConfirmed = [...firstSeenMs.values()].some((at) => nowMs - at >= confirmMs);
  return { firstSeenMs, goneSinceMs: undefined, told: isTold || isConfirmed ? listed : [] };
}

/** True while the next look decides: it should come soon. */
export function isUndecided({ firstSeenMs, goneSinceMs, told }: DuplicateSight): boolean {
  return goneSinceMs !== undefined || (told.length === 0 && firstSeenMs.size > 0);
}
