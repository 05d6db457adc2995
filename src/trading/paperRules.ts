import type { Bar } from '../ibkr/marketData';
import { type Book, equityOf, type Fill, type Mark } from './book';
import { type Micros, scaled, toMicros } from './money';

/** What the paper book may do. Shares of equity and slippage are in millionths. */
export interface PaperRules {
  /** By which every price gets worse, in millionths of it (a basis point is 100). */
  readonly slippagePpm: number;
  /** The most that one position may cost, in millionths of equity. */
  readonly maxPositionPpm: number;
  /** The loss of a day, in millionths of the equity it began with, after which nothing is bought. */
  readonly maxDailyLossPpm: number;
  readonly maxOpenPositions: number;
  /** How long after its end a bar's price is still a price, in milliseconds: the cycle's interval. */
  readonly freshMs: number;
  readonly barMs: number;
}

export const partsInAll = 1_000_000;

/** A bar that begins later than this has a wrong time; clocks differ by less. Milliseconds. */
const futureMs = 60_000;

/** What is known when a symbol's bars have come. */
export interface PaperNews {
  readonly symbol: string;
  readonly bars: readonly Bar[];
  readonly signal: 1 | 0 | -1;
  readonly reason: string;
  readonly nowMs: number;
  /** Closed by the contract's hours; false where they are not known. */
  readonly isMarketClosed: boolean;
}

/** The newest price as a mark, or why it is not believed. */
export type Judged =
  { readonly ok: true; readonly mark: Mark } | { readonly ok: false; readonly why: string };

/**
 * Whether the newest price is believed: a number above 0, between the low and the high of its bar,
 * which is not older than the last one and not from the future, and no more than a tenth off the last price that was believed,
 * unless the bar before it, newer than that one too, confirms it.
 */
export function judgePrice(
  news: Pick<PaperNews, 'bars' | 'nowMs'>,
  last: Mark | undefined,
): Judged {
  const { bars, nowMs } = news;
  const newest = bars.at(-1);
  const price = newest === undefined ? undefined : toMicros(newest.close);
  if (newest === undefined || price === undefined) {
    return { ok: false, why: `the price ${newest?.close ?? 'is missing and'} is impossible` };
  }
  if (!(newest.low <= newest.close && newest.close <= newest.high)) {
    return { ok: false, why: `the price ${newest.close} is outside its own bar` };
  }
  if (!(newest.timeMs <= nowMs + futureMs)) {
    return { ok: false, why: 'its bar begins in the future' };
  }
  if (last !== undefined && newest.timeMs < last.barAtMs) {
    return { ok: false, why: 'its bar is older than the last one' };
  }
  const before = bars.at(-2);
  const beforePrice = before === undefined ? undefined : toMicros(before.close);
  const reference = last?.price ?? beforePrice;
  const confirms =
    last !== undefined &&
    before !== undefined &&
    before.timeMs > last.barAtMs &&
    before.timeMs < newest.timeMs &&
    isNear(price, beforePrice);
  if (reference !== undefined && !isNear(price, reference) && !confirms) {
    const why = `${newest.close} is more than 10 % off the last price, and no second bar confirms it`;
    return { ok: false, why };
  }
  return { ok: true, mark: { barAtMs: newest.timeMs, price } };
}

function isNear(price: Micros, reference: Micros | undefined): boolean {
  return reference !== undefined && Math.abs(price - reference) * 10 <= reference;
}

/** What a signal comes to on paper: a fill, or nothing, with a reason where it is worth a word. */
export type Decision =
  { readonly fill: Fill } | { readonly fill: undefined; readonly why: string | undefined };

/**
 * Decides on a believed price; `book` knows it already. A buy takes as many whole shares as the
 * limits allow, a sell the whole position. Nothing is sold short. What limits risk is never refused
 * by a limit.
 */
export function decide(book: Book, news: PaperNews, mark: Mark, rules: PaperRules): Decision {
  const { symbol, signal } = news;
  const held = book.positions.get(symbol);
  const isNoTrade = signal === 0 || (signal === 1) === (held !== undefined);
  const hasTraded = (book.traded.get(symbol) ?? Number.NEGATIVE_INFINITY) >= mark.barAtMs;
  if (isNoTrade || hasTraded) {
    return nothing(hasTraded && !isNoTrade ? 'it was traded on this bar already' : undefined);
  }
  if (news.isMarketClosed) {
    return nothing('the market is closed');
  }
  const ageMs = news.nowMs - (mark.barAtMs + rules.barMs);
  if (ageMs > rules.freshMs) {
    return nothing(`the last bar ended ${Math.round(ageMs / 1000)} s ago`);
  }
  const base = { kind: 'filled', atMs: news.nowMs, symbol, barAtMs: mark.barAtMs } as const;
  const { reason } = news;
  if (held !== undefined) {
    const price = Math.max(1, scaled(mark.price, partsInAll - rules.slippagePpm, partsInAll));
    return { fill: { ...base, side: 'sell', quantity: held.quantity, price, reason } };
  }
  // Rounded up: slippage is never to our favour.
  const price = -scaled(-mark.price, partsInAll + rules.slippagePpm, partsInAll);
  const quantity = quantityFor(book, price, rules);
  return typeof quantity === 'string'
    ? nothing(quantity)
    : { fill: { ...base, side: 'buy', quantity, price, reason } };
}

function nothing(why: string | undefined): Decision {
  return { fill: undefined, why };
}

/** Whole shares, or the limit that forbids any. */
function quantityFor(book: Book, price: Micros, rules: PaperRules): number | string {
  if (book.positions.size >= rules.maxOpenPositions) {
    return `${book.positions.size} positions are open, as many as may be`;
  }
  const equity = equityOf(book);
  const began = book.day?.equity ?? equity;
  if (began - equity >= scaled(began, rules.maxDailyLossPpm, partsInAll) && equity < began) {
    return `the loss of the day has reached ${rules.maxDailyLossPpm / 10_000} %`;
  }
  const most = Math.min(scaled(equity, rules.maxPositionPpm, partsInAll), book.cash);
  const quantity = Math.floor(most / price);
  return quantity >= 1
    ? quantity
    : `one share costs more than ${rules.maxPositionPpm / 10_000} % of equity or than the cash`;
}
