import { type Clock, delay } from '../core/clock';
import { errorText } from '../core/errors';
import type { Bar } from '../ibkr/marketData';
import type { Say } from './events';
import type { Strategy, StrategySignal } from './strategy';
import { StrategyFault } from './strategyModule';

/** Strategies that take longer are asked one at a time, with a pause between. Milliseconds. */
const slowMs = 50;
/** Long enough for the event loop to look at signals and sockets. */
const pauseMs = 1;

/** Asks a strategy over the cycles of a run, and says once a cycle what is wrong with it. */
export class StrategyRun {
  private readonly said = new Set<string>();
  private isStopped = false;
  private isSlow = false;
  private turn: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly strategy: Strategy,
    private readonly say: Say,
    private readonly clock: Clock,
  ) {}

  /**
   * What the strategy says; undefined where it failed, which has been said then, and where
   * `signal` was aborted before its turn came. Several slow answers without a pause between them
   * would keep the runner from hearing that it is to stop.
   */
  async ask(
    symbol: string,
    bars: readonly Bar[],
    signal: AbortSignal,
  ): Promise<StrategySignal | undefined> {
    if (!this.isSlow) {
      return this.askNow(symbol, bars);
    }
    const answer = this.turn.then(async () => {
      await delay(this.clock, pauseMs, signal);
      return signal.aborted ? undefined : this.askNow(symbol, bars);
    });
    this.turn = answer;
    return await answer;
  }

  /** The next cycle asks and says anew. */
  beginCycle(): void {
    this.said.clear();
    this.isStopped = false;
  }

  private askNow(symbol: string, bars: readonly Bar[]): StrategySignal | undefined {
    if (this.isStopped) {
      return undefined;
    }
    const from = this.clock.monotonicMs();
    try {
      return this.strategy(bars, symbol);
    } catch (error) {
      const source = error instanceof StrategyFault ? error.source : undefined;
      // The same line fails on every symbol: said once.
      const key = source === undefined ? errorText(error) : `${source.file}:${source.line}`;
      if (!this.said.has(key)) {
        this.said.add(key);
        const place = source === undefined ? {} : { source };
        this.say({ event: 'error', message: errorText(error), symbol, ...place });
      }
      // Whatever loops for ever would cost its deadline once for each symbol.
      this.isStopped = error instanceof StrategyFault && error.isSlow;
      return undefined;
    } finally {
      this.isSlow ||= this.clock.monotonicMs() - from > slowMs;
    }
  }
}
