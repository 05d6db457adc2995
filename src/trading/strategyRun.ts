import { errorText } from '../core/errors';
import type { Bar } from '../ibkr/marketData';
import type { Say } from './events';
import type { Strategy, StrategySignal } from './strategy';
import { StrategyFault } from './strategyModule';

/** Asks a strategy over the cycles of a run, and says once a cycle what is wrong with it. */
export class StrategyRun {
  private readonly said = new Set<string>();
  private isStopped = false;

  constructor(
    private readonly strategy: Strategy,
    private readonly say: Say,
  ) {}

  /** What the strategy says; undefined where it failed, which has been said then. */
  ask(symbol: string, bars: readonly Bar[]): StrategySignal | undefined {
    if (this.isStopped) {
      return undefined;
    }
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
    }
  }

  /** The next cycle asks and says anew. */
  endCycle(): void {
    this.said.clear();
    this.isStopped = false;
  }
}
