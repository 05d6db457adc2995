import type { CauseId } from './causeIds';
import type { Subject } from './finding';

/** Where in the trader's own code something happened. `line` counts from 1. */
export interface SourcePlace {
  readonly file: string;
  readonly line: number;
}

/** What a line of a runner's or client's output says. `at` is ISO 8601 where the line has a time. */
export type RunnerFact = { readonly at?: string } & (
  | {
      readonly kind: 'cycle';
      readonly equity?: number;
      /** When the next one begins, in milliseconds from now, where the line says so. */
      readonly nextInMs?: number;
      /** How long this one took, likewise. */
      readonly durationMs?: number;
    }
  /** It sleeps on purpose (closed market, pause between cycles), for `forMs` where it says so. */
  | { readonly kind: 'waiting'; readonly forMs?: number; readonly text: string }
  | { readonly kind: 'fetch ok'; readonly symbol: string; readonly price?: number }
  | {
      readonly kind: 'fetch failed';
      readonly symbol: string;
      /** `TimeoutError`, `RuntimeError` …; empty where the line names none. */
      readonly errorClass: string;
      readonly text: string;
      /** The message code of TWS, where the line gives one. */
      readonly code?: number;
      readonly source?: SourcePlace;
    }
  | {
      readonly kind: 'signal';
      readonly symbol: string;
      readonly signal: 'buy' | 'sell' | 'hold';
      readonly price?: number;
      readonly reason?: string;
    }
  | {
      readonly kind: 'fill';
      readonly symbol: string;
      readonly side: 'buy' | 'sell';
      readonly quantity: number;
      readonly price: number;
    }
  /** How the account or paper book stands, in dollars. */
  | { readonly kind: 'book'; readonly equity: number }
  /** A message of TWS, by its code; −1 where it belongs to no request. */
  | {
      readonly kind: 'tws message';
      readonly code: number;
      readonly requestId: number;
      readonly text: string;
      /** Where the line names the contract of the request. */
      readonly symbol?: string;
      /** The part of a client that printed it, where another part prints the same message too. */
      readonly by?: string;
      /** The line has the text alone. */
      readonly isWithoutCode?: true;
    }
  | {
      readonly kind: 'connecting';
      readonly host: string;
      readonly port: number;
      readonly clientId?: number;
    }
  /** TCP only: what clients print as "Connected" before TWS has said a word. */
  | { readonly kind: 'tcp connected' }
  /** The hello was answered; not ready yet. The version is absent where the line does not tell it. */
  | { readonly kind: 'hello'; readonly serverVersion?: number }
  /** The API is ready. */
  | { readonly kind: 'connected' }
  | {
      readonly kind: 'connection failed';
      readonly errorClass: string;
      readonly text: string;
      /** The system's words alone: the lines around tell whose connection it was. */
      readonly isBare?: true;
      readonly source?: SourcePlace;
    }
  | {
      readonly kind: 'connection lost';
      readonly text: string;
      /** The client prints the same line when the program closes the connection itself. */
      readonly maybeOwn?: true;
    }
  /** A line that points to causes of the catalogue by itself. */
  | {
      readonly kind: 'sign';
      readonly subject: Subject;
      readonly causes: readonly { readonly id: CauseId; readonly confidence: number }[];
      readonly text: string;
      readonly source?: SourcePlace;
    }
  /** An error in the program's own words. */
  | { readonly kind: 'error'; readonly text: string; readonly source?: SourcePlace }
);
