import type { Place } from './logIncidents';
import type { RunnerFact } from './runnerFacts';

/** The time of a fact may have to be read from its line: it is asked for as late as can be. */
export class FactPlace implements Place {
  readonly isTimed: boolean;
  readonly from?: number;

  constructor(
    readonly line: number,
    private readonly fact: RunnerFact,
    from?: number,
  ) {
    this.isTimed = 'at' in fact;
    if (from !== undefined) {
      this.from = from;
    }
  }

  get at(): string | undefined {
    return this.fact.at;
  }
}

/** An exception with its frames. */
export function isStack({ line, from = line }: Place): boolean {
  return from < line;
}
