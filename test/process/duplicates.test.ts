import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/core/clock';
import { endListed, listProcesses } from '../../src/daemon/processes';
import type { ListedProcess, ProcessListing } from '../../src/daemon/protocol';
import { LinuxMachine } from '../../src/host/linux';
import { eventually } from '../support/eventually';

const machine = new LinuxMachine();
const lastPidFile = '/proc/sys/kernel/ns_last_pid';

/** Says that it is there, and ends by itself should nobody be left to end it. */
const sayReady = `setTimeout(() => process.exit(9), 60000); process.stdout.write('ready\\n');`;

describe('duplicates among real processes', function () {
  this.timeout(60_000);
  let folder: string;
  let children: ChildProcess[];

  before(function () {
    if (process.platform !== 'linux') {
      this.skip();
    }
  });
  beforeEach(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'robo-dup-')));
    mkdirSync(join(folder, 'robo_trader'));
    children = [];
  });
  afterEach(async () => {
    const all = await machine.processes();
    for (const { pid, workingDirectory } of all.known ? all.value : []) {
      if (workingDirectory === folder) {
        process.kill(pid, 'SIGKILL');
      }
    }
    await Promise.all(
      children.map(async (child) => {
        child.kill('SIGKILL');
        if (child.exitCode === null && child.signalCode === null) {
          await once(child, 'exit');
        }
      }),
    );
    rmSync(folder, { recursive: true });
  });

  /** A process that the table shows as Python with this script; it works in the folder. */
  async function start(
    script: string,
    environment: Readonly<Record<string, string>> = {},
    code = sayReady,
  ): Promise<ChildProcess & { readonly pid: number }> {
    writeFileSync(join(folder, script), code);
    const child = spawn(process.execPath, [script], {
      argv0: 'python3',
      cwd: folder,
      env: { PATH: process.env['PATH'], ...environment },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    children.push(child);
    await once(child.stdout, 'data');
    assert.ok(child.pid !== undefined);
    return child as ChildProcess & { readonly pid: number };
  }

  const runner = 'robo_trader/runner_async.py';

  it('are seen through a link to their folder, and a link to another folder is another runner', async () => {
    const first = await start(runner);
    const link = `${folder}-link`;
    const elsewhere = `${folder}-other`;
    mkdirSync(join(elsewhere, 'robo_trader'), { recursive: true });
    writeFileSync(join(elsewhere, runner), sayReady);
    symlinkSync(folder, link);
    symlinkSync(elsewhere, `${link}-other`);
    try {
      const [linked = 0, other = 0] = await Promise.all(
        [link, `${link}-other`].map(async (path) => {
          const child = spawn(process.execPath, [join(path, runner)], {
            argv0: 'python3',
            cwd: '/',
            stdio: ['ignore', 'pipe', 'ignore'],
          });
          children.push(child);
          await once(child.stdout, 'data');
          return child.pid ?? 0;
        }),
      );
      const { processes } = await look();
      const roleOf = (pid: number) => processes.find((one) => one.pid === pid)?.role;
      assert.deepEqual(
        [roleOf(first.pid), roleOf(linked), roleOf(other)],
        ['runner', 'duplicate', 'other runner'],
      );
    } finally {
      [link, `${link}-other`].forEach((path) => {
        rmSync(path);
      });
      rmSync(elsewhere, { recursive: true });
    }
  });

  async function look(): Promise<ProcessListing> {
    return listProcesses(
      { workspace: folder },
      {
        machine,
        endpoint: { host: '127.0.0.1', port: 7497 },
        runnersDirectory: join(folder, 'no-runners'),
      },
    );
  }

  function rolesOf(listing: ProcessListing, ...pids: readonly number[]): readonly unknown[] {
    return pids.map((pid) => listing.processes.find((one) => one.pid === pid)?.role);
  }

  async function isGone(pid: number): Promise<boolean> {
    const seen = await machine.process(pid);
    return seen.known && seen.value === undefined;
  }

  it('are told apart by their environment and .env, as the system shows them', async () => {
    writeFileSync(join(folder, '.env'), 'IBKR_PORT=7497 # TWS paper\nIBKR_CLIENT_ID="7"\n');
    const first = await start(runner);
    const same = await start(runner, { IBKR_CLIENT_ID: '7', SECRET: 'hush' });
    const otherId = await start(runner, { IBKR_CLIENT_ID: '8' });
    const live = await start(runner, { IBKR_PORT: '7496', TRADING_MODE: 'live' });
    const listing = await look();
    assert.deepEqual(rolesOf(listing, first.pid, same.pid, otherId.pid, live.pid), [
      'runner',
      'duplicate',
      'other runner',
      'other runner',
    ]);
    const isLive = (pid: number): boolean | undefined =>
      listing.processes.find((one) => one.pid === pid)?.isLive;
    assert.deepEqual([isLive(first.pid), isLive(live.pid)], [false, true]);
    assert.doesNotMatch(JSON.stringify(listing), /hush/);
  });

  it('are told when something starts them again at once, with what does', async () => {
    await start(runner);
    const respawner = `const { spawn } = require('child_process');
      const begin = () => { const child = spawn(process.execPath, ['${runner}'], { argv0: 'python3', stdio: ['ignore', 'pipe', 'ignore'] });
        child.stdout.once('data', () => process.stdout.write('ready\\n')); child.on('exit', () => setTimeout(begin, 300)); };
      begin(); setTimeout(() => process.exit(9), 60000);`;
    const loop = await start('nightly.py', {}, respawner);
    const listing = await look();
    const [target] = listing.processes.filter(({ role }) => role === 'duplicate');
    assert.equal(target?.parentPid, loop.pid);
    const outcomes = await endListed([target], listing, { machine, clock: systemClock, look });
    const [first, second] = outcomes;
    assert.deepEqual([first?.pid, first?.outcome], [target.pid, 'ended']);
    assert.equal(second?.outcome, 'came back');
    assert.notEqual(second.pid, target.pid);
    assert.match(
      second.why,
      new RegExp(`in place of ${target.pid} by .*nightly\\.py.*pid ${loop.pid}`),
    );
  });

  it('end with their children, and the rightful one and its helper go on', async () => {
    const kept = await start(runner);
    const code = `const child = require('child_process').spawn(process.execPath,
      ['-e', 'setTimeout(() => {}, 60000)'], { stdio: 'ignore' });
      child.on('spawn', () => process.stdout.write(child.pid + '\\n'));
      process.on('SIGTERM', () => process.exit(0)); setTimeout(() => {}, 60000);`;
    const duplicate = await start(runner, {}, code);
    const helper = await start('app.py');
    const second = await start('app.py');
    const before = await machine.processes();
    const child = before.known
      ? before.value.find(({ parentPid }) => parentPid === duplicate.pid)
      : undefined;
    assert.ok(child !== undefined);
    const listing = await look();
    const targets = listing.processes.filter(({ role }) => role === 'duplicate');
    assert.deepEqual(
      targets.map(({ pid }) => pid).sort((a, b) => a - b),
      [duplicate.pid, second.pid].sort((a, b) => a - b),
    );
    const outcomes = await endListed(targets, listing, { machine, clock: systemClock, look });
    assert.deepEqual([...new Set(outcomes.map(({ outcome }) => outcome))], ['ended']);
    for (const pid of [duplicate.pid, second.pid, child.pid]) {
      assert.ok(await isGone(pid), `${pid} is gone`);
    }
    const after = await look();
    assert.deepEqual(rolesOf(after, kept.pid, helper.pid), ['runner', 'helper']);
  });

  it('never cost another process its life that was given the number of a listed one', async function () {
    await start(runner);
    for (let round = 0; round < 50; round += 1) {
      const duplicate = await start(runner);
      const listing = await look();
      const target = listing.processes.find(({ pid }) => pid === duplicate.pid);
      assert.equal(target?.role, 'duplicate');
      duplicate.kill('SIGKILL');
      await once(duplicate, 'exit');
      // The kernel states the start in steps of 10 ms; a list is older than that when it is used.
      await tick(listing);
      if (!nextPidIs(duplicate.pid)) {
        // Without the right to choose, the same question is put by a start that does not fit.
        await refusesAnotherStart(target);
        this.skip();
      }
      const stranger = await start(runner);
      if (stranger.pid === duplicate.pid) {
        const outcomes = await endListed([target], listing, { machine, clock: systemClock, look });
        assert.deepEqual(
          outcomes.map(({ outcome }) => outcome),
          ['refused'],
        );
        assert.match(outcomes[0]?.why ?? '', /belongs to another one/);
        assert.equal(await isGone(stranger.pid), false);
        return;
      }
      stranger.kill('SIGKILL');
      await once(stranger, 'exit');
    }
    assert.fail('the system never gave the number again');
  });

  it('are refused when the pid is now another process, whatever the caller says', async () => {
    await start(runner);
    const duplicate = await start(runner);
    const listing = await look();
    const target = listing.processes.find(({ pid }) => pid === duplicate.pid);
    assert.ok(target !== undefined);
    await refusesAnotherStart(target);
    assert.equal(await isGone(duplicate.pid), false);
  });

  /** A listing as it would be had another process had this number before. */
  async function refusesAnotherStart(target: ListedProcess): Promise<void> {
    const earlier = { ...target, startToken: `${target.startToken}0` };
    const listing: ProcessListing = { unknownWhy: null, processes: [earlier] };
    const outcomes = await endListed([earlier], listing, { machine, clock: systemClock, look });
    assert.ok(outcomes.every(({ outcome }) => ['refused', 'already gone'].includes(outcome)));
  }
});

/** True where this system lets us choose the next process number. */
function nextPidIs(pid: number): boolean {
  try {
    writeFileSync(lastPidFile, String(pid - 1));
    return true;
  } catch {
    return false;
  }
}

/** Waits until the clock of the kernel has gone on since a listing was made. */
async function tick({ processes }: ProcessListing): Promise<void> {
  const newest = Math.max(...processes.map(({ startedAt }) => Date.parse(startedAt)));
  await eventually(() => Date.now() - newest > 30, 'the clock goes on');
}
