import { closeSync, constants, lstatSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { isoTime } from '../core/clock';
import { errorText, HumanError } from '../core/errors';
import { type Book, type BookEntry, compacted, equityOf, ImpossibleEntry, replay } from './book';
import type { BookKeeper } from './paperBook';

/** Raised when the tables change; a newer one is left alone. */
const schemaVersion = 1;

/**
 * `journal` is the book; the other tables are computed from it in the same transaction, for those
 * who read. Amounts are millionths of a dollar (see money.ts), times ISO 8601.
 */
const schema = `
CREATE TABLE journal (seq INTEGER PRIMARY KEY, at TEXT NOT NULL, kind TEXT NOT NULL,
  entry TEXT NOT NULL) STRICT;
CREATE TABLE book (id INTEGER PRIMARY KEY CHECK (id = 1), at TEXT NOT NULL,
  cash INTEGER NOT NULL, realised INTEGER NOT NULL, equity INTEGER NOT NULL) STRICT;
CREATE TABLE positions (symbol TEXT PRIMARY KEY, quantity INTEGER NOT NULL,
  cost INTEGER NOT NULL, opened_at TEXT NOT NULL) STRICT;
CREATE TABLE fills (seq INTEGER PRIMARY KEY, at TEXT NOT NULL, symbol TEXT NOT NULL,
  side TEXT NOT NULL, quantity INTEGER NOT NULL, price INTEGER NOT NULL, bar_at TEXT NOT NULL,
  reason TEXT NOT NULL) STRICT;
CREATE TABLE equity (id INTEGER PRIMARY KEY, at TEXT NOT NULL, cash INTEGER NOT NULL,
  equity INTEGER NOT NULL, positions INTEGER NOT NULL) STRICT;
PRAGMA user_version = ${schemaVersion};`;

/** Prices make the journal grow; beyond this many entries those that are replaced are left out. */
const maxReplacedEntries = 2000;
/** Rows of `equity` that are kept: three months of cycles every 15 s. */
const keptEquityRows = 100_000;

/** A busy database belongs to another runner; SQLite's own code. */
const busyCode = 5;

interface OpenBook {
  readonly database: DatabaseSync;
  /** Holds the lock file as long as it is open. */
  readonly lock: DatabaseSync;
  readonly insert: Readonly<
    Record<'journal' | 'book' | 'position' | 'fill' | 'equity', StatementSync>
  >;
}

/**
 * `paper.db`. One writer: a second one is refused by an exclusive transaction on a lock file
 * beside it, which the system releases when its holder dies; readers are never kept out. Each
 * `commit` is one transaction that is on the disk when it returns, so that a kill or a power cut at
 * any moment leaves a whole journal, and tables that agree with it.
 */
export class BookStore implements BookKeeper {
  private seq: number;
  private replaced: number;
  private lastEquity: number | undefined;

  private constructor(
    private readonly open: OpenBook,
    /** As it is on the disk. */
    private current: Book,
    journal: readonly BookEntry[],
  ) {
    this.seq = lastSeq(open.database);
    this.replaced = journal.filter(isReplaceable).length;
  }

  get book(): Book {
    return this.current;
  }

  /**
   * Opens the book of a file, or begins one.
   * @param opening what a new book begins with
   * @throws HumanError where another runner writes it, it disagrees with its own journal, or the
   *   file cannot be used
   */
  static open(file: string, opening: Extract<BookEntry, { kind: 'opened' }>): BookStore {
    const opened: DatabaseSync[] = [];
    try {
      preparePlace(file);
      const lock = takeLock(`${file}.lock`, file);
      opened.push(lock);
      const database = openDatabase(file);
      opened.push(database);
      const journal = readJournal(database);
      const book = replay(journal);
      const store = new BookStore({ database, lock, insert: inserts(database) }, book, journal);
      if (journal.length === 0) {
        store.commit([opening], replay([opening]));
      } else {
        verify(database, book);
      }
      return store;
    } catch (error) {
      opened.forEach((each) => {
        each.close();
      });
      throw error instanceof HumanError ? error : unusable(file, error);
    }
  }

  /** Every entry that the file holds, oldest first. */
  journal(): readonly BookEntry[] {
    return readJournal(this.open.database);
  }

  /**
   * Writes entries and the book after them, all or nothing.
   * @throws when the disk does not take it; then nothing has changed
   */
  commit(entries: readonly BookEntry[], after: Book): void {
    const { insert } = this.open;
    const at = isoTime(entries.at(-1)?.atMs ?? 0);
    const equity = equityOf(after);
    const isMoney = entries.some((entry) => !isReplaceable(entry));
    this.seq = this.transact(() => {
      const seq = this.write(entries, this.seq);
      if (isMoney) {
        this.writePositions(after);
      }
      insert.book.run(at, after.cash, after.realised, equity);
      if (equity !== this.lastEquity) {
        insert.equity.run(at, after.cash, equity, after.positions.size);
      }
      return seq;
    });
    this.current = after;
    this.lastEquity = equity;
    this.replaced += entries.filter(isReplaceable).length;
    if (this.replaced > maxReplacedEntries) {
      this.compact(entries.at(-1)?.atMs ?? 0);
    }
  }

  /** Ends the writing; the next writer may begin. */
  close(): void {
    this.open.database.close();
    this.open.lock.close();
  }

  private compact(atMs: number): void {
    const { database } = this.open;
    const kept = compacted(readJournal(database), this.current, atMs).filter(isReplaceable);
    try {
      this.seq = this.transact(() => {
        database.exec(`DELETE FROM journal WHERE kind IN ('marked', 'day');
          DELETE FROM equity WHERE id <= (SELECT max(id) FROM equity) - ${keptEquityRows}`);
        return this.write(kept, this.seq);
      });
      this.replaced = kept.length;
    } catch {
      // A journal that is longer than it need be is no fault; the next commit tries again.
    }
  }

  /** @returns the number of the last entry */
  private write(entries: readonly BookEntry[], from: number): number {
    const { insert } = this.open;
    let seq = from;
    for (const entry of entries) {
      seq += 1;
      const at = isoTime(entry.atMs);
      insert.journal.run(seq, at, entry.kind, JSON.stringify(entry));
      if (entry.kind === 'filled') {
        const { symbol, side, quantity, price, barAtMs, reason } = entry;
        insert.fill.run(seq, at, symbol, side, quantity, price, isoTime(barAtMs), reason);
      }
    }
    return seq;
  }

  private writePositions({ positions }: Book): void {
    this.open.database.exec('DELETE FROM positions');
    for (const [symbol, { quantity, cost, openedAtMs }] of positions) {
      this.open.insert.position.run(symbol, quantity, cost, isoTime(openedAtMs));
    }
  }

  private transact<T>(work: () => T): T {
    const { database } = this.open;
    database.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      database.exec('COMMIT');
      return result;
    } catch (error) {
      rollBack(database);
      throw error;
    }
  }
}

/** Prices and days are worth nothing once newer ones are there. */
function isReplaceable({ kind }: BookEntry): boolean {
  return kind === 'marked' || kind === 'day';
}

/** A folder and a file of our own, closed to others; never through a link. */
function preparePlace(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  for (const each of [file, `${file}.lock`]) {
    const stats = lstatSync(each, { throwIfNoEntry: false });
    if (stats === undefined) {
      closeSync(openSync(each, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600));
    } else if (!stats.isFile()) {
      throw new HumanError(
        `${each} is a link or no file, and the paper book is written through none; remove it, or choose another file with --paper-db.`,
      );
    }
  }
}

function takeLock(lockFile: string, file: string): DatabaseSync {
  const lock = new DatabaseSync(lockFile);
  try {
    lock.exec('PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    lock.close();
    if (resultCode(error) !== busyCode) {
      throw error;
    }
    throw new HumanError(
      `The paper book ${file} is in use by another runner; stop that one first (robo ps shows it), or give this one its own book with --paper-db.`,
    );
  }
}

function openDatabase(file: string): DatabaseSync {
  const database = new DatabaseSync(file);
  try {
    // A reader's lock is short; a fill may wait for it.
    database.exec('PRAGMA busy_timeout = 1000');
    const version = Number(database.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
    if (version > schemaVersion) {
      throw new HumanError(
        `The paper book ${file} was written by a newer Robo (schema ${version}, this one knows ${schemaVersion}); update Robo, or choose another file with --paper-db.`,
      );
    }
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
    database.exec(`PRAGMA journal_size_limit = ${4 * 1024 * 1024}`);
    if (version === 0) {
      database.exec(`BEGIN IMMEDIATE; ${schema} COMMIT`);
    }
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function inserts(database: DatabaseSync): OpenBook['insert'] {
  return {
    journal: database.prepare('INSERT INTO journal VALUES (?, ?, ?, ?)'),
    book: database.prepare('INSERT OR REPLACE INTO book VALUES (1, ?, ?, ?, ?)'),
    position: database.prepare('INSERT INTO positions VALUES (?, ?, ?, ?)'),
    fill: database.prepare('INSERT INTO fills VALUES (?, ?, ?, ?, ?, ?, ?, ?)'),
    equity: database.prepare(
      'INSERT INTO equity (at, cash, equity, positions) VALUES (?, ?, ?, ?)',
    ),
  };
}

function readJournal(database: DatabaseSync): readonly BookEntry[] {
  return database
    .prepare('SELECT entry FROM journal ORDER BY seq')
    .all()
    .map(({ entry }) => JSON.parse(String(entry)) as BookEntry);
}

function lastSeq(database: DatabaseSync): number {
  return Number(database.prepare('SELECT max(seq) AS seq FROM journal').get()?.['seq'] ?? 0);
}

/** @throws ImpossibleEntry where the tables say something else than the journal */
function verify(database: DatabaseSync, book: Book): void {
  const row = database.prepare('SELECT cash, realised, equity FROM book').get();
  const positions = database.prepare('SELECT * FROM positions').all();
  const isEqual =
    row?.['cash'] === book.cash &&
    row['realised'] === book.realised &&
    row['equity'] === equityOf(book) &&
    positions.length === book.positions.size &&
    positions.every(({ symbol, quantity, cost }) => {
      const held = book.positions.get(String(symbol));
      return held?.quantity === quantity && held?.cost === cost;
    });
  if (!isEqual) {
    throw new ImpossibleEntry('its tables say something else than its journal');
  }
}

function unusable(file: string, error: unknown): HumanError {
  const why =
    error instanceof ImpossibleEntry || error instanceof SyntaxError
      ? `does not agree with its own journal (${error.message}), so that what it holds is not known`
      : `cannot be used (${errorText(error)})`;
  return new HumanError(
    `The paper book ${file} ${why}; move it away to begin a new one, or choose another file with --paper-db.`,
  );
}

function rollBack(database: DatabaseSync): void {
  try {
    database.exec('ROLLBACK');
  } catch {
    // SQLite has rolled back by itself, as it does on a full disk.
  }
}

function resultCode(error: unknown): number | undefined {
  const code = (error as { readonly errcode?: unknown } | null)?.errcode;
  return typeof code === 'number' ? code & 0xff : undefined;
}
