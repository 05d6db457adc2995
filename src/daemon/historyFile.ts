import {
  closeSync,
  constants,
  lstatSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { isoTime } from '../core/clock';
import { errorText, HumanError } from '../core/errors';
import { ensurePrivateDirectory } from '../monitor/records';
import {
  type IncidentRow,
  type LeftOpen,
  type RunRow,
  schemaVersion,
  type TableRow,
  type WatchRow,
} from './historyRows';
import { limits, migrations, pruneByAge, pruneByCount, select, upserts } from './historySchema';

/** Why the database could not be used, and what may help. */
export class HistoryFault extends Error {
  /**
   * @param kind `busy`: another process writes, soon again; `damaged`: it must be replaced;
   *   `rejected`: the rows themselves cannot be written
   */
  constructor(
    readonly kind: 'busy' | 'damaged' | 'rejected' | 'failed',
    message: string,
  ) {
    super(message);
  }
}

/** SQLite's result codes; an extended code carries them in its low byte. */
const codes = {
  busy: 5,
  locked: 6,
  corrupt: 11,
  full: 13,
  tooBig: 18,
  constraint: 19,
  mismatch: 20,
  notADatabase: 26,
} as const;

/** Damaged databases that are kept beside the good one. */
const keptAside = 3;

/** Deleted in one transaction, of each table. */
const pruneRows = 500;

interface OpenDatabase {
  readonly database: DatabaseSync;
  readonly inode: number;
  readonly upserts: Readonly<Record<TableRow['table'], StatementSync>>;
  readonly counts: readonly StatementSync[];
}

/**
 * `robo.db` on the disk. Write-ahead log: a reader in another process never waits for us nor we
 * for it, a kill at any instant leaves the last whole transaction, and a transaction costs no
 * flush to the disk, which would stop the watch for as long as a slow disk takes. (A power cut may
 * cost the newest rows, never the file.) Nothing here waits: a lock that is taken is a fault.
 */
export class HistoryFile {
  private open: OpenDatabase | undefined;

  constructor(private readonly file: string) {}

  get isOpen(): boolean {
    return this.open !== undefined;
  }

  /** True when the file that we have open is no longer the one that lies in the folder. */
  get isMoved(): boolean {
    return this.open !== undefined && inodeOf(this.file) !== this.open.inode;
  }

  /**
   * Opens the database, makes it where there is none, and brings it to our schema.
   * @throws HistoryFault
   */
  connect(): void {
    this.close();
    try {
      ensurePrivateDirectory(dirname(this.file));
      this.refuseStrangers();
      createPrivate(this.file);
      this.open = openDatabase(this.file);
    } catch (error) {
      throw this.fault(error);
    }
  }

  /** Moves a damaged database out of the way, under a dated name; a few of them are kept. */
  moveAside(nowMs: number): string {
    this.close();
    const aside = `${this.file}.damaged-${isoTime(nowMs).replace(/[-:.]/g, '')}`;
    try {
      renameSync(this.file, aside);
      for (const extra of ['-wal', '-shm', '-journal']) {
        rmSync(`${this.file}${extra}`, { force: true });
      }
      const prefix = `${basename(this.file)}.damaged-`;
      const all = readdirSync(dirname(this.file)).filter((name) => name.startsWith(prefix));
      for (const old of all.sort().slice(0, -keptAside)) {
        rmSync(join(dirname(this.file), old), { force: true });
      }
      return aside;
    } catch (error) {
      throw this.fault(error);
    }
  }

  /** What an earlier daemon has left open; undefined where this watch is in the database already. */
  leftOpen(watch: Pick<WatchRow, 'pid' | 'started_at'>): LeftOpen | undefined {
    return this.attempt(({ database }) => {
      const last = database.prepare(`${select('watches')} ORDER BY id DESC LIMIT 1`).get() as
        WatchRow | undefined;
      if (last?.pid === watch.pid && last.started_at === watch.started_at) {
        return undefined;
      }
      const incidents = database.prepare(`${select('incidents')} WHERE until IS NULL`).all();
      const runs = database.prepare(`${select('runs')} WHERE ended_at IS NULL`).all();
      return {
        lastSeenAt: last?.last_seen_at ?? null,
        wasEnded: last?.ended_at !== null,
        incidents: incidents as unknown as readonly IncidentRow[],
        runs: runs as unknown as readonly RunRow[],
      };
    });
  }

  /**
   * Writes rows in one transaction, and deletes as many of the oldest where a table is too long.
   * @throws HistoryFault; then nothing of it is written
   */
  write(rows: readonly TableRow[]): void {
    this.transact((open) => {
      for (const { table, row } of rows) {
        open.upserts[table].run(row);
      }
      for (const statement of open.counts) {
        statement.run(rows.length + pruneRows);
      }
    });
  }

  /**
   * Deletes rows that are too old, some at a time.
   * @returns true when there are more
   */
  prune(nowMs: number): boolean {
    return this.transact(({ database }) =>
      limits
        .map(({ table, ageColumn, keepMs }) => {
          const before = isoTime(nowMs - keepMs);
          const { changes } = database.prepare(pruneByAge(table, ageColumn)).run(before, pruneRows);
          return Number(changes) === pruneRows;
        })
        .includes(true),
    );
  }

  close(): void {
    try {
      this.open?.database.close();
    } finally {
      this.open = undefined;
    }
  }

  private transact<T>(work: (open: OpenDatabase) => T): T {
    return this.attempt((open) => {
      open.database.exec('BEGIN IMMEDIATE');
      try {
        const result = work(open);
        open.database.exec('COMMIT');
        return result;
      } catch (error) {
        rollBack(open.database);
        throw error;
      }
    });
  }

  private attempt<T>(work: (open: OpenDatabase) => T): T {
    if (this.open === undefined) {
      throw new HistoryFault('failed', `${this.file} is not open.`);
    }
    try {
      return work(this.open);
    } catch (error) {
      throw this.fault(error);
    }
  }

  /** Our own files only, and through no link: what lies there under another name stays whole. */
  private refuseStrangers(): void {
    for (const file of ['', '-wal', '-shm', '-journal'].map((extra) => `${this.file}${extra}`)) {
      const stats = lstatSync(file, { throwIfNoEntry: false });
      if (stats === undefined) {
        continue;
      }
      if (!stats.isFile()) {
        throw new HumanError(
          `${file} is a link or no file, and Robo writes through none; remove it.`,
        );
      }
      const userId = process.getuid?.();
      if (userId !== undefined && stats.uid !== userId) {
        throw new HumanError(`${file} belongs to another user; remove it.`);
      }
    }
  }

  private fault(error: unknown): HistoryFault {
    if (error instanceof HistoryFault) {
      return error;
    }
    if (error instanceof HumanError) {
      return new HistoryFault('failed', error.message);
    }
    const code = resultCode(error);
    const words = errorText(error);
    switch (code) {
      case codes.busy:
      case codes.locked:
        return new HistoryFault(
          'busy',
          `${this.file} is kept locked by another process; end what writes to it.`,
        );
      case codes.corrupt:
      case codes.notADatabase:
        return new HistoryFault('damaged', `${this.file} is damaged (${words}).`);
      case codes.tooBig:
      case codes.constraint:
      case codes.mismatch:
        return new HistoryFault(
          'rejected',
          `${this.file} does not take some rows (${words}), which are left out; please report this.`,
        );
      case codes.full:
        return new HistoryFault(
          'failed',
          `${this.file} cannot be written (ENOSPC: ${words}); free some space.`,
        );
      default:
        return new HistoryFault(
          'failed',
          `${this.file} cannot be written (${words}); free some space or make the directory writable.`,
        );
    }
  }
}

function openDatabase(file: string): OpenDatabase {
  const database = new DatabaseSync(file);
  try {
    // Waiting for a lock would stop the watch.
    database.exec('PRAGMA busy_timeout = 0');
    refuseNewer(database, file);
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL');
    // A log that a long reader has let grow is cut again.
    database.exec(`PRAGMA journal_size_limit = ${4 * 1024 * 1024}`);
    const check = database.prepare('PRAGMA quick_check(1)').get()?.['quick_check'];
    if (check !== 'ok') {
      throw new HistoryFault('damaged', `${file} is damaged (${String(check).slice(0, 200)}).`);
    }
    migrate(database, migrations);
    return {
      database,
      inode: statSync(file).ino,
      upserts: {
        watches: database.prepare(upserts.watches),
        health: database.prepare(upserts.health),
        incidents: database.prepare(upserts.incidents),
        runs: database.prepare(upserts.runs),
        signals: database.prepare(upserts.signals),
      },
      counts: limits.map((limit) => database.prepare(pruneByCount(limit))),
    };
  } catch (error) {
    database.close();
    throw error;
  }
}

function refuseNewer(database: DatabaseSync, file: string): void {
  const found = schemaOf(database);
  if (found > schemaVersion) {
    throw new HistoryFault(
      'failed',
      `${file} was written by a newer Robo (schema ${found}, this one knows ${schemaVersion}) and is left as it is; incidents and runs are not recorded until Robo is updated.`,
    );
  }
}

/** Brings a database to the newest schema, one whole step at a time. */
export function migrate(database: DatabaseSync, steps: readonly string[]): void {
  for (let version = schemaOf(database); version < steps.length; version += 1) {
    database.exec('BEGIN IMMEDIATE');
    try {
      database.exec(steps[version] ?? '');
      database.exec(`PRAGMA user_version = ${version + 1}`);
      database.exec('COMMIT');
    } catch (error) {
      rollBack(database);
      throw error;
    }
  }
}

function schemaOf(database: DatabaseSync): number {
  return Number(database.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
}

function rollBack(database: DatabaseSync): void {
  try {
    database.exec('ROLLBACK');
  } catch {
    // SQLite has rolled back by itself, as it does on a full disk.
  }
}

/** An empty file is an empty database; made here, it is ours alone from the start. */
function createPrivate(file: string): void {
  if (lstatSync(file, { throwIfNoEntry: false }) === undefined) {
    closeSync(openSync(file, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600));
  }
}

function inodeOf(file: string): number | undefined {
  try {
    return statSync(file, { throwIfNoEntry: false })?.ino;
  } catch {
    return undefined;
  }
}

function resultCode(error: unknown): number | undefined {
  return typeof error === 'object' &&
    error !== null &&
    'errcode' in error &&
    typeof error.errcode === 'number'
    ? error.errcode & 0xff
    : undefined;
}
