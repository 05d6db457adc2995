import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { machineFor } from '../../src/host/thisMachine';
import { eventually, isThere } from '../support/eventually';
import { Sandbox } from '../support/sandbox';
import { startStray } from '../support/strayRunner';

describe('the command line that watches a runner of somebody else', function () {
  this.timeout(60_000);
  let box: Sandbox;
  const strays: ChildProcess[] = [];

  beforeEach(async () => {
    box = await Sandbox.start();
  });

  afterEach(async () => {
    for (const stray of strays.splice(0)) {
      stray.kill('SIGKILL');
    }
    await box.end();
  });

  async function stray(): Promise<number> {
    const child = startStray(box.workspace);
    strays.push(child);
    const pid = child.pid ?? 0;
    await eventually(async () => {
      const seen = await machineFor(process.platform).process(pid);
      return seen.known && seen.value?.argv[0] === 'python3';
    }, 'the runner');
    return pid;
  }

  it('watches the only one, shows it, keeps a second one out, and leaves it alone', async () => {
    const pid = await stray();
    const { code, stdout, stderr } = await box.robo(['watch']);
    assert.equal(code, 0, stderr);
    assert.match(stdout, new RegExp(`^Watching pid ${pid} of .*; its log is .*robo_trader\\.log`));
    await eventually(async () => {
      const status = await box.robo(['status']);
      return status.stdout.includes(`external, pid ${pid}, work working`);
    }, 'it works');
    const run = await box.robo(['run', '--', process.execPath, '-e', '0']);
    assert.equal(run.code, 75);
    assert.match(run.stderr, new RegExp(`pid ${pid}`));
    const again = await box.robo(['watch']);
    assert.equal(again.code, 1);
    assert.match(again.stderr, /No runner was found that Robo does not know already/);
    const left = await box.robo(['unwatch', String(pid)]);
    assert.deepEqual(
      [left.code, left.stdout],
      [0, `Pid ${pid} is watched no more; it was left alone.\n`],
    );
    assert.equal((await box.robo(['unwatch', String(pid)])).code, 1);
    assert.ok(isThere(pid));
  });

  it('lists them where there is a choice, and takes the one that is named', async () => {
    const pids = [await stray(), await stray()];
    const asked = await box.robo(['watch']);
    assert.equal(asked.code, 1);
    for (const pid of pids) {
      assert.match(asked.stdout, new RegExp(`^ *${pid}  (runner|duplicate)`, 'm'));
    }
    assert.equal(asked.stderr, 'Name the one to watch: robo watch PID\n');
    assert.equal(box.status, undefined, 'no monitor is started for a question');
    const log = join(box.workspace, 'robo_trader.log');
    const named = await box.robo(['watch', String(pids[1]), '--log', 'robo_trader.log', '--json']);
    const { outcome, runner } = JSON.parse(named.stdout) as {
      outcome: string;
      runner: { pid: number; state: string; logFile: string };
    };
    assert.deepEqual(
      [outcome, runner.pid, runner.state, runner.logFile],
      ['watching', pids[1], 'external', log],
    );
    const other = await box.robo(['watch', String(pids[0])]);
    assert.equal(other.code, 1);
    assert.match(other.stderr, new RegExp(`^Not watched: pid ${pids[1]} .* is watched already`));
  });

  it('says in one sentence what it cannot do', async () => {
    for (const [args, code, says] of [
      [['watch', 'x'], 64, /"x" is no process id/],
      [['unwatch'], 64, /Name the PID/],
      [['unwatch', '4711'], 1, /no monitor runs/],
      [['watch', '99999999'], 1, /there is no process 99999999/],
    ] as const) {
      const result = await box.robo(args);
      assert.equal(result.code, code, args.join(' '));
      assert.match(result.stderr, says);
      assert.equal(result.stderr.trim().split('\n').length, 1);
    }
  });
});
