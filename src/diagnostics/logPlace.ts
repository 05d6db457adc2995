import type { Dated } from './factFilter';
import type { Place } from './logIncidents';

/** A time may have to be read from its line: it is asked for as late as can be. */
export class FactPlace implements Place {
  readonly from?: number;

  constructor(
    readonly line: number,
    private readonly dated: Dated,
    from?: number,
  ) {
    if (from !== undefined) {
      this.from = from;
    }
  }

  get isTimed(): boolean {
    return 'at' in this.dated;
  }

  get at(): string | undefined {
    return this.dated.at;
  }
}

/** An exception with its frames. */
export function isStack({ line, from = line }: Place): boolean {
  return from < line;
}
