/** Why a request brought no answer. Nothing is retried behind the caller's back. */
export type RequestFailure =
  | { readonly kind: 'timeout'; readonly afterMs: number }
  /** TWS answered this request with a message code (200, 162, 354 …). */
  | { readonly kind: 'message'; readonly code: number; readonly text: string }
  | { readonly kind: 'closed'; readonly why: string };

export type Answer<T> =
  | { readonly ok: true; readonly value: T; readonly roundTripMs: number }
  | { readonly ok: false; readonly failure: RequestFailure };

/** A qualified US stock contract. */
export interface StockContract {
  readonly conId: number;
  readonly symbol: string;
  readonly exchange: string;
  readonly primaryExchange: string;
  readonly currency: string;
  readonly longName: string;
  readonly timeZoneId: string;
  /** TWS's own strings, `20260406:0400-20260406:2000;20260407:CLOSED;…`, in `timeZoneId`. */
  readonly tradingHours: string;
  readonly liquidHours: string;
}

export interface Bar {
  /** Start of the bar, milliseconds since the epoch. Daily bars: midnight UTC of their date. */
  readonly timeMs: number;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  /** Shares; −1 where TWS has none. */
  readonly volume: number;
}

export interface BarRequest {
  /** TWS's own spelling: `1 D`, `10 D`, `1 Y`. */
  readonly duration: string;
  /** TWS's own spelling: `1 min`, `30 mins`, `1 day`. */
  readonly barSize: string;
  readonly regularHoursOnly: boolean;
}

/** Read-only market data over a ready session. There is no method here that could trade. */
export interface MarketData {
  /** The best match for a US stock symbol (SMART, USD); message 200 when there is none. */
  stockContract(symbol: string, deadlineMs: number): Promise<Answer<StockContract>>;
  /** Trades bars up to now, oldest first. */
  bars(
    contract: StockContract,
    request: BarRequest,
    deadlineMs: number,
  ): Promise<Answer<readonly Bar[]>>;
}
