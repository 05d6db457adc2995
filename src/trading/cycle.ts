import { isoTime } from '../core/clock';
import type { Disposable } from '../core/disposables';
import type { Answer, Bar, BarRequest, MarketData, StockContract } from '../ibkr/marketData';
import type { Say } from './events';
import type { KeptBars } from './keptBars';
import type { MarketHoursOf } from './marketHours';
import type { Pacer } from './pacer';
import type { PaperBook } from './paperBook';
import type { StrategyRun } from './strategyRun';

/** How long an answer is waited for, in milliseconds (origin system, section 6). */
const contractDeadlineMs = 5_000;
const barsDeadlineMs = 30_000;
/** Symbols asked for at the same time; TWS allows 50 open historical requests. */
const maxConcurrent = 8;

export interface CycleDeps {
  readonly marketData: MarketData;
  readonly pacer: Pacer;
  readonly say: Say;
  readonly strategy: StrategyRun;
  readonly paper: PaperBook;
  readonly market: MarketHoursOf;
  /** Now, in milliseconds since the epoch. */
  readonly now: () => number;
  /** A symbol is asked for although its market is closed. */
  readonly isOnce: boolean;
  /** Qualified contracts; kept over all cycles of a run. */
  readonly contracts: Map<string, StockContract>;
  /** What a symbol is asked for where nothing is kept of it. */
  readonly request: BarRequest;
  /** Kept over all cycles of a session. */
  readonly kept: KeptBars;
  /** Ends the cycle: nothing more is asked, nothing more is waited for. */
  readonly signal: AbortSignal;
}

/** What the visits of one cycle share. */
interface Cycle extends CycleDeps {
  /** Resolves when `signal` is aborted. */
  readonly stopped: Promise<'stopped'>;
}

export interface CycleResult {
  readonly failed: number;
  /** Left alone because their market is closed. */
  readonly closed: number;
  /** True when the session closed under it; the rest of the symbols was not asked for. */
  readonly isConnectionLost: boolean;
}

/** One pass over the symbols. A request that brought no answer waits for the next cycle. */
export async function runCycle(symbols: readonly string[], deps: CycleDeps): Promise<CycleResult> {
  const queue = [...symbols];
  let failed = 0;
  let closed = 0;
  let isConnectionLost = false;
  deps.paper.beginCycle();
  const stop = stopOf(deps.signal);
  const cycle: Cycle = { ...deps, stopped: stop.stopped };
  const work = async (): Promise<void> => {
    for (;;) {
      const symbol = queue.shift();
      if (symbol === undefined || deps.signal.aborted || isConnectionLost) {
        return;
      }
      const outcome = await visit(symbol, cycle);
      failed += outcome === 'failed' || outcome === 'lost' ? 1 : 0;
      closed += outcome === 'closed' ? 1 : 0;
      isConnectionLost ||= outcome === 'lost';
    }
  };
  const workers = Array.from({ length: Math.min(maxConcurrent, symbols.length) }, work);
  await Promise.all(workers).finally(() => {
    stop.dispose();
  });
  return { failed, closed, isConnectionLost };
}

/** `closed`: the market; `lost`: the connection. */
type Visit = 'ok' | 'failed' | 'closed' | 'lost' | 'stopped';

async function visit(symbol: string, deps: Cycle): Promise<Visit> {
  const contract = await qualified(symbol, deps);
  if (contract === 'stopped' || !contract.ok) {
    return contract === 'stopped' ? 'stopped' : sayFailure(symbol, contract, deps.say);
  }
  const isMarketClosed = deps.market(symbol, deps.contracts, deps.now()) === 'closed';
  if (isMarketClosed && !deps.isOnce) {
    return 'closed';
  }
  const bars = await currentBars(symbol, contract.value, deps);
  if (bars === 'stopped' || !bars.ok) {
    return bars === 'stopped' ? 'stopped' : sayFailure(symbol, bars, deps.say);
  }
  return await judge(symbol, { ...bars, isMarketClosed }, deps);
}

/** `stopped`: nobody waits for it any more. */
type Bars = Answer<readonly Bar[]> | 'stopped';

/** All bars of a symbol: what is kept with its new end, else as TWS has them. */
async function currentBars(symbol: string, contract: StockContract, deps: Cycle): Promise<Bars> {
  const extended = await extendedBars(symbol, contract, deps);
  if (extended !== undefined) {
    return extended;
  }
  const { losses } = deps.kept;
  const whole = await askForBars(symbol, contract, deps.request, deps);
  // What was asked before a loss may lack what was lost.
  if (whole !== 'stopped' && whole.ok && losses === deps.kept.losses) {
    deps.kept.keep(contract, whole.value);
  }
  return whole;
}

/** Undefined where the whole is to be asked. A request that failed is not made in another form. */
async function extendedBars(
  symbol: string,
  contract: StockContract,
  deps: Cycle,
): Promise<Bars | undefined> {
  const nowMs = deps.now();
  const request = deps.kept.tailFor(contract, nowMs);
  if (request === undefined) {
    return undefined;
  }
  const tail = await askForBars(symbol, contract, request, deps);
  if (tail === 'stopped' || !tail.ok) {
    return tail;
  }
  const value = deps.kept.merge(contract, tail.value, nowMs);
  return value === undefined ? undefined : { ...tail, value };
}

async function askForBars(
  symbol: string,
  contract: StockContract,
  request: BarRequest,
  deps: Cycle,
): Promise<Bars> {
  await deps.pacer.bars(symbol, request, deps.signal);
  const answer = await unlessStopped(deps, () =>
    deps.marketData.bars(contract, request, barsDeadlineMs),
  );
  if (answer !== 'stopped' && !answer.ok) {
    deps.kept.forget(contract);
  }
  return answer;
}

interface FetchedBars {
  readonly value: readonly Bar[];
  readonly roundTripMs: number;
  readonly isMarketClosed: boolean;
}

/** Where the strategy failed. */
const noSignal = { value: 0, reason: '', fast: null, slow: null } as const;

/** What the bars say, and what comes of it on paper. */
async function judge(symbol: string, bars: FetchedBars, deps: Cycle): Promise<Visit> {
  const last = bars.value.at(-1);
  if (last === undefined) {
    const message = 'TWS answered with no bars';
    deps.say({ event: 'fetch', symbol, ok: false, error: 'NoData', message });
    return 'failed';
  }
  deps.say({
    event: 'fetch',
    symbol,
    ok: true,
    price: last.close,
    bars: bars.value.length,
    lastBarAt: isoTime(last.timeMs),
    roundTripMs: Math.round(bars.roundTripMs),
  });
  const signal = await deps.strategy.ask(symbol, bars.value, deps.signal);
  if (deps.signal.aborted) {
    return 'stopped';
  }
  const { value, reason, fast, slow } = signal ?? noSignal;
  const { isMarketClosed } = bars;
  // Also without a signal: what is held is worth what the market says.
  const why = deps.paper.take({ symbol, bars: bars.value, signal: value, reason, isMarketClosed });
  if (signal !== undefined) {
    // Said after the decision, so that the line tells the whole of it.
    const notFilled = why === undefined ? {} : { notFilled: why };
    const price = last.close;
    deps.say({ event: 'signal', symbol, signal: value, price, reason, fast, slow, ...notFilled });
  }
  return 'ok';
}

async function qualified(symbol: string, deps: Cycle): Promise<Answer<StockContract> | 'stopped'> {
  const cached = deps.contracts.get(symbol);
  if (cached !== undefined) {
    return { ok: true, value: cached, roundTripMs: 0 };
  }
  await deps.pacer.message(deps.signal);
  const answer = await unlessStopped(deps, () =>
    deps.marketData.stockContract(symbol, contractDeadlineMs),
  );
  if (answer !== 'stopped' && answer.ok) {
    deps.contracts.set(symbol, answer.value);
  }
  return answer;
}

function sayFailure(
  symbol: string,
  answer: Extract<Answer<unknown>, { ok: false }>,
  say: Say,
): Visit {
  const { failure } = answer;
  const base = { event: 'fetch', symbol, ok: false } as const;
  switch (failure.kind) {
    case 'timeout': {
      const message = `no answer within ${failure.afterMs / 1000} s`;
      say({ ...base, error: 'TimeoutError', message });
      return 'failed';
    }
    case 'message':
      say({ ...base, error: 'TwsMessage', code: failure.code, message: failure.text });
      return 'failed';
    case 'closed':
      say({ ...base, error: 'ConnectionClosed', message: failure.why });
      return 'lost';
    default:
      return failure satisfies never;
  }
}

/** Hears of a stop once for all requests of a cycle: a listener for each costs more than it. */
function stopOf(signal: AbortSignal): { readonly stopped: Promise<'stopped'> } & Disposable {
  let onAbort = (): void => undefined;
  const stopped = new Promise<'stopped'>((resolve) => {
    onAbort = (): void => {
      resolve('stopped');
    };
  });
  signal.addEventListener('abort', onAbort, { once: true });
  return {
    stopped,
    dispose: () => {
      signal.removeEventListener('abort', onAbort);
    },
  };
}

/** The answer, or `stopped` as soon as the signal is aborted; a late answer is then nobody's. */
async function unlessStopped<T>(
  { signal, stopped }: Pick<Cycle, 'signal' | 'stopped'>,
  ask: () => Promise<T>,
): Promise<T | 'stopped'> {
  return signal.aborted ? 'stopped' : await Promise.race([ask(), stopped]);
}
