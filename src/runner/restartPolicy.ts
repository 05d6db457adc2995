import { isoTime } from '../core/clock';
import type { RestartStatus } from '../diagnostics/status';
import type { Mode } from '../ibkr/endpoint';
import { type Fall, fallsAfter, fallsOfLoop } from './crashLoop';
import { type RunEnd, readRunEnd } from './runEnd';

/** When a runner that ended by itself may be started again (law 10). Times in milliseconds. */
export interface RestartSettings {
  /** A run that lived so long and worked has come up (origin system, section 4.7). */
  readonly verifyMs: number;
  /** The first delay; each automatic start within the window makes the next one longer. */
  readonly firstDelayMs: number;
  readonly delayFactor: number;
  readonly longestDelayMs: number;
  /** Share of a delay that chance may add; it never shortens one. */
  readonly jitter: number;
  /** Automatic starts within the window, whatever became of them. */
  readonly budget: number;
  readonly windowMs: number;
  /** Runs in a row that did not come up; then a person is called (origin system, rule 20). */
  readonly failuresBeforeCall: number;
  /** Between two questions to a gate that is shut; doubles up to the longest delay. */
  readonly gateMs: number;
}

/** Six starts in six hours bound a night to six, or to one an hour where each of them works. */
export const defaultRestartSettings: RestartSettings = {
  verifyMs: 30_000,
  firstDelayMs: 10_000,
  delayFactor: 3,
  longestDelayMs: 300_000,
  jitter: 0.2,
  budget: 6,
  windowMs: 6 * 3_600_000,
  failuresBeforeCall: 3,
  gateMs: 60_000,
};

interface RestartHistory {
  /** Automatic starts within the window, oldest first; milliseconds since the epoch. */
  readonly starts: readonly number[];
  /** Runs in a row that ended before they had come up. */
  readonly failures: number;
  readonly falls: readonly Fall[];
}

export type RestartPlan =
  | { readonly kind: 'none' }
  /** The next start is due then. */
  | { readonly kind: 'due'; readonly atMs: number; readonly withoutThisEnd: RestartHistory }
  /** The gate is shut: asked again then at the soonest. */
  | { readonly kind: 'gate'; readonly atMs: number; readonly asked: number };

/** What is known and planned about the restarts of one workspace's runner; a value. */
export interface RestartState extends RestartHistory {
  readonly plan: RestartPlan;
  readonly isPersonCalled: boolean;
  /** What was decided last, in one sentence; empty while nothing had to be. */
  readonly decision: string;
}

export const noRestarts: RestartState = {
  starts: [],
  failures: 0,
  falls: [],
  plan: { kind: 'none' },
  isPersonCalled: false,
  decision: '',
};

/** Whether restarts are automatic now. */
export interface RestartSwitch {
  /** What the start asked for; undefined leaves it to the mode. */
  readonly asked: boolean | undefined;
  /** Undefined where nobody knows, which counts as live. */
  readonly mode: Mode | undefined;
  /** The runner was started by an earlier monitor, which alone knew its environment. */
  readonly isAdopted: boolean;
}

export type RestartEvent =
  | { readonly kind: 'started by a person' }
  | { readonly kind: 'stopped by a person' }
  | {
      readonly kind: 'ended';
      readonly end: RunEnd;
      /** False while the session with TWS is not ready: then the end is the outage's. */
      readonly isConnected: boolean;
    }
  | { readonly kind: 'gate shut'; readonly why: string }
  | { readonly kind: 'started by itself' }
  /** It runs already, the start failed for good, or the switch is off by now. */
  | { readonly kind: 'given up'; readonly why: string; readonly isPersonNeeded: boolean }
  /** It lives past the verification time and works. */
  | { readonly kind: 'came up' };

export interface RestartContext {
  readonly settings: RestartSettings;
  readonly switch: RestartSwitch;
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
  /** From 0 to 1. */
  readonly random: number;
}

/** The policy: from what happened to what is planned, and why. */
export function reduceRestart(
  state: RestartState,
  event: RestartEvent,
  context: RestartContext,
): RestartState {
  switch (event.kind) {
    case 'started by a person':
      return noRestarts;
    case 'stopped by a person':
      return {
        ...noRestarts,
        decision:
          state.plan.kind === 'none'
            ? 'It was stopped on request, which is no crash.'
            : 'It had ended by itself; its next start was called off on request.',
      };
    case 'ended':
      return ended(state, event.end, event.isConnected, context);
    case 'gate shut':
      return gateShut(state, event.why, context);
    case 'started by itself': {
      const starts = [...recent(state.starts, context), context.nowMs];
      const decision = `It was started again at ${isoTime(context.nowMs)}. ${state.decision}`;
      return { ...state, starts, decision, plan: { kind: 'none' } };
    }
    case 'given up':
      return call(state, event.why, event.isPersonNeeded);
    case 'came up':
      return {
        ...state,
        failures: 0,
        decision: `It came up again at ${isoTime(context.nowMs)}, and works.`,
      };
    default:
      return event satisfies never;
  }
}

/** Whether restarts are automatic, and the rule behind it. */
export function restartSwitch({ asked, mode, isAdopted }: RestartSwitch): {
  readonly isAutomatic: boolean;
  readonly why: string;
} {
  if (isAdopted) {
    return {
      isAutomatic: false,
      why: 'An earlier monitor started it: how it ends cannot be seen, and its environment is not known, so it is not started again until you start it once.',
    };
  }
  if (asked !== undefined) {
    return {
      isAutomatic: asked,
      why: asked ? 'Automatic restart was switched on.' : 'Automatic restart was switched off.',
    };
  }
  return mode === 'paper'
    ? { isAutomatic: true, why: 'Automatic restart is on for paper accounts.' }
    : {
        isAutomatic: false,
        why:
          mode === 'live'
            ? 'Automatic restart is off for live accounts unless you switch it on.'
            : 'Whether the account is paper is not known, which counts as live: automatic restart is off unless you switch it on.',
      };
}

/** The policy's state as others see it. */
export function restartStatus(state: RestartState, context: RestartContext): RestartStatus {
  const { isAutomatic, why } = restartSwitch(context.switch);
  const { plan, decision } = state;
  return {
    isAutomatic,
    why: decision === '' ? why : `${decision} ${why}`,
    nextAt: plan.kind === 'none' ? null : isoTime(plan.atMs),
    restarts: recent(state.starts, context).length,
    isPersonCalled: state.isPersonCalled,
  };
}

function ended(
  state: RestartState,
  end: RunEnd,
  isConnected: boolean,
  context: RestartContext,
): RestartState {
  const { settings, nowMs } = context;
  if (end.how === 'asked') {
    return reduceRestart(state, { kind: 'stopped by a person' }, context);
  }
  const { isAutomatic } = restartSwitch(context.switch);
  const reading = readRunEnd(end);
  if (!reading.mayRestart || !isAutomatic) {
    return call(state, `It is not started again: ${reading.why}.`, isAutomatic);
  }
  const withoutThisEnd: RestartHistory = {
    starts: recent(state.starts, context),
    failures: state.failures,
    falls: state.falls,
  };
  const history = isConnected ? withEnd(withoutThisEnd, end, settings) : withoutThisEnd;
  const tooMany = tooManyWhy(history, settings);
  if (tooMany !== undefined) {
    return call({ ...state, ...history }, `It is not started again: ${tooMany}.`, true);
  }
  const atMs = nowMs + delayMs(history.starts.length, context);
  return {
    ...state,
    ...history,
    plan: { kind: 'due', atMs, withoutThisEnd },
    decision: `It is to be started again at ${isoTime(atMs)}: ${reading.why}.`,
  };
}

function withEnd(history: RestartHistory, end: RunEnd, settings: RestartSettings): RestartHistory {
  const cameUp = end.hasWorked && end.livedMs >= settings.verifyMs;
  return {
    ...history,
    failures: cameUp ? 0 : history.failures + 1,
    falls: fallsAfter(history.falls, end, end.atMs - end.livedMs),
  };
}

function tooManyWhy(
  { starts, failures, falls }: RestartHistory,
  settings: RestartSettings,
): string | undefined {
  if (failures >= settings.failuresBeforeCall) {
    return `${failures} runs in a row ended before they had come up; mend what their last lines name, then start it`;
  }
  if (falls.length >= fallsOfLoop) {
    return `${falls.length} runs ended soon after their start; mend what their last lines name, then start it`;
  }
  return starts.length >= settings.budget
    ? `it was already started ${starts.length} times by itself within ${settings.windowMs / 3_600_000} hours; look why it does not stay, then start it`
    : undefined;
}

/** A gate that is shut shows that the connection ended it: that end counts for nothing. */
function gateShut(state: RestartState, why: string, context: RestartContext): RestartState {
  const { plan } = state;
  if (plan.kind === 'none') {
    return state;
  }
  const history = plan.kind === 'due' ? plan.withoutThisEnd : {};
  const asked = plan.kind === 'gate' ? plan.asked + 1 : 1;
  const { gateMs, longestDelayMs } = context.settings;
  const atMs = context.nowMs + Math.min(gateMs * 2 ** (asked - 1), longestDelayMs);
  return {
    ...state,
    ...history,
    plan: { kind: 'gate', atMs, asked },
    decision: `It is started again as soon as the gate opens: ${why}`,
  };
}

function call(state: RestartState, decision: string, isPersonCalled: boolean): RestartState {
  return { ...state, plan: { kind: 'none' }, isPersonCalled, decision };
}

function recent(starts: readonly number[], { settings, nowMs }: RestartContext): readonly number[] {
  return starts.filter((atMs) => nowMs - atMs < settings.windowMs);
}

function delayMs(startsBefore: number, { settings, random }: RestartContext): number {
  const { firstDelayMs, delayFactor, longestDelayMs, jitter } = settings;
  const plain = Math.min(firstDelayMs * delayFactor ** startsBefore, longestDelayMs);
  return Math.round(plain * (1 + jitter * random));
}
