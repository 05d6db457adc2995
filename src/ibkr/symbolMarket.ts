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
  // One calendar for all that go by it: it takes milliseconds, and there may be hundreds of symbols.
  let usStocks: MarketState | undefined;
  const states = symbols.map((symbol) => {
    const contract = contracts.get(symbol);
    return contract === undefined && isStockLike(symbol)
      ? (usStocks ??= marketState(atMs, usEquityHours(span)))
      : marketState(atMs, contract === undefined ? undefined : hoursOf(contract, span));
  });
  const of = (wanted: MarketState['state']): MarketState | undefined =>
    states.find(({ state }) => state === wanted);
  // The one that opens first ends the quiet of all.
  const closed = states.toSorted((a, b) => (a.untilMs ?? 0) - (b.untilMs ?? 0))[0];
  return of('open') ?? of('unknown') ?? closed ?? marketState(atMs, undefined);
}

/** How many lists of symbols are remembered; a daemon has a few runners. */
const maxRemembered = 100;

/**
 * Remembers for a minute what was asked: reading the calendars takes milliseconds, and several
 * runners are asked about with every change of state.
 */
export class MarketByMinute {
  private minute = Number.NaN;
  private readonly states = new Map<string, MarketState>();

  /** As `marketOf`, to the minute. */
  of(
    symbols: readonly string[],
    contracts: ReadonlyMap<string, StockContract>,
    atMs: number,
  ): MarketState {
    const minute = Math.floor(atMs / 60_000);
    if (minute !== this.minute || this.states.size >= maxRemembered) {
      this.forget();
      this.minute = minute;
    }
    const key = symbols.join(',');
    const state = this.states.get(key) ?? marketOf(symbols, contracts, atMs);
    this.states.set(key, state);
    return state;
  }

  /** Contracts have changed. */
  forget(): void {
    this.states.clear();
  }
}

function hoursOf(contract: StockContract, span: Span): MarketHours | undefined {
  const told = readTradingHours(contract.liquidHours, contract.timeZoneId);
  const { currency, primaryExchange } = contract;
  const calendar = calendarHours({ secType: 'STK', currency, exchange: primaryExchange }, span);
  return calendar === undefined ? told : withFallback(told, calendar);
}

/** `AAPL`, `BRK B`; a future has a digit, a currency pair a full stop and three letters. */
function isStockLike(symbol: string): boolean {
  return /^[A-Z]{1,5}(?:[ .][A-Z])?$/.test(symbol);
}
