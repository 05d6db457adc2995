import type { ConnectionFacts } from '../connectionFacts';
import type { Adjustment } from '../ranking';

/**
 * A rule reads the facts and says what they speak for and against. It keeps quiet where it
 * does not apply or could not see; what is unknown never counts as absence (law 4).
 */
export interface ConnectionRule {
  /** Stands in the table of pairs that the tests keep: every rule separates two situations. */
  readonly name: string;
  readonly judge: (facts: ConnectionFacts) => readonly Adjustment[];
}

/** A peer that closes sooner than this never waited for a person. Milliseconds. */
export const atOnceMs = 1000;

/** Nobody listened when it was tried, or when it was looked at. Unknown is not closed. */
export function isClosed({ stage, listeners }: ConnectionFacts): boolean {
  return stage === 'refused' || (stage === 'not tried' && listeners?.length === 0);
}
