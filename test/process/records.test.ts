import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { Records } from '../../src/monitor/records';
import { pathsBelow, statusRecordOf } from '../support/statusRecords';

describe('the records on a disk that is full', () => {
  it('keep the old text whole, say so, and leave nothing half-written', async () => {
    const root = mkdtempSync(join(tmpdir(), 'robo-full-'));
    try {
      const paths = pathsBelow(root);
      const old = new Records(paths);
      old.writeStatus(statusRecordOf({ message: 'old' }));
      old.writeAlert('old');
      // A file of this process may have 2 KiB; what is longer is cut and then refused, as by a
      // disk that fills up in the middle of a write.
      const { stdout } = await promisify(execFile)(
        'sh',
        [
          ...['-c', 'trap "" XFSZ; ulimit -f 4; exec "$0" "$@"', process.execPath],
          ...['--import', pathToFileURL(require.resolve('tsx')).href],
          ...[join(__dirname, '..', 'support', 'recordsHost.ts'), root],
        ],
        { timeout: 15_000, env: { PATH: process.env['PATH'], TSX_DISABLE_CACHE: '1' } },
      );
      const { problem } = JSON.parse(stdout) as { problem: string | null };
      assert.match(problem ?? '', /cannot be written \(EFBIG\); free some space/);
      const status = JSON.parse(readFileSync(paths.status, 'utf8')) as { message: string };
      assert.equal(status.message, 'old');
      assert.equal(readFileSync(paths.alert, 'utf8'), 'old');
      assert.deepEqual(readdirSync(paths.directory).sort(), [
        'IBKR_CONNECTION_CRITICAL.txt',
        'ibkr_monitor_status.json',
      ]);
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  });
});
