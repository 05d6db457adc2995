import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { errorText } from '../core/errors';
import { known, type Observed, unknown } from '../core/observed';
import { workspaceFolderName } from '../core/paths';
import type { DashboardFill, Sample } from '../diagnostics/dashboard';
import { toDollars } from '../trading/money';

/** What the built-in runner's paper book of one workspace tells, oldest first. */
export interface PaperPast {
  readonly fills: readonly DashboardFill[];
  /** In dollars. */
  readonly equity: readonly Sample[];
}

/** The newest schema of `paper.db` whose tables are known here. */
const knownSchema = 1;
const maxFills = 1000;
const maxEquityRows = 20_000;

const nothing: PaperPast = { fills: [], equity: [] };

/**
 * Reads a workspace's paper book beside the runner that writes it. Known and empty where there is
 * none.
 * @param runners the folder with one folder a workspace
 * @param from ISO 8601 in UTC
 */
export async function readPaperPast(
  runners: string,
  workspace: string,
  from: string,
): Promise<Observed<PaperPast>> {
  const file = join(runners, workspaceFolderName(workspace), 'paper.db');
  if (!existsSync(file)) {
    return known(nothing);
  }
  try {
    const { DatabaseSync } = await import('node:sqlite');
    const database = new DatabaseSync(file, { readOnly: true });
    try {
      database.exec('PRAGMA busy_timeout = 200');
      const schema = Number(database.prepare('PRAGMA user_version').get()?.['user_version']);
      if (schema > knownSchema) {
        return unknown(`${file} was written by a newer Robo (schema ${schema})`);
      }
      if (schema === 0) {
        // Made this moment; its tables come with the first transaction.
        return known(nothing);
      }
      const newest = (table: string, key: string, columns: string): string =>
        `SELECT ${columns} FROM ${table} WHERE at >= ? ORDER BY ${key} DESC LIMIT ?`;
      const fills = database
        .prepare(newest('fills', 'seq', 'at, symbol, side, quantity, price'))
        .all(from, maxFills);
      const equity = database
        .prepare(newest('equity', 'id', 'at, equity'))
        .all(from, maxEquityRows);
      return known({
        fills: fills.toReversed().map(fill),
        equity: equity.toReversed().map(sample),
      });
    } finally {
      database.close();
    }
  } catch (error) {
    return unknown(`${file} cannot be read (${errorText(error)})`);
  }
}

type Row = Readonly<Record<string, unknown>>;

function fill(row: Row): DashboardFill {
  return {
    at: String(row['at']),
    symbol: String(row['symbol']),
    side: row['side'] === 'sell' ? 'sell' : 'buy',
    quantity: Number(row['quantity']),
    price: toDollars(Number(row['price'])),
  };
}

function sample(row: Row): Sample {
  return [Date.parse(String(row['at'])), toDollars(Number(row['equity']))];
}
