import type { LinePattern } from './reader';

/** Lines that are known, and say nothing that matters: good news, progress, consequences. */
export function quiet(has: string, pattern: RegExp): LinePattern {
  return { has, pattern, isQuiet: true, read: () => [] };
}
