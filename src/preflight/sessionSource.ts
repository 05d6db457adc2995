import type { Event } from '../core/emitter';
import type { Finding } from '../diagnostics/finding';
import type { Outage } from '../diagnostics/outage';
import type { ConnectionSituation } from '../diagnostics/situation';
import type { PortObservation } from '../host/portObservation';
import type { ConnectionProgress, ServerTime } from '../ibkr/connection';
import type { Endpoint } from '../ibkr/endpoint';
import type { MarketData, StockContract } from '../ibkr/marketData';

/** What came of asking for data. */
export interface DataOutcome {
  readonly isDelivered: boolean;
  /** The contracts that TWS has told. */
  readonly contracts: readonly StockContract[];
  /** True where nobody but the monitor wanted to know. */
  readonly isOwn: boolean;
}

/**
 * The one session of an endpoint as the pre-flight sees it: a kept one, or an attempt that is
 * under way, held or over. The pre-flight never opens a connection of its own (law 2).
 */
export interface SessionSource {
  readonly endpoint: Endpoint;
  readonly clientId: number;
  /** What the present or last connection has shown; undefined when none was tried yet. */
  readonly progress: ConnectionProgress | undefined;
  /** Set while the session is open. */
  readonly marketData: MarketData | undefined;
  /** Fires after every change of `progress`. */
  readonly onDidChange: Event<void>;
  /** Asks for a session now: skips waiting, never the laws. Does nothing while one is held. */
  ask(): void;
  /** Asks TWS for its time on the open session; undefined when no answer comes in time. */
  askTime(deadlineMs: number): Promise<ServerTime | undefined>;
  /** What the rules judge, with fresh evidence of the machine. */
  situation(os: PortObservation): ConnectionSituation;
  /** Codes of TWS that are in force now (1100, 2105 …), newest last. */
  readonly activeCodes: readonly number[];
  /** The link to IBKR that TWS says is down; undefined while it has not said so. */
  readonly outage: Outage | undefined;
  /** A live account answers where a paper one was; undefined while the login is as it was. */
  readonly loginFinding: Finding | undefined;
  /** The trader has asked for the mode of this login by name. */
  acceptLogin(): void;
  /** Tells the monitor what came of asking for data of `symbols` just now. */
  dataChecked(symbols: readonly string[], findings: readonly Finding[], outcome: DataOutcome): void;
}
