import { isoTime } from '../core/clock';
import type { SourcePlace } from '../diagnostics/runnerFacts';

/** What a runner can say; `docs/runner-events.md` documents each field for other programs. */
export type TradingEvent =
  | {
      readonly event: 'cycle';
      /** Counts from 1 in each run. */
      readonly number: number;
      readonly symbols: number;
      readonly failed: number;
      /** Symbols that were left alone because their market is closed. */
      readonly closed: number;
      readonly durationMs: number;
      /** When the next cycle begins; null after the last one. */
      readonly nextInMs: number | null;
      /** Of the paper book, in dollars. */
      readonly equity: number;
    }
  | {
      readonly event: 'fetch';
      readonly symbol: string;
      readonly ok: true;
      readonly price: number;
      readonly bars: number;
      /** Start of the newest bar, ISO 8601. */
      readonly lastBarAt: string;
      readonly roundTripMs: number;
    }
  | {
      readonly event: 'fetch';
      readonly symbol: string;
      readonly ok: false;
      /** `TimeoutError`, `TwsMessage`, `ConnectionClosed` or `NoData`. */
      readonly error: string;
      /** The message code of TWS, where it gave one. */
      readonly code?: number;
      readonly message: string;
    }
  | {
      readonly event: 'signal';
      readonly symbol: string;
      /** 1 buy, −1 sell, 0 hold. */
      readonly signal: 1 | 0 | -1;
      readonly price: number;
      readonly reason: string;
      readonly fast: number | null;
      readonly slow: number | null;
      /** Why it led to no fill, where it could have. */
      readonly notFilled?: string;
    }
  /** Bought or sold on the paper book, after it was written. Amounts in dollars. */
  | {
      readonly event: 'fill';
      readonly symbol: string;
      readonly side: 'buy' | 'sell';
      readonly quantity: number;
      /** Of one share, slippage included. */
      readonly price: number;
      /** What is left after it. */
      readonly cash: number;
      readonly reason: string;
    }
  /** How the paper book stands, at the start and after each cycle. Amounts in dollars. */
  | {
      readonly event: 'book';
      readonly cash: number;
      readonly equity: number;
      /** How many are open. */
      readonly positions: number;
      /** Gains less losses of what was sold. */
      readonly realised: number;
    }
  | { readonly event: 'connected'; readonly host: string; readonly port: number }
  | {
      readonly event: 'waiting';
      readonly forMs: number;
      /** What it waits for, where it is known; ISO 8601. It looks again before. */
      readonly until?: string;
      readonly message: string;
    }
  | {
      readonly event: 'error';
      readonly message: string;
      readonly symbol?: string;
      /** The line of the trader's own code. */
      readonly source?: SourcePlace;
    };

/** Hands an event to whoever listens. */
export type Say = (event: TradingEvent) => void;

/** One line of JSON, `robo` first, so that a reader knows it by its first bytes. */
export function eventLine(event: TradingEvent, nowMs: number): string {
  const { event: name, ...fields } = event;
  return `${JSON.stringify({ robo: 1, event: name, at: isoTime(nowMs), ...fields })}\n`;
}
