import type { Clock } from '../core/clock';
import { dataFindings, type SymbolOutcome } from '../diagnostics/dataRules';
import type { Finding } from '../diagnostics/finding';
import { describeDuration } from '../diagnostics/notices';
import type { BarRequest, MarketData, StockContract } from '../ibkr/marketData';
import { marketOf } from '../ibkr/symbolMarket';
import type { LayerResult, LayerStatus } from './report';
import type { SessionSource } from './sessionSource';

/** Asked for where nobody names a symbol: no question would prove nothing (law 8). */
export const defaultDataSymbol = 'AAPL';
/** At most so many symbols are asked for data: the layer proves the way, not the list. */
const maxSymbols = 5;

const proofDays = [1, 2, 3, 4] as const;
const proofBarSizes = ['5 mins', '10 mins', '15 mins', '30 mins'] as const;

/**
 * Some days of bars that count as no small bars in IBKR's pacing. An identical request within
 * 15 s would violate it, so the request differs from second to second: one that is answered from
 * memory would prove nothing.
 */
function proofRequest(nowMs: number): BarRequest {
  const second = Math.floor(nowMs / 1000);
  return {
    duration: `${proofDays[second % 4] ?? 1} D`,
    barSize: proofBarSizes[Math.floor(second / 4) % 4] ?? '5 mins',
    regularHoursOnly: true,
  };
}

/** The longest ordinary gap between bars: a Thursday's close to a Tuesday's open. Milliseconds. */
const oldBarsMs = 4.5 * 24 * 3600 * 1000;

interface SymbolProof extends SymbolOutcome {
  /** Undefined where TWS did not tell it. */
  readonly contract: StockContract | undefined;
  readonly lastBarMs: number | undefined;
}

/**
 * Asks for contract and bars of each symbol; any answer proves the way, none shuts the gate.
 * @param symbols empty stands for `defaultDataSymbol`
 * @param deps.isOwn true where nobody but the monitor wants to know
 */
export async function checkData(
  symbols: readonly string[],
  timeoutMs: number,
  deps: { readonly clock: Clock; readonly source: SessionSource; readonly isOwn?: boolean },
): Promise<{ readonly result: LayerResult; readonly findings: readonly Finding[] }> {
  const { clock, source } = deps;
  const from = clock.monotonicMs();
  const market = source.marketData;
  const asked = symbols.length === 0 ? [defaultDataSymbol] : symbols.slice(0, maxSymbols);
  const proofs = await Promise.all(
    asked.map(async (symbol) => proveSymbol(symbol, timeoutMs, market, clock)),
  );
  const findings = dataFindings(proofs, {
    answersTime: source.progress?.stage === 'open',
    activeCodes: source.activeCodes,
    outage: source.outage,
    nowMs: clock.now(),
  });
  const good = proofs.filter(({ failure }) => failure === undefined);
  // No bars at all, though TWS answered, is -Infinity: as old as can be.
  const ageMs = clock.now() - Math.max(...good.flatMap(({ lastBarMs }) => lastBarMs ?? []));
  const isOld = good.length > 0 && ageMs > oldBarsMs;
  const contracts = proofs.flatMap(({ contract }) => contract ?? []);
  const hours = new Map(contracts.map((contract) => [contract.symbol, contract]));
  const { state, words: hoursWords } = marketOf(asked, hours, clock.now());
  const isClosed = state === 'closed';
  const status = judge(good.length, findings, isOld || isClosed);
  source.dataChecked(asked, findings, {
    isDelivered: status !== 'fail',
    contracts,
    isOwn: deps.isOwn ?? false,
  });
  const words =
    good.length === 0
      ? (findings[0]?.message ?? 'No data came')
      : [
          barWords(good.map(({ symbol }) => symbol).join(', '), ageMs),
          ...(findings.length > 0 ? [`${findings.length} symbol(s) without data`] : []),
          ...(isClosed ? [hoursWords.replace(/\.$/, '')] : []),
        ].join('; ');
  return {
    result: {
      layer: 'data',
      status,
      durationMs: Math.round(clock.monotonicMs() - from),
      summary: words,
      evidence: findings.flatMap(({ evidence }) => evidence),
    },
    findings,
  };
}

function barWords(symbols: string, ageMs: number): string {
  return Number.isFinite(ageMs)
    ? `Bars for ${symbols}; the newest is ${describeDuration(ageMs)} old`
    : `Answered for ${symbols}, without any bars`;
}

function judge(
  goodCount: number,
  findings: readonly Finding[],
  isOldOrClosed: boolean,
): LayerStatus {
  if (goodCount === 0) {
    return findings.some(({ severity }) => severity === 'error') ? 'fail' : 'warn';
  }
  return findings.length > 0 || isOldOrClosed ? 'warn' : 'pass';
}

async function proveSymbol(
  symbol: string,
  timeoutMs: number,
  market: MarketData | undefined,
  clock: Clock,
): Promise<SymbolProof> {
  if (market === undefined) {
    const failure = { kind: 'closed', why: 'the session ended' } as const;
    return { symbol, failure, lastBarMs: undefined, contract: undefined };
  }
  const from = clock.monotonicMs();
  const contract = await market.stockContract(symbol, timeoutMs);
  if (!contract.ok) {
    return { symbol, failure: contract.failure, lastBarMs: undefined, contract: undefined };
  }
  const leftMs = Math.max(1, timeoutMs - (clock.monotonicMs() - from));
  const bars = await market.bars(contract.value, proofRequest(clock.now()), leftMs);
  const told = { symbol, contract: contract.value };
  return bars.ok
    ? { ...told, failure: undefined, lastBarMs: bars.value.at(-1)?.timeMs }
    : { ...told, failure: bars.failure, lastBarMs: undefined };
}
