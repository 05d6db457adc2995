import type { StockContract } from './marketData';
import { calendarHours, usEquityHours } from './marketCalendar';
import { type MarketState, marketState } from './marketState';
import { type MarketHours, readTradingHours, type Span, withFallback } from './tradingHours';

const weekMs = 7 * 86_400_000;

/**
 * Whether the market of these symbols is open, in its regular session. A contract that TWS has
 * told is judged by its own hours and, beyond them, by the calendar where it is a US stock; a
 * symbol that looks like a US stock, which is what Robo asks for, by the calendar alone. Every
 * other one is unknown, never closed.
 * @returns open where any is, closed only where all are
 */
export function marketOf(
  symbols: readonly string[],
  contracts: ReadonlyMap<string, StockContract>,
  atMs: number,
): MarketState {
  const span = { fromMs: atMs - weekMs, untilMs: atMs + weekMs };
  const states = symbols.map((symbol) =>
    marketState(atMs, hoursOf(symbol, contracts.get(symbol), span)),
  );
  const of = (wanted: MarketState['state']): MarketState | undefined =>
    states.find(({ state }) => state === wanted);
  // The one that opens first ends the quiet of all.
  const closed = states.toSorted((a, b) => (a.untilMs ?? 0) - (b.untilMs ?? 0))[0];
  return of('open') ?? of('unknown') ?? closed ?? marketState(atMs, undefined);
}

function hoursOf(
  symbol: string,
  contract: StockContract | undefined,
  span: Span,
): MarketHours | undefined {
  if (contract === undefined) {
    return isStockLike(symbol) ? usEquityHours(span) : undefined;
  }
  const told = readTradingHours(contract.liquidHours, contract.timeZoneId);
  const { currency, primaryExchange } = contract;
  const calendar = calendarHours({ secType: 'STK', currency, exchange: primaryExchange }, span);
  return calendar === undefined ? told : withFallback(told, calendar);
}

/** `AAPL`, `BRK B`; a future has a digit, a currency pair a full stop and three letters. */
function isStockLike(symbol: string): boolean {
  return /^[A-Z]{1,5}(?:[ .][A-Z])?$/.test(symbol);
}
