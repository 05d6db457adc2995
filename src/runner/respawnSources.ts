import type { ListedProcess, RespawnSource } from './listedProcess';

/** What would start ended runners again, each once: what is asked for first stands first. */
export function respawnSources(listed: readonly ListedProcess[]): readonly RespawnSource[] {
  const sources = new Map<string, RespawnSource>();
  for (const { respawnedBy } of listed) {
    if (respawnedBy !== null && !sources.has(respawnedBy.name)) {
      sources.set(respawnedBy.name, respawnedBy);
    }
  }
  return [...sources.values()];
}
