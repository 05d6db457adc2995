import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { known } from '../../src/core/observed';
import { Daemon } from '../../src/daemon/daemon';
import { daemonPaths } from '../../src/daemon/launcher';
import type { StatusRecord } from '../../src/diagnostics/status';
import { eventually } from '../support/eventually';
import { FakeClock, settle } from '../support/fakeClock';
import { fakeProcess, FakeMachine } from '../support/hostFakes';

const runner = 'python3 -m robo_trader.runner_async';

describe('a daemon that sees two runners', () => {
  let root: string;
  let clock: FakeClock;
  let machine: FakeMachine;
  let daemon: Daemon;
  let file: string;

  beforeEach(() => {
    root = realpathSync(mkdtempSync(join(tmpdir(), 'robo-two-')));
    clock = new FakeClock();
    machine = new FakeMachine();
    const endpoint = { host: '127.0.0.1', port: 7497 };
    const stateDirectory = join(root, 'state');
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
      { clock, machine, random: () => 0 },
    );
  });

  afterEach(() => {
    daemon.dispose();
    rmSync(root, { recursive: true, force: true });
  });

  /** Lets time pass in small steps: a look reads real files, which takes no fake time. */
  async function becomes(holds: () => boolean, what: string): Promise<void> {
    await eventually(async () => {
      if (!holds()) {
        await clock.advance(5000);
        await settle();
      }
      return holds();
    }, what);
  }

  const present = (): readonly string[] => daemon.status().findings.map(({ guide }) => guide);

  it('tells it in the record, opens one incident, and closes it', async () => {
    const processes = [20, 30].map((pid) => fakeProcess(pid, runner, { workingDirectory: root }));
    machine.table = known(processes);
    daemon.watch();
    await daemon.listProcesses({ workspace: root });
    await becomes(() => present().includes('duplicate_runner'), 'the finding');
    await clock.advance(1);
    const record = JSON.parse(readFileSync(file, 'utf8')) as StatusRecord;
    assert.deepEqual(record.duplicates, [{ workspace: root, runners: [20, 30], helpers: [] }]);
    const incidents = (): readonly unknown[] =>
      daemon
        .status()
        .incidents?.filter(({ cause }) => cause === 'duplicate_runner')
        .map(({ subject }) => subject) ?? [];
    assert.deepEqual(incidents(), [{ kind: 'process', name: root }]);
    machine.table = known(processes.slice(0, 1));
    await becomes(() => !present().includes('duplicate_runner'), 'the end');
    await clock.advance(1);
    assert.deepEqual(incidents(), []);
    assert.deepEqual(daemon.status().duplicates, []);
  });

  it('does not count a pair of which one has ended by the next look', async () => {
    const processes = [20, 30].map((pid) => fakeProcess(pid, runner, { workingDirectory: root }));
    machine.table = known(processes);
    daemon.watch();
    await daemon.listProcesses({ workspace: root });
    machine.table = known(processes.slice(1));
    for (let round = 0; round < 24; round += 1) {
      await clock.advance(5000);
      assert.ok(!present().includes('duplicate_runner'));
    }
  });
});
