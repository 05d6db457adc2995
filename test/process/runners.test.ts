import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/core/clock';
import type { StartRunnerParams, StartRunnerResult } from '../../src/daemon/protocol';
import { Runners } from '../../src/daemon/runners';
import { machineFor } from '../../src/host/thisMachine';
import type { PreflightReport } from '../../src/preflight/report';
import { eventually, isThere } from '../support/eventually';

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
    // It counts as stopping until it is decided that it is not started again.
    await eventually(() => runners.status()[0]?.state === 'exited', 'the old one has ended');
  });

  it('end in one new one, however many restarts are asked for at once', async () => {
    const first = await runners.start(wish(folder), never, open);
    assert.equal(first.outcome, 'started');
    const results = await Promise.all(
      Array.from({ length: 8 }, async () => runners.start(wish(folder, true), never, open)),
    );
    assert.ok(results.every(({ outcome }) => outcome === 'started'));
    // One was running and one in waiting; all others shared the one in waiting.
    const pids = new Set(results.map((result) => ('pid' in result ? result.pid : 0)));
    assert.equal(pids.size, 2);
    const last = results.at(-1);
    assert.ok(last !== undefined && 'pid' in last);
    assert.equal(runners.status()[0]?.pid, last.pid);
    for (const pid of [first.pid, ...pids]) {
      assert.equal(isThere(pid), pid === last.pid, `${pid}`);
    }
  });

  it('start as the newest restart asks, and not for one who is gone', async () => {
    const first = await runners.start(wish(folder), never, open);
    assert.equal(first.outcome, 'started');
    const gone = new AbortController();
    const ask = async (symbol: string, signal: AbortSignal): Promise<StartRunnerResult> =>
      runners.start({ ...wish(folder, true), symbols: [symbol] }, signal, open);
    const asked = [ask('A', never), ask('B', never), ask('C', gone.signal)];
    gone.abort();
    await Promise.all(asked);
    assert.deepEqual(runners.status()[0]?.symbols, ['B']);
  });

  it('start nothing when a stop comes while restarts wait', async () => {
    await runners.start(wish(folder), never, open);
    let letThrough: () => void = () => undefined;
    const gate = async (): Promise<PreflightReport> =>
      new Promise((resolve) => {
        letThrough = (): void => {
          resolve(passed);
        };
      });
    const asked = [1, 2, 3].map(async () => runners.start(wish(folder, true), never, gate));
    const outcomes = Promise.allSettled(asked);
    await runners.stop(folder);
    letThrough();
    // The one in waiting asks no gate any more.
    await eventually(() => runners.status()[0]?.state === 'exited', 'stopped');
    const settle = setInterval(() => {
      letThrough();
    }, 5);
    const settled = await outcomes;
    clearInterval(settle);
    assert.ok(settled.every(({ status }) => status === 'rejected'));
    assert.equal(runners.status()[0]?.state, 'exited');
  });
});
