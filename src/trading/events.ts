import { isoTime } from '../core/clock';

/** What a runner can say; `docs/runner-events.md` documents each field for other programs. */
export type TradingEvent =
  | {
      readonly event: 'cycle';
      /** Counts from 1 in each run. */
      readonly number: number;
      readonly symbols: number;
      readonly failed: number;
      readonly durationMs: number;
      /** When the next cycle begins; null after the last one. */
      readonly nextInMs: number | null;
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
    }
  | { readonly event: 'connected'; readonly host: string; readonly port: number }
  | { readonly event: 'waiting'; readonly forMs: number; readonly message: string }
  | { readonly event: 'error'; readonly message: string };

/** Hands an event to whoever listens. */
export type Say = (event: TradingEvent) => void;

/** One line of JSON, `robo` first, so that a reader knows it by its first bytes. */
export function eventLine(event: TradingEvent, nowMs: number): string {
  const { event: name, ...fields } = event;
  return `${JSON.stringify({ robo: 1, event: name, at: isoTime(nowMs), ...fields })}\n`;
}
