import type { Clock } from '../core/clock';
import { errorText } from '../core/errors';
import { TimeZone } from '../core/timeZone';
import { afterEntry, type Book, type BookEntry, equityOf, type Fill, type Mark } from './book';
import type { Say } from './events';
import { toDollars } from './money';
import { decide, judgePrice, type PaperNews, type PaperRules } from './paperRules';

const dayMs = 86_400_000;

/** Where the book is kept. */
export interface BookKeeper {
  readonly book: Book;
  /** @throws when it cannot be kept; then nothing has changed */
  commit(entries: readonly BookEntry[], after: Book): void;
  close(): void;
}

/**
 * The paper book of a run: signals in, fills out. What decides is pure (paperRules.ts), what is
 * kept is the store's; a fill is said only after it is on the disk. Prices that lead to nothing
 * are written with the next fill or at the end of the cycle.
 */
export class PaperBook {
  private readonly zone = new TimeZone('America/New_York');
  private readonly fresh = new Map<string, Mark>();
  /** The last trouble with the file that was said. */
  private trouble: string | undefined;

  constructor(
    private readonly store: BookKeeper,
    private readonly rules: PaperRules,
    private readonly deps: { readonly clock: Clock; readonly say: Say },
  ) {}

  /** Begins a trading day, New York's, with the equity of the moment, where it is a new one. */
  beginCycle(): void {
    const now = this.deps.clock.now();
    const day = Math.floor(this.zone.wallMs(now) / dayMs);
    const { book } = this.store;
    if (day > (book.day?.day ?? Number.NEGATIVE_INFINITY)) {
      this.commit([{ kind: 'day', atMs: now, day, equity: equityOf(book) }]);
    }
  }

  /**
   * Takes a symbol's bars and what the strategy says of them.
   * @returns why a signal led to no fill, where that is worth a word
   */
  take(news: Omit<PaperNews, 'nowMs'>): string | undefined {
    const nowMs = this.deps.clock.now();
    const last = this.fresh.get(news.symbol) ?? this.store.book.marks.get(news.symbol);
    const judged = judgePrice({ ...news, nowMs }, last);
    if (!judged.ok) {
      return news.signal === 0 ? undefined : judged.why;
    }
    const { mark } = judged;
    if (mark.price !== last?.price || mark.barAtMs !== last.barAtMs) {
      this.fresh.set(news.symbol, mark);
    }
    if (news.signal === 0) {
      return undefined;
    }
    const marked = this.freshEntry(nowMs);
    const book = marked.reduce(afterEntry, this.store.book);
    const decision = decide(book, { ...news, nowMs }, mark, this.rules);
    if (decision.fill === undefined) {
      return decision.why;
    }
    if (!this.commit([...marked, decision.fill])) {
      return 'the paper book could not be written';
    }
    this.sayFill(decision.fill);
    return undefined;
  }

  /** Writes what the cycle has seen, and says how the book stands. @returns equity in dollars */
  endCycle(): number {
    this.commit(this.freshEntry(this.deps.clock.now()));
    return this.sayBook();
  }

  /** Says how the book stands. @returns equity in dollars */
  sayBook(): number {
    const { book } = this.store;
    const equity = toDollars(equityOf(book));
    this.deps.say({
      event: 'book',
      cash: toDollars(book.cash),
      equity,
      positions: book.positions.size,
      realised: toDollars(book.realised),
    });
    return equity;
  }

  close(): void {
    this.commit(this.freshEntry(this.deps.clock.now()));
    this.store.close();
  }

  private freshEntry(atMs: number): readonly BookEntry[] {
    return this.fresh.size === 0 ? [] : [{ kind: 'marked', atMs, marks: [...this.fresh] }];
  }

  /** Nothing happens that is not on the disk. @returns whether it is */
  private commit(entries: readonly BookEntry[]): boolean {
    if (entries.length === 0) {
      return true;
    }
    try {
      const after: Book = entries.reduce(afterEntry, this.store.book);
      this.store.commit(entries, after);
    } catch (error) {
      const why = errorText(error);
      if (why !== this.trouble) {
        const message = `The paper book cannot be written (${why}); nothing is bought or sold on paper until it can. Free some space or make its folder writable.`;
        this.deps.say({ event: 'error', message });
      }
      this.trouble = why;
      return false;
    }
    this.trouble = undefined;
    if (entries.some(({ kind }) => kind === 'marked')) {
      this.fresh.clear();
    }
    return true;
  }

  private sayFill({ symbol, side, quantity, price, reason }: Fill): void {
    const { book } = this.store;
    this.deps.say({
      event: 'fill',
      symbol,
      side,
      quantity,
      price: toDollars(price),
      cash: toDollars(book.cash),
      reason,
    });
  }
}
