import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, renameSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { workspaceFolderName } from '../../src/core/paths';
import { eventually } from '../support/eventually';
import { Sandbox } from '../support/sandbox';

describe('robo log', function () {
  this.timeout(30_000);
  let box: Sandbox;
  let file: string;

  beforeEach(async () => {
    box = await Sandbox.start();
    const folder = workspaceFolderName(box.workspace);
    file = join(box.endpointDirectory, 'runners', folder, 'runner.log');
    mkdirSync(dirname(file), { recursive: true });
  });

  afterEach(async () => {
    await box.end();
  });

  const lines = [
    '10:00:00 INFO started',
    'Error 2104, reqId -1: Market data farm connection is OK:usfarm',
    '10:00:01 ERROR it broke',
    '10:00:02 WARNING it may break',
    '10:00:03 INFO \u001b[31mred\u001b[0m \u001b]0;title\u0007end',
  ];

  it('shows so many lines from the end, of a level, and nothing that a terminal obeys', async () => {
    writeFileSync(file, `${lines.join('\n')}\nunfinished`);
    const all = await box.robo(['log', '--runner', '-n', '2']);
    assert.equal(all.stdout, '10:00:03 INFO red end\nunfinished\n');
    const errors = await box.robo(['log', '--runner', '--level', 'error']);
    assert.equal(errors.stdout, '10:00:01 ERROR it broke\n');
    const warnings = await box.robo(['log', '--runner', '--level', 'warning', '-n', '1']);
    assert.equal(warnings.stdout, '10:00:02 WARNING it may break\n');
  });

  it('follows through rotation and truncation, until it is ended', async () => {
    writeFileSync(file, 'one\n');
    const following = box.spawnRobo(['log', '--runner', '-f']);
    const shows = async (text: string): Promise<void> =>
      eventually(() => following.stdout().includes(text), text);
    await shows('one\n');
    appendFileSync(file, 'two\n');
    await shows('two\n');
    renameSync(file, `${file}.1`);
    writeFileSync(file, 'three\n');
    await shows('three\n');
    truncateSync(file, 0);
    appendFileSync(file, 'it was truncated and goes on\n');
    await shows('goes on\n');
    appendFileSync(file, 'last words');
    following.child.kill('SIGTERM');
    const { code, stdout } = await following.done;
    assert.equal(code, 0);
    assert.match(stdout, /^one\ntwo\nthree\n/);
    assert.match(stdout, /last words\n$/);
  });

  it('waits for a log that is not there yet, and refuses without -f in one sentence', async () => {
    const missing = await box.robo(['log', '--runner']);
    assert.equal(missing.code === 0, false);
    assert.match(missing.stderr, /^robo: There is no runner log yet .*; start a runner/);
    const following = box.spawnRobo(['log', '--runner', '-f']);
    writeFileSync(file, 'first\n');
    await eventually(() => following.stdout().includes('first\n'), 'the first line');
    following.child.kill('SIGTERM');
    assert.equal((await following.done).code, 0);
  });

  it('says what its flags take', async () => {
    for (const args of [
      ['--level', 'loud'],
      ['-n', 'many'],
    ]) {
      const { code, stderr } = await box.robo(['log', ...args]);
      assert.equal(code, 64);
      assert.match(stderr, /takes/);
    }
  });
});
