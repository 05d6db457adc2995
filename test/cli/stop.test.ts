import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { machineFor } from '../../src/host/thisMachine';
import { eventually, isThere } from '../support/eventually';
import { Sandbox } from '../support/sandbox';
import { startStray } from '../support/strayRunner';

const forever = 'console.log("up"); setInterval(() => {}, 1000)';

describe('robo stop', function () {
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

  /** A runner in the foreground of another shell; resolves to its pid once it prints. */
  async function run(
    code = forever,
  ): Promise<{ pid: number; done: Promise<{ code: number | null }> }> {
    const shell = box.spawnRobo(['run', '--', process.execPath, '-e', code], 60_000);
    await eventually(() => shell.stdout().includes('up'), 'the runner prints', 20_000);
    const pid = box.watchPid(Number(/Runner started, pid (\d+)/.exec(shell.stderr())?.[1]));
    return { pid, done: shell.done };
  }

  it('ends the runner, which whoever started it sees as asked, and again does nothing', async () => {
    const { pid, done } = await run(`process.on('SIGTERM', () => process.exit(7)); ${forever}`);
    const stopped = await box.robo(['stop']);
    assert.deepEqual([stopped.code, stopped.stdout], [0, `Runner stopped, pid ${pid}.\n`]);
    assert.equal(isThere(pid), false);
    assert.equal((await done).code, 7);
    const again = await box.robo(['stop']);
    assert.equal(again.code, 0);
    assert.match(again.stdout, /^No runner of this folder runs for .*\d+/);
    await eventually(() => box.status?.runner[0]?.exit?.how === 'asked', 'it is on record');
  });

  it('tells machines what became of it', async () => {
    const { pid } = await run();
    const { code, stdout } = await box.robo(['stop', '--json']);
    assert.equal(code, 0);
    assert.deepEqual(JSON.parse(stdout), {
      schema: 1,
      outcome: 'stopped',
      pid,
      wasKilled: false,
      how: 'TERM',
      isGraceful: true,
      left: [],
    });
    const again = await box.robo(['stop', '--json']);
    assert.equal((JSON.parse(again.stdout) as { outcome: string }).outcome, 'not running');
  });

  it('takes over and ends what a killed monitor has left', async () => {
    const { pid, done } = await run();
    const daemon = box.status?.monitor.pid ?? 0;
    process.kill(daemon, 'SIGKILL');
    await done;
    assert.ok(isThere(pid));
    const { code, stdout, stderr } = await box.robo(['stop']);
    assert.deepEqual([code, stdout], [0, `Runner stopped, pid ${pid}.\n`], stderr);
    // Nobody may be there to fetch its exit code: the table shows no such process all the same.
    const seen = await machineFor(process.platform).process(pid);
    assert.deepEqual(seen, { known: true, value: undefined });
  });

  it('starts no monitor where there is nothing to stop', async () => {
    const { code } = await box.robo(['stop']);
    assert.equal(code, 0);
    assert.equal(box.status, undefined);
  });

  it('leaves the runner of another folder, and names it', async () => {
    const { pid } = await run();
    const elsewhere = box.spawnRobo(['stop'], 20_000, box.stateDirectory);
    const { code, stdout } = await elsewhere.done;
    assert.equal(code, 0);
    assert.match(stdout, new RegExp(`The one of .*\\(pid ${pid}\\) goes on`));
    assert.ok(isThere(pid));
  });

  it('never ends a runner that is only watched, and says where to end it', async () => {
    const stray = startStray(box.workspace);
    strays.push(stray);
    await eventually(async () => (await box.robo(['watch'])).code === 0, 'it is watched');
    const { code, stderr } = await box.robo(['stop']);
    assert.equal(code, 1);
    assert.match(stderr, /started elsewhere and is only watched/);
    assert.ok(isThere(stray.pid ?? 0));
    assert.equal((await box.robo(['stop', 'x'])).code, 64);
  });
});
