import type { Finding } from '../diagnostics/finding';
import type { PortObservation } from '../host/portObservation';
import type { ConnectionProgress } from '../ibkr/connection';

/** A connection that has just ended, with what was seen then. */
export interface EndedConnection {
  readonly progress: ConnectionProgress;
  readonly os: PortObservation;
  readonly finding: Finding | undefined;
}

/** What recovery knows about the next dial beyond the usual backoff. */
export type DialAdvice =
  | { readonly kind: 'usual' }
  /** Not sooner; under this client id, which may be another one. */
  | { readonly kind: 'wait'; readonly ms: number; readonly clientId: number }
  /** Another attempt would make it worse; only another listener is a reason (law 3). */
  | { readonly kind: 'for a change' };
