import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DrillReport, readLastDrill, writeLastDrill } from '../../src/monitor/drillRecord';
import { pathsBelow } from '../support/statusRecords';

const report: DrillReport = {
  schema: 1,
  ok: false,
  startedAt: '2026-11-22T12:00:00.000Z',
  durationMs: 51_000,
  held: 1,
  total: 2,
  known: 48,
  timings: { livenessIntervalMs: 1000, refuseAfterMs: 5000 },
  faults: [
    { fault: 'drop', held: true, durationMs: 1, why: 'So.', checks: [] },
    { fault: 'refused', held: false, durationMs: 1, why: 'So.', checks: [] },
  ],
};

describe('the record of the last rehearsal', () => {
  let root: string;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'robo-last-'));
  });

  afterEach(() => {
    rmSync(root, { recursive: true, force: true });
  });

  it('keeps when it was, how many held, and which did not', () => {
    const paths = pathsBelow(root);
    assert.equal(readLastDrill(paths), undefined);
    writeLastDrill(paths, report);
    assert.deepEqual(readLastDrill(paths), {
      schema: 1,
      at: report.startedAt,
      durationMs: 51_000,
      held: 1,
      total: 2,
      known: 48,
      notHeld: ['refused'],
    });
    assert.deepEqual(readdirSync(paths.directory), ['drill.json']);
  });

  it('is replaced as a whole, and a link in its place is not followed', () => {
    const paths = pathsBelow(root);
    writeLastDrill(paths, report);
    rmSync(paths.drill);
    const elsewhere = join(root, 'elsewhere');
    writeFileSync(elsewhere, 'mine');
    symlinkSync(elsewhere, paths.drill);
    writeLastDrill(paths, { ...report, held: 2 });
    assert.equal(readLastDrill(paths)?.held, 2);
    rmSync(paths.drill);
    assert.equal(readLastDrill(paths), undefined);
  });

  it('is nothing where it is no such record', () => {
    const paths = pathsBelow(root);
    writeLastDrill(paths, report);
    for (const text of ['', '{}', '{"schema":2}', '[]', '{"schema":1,"at":"yesterday"}']) {
      writeFileSync(paths.drill, text);
      assert.equal(readLastDrill(paths), undefined, text);
    }
  });
});
