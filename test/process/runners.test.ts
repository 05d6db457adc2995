import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/core/clock';
import type { StartRunnerParams } from '../../src/daemon/protocol';
import { Runners } from '../../src/daemon/runners';
import { machineFor } from '../../src/host/thisMachine';
import type { PreflightReport } from '../../src/preflight/report';

const passed: PreflightReport = {
  schema: 1,
  ok: true,
  endpoint: { host: '127.0.0.1', port: 7497, clientId: 9000 },
  startedAt: '2026-11-22T09:00:00.000Z',
  durationMs: 1,
  layers: [],
  findings: [],
};
const never = new AbortController().signal;

describe('the runners of an endpoint', function () {
  this.timeout(20_000);
  let root: string;
  let folder: string;
  let runners: Runners;

  const wish = (workspace: string, restart = false): StartRunnerParams => ({
    token: '1',
    workspace,
    command: [process.execPath, '-e', 'setInterval(() => {}, 1000)'],
    workingDirectory: workspace,
    environment: {},
    symbols: ['AAPL'],
    restart,
  });
  const open = (): Promise<PreflightReport> => Promise.resolve(passed);

  beforeEach(() => {
    root = realpathSync(mkdtempSync(join(tmpdir(), 'robo-runners-')));
    folder = join(root, 'folder');
    mkdirSync(folder);
    runners = new Runners(join(root, 'runners'), {
      clock: systemClock,
      machine: machineFor(process.platform),
      builtIn: { execPath: process.execPath, script: '', environment: {} },
      log: () => undefined,
    });
  });

  afterEach(async () => {
    for (const { workspace } of runners.status()) {
      await runners.stop(workspace);
    }
    runners.dispose();
    rmSync(root, { recursive: true, force: true });
  });

  it('are one a folder, by whatever path it is called', async () => {
    const link = join(root, 'link');
    symlinkSync(folder, link);
    const first = await runners.start(wish(folder), never, open);
    assert.equal(first.outcome, 'started');
    for (const path of [link, `${folder}/`]) {
      const second = await runners.start(wish(path), never, open);
      assert.deepEqual(second, { outcome: 'already running', pid: first.pid });
    }
    const stopped = await runners.stop(link);
    assert.deepEqual([stopped.outcome, stopped.pid], ['stopped', first.pid]);
  });

  it('are not started twice by two that ask at the same instant', async () => {
    const results = await Promise.all(
      [1, 2, 3].map(async () => runners.start(wish(folder), never, open)),
    );
    assert.deepEqual(results.map(({ outcome }) => outcome).sort(), [
      'already running',
      'already running',
      'started',
    ]);
  });

  it('keep the living one when the gate of a restart is shut', async () => {
    const first = await runners.start(wish(folder), never, open);
    assert.equal(first.outcome, 'started');
    const shut = await runners.start(wish(folder, true), never, () =>
      Promise.resolve({ ...passed, ok: false, failedLayer: 'data' }),
    );
    assert.equal(shut.outcome, 'refused');
    assert.equal(runners.status()[0]?.pid, first.pid);
  });

  it('pass the gate again when a restart has ended the old one', async () => {
    const first = await runners.start(wish(folder), never, open);
    assert.equal(first.outcome, 'started');
    const answers = [passed, { ...passed, ok: false, failedLayer: 'hello' as const }];
    const late = await runners.start(wish(folder, true), never, () =>
      Promise.resolve(answers.shift() ?? passed),
    );
    assert.equal(late.outcome, 'refused');
    assert.equal(runners.status()[0]?.state, 'exited');
  });
});
