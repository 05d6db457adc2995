import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { isoTime } from '../../src/core/clock';
import { known } from '../../src/core/observed';
import { Daemon } from '../../src/daemon/daemon';
import { daemonPaths } from '../../src/daemon/launcher';
import type { StatusRecord } from '../../src/diagnostics/status';
import type { Machine } from '../../src/host/machine';
import { FakeClock } from '../support/fakeClock';

/** A machine on which nothing runs and nobody listens: nothing is dialled either. */
const emptyMachine: Machine = {
  platform: 'linux',
  processes: () => Promise.resolve(known([])),
  process: () => Promise.resolve(known(undefined)),
  sockets: () => Promise.resolve(known([])),
  listeners: () => Promise.resolve(known([])),
  twsFiles: () => Promise.resolve(known({ settings: [], logs: [] })),
};

describe('the records of a daemon', () => {
  let stateDirectory: string;
  let clock: FakeClock;
  let daemon: Daemon;
  let file: string;

  const record = (): StatusRecord => JSON.parse(readFileSync(file, 'utf8')) as StatusRecord;

  beforeEach(async () => {
    stateDirectory = mkdtempSync(join(tmpdir(), 'robo-records-'));
    clock = new FakeClock();
    const endpoint = { host: '127.0.0.1', port: 7497 };
    const paths = daemonPaths({ stateDirectory, endpoint });
    file = paths.status;
    daemon = new Daemon(
      {
        endpoint,
        clientId: 9000,
        stateDirectory,
        runnerScript: '',
        livenessIntervalMs: 30_000,
        isService: true,
      },
      paths,
      { clock, machine: emptyMachine, random: () => 0 },
    );
    daemon.watch();
    await clock.advance(2000);
  });

  afterEach(() => {
    daemon.dispose();
    rmSync(stateDirectory, { recursive: true, force: true });
  });

  it('stay young while nothing changes, so that nobody takes the monitor for dead', async () => {
    assert.equal(record().health, 'down');
    await clock.advance(3_600_000);
    const ageMs = clock.now() - Date.parse(record().timestamp);
    assert.ok(ageMs <= 30_000, `${ageMs} ms old at ${isoTime(clock.now())}`);
  });

  it('that cannot be written are a finding, until they can', async () => {
    const folder = dirname(file);
    rmSync(folder, { recursive: true });
    writeFileSync(folder, 'somebody put a file here');
    await clock.advance(61_000);
    const ours = daemon.status().findings.find(({ subject }) => subject.name === 'robo');
    assert.equal(ours?.guide, 'records_unwritable');
    assert.equal(ours.severity, 'warning');
    assert.match(ours.message, /--state-dir/);
    rmSync(folder);
    await clock.advance(61_000);
    assert.equal(
      daemon.status().findings.some(({ subject }) => subject.name === 'robo'),
      false,
    );
    assert.equal(
      record().findings.some(({ subject }) => subject.name === 'robo'),
      false,
    );
  });

  it('hold the whole list of watched runners when the watch has ended', async () => {
    // Each is a write of its own, one behind the other; the last one counts.
    let isWritten = false;
    const asked = Array.from({ length: 300 }, async () => daemon.unwatchRunner(4711));
    void Promise.all(asked).then(() => {
      isWritten = true;
    });
    await daemon.end('the test is over');
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    assert.equal(isWritten, true);
    const list = readFileSync(join(dirname(file), 'external.json'), 'utf8');
    assert.deepEqual(JSON.parse(list), { schema: 1, watched: [] });
  });

  it('end with the watch, whatever was about to be written', async () => {
    daemon.reconnect();
    await daemon.end('the test is over');
    await clock.advance(60_000);
    assert.match(record().message, /^Not watched since .*: the test is over\.$/);
    assert.equal(clock.pending, 0);
  });
});
