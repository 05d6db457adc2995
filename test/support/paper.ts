import type { Bar } from '../../src/ibkr/marketData';
import { afterEntry, type Book, type BookEntry, emptyBook } from '../../src/trading/book';
import type { BookKeeper } from '../../src/trading/paperBook';
import type { PaperRules } from '../../src/trading/paperRules';

/** The defaults of the runner, for 30-minute bars every 300 s. */
export const paperRules: PaperRules = {
  slippagePpm: 0,
  maxPositionPpm: 20_000,
  maxDailyLossPpm: 5_000,
  maxOpenPositions: 20,
  freshMs: 300_000,
  barMs: 1_800_000,
};

/** Keeps a book as long as the test lasts; `isBroken` is a disk that takes nothing. */
export class MemoryKeeper implements BookKeeper {
  readonly journal: BookEntry[] = [{ kind: 'opened', atMs: 0, cash: 100_000_000_000 }];
  book: Book = this.journal.reduce(afterEntry, emptyBook);
  isBroken = false;

  commit(entries: readonly BookEntry[], after: Book): void {
    if (this.isBroken) {
      throw new Error('no space left on device');
    }
    this.journal.push(...entries);
    this.book = after;
  }

  close(): void {
    this.isBroken = true;
  }
}

/** Bars that end with the one that begins at `lastMs`. */
export function barsUpTo(lastMs: number, barMs: number, closes: readonly number[]): readonly Bar[] {
  return closes.map((close, index) => ({
    timeMs: lastMs - (closes.length - 1 - index) * barMs,
    open: close,
    high: close,
    low: close,
    close,
    volume: 1,
  }));
}

/** Numbers from 0 to 1, the same for the same seed. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 0x1_0000_0000;
  };
}
