import assert from 'node:assert/strict';
import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/core/clock';
import { LogFollower } from '../../src/runner/logFollower';
import { eventually } from '../support/eventually';

describe('a log that somebody else writes', () => {
  let folder: string;
  let file: string;
  let follower: LogFollower | undefined;
  let lines: string[];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'robo-log-'));
    file = join(folder, 'robo_trader.log');
    lines = [];
  });

  afterEach(() => {
    follower?.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  function follow(offset = 0, of = file): void {
    follower = new LogFollower(of, offset, { clock: systemClock, intervalMs: 5 });
    follower.onLines((batch) => lines.push(...batch));
  }

  async function gets(...expected: readonly string[]): Promise<void> {
    await eventually(() => lines.length >= expected.length, `lines ${JSON.stringify(expected)}`);
    assert.deepEqual(lines, expected);
  }

  it('is followed when it is renamed, both files, as two writers may be at it', async () => {
    writeFileSync(file, 'one\n');
    follow();
    await gets('one');
    appendFileSync(file, 'two\n');
    renameSync(file, `${file}.1`);
    writeFileSync(file, 'three\n');
    await gets('one', 'two', 'three');
    appendFileSync(`${file}.1`, 'late\n');
    appendFileSync(file, 'four\n');
    await eventually(() => lines.length === 5, 'both files');
    assert.deepEqual(lines.slice(3).sort(), ['four', 'late']);
  });

  it('is followed when it is truncated, and goes on when it is away for a while', async () => {
    writeFileSync(file, 'one\ntwo\n');
    follow(4);
    await gets('two');
    truncateSync(file);
    appendFileSync(file, 'a\n');
    await eventually(() => lines.includes('a'), 'after the truncation');
    rmSync(file);
    writeFileSync(file, 'new\n');
    await eventually(() => lines.includes('new'), 'the new file');
  });

  it('is never written: neither its bytes nor a file beside it, however long it grows', async () => {
    const long = `${'x'.repeat(1000)}\n`.repeat(11_000);
    writeFileSync(file, long, { mode: 0o400 });
    const before = statSync(file);
    follow(long.length - 1001);
    await eventually(() => lines.length === 1, 'its last line');
    assert.equal(readFileSync(file, 'utf8'), long);
    assert.equal(statSync(file).mtimeMs, before.mtimeMs);
    assert.throws(() => statSync(`${file}.1`), /ENOENT/);
  });

  it('may be a link, and no pipe', async () => {
    const link = join(folder, 'link.log');
    writeFileSync(file, 'one\n');
    symlinkSync(file, link);
    follow(0, link);
    await gets('one');
    follower?.dispose();
    const problems: string[] = [];
    follow(0, folder);
    follower?.onProblem((problem) => problems.push(problem));
    await eventually(() => problems.length > 0, 'the problem');
    assert.match(problems[0] ?? '', /could not be followed/);
  });
});
