import { SMA } from 'trading-signals';
import type { Bar } from '../ibkr/marketData';

/** Lengths of the two averages, in bars. */
export interface CrossoverLengths {
  readonly fast: number;
  readonly slow: number;
}

/** The trader's own default strategy. */
export const defaultLengths: CrossoverLengths = { fast: 10, slow: 20 };

/** What a strategy says after the last bar. */
export interface StrategySignal {
  /** 1 buy, −1 sell, 0 nothing to do. */
  readonly value: 1 | 0 | -1;
  /** Close of the last bar; null without bars. */
  readonly price: number | null;
  /** The averages after the last bar; null while there are too few bars. */
  readonly fast: number | null;
  readonly slow: number | null;
  readonly reason: string;
}

/**
 * Decides on a symbol's bars, oldest first.
 * @throws StrategyFault where it is the trader's own and fails
 */
export type Strategy = (bars: readonly Bar[], symbol: string) => StrategySignal;

/**
 * Averages closer than this part of their size are equal: sums of the same prices in another
 * order differ in the last digits, and that is no crossing.
 */
const equalWithin = 1e-12;

/**
 * Crossover of two simple moving averages of the closes: 1 where the fast one has come from
 * below the slow one to above it with the last bar, −1 the other way round, else 0. Touching
 * is not crossing.
 */
export function smaCrossover(
  bars: readonly Bar[],
  lengths: CrossoverLengths = defaultLengths,
): StrategySignal {
  const { slow: slowLength } = lengths;
  const price = bars.at(-1)?.close ?? null;
  const bad = bars.find((bar) => !(Number.isFinite(bar.close) && bar.close > 0));
  if (bad !== undefined) {
    const reason = `a bar has the impossible close ${bad.close}`;
    return { value: 0, price: null, fast: null, slow: null, reason };
  }
  if (bars.length <= slowLength) {
    const reason = `needs ${slowLength + 1} bars, has ${bars.length}`;
    return { value: 0, price, fast: null, slow: null, reason };
  }
  const { averages, side, sideBefore } = sidesOf(bars, lengths);
  const value = side !== 0 && sideBefore === -side ? side : 0;
  return { value, price, ...averages, reason: reasonFor(value, side, lengths) };
}

interface Sides {
  readonly averages: { readonly fast: number; readonly slow: number };
  readonly side: 1 | 0 | -1;
  /** The last side that was not equal, before the last bar. */
  readonly sideBefore: 1 | 0 | -1;
}

/**
 * An average depends on its own bars alone, so the last two points are enough to see a crossing;
 * only where the averages were equal just before is it worth looking further back.
 */
function sidesOf(bars: readonly Bar[], { fast, slow }: CrossoverLengths): Sides {
  for (let points = 2; ; points *= 4) {
    const sides = sidesOfLast(bars.slice(-(slow + points - 1)), { fast, slow });
    if (sides.sideBefore !== 0 || slow + points > bars.length) {
      return sides;
    }
  }
}

function sidesOfLast(bars: readonly Bar[], lengths: CrossoverLengths): Sides {
  const fast = new SMA(lengths.fast);
  const slow = new SMA(lengths.slow);
  let side: 1 | 0 | -1 = 0;
  let sideBefore: 1 | 0 | -1 = 0;
  let averages = { fast: 0, slow: 0 };
  for (const { close } of bars) {
    const fastNow = fast.update(close, false);
    const slowNow = slow.update(close, false);
    if (fastNow !== null && slowNow !== null) {
      averages = { fast: fastNow, slow: slowNow };
      sideBefore = side === 0 ? sideBefore : side;
      side = sideOf(fastNow, slowNow);
    }
  }
  return { averages, side, sideBefore };
}

function sideOf(fast: number, slow: number): 1 | 0 | -1 {
  const difference = fast - slow;
  if (Math.abs(difference) <= equalWithin * slow) {
    return 0;
  }
  return difference > 0 ? 1 : -1;
}

function reasonFor(value: number, side: number, { fast, slow }: CrossoverLengths): string {
  const names = `SMA ${fast} and SMA ${slow}`;
  if (value !== 0) {
    return `SMA ${fast} crossed ${value > 0 ? 'above' : 'below'} SMA ${slow}`;
  }
  return side === 0
    ? `${names} are equal`
    : `SMA ${fast} is ${side > 0 ? 'above' : 'below'} SMA ${slow}, no new crossing`;
}
