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
import {
  isNoData,
  isTimeout,
  type OpenTrouble,
  type Says,
  type SymbolSays,
  symbolSays,
} from './saysState';
import { longestSleepMs, quietLimitMs, stallMs, workDue } from './standstill';

/** Gaps between cycles that its rhythm is learned from. */
const keptGaps = 5;
/** One signal without a price may be a symbol's first moment; several mean that no data comes. */
const leastEmpties = 2;
/** Who opens one connection after another and does no work between them is no longer failing only. */
const maxReconnects = 3;

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
      return cycleEnded(heard, fact, at);
    case 'waiting': {
      // A pause of unknown length is taken for the longest sleep that is known.
      const quietUntilMs = at + (fact.forMs ?? longestSleepMs);
      return { ...heard, quietUntilMs: Math.max(heard.quietUntilMs, quietUntilMs) };
    }
    case 'fetch ok':
      return fetched(heard, fact.symbol, fact.price, at);
    case 'fetch failed':
      return fetchFailed(heard, fact, at);
    case 'signal':
      return signalled(heard, fact, at);
    case 'connected':
      return {
        ...heard,
        wasConnected: true,
        reconnects: heard.reconnects + 1,
        troubles: withoutConnection(heard.troubles),
      };
    case 'connection failed':
    case 'connection lost':
    case 'sign':
      return troubled(heard, fact, at);
    case 'error':
      return { ...troubled(heard, fact, at), hasErredInCycle: true };
    case 'tws message':
      return twsSaid(heard, fact, at);
    case 'fill':
    case 'book':
    case 'connecting':
    case 'tcp connected':
    case 'hello':
      return heard;
    default:
      return fact satisfies never;
  }
}

function cycleEnded(
  says: Says,
  { nextInMs, durationMs }: Extract<RunnerFact, { kind: 'cycle' }>,
  at: number,
): Says {
  // The program's own errors are over when a whole cycle went by without one.
  const troubles = says.hasErredInCycle
    ? says.troubles
    : filtered(says.troubles, (trouble) => trouble.fact.kind !== 'error');
  const gapMs = at - (says.lastCycleMs ?? at);
  return {
    ...says,
    lastCycleMs: Math.max(says.lastCycleMs ?? 0, at),
    nextInMs: nextInMs ?? null,
    durationMs: durationMs ?? null,
    cycleGapsMs: gapMs > 0 ? [...says.cycleGapsMs, gapMs].slice(-keptGaps) : says.cycleGapsMs,
    // Whatever it has announced before: it works again.
    quietUntilMs: 0,
    lastProgressMs: null,
    reconnects: 0,
    troubles,
    hasErredInCycle: false,
  };
}

/** Again and again the same symbol is no progress. */
function progressed(says: Says, before: SymbolSays, at: number): number | null {
  const visitedMs = Math.max(
    before.lastFetchMs ?? 0,
    before.lastFailureMs ?? 0,
    before.lastEmptyMs ?? 0,
  );
  const isNew = visitedMs <= (says.lastCycleMs ?? 0);
  return isNew ? Math.max(says.lastProgressMs ?? 0, at) : says.lastProgressMs;
}

function fetched(says: Says, symbol: string, price: number | undefined, at: number): Says {
  const before = symbolSays(says, symbol);
  const after: SymbolSays = {
    ...before,
    lastFetchMs: Math.max(before.lastFetchMs ?? 0, at),
    failingSinceMs: null,
    failures: 0,
    emptySinceMs: null,
    empties: 0,
    price: price ?? before.price,
  };
  return {
    ...withSymbol(says, after),
    lastProgressMs: progressed(says, before, at),
    reconnects: 0,
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
  const after: SymbolSays = {
    ...before,
    lastFailureMs: Math.max(before.lastFailureMs ?? 0, at),
    failingSinceMs: before.failingSinceMs ?? at,
    failures: before.failures + 1,
    errorClass: fact.errorClass,
    text: fact.text,
    code: fact.code ?? null,
    source: fact.source ?? null,
  };
  return { ...withSymbol(says, after), lastProgressMs: progressed(says, before, at) };
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
  const { symbol, signal, price } = fact;
  // A signal without a price was not made from data: "Signal=0, Price=$0.00, No data available".
  const base =
    price === undefined
      ? says
      : price > 0
        ? fetched(says, symbol, price, at)
        : signalledEmpty(says, symbol, at);
  return withSymbol(base, { ...symbolSays(base, symbol), signal });
}

function signalledEmpty(says: Says, symbol: string, at: number): Says {
  const before = symbolSays(says, symbol);
  const after: SymbolSays = {
    ...before,
    emptySinceMs: before.emptySinceMs ?? at,
    lastEmptyMs: Math.max(before.lastEmptyMs ?? 0, at),
    empties: before.empties + 1,
  };
  return { ...withSymbol(says, after), lastProgressMs: progressed(says, before, at) };
}

/**
 * What was said, judged by the market's hours: signals without data are failures while it is open,
 * and that no symbol has data is no failure while it is closed.
 */
export function seenBy(says: Says, market: MarketState | undefined): Says {
  if (market?.state === 'open') {
    return { ...says, symbols: mapped(says, emptyIsFailure) };
  }
  const traded = tradedSymbols(says);
  const isRest = traded.every((symbol) => symbol.failures > 0 && isNoData(symbol));
  return market?.state === 'closed' && isRest
    ? { ...says, symbols: mapped(says, withoutFailures) }
    : says;
}

function mapped(says: Says, change: (symbol: SymbolSays) => SymbolSays): Says['symbols'] {
  return new Map([...says.symbols].map(([name, symbol]) => [name, change(symbol)]));
}

/** Those that it was started with, else those that it speaks of. */
function tradedSymbols(says: Says): readonly SymbolSays[] {
  const names = says.configured.length > 0 ? says.configured : [...says.symbols.keys()];
  return names.map((symbol) => symbolSays(says, symbol));
}

function emptyIsFailure(symbol: SymbolSays): SymbolSays {
  return symbol.failures > 0 || symbol.empties < leastEmpties
    ? symbol
    : {
        ...symbol,
        lastFailureMs: symbol.lastEmptyMs,
        failingSinceMs: symbol.emptySinceMs,
        failures: symbol.empties,
        errorClass: 'NoData',
        text: 'a signal at the price of zero, which is made without data',
      };
}

function withoutFailures(symbol: SymbolSays): SymbolSays {
  return { ...symbol, failures: 0, failingSinceMs: null };
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
const maxKeyLength = 120;

function troubleKey(fact: OpenTrouble['fact']): string {
  switch (fact.kind) {
    case 'sign':
      return `sign/${fact.subject.kind}/${fact.subject.name ?? ''}/${fact.causes[0]?.id ?? ''}`;
    case 'error':
      // The same words with other numbers are the same error.
      return fact.source === undefined
        ? `error/${fact.text.replace(/\d+/g, '#').slice(0, maxKeyLength)}`
        : `error/${fact.source.file}:${fact.source.line}`;
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
  const expected = tradedSymbols(says);
  const failing = expected.filter((symbol) => symbol.failures > 0);
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

/** How many symbols fail now, of those that it trades. */
function failingOf({ configured, symbols }: Says): {
  readonly failing: number;
  readonly all: number;
} {
  return {
    failing: [...symbols.values()].filter(({ failures }) => failures > 0).length,
    all: new Set([...configured, ...symbols.keys()]).size,
  };
}

/**
 * What is wrong now, by the runner's own words: one finding per subject, none twice.
 * @param setup the system that the remedies are for
 * @param market the market of its symbols, now
 */
export function saysFindings(
  said: Says,
  setup: Setup = {},
  market?: MarketState,
): readonly Finding[] {
  const says = seenBy(said, market);
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
    const alone = [...says.symbols.values()].filter((symbol) => symbol.failures > 0);
    findings.push(...alone.map((symbol) => symbolFinding(symbol, setup)));
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
 * market is closed has not stalled.
 * @param startedAtMs when it was started; before it has spoken of its work, it may be starting yet
 */
export function saysWork(
  said: Says,
  now: number,
  market?: MarketState,
  startedAtMs = now,
): RunnerWork {
  const says = seenBy(said, market);
  const hasOutage = [...says.troubles.values()].some(isOutage);
  const due = workDue(says, market);
  if (due === undefined && !hasOutage) {
    return now - Math.max(startedAtMs, says.heardSinceMs) <= stallMs ? 'unknown' : 'silent';
  }
  const isLost = hasOutage || failingTogether(says).length > 0;
  const isOverdue = now > (due?.atMs ?? (says.lastWordMs ?? 0) + quietLimitMs);
  if (market?.state === 'closed' && (isOverdue || (!isLost && isResting(says, now)))) {
    return 'idle';
  }
  // While it says itself what fails, it fails; once its last word is old, it stands still.
  if (isOverdue && (!isLost || isHushed(says, now) || says.reconnects >= maxReconnects)) {
    return 'stalled';
  }
  const { failing, all } = failingOf(says);
  const hasWorked = says.lastFetchMs !== null || says.lastCycleMs !== null;
  if (isLost || 2 * failing > all || (!hasWorked && failing > 0)) {
    return 'failing';
  }
  return hasWorked ? 'working' : market?.state === 'closed' ? 'idle' : 'unknown';
}

/** Twice the longest time between two attempts of the trader's system (rule 8). */
function isHushed({ lastWordMs, quietUntilMs }: Says, now: number): boolean {
  return now > Math.max(lastWordMs ?? 0, quietUntilMs) + 2 * stallMs;
}

function isResting({ quietUntilMs }: Says, now: number): boolean {
  return quietUntilMs >= now;
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
