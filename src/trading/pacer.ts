import { type Clock, delay } from '../core/clock';
import type { BarRequest } from '../ibkr/marketData';

/**
 * IBKR's limits for historical data: no identical request within 15 s, no more than 60 requests
 * for small bars (30 secs or less) in 10 minutes, at most 50 messages a second. We stay at 40.
 */
const identicalMs = 15_000;
const smallBarWindowMs = 600_000;
const smallBarRequests = 60;
/**
 * In bursts, not one by one: waking up costs as much as what is then done. Larger ones would come
 * to more than 50 messages in a second where one is late and the next is not.
 */
const burstMessages = 10;
const burstGapMs = 250;

const smallBarSizes: ReadonlySet<string> = new Set([
  '1 secs',
  '5 secs',
  '10 secs',
  '15 secs',
  '30 secs',
]);

/** Messages that are sent at the same time. */
interface Burst {
  readonly atMs: number;
  messages: number;
  /** What all of them wait for, with one timer; those with another signal wait for themselves. */
  begun: { readonly signal: AbortSignal; readonly wait: Promise<void> } | undefined;
}

/** Delays requests so that IBKR's pacing is kept; it never drops or repeats one. */
export class Pacer {
  private readonly lastAsked = new Map<string, number>();
  private smallBars: readonly number[] = [];
  private burst: Burst = { atMs: Number.NEGATIVE_INFINITY, messages: 0, begun: undefined };

  constructor(private readonly clock: Clock) {}

  /** Resolves when any message may be sent, or at once when `signal` is aborted. */
  async message(signal: AbortSignal): Promise<void> {
    const now = this.clock.monotonicMs();
    const { atMs, messages } = this.burst;
    if (now >= atMs + burstGapMs) {
      this.burst = { atMs: now, messages: 0, begun: undefined };
    } else if (messages >= burstMessages) {
      this.burst = { atMs: atMs + burstGapMs, messages: 0, begun: undefined };
    }
    const { burst } = this;
    burst.messages += 1;
    if (burst.atMs <= now) {
      return;
    }
    if (burst.begun?.signal !== signal) {
      burst.begun = { signal, wait: this.until(burst.atMs, signal) };
    }
    await burst.begun.wait;
  }

  /** Resolves when this request for bars may be sent, or at once when `signal` is aborted. */
  async bars(symbol: string, request: BarRequest, signal: AbortSignal): Promise<void> {
    const now = this.clock.monotonicMs();
    const key = `${symbol}/${request.duration}/${request.barSize}/${request.regularHoursOnly}`;
    let at = Math.max(now, (this.lastAsked.get(key) ?? Number.NEGATIVE_INFINITY) + identicalMs);
    if (smallBarSizes.has(request.barSize)) {
      at = this.takeSmallBarSlot(at);
    }
    this.forgetOld(now);
    this.lastAsked.delete(key);
    this.lastAsked.set(key, at);
    await this.until(at, signal);
    await this.message(signal);
  }

  /** What was asked longest ago stands first; durations differ, and days would pile them up. */
  private forgetOld(now: number): void {
    for (const [key, asked] of this.lastAsked) {
      if (asked + identicalMs > now) {
        return;
      }
      this.lastAsked.delete(key);
    }
  }

  private takeSmallBarSlot(at: number): number {
    const recent = this.smallBars.filter((asked) => asked > at - smallBarWindowMs);
    const blocking = recent.at(-smallBarRequests);
    const slot = blocking === undefined ? at : Math.max(at, blocking + smallBarWindowMs);
    this.smallBars = [...recent, slot].sort((a, b) => a - b).slice(-smallBarRequests);
    return slot;
  }

  private async until(atMs: number, signal: AbortSignal): Promise<void> {
    const wait = atMs - this.clock.monotonicMs();
    if (wait > 0) {
      await delay(this.clock, wait, signal);
    }
  }
}
