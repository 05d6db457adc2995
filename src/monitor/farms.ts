import type { FarmState } from '../ibkr/messageCodes';

/** What TWS has said of its data farms, by their name; by their kind where they have no name. */
export type Farms = ReadonlyMap<string, FarmState>;

/** The farms after TWS has spoken of some; one that only connects is not yet well. */
export function farmsAfter(farms: Farms, told: readonly FarmState[]): Farms {
  const after = new Map(farms);
  for (const farm of told) {
    const name = farm.farm === '' ? farm.kind : farm.farm;
    const before = after.get(name);
    // 1102 names farms without their kind.
    const kind = farm.kind === 'unknown' ? (before?.kind ?? farm.kind) : farm.kind;
    const isStillBroken = farm.state === 'connecting' && before?.state === 'broken';
    after.set(name, { ...farm, kind, state: isStillBroken ? 'broken' : farm.state });
  }
  return after;
}

/** The names of those that are broken and not yet well again. */
export function brokenFarms(farms: Farms): readonly string[] {
  return [...farms].flatMap(([name, { state }]) => (state === 'broken' ? [name] : []));
}
