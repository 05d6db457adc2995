/**
 * A made-up market. Every price is a pure function of symbol and time, so two requests
 * for the same minute get the same bar, today, tomorrow and on another machine.
 */

/** `AAPL`, `BRK.B`; TWS itself writes the class behind a blank, `BRK B`. */
const symbolPattern = /^[A-Z]{1,5}([. ][A-Z]{1,2})?$/;

/** True for anything that is written like a US stock symbol. */
export function isStockSymbol(text: string): boolean {
  return symbolPattern.test(text);
}

/** A bar of trades. Prices in USD, rounded to cents; volume in shares. */
export interface MarketBar {
  /** Start of the bar, milliseconds since the epoch. */
  readonly timeMs: number;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: number;
  /** Volume-weighted average price. */
  readonly average: number;
  /** Number of trades. */
  readonly trades: number;
}

const minuteMs = 60_000;
/** A year of daily bars adds up half a million minutes: bars this long are remembered. */
const longBarMs = 6 * 60 * minuteMs;
const longBarsKept = 8000;

/** A 32-bit mix of two integers; enough to look random, and the same everywhere. */
function mix(seed: number, value: number): number {
  let hash = Math.imul(seed ^ Math.imul(value | 0, 0x9e3779b1), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 15), 0xc2b2ae35);
  hash = Math.imul(hash ^ (hash >>> 13), 0x27d4eb2f);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Uniform in [0, 1). */
function chance(seed: number, value: number): number {
  return mix(seed, value) / 0x1_0000_0000;
}

function seedOf(symbol: string): number {
  let seed = 0x5eed;
  for (const character of symbol) {
    seed = mix(seed, character.charCodeAt(0));
  }
  return seed;
}

/** One layer of the price: random levels at regular times with smooth ways between them. */
class Swing {
  private index = Number.NaN;
  private from = 0;
  private to = 0;
  private readonly phase: number;

  constructor(
    private readonly seed: number,
    private readonly periodMinutes: number,
    private readonly height: number,
  ) {
    this.phase = chance(seed, 1) * periodMinutes;
  }

  at(minute: number): number {
    const position = (minute + this.phase) / this.periodMinutes;
    const index = Math.floor(position);
    if (index !== this.index) {
      this.index = index;
      this.from = this.level(index);
      this.to = this.level(index + 1);
    }
    const part = position - index;
    return this.from + (this.to - this.from) * part * part * (3 - 2 * part);
  }

  private level(index: number): number {
    return (chance(this.seed, index) * 2 - 1) * this.height;
  }
}

/**
 * Swings from minutes to years, each three times longer than the one before. Their height
 * grows with the length to the power 0.65: a little smoother than a random walk (0.5), so
 * that trends last long enough for a moving-average cross to mean something on any bar size.
 */
const shortestSwingMinutes = 3;
const swingCount = 13;
const swingGrowth = 3;
const roughness = 0.65;
const heightOfOneMinute = 0.000_16;
const wickHeight = 0.000_3;

/** Prices of one symbol. */
export class StockMarket {
  /** Made from the symbol; also good for anything else that should differ between symbols. */
  readonly seed: number;
  private readonly swings: readonly Swing[];
  private readonly basePrice: number;
  private readonly baseVolume: number;
  /** A minute's close is the next one's open: keeping it halves the work of a scan. */
  private lastMinute = Number.NaN;
  private lastPrice = 0;
  private readonly longBars = new Map<string, MarketBar>();

  constructor(readonly symbol: string) {
    this.seed = seedOf(symbol);
    this.swings = Array.from({ length: swingCount }, (_, layer) => {
      const period = shortestSwingMinutes * swingGrowth ** layer;
      return new Swing(
        mix(this.seed, 1000 + layer),
        period,
        heightOfOneMinute * period ** roughness,
      );
    });
    this.basePrice = 20 * 20 ** chance(this.seed, 11);
    this.baseVolume = 400 * 40 ** chance(this.seed, 12);
  }

  /** The price at an instant, in cents-rounded USD; always inside its minute's bar. */
  priceAt(epochMs: number): number {
    const start = Math.floor(epochMs / minuteMs) * minuteMs;
    const bar = this.minuteBar(start);
    return Math.min(bar.high, Math.max(bar.low, this.pathAt(epochMs / minuteMs)));
  }

  /** The bar of one whole minute. */
  minuteBar(startMs: number): MarketBar {
    const minute = Math.floor(startMs / minuteMs);
    const open = this.pathAt(minute);
    const close = this.pathAt(minute + 1);
    const wick = open * wickHeight;
    const high = cents(Math.max(open, close) + wick * chance(this.seed, minute * 4 + 1));
    const low = cents(Math.min(open, close) - wick * chance(this.seed, minute * 4 + 2));
    const unrest = Math.abs(close / open - 1) / heightOfOneMinute;
    const busy = 0.4 + 1.2 * chance(this.seed, minute * 4 + 3) + 0.3 * unrest;
    const volume = Math.max(1, Math.round(this.baseVolume * busy));
    return {
      timeMs: minute * minuteMs,
      open,
      high,
      low,
      close,
      volume,
      average: (open + high + low + close) / 4,
      trades: Math.max(1, Math.round(volume / 90)),
    };
  }

  /** The bar from `startMs` to `endMs`: all minutes in it that have begun by then. */
  bar(startMs: number, endMs: number): MarketBar {
    if (endMs - startMs < minuteMs) {
      return this.shortBar(startMs, endMs);
    }
    if (endMs - startMs < longBarMs) {
      return this.sumOfMinutes(startMs, endMs);
    }
    const key = `${startMs} ${endMs}`;
    const bar = this.longBars.get(key) ?? this.sumOfMinutes(startMs, endMs);
    if (this.longBars.size >= longBarsKept) {
      this.longBars.clear();
    }
    this.longBars.set(key, bar);
    return bar;
  }

  private sumOfMinutes(startMs: number, endMs: number): MarketBar {
    const first = this.minuteBar(startMs);
    let { high, low, close, volume, trades } = first;
    let turnover = first.average * first.volume;
    for (let time = first.timeMs + minuteMs; time < endMs; time += minuteMs) {
      const minute = this.minuteBar(time);
      high = Math.max(high, minute.high);
      low = Math.min(low, minute.low);
      close = minute.close;
      volume += minute.volume;
      trades += minute.trades;
      turnover += minute.average * minute.volume;
    }
    return {
      ...{ timeMs: startMs, open: first.open, high, low, close, volume, trades },
      average: round(turnover / volume, 4),
    };
  }

  /** A bar of seconds: its prices stay inside the bar of its minute. */
  private shortBar(startMs: number, endMs: number): MarketBar {
    const minute = this.minuteBar(Math.floor(startMs / minuteMs) * minuteMs);
    const open = this.priceAt(startMs);
    const close = this.priceAt(endMs - 1);
    const share = (endMs - startMs) / minuteMs;
    return {
      timeMs: startMs,
      open,
      high: Math.max(open, close),
      low: Math.min(open, close),
      close,
      volume: Math.max(1, Math.round(minute.volume * share)),
      average: round((open + close) / 2, 4),
      trades: Math.max(1, Math.round(minute.trades * share)),
    };
  }

  private pathAt(minute: number): number {
    if (minute !== this.lastMinute) {
      let level = 0;
      for (const swing of this.swings) {
        level += swing.at(minute);
      }
      this.lastMinute = minute;
      this.lastPrice = cents(this.basePrice * Math.exp(level));
    }
    return this.lastPrice;
  }
}

function cents(price: number): number {
  return Math.round(price * 100) / 100;
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
