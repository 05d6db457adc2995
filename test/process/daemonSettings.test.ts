import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { isoTime } from '../../src/core/clock';
import { HumanError } from '../../src/core/errors';
import { formatDaemonArguments } from '../../src/daemon/daemonArguments';
import { DaemonRig } from '../support/daemonRig';
import { eventually } from '../support/eventually';

/** What `robo monitor` starts, with its flags. */
function startMonitor(
  rig: DaemonRig,
  flags: Partial<Parameters<typeof formatDaemonArguments>[0]>,
): ChildProcess {
  const { options } = rig;
  const args = formatDaemonArguments({ ...options, isService: true, ...flags });
  return spawn(process.execPath, [options.daemonScript, ...args], {
    stdio: 'ignore',
    env: { ...process.env, ...options.runtime.environment },
  });
}

describe('the settings of a running daemon', function () {
  this.timeout(30_000);
  let rig: DaemonRig;

  beforeEach(async () => {
    rig = await DaemonRig.start();
  });

  afterEach(async () => {
    await rig.end();
  });

  const log = (): string => readFileSync(rig.paths.monitorLog, 'utf8');
  /** Questions for the time that the simulated TWS has got. */
  const questions = (): number => rig.simulator.statistics.requestsById[49] ?? 0;

  it('take effect at once: the next question comes by the new interval', async () => {
    const client = await rig.connect({ kind: 'window' });
    await client.configureWatch('window', { intervalSeconds: 3600 });
    await eventually(() => rig.record?.health === 'healthy', 'it watches');
    const before = questions();
    await client.configureWatch('window', { intervalSeconds: 1 });
    // One at the change; an hour would pass before the second one by the old interval.
    await eventually(() => questions() >= before + 2, 'it is asked each second', 5000);
    assert.equal(rig.simulator.statistics.connectionsAccepted, 1);
  });

  it('are refused in a sentence as a whole, and then nothing has changed', async () => {
    const client = await rig.connect({ kind: 'window' });
    await client.configureWatch('window', { intervalSeconds: 7 });
    await assert.rejects(
      client.configureWatch('window', { intervalSeconds: 9, twsZone: 'Mars' }),
      (error) => error instanceof HumanError && error.message.includes('robo.tws.timeZone'),
    );
    const { window } = await client.configureWatch('window', null);
    assert.deepEqual(window, { intervalSeconds: 7 });
  });

  it('outlive a kill, with their copies, and follow to another folder', async () => {
    const [first, second] = ['first', 'second'].map((name) => join(rig.root, name));
    assert.ok(first !== undefined && second !== undefined);
    mkdirSync(first);
    const client = await rig.connect({ kind: 'window' });
    await client.configureWatch('window', { alsoAt: first, intervalSeconds: 5 });
    const copy = (folder: string): string => join(folder, basename(rig.paths.status));
    assert.ok(existsSync(copy(first)), 'the present state is there at once');
    await rig.simulator.setFault('refused');
    const alert = join(first, basename(rig.paths.alert));
    await eventually(() => existsSync(alert), 'the alert is copied');
    assert.match(readFileSync(alert, 'utf8'), /^CRITICAL ALERT: /);
    await rig.kill(client.daemon.pid);

    const next = await rig.connect();
    const { window } = await next.configureWatch('cli', null);
    assert.deepEqual(window, { alsoAt: first, intervalSeconds: 5 });
    await rig.simulator.setFault('none');
    await eventually(() => !existsSync(alert) && !existsSync(rig.paths.alert), 'both go');
    await next.configureWatch('window', { alsoAt: second });
    assert.deepEqual(readdirSync(first), []);
    // The copy is written just after the record.
    const isCopied = (): boolean =>
      readFileSync(copy(second), 'utf8') === readFileSync(rig.paths.status, 'utf8');
    await eventually(isCopied, 'the copy says the same');
  });

  it('of recovery follow too, and are checked by the endpoint', async () => {
    const client = await rig.connect({ kind: 'window' });
    const recovery = { ibcCommandPort: 7462, allow: ['RECONNECTDATA'] };
    await client.configureWatch('window', { recovery });
    assert.match(log(), /settings\.changed .*IBC is at port 7462 for RECONNECTDATA/);
    const wrong = { ibcCommandPort: rig.port, allow: [] };
    await assert.rejects(client.configureWatch('window', { recovery: wrong }), /is an API port/);
    await client.configureWatch('window', {});
    assert.match(log().split('\n').at(-2) ?? '', /settings\.changed .*IBC is not used/);
  });

  it('of the command line count over those of windows, until a monitor starts without', async () => {
    startMonitor(rig, { livenessIntervalMs: 2000, twsZone: 'Asia/Tokyo' });
    await eventually(() => rig.record !== undefined, 'the monitor is there');
    const client = await rig.connect({ kind: 'window' });
    assert.equal(client.daemon.isService, true);
    const said = await client.configureWatch('window', {
      intervalSeconds: 60,
      twsZone: 'Europe/Zurich',
      twsRestart: '22:00',
    });
    assert.deepEqual(said.cli, { intervalSeconds: 2, twsZone: 'Asia/Tokyo' });
    assert.match(
      log(),
      /settings\.changed TWS is asked every 2 s; its time zone is Asia\/Tokyo; its restart is 22:00/,
    );
    await rig.kill(client.daemon.pid);
    // A daemon that a window starts goes on by what was said; one with flags of its own does not.
    const next = await rig.connect({ kind: 'window' });
    assert.deepEqual((await next.configureWatch('window', null)).cli, said.cli);
    await rig.kill(next.daemon.pid);
    const monitor = startMonitor(rig, {});
    // A process that is only beginning may still be overtaken by the daemon of a window.
    await eventually(() => rig.record?.monitor.pid === monitor.pid, 'the last one watches');
    const last = await rig.connect({ kind: 'window' });
    const { cli, window } = await last.configureWatch('window', null);
    assert.deepEqual(cli, {});
    assert.deepEqual(window, said.window);
  });

  it('come from the flags of robo monitor, folders from where it was started', async () => {
    const { endpoint, stateDirectory, runtime } = rig.options;
    const child = spawn(
      process.execPath,
      [
        ...[join(__dirname, '..', '..', 'dist', 'cli.cjs'), 'monitor', `--port=${endpoint.port}`],
        ...[`--state-dir=${stateDirectory}`, '--interval', '7', '--records-also-at', 'copies'],
        ...['--tws-zone', 'Central European Standard Time', '--tws-restart', '23:30'],
      ],
      { cwd: rig.root, stdio: 'ignore', env: { ...process.env, ...runtime.environment } },
    );
    const copy = join(rig.root, 'copies', basename(rig.paths.status));
    await eventually(() => existsSync(copy), 'the copy is there');
    const client = await rig.connect();
    assert.deepEqual((await client.configureWatch('cli', null)).cli, {
      intervalSeconds: 7,
      twsZone: 'Central European Standard Time',
      twsRestart: '23:30',
      alsoAt: join(rig.root, 'copies'),
    });
    child.kill('SIGTERM');
    await eventually(async () => (await rig.daemonPids()).length === 0, 'it ends');
    assert.match(readFileSync(copy, 'utf8'), /Not watched since/);
  });

  it('that cannot be read are lost with a word, and said again', async () => {
    const first = await rig.connect();
    await first.configureWatch('window', { intervalSeconds: 9 });
    await rig.kill(first.daemon.pid);
    writeFileSync(join(rig.paths.directory, 'watch.json'), '{"schema":1,');
    const next = await rig.connect();
    assert.deepEqual(await next.configureWatch('window', null), { cli: {}, window: {} });
    assert.match(log(), /settings\.problem .*watch\.json cannot be read/);
    await next.configureWatch('window', { intervalSeconds: 8 });
    assert.equal((await next.status()).monitor.recordsProblem, null);
  });

  it('know the restart of TWS that earlier daemons have seen, also after a kill', async () => {
    const { runtime } = rig.options;
    const environment = { ...runtime.environment, ROBO_RESET_WINDOWS: '', ROBO_TWS_ZONE: 'UTC' };
    const options = { runtime: { ...runtime, environment } };
    const midnight = Math.floor(Date.now() / 86_400_000) * 86_400_000;
    const restarts = [2, 1].map((days) => ({
      endedAt: isoTime(midnight - days * 86_400_000 + 22 * 3_600_000),
      backAt: isoTime(midnight - days * 86_400_000 + 22 * 3_600_000 + 60_000),
    }));
    mkdirSync(rig.paths.directory, { recursive: true, mode: 0o700 });
    const file = join(rig.paths.directory, 'watch.json');
    const stored = { schema: 1, settings: { cli: {}, window: {} }, restarts };
    writeFileSync(file, JSON.stringify(stored));
    const known = (): number => log().split('schedule.known TWS restarts itself at 22:00').length;
    const first = await rig.connect(options);
    await eventually(() => known() === 2, 'the first one knows it');
    await first.configureWatch('window', { intervalSeconds: 9 });
    await rig.kill(first.daemon.pid);
    await rig.connect(options);
    await eventually(() => known() === 3, 'the next one knows it');
    const kept = JSON.parse(readFileSync(file, 'utf8')) as typeof stored;
    assert.deepEqual(kept.restarts, restarts);
    // The trader's word goes first, and the learned time comes back when it is taken back.
    const next = await rig.connect(options);
    await next.configureWatch('window', { twsRestart: '21:00' });
    await next.configureWatch('window', {});
    assert.match(log(), /its restart is 21:00;.*\n(?:.*\n)*.*its restart is what is seen/);
  });
});
