import { TimeZone } from '../core/timeZone';
import type { Bar, BarRequest, StockContract } from '../ibkr/marketData';
import { zoneOfTimes } from '../ibkr/timeZones';
import { barSizes } from './barSizes';

const dayMs = 86_400_000;
/** TWS refuses a longer duration in seconds (message 321). */
const longestTailMs = dayMs;
/** By how much the clock of TWS may be ahead of ours. A wrong guess costs one whole answer. */
const clockSlackMs = 60_000;
/** TWS refuses fewer seconds than this. */
const shortestTailMs = 30_000;
/** A tail that brings more than this part of the bars is not worth its risks. */
const worthwhilePart = 1 / 2;
/** Whole days of daily bars: the running one, the one that must be the same, one to spare. */
const dailyTail = '3 D';
/** The trading days of US stocks, where a contract names no zone that is known. */
const usualZone = 'America/New_York';

const barValues = ['timeMs', 'open', 'high', 'low', 'close', 'volume'] as const;

/** A day in its zone, milliseconds since the epoch; `wall` is its midnight as if it were UTC. */
interface Day {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly wallMs: number;
}

/**
 * The bars of a session, so that a later cycle asks only for those that can have changed. What it
 * gives is what TWS would answer to the whole request now, or nothing; then that is to be asked.
 *
 * IBKR counts a duration in seconds in trading time, back from now, so that it reaches over a night
 * or a weekend to the bars before; more than 86,400 s it refuses. A duration in days begins with a
 * session: within one trading day the first bar stays the same one and nothing is to be dropped
 * (rust-ibapi pull request 837, tried on a live Gateway). Whether weeks, months and years of small
 * bars begin in the middle of a day is not known, and one in seconds does: they are asked whole.
 */
export class KeptBars {
  /** By the contract as the runner has qualified it: another one begins anew. */
  private readonly series = new Map<StockContract, readonly Bar[]>();
  private readonly zones = new Map<string, TimeZone>();
  private readonly days = new Map<string, Day>();
  private readonly barMs: number;
  private readonly isDaily: boolean;
  private readonly hasFixedBeginning: boolean;
  private lossCount = 0;

  /** @param whole what every symbol is asked for at first */
  constructor(private readonly whole: BarRequest) {
    this.barMs = barSizes.get(whole.barSize) ?? Number.POSITIVE_INFINITY;
    this.isDaily = this.barMs === dayMs;
    const unit = whole.duration.slice(-1);
    this.hasFixedBeginning = this.isDaily ? unit !== 'S' : unit === 'D' && this.barMs < dayMs;
  }

  /**
   * What is to be asked of a contract: the end of its bars, from before the last one that was
   * complete. Undefined where the whole is: nothing is kept, it is of another trading day, or so
   * old that the end would be long.
   */
  tailFor(contract: StockContract, nowMs: number): BarRequest | undefined {
    const bars = this.series.get(contract);
    const last = bars?.at(-1);
    const complete = bars?.at(-2);
    if (bars === undefined || last === undefined || complete === undefined) {
      return undefined;
    }
    const day = this.dayOf(contract, nowMs);
    if (!this.isOf(day, last)) {
      return undefined;
    }
    if (this.isDaily) {
      return bars.length > 3 ? { ...this.whole, duration: dailyTail } : undefined;
    }
    // Yesterday's last bar is one bar of trading time before today's first one.
    const beforeMs = this.isOf(day, complete) ? last.timeMs - complete.timeMs : this.barMs;
    const reachMs = Math.max(0, nowMs - last.timeMs) + beforeMs + clockSlackMs;
    // In whole bars, as the table of step sizes has it; it also keeps the durations few.
    const count = Math.ceil(Math.max(reachMs, shortestTailMs) / this.barMs);
    const tailMs = count * this.barMs;
    const isWorthwhile = tailMs <= longestTailMs && count + 1 <= bars.length * worthwhilePart;
    return isWorthwhile ? { ...this.whole, duration: `${tailMs / 1000} S` } : undefined;
  }

  /**
   * The whole as it is with what TWS answered to `tailFor`, which is kept from now on. Undefined
   * where the two do not fit together: bars between them are missing, a bar that was complete has
   * changed (a split, a correction), or a new trading day has begun. Then nothing is kept any more.
   */
  merge(contract: StockContract, tail: readonly Bar[], nowMs: number): readonly Bar[] | undefined {
    const bars = this.series.get(contract) ?? [];
    const newest = tail.at(-1);
    const day = this.dayOf(contract, nowMs);
    const merged =
      newest !== undefined && this.isOf(day, newest) && isAscending(tail)
        ? joined(bars, tail)
        : undefined;
    if (merged === undefined) {
      this.forget(contract);
    } else {
      this.series.set(contract, merged);
    }
    return merged;
  }

  /** Keeps what TWS answered to the whole request. */
  keep(contract: StockContract, bars: readonly Bar[]): void {
    if (this.hasFixedBeginning && isAscending(bars)) {
      this.series.set(contract, bars);
    } else {
      this.forget(contract);
    }
  }

  /** The next request is a whole one. */
  forget(contract: StockContract): void {
    this.series.delete(contract);
  }

  /** How often everything was forgotten. */
  get losses(): number {
    return this.lossCount;
  }

  /** TWS has lost data. */
  forgetAll(): void {
    this.lossCount += 1;
    this.series.clear();
  }

  /** Daily bars begin at midnight UTC of their date, others when they begin. */
  private isOf({ fromMs, untilMs, wallMs }: Day, { timeMs }: Bar): boolean {
    return this.isDaily ? timeMs === wallMs : timeMs >= fromMs && timeMs < untilMs;
  }

  /** Remembered: asking the runtime for a day costs as much as the merging of bars. */
  private dayOf({ timeZoneId }: StockContract, nowMs: number): Day {
    const known = this.days.get(timeZoneId);
    if (known !== undefined && nowMs >= known.fromMs && nowMs < known.untilMs) {
      return known;
    }
    const zone = this.zones.get(timeZoneId) ?? zoneOfTimes(timeZoneId) ?? new TimeZone(usualZone);
    this.zones.set(timeZoneId, zone);
    const wallMs = Math.floor(zone.wallMs(nowMs) / dayMs) * dayMs;
    const day = { fromMs: zone.epochMs(wallMs), untilMs: zone.epochMs(wallMs + dayMs), wallMs };
    this.days.set(timeZoneId, day);
    return day;
  }
}

/**
 * Kept bars with a newer end. They must have the last complete bar in common, the last one, which
 * was running, must still be there, and what is complete must be the same in both. Only the first
 * bar of the end may differ where it is followed by another common one: the range may have cut it.
 */
function joined(bars: readonly Bar[], tail: readonly Bar[]): readonly Bar[] | undefined {
  const complete = bars.length - 2;
  const common = tail.findIndex(({ timeMs }) => timeMs === bars[complete]?.timeMs);
  if (common === -1 || tail[common + 1]?.timeMs !== bars[complete + 1]?.timeMs) {
    return undefined;
  }
  for (let back = 0; back <= common; back += 1) {
    const isFirst = back === common;
    if (!(isFirst && back > 0) && !isSame(bars[complete - back], tail[common - back])) {
      return undefined;
    }
  }
  return [...bars.slice(0, complete + 1), ...tail.slice(common + 1)];
}

function isSame(a: Bar | undefined, b: Bar | undefined): boolean {
  return a !== undefined && barValues.every((value) => a[value] === b?.[value]);
}

function isAscending(bars: readonly Bar[]): boolean {
  return bars.every(({ timeMs }, index) => timeMs > (bars[index - 1]?.timeMs ?? -Infinity));
}
