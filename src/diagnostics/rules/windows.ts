import type { ResetWindow } from '../../ibkr/resetWindows';
import type { ConnectionFacts } from '../connectionFacts';
import type { Adjustment } from '../ranking';
import { phaseOf } from '../outage';
import { plannedStages } from '../situation';
import { type ConnectionRule, isClosed } from './rule';

function isInterrupted(facts: ConnectionFacts): boolean {
  return facts.stage === 'not tried' ? isClosed(facts) : plannedStages.includes(facts.stage);
}

/** The trouble lies in a planned interruption: then it is the likeliest reason. */
const insideWindow: ConnectionRule = {
  name: 'inside a reset window',
  judge: (facts) => {
    if (!isInterrupted(facts)) {
      return [];
    }
    const { nowMs, troubleSinceMs } = facts.situation;
    return facts.windows
      .filter((window) => phaseOf(window, { nowMs, sinceMs: troubleSinceMs }) === 'inside')
      .flatMap((window) => liftedBy(window, facts));
  },
};

function liftedBy(window: ResetWindow, facts: ConnectionFacts): readonly Adjustment[] {
  const isGone = isClosed(facts);
  const hadWorked = workedUntil(window, facts);
  const why = `it is the time of ${window.name}${hadWorked ? ', and it had worked before' : ''}`;
  switch (window.kind) {
    case 'daily restart':
      // A port that was closed all along is not closed by the restart.
      return [{ cause: 'tws_daily_restart_drop', add: !isGone ? 6 : hadWorked ? 12 : 1, why }];
    case 'weekly login': {
      // A TWS that listens has its login behind it, whatever day it is.
      const add = hadWorked ? 14 : isWithoutPort(facts) ? 6.5 : 0.5;
      return isGone ? [{ cause: 'weekly_2fa_reauth', add, why }] : [];
    }
    case 'server reset':
    case 'weekend maintenance':
      return isGone ? [] : [{ cause: 'nightly_reset', add: 3, why }];
  }
}

/** A TWS runs, and nobody listens on our port or a usual one: it may stand at its login. */
function isWithoutPort({ twsProcesses, listeners, otherPorts }: ConnectionFacts): boolean {
  const isRunning = twsProcesses?.some(({ product }) => product !== 'simulator') ?? false;
  return isRunning && listeners?.length === 0 && otherPorts?.length === 0;
}

/** How long before a window a session may have been verified last, to have worked until then. */
const untilThenMs = 6 * 24 * 3_600_000;

function workedUntil({ fromMs }: ResetWindow, { situation }: ConnectionFacts): boolean {
  const { lastReadyAtMs } = situation;
  return lastReadyAtMs !== undefined && lastReadyAtMs > fromMs - untilThenMs;
}

/** It began in a planned interruption and is still there after its end. */
const outlivedWindow: ConnectionRule = {
  name: 'outlived window',
  judge: (facts) => {
    if (!isInterrupted(facts)) {
      return [];
    }
    const { nowMs, troubleSinceMs } = facts.situation;
    const outlived = facts.windows.find(
      (window) =>
        window.kind !== 'weekly login' &&
        phaseOf(window, { nowMs, sinceMs: troubleSinceMs }) === 'outlived',
    );
    const why = `it began in ${outlived?.name ?? 'a reset'}, which is over`;
    return outlived === undefined
      ? []
      : [
          { cause: 'outage_outlives_reset_window', add: 8, why },
          { cause: 'tws_daily_restart_drop', times: 0.3, why },
        ];
  },
};

/** Time as evidence. */
export const windowRules: readonly ConnectionRule[] = [insideWindow, outlivedWindow];
