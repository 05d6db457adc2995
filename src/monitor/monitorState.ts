import type { Health } from '../diagnostics/status';
import type { ConnectionEnd, ConnectionStage } from '../ibkr/connection';
import type { FarmState } from '../ibkr/messageCodes';
import { showsReturn } from './activeMessages';
import type { DialAdvice } from './dialAdvice';
import { budgetDelayMs, withDial, withGrace } from './dialBudget';
import { backoffMs, dialPolicy, slowDialMs } from './dialPolicy';
import { brokenFarms, type Farms, farmsAfter } from './farms';
import type { MonitorTimings } from './timings';

/** The way from TWS to IBKR, from TWS's own messages. `restored` waits for a verification (law 6). */
export type Upstream = 'ok' | 'lost' | 'restored';

type HandshakeStage = 'tcp' | 'hello' | 'ready';

/** `for evidence`: a connection has ended and the machine is being looked at; `ended` comes next. */
export type WaitReason = 'no listener' | 'backing off' | 'for a change' | 'for evidence';

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

/** What a loss has looked like. */
export type LossKind =
  /** TWS says that it has lost IBKR. */
  | 'upstream'
  /** An open session no longer answers. */
  | 'unanswered'
  /** A connection that is never made ready. */
  | 'handshake'
  /** TWS closed or reset the connection. */
  | 'dropped'
  /** Nobody takes connections. */
  | 'closed'
  /** Who answers is not TWS, or cannot be understood. */
  | 'stranger';

/** The present loss, or one that was over so shortly ago that the next one is the same. */
export interface Loss {
  /** By the wall clock, which planned interruptions go by. */
  readonly sinceMs: number;
  /** All that it has looked like, the first one first; empty until the machine has been looked at. */
  readonly kinds: readonly LossKind[];
  /** A session had been verified before it. */
  readonly hadWorked: boolean;
  /** Since when it is over, by the monotonic clock; undefined while it lasts. */
  readonly overMonotonicMs: number | undefined;
}

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
  /** What told the present loss: 1100 ends with 1101 or 1102, 2110 has no such word. */
  readonly lostBy: 1100 | 2110 | undefined;
  /** 1101 or 1102, whichever came last on this connection. */
  readonly restoredBy: 1101 | 1102 | undefined;
  readonly farms: Farms;
  /** Bytes that TWS had not read when it last owed an answer. */
  readonly unreadBytes: number;
  /** Data was asked for and did not come, or TWS said that none will (10197); until some has come. */
  readonly isDataInTrouble: boolean;
  /** Own questions for data in a row without an answer; the first one alone proves nothing. */
  readonly dataMisses: number;
  /** When data was last asked for, by the monotonic clock; the session's begin before that. */
  readonly dataAskedMonotonicMs: number;
  /** The port that TWS has moved to and that is dialled in place of the endpoint's own. */
  readonly movedTo: number | undefined;
  /** A live account answers where a paper one is meant. */
  readonly isOtherLogin: boolean;
  readonly loss: Loss | undefined;
  readonly connectionsOpened: number;
  /** When the last ones were opened, by the monotonic clock, as far as the budget counts them. */
  readonly dialsMonotonicMs: readonly number[];
}

export const initialState: MonitorState = {
  phase: { kind: 'idle' },
  failures: 0,
  lastEnd: undefined,
  failedListeners: undefined,
  lastAnswerAtMs: undefined,
  missedAnswers: 0,
  upstream: 'ok',
  lostBy: undefined,
  restoredBy: undefined,
  farms: new Map(),
  unreadBytes: 0,
  isDataInTrouble: false,
  dataMisses: 0,
  dataAskedMonotonicMs: 0,
  movedTo: undefined,
  isOtherLogin: false,
  loss: undefined,
  connectionsOpened: 0,
  dialsMonotonicMs: [],
};

/** What the machine says of the listeners; undefined ids: it could not be asked. */
export interface ListenerLook {
  readonly socketIds: readonly string[] | undefined;
  /** True where a change of TWS shows in our tables: a TWS of this machine, not a proxy's far end. */
  readonly isChangeVisible: boolean;
  /** Set where these listeners are at the port that TWS has moved to (1300). */
  readonly movedTo?: number;
}

export type MonitorEvent =
  /** Start watching, or the user's *Reconnect now*: skips waiting, never the laws. */
  | { readonly kind: 'asked' }
  | { readonly kind: 'looked'; readonly look: ListenerLook }
  | { readonly kind: 'wait over' }
  | { readonly kind: 'stage'; readonly stage: ConnectionStage }
  | { readonly kind: 'verdict due' }
  /** A connection has ended: known at once, while what the machine shows of it takes its time. */
  | { readonly kind: 'closed'; readonly end: ConnectionEnd }
  /** The same with what the machine shows, where `closed` came before; or all at once. */
  | {
      readonly kind: 'ended';
      readonly end: ConnectionEnd;
      readonly look: ListenerLook;
      /** What recovery knows about the next dial; the usual where it is left out. */
      readonly advice?: DialAdvice;
    }
  | { readonly kind: 'answered'; readonly atMs: number }
  /** With the bytes that TWS has not read: it no longer takes what is sent. */
  | { readonly kind: 'missed'; readonly unreadBytes: number }
  | { readonly kind: 'liveness due' }
  /** The machine slept, or its clock was set: nothing may be judged by the time that passed. */
  | { readonly kind: 'woke' }
  | {
      readonly kind: 'data checked';
      readonly isDelivered: boolean;
      /** Nobody asked for it but the monitor. */
      readonly isOwn: boolean;
    }
  /** Who is logged in, told before the session is open or when it changes in an open one. */
  | { readonly kind: 'login'; readonly isOther: boolean }
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
  const step = react(state, event, context);
  return step.state === state
    ? step
    : { ...step, state: { ...step.state, loss: lossAfter(step.state, context) } };
}

function react(state: MonitorState, event: MonitorEvent, context: StepContext): Step {
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
    case 'closed':
      return onClosed(state, event.end, context);
    case 'ended':
      return onEnded(state, event, context);
    case 'answered':
      return onAnswered(state, event.atMs, context);
    case 'missed':
      return onMissed(state, event.unreadBytes, context);
    case 'woke':
      return onWoke(state);
    case 'liveness due':
      return state.phase.kind === 'open' ? { state, effects: [{ kind: 'ask time' }] } : same(state);
    case 'data checked':
      return same(afterDataCheck(state, event, context));
    case 'login':
      return same(
        state.isOtherLogin === event.isOther ? state : { ...state, isOtherLogin: event.isOther },
      );
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
        state: {
          ...state,
          failures: 0,
          failedListeners: undefined,
          dialsMonotonicMs: withGrace(state.dialsMonotonicMs),
        },
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
  if ((phase.kind !== 'idle' && phase.kind !== 'waiting') || waitsForEvidence(phase)) {
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
    return dial({ ...state, failures: 0 }, look, context);
  }
  if (phase.kind === 'idle' || phase.why === 'no listener') {
    return dial(state, look, context);
  }
  const leftMs = phase.untilMonotonicMs - context.monotonicMs;
  const canSeeChange = phase.why === 'for a change' && look.socketIds !== undefined;
  if (leftMs <= 0 && !canSeeChange) {
    return dial(state, look, context);
  }
  // Look again before the time is up, in case TWS is started anew meanwhile.
  const { listenerLookMs } = context.timings;
  const ms = leftMs > 0 ? Math.min(leftMs, listenerLookMs) : listenerLookMs;
  return { state, effects: [{ kind: 'wait', ms }] };
}

/** What is known of a session, before it has said anything. */
const freshSession = {
  upstream: 'ok',
  lostBy: undefined,
  restoredBy: undefined,
  farms: new Map(),
  missedAnswers: 0,
  unreadBytes: 0,
} as const satisfies Partial<MonitorState>;

function dial(state: MonitorState, look: ListenerLook, context: StepContext): Step {
  const { monotonicMs } = context;
  const delayMs = budgetDelayMs(state.dialsMonotonicMs, monotonicMs);
  if (delayMs > 0) {
    return waitForBudget(state, delayMs, context);
  }
  return {
    state: {
      ...state,
      phase: { kind: 'dialling', stage: 'tcp' },
      connectionsOpened: state.connectionsOpened + 1,
      dialsMonotonicMs: withDial(state.dialsMonotonicMs, monotonicMs),
      movedTo: look.movedTo,
      ...freshSession,
    },
    effects: [{ kind: 'dial' }, { kind: 'start verdict timer' }],
  };
}

/** As long as the time of the next dial stays the same, so does the state. */
function waitForBudget(state: MonitorState, delayMs: number, context: StepContext): Step {
  const { phase } = state;
  const isSame =
    phase.kind === 'waiting' &&
    phase.why === 'backing off' &&
    Math.abs(phase.untilMonotonicMs - context.monotonicMs - delayMs) < 1;
  return isSame
    ? {
        state,
        effects: [{ kind: 'wait', ms: Math.min(delayMs, context.timings.listenerLookMs) }],
      }
    : wait(state, 'backing off', delayMs, context);
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
        dataAskedMonotonicMs: context.monotonicMs,
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

function waitsForEvidence(phase: Phase): boolean {
  return phase.kind === 'waiting' && phase.why === 'for evidence';
}

function onClosed(state: MonitorState, end: ConnectionEnd, context: StepContext): Step {
  const wasOpenMs =
    state.phase.kind === 'open' ? context.monotonicMs - state.phase.sinceMonotonicMs : 0;
  const failures = (wasOpenMs >= dialPolicy.stableMs ? 0 : state.failures) + 1;
  const phase: Phase = {
    kind: 'waiting',
    why: 'for evidence',
    untilMs: context.nowMs,
    untilMonotonicMs: context.monotonicMs,
  };
  return {
    state: {
      ...state,
      phase: end.kind === 'by us' ? { kind: 'idle' } : phase,
      failures: end.kind === 'by us' ? 0 : failures,
      lastEnd: end,
      failedListeners: undefined,
      ...freshSession,
      missedAnswers: state.missedAnswers,
    },
    effects: [{ kind: 'stop verdict timer' }, { kind: 'stop liveness' }],
  };
}

function onEnded(
  state: MonitorState,
  { end, look, advice }: Extract<MonitorEvent, { kind: 'ended' }>,
  context: StepContext,
): Step {
  const closed = waitsForEvidence(state.phase) ? same(state) : onClosed(state, end, context);
  const ended: MonitorState = { ...closed.state, failedListeners: look.socketIds };
  const { failures } = ended;
  if (ended.phase.kind === 'idle') {
    return { state: ended, effects: closed.effects };
  }
  if (failures === 0) {
    // The user has asked to reconnect while the machine was looked at.
    const asked = wait(ended, 'backing off', 0, context);
    return { state: asked.state, effects: [...closed.effects, { kind: 'look' }] };
  }
  // A stranger on the port does not turn into TWS by being asked again.
  const isStranger = end.kind === 'not tws' || end.kind === 'unsupported version';
  const isSpent = failures >= dialPolicy.freeAttempts || isStranger;
  // Who accepts and then closes is cured by a setting, a dialog or a freed client id, and no
  // table shows that: there the slow dial goes on (law 3, "where that cannot be seen").
  const isCureVisible = look.isChangeVisible && end.kind !== 'fin' && end.kind !== 'reset';
  const slowMs = slowDialMs(context.random);
  const waitsForChange = advice?.kind === 'for a change' || (isSpent && isCureVisible);
  const usualMs = isSpent ? slowMs : backoffMs(failures, context.random);
  const next =
    advice?.kind === 'wait'
      ? wait(ended, 'backing off', advice.ms, context)
      : wait(
          ended,
          waitsForChange ? 'for a change' : 'backing off',
          waitsForChange ? slowMs : usualMs,
          context,
        );
  return { state: next.state, effects: [...closed.effects, ...next.effects] };
}

function onAnswered(state: MonitorState, atMs: number, context: StepContext): Step {
  if (state.phase.kind !== 'open') {
    return same(state);
  }
  const { livenessIntervalMs } = context.timings;
  const openForMs = context.monotonicMs - state.phase.sinceMonotonicMs;
  const isBack = state.upstream === 'restored';
  return {
    state: {
      ...state,
      phase: { ...state.phase, isVerified: true },
      lastAnswerAtMs: atMs,
      missedAnswers: 0,
      unreadBytes: 0,
      // A TWS that answers once and drops us, again and again, is no success.
      failures: openForMs >= dialPolicy.stableMs ? 0 : state.failures,
      lastEnd: undefined,
      failedListeners: undefined,
      upstream: isBack ? 'ok' : state.upstream,
    },
    // Jitter only shortens, so that the promised detection time holds.
    effects: [
      {
        kind: 'schedule liveness',
        ms: Math.round(livenessIntervalMs * (1 - 0.2 * context.random)),
      },
      ...(isBack || isDataDue(state, context) ? [{ kind: 'check data' } as const] : []),
    ],
  };
}

/** A TWS that answers the time may still have no data; only a question for some shows that. */
function isDataDue(state: MonitorState, { monotonicMs, timings }: StepContext): boolean {
  const isQuiet = monotonicMs - state.dataAskedMonotonicMs < timings.dataIntervalMs;
  return state.isDataInTrouble || state.dataMisses > 0 || (state.upstream === 'ok' && !isQuiet);
}

function afterDataCheck(
  state: MonitorState,
  { isDelivered, isOwn }: Extract<MonitorEvent, { kind: 'data checked' }>,
  { monotonicMs }: StepContext,
): MonitorState {
  const asked = { ...state, dataAskedMonotonicMs: monotonicMs };
  if (isDelivered) {
    return { ...asked, isDataInTrouble: false, dataMisses: 0 };
  }
  // A question of our own is asked once more before it counts; one that somebody waits for counts.
  const dataMisses = state.dataMisses + 1;
  const isProved = !isOwn || dataMisses > 1;
  return { ...asked, dataMisses, isDataInTrouble: state.isDataInTrouble || isProved };
}

/** After a sleep everything is asked at once, and nothing has happened yet. */
function onWoke(state: MonitorState): Step {
  switch (state.phase.kind) {
    case 'idle':
    case 'held':
      return same(state);
    case 'waiting':
      return { state, effects: [{ kind: 'stop waiting' }, { kind: 'look' }] };
    case 'dialling':
      return { state, effects: [{ kind: 'start verdict timer' }] };
    case 'open':
      // The first of two unanswered questions may be one that was asked before the sleep.
      return {
        state: { ...state, missedAnswers: state.missedAnswers === 1 ? 0 : state.missedAnswers },
        effects: [{ kind: 'ask time' }],
      };
  }
}

function onMissed(state: MonitorState, unreadBytes: number, context: StepContext): Step {
  if (state.phase.kind !== 'open') {
    return same(state);
  }
  const missedAnswers = state.missedAnswers + 1;
  // One retry at once; after that it is down, and asked at the usual pace. The socket is kept:
  // a TWS that was only stopped answers on it when it goes on.
  return {
    state: { ...state, missedAnswers, unreadBytes },
    effects:
      missedAnswers < 2
        ? [{ kind: 'ask time' }]
        : [{ kind: 'schedule liveness', ms: context.timings.livenessIntervalMs }],
  };
}

function onMessage(state: MonitorState, code: number, farms: readonly FarmState[]): Step {
  const verify: readonly MonitorEffect[] =
    state.phase.kind === 'open' ? [{ kind: 'ask time' }] : [];
  const told: MonitorState =
    farms.length === 0 ? state : { ...state, farms: farmsAfter(state.farms, farms) };
  switch (code) {
    case 1100:
    case 2110:
      return same({
        ...state,
        upstream: 'lost',
        lostBy: state.lostBy === 1100 ? 1100 : code,
        restoredBy: undefined,
      });
    case 1101:
    case 1102:
      // 1102 may name farms that did not come back with the rest.
      return {
        state: { ...told, upstream: 'restored', lostBy: undefined, restoredBy: code },
        effects: verify,
      };
    case 2103:
    case 2105:
    case 2157:
    case 2119:
      return { state: told, effects: verify };
    case 10197:
      return same({ ...state, isDataInTrouble: true });
    case 10182:
      // A subscription was cut because a connection was: of data, perhaps of more.
      return { state: { ...state, dataMisses: Math.max(1, state.dataMisses) }, effects: verify };
    case 504:
    case 1300:
      return { state, effects: verify };
    default:
      return state.lostBy === 2110 && showsReturn(code)
        ? { state: { ...told, upstream: 'restored', lostBy: undefined }, effects: verify }
        : same(told);
  }
}

/**
 * The loss after a step. One that comes back soon after it was over is the same one: an outage that
 * flaps does not begin anew with each blink, neither inside a planned interruption nor before it.
 */
function lossAfter(state: MonitorState, context: StepContext): Loss | undefined {
  const { loss } = state;
  const isGone =
    loss?.overMonotonicMs !== undefined &&
    context.monotonicMs - loss.overMonotonicMs >= dialPolicy.stableMs;
  const present = isGone ? undefined : loss;
  switch (bareHealth(state)) {
    case 'unknown':
      return undefined;
    case 'connecting':
      return present;
    case 'healthy':
    case 'degraded':
      return present?.overMonotonicMs === undefined && present !== undefined
        ? { ...present, overMonotonicMs: context.monotonicMs }
        : present;
    default:
      return lostMore(present, state, context);
  }
}

function lostMore(loss: Loss | undefined, state: MonitorState, context: StepContext): Loss {
  const kind = lossKind(state);
  if (loss === undefined) {
    // A silence is noticed when two questions have gone unanswered; it was there before them.
    const aheadMs = kind === 'unanswered' ? 2 * context.timings.answerDeadlineMs : 0;
    return {
      sinceMs: context.nowMs - aheadMs,
      kinds: waitsForEvidence(state.phase) ? [] : [kind ?? 'handshake'],
      hadWorked: state.lastAnswerAtMs !== undefined,
      overMonotonicMs: undefined,
    };
  }
  const isNew = kind !== undefined && !loss.kinds.includes(kind);
  return {
    ...loss,
    kinds: isNew ? [...loss.kinds, kind] : loss.kinds,
    overMonotonicMs: undefined,
  };
}

/** What the loss looks like now; undefined while the next attempt is under way. */
function lossKind({
  phase,
  upstream,
  missedAnswers,
  ...state
}: MonitorState): LossKind | undefined {
  switch (phase.kind) {
    case 'idle':
    case 'dialling':
      return undefined;
    case 'held':
      return 'handshake';
    case 'open':
      return upstream === 'lost' ? 'upstream' : missedAnswers >= 2 ? 'unanswered' : undefined;
    case 'waiting':
      if (phase.why === 'for evidence') {
        return undefined;
      }
      if (phase.why === 'no listener' || state.failedListeners?.length === 0) {
        return 'closed';
      }
      return endKind(state.lastEnd);
  }
}

function endKind(end: ConnectionEnd | undefined): LossKind {
  switch (end?.kind) {
    case 'fin':
    case 'reset':
      return 'dropped';
    case 'not tws':
    case 'unsupported version':
    case 'malformed':
      return 'stranger';
    default:
      return 'closed';
  }
}

/**
 * Health as it follows from the state, whatever the time of day: a loss is `down`. Planned
 * interruptions are taken into account by `judgeHealth`.
 */
export function bareHealth(state: MonitorState): Health {
  switch (state.phase.kind) {
    case 'idle':
      return 'unknown';
    case 'waiting':
    case 'held':
      return 'down';
    case 'dialling':
      return isLost(state) ? 'down' : 'connecting';
    case 'open':
      return openHealth(state, state.phase.isVerified);
  }
}

/** A loss lasts until something has been verified, whatever is under way. */
function isLost({ failures, loss }: MonitorState): boolean {
  return failures > 0 || (loss !== undefined && loss.overMonotonicMs === undefined);
}

function openHealth(state: MonitorState, isVerified: boolean): Health {
  if (state.missedAnswers >= 2 || state.upstream === 'lost') {
    return 'down';
  }
  if (!isVerified) {
    return isLost(state) ? 'down' : 'connecting';
  }
  return state.upstream === 'restored' ||
    state.missedAnswers > 0 ||
    brokenFarms(state.farms).length > 0 ||
    state.movedTo !== undefined ||
    state.isOtherLogin ||
    state.isDataInTrouble
    ? 'degraded'
    : 'healthy';
}
