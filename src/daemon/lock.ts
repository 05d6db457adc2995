import { DatabaseSync } from 'node:sqlite';

/** Held until `release` or until the process dies; the system frees it then. */
export interface EndpointLock {
  release(): void;
}

/**
 * Takes the lock of one endpoint: an exclusive SQLite transaction on its lock file. Binding the
 * socket alone is no lock: with a stale socket file two of four simultaneous starters became owners.
 * @returns undefined when another process holds it.
 * @throws when the file cannot be opened or written.
 */
export function takeLock(file: string): EndpointLock | undefined {
  const database = new DatabaseSync(file);
  try {
    database.exec('PRAGMA busy_timeout = 0; PRAGMA journal_mode = DELETE;');
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (isBusy(error)) {
      return undefined;
    }
    throw error;
  }
  return {
    release: () => {
      database.close();
    },
  };
}

/** SQLITE_BUSY is 5; extended codes carry it in the low byte. */
function isBusy(error: unknown): boolean {
  return (
    typeof error === 'object' &&
    error !== null &&
    'errcode' in error &&
    typeof error.errcode === 'number' &&
    (error.errcode & 0xff) === 5
  );
}
