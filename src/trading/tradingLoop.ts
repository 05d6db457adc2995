import { type Clock, delay, isoTime } from '../core/clock';
import type { Event } from '../core/emitter';
import type { Endpoint } from '../ibkr/endpoint';
import type { BarRequest, MarketData, StockContract } from '../ibkr/marketData';
import { runCycle } from './cycle';
import type { Say } from './events';
import { KeptBars } from './keptBars';
import { marketHoursOf, type MarketHoursOf, marketOfAll } from './marketHours';
import { Pacer } from './pacer';
import type { PaperBook } from './paperBook';
import type { Strategy } from './strategy';
import { StrategyRun } from './strategyRun';

/** A ready session, as far as trading needs one. */
export interface TradingSession {
  readonly marketData: MarketData;
  /** Fires once, with the reason in words, when the session is over. */
  readonly onDidClose: Event<string>;
  /** Fires when TWS has lost data while it had no connection to IBKR (message 1101). */
  readonly onDidLoseData: Event<void>;
  /** Asks TWS for its time; false when no answer came in time. */
  answers(): Promise<boolean>;
  close(): void;
}

export type OpenedSession =
  | { readonly ok: true; readonly session: TradingSession }
  | { readonly ok: false; readonly sentence: string };

export interface TradingDeps {
  readonly clock: Clock;
  readonly say: Say;
  /** Resolves early with `ok: false` when the signal is aborted. */
  readonly openSession: (signal: AbortSignal) => Promise<OpenedSession>;
  readonly strategy: Strategy;
  readonly paper: PaperBook;
  /** Aborted when the runner is asked to stop. */
  readonly signal: AbortSignal;
}

export interface TradingPlan {
  readonly endpoint: Endpoint;
  readonly symbols: readonly string[];
  readonly request: BarRequest;
  readonly intervalMs: number;
  readonly isOnce: boolean;
}

/**
 * Waits before a lost session is opened again, in milliseconds (origin system, rule 8). After
 * the last one the connection is lost for good: about nine minutes, longer than TWS's restart.
 */
const reopenDelaysMs = [15_000, 30_000, 60_000, 120_000, 300_000];

/**
 * The longest time between two looks at the clock and the hours while the market is closed, in
 * milliseconds: timers stand still while a machine sleeps. Robo takes silence beyond 35 minutes
 * for a fault.
 */
const closedLookMs = 30 * 60_000;

/**
 * Exit code (contracts): 0 asked to stop, or done with `--once`; 1 no connection, or with `--once`
 * no data for any symbol.
 */
export type TradingExit = 0 | 1;

/** The built-in runner: cycles over the symbols until it is asked to stop. No order, ever. */
export async function trade(plan: TradingPlan, deps: TradingDeps): Promise<TradingExit> {
  const run: Run = {
    pacer: new Pacer(deps.clock),
    contracts: new Map<string, StockContract>(),
    market: marketHoursOf(),
    strategy: new StrategyRun(deps.strategy, deps.say, deps.clock),
    cycles: 0,
    pauses: 0,
    hadSession: false,
  };
  let reopened = 0;
  deps.paper.sayBook();
  // Asked to stop, it does not dial once more.
  const isOver = (): boolean => deps.signal.aborted;
  while (!isOver()) {
    const before = run.cycles + run.pauses;
    const end = await tradeOneSession(plan, run, deps);
    if (isOver() || end === 'done') {
      return 0;
    }
    if (end === 'no data') {
      const message = 'No symbol brought any data; the lines above say why.';
      deps.say({ event: 'error', message });
      return 1;
    }
    if (!run.hadSession) {
      // The gate has just passed or was bypassed; what it said is not ours to try again.
      return 1;
    }
    reopened = run.cycles + run.pauses > before ? 0 : reopened;
    const waitMs = reopenDelaysMs[reopened];
    if (waitMs === undefined) {
      deps.say({ event: 'error', message: 'The connection to TWS is lost for good; giving up.' });
      return 1;
    }
    reopened += 1;
    const message = `Waiting ${waitMs / 1000} s before opening the connection again.`;
    deps.say({ event: 'waiting', forMs: waitMs, message });
    await delay(deps.clock, waitMs, deps.signal);
  }
  return 0;
}

/** `no data`: the only cycle brought none. */
type SessionEnd = 'done' | 'no data' | 'lost';

/** What lasts over all sessions of a run. */
interface Run {
  readonly pacer: Pacer;
  readonly contracts: Map<string, StockContract>;
  readonly market: MarketHoursOf;
  readonly strategy: StrategyRun;
  /** Cycles finished. */
  cycles: number;
  /** Waits for a market to open that went by with the session. */
  pauses: number;
  hadSession: boolean;
}

async function tradeOneSession(
  plan: TradingPlan,
  run: Run,
  deps: TradingDeps,
): Promise<SessionEnd> {
  const opened = await deps.openSession(deps.signal);
  if (!opened.ok) {
    if (!deps.signal.aborted) {
      deps.say({ event: 'error', message: opened.sentence });
    }
    return 'lost';
  }
  const { session } = opened;
  run.hadSession = true;
  deps.say({ event: 'connected', ...plan.endpoint });
  const closed = new AbortController();
  const kept = new KeptBars(plan.request);
  const subscription = session.onDidClose((why) => {
    deps.say({ event: 'error', message: `The session with TWS ended: ${why}` });
    closed.abort();
  });
  const losses = session.onDidLoseData(() => {
    kept.forgetAll();
  });
  try {
    const stop = AbortSignal.any([deps.signal, closed.signal]);
    return await cycles(plan, run, { ...deps, session, kept, stop });
  } finally {
    subscription.dispose();
    losses.dispose();
    session.close();
  }
}

interface CyclesDeps extends TradingDeps {
  readonly session: TradingSession;
  readonly kept: KeptBars;
  /** Asked to stop, or session gone. */
  readonly stop: AbortSignal;
}

async function cycles(plan: TradingPlan, run: Run, deps: CyclesDeps): Promise<SessionEnd> {
  const { clock, say, stop } = deps;
  const isOver = (): boolean => stop.aborted;
  while (!isOver()) {
    if (!plan.isOnce && (await waitedForMarket(plan, run, deps))) {
      continue;
    }
    run.strategy.beginCycle();
    const startedMs = clock.monotonicMs();
    const { failed, closed, isConnectionLost } = await runCycle(plan.symbols, {
      ...run,
      marketData: deps.session.marketData,
      say,
      paper: deps.paper,
      request: plan.request,
      kept: deps.kept,
      isOnce: plan.isOnce,
      now: () => clock.now(),
      signal: stop,
    });
    if (isConnectionLost || isOver()) {
      break;
    }
    run.cycles += 1;
    const equity = deps.paper.endCycle();
    const durationMs = clock.monotonicMs() - startedMs;
    const nextInMs = plan.isOnce ? null : Math.max(0, Math.round(plan.intervalMs - durationMs));
    say({
      event: 'cycle',
      number: run.cycles,
      symbols: plan.symbols.length,
      failed,
      closed,
      durationMs: Math.round(durationMs),
      nextInMs,
      equity,
    });
    if (nextInMs === null) {
      return failed === plan.symbols.length ? 'no data' : 'done';
    }
    if (failed === plan.symbols.length && !(await deps.session.answers())) {
      // A connection whose other end is gone never closes by itself.
      say({ event: 'error', message: 'TWS answers nothing any more on this connection.' });
      break;
    }
    await delay(clock, nextInMs, stop);
  }
  return 'lost';
}

/** Waits while every market is closed, and asks nothing. @returns whether there was a wait */
async function waitedForMarket(plan: TradingPlan, run: Run, deps: CyclesDeps): Promise<boolean> {
  const { clock } = deps;
  const now = clock.now();
  const { state, untilMs, words } = marketOfAll(plan.symbols, run.contracts, now);
  if (state !== 'closed') {
    return false;
  }
  const forMs = Math.max(1, Math.min(closedLookMs, (untilMs ?? now + closedLookMs) - now));
  deps.say({
    event: 'waiting',
    forMs: Math.round(forMs),
    ...(untilMs === undefined ? {} : { until: isoTime(untilMs) }),
    message: words,
  });
  await delay(clock, forMs, deps.stop);
  run.pauses += deps.stop.aborted ? 0 : 1;
  return true;
}
