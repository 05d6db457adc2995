// Writes incidents and signals into the database of argv without end, three rows that belong
// together a transaction, and prints the number of each transaction after it. With `full` as the
// second argument it writes long rows until the disk (or `ulimit`) refuses, and prints why.
import { isoTime } from '../../src/core/clock';
import { errorText } from '../../src/core/errors';
import { HistoryFile } from '../../src/daemon/historyFile';
import { printSync } from './printSync';

const [path = '', mode = 'forever'] = process.argv.slice(2);
const file = new HistoryFile(path);
file.connect();

function write(count: number, reason: string): void {
  const at = isoTime(Date.parse('2026-11-20T15:00:00Z') + count);
  const signal = { at, workspace: '/ws', symbol: 'AAPL', price: count } as const;
  file.write([
    { table: 'health', row: { at, was: null, health: 'down', layer: null, reason } },
    { table: 'signals', row: { ...signal, signal: 'buy' } },
    { table: 'signals', row: { ...signal, signal: 'sell' } },
  ]);
}

if (mode === 'full') {
  let problem = '';
  for (let count = 0; count < 10_000 && problem === ''; count += 1) {
    try {
      write(count, 'x'.repeat(10_000));
    } catch (error) {
      problem = errorText(error);
    }
  }
  process.stdout.write(JSON.stringify({ problem }));
  file.close();
} else {
  for (let count = 0; ; count += 1) {
    write(count, `transaction ${count}`);
    printSync(`${count}\n`);
  }
}
