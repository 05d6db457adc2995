import { timeInWords } from '../core/clock';
import type { Finding } from '../diagnostics/finding';
import type { Health } from '../diagnostics/status';
import { brokenFarms } from './farms';
import type { HealthJudgement } from './health';
import type { MonitorState } from './monitorState';

/** The state in one sentence: the finding's own where there is one, else what is going on. */
export function explain(
  state: MonitorState,
  health: Health,
  endpoint: string,
  finding: Finding | undefined,
): string {
  if (health === 'healthy') {
    return `Connected to ${endpoint}; TWS answers.`;
  }
  if (finding !== undefined) {
    return finding.message;
  }
  switch (state.phase.kind) {
    case 'idle':
      return `Not watching ${endpoint} yet.`;
    case 'waiting':
      return state.phase.why === 'no listener'
        ? `Nobody listens at ${endpoint}.`
        : `The connection to ${endpoint} ended.`;
    case 'dialling':
      return `Connecting to ${endpoint}.`;
    case 'held':
      return `${endpoint} accepts connections and does not answer.`;
    case 'open':
      return openWords(state, endpoint);
  }
}

/** Why the health has become what it is, in one sentence; without findings, which come later. */
export function explainChange(
  state: MonitorState,
  judgement: HealthJudgement,
  endpoint: string,
): string {
  const { health } = judgement;
  const words = explain(state, health, endpoint, undefined);
  if (health === 'healthy' && state.restoredBy !== undefined) {
    const kept =
      state.restoredBy === 1101
        ? 'subscriptions were lost with the link to IBKR (1101), programs must subscribe again'
        : 'subscriptions were kept (1102)';
    return joined(words, kept);
  }
  return inItsTime(words, judgement);
}

/** The same words with what the time of day has to do with it. */
export function inItsTime(words: string, { expectation, outlived }: HealthJudgement): string {
  if (expectation !== undefined) {
    const { window, untilMs } = expectation;
    return joined(
      words,
      `it is the time of ${window.name}, expected until ${timeInWords(untilMs)}`,
    );
  }
  return outlived === undefined
    ? words
    : joined(words, `it began in ${outlived.name} and has outlived it`);
}

function joined(words: string, more: string): string {
  return `${words.replace(/[.\s]+$/, '')}; ${more}.`;
}

function openWords(state: MonitorState, endpoint: string): string {
  if (state.upstream === 'lost') {
    return `TWS at ${endpoint} has lost its connection to IBKR.`;
  }
  if (state.missedAnswers > 0) {
    return state.unreadBytes > 0
      ? `TWS at ${endpoint} no longer answers and no longer reads: ${state.unreadBytes} bytes wait for it.`
      : `TWS at ${endpoint} no longer answers.`;
  }
  if (state.upstream === 'restored') {
    const lost = state.restoredBy === 1101 ? ', without the subscriptions of before (1101)' : '';
    return `TWS at ${endpoint} has its connection to IBKR again${lost}; it is being verified.`;
  }
  if (state.isOtherLogin) {
    return `TWS at ${endpoint} answers, with a live account where a paper one is meant.`;
  }
  if (state.movedTo !== undefined) {
    return `TWS has moved from ${endpoint} to port ${state.movedTo}; Robo watches it there, and programs that use the old port get no connection.`;
  }
  const broken = brokenFarms(state.farms);
  if (broken.length > 0) {
    return `TWS at ${endpoint} answers; data farms are broken: ${broken.join(', ')}.`;
  }
  if (state.isDataInTrouble) {
    return `TWS at ${endpoint} answers, but gives no market data.`;
  }
  return `Connected to ${endpoint}; waiting for the first answer.`;
}
