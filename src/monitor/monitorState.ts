import type { Health } from '../diagnostics/status';
import type { ConnectionEnd, ConnectionStage } from '../ibkr/connection';
import type { FarmState } from '../ibkr/messageCodes';
import { backoffMs, dialPolicy } from './dialPolicy';
import type { MonitorTimings } from './timings';

/** The way from TWS to IBKR, from TWS's own messages. `restored` waits for a verification (law 6). */
export type Upstream = 'ok' | 'lost' | 'restored';

type HandshakeStage = 'tcp' | 'hello' | 'ready';

export type WaitReason = 'no listener' | 'backing off' | 'for a change';

export type Phase =
  /** Nobody asked us to watch yet. */
  | { readonly kind: 'idle' }
  /** No connection; the next step is a look at the listeners, then perhaps a dial. */
  | {
      readonly kind: 'waiting';
      readonly why: WaitReason;
      /** By the wall clock, for people to read. */
      readonly untilMs: number;
      /** The same moment by the monotonic clock, which no one sets. */
      readonly untilMonotonicMs: number;
    }
  | { readonly kind: 'dialling'; readonly stage: HandshakeStage }
  /** The verdict is given; the socket is kept, so that a click in TWS heals it. */
  | { readonly kind: 'held'; readonly stage: HandshakeStage; readonly sinceMs: number }
  | {
      readonly kind: 'open';
      /** By the monotonic clock. */
      readonly sinceMonotonicMs: number;
      /** True once a question was answered on this connection (law 6). */
      readonly isVerified: boolean;
    };

export interface MonitorState {
  readonly phase: Phase;
  /** Connections in a row that ended before they were of use. */
  readonly failures: number;
  /** How the last connection ended, until one is of use again. */
  readonly lastEnd: ConnectionEnd | undefined;
  /** Socket ids of the listeners at the last failure: another set is a change (law 3). */
  readonly failedListeners: readonly string[] | undefined;
  readonly lastAnswerAtMs: number | undefined;
  /** Server-time questions in a row without an answer. */
  readonly missedAnswers: number;
  readonly upstream: Upstream;
  /** Farms that TWS reported broken and not yet well again; their kind where they have no name. */
  readonly brokenFarms: ReadonlySet<string>;
  /** Data was asked for and did not come, or TWS said that none will (10197); until some has come. */
  readonly isDataInTrouble: boolean;
  readonly connectionsOpened: number;
}

export const initialState: MonitorState = {
  phase: { kind: 'idle' },
  failures: 0,
  lastEnd: undefined,
  failedListeners: undefined,
  lastAnswerAtMs: undefined,
  missedAnswers: 0,
  upstream: 'ok',
  brokenFarms: new Set(),
  isDataInTrouble: false,
  connectionsOpened: 0,
};

/** What the machine says of the listeners; undefined ids: it could not be asked. */
export interface ListenerLook {
  readonly socketIds: readonly string[] | undefined;
  /** True where a change of TWS shows in our tables: a TWS of this machine, not a proxy's far end. */
  readonly isChangeVisible: boolean;
}

export type MonitorEvent =
  /** Start watching, or the user's *Reconnect now*: skips waiting, never the laws. */
  | { readonly kind: 'asked' }
  | { readonly kind: 'looked'; readonly look: ListenerLook }
  | { readonly kind: 'wait over' }
  | { readonly kind: 'stage'; readonly stage: ConnectionStage }
  | { readonly kind: 'verdict due' }
  | { readonly kind: 'ended'; readonly end: ConnectionEnd; readonly look: ListenerLook }
  | { readonly kind: 'answered'; readonly atMs: number }
  | { readonly kind: 'missed' }
  | { readonly kind: 'liveness due' }
  | { readonly kind: 'data checked'; readonly isDelivered: boolean }
  | { readonly kind: 'message'; readonly code: number; readonly farms: readonly FarmState[] };

export type MonitorEffect =
  | { readonly kind: 'look' }
  | { readonly kind: 'dial' }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'stop waiting' }
  | { readonly kind: 'start verdict timer' }
  | { readonly kind: 'stop verdict timer' }
  | { readonly kind: 'ask time' }
  /** Asks for data again, so that the end of the trouble is seen without the user. */
  | { readonly kind: 'check data' }
  | { readonly kind: 'schedule liveness'; readonly ms: number }
  | { readonly kind: 'stop liveness' };

export interface Step {
  readonly state: MonitorState;
  readonly effects: readonly MonitorEffect[];
}

export interface StepContext {
  readonly nowMs: number;
  readonly monotonicMs: number;
  readonly timings: MonitorTimings;
  /** In [0, 1): the jitter of this step. */
  readonly random: number;
}

/** One step of the monitor: no I/O, no clock, no chance of its own. */
export function reduce(state: MonitorState, event: MonitorEvent, context: StepContext): Step {
  switch (event.kind) {
    case 'asked':
      return onAsked(state);
    case 'looked':
      return onLooked(state, event.look, context);
    case 'wait over':
      return state.phase.kind === 'waiting' ? { state, effects: [{ kind: 'look' }] } : same(state);
    case 'stage':
      return onStage(state, event.stage, context);
    case 'verdict due':
      return onVerdictDue(state, context);
    case 'ended':
      return onEnded(state, event.end, event.look, context);
    case 'answered':
      return onAnswered(state, event.atMs, context);
    case 'missed':
      return onMissed(state, context);
    case 'liveness due':
      return state.phase.kind === 'open' ? { state, effects: [{ kind: 'ask time' }] } : same(state);
    case 'data checked':
      return same({ ...state, isDataInTrouble: !event.isDelivered });
    case 'message':
      return onMessage(state, event.code, event.farms);
  }
}

function same(state: MonitorState): Step {
  return { state, effects: [] };
}

function onAsked(state: MonitorState): Step {
  switch (state.phase.kind) {
    case 'idle':
      return { state, effects: [{ kind: 'look' }] };
    case 'waiting':
      // A fresh budget: the user may know of a change that no table shows.
      return {
        state: { ...state, failures: 0, failedListeners: undefined },
        effects: [{ kind: 'stop waiting' }, { kind: 'look' }],
      };
    case 'open':
      return { state, effects: [{ kind: 'ask time' }] };
    case 'dialling':
    case 'held':
      // The socket is held on purpose; a second one would only add to the trouble.
      return same(state);
  }
}

function onLooked(state: MonitorState, look: ListenerLook, context: StepContext): Step {
  const { phase, failedListeners } = state;
  if (phase.kind !== 'idle' && phase.kind !== 'waiting') {
    return same(state);
  }
  if (look.socketIds?.length === 0) {
    if (phase.kind === 'waiting' && phase.why === 'no listener') {
      // Nothing has changed, so the state stays the same: this look comes every second.
      return { state, effects: [{ kind: 'wait', ms: context.timings.listenerLookMs }] };
    }
    return wait(state, 'no listener', context.timings.listenerLookMs, context);
  }
  const isNewListener =
    failedListeners !== undefined &&
    (look.socketIds ?? []).some((id) => !failedListeners.includes(id));
  if (state.failures === 0 || isNewListener) {
    return dial({ ...state, failures: 0 });
  }
  if (phase.kind === 'idle' || phase.why === 'no listener') {
    return dial(state);
  }
  const leftMs = phase.untilMonotonicMs - context.monotonicMs;
  const canSeeChange = phase.why === 'for a change' && look.socketIds !== undefined;
  if (leftMs <= 0 && !canSeeChange) {
    return dial(state);
  }
  // Look again before the time is up, in case TWS is started anew meanwhile.
  const { listenerLookMs } = context.timings;
  const ms = leftMs > 0 ? Math.min(leftMs, listenerLookMs) : listenerLookMs;
  return { state, effects: [{ kind: 'wait', ms }] };
}

function dial(state: MonitorState): Step {
  return {
    state: {
      ...state,
      phase: { kind: 'dialling', stage: 'tcp' },
      connectionsOpened: state.connectionsOpened + 1,
      upstream: 'ok',
      brokenFarms: new Set(),
      missedAnswers: 0,
    },
    effects: [{ kind: 'dial' }, { kind: 'start verdict timer' }],
  };
}

function wait(state: MonitorState, why: WaitReason, ms: number, context: StepContext): Step {
  const phase: Phase = {
    kind: 'waiting',
    why,
    untilMs: context.nowMs + ms,
    untilMonotonicMs: context.monotonicMs + ms,
  };
  return {
    state: { ...state, phase },
    effects: [{ kind: 'wait', ms: Math.min(ms, context.timings.listenerLookMs) }],
  };
}

function onStage(state: MonitorState, stage: ConnectionStage, context: StepContext): Step {
  const { phase } = state;
  if ((phase.kind !== 'dialling' && phase.kind !== 'held') || stage === 'ended') {
    return same(state);
  }
  if (stage === 'open') {
    // Not healthy yet: ready means ready, and that is an answered question (law 6).
    return {
      state: {
        ...state,
        phase: { kind: 'open', sinceMonotonicMs: context.monotonicMs, isVerified: false },
        missedAnswers: 0,
      },
      effects: [{ kind: 'stop verdict timer' }, { kind: 'ask time' }],
    };
  }
  return stage === phase.stage
    ? same(state)
    : {
        state: { ...state, phase: { kind: 'dialling', stage } },
        effects: [{ kind: 'start verdict timer' }],
      };
}

function onVerdictDue(state: MonitorState, context: StepContext): Step {
  return state.phase.kind === 'dialling'
    ? same({
        ...state,
        phase: { kind: 'held', stage: state.phase.stage, sinceMs: context.nowMs },
      })
    : same(state);
}

function onEnded(
  state: MonitorState,
  end: ConnectionEnd,
  look: ListenerLook,
  context: StepContext,
): Step {
  const wasOpenMs =
    state.phase.kind === 'open' ? context.monotonicMs - state.phase.sinceMonotonicMs : 0;
  const failures = (wasOpenMs >= dialPolicy.stableMs ? 0 : state.failures) + 1;
  const ended: MonitorState = {
    ...state,
    failures,
    lastEnd: end,
    failedListeners: look.socketIds,
    upstream: 'ok',
    brokenFarms: new Set(),
  };
  const clean: readonly MonitorEffect[] = [
    { kind: 'stop verdict timer' },
    { kind: 'stop liveness' },
  ];
  if (end.kind === 'by us') {
    return { state: { ...ended, phase: { kind: 'idle' }, failures: 0 }, effects: clean };
  }
  // A stranger on the port does not turn into TWS by being asked again.
  const isStranger = end.kind === 'not tws' || end.kind === 'unsupported version';
  const isSpent = failures >= dialPolicy.freeAttempts || isStranger;
  // Who accepts and then closes is cured by a setting, a dialog or a freed client id, and no
  // table shows that: there the slow dial goes on (law 3, "where that cannot be seen").
  const isCureVisible = look.isChangeVisible && end.kind !== 'fin' && end.kind !== 'reset';
  const next =
    isSpent && isCureVisible
      ? wait(ended, 'for a change', dialPolicy.slowDialMs, context)
      : wait(
          ended,
          'backing off',
          isSpent ? dialPolicy.slowDialMs : backoffMs(failures, context.random),
          context,
        );
  return { state: next.state, effects: [...clean, ...next.effects] };
}

function onAnswered(state: MonitorState, atMs: number, context: StepContext): Step {
  if (state.phase.kind !== 'open') {
    return same(state);
  }
  const { livenessIntervalMs } = context.timings;
  const openForMs = context.monotonicMs - state.phase.sinceMonotonicMs;
  return {
    state: {
      ...state,
      phase: { ...state.phase, isVerified: true },
      lastAnswerAtMs: atMs,
      missedAnswers: 0,
      // A TWS that answers once and drops us, again and again, is no success.
      failures: openForMs >= dialPolicy.stableMs ? 0 : state.failures,
      lastEnd: undefined,
      failedListeners: undefined,
      upstream: state.upstream === 'restored' ? 'ok' : state.upstream,
    },
    // Jitter only shortens, so that the promised detection time holds.
    effects: [
      {
        kind: 'schedule liveness',
        ms: Math.round(livenessIntervalMs * (1 - 0.2 * context.random)),
      },
      ...(state.isDataInTrouble ? [{ kind: 'check data' } as const] : []),
    ],
  };
}

function onMissed(state: MonitorState, context: StepContext): Step {
  if (state.phase.kind !== 'open') {
    return same(state);
  }
  const missedAnswers = state.missedAnswers + 1;
  // One retry at once; after that it is down, and asked at the usual pace. The socket is kept:
  // a TWS that was only stopped answers on it when it goes on.
  return {
    state: { ...state, missedAnswers },
    effects:
      missedAnswers < 2
        ? [{ kind: 'ask time' }]
        : [{ kind: 'schedule liveness', ms: context.timings.livenessIntervalMs }],
  };
}

function onMessage(state: MonitorState, code: number, farms: readonly FarmState[]): Step {
  const verify: readonly MonitorEffect[] =
    state.phase.kind === 'open' ? [{ kind: 'ask time' }] : [];
  const brokenFarms = brokenAfter(state.brokenFarms, farms);
  switch (code) {
    case 1100:
    case 2110:
      return same({ ...state, upstream: 'lost' });
    case 1101:
    case 1102:
      // 1102 may name farms that did not come back with the rest.
      return { state: { ...state, upstream: 'restored', brokenFarms }, effects: verify };
    case 2103:
    case 2105:
    case 2157:
      return { state: { ...state, brokenFarms }, effects: verify };
    case 2104:
    case 2106:
    case 2107:
    case 2108:
    case 2158:
      return same({ ...state, brokenFarms });
    case 10197:
      return same({ ...state, isDataInTrouble: true });
    case 504:
    case 1300:
    case 2119:
      return { state, effects: verify };
    default:
      return same(state);
  }
}

/** The broken farms after TWS has spoken of some; one that only connects is not yet well. */
function brokenAfter(
  broken: ReadonlySet<string>,
  farms: readonly FarmState[],
): ReadonlySet<string> {
  const after = new Set(broken);
  for (const { farm, kind, state } of farms) {
    const name = farm === '' ? kind : farm;
    if (state === 'broken') {
      after.add(name);
    } else if (state !== 'connecting') {
      after.delete(name);
    }
  }
  return after;
}

/** Health follows from the state; it is stored nowhere. */
export function deriveHealth(state: MonitorState): Health {
  switch (state.phase.kind) {
    case 'idle':
      return 'unknown';
    case 'waiting':
    case 'held':
      return 'down';
    case 'dialling':
      return state.failures > 0 ? 'down' : 'connecting';
    case 'open':
      return openHealth(state, state.phase.isVerified);
  }
}

function openHealth(state: MonitorState, isVerified: boolean): Health {
  if (state.missedAnswers >= 2 || state.upstream === 'lost') {
    return 'down';
  }
  if (!isVerified) {
    return state.failures > 0 ? 'down' : 'connecting';
  }
  return state.upstream === 'restored' ||
    state.missedAnswers > 0 ||
    state.brokenFarms.size > 0 ||
    state.isDataInTrouble
    ? 'degraded'
    : 'healthy';
}
