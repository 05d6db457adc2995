import type {
  DashboardCycle,
  DashboardFill,
  DashboardIncident,
  DashboardPart,
  DashboardSignal,
  DashboardSnapshot,
  DashboardState,
  HealthChange,
  Sample,
} from '../diagnostics/dashboard';

/** More than this a page does not keep of any kind: the day moves on, and its oldest part goes. */
const maxSamples = 1600;
const maxEvents = 1200;

/** All that a page knows. Names come from programs and TWS: they are keys of maps, never of objects. */
export interface Model {
  readonly at: string;
  readonly from: string;
  readonly state: DashboardState;
  readonly health: readonly HealthChange[];
  readonly incidents: readonly DashboardIncident[];
  readonly latency: readonly Sample[];
  readonly prices: ReadonlyMap<string, readonly Sample[]>;
  readonly signals: readonly DashboardSignal[];
  readonly fills: readonly DashboardFill[];
  readonly equity: ReadonlyMap<string, readonly Sample[]>;
  readonly cycles: readonly DashboardCycle[];
}

/** The model of a whole snapshot. */
export function modelOf(snapshot: DashboardSnapshot): Model {
  return {
    ...snapshot,
    prices: new Map(Object.entries(snapshot.prices)),
    equity: new Map(Object.entries(snapshot.equity)),
  };
}

/** The model as it travels, to be kept while a page is hidden. */
export function snapshotOf(model: Model): DashboardSnapshot {
  return {
    ...model,
    schema: 1,
    prices: Object.fromEntries(model.prices),
    equity: Object.fromEntries(model.equity),
  };
}

/** Takes in what is new. */
export function merged(model: Model, part: DashboardPart): Model {
  return {
    at: part.at,
    from: part.from,
    state: part.state ?? model.state,
    health: withoutOld(added(model.health, part.health), part.from, 1),
    incidents: mergedIncidents(model.incidents, part.incidents, part.from),
    latency: mergedSamples(model.latency, part.latency, part.from),
    prices: mergedSeries(model.prices, part.prices, part.from),
    signals: withoutOld(added(model.signals, part.signals), part.from, 0),
    fills: withoutOld(added(model.fills, part.fills), part.from, 0),
    equity: mergedSeries(model.equity, part.equity, part.from),
    cycles: withoutOld(added(model.cycles, part.cycles), part.from, 0),
  };
}

function added<T>(before: readonly T[], next: readonly T[]): readonly T[] {
  return next.length === 0 ? before : [...before, ...next].slice(-maxEvents);
}

/** @param before how many of the older ones stay: what held at the beginning is one of them */
function withoutOld<T extends { readonly at: string }>(
  events: readonly T[],
  from: string,
  before: number,
): readonly T[] {
  const first = events.findIndex(({ at }) => at >= from);
  const drop = (first === -1 ? events.length : first) - before;
  return drop > 0 ? events.slice(drop) : events;
}

function mergedIncidents(
  before: readonly DashboardIncident[],
  next: readonly DashboardIncident[],
  from: string,
): readonly DashboardIncident[] {
  const byKey = new Map([...before, ...next].map((incident) => [incident.key, incident]));
  return [...byKey.values()].filter(({ until }) => until === null || until >= from);
}

function mergedSeries(
  before: ReadonlyMap<string, readonly Sample[]>,
  next: Readonly<Record<string, readonly Sample[]>>,
  from: string,
): ReadonlyMap<string, readonly Sample[]> {
  const names = Object.keys(next);
  if (names.length === 0) {
    return before;
  }
  const all = new Map(before);
  for (const [name, samples] of Object.entries(next)) {
    all.set(name, mergedSamples(before.get(name) ?? [], samples, from));
  }
  return all;
}

/** A sample with the time of the last one replaces it. */
function mergedSamples(
  before: readonly Sample[],
  next: readonly Sample[],
  from: string,
): readonly Sample[] {
  const [first] = next;
  if (first === undefined) {
    return before;
  }
  const fromMs = Date.parse(from);
  const kept = before.filter(([atMs]) => atMs < first[0] && atMs >= fromMs);
  return [...kept, ...next].slice(-maxSamples);
}
