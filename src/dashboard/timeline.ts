import type { DashboardIncident, HealthChange } from '../diagnostics/dashboard';
import type { Health } from '../diagnostics/status';

/** A time in which the health was one and the same; in milliseconds since the epoch. */
export interface Band {
  readonly health: Health;
  readonly fromMs: number;
  readonly untilMs: number;
  readonly reason: string;
}

/** An incident in a row of its own where others overlap it; rows count from 0. */
export interface PlacedIncident {
  readonly incident: DashboardIncident;
  readonly row: number;
  readonly fromMs: number;
  readonly untilMs: number;
}

/**
 * The bands between two times; where nothing is known, the health is unknown.
 * @param unwatched why, in one sentence
 */
export function bands(
  changes: readonly HealthChange[],
  [fromMs, untilMs]: readonly [number, number],
  unwatched: string,
): readonly Band[] {
  const sorted = changes
    .map(({ at, health, reason }) => ({ atMs: Date.parse(at), health, reason }))
    .filter(({ atMs }) => atMs < untilMs)
    .sort((a, b) => a.atMs - b.atMs);
  const first = sorted[0];
  const start: readonly Band[] =
    first === undefined || first.atMs > fromMs
      ? [
          {
            health: 'unknown',
            fromMs,
            untilMs: first?.atMs ?? untilMs,
            reason: unwatched,
          },
        ]
      : [];
  const rest = sorted.map(({ atMs, health, reason }, index): Band => {
    const endMs = sorted[index + 1]?.atMs ?? untilMs;
    return { health, fromMs: Math.max(fromMs, atMs), untilMs: endMs, reason };
  });
  return [...start, ...rest].filter((band) => band.untilMs > band.fromMs);
}

/** Puts each incident into the first row that is free then; what finds none shares the last one. */
export function placeIncidents(
  incidents: readonly DashboardIncident[],
  [fromMs, untilMs]: readonly [number, number],
  rows: number,
): readonly PlacedIncident[] {
  const freeFrom: number[] = Array.from({ length: rows }, () => Number.NEGATIVE_INFINITY);
  return [...incidents]
    .sort((a, b) => Date.parse(a.since) - Date.parse(b.since))
    .flatMap((incident) => {
      const begin = Math.max(fromMs, Date.parse(incident.since));
      const end = Math.min(untilMs, incident.until === null ? untilMs : Date.parse(incident.until));
      if (!(end >= fromMs && begin <= untilMs)) {
        return [];
      }
      const free = freeFrom.findIndex((atMs) => atMs <= begin);
      const row = free === -1 ? rows - 1 : free;
      freeFrom[row] = Math.max(freeFrom[row] ?? begin, end);
      return [{ incident, row, fromMs: begin, untilMs: Math.max(begin, end) }];
    });
}

const hourMs = 3_600_000;

/**
 * Full hours to write below, as many as there is room for.
 * @param offsetMs from UTC to the reader's clock, so that the hours are full ones there
 */
export function ticks(
  [fromMs, untilMs]: readonly [number, number],
  room: number,
  offsetMs: number,
): readonly number[] {
  const steps = [1, 2, 3, 4, 6, 8, 12, 24].map((hours) => hours * hourMs);
  const step = steps.find((each) => (untilMs - fromMs) / each <= room) ?? 24 * hourMs;
  const first = Math.ceil((fromMs + offsetMs) / step) * step - offsetMs;
  return Array.from({ length: 30 }, (_, index) => first + index * step).filter(
    (atMs) => atMs <= untilMs,
  );
}
