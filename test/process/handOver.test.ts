import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { formatDaemonArguments } from '../../src/daemon/daemonArguments';
import type { StatusRecord } from '../../src/diagnostics/status';
import { DaemonRig, isAlive, tickingRunner } from '../support/daemonRig';
import { eventually } from '../support/eventually';
import { until } from '../support/until';

const root = join(__dirname, '..', '..');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  readonly version: string;
};
const older = '0.0.1';

describe('a daemon of an older version', function () {
  this.timeout(30_000);
  let rig: DaemonRig;
  let oldScript: string;

  beforeEach(async () => {
    rig = await DaemonRig.start();
    // The same program that calls itself older.
    const bundle = readFileSync(rig.options.daemonScript, 'utf8');
    assert.ok(bundle.includes(`"${version}"`), 'the bundle names its version');
    oldScript = join(rig.root, 'daemon.cjs');
    writeFileSync(oldScript, bundle.replaceAll(`"${version}"`, `"${older}"`));
    copyFileSync(rig.options.runnerScript, join(rig.root, 'runner.cjs'));
  });

  afterEach(async () => {
    await rig.end();
  });

  /** Any command of the present version that joins the daemon or starts one. */
  async function newerClient(): Promise<void> {
    const { stateDirectory, endpoint, runtime } = rig.options;
    const cli = join(root, 'dist', 'cli.cjs');
    const flags = [`--port=${endpoint.port}`, `--state-dir=${stateDirectory}`, '--json'];
    await promisify(execFile)(process.execPath, [cli, 'alerts', ...flags], {
      cwd: rig.root,
      env: { ...process.env, ...runtime.environment },
      timeout: 20_000,
    });
  }

  const becomes = async (accept: (record: StatusRecord) => boolean, what: string): Promise<void> =>
    eventually(() => rig.record !== undefined && accept(rig.record), what);

  it('makes room for a newer client, and its runner goes on and is adopted', async () => {
    const old = await rig.connect({ daemonScript: oldScript });
    assert.equal(old.daemon.version, older);
    await becomes(({ health }) => health === 'healthy', 'it watches');
    const runner = await rig.startRunner(old, tickingRunner);
    const closed = until(old.onDidClose, () => true);
    await newerClient();
    await closed;
    await becomes(({ monitor }) => monitor.version === version, 'the newer one writes');
    const next = await rig.connect();
    const { monitor, runner: runners } = await next.status();
    assert.equal(monitor.version, version);
    assert.deepEqual(
      runners.map(({ pid, state }) => [pid, state]),
      [[runner, 'running']],
    );
    assert.ok(await isAlive(runner));
    await eventually(async () => (await rig.daemonPids()).length === 1, 'the old one has gone');
    await becomes(({ health }) => health === 'healthy', 'the newer one watches');
    assert.equal(rig.simulator.statistics.connectionsOpen, 1);
  });

  it('makes room once, although several newer clients come at the same instant', async () => {
    const old = await rig.connect({ daemonScript: oldScript });
    const runner = await rig.startRunner(old, tickingRunner);
    await Promise.all([newerClient(), newerClient(), newerClient()]);
    await eventually(async () => (await rig.daemonPids()).length === 1, 'one is left');
    const next = await rig.connect();
    assert.equal(next.daemon.version, version);
    assert.equal((await next.status()).runner[0]?.pid, runner);
    assert.ok(await isAlive(runner));
  });

  it('stays where it is a service, and says that it is one', async () => {
    const args = formatDaemonArguments({ ...rig.options, isService: true });
    const service = spawn(process.execPath, [oldScript, ...args], {
      stdio: 'ignore',
      env: { ...process.env, ...rig.options.runtime.environment },
    });
    await becomes(({ health }) => health === 'healthy', 'the service watches');
    await newerClient();
    const client = await rig.connect();
    assert.equal(client.daemon.pid, service.pid);
    assert.equal(client.daemon.isService, true);
    assert.equal(client.daemon.version, older);
    assert.equal(rig.simulator.statistics.connectionsAccepted, 1);
  });
});

describe('a daemon that crashed', function () {
  this.timeout(30_000);
  let rig: DaemonRig;

  beforeEach(async () => {
    rig = await DaemonRig.start();
  });

  afterEach(async () => {
    await rig.end();
  });

  it('is started again once by eight clients at the same instant, with its runner', async () => {
    const first = await rig.connect();
    const pid = await rig.startRunner(first, tickingRunner);
    await rig.kill(first.daemon.pid);
    const clients = await Promise.all(Array.from({ length: 8 }, async () => rig.connect()));
    assert.equal(new Set(clients.map(({ daemon }) => daemon.pid)).size, 1);
    await eventually(async () => (await rig.daemonPids()).length === 1, 'the others end');
    const status = await clients[0]?.status();
    assert.equal(status?.runner[0]?.pid, pid);
  });

  for (const [what, spoil] of [
    [
      'missing',
      (lease: string) => {
        rmSync(lease);
      },
    ],
    [
      'no lease',
      (lease: string) => {
        writeFileSync(lease, '{"schema":1');
      },
    ],
    [
      'of another schema',
      (lease: string) => {
        writeFileSync(lease, '{"schema":99}');
      },
    ],
  ] as const) {
    it(`leaves a runner that is reported as an orphan where its lease is ${what}`, async () => {
      const first = await rig.connect();
      const pid = await rig.startRunner(first, tickingRunner);
      const { logFile } = (await first.status()).runner[0] ?? { logFile: '' };
      // The database learns of the run some moments later.
      await eventually(() => readFileSync(logFile, 'utf8').includes('tick 40\n'), 'ticks');
      await rig.kill(first.daemon.pid);
      spoil(join(dirname(logFile), 'lease.json'));

      const second = await rig.connect();
      const [orphan, ...others] = (await second.status()).runner;
      assert.deepEqual(others, []);
      assert.equal(orphan?.pid, pid);
      assert.equal(orphan.state, 'external');
      assert.match(orphan.warnings?.[0] ?? '', /is an orphan/);
      assert.match(readFileSync(rig.paths.monitorLog, 'utf8'), / WARN runner\.orphan /);
      await assert.rejects(
        rig.startRunner(second, tickingRunner),
        new RegExp(`already running.*${pid}`),
      );
      assert.equal((await second.stopRunner(rig.root)).outcome, 'not running');
      assert.ok(await isAlive(pid), 'what is not known by its lease is not signalled');

      // It is still one after another crash, and is gone when it has ended.
      await rig.kill(second.daemon.pid);
      const third = await rig.connect();
      assert.equal((await third.status()).runner[0]?.pid, pid);
      await rig.kill(pid);
      await eventually(async () => (await third.status()).runner.length === 0, 'it is gone');
    });
  }
});
