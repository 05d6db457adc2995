import { isoTime } from '../core/clock';
import { causeTitles } from '../diagnostics/causeTitles';
import type {
  DashboardCycle,
  DashboardFill,
  DashboardIncident,
  DashboardPart,
  DashboardSignal,
  HealthChange,
  Sample,
} from '../diagnostics/dashboard';
import type { RunnerFact } from '../diagnostics/runnerFacts';
import type { StatusRecord } from '../diagnostics/status';
import type { RecordedPast } from './historyReader';
import type { IncidentRow, SignalRow } from './historyRows';
import type { PaperPast } from './paperPast';
import { SlotSeries } from './slotSeries';

const latencySlots = { slotMs: 60_000, maxSlots: 1440, combine: Math.max } as const;
const valueSlots = {
  slotMs: 120_000,
  maxSlots: 720,
  combine: (_: number, next: number) => next,
} as const;
/** Symbols whose prices are kept: the first ones that are heard of. */
const maxPriced = 40;
const maxWorkspaces = 8;
const maxEvents = 1000;
const maxCycles = 500;
const maxIncidents = 200;
const maxNameLength = 80;
const maxTextLength = 500;
/** The book writes a fill this much before the runner says it, at most. Milliseconds. */
const saidAfterMs = 2000;

export type DashboardChanges = Omit<DashboardPart, 'schema' | 'at' | 'from' | 'state'>;

/** The past day as the daemon has lived it, in bounds that no runner can break. */
export class DashboardMemory {
  private readonly latency = new SlotSeries(latencySlots);
  private readonly prices = new Map<string, SlotSeries>();
  private readonly equity = new Map<string, SlotSeries>();
  private readonly health = new Events<HealthChange>(maxEvents);
  private readonly signals = new Events<DashboardSignal>(maxEvents);
  private readonly fills = new Events<DashboardFill>(maxEvents);
  private readonly cycles = new Events<DashboardCycle>(maxCycles);
  private readonly incidents = new Map<string, DashboardIncident>();
  private readonly changedIncidents = new Set<string>();
  private readonly lastSignals = new Map<string, string>();
  /** When each workspace's first fill was heard, in milliseconds since the epoch. */
  private readonly firstFillMs = new Map<string, number>();
  private lastAnswerAt: string | null = null;
  private lastHealth = '';

  constructor(private readonly startedAtMs: number) {}

  takeStatus({ session, health, since, message }: StatusRecord): void {
    const { lastAnswerAt, roundTripMs } = session;
    if (lastAnswerAt !== null && lastAnswerAt !== this.lastAnswerAt && roundTripMs !== null) {
      this.lastAnswerAt = lastAnswerAt;
      this.latency.add(Date.parse(lastAnswerAt), roundTripMs);
    }
    if (`${health} ${since}` !== this.lastHealth) {
      this.lastHealth = `${health} ${since}`;
      this.health.add({ at: since, health, reason: message.slice(0, maxTextLength) });
    }
  }

  takeIncidents(rows: readonly IncidentRow[]): void {
    for (const row of rows) {
      this.incidents.set(row.incident_key, incident(row));
      this.changedIncidents.add(row.incident_key);
      const [oldest] = this.incidents.keys();
      if (this.incidents.size > maxIncidents && oldest !== undefined) {
        this.incidents.delete(oldest);
        this.changedIncidents.delete(oldest);
      }
    }
  }

  /** Takes in what a runner said; a time of its own counts where it is credible. */
  hear(workspace: string, facts: readonly RunnerFact[], nowMs: number): void {
    for (const fact of facts) {
      const stated = fact.at === undefined ? Number.NaN : Date.parse(fact.at);
      this.hearFact(workspace, fact, stated <= nowMs ? stated : nowMs);
    }
  }

  /** Puts the past in front of what was seen since. Once. */
  prepend(recorded: RecordedPast): void {
    this.health.prepend(
      recorded.health
        .filter(({ at }) => Date.parse(at) < this.startedAtMs)
        .map(({ at, health, reason }) => ({ at, health, reason })),
    );
    const later = [...this.incidents];
    this.incidents.clear();
    for (const [key, row] of [
      ...recorded.incidents.map((row) => [row.incident_key, incident(row)] as const),
      ...later,
    ]) {
      this.incidents.set(key, row);
    }
    this.prependSignals(recorded.signals);
  }

  /** Puts what a workspace's paper book tells in front of what its runner said since. Once. */
  prependPaper(workspace: string, { fills, equity }: PaperPast): void {
    const untilMs = (this.firstFillMs.get(workspace) ?? Number.POSITIVE_INFINITY) - saidAfterMs;
    this.fills.prepend(fills.filter(({ at }) => Date.parse(at) < untilMs));
    seriesOf(this.equity, workspace, maxWorkspaces)?.prepend(equity);
  }

  /** What has changed since this was asked last. */
  changes(): DashboardChanges {
    const incidents = [...this.changedIncidents].flatMap((key) => this.incidents.get(key) ?? []);
    this.changedIncidents.clear();
    return {
      health: this.health.takeNew(),
      incidents,
      latency: this.latency.takeChanged(),
      prices: valuesOf(this.prices, (series) => series.takeChanged()),
      signals: this.signals.takeNew(),
      fills: this.fills.takeNew(),
      equity: valuesOf(this.equity, (series) => series.takeChanged()),
      cycles: this.cycles.takeNew(),
    };
  }

  /** All that is kept since a time, in milliseconds since the epoch. */
  since(fromMs: number): DashboardChanges {
    const from = isoTime(fromMs);
    const isKept = ({ at }: { readonly at: string }): boolean => at >= from;
    const health = this.health.all;
    const standing = health.findLastIndex((change) => !isKept(change));
    return {
      // The one that held at the time tells how it was before the first change.
      health: health.slice(Math.max(0, standing)),
      incidents: [...this.incidents.values()].filter(
        ({ until }) => until === null || until >= from,
      ),
      latency: this.latency.since(fromMs),
      prices: valuesOf(this.prices, (series) => series.since(fromMs)),
      signals: this.signals.all.filter(isKept),
      fills: this.fills.all.filter(isKept),
      equity: valuesOf(this.equity, (series) => series.since(fromMs)),
      cycles: this.cycles.all.filter(isKept),
    };
  }

  private hearFact(workspace: string, fact: RunnerFact, atMs: number): void {
    const at = isoTime(atMs);
    switch (fact.kind) {
      case 'fetch ok':
        this.hearPrice(fact.symbol, atMs, fact.price);
        return;
      case 'signal': {
        const { symbol, signal, price, reason = '' } = fact;
        this.hearPrice(symbol, atMs, price);
        if (isNews(this.lastSignals, symbol, signal) && signal !== 'hold') {
          const short = reason.slice(0, maxTextLength);
          this.signals.add({
            at,
            symbol: named(symbol),
            signal,
            price: price ?? null,
            reason: short,
          });
        }
        return;
      }
      case 'fill': {
        const { symbol, side, quantity, price } = fact;
        this.hearPrice(symbol, atMs, price);
        if (!this.firstFillMs.has(workspace)) {
          this.firstFillMs.set(workspace, atMs);
        }
        this.fills.add({ at, symbol: named(symbol), side, quantity, price });
        return;
      }
      case 'cycle':
        this.cycles.add({ at, workspace, durationMs: fact.durationMs ?? null });
        this.hearEquity(workspace, atMs, fact.equity);
        return;
      case 'book':
        this.hearEquity(workspace, atMs, fact.equity);
        return;
      default:
      // The rest shows in the status.
    }
  }

  private hearPrice(symbol: string, atMs: number, price: number | undefined): void {
    // A price of 0 is what some programs say for none.
    if (price !== undefined && price > 0) {
      seriesOf(this.prices, named(symbol), maxPriced)?.add(atMs, price);
    }
  }

  private hearEquity(workspace: string, atMs: number, equity: number | undefined): void {
    if (equity !== undefined) {
      seriesOf(this.equity, workspace, maxWorkspaces)?.add(atMs, equity);
    }
  }

  private prependSignals(rows: readonly SignalRow[]): void {
    const untilMs = Math.min(this.startedAtMs, this.signals.firstMs);
    const early = rows.filter(({ at }) => Date.parse(at) < untilMs);
    const last = new Map<string, string>();
    this.signals.prepend(
      early
        .map(({ at, symbol, signal, price }) => ({ at, symbol, signal, price, reason: '' }))
        .filter(({ symbol, signal }) => isNews(last, symbol, signal) && signal !== 'hold'),
    );
    for (const symbol of new Set(early.map((row) => row.symbol))) {
      const samples = early.flatMap((row): Sample[] =>
        row.symbol === symbol && row.price !== null && row.price > 0
          ? [[Date.parse(row.at), row.price]]
          : [],
      );
      seriesOf(this.prices, named(symbol), maxPriced)?.prepend(samples);
    }
  }
}

/** The newest events of a kind, in the order in which they came. */
class Events<T extends { readonly at: string }> {
  private events: T[] = [];
  private fresh: T[] = [];

  constructor(private readonly max: number) {}

  get all(): readonly T[] {
    return this.events.slice(-this.max);
  }

  /** When the first one was, in milliseconds since the epoch; infinite while there is none. */
  get firstMs(): number {
    const [first] = this.events;
    return first === undefined ? Number.POSITIVE_INFINITY : Date.parse(first.at);
  }

  add(event: T): void {
    this.events.push(event);
    this.fresh.push(event);
    if (this.events.length > 2 * this.max) {
      this.events = this.events.slice(-this.max);
    }
    if (this.fresh.length > 2 * this.max) {
      this.fresh = this.fresh.slice(-this.max);
    }
  }

  prepend(before: readonly T[]): void {
    this.events = [...before, ...this.events]
      .sort((a, b) => Date.parse(a.at) - Date.parse(b.at))
      .slice(-this.max);
  }

  /** Those that came since this was asked last. */
  takeNew(): readonly T[] {
    const fresh = this.fresh.slice(-this.max);
    this.fresh = [];
    return fresh;
  }
}

/** The series of a name; undefined where there are too many already. */
function seriesOf(all: Map<string, SlotSeries>, name: string, max: number): SlotSeries | undefined {
  const known = all.get(name);
  if (known !== undefined || all.size >= max) {
    return known;
  }
  const series = new SlotSeries(valueSlots);
  all.set(name, series);
  return series;
}

function valuesOf(
  all: ReadonlyMap<string, SlotSeries>,
  read: (series: SlotSeries) => readonly Sample[],
): Readonly<Record<string, readonly Sample[]>> {
  return Object.fromEntries(
    [...all]
      .map(([name, series]) => [name, read(series)] as const)
      .filter(([, { length }]) => length > 0),
  );
}

/** A program that says the same of a symbol in each cycle has said it once. */
function isNews(last: Map<string, string>, symbol: string, signal: string): boolean {
  const isSame = last.get(symbol) === signal;
  if (last.size < maxEvents || last.has(symbol)) {
    last.set(symbol, signal);
  }
  return !isSame;
}

function named(symbol: string): string {
  return symbol.slice(0, maxNameLength);
}

function incident(row: IncidentRow): DashboardIncident {
  return {
    key: row.incident_key,
    severity: row.severity,
    subject: row.subject_name,
    title: row.cause === null ? 'Not diagnosed yet' : causeTitles[row.cause],
    message: row.message.slice(0, maxTextLength),
    since: row.since,
    until: row.until,
  };
}
