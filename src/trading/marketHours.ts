import type { StockContract } from '../ibkr/marketData';
import type { MarketState } from '../ibkr/marketState';
import { marketOf } from '../ibkr/symbolMarket';

/** Whether a symbol's market is open at a time, by its contract's hours. */
export type MarketHoursOf = (
  symbol: string,
  contracts: ReadonlyMap<string, StockContract>,
  atMs: number,
) => MarketState['state'];

/** How long an answer without an end is believed, in milliseconds. */
const unknownMs = 60_000;
/** Contracts with hours of their own that are remembered; US stocks share a few. */
const maxRemembered = 1000;

/** Remembers for each set of hours how long its answer holds: reading them takes its time. */
export function marketHoursOf(): MarketHoursOf {
  const remembered = new Map<string, { readonly state: MarketState; readonly atMs: number }>();
  return (symbol, contracts, atMs) => {
    const key = hoursKey(symbol, contracts.get(symbol));
    const known = remembered.get(key);
    if (known !== undefined && atMs >= known.atMs && atMs < endOf(known)) {
      return known.state.state;
    }
    const state = marketOf([symbol], contracts, atMs);
    if (remembered.size >= maxRemembered) {
      remembered.clear();
    }
    remembered.set(key, { state, atMs });
    return state.state;
  };
}

/**
 * Whether the market of any of the symbols is open. Only contracts that TWS has told count: before
 * the first one, nothing is known.
 */
export function marketOfAll(
  symbols: readonly string[],
  contracts: ReadonlyMap<string, StockContract>,
  atMs: number,
): MarketState {
  const byHours = new Map<string, string>();
  for (const symbol of symbols) {
    const contract = contracts.get(symbol);
    if (contract !== undefined) {
      byHours.set(hoursKey(symbol, contract), symbol);
    }
  }
  return marketOf([...byHours.values()], contracts, atMs);
}

function endOf({ state, atMs }: { readonly state: MarketState; readonly atMs: number }): number {
  return state.untilMs ?? atMs + unknownMs;
}

/** Symbols with the same key have the same hours. */
function hoursKey(symbol: string, contract: StockContract | undefined): string {
  return contract === undefined
    ? `symbol ${symbol}`
    : [contract.liquidHours, contract.timeZoneId, contract.primaryExchange, contract.currency].join(
        '\n',
      );
}
