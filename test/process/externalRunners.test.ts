import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DaemonClient } from '../../src/daemon/client';
import type { WatchRunnerParams } from '../../src/daemon/protocol';
import type { RunnerStatus, StatusRecord } from '../../src/diagnostics/status';
import { machineFor } from '../../src/host/thisMachine';
import { DaemonRig, isAlive, tickingRunner } from '../support/daemonRig';
import { eventually } from '../support/eventually';
import { startStray } from '../support/strayRunner';
import { until } from '../support/until';

const signal = new AbortController().signal;

async function becomes(
  client: DaemonClient,
  accept: (runner: RunnerStatus | undefined) => boolean,
): Promise<RunnerStatus | undefined> {
  const isMet = ({ runner }: StatusRecord): boolean => accept(runner[0]);
  const present = await client.status();
  return (isMet(present) ? present : await until(client.onDidChangeStatus, isMet)).runner[0];
}

describe('a daemon that watches a runner of somebody else', function () {
  this.timeout(30_000);
  let rig: DaemonRig;
  const strays: ChildProcess[] = [];

  beforeEach(async () => {
    rig = await DaemonRig.start();
  });

  afterEach(async () => {
    for (const stray of strays.splice(0)) {
      stray.kill('SIGKILL');
    }
    await rig.end();
  });

  function stray(...args: Parameters<typeof startStray>): number {
    const child = startStray(...args);
    strays.push(child);
    return child.pid ?? 0;
  }

  async function identityOf(pid: number): Promise<WatchRunnerParams> {
    let found: WatchRunnerParams | undefined;
    await eventually(async () => {
      const seen = await machineFor(process.platform).process(pid);
      if (seen.known && seen.value?.argv[0] === 'python3') {
        const { startToken, argv } = seen.value;
        found = { pid, startToken, argv, workspace: rig.root };
      }
      return found !== undefined;
    }, 'the process');
    assert.ok(found !== undefined);
    return found;
  }

  async function start(client: DaemonClient, restart = false): Promise<unknown> {
    const script = join(rig.root, 'second.js');
    writeFileSync(script, tickingRunner);
    return client.startRunner(
      {
        workspace: rig.root,
        command: [process.execPath, script],
        workingDirectory: rig.root,
        environment: { PATH: process.env['PATH'] ?? '' },
        symbols: ['AAPL'],
        restart,
        refuseAfterMs: 5000,
      },
      () => undefined,
      signal,
    );
  }

  it('says that it works, and lets no second one be started beside it', async () => {
    const client = await rig.connect();
    const pid = stray(rig.root);
    const result = await client.watchRunner(await identityOf(pid));
    assert.equal(result.outcome, 'watching');
    const runner = await becomes(client, (each) => each?.work === 'working');
    assert.equal(runner?.state, 'external');
    assert.equal(runner.pid, pid);
    assert.equal(runner.logFile, join(rig.root, 'robo_trader.log'));
    assert.deepEqual(
      runner.symbolStatus.map(({ symbol, price }) => [symbol, price]),
      [['AAPL', 231.4]],
    );
    assert.deepEqual(await start(client), { outcome: 'already running', pid });
    assert.deepEqual(await start(client, true), { outcome: 'already running', pid });
    await assert.rejects(client.stopRunner(rig.root), /started elsewhere.*only watched/);
    assert.ok(await isAlive(pid));
    await eventually(() => rig.record?.runner[0]?.state === 'external', 'the record');
    assert.deepEqual(await client.unwatchRunner(pid), { outcome: 'unwatched' });
    assert.deepEqual(await client.unwatchRunner(pid), { outcome: 'not watched' });
    assert.ok(await isAlive(pid));
    assert.deepEqual((await client.status()).runner, []);
  });

  it('dies and is followed by one that goes on watching, by identity', async () => {
    const first = await rig.connect();
    const pid = stray(rig.root);
    await first.watchRunner(await identityOf(pid));
    await becomes(first, (each) => each?.work === 'working');
    await rig.kill(first.daemon.pid);
    const second = await rig.connect();
    assert.notEqual(second.daemon.pid, first.daemon.pid);
    const runner = await becomes(second, (each) => each?.work === 'working');
    assert.deepEqual([runner?.state, runner?.pid], ['external', pid]);
    assert.deepEqual(
      (await second.status()).runner.map((each) => each.pid),
      [pid],
    );
  });

  it('says once that it is gone, and how nobody saw', async () => {
    const client = await rig.connect();
    const pid = stray(rig.root);
    await client.watchRunner(await identityOf(pid));
    strays[0]?.kill('SIGKILL');
    const runner = await becomes(client, (each) => each?.state === 'exited');
    assert.deepEqual([runner?.pid, runner?.exit?.how, runner?.exit?.code], [null, 'unseen', null]);
    assert.equal(runner?.findings[0]?.guide, 'runner_exited');
    const told = (): number =>
      readFileSync(rig.paths.monitorLog, 'utf8').split('runner.external_gone').length - 1;
    assert.equal(told(), 1);
    // A window has no other word for it than what the status says.
    assert.equal(runner.watchedPid, pid);
    const { outcome } = await client.unwatchRunner(runner.watchedPid);
    assert.deepEqual([outcome, (await client.status()).runner], ['unwatched', []]);
    await client.shutdown();
    await eventually(async () => (await rig.daemonPids()).length === 0, 'the daemon ends');
    const next = await rig.connect();
    assert.deepEqual((await next.status()).runner, []);
    assert.equal(told(), 1);
  });

  it('is told of another process by its pid, and refuses it', async () => {
    const client = await rig.connect();
    const pid = stray(rig.root);
    const identity = await identityOf(pid);
    const other = await client.watchRunner({ ...identity, startToken: 'boot:1' });
    assert.ok(other.outcome === 'refused');
    assert.match(other.why, /another one now/);
    const renamed = await client.watchRunner({ ...identity, argv: ['python3'] });
    assert.equal(renamed.outcome, 'refused');
    await client.watchRunner(identity);
    const second = stray(rig.root);
    const beside = await client.watchRunner(await identityOf(second));
    assert.ok(beside.outcome === 'refused');
    assert.match(beside.why, new RegExp(`robo unwatch ${pid}`));
    await assert.rejects(
      client.watchRunner({ ...identity, pid: 'x' } as unknown as WatchRunnerParams),
      /watchRunner.*pid/,
    );
  });

  it('does not take over a runner that it runs itself', async () => {
    const client = await rig.connect();
    const pid = await rig.startRunner(client, tickingRunner);
    const seen = await machineFor(process.platform).process(pid);
    assert.ok(seen.known && seen.value !== undefined);
    const { startToken, argv } = seen.value;
    const result = await client.watchRunner({ pid, startToken, argv, workspace: rig.root });
    assert.ok(result.outcome === 'refused');
    assert.match(result.why, /Robo itself runs/);
  });

  it('reads on when its log is rotated by name, and writes nothing itself', async () => {
    const client = await rig.connect();
    const file = join(rig.root, 'own.log');
    const pid = stray(rig.root, { logFile: file });
    await eventually(() => statSync(file, { throwIfNoEntry: false }) !== undefined, 'the log');
    await client.watchRunner({ ...(await identityOf(pid)), logFile: file });
    await becomes(client, (each) => each?.work === 'working');
    renameSync(file, `${file}.1`);
    const old = readFileSync(`${file}.1`, 'utf8');
    await eventually(() => statSync(file, { throwIfNoEntry: false }) !== undefined, 'the new log');
    const since = new Date().toISOString();
    await becomes(client, (each) => (each?.lastCycleAt ?? '') > since);
    assert.equal(readFileSync(`${file}.1`, 'utf8'), old);
    assert.doesNotMatch(readFileSync(file, 'utf8'), /\[robo:/);
  });

  it('finds the log by what its stdout is, where the system tells', async function () {
    if (process.platform !== 'linux') {
      this.skip();
    }
    const client = await rig.connect();
    const stdout = join(rig.root, 'tmux.out');
    const pid = stray(rig.root, { logFile: stdout, stdout });
    const result = await client.watchRunner(await identityOf(pid));
    assert.ok(result.outcome === 'watching');
    assert.equal(result.runner.logFile, stdout);
  });

  it('leaves it alone when it ends itself', async () => {
    const client = await rig.connect();
    const pid = stray(rig.root);
    await client.watchRunner(await identityOf(pid));
    await client.shutdown();
    await eventually(async () => (await rig.daemonPids()).length === 0, 'the daemon ends');
    assert.ok(await isAlive(pid));
  });
});
