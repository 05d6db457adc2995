import { existsSync } from 'node:fs';
import { errorText } from '../core/errors';
import { known, type Observed, unknown } from '../core/observed';
import {
  type HealthRow,
  type IncidentRow,
  type RunRow,
  schemaVersion,
  type SignalRow,
} from './historyRows';
import { select } from './historySchema';

/**
 * The newest incidents of a `robo.db`, newest first, read beside the daemon that writes it. Known
 * and empty where there is no database yet.
 */
export async function readIncidents(
  file: string,
  count: number,
): Promise<Observed<readonly IncidentRow[]>> {
  const rows = await readRows(file, `${select('incidents')} ORDER BY id DESC LIMIT ?`, count);
  return rows as Observed<readonly IncidentRow[]>;
}

/** The runs of a `robo.db` that nobody has seen end, oldest first. */
export async function readOpenRuns(file: string): Promise<Observed<readonly RunRow[]>> {
  const query = `${select('runs')} WHERE ended_at IS NULL ORDER BY id LIMIT ?`;
  return (await readRows(file, query, maxOpenRuns)) as Observed<readonly RunRow[]>;
}

/** The newest runs of a `robo.db`, newest first. */
export async function readRuns(file: string, count: number): Promise<Observed<readonly RunRow[]>> {
  const query = `${select('runs')} ORDER BY id DESC LIMIT ?`;
  return (await readRows(file, query, count)) as Observed<readonly RunRow[]>;
}

/** What a `robo.db` knows since a time, oldest first. */
export interface RecordedPast {
  /** The one that held at the time comes first. */
  readonly health: readonly HealthRow[];
  readonly incidents: readonly IncidentRow[];
  readonly signals: readonly SignalRow[];
}

/** Reads what happened since `from` (ISO 8601 in UTC), the newest of each kind up to a bound. */
export async function readPast(file: string, from: string): Promise<Observed<RecordedPast>> {
  const before = 'coalesce((SELECT max(id) FROM health WHERE at < ?), 0)';
  const queries = [
    [`${select('health')} WHERE id >= ${before} ORDER BY id DESC LIMIT ?`, 2000],
    [`${select('incidents')} WHERE coalesce(until, '9') >= ? ORDER BY id DESC LIMIT ?`, 200],
    [`${select('signals')} WHERE at >= ? ORDER BY id DESC LIMIT ?`, 5000],
  ] as const;
  const rows: (readonly unknown[])[] = [];
  for (const [query, count] of queries) {
    const read = await readRows(file, query, from, count);
    if (!read.known) {
      return read;
    }
    rows.push(read.value.toReversed());
  }
  const [health, incidents, signals] = rows;
  return known({ health, incidents, signals } as RecordedPast);
}

/** More workspaces nobody has at one endpoint. */
const maxOpenRuns = 100;

async function readRows(
  file: string,
  query: string,
  ...bound: readonly (string | number)[]
): Promise<Observed<readonly unknown[]>> {
  if (!existsSync(file)) {
    return known([]);
  }
  let sqlite;
  try {
    // Not at the top: the command line also runs on a Node.js that has none.
    sqlite = await import('node:sqlite');
  } catch {
    return unknown(
      `this Node.js (${process.versions.node}) has no SQLite; run robo with Node.js 22.13 or newer`,
    );
  }
  try {
    const database = new sqlite.DatabaseSync(file, { readOnly: true });
    try {
      // After a kill one process puts the file in order, and the others wait.
      database.exec('PRAGMA busy_timeout = 1000');
      const schema = Number(database.prepare('PRAGMA user_version').get()?.['user_version']);
      if (schema === 0) {
        // Made this moment: its tables come with the first transaction.
        return known([]);
      }
      if (schema > schemaVersion) {
        return unknown(
          `${file} was written by a newer Robo (schema ${schema}, this one knows ${schemaVersion})`,
        );
      }
      return known(database.prepare(query).all(...bound));
    } finally {
      database.close();
    }
  } catch (error) {
    return unknown(`${file} cannot be read (${errorText(error)})`);
  }
}
