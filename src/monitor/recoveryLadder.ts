import { isoTime } from '../core/clock';
import type { RecoveryAttempt, RecoveryStep } from '../diagnostics/status';
import type { Mode } from '../ibkr/endpoint';
import type { IbcCommand } from '../ibkr/ibcCommands';
import type { RecoverySettings } from './recoverySettings';
import type { Trouble, TroubleKind } from './recoveryTrouble';

/** One step of a plan, at its earliest so long after the step before it, and how long it may work. */
interface Rung {
  readonly step: IbcCommand | 'call';
  readonly afterMs: number;
  /** After IBC has taken a command: how long the cure may take until the next step. */
  readonly settleMs: number;
}

const minuteMs = 60_000;
const call: Rung = { step: 'call', afterMs: 0, settleMs: 0 };

/**
 * What is tried, in order; holding and dialling go on beside it (law 3). A farm is given minutes
 * to come back by itself (IBC#143); a Gateway restarts at the next full minute and logs in anew.
 */
const plans: Readonly<Record<TroubleKind, readonly Rung[]>> = {
  connection: [{ ...call, afterMs: minuteMs }],
  'client id': [{ ...call, afterMs: 5 * minuteMs }],
  'api off': [{ step: 'ENABLEAPI', afterMs: minuteMs / 2, settleMs: 2 * minuteMs }, call],
  data: [{ step: 'RECONNECTDATA', afterMs: 5 * minuteMs, settleMs: 5 * minuteMs }, call],
  upstream: [{ step: 'RECONNECTACCOUNT', afterMs: 10 * minuteMs, settleMs: 5 * minuteMs }, call],
  wedged: [{ step: 'RESTART', afterMs: minuteMs, settleMs: 5 * minuteMs }, call],
  other: [],
};

/** A command is not sent again sooner, whatever happens between. Milliseconds. */
export const commandGapMs: Readonly<Record<IbcCommand, number>> = {
  ENABLEAPI: 10 * minuteMs,
  RECONNECTDATA: 15 * minuteMs,
  RECONNECTACCOUNT: 30 * minuteMs,
  RESTART: 6 * 60 * minuteMs,
};

/** Trouble that comes back sooner is the same incident. Milliseconds. */
export const calmMs = 5 * minuteMs;

/** Where the evidence of a wedge is gone, TWS is dialled again, and not more often than this. */
const redialGapMs = 5 * minuteMs;

/** Between looks whether a known window is over, in milliseconds. */
const windowLookMs = minuteMs / 2;

const maxAttempts = 30;
const maxRemembered = 20;

/** Whether a runner depends on the TWS that a command would interrupt. */
export interface RunnerAtWork {
  /** `unknown` counts as `yes`: it may be the program that manages open positions. */
  readonly works: 'yes' | 'no' | 'unknown';
  readonly why: string;
}

export interface LadderContext {
  /** By the wall clock, for people to read. */
  readonly nowMs: number;
  readonly monotonicMs: number;
  readonly settings: RecoverySettings;
  /** Undefined where nobody knows; then it counts as live. */
  readonly mode: Mode | undefined;
  readonly runner: RunnerAtWork;
  /** True inside a known window: nothing is tried and nobody is called until it is outlived. */
  readonly isExpected: boolean;
}

export type LadderEvent =
  | {
      readonly kind: 'seen';
      /** Undefined when all is well. */
      readonly trouble: Trouble | undefined;
      /** True while an unanswered socket is held. */
      readonly isHeld: boolean;
      /** True where the system shows a TWS that takes connections, as far as a system can. */
      readonly isWedgeGone: boolean;
      /** Connections opened since the watch began. */
      readonly dials: number;
      /** How the last one ended; undefined while one lives. */
      readonly lastEnd: string | undefined;
    }
  /** The wait that was asked for is over. */
  | { readonly kind: 'due' }
  | {
      readonly kind: 'replied';
      readonly command: IbcCommand;
      readonly outcome: string;
      /** `nothing` was sent, or IBC has not `taken` it: then the next step comes at once. */
      readonly effect: 'nothing' | 'not taken' | 'possible';
    }
  /** Something that another part of recovery did. */
  | { readonly kind: 'noted'; readonly step: RecoveryStep; readonly outcome: string }
  /** The trader's *Reconnect now*: skips waiting, never the laws. */
  | { readonly kind: 'asked' };

export type LadderEffect =
  | { readonly kind: 'send'; readonly command: IbcCommand; readonly evidence: string }
  | { readonly kind: 'call'; readonly evidence: string }
  /** Dial again: what had kept us from it is gone. */
  | { readonly kind: 'dial' }
  /** Replaces an earlier wait. */
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'stop waiting' };

interface Incident {
  /** Undefined while all is well again and may not stay so. */
  readonly trouble: Trouble | undefined;
  /** By the monotonic clock. */
  readonly wellSinceMs: number | undefined;
  /** From when the wait of the present rung counts, by the monotonic clock. */
  readonly fromMs: number;
  readonly rung: number;
  readonly sending: IbcCommand | undefined;
  /** Until when a command that IBC has taken gets time to work, by the monotonic clock. */
  readonly settlesMs: number;
  readonly wasRestarted: boolean;
  /** Dialling has stopped, because TWS was seen wedged. */
  readonly isDiallingStopped: boolean;
  readonly wasCalled: boolean;
  /** The evidence for which everything has been tried. Oldest first. */
  readonly exhausted: readonly string[];
}

export interface LadderState {
  readonly incident: Incident | undefined;
  /** Of the present incident, or of the last one. Oldest first. */
  readonly attempts: readonly RecoveryAttempt[];
  /** When each command was last sent, by the monotonic clock. */
  readonly sentAtMs: ReadonlyMap<IbcCommand, number>;
  readonly dials: number;
  readonly incidentDials: number;
  readonly isHeld: boolean;
  /** By the monotonic clock. */
  readonly redialledAtMs: number | undefined;
}

/** One and the same, so that it compares as unchanged. */
const nothingTried: readonly RecoveryAttempt[] = [];

export const initialLadder: LadderState = {
  incident: undefined,
  attempts: nothingTried,
  sentAtMs: new Map(),
  dials: 0,
  incidentDials: 0,
  isHeld: false,
  redialledAtMs: undefined,
};

export interface LadderStep {
  readonly state: LadderState;
  readonly effects: readonly LadderEffect[];
}

/** One step of the ladder: no I/O, no clock, no chance of its own. */
export function climb(state: LadderState, event: LadderEvent, context: LadderContext): LadderStep {
  switch (event.kind) {
    case 'seen':
      return onSeen(state, event, context);
    case 'due':
      return advance(state, context);
    case 'replied':
      return onReplied(state, event, context);
    case 'noted':
      return same(note(state, context, event.step, event.outcome));
    case 'asked':
      return onAsked(state, context);
  }
}

function same(state: LadderState): LadderStep {
  return { state, effects: [] };
}

type Seen = Extract<LadderEvent, { kind: 'seen' }>;

function onSeen(state: LadderState, seen: Seen, context: LadderContext): LadderStep {
  const { trouble } = seen;
  if (trouble === undefined) {
    return onWell({ ...state, dials: seen.dials, isHeld: false }, context);
  }
  const told = withDials(withTrouble(state, trouble, context), seen, context);
  const next = advance(told, context);
  const { incident, redialledAtMs } = next.state;
  const isRested =
    redialledAtMs === undefined || context.monotonicMs - redialledAtMs >= redialGapMs;
  if (incident?.isDiallingStopped !== true || !seen.isWedgeGone || seen.isHeld || !isRested) {
    return next;
  }
  return {
    state: {
      ...next.state,
      incident: { ...incident, isDiallingStopped: false },
      redialledAtMs: context.monotonicMs,
    },
    effects: [...next.effects, { kind: 'dial' }],
  };
}

function onWell(state: LadderState, { monotonicMs, nowMs }: LadderContext): LadderStep {
  const { incident } = state;
  if (incident?.trouble === undefined) {
    return same(state);
  }
  return {
    state: {
      ...state,
      incident: {
        ...incident,
        trouble: undefined,
        wellSinceMs: monotonicMs,
        sending: undefined,
        isDiallingStopped: false,
      },
      attempts: withEnd(state.attempts, nowMs),
    },
    effects: [{ kind: 'stop waiting' }],
  };
}

/** Says with the last thing that was done that the trouble is over. */
function withEnd(attempts: readonly RecoveryAttempt[], nowMs: number): readonly RecoveryAttempt[] {
  const index = attempts.findLastIndex(({ step }) => step !== 'call');
  return attempts.map((attempt, at) =>
    at === index
      ? { ...attempt, outcome: `${attempt.outcome}; all was well at ${isoTime(nowMs)}` }
      : attempt,
  );
}

function withTrouble(state: LadderState, seen: Trouble, context: LadderContext): LadderState {
  const { incident } = state;
  const { monotonicMs } = context;
  const wellForMs = monotonicMs - (incident?.wellSinceMs ?? monotonicMs);
  if (incident === undefined || (incident.trouble === undefined && wellForMs >= calmMs)) {
    return {
      ...state,
      attempts: nothingTried,
      incidentDials: 0,
      incident: {
        trouble: seen,
        wellSinceMs: undefined,
        fromMs: monotonicMs,
        rung: 0,
        sending: undefined,
        settlesMs: monotonicMs,
        wasRestarted: false,
        isDiallingStopped: seen.kind === 'wedged',
        wasCalled: false,
        exhausted: [],
      },
    };
  }
  return { ...state, incident: withEvidence(incident, seen, monotonicMs) };
}

/** Another kind of trouble, or another TWS, is new evidence: its plan begins from the start. */
function withEvidence(incident: Incident, seen: Trouble, monotonicMs: number): Incident {
  const { trouble: before, exhausted } = incident;
  const trouble = { ...seen, tws: seen.tws ?? before?.tws };
  const isDiallingStopped = incident.isDiallingStopped || trouble.kind === 'wedged';
  // A TWS that is seen for the first time is no other one.
  const isLearned = before?.kind === trouble.kind && before.tws === undefined;
  if (isLearned && exhausted.includes(evidenceKey(before))) {
    const known = [...exhausted, evidenceKey(trouble)];
    return { ...incident, trouble, isDiallingStopped, exhausted: known };
  }
  return isLearned || (before?.kind === trouble.kind && before.tws === trouble.tws)
    ? { ...incident, trouble, isDiallingStopped }
    : {
        ...incident,
        trouble,
        isDiallingStopped,
        wellSinceMs: undefined,
        // A TWS that restarts looks like another trouble for minutes.
        fromMs: Math.max(monotonicMs, incident.settlesMs),
        rung: 0,
      };
}

/** Notes what holding and dialling have come to. */
function withDials(state: LadderState, seen: Seen, context: LadderContext): LadderState {
  const dialled = Math.max(0, seen.dials - state.dials);
  const incidentDials = state.incidentDials + dialled;
  const base = { ...state, dials: seen.dials, incidentDials, isHeld: seen.isHeld };
  const held =
    seen.isHeld && !state.isHeld
      ? note(base, context, 'hold', 'the unanswered connection is kept')
      : base;
  if (incidentDials === 0 || (dialled === 0 && seen.lastEnd === undefined)) {
    return held;
  }
  const end = seen.lastEnd === undefined ? 'the last one lives' : `the last one: ${seen.lastEnd}`;
  const times = `${incidentDials} connection${incidentDials === 1 ? '' : 's'}`;
  return note(held, context, 'dial', `${times}, ${end}`);
}

/** Holding and dialling stand once, with how they went last; a command stands as often as sent. */
function note(
  state: LadderState,
  { nowMs }: LadderContext,
  step: RecoveryStep,
  outcome: string,
): LadderState {
  const evidence = state.incident?.trouble?.evidence ?? '';
  const isOnce = step === 'hold' || step === 'dial';
  const index = isOnce ? state.attempts.findIndex((attempt) => attempt.step === step) : -1;
  if (index !== -1 && state.attempts[index]?.outcome === outcome) {
    return state;
  }
  const attempts =
    index === -1
      ? [...state.attempts, { step, at: isoTime(nowMs), evidence, outcome }]
      : state.attempts.map((attempt, at) => (at === index ? { ...attempt, outcome } : attempt));
  return { ...state, attempts: attempts.slice(-maxAttempts) };
}

/** Takes every rung that is due. */
function advance(state: LadderState, context: LadderContext): LadderStep {
  const { incident } = state;
  if (incident?.trouble === undefined || incident.sending !== undefined) {
    return same(state);
  }
  const { trouble } = incident;
  const rung = plans[trouble.kind][incident.rung];
  if (rung === undefined || incident.exhausted.includes(evidenceKey(trouble))) {
    return same(state);
  }
  const fromMs = context.isExpected ? context.monotonicMs : incident.fromMs;
  const here = { ...state, incident: { ...incident, fromMs } };
  const leftMs = fromMs + rung.afterMs - context.monotonicMs;
  if (leftMs > 0 || context.isExpected) {
    const ms = context.isExpected ? windowLookMs : leftMs;
    return { state: here, effects: [{ kind: 'wait', ms }] };
  }
  return rung.step === 'call'
    ? callPerson(here, incident, trouble, context)
    : takeCommand(here, incident, rung.step, context);
}

function callPerson(
  state: LadderState,
  incident: Incident,
  trouble: Trouble,
  context: LadderContext,
): LadderStep {
  const { evidence } = trouble;
  const exhausted = [...incident.exhausted, evidenceKey(trouble)].slice(-maxRemembered);
  if (incident.wasCalled) {
    return same({ ...state, incident: { ...incident, exhausted } });
  }
  const called = note(state, context, 'call', 'nothing more is tried by itself');
  return {
    state: { ...called, incident: { ...incident, exhausted, wasCalled: true } },
    effects: [{ kind: 'call', evidence }],
  };
}

function takeCommand(
  state: LadderState,
  incident: Incident,
  command: IbcCommand,
  context: LadderContext,
): LadderStep {
  const evidence = incident.trouble?.evidence ?? '';
  const why = whyNot(command, state, context);
  if (why === undefined) {
    const sent = note(state, context, command, 'sent');
    return {
      state: {
        ...sent,
        sentAtMs: new Map([...state.sentAtMs, [command, context.monotonicMs]]),
        incident: {
          ...incident,
          sending: command,
          wasRestarted: incident.wasRestarted || command === 'RESTART',
        },
      },
      effects: [{ kind: 'send', command, evidence }],
    };
  }
  // Who has set up no command server has not asked for these steps, and need not read of them.
  const isWanted = context.settings.ibcCommandPort !== undefined;
  const told = isWanted ? note(state, context, command, `not done: ${why}`) : state;
  const next = { ...incident, rung: incident.rung + 1, fromMs: context.monotonicMs };
  return advance({ ...told, incident: next }, context);
}

/** Why a command may not be sent now; undefined where it may. */
export function whyNot(
  command: IbcCommand,
  { incident, sentAtMs }: Pick<LadderState, 'incident' | 'sentAtMs'>,
  context: LadderContext,
): string | undefined {
  const lastMs = sentAtMs.get(command);
  if (command === 'RESTART' && incident?.wasRestarted === true) {
    return 'it was restarted once in this incident';
  }
  if (lastMs !== undefined && context.monotonicMs - lastMs < commandGapMs[command]) {
    return `it was sent less than ${commandGapMs[command] / minuteMs} min ago`;
  }
  return forbidden(command, context);
}

/** What forbids a command at any time: settings, the mode, a runner. Asked again before sending. */
export function forbidden(
  command: IbcCommand,
  { settings, mode, runner }: Pick<LadderContext, 'settings' | 'mode' | 'runner'>,
): string | undefined {
  const { ibcCommandPort, allow } = settings;
  if (ibcCommandPort === undefined) {
    return "IBC's command server is not set up";
  }
  const isAllowedLive = command === 'RESTART' && allow.has('RESTART_LIVE');
  if (!allow.has(command) && !isAllowedLive) {
    return 'it is not among the allowed steps';
  }
  if (command === 'RESTART' && mode !== 'paper' && !isAllowedLive) {
    return mode === 'live'
      ? 'the account is live, and RESTART_LIVE is not allowed'
      : 'it is unknown whether the account is live, and RESTART_LIVE is not allowed';
  }
  const interrupts = command === 'RESTART' || command === 'RECONNECTACCOUNT';
  return interrupts && runner.works !== 'no' ? runner.why : undefined;
}

function onReplied(
  state: LadderState,
  reply: Extract<LadderEvent, { kind: 'replied' }>,
  context: LadderContext,
): LadderStep {
  const { command, outcome, effect } = reply;
  const index = state.attempts.findLastIndex(({ step }) => step === command);
  const told: LadderState = {
    ...state,
    attempts: state.attempts.map((attempt, at) =>
      at === index ? { ...attempt, outcome } : attempt,
    ),
  };
  const { incident } = told;
  if (incident?.sending !== command) {
    return same(told);
  }
  const { trouble } = incident;
  // The trouble may have become another one meanwhile, whose plan has only begun.
  const present = trouble === undefined ? undefined : plans[trouble.kind][incident.rung];
  const isOfPlan = present?.step === command;
  const settlesMs = context.monotonicMs + (effect === 'possible' ? settleMs(command) : 0);
  const wasSent = effect !== 'nothing';
  return advance(
    {
      ...told,
      sentAtMs: wasSent ? told.sentAtMs : without(told.sentAtMs, command),
      incident: {
        ...incident,
        sending: undefined,
        wasRestarted: incident.wasRestarted && (wasSent || command !== 'RESTART'),
        settlesMs,
        fromMs: settlesMs,
        rung: incident.rung + (isOfPlan ? 1 : 0),
      },
    },
    context,
  );
}

/** How long a cure may take until anything else is tried. */
function settleMs(command: IbcCommand): number {
  const rungs = Object.values(plans).flat();
  return rungs.find(({ step }) => step === command)?.settleMs ?? 0;
}

function without<K, V>(map: ReadonlyMap<K, V>, key: K): ReadonlyMap<K, V> {
  return new Map([...map].filter(([each]) => each !== key));
}

function onAsked(state: LadderState, context: LadderContext): LadderStep {
  const { incident } = state;
  if (incident?.trouble === undefined || incident.sending !== undefined) {
    return same(state);
  }
  const isExhausted = incident.exhausted.includes(evidenceKey(incident.trouble));
  const rung = isExhausted ? 0 : incident.rung;
  const next = plans[incident.trouble.kind][rung];
  // A restart costs a login: it keeps its time, so that the dial that was asked for comes first.
  const isSkippable = next !== undefined && next.step !== 'RESTART' && next.step !== 'call';
  const skipped = isSkippable ? context.monotonicMs - next.afterMs : incident.fromMs;
  const fromMs = isExhausted && !isSkippable ? context.monotonicMs : skipped;
  return advance({ ...state, incident: { ...incident, rung, fromMs, exhausted: [] } }, context);
}

function evidenceKey({ kind, tws }: Trouble): string {
  return `${kind} ${tws ?? ''}`;
}
