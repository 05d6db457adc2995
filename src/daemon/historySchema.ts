import type { TableRow } from './historyRows';

/** Each step brings `robo.db` from the schema of its index to the next one. Never change a step. */
export const migrations: readonly string[] = [
  `
  CREATE TABLE watches (
    id INTEGER PRIMARY KEY,
    pid INTEGER NOT NULL,
    version TEXT NOT NULL,
    started_at TEXT NOT NULL,
    last_seen_at TEXT NOT NULL,
    ended_at TEXT,
    why TEXT,
    UNIQUE (started_at, pid)
  ) STRICT;
  CREATE TABLE health (
    id INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    was TEXT,
    health TEXT NOT NULL,
    layer TEXT,
    reason TEXT NOT NULL
  ) STRICT;
  CREATE INDEX health_at ON health (at);
  CREATE TABLE incidents (
    id INTEGER PRIMARY KEY,
    incident_key TEXT NOT NULL UNIQUE,
    subject_kind TEXT NOT NULL,
    subject_name TEXT,
    severity TEXT NOT NULL,
    cause TEXT,
    layer TEXT,
    message TEXT NOT NULL,
    since TEXT NOT NULL,
    until TEXT,
    ending TEXT,
    duration_ms INTEGER,
    unwatched_ms INTEGER NOT NULL,
    notified_at TEXT,
    findings TEXT NOT NULL
  ) STRICT;
  CREATE TABLE runs (
    id INTEGER PRIMARY KEY,
    workspace TEXT NOT NULL,
    started_at TEXT NOT NULL,
    pid INTEGER,
    command TEXT NOT NULL,
    symbols TEXT NOT NULL,
    bypass_reason TEXT,
    cycles INTEGER NOT NULL,
    last_cycle_at TEXT,
    signals_left_out INTEGER NOT NULL,
    ended_at TEXT,
    how TEXT,
    exit_code INTEGER,
    exit_signal TEXT,
    last_lines TEXT,
    UNIQUE (workspace, started_at)
  ) STRICT;
  CREATE TABLE signals (
    id INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    workspace TEXT NOT NULL,
    symbol TEXT NOT NULL,
    signal TEXT NOT NULL,
    price REAL
  ) STRICT;
  -- A daemon that takes over after a kill reads some seconds of output again.
  CREATE UNIQUE INDEX signals_once ON signals (at, symbol, signal, ifnull(price, ''), workspace);
  `,
];

const columns = {
  watches: ['pid', 'version', 'started_at', 'last_seen_at', 'ended_at', 'why'],
  health: ['at', 'was', 'health', 'layer', 'reason'],
  incidents: [
    ...['incident_key', 'subject_kind', 'subject_name', 'severity', 'cause', 'layer', 'message'],
    ...['since', 'until', 'ending', 'duration_ms', 'unwatched_ms', 'notified_at', 'findings'],
  ],
  runs: [
    ...['workspace', 'started_at', 'pid', 'command', 'symbols', 'bypass_reason', 'cycles'],
    ...['last_cycle_at', 'signals_left_out', 'ended_at', 'how', 'exit_code', 'exit_signal'],
    'last_lines',
  ],
  signals: ['at', 'workspace', 'symbol', 'signal', 'price'],
} as const satisfies Record<TableRow['table'], readonly string[]>;

/** One statement a table. What has a key replaces what stood under it, so that none is twice. */
export const upserts: Readonly<Record<TableRow['table'], string>> = {
  watches: upsert('watches', ['started_at', 'pid']),
  health: insert('health'),
  incidents: upsert('incidents', ['incident_key']),
  runs: upsert('runs', ['workspace', 'started_at']),
  signals: insert('signals', ' OR IGNORE'),
};

/** All columns that a row of ours has, without a condition. */
export function select(table: TableRow['table']): string {
  return `SELECT ${columns[table].join(', ')} FROM ${table}`;
}

function insert(table: TableRow['table'], or = ''): string {
  const names = columns[table];
  return `INSERT${or} INTO ${table} (${names.join(', ')}) VALUES (${names.map((name) => `:${name}`).join(', ')})`;
}

function upsert(table: TableRow['table'], key: readonly string[]): string {
  const rest = columns[table].filter((name) => !key.includes(name));
  const set = rest.map((name) => `${name} = excluded.${name}`).join(', ');
  return `${insert(table)} ON CONFLICT (${key.join(', ')}) DO UPDATE SET ${set}`;
}

interface Limit {
  readonly table: TableRow['table'];
  /** The time that its age is told by; null while the row is not finished, which keeps it. */
  readonly ageColumn: string;
  readonly keepMs: number;
  readonly keepRows: number;
}

const dayMs = 86_400_000;
/** A year, and some weeks to compare it with the one before. */
const longMs = 400 * dayMs;

/**
 * How much is kept. The numbers of rows are for bad times (a connection that flaps every second,
 * a runner that signals without end) and hold the file below about 100 MB whatever comes; an
 * ordinary year is a few MB. Signals are the bulk: a quarter of them, 200,000 at most (30 MB).
 */
export const limits: readonly Limit[] = [
  { table: 'watches', ageColumn: 'last_seen_at', keepMs: longMs, keepRows: 5000 },
  { table: 'health', ageColumn: 'at', keepMs: longMs, keepRows: 50_000 },
  { table: 'incidents', ageColumn: 'until', keepMs: longMs, keepRows: 5000 },
  { table: 'runs', ageColumn: 'ended_at', keepMs: longMs, keepRows: 5000 },
  { table: 'signals', ageColumn: 'at', keepMs: 90 * dayMs, keepRows: 200_000 },
];

/** Parameters: a time before which rows go, how many at most. */
export function pruneByAge(table: TableRow['table'], ageColumn: string): string {
  return `DELETE FROM ${table} WHERE id IN (SELECT id FROM ${table} WHERE ${ageColumn} < ? LIMIT ?)`;
}

/** Parameter: how many at most. Row numbers only grow, so the newest one tells the count. */
export function pruneByCount({ table, ageColumn, keepRows }: Limit): string {
  const oldest = `SELECT id FROM ${table} WHERE id <= (SELECT max(id) FROM ${table}) - ${keepRows} AND ${ageColumn} IS NOT NULL ORDER BY id LIMIT ?`;
  return `DELETE FROM ${table} WHERE id IN (${oldest})`;
}
