import { isoTime } from '../core/clock';
import type { MarketState } from '../ibkr/marketState';
import { classify, type MessageScope } from '../ibkr/messageCodes';
import type { Setup } from '../diagnostics/cause';
import type { Finding } from '../diagnostics/finding';
import { causesOfMessage, subjectOfMessage } from '../diagnostics/notices';
import type { RunnerFact } from '../diagnostics/runnerFacts';
import type { RunnerWork, SymbolStatus } from '../diagnostics/status';
import {
  connectionFinding,
  errorFinding,
  messageFinding,
  signFinding,
  symbolFinding,
} from './saysFindings';
import { isTimeout, type OpenTrouble, type Says, type SymbolSays, symbolSays } from './saysState';

/**
 * No known runner is quiet for longer on purpose: the trader's system sleeps up to 30 minutes
 * while the market is closed (origin system, section 6); five more for a slow cycle.
 */
export const quietLimitMs = 35 * 60_000;

/**
 * Takes in one fact. A fact's own time counts where it has a credible one: a daemon that adopts
 * a runner reads old lines late.
 */
export function hear(says: Says, fact: RunnerFact, now: number): Says {
  const stated = fact.at === undefined ? Number.NaN : Date.parse(fact.at);
  const at = stated <= now ? stated : now;
  const heard = { ...says, lastWordMs: Math.max(says.lastWordMs ?? 0, at) };
  switch (fact.kind) {
    case 'cycle':
      return cycleEnded(heard, at);
    case 'waiting':
      return { ...heard, quietUntilMs: Math.max(heard.quietUntilMs, at + (fact.forMs ?? 0)) };
    case 'fetch ok':
      return fetched(heard, fact.symbol, fact.price, at);
    case 'fetch failed':
      return fetchFailed(heard, fact, at);
    case 'signal':
      return signalled(heard, fact, at);
    case 'connected':
      return { ...heard, wasConnected: true, troubles: withoutConnection(heard.troubles) };
    case 'connection failed':
    case 'connection lost':
    case 'sign':
      return troubled(heard, fact, at);
    case 'error':
      return { ...troubled(heard, fact, at), hasErredInCycle: true };
    case 'tws message':
      return twsSaid(heard, fact, at);
    case 'fill':
    case 'connecting':
    case 'tcp connected':
    case 'hello':
      return heard;
    default:
      return fact satisfies never;
  }
}

function cycleEnded(says: Says, at: number): Says {
  // The program's own errors are over when a whole cycle went by without one.
  const troubles = says.hasErredInCycle
    ? says.troubles
    : filtered(says.troubles, (trouble) => trouble.fact.kind !== 'error');
  const lastCycleMs = Math.max(says.lastCycleMs ?? 0, at);
  return { ...says, lastCycleMs, troubles, hasErredInCycle: false };
}

function fetched(says: Says, symbol: string, price: number | undefined, at: number): Says {
  const before = symbolSays(says, symbol);
  const after: SymbolSays = {
    ...before,
    lastFetchMs: Math.max(before.lastFetchMs ?? 0, at),
    failingSinceMs: null,
    failures: 0,
    price: price ?? before.price,
  };
  return {
    ...withSymbol(says, after),
    lastFetchMs: Math.max(says.lastFetchMs ?? 0, at),
    wasConnected: true,
    troubles: withoutConnection(says.troubles),
  };
}

function fetchFailed(
  says: Says,
  fact: Extract<RunnerFact, { kind: 'fetch failed' }>,
  at: number,
): Says {
  const before = symbolSays(says, fact.symbol);
  return withSymbol(says, {
    ...before,
    lastFailureMs: Math.max(before.lastFailureMs ?? 0, at),
    failingSinceMs: before.failingSinceMs ?? at,
    failures: before.failures + 1,
    errorClass: fact.errorClass,
    text: fact.text,
    code: fact.code ?? null,
    source: fact.source ?? null,
  });
}

/** Good news and ordinary notes heal nothing (law 6); a fault about a symbol is its failure. */
function twsSaid(says: Says, fact: Extract<RunnerFact, { kind: 'tws message' }>, at: number): Says {
  const { code, text, symbol } = fact;
  if (causesOfMessage(code, text).length === 0) {
    return says;
  }
  return symbol !== undefined && subjectOfMessage(code, symbol).kind === 'symbol'
    ? fetchFailed(says, { kind: 'fetch failed', symbol, errorClass: '', text, code }, at)
    : troubled(says, fact, at);
}

function signalled(says: Says, fact: Extract<RunnerFact, { kind: 'signal' }>, at: number): Says {
  // A signal without a price was not made from data: "Signal=0, Price=$0.00, No data available".
  const base =
    fact.price !== undefined && fact.price > 0 ? fetched(says, fact.symbol, fact.price, at) : says;
  return withSymbol(base, { ...symbolSays(base, fact.symbol), signal: fact.signal });
}

function troubled(says: Says, fact: OpenTrouble['fact'], at: number): Says {
  const key = troubleKey(fact);
  const before = says.troubles.get(key);
  const troubles = new Map(says.troubles);
  troubles.set(key, {
    fact,
    firstMs: before?.firstMs ?? at,
    lastMs: at,
    count: (before?.count ?? 0) + 1,
  });
  // A program that prints ever new errors must not fill our memory: the oldest goes.
  const [oldest] = troubles.keys();
  if (troubles.size > maxTroubles && oldest !== undefined) {
    troubles.delete(oldest);
  }
  return { ...says, troubles };
}

const maxTroubles = 20;

function troubleKey(fact: OpenTrouble['fact']): string {
  switch (fact.kind) {
    case 'sign':
      return `sign/${fact.subject.kind}/${fact.subject.name ?? ''}/${fact.causes[0]?.id ?? ''}`;
    case 'error':
      return fact.source === undefined ? 'error' : `error/${fact.source.file}:${fact.source.line}`;
    case 'tws message':
      return `message/${fact.code}`;
    case 'connection failed':
    case 'connection lost':
      return 'connection';
    default:
      return fact satisfies never;
  }
}

const connectionScopes: ReadonlySet<MessageScope> = new Set<MessageScope>([
  'connection',
  'upstream',
  'farm',
  'version',
  'client',
]);

/** A broken farm alone stops nothing that still succeeds; all other troubles of the connection do. */
function isOutage(trouble: OpenTrouble): boolean {
  const { fact } = trouble;
  const isFarm = fact.kind === 'tws message' && classify(fact.code).scope === 'farm';
  return isConnectionTrouble(trouble) && !isFarm;
}

function isConnectionTrouble(trouble: OpenTrouble): boolean {
  const { fact } = trouble;
  switch (fact.kind) {
    case 'sign':
      // A worker that does not answer is what the connection is to this runner: data ends it.
      return fact.subject.kind === 'connection' || fact.causes[0]?.id === 'worker_unresponsive';
    case 'tws message':
      return connectionScopes.has(classify(fact.code).scope);
    case 'error':
      return false;
    case 'connection failed':
    case 'connection lost':
      return true;
    default:
      return fact satisfies never;
  }
}

function withoutConnection(troubles: Says['troubles']): Says['troubles'] {
  return filtered(troubles, (trouble) => !isConnectionTrouble(trouble));
}

function filtered(
  troubles: Says['troubles'],
  keeps: (trouble: OpenTrouble) => boolean,
): Says['troubles'] {
  return new Map([...troubles].filter(([, trouble]) => keeps(trouble)));
}

function withSymbol(says: Says, symbol: SymbolSays): Says {
  const isNew = !says.symbols.has(symbol.symbol);
  // As many as TWS serves in a day; more is a misread log, not a portfolio.
  if (isNew && says.symbols.size >= 2000) {
    return says;
  }
  const symbols = new Map(says.symbols);
  symbols.set(symbol.symbol, symbol);
  return { ...says, symbols };
}

/** The symbols that fail together so that the connection is to blame; empty when it is not. */
function failingTogether(says: Says): readonly SymbolSays[] {
  const expected = says.configured.length > 0 ? says.configured : [...says.symbols.keys()];
  const failing = expected
    .map((symbol) => symbolSays(says, symbol))
    .filter((symbol) => symbol.failures > 0);
  if (failing.length < expected.length) {
    return [];
  }
  if (failing.length > 1) {
    return failing;
  }
  // One symbol alone tells nothing about the connection unless it is the only one and was met
  // with silence; a wrong ticker is answered.
  const isOnlyOne = says.configured.length === 1;
  return isOnlyOne && failing.every((symbol) => isTimeout(symbol)) ? failing : [];
}

/**
 * What is wrong now, by the runner's own words: one finding per subject, none twice.
 * @param setup the system that the remedies are for
 */
export function saysFindings(says: Says, setup: Setup = {}): readonly Finding[] {
  const findings: Finding[] = [];
  const together = failingTogether(says);
  const troubles = [...says.troubles.values()];
  const connection = troubles.find((trouble) => troubleKey(trouble.fact) === 'connection');
  // A message of TWS or a telling line names the reason; what failed by it is no second finding.
  const isExplained = troubles.some((trouble) => trouble !== connection && isOutage(trouble));
  if (!isExplained && (together.length > 0 || connection !== undefined)) {
    const { wasConnected } = says;
    findings.push(connectionFinding(together, connection, { wasConnected, setup }));
  }
  if (together.length === 0) {
    const failing = [...says.symbols.values()].filter((symbol) => symbol.failures > 0);
    findings.push(...failing.map((symbol) => symbolFinding(symbol, setup)));
  }
  for (const { fact, ...times } of troubles) {
    if (fact.kind === 'sign') {
      findings.push(signFinding(fact, times, setup));
    } else if (fact.kind === 'error') {
      findings.push(errorFinding(fact, times, setup));
    } else if (fact.kind === 'tws message') {
      const kind = connectionScopes.has(classify(fact.code).scope) ? 'connection' : 'runner';
      findings.push(messageFinding(fact, times, { kind, setup }));
    }
  }
  return findings;
}

/**
 * What the words say about the work at `now`. Alive is not working (law 7), and who rests while the
 * market is closed is not silent.
 */
export function saysWork(says: Says, now: number, market?: MarketState): RunnerWork {
  const hasOutage = [...says.troubles.values()].some(isOutage);
  const hasSpokenOfWork = says.lastCycleMs !== null || says.symbols.size > 0 || hasOutage;
  if (!hasSpokenOfWork || says.lastWordMs === null) {
    return 'unknown';
  }
  if (isQuietFor(Math.max(says.lastWordMs, says.quietUntilMs), now, market)) {
    return market?.state === 'closed' ? 'idle' : 'silent';
  }
  if (hasOutage || failingTogether(says).length > 0) {
    return 'failing';
  }
  const hasWorked = says.lastFetchMs !== null || says.lastCycleMs !== null;
  return hasWorked ? 'working' : 'failing';
}

/** True where nothing came for longer than a pause lasts; a night without a market counts as none. */
export function isQuietFor(lastMs: number, now: number, market: MarketState | undefined): boolean {
  const openedMs = market?.state === 'open' ? (market.sinceMs ?? 0) : 0;
  return now > Math.max(lastMs, openedMs) + quietLimitMs;
}

/** Configured symbols first, in their order, then others that the runner spoke of. */
export function saysSymbols(says: Says): readonly SymbolStatus[] {
  const names = new Set([...says.configured, ...says.symbols.keys()]);
  return [...names].map((name) => {
    const symbol = symbolSays(says, name);
    return {
      symbol: name,
      lastFetchAt: timeOrNull(symbol.lastFetchMs),
      lastFailureAt: timeOrNull(symbol.lastFailureMs),
      failures: symbol.failures,
      price: symbol.price,
      signal: symbol.signal,
    };
  });
}

/** ISO 8601, or null where there was nothing. */
export function timeOrNull(epochMs: number | null): string | null {
  return epochMs === null ? null : isoTime(epochMs);
}
