import { isoTime } from '../core/clock';
import type { IncidentStatus } from '../diagnostics/status';

/**
 * How long trouble must last before somebody is told, in milliseconds: a session that ended is
 * often back at once, and the verdict on a silent one takes 3 s. A window waits as long.
 */
export const settleMs = 5000;

/** How long a runner may take after a planned interruption to find back, in milliseconds. */
export const afterWindowMs = 300_000;

/** Trouble that is open now, as the ledger of incidents knows it. */
export type OpenIncident = Omit<IncidentStatus, 'toldAt' | 'acknowledgedAt'> & {
  /**
   * Grows when an incident grows worse: 1 it works badly, 2 it does not work at all; 0 raises
   * nothing, because a planned interruption may well be all that it is.
   */
  readonly gravity: number;
};

/** How an incident ended. */
export interface IncidentEnd {
  readonly key: string;
  /** ISO 8601. */
  readonly until: string;
  readonly durationMs: number;
}

/** An incident and what was said of it. */
export interface AlertIncident extends OpenIncident {
  readonly toldAt: string | null;
  /** The worst that was told; 0 while nothing was. */
  readonly toldGravity: number;
  readonly acknowledgedAt: string | null;
  readonly acknowledgedGravity: number;
  /** Monotonic; from here it has to last. Not kept over a restart. */
  readonly seenAtMs: number;
  /** False for one that an earlier daemon told of, until this one has found it again. */
  readonly isConfirmed: boolean;
  /** Kept only while its end is still to be told. */
  readonly end: IncidentEnd | null;
}

export interface AlertState {
  /** Milliseconds since the epoch. */
  readonly quietUntilMs: number | null;
  readonly incidents: readonly AlertIncident[];
}

export type AlertEvent =
  | {
      readonly kind: 'state';
      readonly open: readonly OpenIncident[];
      readonly ended: readonly IncidentEnd[];
      /** What can be said of an earlier daemon's incident that is not found again. */
      readonly isOver: (incident: OpenIncident) => boolean;
    }
  | {
      readonly kind: 'acknowledge';
      /** Undefined: all that are open. */
      readonly keys: readonly string[] | undefined;
    }
  | { readonly kind: 'quiet'; readonly untilMs: number | null }
  | { readonly kind: 'time passed' };

export interface Telling {
  readonly what: 'begin' | 'worse' | 'end';
  readonly incident: AlertIncident;
}

export interface AlertStep {
  readonly state: AlertState;
  /** In this order, each once. */
  readonly tell: readonly Telling[];
  /** When to come back although nothing happens, in milliseconds from now. */
  readonly wakeInMs: number | undefined;
}

export interface AlertNow {
  readonly nowMs: number;
  readonly monotonicMs: number;
}

export const initialAlertState: AlertState = { quietUntilMs: null, incidents: [] };

/**
 * Decides who is told what: an incident once when it has lasted `settleMs`, once more when it grows
 * worse, and its end once if its begin was told. Nothing while quiet is asked for; what is still
 * open or has ended meanwhile is told afterwards.
 */
export function reduceAlerts(state: AlertState, event: AlertEvent, now: AlertNow): AlertStep {
  return tellDue(applied(state, event, now), now);
}

function applied(state: AlertState, event: AlertEvent, now: AlertNow): AlertState {
  switch (event.kind) {
    case 'state':
      return { ...state, incidents: seen(state.incidents, event, now) };
    case 'acknowledge': {
      const isMeant = ({ key }: AlertIncident): boolean => event.keys?.includes(key) ?? true;
      return {
        ...state,
        incidents: state.incidents.map((incident) =>
          isMeant(incident) && incident.end === null
            ? {
                ...incident,
                acknowledgedAt: incident.acknowledgedAt ?? isoTime(now.nowMs),
                acknowledgedGravity: Math.max(1, incident.gravity),
              }
            : incident,
        ),
      };
    }
    case 'quiet':
      return { ...state, quietUntilMs: event.untilMs };
    case 'time passed':
      return state;
  }
}

function seen(
  known: readonly AlertIncident[],
  event: Extract<AlertEvent, { kind: 'state' }>,
  now: AlertNow,
): readonly AlertIncident[] {
  const updated = known.map((incident) => {
    const open = event.open.find(({ key }) => key === incident.key);
    if (open !== undefined) {
      const seenAtMs = open.gravity === 0 ? seenAt(open, now) : incident.seenAtMs;
      return { ...incident, ...open, seenAtMs, isConfirmed: true };
    }
    const end =
      event.ended.find(({ key }) => key === incident.key) ?? lostEnd(incident, event, now);
    return end === undefined || incident.end !== null ? incident : { ...incident, end };
  });
  const opened = event.open
    .filter((open) => !known.some(({ key }) => key === open.key))
    .map((open) => ({ ...open, ...untold, seenAtMs: seenAt(open, now) }));
  return [...updated, ...opened];
}

/** From when on it has to last until it is told. */
function seenAt({ gravity, subject }: OpenIncident, { monotonicMs }: AlertNow): number {
  const hasGrace = gravity === 0 && subject.kind === 'runner';
  return hasGrace ? monotonicMs + afterWindowMs : monotonicMs;
}

const untold = {
  toldAt: null,
  toldGravity: 0,
  acknowledgedAt: null,
  acknowledgedGravity: 0,
  isConfirmed: true,
  end: null,
} as const;

/** The end of an incident that only we remember: the database with it is gone. */
function lostEnd(
  incident: AlertIncident,
  { open, isOver }: Extract<AlertEvent, { kind: 'state' }>,
  now: AlertNow,
): IncidentEnd | undefined {
  const { subject, key, since } = incident;
  const isReplaced = open.some(
    (other) => other.subject.kind === subject.kind && other.subject.name === subject.name,
  );
  if (incident.isConfirmed || !(isReplaced || isOver(incident))) {
    return undefined;
  }
  const durationMs = Math.max(0, now.nowMs - Date.parse(since));
  return { key, until: isoTime(now.nowMs), durationMs };
}

function tellDue(state: AlertState, now: AlertNow): AlertStep {
  const quietMs = state.quietUntilMs === null ? 0 : state.quietUntilMs - now.nowMs;
  if (quietMs > 0) {
    const incidents = state.incidents.filter(({ end, toldAt }) => end === null || toldAt !== null);
    return { state: { ...state, incidents }, tell: [], wakeInMs: quietMs };
  }
  const steps = state.incidents.map((incident) => tellIncident(incident, now));
  const wakes = steps.flatMap(({ wakeInMs }) => wakeInMs ?? []);
  return {
    state: { quietUntilMs: null, incidents: steps.flatMap(({ incident }) => incident ?? []) },
    tell: steps.flatMap(({ telling }) => telling ?? []),
    wakeInMs: wakes.length === 0 ? undefined : Math.min(...wakes),
  };
}

interface IncidentStep {
  /** Undefined when there is nothing more to say of it. */
  readonly incident?: AlertIncident;
  readonly telling?: Telling;
  readonly wakeInMs?: number;
}

function tellIncident(incident: AlertIncident, now: AlertNow): IncidentStep {
  const { gravity, acknowledgedAt, acknowledgedGravity } = incident;
  if (incident.end !== null) {
    return incident.toldAt === null ? {} : { telling: { what: 'end', incident } };
  }
  const isAcknowledged = acknowledgedAt !== null && gravity <= acknowledgedGravity;
  if (!incident.isConfirmed || isAcknowledged || gravity <= incident.toldGravity) {
    return { incident };
  }
  const wakeInMs = incident.seenAtMs + settleMs - now.monotonicMs;
  if (incident.toldAt === null && acknowledgedAt === null && wakeInMs > 0) {
    return { incident, wakeInMs };
  }
  const told: AlertIncident = {
    ...incident,
    toldAt: isoTime(now.nowMs),
    toldGravity: gravity,
    acknowledgedAt: null,
    acknowledgedGravity: 0,
  };
  const isFirst = incident.toldAt === null && acknowledgedAt === null;
  return { incident: told, telling: { what: isFirst ? 'begin' : 'worse', incident: told } };
}

/** The incidents whose end nobody has seen, as the status record names them. */
export function openIncidents(state: AlertState): readonly IncidentStatus[] {
  return state.incidents
    .filter(({ end }) => end === null)
    .map(({ key, subject, severity, cause, layer, message, since, toldAt, acknowledgedAt }) => ({
      ...{ key, subject, severity, cause, layer, message, since, toldAt, acknowledgedAt },
    }));
}
