import assert from 'node:assert/strict';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { maxDiskMb, maxGrownMiB, SupervisorLoad } from '../support/supervisorLoad';

/** The short form of bench/supervisor.ts. */
describe('supervisor under load', function () {
  this.timeout(60_000);
  let folder: string;
  let load: SupervisorLoad;

  before(function () {
    if (process.platform === 'win32') {
      this.skip();
    }
  });
  beforeEach(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'robo-load-')));
    load = new SupervisorLoad(folder);
  });
  afterEach(async () => {
    await load.end();
    rmSync(folder, { recursive: true, force: true });
  });

  it('leaves no process, handle or file behind', async () => {
    await load.startAndStop(10);
    const before = await load.held();
    await load.startAndStop(20);
    assert.deepEqual(await load.settled(before), before);
  });

  it('neither holds up a flood nor grows with it, in memory or on disk', async () => {
    const flood = await load.flood(100, 2);
    assert.equal(flood.megabytes, 200);
    assert.ok(flood.tookMs < 8000, `it took ${flood.tookMs} ms`);
    assert.ok(flood.diskPeakMb <= maxDiskMb, `${flood.diskPeakMb} MB on disk`);
    assert.ok(flood.grownMiB <= maxGrownMiB, `${flood.grownMiB} MiB more memory`);
  });
});
