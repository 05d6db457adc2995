import { existsSync } from 'node:fs';
import { errorText } from '../core/errors';
import { known, type Observed, unknown } from '../core/observed';
import { type IncidentRow, schemaVersion } from './historyRows';
import { select } from './historySchema';

/**
 * The newest incidents of a `robo.db`, newest first, read beside the daemon that writes it. Known
 * and empty where there is no database yet.
 */
export async function readIncidents(
  file: string,
  count: number,
): Promise<Observed<readonly IncidentRow[]>> {
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
      const rows = database.prepare(`${select('incidents')} ORDER BY id DESC LIMIT ?`).all(count);
      return known(rows as unknown as readonly IncidentRow[]);
    } finally {
      database.close();
    }
  } catch (error) {
    return unknown(`${file} cannot be read (${errorText(error)})`);
  }
}
