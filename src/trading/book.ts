import type { Micros } from './money';

/** Shares that are held, and what they have cost in all, slippage included. */
export interface Position {
  readonly quantity: number;
  readonly cost: Micros;
  readonly openedAtMs: number;
}

/** The last price of a symbol that was believed, and the start of its bar. */
export interface Mark {
  readonly barAtMs: number;
  readonly price: Micros;
}

export type Side = 'buy' | 'sell';

/** A purchase or sale on paper. */
export interface Fill {
  readonly kind: 'filled';
  readonly atMs: number;
  readonly symbol: string;
  readonly side: Side;
  readonly quantity: number;
  /** Of one share, slippage included. */
  readonly price: Micros;
  /** Start of the bar that it was decided on: no symbol is traded twice on one bar. */
  readonly barAtMs: number;
  readonly reason: string;
}

/** One entry of the journal. The journal is the book; everything else is computed from it. */
export type BookEntry =
  | { readonly kind: 'opened'; readonly atMs: number; readonly cash: Micros }
  | {
      readonly kind: 'marked';
      readonly atMs: number;
      readonly marks: readonly (readonly [symbol: string, mark: Mark])[];
    }
  /** A trading day begins with this equity, from which its loss is counted. */
  | {
      readonly kind: 'day';
      readonly atMs: number;
      readonly day: number;
      readonly equity: Micros;
    }
  | Fill;

export interface Book {
  readonly cash: Micros;
  /** Gains less losses of what was sold; may be negative. */
  readonly realised: Micros;
  readonly positions: ReadonlyMap<string, Position>;
  readonly marks: ReadonlyMap<string, Mark>;
  /** Start of the last bar that a symbol was traded on. */
  readonly traded: ReadonlyMap<string, number>;
  /** The present trading day (days since 1970-01-01) and the equity that it began with. */
  readonly day: { readonly day: number; readonly equity: Micros } | undefined;
}

/** Before the first entry. */
export const emptyBook: Book = {
  cash: 0,
  realised: 0,
  positions: new Map(),
  marks: new Map(),
  traded: new Map(),
  day: undefined,
};

/** An entry that cannot follow the ones before it: the journal was tampered with or damaged. */
export class ImpossibleEntry extends Error {
  override readonly name = 'ImpossibleEntry';
}

/**
 * The book after an entry.
 * @throws ImpossibleEntry where it sells what is not held, or spends what is not there
 */
export function afterEntry(book: Book, entry: BookEntry): Book {
  switch (entry.kind) {
    case 'opened':
      return { ...emptyBook, cash: entry.cash };
    case 'marked':
      return { ...book, marks: new Map([...book.marks, ...entry.marks]) };
    case 'day':
      return { ...book, day: { day: entry.day, equity: entry.equity } };
    case 'filled':
      return afterFill(book, entry);
    default:
      return entry satisfies never;
  }
}

/** The book that a journal tells, from its first entry on. */
export function replay(journal: Iterable<BookEntry>): Book {
  let book = emptyBook;
  for (const entry of journal) {
    book = afterEntry(book, entry);
  }
  return book;
}

/** Cash and what is held, at the last prices that were believed. */
export function equityOf({ cash, positions, marks }: Book): Micros {
  let equity = cash;
  for (const [symbol, { quantity, cost }] of positions) {
    const price = marks.get(symbol)?.price;
    equity += price === undefined ? cost : quantity * price;
  }
  return equity;
}

/**
 * The fewest entries that tell the same book: prices and days that later ones have replaced are
 * left out, money never is.
 */
export function compacted(
  journal: readonly BookEntry[],
  book: Book,
  atMs: number,
): readonly BookEntry[] {
  const lasting = journal.filter(({ kind }) => kind === 'opened' || kind === 'filled');
  return [
    ...lasting,
    { kind: 'marked', atMs, marks: [...book.marks] },
    ...(book.day === undefined ? [] : [{ kind: 'day' as const, atMs, ...book.day }]),
  ];
}

function afterFill(book: Book, fill: Fill): Book {
  const { symbol, side, quantity, price, barAtMs } = fill;
  const held = book.positions.get(symbol);
  const value = quantity * price;
  if (!Number.isSafeInteger(value) || !(quantity > 0) || !(price > 0)) {
    throw new ImpossibleEntry(`${side} ${quantity} ${symbol} at ${price} is no trade`);
  }
  const positions = new Map(book.positions);
  const traded = new Map(book.traded).set(symbol, barAtMs);
  if (side === 'buy') {
    if (value > book.cash) {
      throw new ImpossibleEntry(`${symbol} costs ${value}, and there are ${book.cash}`);
    }
    positions.set(symbol, {
      quantity: (held?.quantity ?? 0) + quantity,
      cost: (held?.cost ?? 0) + value,
      openedAtMs: held?.openedAtMs ?? fill.atMs,
    });
    return { ...book, cash: book.cash - value, positions, traded };
  }
  // The whole position goes, never a part: what it has cost need not be divided.
  if (held?.quantity !== quantity) {
    throw new ImpossibleEntry(`${quantity} ${symbol} are sold, ${held?.quantity ?? 0} are held`);
  }
  positions.delete(symbol);
  const realised = book.realised + value - held.cost;
  return { ...book, cash: book.cash + value, realised, positions, traded };
}
