import { isoTime } from '../core/clock';
import type { RequestFailure } from '../ibkr/marketData';
import { classify } from '../ibkr/messageCodes';
import type { CauseId } from './causeIds';
import type { Evidence, Finding, RankedCause } from './finding';
import { causesOfMessage, shorten } from './notices';
import { makeFinding } from './makeFinding';
import { type Outage, outageCauses } from './outage';

/** What came of asking for one symbol's data. */
export interface SymbolOutcome {
  readonly symbol: string;
  /** Undefined when data came. */
  readonly failure: RequestFailure | undefined;
}

/** What else is known about the session on which the symbols were asked. */
export interface DataContext {
  /** True while TWS still answers its server time: then the data path alone is silent. */
  readonly answersTime: boolean;
  /** Codes of TWS in force now (1100, 2105, 2157 …), newest last. */
  readonly activeCodes: readonly number[];
  /** The link to IBKR that TWS says is down, with the time that explains it. */
  readonly outage?: Outage | undefined;
  readonly nowMs: number;
}

/**
 * What the answers to data requests say. No answer for any symbol is one finding about the
 * connection; a code for one symbol is a finding about that symbol.
 */
export function dataFindings(
  outcomes: readonly SymbolOutcome[],
  context: DataContext,
): readonly Finding[] {
  const failed = outcomes.filter(({ failure }) => failure !== undefined);
  const isAllFailed = outcomes.length > 0 && failed.length === outcomes.length;
  if (isAllFailed && failed.every(({ failure }) => failure?.kind !== 'message')) {
    return present(silentData(failed, context));
  }
  if (isAllFailed && failed.length > 1 && failed.every((outcome) => codeOf(outcome) === 200)) {
    return present(allUnknown(failed, context));
  }
  if (isAllFailed && failed.every(isRefusedToSession)) {
    return present(refusedSession(failed, context));
  }
  return failed.flatMap((outcome) => present(symbolFinding(outcome, context)));
}

function present(finding: Finding | undefined): readonly Finding[] {
  return finding === undefined ? [] : [finding];
}

function codeOf({ failure }: SymbolOutcome): number | undefined {
  return failure?.kind === 'message' ? failure.code : undefined;
}

/** Every request stayed without an answer. */
function silentData(outcomes: readonly SymbolOutcome[], context: DataContext): Finding | undefined {
  const names = symbolList(outcomes);
  const isClosed = outcomes.some(({ failure }) => failure?.kind === 'closed');
  return makeFinding({
    subject: { kind: 'connection' },
    causes: silentCauses(context, isClosed),
    message: isClosed
      ? `The session ended before data came for ${names}.`
      : `No data request was answered: ${names}.`,
    nowMs: context.nowMs,
    layer: 'data',
    severity: 'error',
    evidence: outcomes.slice(0, 10).map((outcome) => evidenceOf(outcome, context.nowMs)),
  });
}

function silentCauses(context: DataContext, isClosed: boolean): readonly RankedCause[] {
  const code = context.activeCodes.findLast((active) => active in upstreamCauses);
  const upstream = code === undefined ? undefined : upstreamCauses[code];
  if (context.outage !== undefined && code === context.outage.message.code) {
    return outageCauses(context.outage).map((cause) => ({
      ...cause,
      confidence: Math.min(cause.confidence, 0.8),
      why: `${cause.why}, and nothing is answered since`,
    }));
  }
  if (code !== undefined && upstream !== undefined) {
    return [
      { id: upstream, confidence: 0.8, why: `TWS has sent ${code}, and nothing is answered since` },
      { id: 'hist_timeout', confidence: 0.1, why: 'no data request was answered' },
    ];
  }
  if (isClosed) {
    const why = 'the session ended while data was asked for';
    return [
      { id: 'tws_daily_restart_drop', confidence: 0.4, why },
      { id: 'half_open_zombie', confidence: 0.2, why },
    ];
  }
  return context.answersTime
    ? [
        {
          id: 'hist_timeout',
          confidence: 0.6,
          why: 'the session answers its server time, and no request for data',
        },
        { id: 'hmds_broken_2105', confidence: 0.15, why: 'the historical data farm may be away' },
        { id: 'upstream_lost_1100', confidence: 0.1, why: 'TWS may have lost IBKR' },
      ]
    : [
        {
          id: 'half_open_zombie',
          confidence: 0.4,
          why: 'neither data nor the server time is answered',
        },
        { id: 'gateway_frozen', confidence: 0.3, why: 'a frozen TWS answers nothing' },
        { id: 'hist_timeout', confidence: 0.15, why: 'no data request was answered' },
      ];
}

/** Codes that explain why no data comes at all. */
const upstreamCauses: Readonly<Record<number, CauseId>> = {
  1100: 'upstream_lost_1100',
  2110: 'tws_server_broken_2110',
  2105: 'hmds_broken_2105',
};

function allUnknown(outcomes: readonly SymbolOutcome[], context: DataContext): Finding | undefined {
  const isFarmAway = context.activeCodes.some((code) => [1100, 2110, 2157].includes(code));
  const why = 'every symbol is reported as unknown at once';
  return makeFinding({
    subject: { kind: 'connection' },
    causes: [
      { id: 'false_200_during_outage', confidence: isFarmAway ? 0.8 : 0.4, why },
      { id: 'no_secdef_200', confidence: isFarmAway ? 0.1 : 0.35, why },
      { id: 'secdef_broken_2157', confidence: isFarmAway ? 0.05 : 0.2, why },
    ],
    message: `TWS says that it knows none of ${symbolList(outcomes)} (message 200).`,
    nowMs: context.nowMs,
    layer: 'data',
    severity: 'error',
    evidence: outcomes.slice(0, 10).map((outcome) => evidenceOf(outcome, context.nowMs)),
  });
}

/** Causes that lie with the whole session, whatever symbol they are said about. */
const sessionCauses: ReadonlySet<CauseId> = new Set([
  'competing_session_10197',
  'different_ip_session',
]);

function isRefusedToSession({ failure }: SymbolOutcome): boolean {
  const [best] = failure?.kind === 'message' ? causesOfFailure(failure) : [];
  return best !== undefined && sessionCauses.has(best.id);
}

/** TWS answers and gives this session no data at all, because another one has it. */
function refusedSession(
  outcomes: readonly SymbolOutcome[],
  context: DataContext,
): Finding | undefined {
  const [failure] = outcomes.flatMap((outcome) =>
    outcome.failure?.kind === 'message' ? [outcome.failure] : [],
  );
  return failure === undefined
    ? undefined
    : makeFinding({
        subject: { kind: 'connection' },
        causes: causesOfFailure(failure),
        message: `TWS refuses all data (${symbolList(outcomes)}): ${failure.code} ${shorten(failure.text)}`,
        nowMs: context.nowMs,
        layer: 'data',
        severity: 'error',
        evidence: outcomes.slice(0, 10).map((outcome) => evidenceOf(outcome, context.nowMs)),
      });
}

/** One symbol failed: a matter of that symbol, a warning. Messages about the link stay its own. */
function symbolFinding(outcome: SymbolOutcome, context: DataContext): Finding | undefined {
  const { symbol, failure } = outcome;
  if (failure === undefined) {
    return undefined;
  }
  const isAboutLink =
    failure.kind === 'message' && ['upstream', 'connection'].includes(classify(failure.code).scope);
  return makeFinding({
    subject: isAboutLink ? { kind: 'connection' } : { kind: 'symbol', name: symbol },
    causes: causesOfFailure(failure),
    message:
      failure.kind === 'message'
        ? `TWS answered ${failure.code} for ${symbol}: ${shorten(failure.text)}`
        : `No data came for ${symbol}, while others were answered.`,
    nowMs: context.nowMs,
    layer: 'data',
    severity: isAboutLink ? 'error' : 'warning',
    evidence: [evidenceOf(outcome, context.nowMs)],
  });
}

function causesOfFailure(failure: RequestFailure): readonly RankedCause[] {
  if (failure.kind === 'message') {
    const causes = causesOfMessage(failure.code, failure.text);
    const guesses =
      causes.length > 0 ? causes : [{ id: 'validation_321', confidence: 0.4 } as const];
    return guesses.map((guess) => ({ ...guess, why: `TWS answered with message ${failure.code}` }));
  }
  const why = 'this symbol was not answered, others were';
  return [
    { id: 'hist_timeout', confidence: 0.5, why },
    { id: 'hist_no_data_162', confidence: 0.2, why },
  ];
}

function evidenceOf({ symbol, failure }: SymbolOutcome, nowMs: number): Evidence {
  const at = isoTime(nowMs);
  switch (failure?.kind) {
    case undefined:
      return { kind: 'answer', source: 'TWS', at, text: `${symbol}: data came` };
    case 'message':
      return {
        kind: 'notice',
        source: 'TWS',
        at,
        text: `${symbol}: ${failure.code} ${failure.text}`,
      };
    case 'timeout': {
      const text = `${symbol}: no answer within ${(failure.afterMs / 1000).toFixed(1)} s`;
      return { kind: 'timing', source: 'TWS', at, text };
    }
    case 'closed':
      return { kind: 'answer', source: 'TWS', at, text: `${symbol}: ${failure.why}` };
  }
}

/** At most five names, so that a message stays one sentence. */
function symbolList(outcomes: readonly SymbolOutcome[]): string {
  const names = outcomes.map(({ symbol }) => symbol);
  return names.length <= 5
    ? names.join(', ')
    : `${names.slice(0, 5).join(', ')} and ${names.length - 5} more`;
}
