import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/core/clock';
import { openForAppend, type OutputDeps, OutputFollower } from '../../src/runner/output';
import { eventually } from '../support/eventually';

describe('runner output', () => {
  let folder: string;
  let file: string;
  let follower: OutputFollower | undefined;
  let lines: string[];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'robo-output-'));
    file = join(folder, 'runner.log');
    lines = [];
  });

  afterEach(() => {
    follower?.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  function follow(offset = 0, deps: Partial<OutputDeps> = {}): OutputFollower {
    const made = new OutputFollower(file, offset, { clock: systemClock, intervalMs: 5, ...deps });
    made.onLines((batch) => lines.push(...batch));
    follower = made;
    return made;
  }

  async function gets(expected: readonly string[]): Promise<void> {
    await eventually(() => lines.length >= expected.length, `lines ${JSON.stringify(expected)}`);
    assert.deepEqual(lines, expected);
  }

  it('waits for the file, then gives whole lines as they come', async () => {
    follow();
    writeFileSync(file, 'one\ntw');
    await gets(['one']);
    appendFileSync(file, 'o\n');
    await gets(['one', 'two']);
  });

  it('puts a character together that was written in two parts', async () => {
    const euro = Buffer.from('€');
    writeFileSync(file, euro.subarray(0, 1));
    const made = follow();
    await eventually(() => made.offset === 0 && statSync(file).size === 1, 'first byte');
    appendFileSync(file, euro.subarray(1));
    appendFileSync(file, ' ok\n');
    await gets(['€ ok']);
  });

  it('begins at the offset, and its own offset never passes an unfinished line', async () => {
    writeFileSync(file, 'old\nnew\nunfini');
    const made = follow(4);
    await gets(['new']);
    assert.equal(made.offset, 8);
    await made.drain();
    assert.deepEqual(lines, ['new', 'unfini']);
  });

  it('notices a truncated file, also one that has grown again', async () => {
    writeFileSync(file, 'first line\n');
    follow();
    await gets(['first line']);
    truncateSync(file);
    appendFileSync(file, 'x\n');
    const mark = '[robo: the log file was truncated; lines may be missing here]';
    await gets(['first line', mark, 'x']);
    writeFileSync(file, 'something longer than before\n');
    await gets(['first line', mark, 'x', mark, 'something longer than before']);
  });

  it('rotates by copy and truncate while the writer keeps its file open', async () => {
    const log = await openForAppend(file);
    follow(0, { rotateAtBytes: 1000 });
    const sent: string[] = [];
    for (let number = 0; number < 100; number += 1) {
      const line = `line ${number} ${'.'.repeat(40)}`;
      sent.push(line);
      await log.write(`${line}\n`);
      await eventually(() => lines.includes(line), line);
    }
    await log.close();
    const marks = lines.filter((line) => line.startsWith('[robo: older lines are in runner.log.1'));
    assert.ok(marks.length >= 3, `rotated ${marks.length} times`);
    assert.deepEqual(
      lines.filter((line) => !marks.includes(line)),
      sent,
    );
    assert.ok(statSync(file).size <= 1200, 'the file stays short');
    assert.ok(statSync(`${file}.1`).size <= 1200, 'so does the old one');
    assert.match(readFileSync(`${file}.1`, 'utf8'), /^line \d+ |^\[robo: /);
  });

  it('leaves bytes out, with a mark, when it falls too far behind', async () => {
    writeFileSync(file, `${'y'.repeat(99)}\n`.repeat(20_000));
    appendFileSync(file, 'the end\n');
    const made = follow(0, { maxBehindBytes: 1_000_000 });
    await made.drain();
    assert.match(lines[0] ?? '', /^\[robo: 1\d{6} bytes of output left out here/);
    assert.equal(lines.at(-1), 'the end');
    assert.ok(
      lines.slice(1, -1).every((line) => line === 'y'.repeat(99)),
      'only whole lines',
    );
  });

  it('bounds memory and disk under a flood, and never stops the writer', async function () {
    this.timeout(30_000);
    const log = await openForAppend(file);
    const code = `
      const chunk = Buffer.alloc(1 << 20, 'a flood of output that nobody can read this fast\\n');
      for (let round = 0; round < 300; round += 1) require('node:fs').writeSync(1, chunk);
      setTimeout(() => console.log('\\nthe last word'), 300);`;
    const made = new OutputFollower(file, 0, { clock: systemClock, rotateAtBytes: 10_000_000 });
    follower = made;
    let heaviest = 0;
    let last = '';
    made.onLines((batch) => {
      heaviest = Math.max(heaviest, batch.length);
      last = batch.at(-1) ?? last;
    });
    const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', log.fd, log.fd] });
    const [exit] = (await once(child, 'exit')) as [number | null];
    await log.close();
    assert.equal(exit, 0);
    await made.drain();
    assert.equal(last, 'the last word');
    assert.ok(heaviest < 20_000, `a batch had ${heaviest} lines`);
    await eventually(() => statSync(file).size < 10_000_000, 'the file was rotated');
    assert.ok(statSync(`${file}.1`).size <= 20_000_000 + 4 * 256 * 1024);
  });

  it('opens no log through a link', async () => {
    const victim = join(folder, 'victim');
    writeFileSync(victim, 'precious');
    symlinkSync(victim, file);
    await assert.rejects(openForAppend(file), /ELOOP/);
  });
});
