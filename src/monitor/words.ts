import type { Finding } from '../diagnostics/finding';
import type { Health } from '../diagnostics/status';
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

function openWords(state: MonitorState, endpoint: string): string {
  if (state.upstream === 'lost') {
    return `TWS at ${endpoint} has lost its connection to IBKR.`;
  }
  if (state.missedAnswers > 0) {
    return `TWS at ${endpoint} no longer answers.`;
  }
  if (state.brokenFarms.size > 0) {
    return `TWS at ${endpoint} answers; data farms are broken: ${[...state.brokenFarms].join(', ')}.`;
  }
  if (state.isDataInTrouble) {
    return `TWS at ${endpoint} answers, but gives no market data.`;
  }
  return `Connected to ${endpoint}; waiting for the first answer.`;
}
