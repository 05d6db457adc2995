import { isoTime } from '../core/clock';
import { catalogue } from '../diagnostics/catalogue';
import type { Setup } from '../diagnostics/cause';
import type { CauseId } from '../diagnostics/causeIds';
import type { Evidence, Finding, RankedCause } from '../diagnostics/finding';
import { causesOfMessage } from '../diagnostics/notices';
import { remedyFor } from '../diagnostics/remedy';
import { isNoData, isTimeout, type OpenTrouble, type SymbolSays } from './saysState';

type ErrorFact = Extract<OpenTrouble['fact'], { kind: 'error' }>;
type SignFact = Extract<OpenTrouble['fact'], { kind: 'sign' }>;
type MessageFact = Extract<OpenTrouble['fact'], { kind: 'tws message' }>;
type Times = Omit<OpenTrouble, 'fact'>;

/**
 * The runner's connection brings it nothing: every symbol failed, or it said that it could not
 * connect. Its words alone cannot tell the layers apart; Robo's own session does that.
 */
export function connectionFinding(
  failing: readonly SymbolSays[],
  trouble: OpenTrouble | undefined,
  { wasConnected, setup }: { readonly wasConnected: boolean; readonly setup: Setup },
): Finding {
  const firsts = failing.map((symbol) => symbol.failingSinceMs ?? Number.POSITIVE_INFINITY);
  const lasts = failing.map((symbol) => symbol.lastFailureMs ?? 0);
  const firstMs = Math.min(...firsts, trouble?.firstMs ?? Number.POSITIVE_INFINITY);
  const lastMs = Math.max(...lasts, trouble?.lastMs ?? 0);
  const causes = connectionCauses(failing, wasConnected);
  const failures = failing.reduce((sum, symbol) => sum + symbol.failures, 0);
  const isWorker = causes[0]?.id === 'worker_unresponsive';
  return {
    subject: { kind: isWorker ? 'runner' : 'connection' },
    severity: 'error',
    ...(isWorker ? {} : { layer: wasConnected ? 'data' : 'hello' }),
    causes,
    message: isWorker ? workerMessage(failing) : connectionMessage(failing, trouble),
    evidence: [
      ...(trouble === undefined ? [] : [lineEvidence(trouble.fact.text, trouble.lastMs)]),
      ...failing.slice(0, 3).map((symbol) => lineEvidence(symbol.text, symbol.lastFailureMs ?? 0)),
    ],
    ...guidance(causes, setup),
    firstAt: isoTime(firstMs),
    lastAt: isoTime(lastMs),
    count: failures + (trouble?.count ?? 0),
  };
}

function workerMessage(failing: readonly SymbolSays[]): string {
  return `The runner is connected, but no command to its worker process was answered (${failing.length} ${failing.length === 1 ? 'symbol' : 'symbols'}): the pipe between them may be stuck, or the data of TWS.`;
}

/** `Command timeout after 60.0s (get_historical_bars for SPY)`: a worker, not TWS, was asked. */
function isWorkerTimeout({ text }: SymbolSays): boolean {
  return /\bcommand timeout after\b/i.test(text);
}

function connectionMessage(
  failing: readonly SymbolSays[],
  trouble: OpenTrouble | undefined,
): string {
  const [first] = failing;
  if (first === undefined) {
    return `The runner has no connection to TWS; it says: ${trouble?.fact.text ?? ''}`;
  }
  const how = failing.every(isTimeout) ? 'timed out' : 'failed';
  return failing.length === 1
    ? `Every fetch of the runner ${how}: ${first.symbol} is its only symbol, so its connection is to blame, not the symbol.`
    : `Every fetch of the runner ${how}: all ${failing.length} symbols (${first.symbol} and others) since their last success, so its connection is to blame, not the symbols.`;
}

/** By what the same lines meant before (origin system, section 1.2). */
function connectionCauses(
  failing: readonly SymbolSays[],
  wasConnected: boolean,
): readonly RankedCause[] {
  const [code, ...otherCodes] = new Set(failing.map((symbol) => symbol.code));
  if (typeof code === 'number' && code !== 200 && otherCodes.length === 0) {
    const causes = messageCauses(code, failing[0]?.text ?? '');
    if (causes.length > 0) {
      return causes;
    }
  }
  if (wasConnected && failing.length > 0 && failing.every(isNoData)) {
    return [
      cause('hist_timeout', 0.3, 'Every symbol comes without data, in trading hours.'),
      cause('worker_unresponsive', 0.25, 'A stuck worker of the runner brings none for any.'),
      cause('upstream_lost_1100', 0.15, 'TWS without IBKR has none for any.'),
      cause('hmds_broken_2105', 0.1, 'The historical data farm alone can be away.'),
    ];
  }
  if (failing.length > 0 && !failing.every(isTimeout)) {
    return [
      cause('not_connected_504', 0.35, 'Every symbol failed at once, and not by silence.'),
      cause('secdef_broken_2157', 0.2, 'Contract lookup fails for good symbols too.'),
      cause('silent_handshake', 0.15, 'A session that was never ready fails every request.'),
    ];
  }
  if (wasConnected && failing.length > 0 && failing.every(isWorkerTimeout)) {
    return [
      cause('worker_unresponsive', 0.5, 'Connected, and every command to its worker timed out.'),
      cause('hist_timeout', 0.2, 'The worker may wait for data that TWS does not send.'),
      cause('upstream_lost_1100', 0.1, 'TWS without IBKR answers no data request.'),
    ];
  }
  if (wasConnected) {
    return [
      cause('hist_timeout', 0.35, 'Data came before, and no request is answered now.'),
      cause('upstream_lost_1100', 0.25, 'TWS without IBKR answers no data request.'),
      cause('half_open_zombie', 0.15, 'A connection whose other end is gone stays silent.'),
      cause('hmds_broken_2105', 0.1, 'The historical data farm alone can be away.'),
    ];
  }
  return [
    cause('silent_handshake', 0.5, 'No sign that the API was ever ready in this run.'),
    cause('hist_timeout', 0.2, 'The session may be ready and only data silent.'),
    cause('upstream_lost_1100', 0.1, 'TWS without IBKR answers no data request.'),
  ];
}

/** One symbol fails while others work, or nothing is known of others. */
export function symbolFinding(symbol: SymbolSays, setup: Setup): Finding {
  const byCode = symbol.code === null ? [] : messageCauses(symbol.code, symbol.text);
  const guessed = isTimeout(symbol)
    ? [cause('hist_timeout', 0.5, 'No answer for this symbol, while not every symbol fails.')]
    : isNoData(symbol)
      ? [
          cause('hist_no_data_162', 0.5, 'Others have data, and this symbol has none.'),
          cause('no_secdef_200', 0.2, 'A wrong ticker has none either.'),
        ]
      : [
          cause('no_secdef_200', 0.6, 'It was answered with an error, which a wrong ticker is.'),
          cause('hist_no_data_162', 0.15, 'A known symbol may have no data for the time asked.'),
        ];
  const causes = byCode.length === 0 ? guessed : byCode;
  const since = symbol.failures === 1 ? 'once' : `${symbol.failures} times`;
  return {
    subject: { kind: 'symbol', name: symbol.symbol },
    severity: 'warning',
    layer: 'data',
    causes,
    message: `The runner failed to fetch ${symbol.symbol} ${since} since its last success: ${symbol.text}`,
    evidence: [lineEvidence(symbol.text, symbol.lastFailureMs ?? 0)],
    ...guidance(causes, setup),
    firstAt: isoTime(symbol.failingSinceMs ?? 0),
    lastAt: isoTime(symbol.lastFailureMs ?? 0),
    count: symbol.failures,
    ...(symbol.source === null ? {} : { source: symbol.source }),
  };
}

/** A message of TWS that the runner printed and that belongs to no symbol. */
export function messageFinding(
  fact: MessageFact,
  times: Times,
  { kind, setup }: { readonly kind: 'connection' | 'runner'; readonly setup: Setup },
): Finding {
  const causes = messageCauses(fact.code, fact.text);
  const [best] = causes;
  return {
    subject: { kind },
    severity: best === undefined ? 'warning' : catalogue[best.id].severity,
    causes,
    message: `TWS told the runner ${fact.code}: ${fact.text}`,
    evidence: [{ ...lineEvidence(fact.text, times.lastMs), kind: 'notice' }],
    ...guidance(causes, setup),
    ...timesOf(times),
  };
}

function messageCauses(code: number, text: string): readonly RankedCause[] {
  return causesOfMessage(code, text).map(({ id, confidence }) =>
    cause(id, confidence, `TWS sent message ${code}.`),
  );
}

/** A line that named its causes itself. */
export function signFinding(fact: SignFact, times: Times, setup: Setup): Finding {
  const causes = fact.causes.map(({ id, confidence }) =>
    cause(id, confidence, 'The line of the runner says so.'),
  );
  const [best] = causes;
  return {
    subject: fact.subject,
    severity: best === undefined ? 'warning' : catalogue[best.id].severity,
    causes,
    message: `The runner printed: ${fact.text}`,
    evidence: [lineEvidence(fact.text, times.lastMs)],
    ...guidance(causes, setup),
    ...timesOf(times),
  };
}

/** An error in the program's own words, at its own line where it names one. */
export function errorFinding(fact: ErrorFact, times: Times, setup: Setup): Finding {
  const causes = [cause('runner_error', 0.7, 'The program reports it as an error of its own.')];
  return {
    subject: { kind: 'runner' },
    severity: 'error',
    causes,
    message: `The runner reports an error: ${fact.text}`,
    evidence: [lineEvidence(fact.text, times.lastMs)],
    ...guidance(causes, setup),
    ...timesOf(times),
    ...(fact.source === undefined ? {} : { source: fact.source }),
  };
}

function cause(id: CauseId, confidence: number, why: string): RankedCause {
  return { id, confidence, why };
}

function guidance(causes: readonly RankedCause[], setup: Setup): Pick<Finding, 'remedy' | 'guide'> {
  const guide = causes[0]?.id ?? 'runner_error';
  return { remedy: remedyFor(guide, setup), guide };
}

function timesOf(times: Times): Pick<Finding, 'firstAt' | 'lastAt' | 'count'> {
  return { firstAt: isoTime(times.firstMs), lastAt: isoTime(times.lastMs), count: times.count };
}

/** A line of the runner's as evidence. */
function lineEvidence(text: string, atMs: number): Evidence {
  return { kind: 'log', source: 'runner.log', at: isoTime(atMs), text };
}
