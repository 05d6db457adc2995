import assert from 'node:assert/strict';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readLogEnd } from '../../src/daemon/logEnd';

describe('the end of a log', () => {
  let folder: string;
  let file: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'robo-end-'));
    file = join(folder, 'runner.log');
  });

  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  const bounds = { maxBytes: 1_000_000, maxLines: 2000 };

  /** What this process has read so far, in bytes; undefined where the system does not count it. */
  function readSoFar(): number | undefined {
    try {
      return Number(/^rchar: (\d+)/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1]);
    } catch {
      return undefined;
    }
  }

  it('is all of a gigabyte that is read', async () => {
    const lines = Array.from({ length: 20_000 }, (_, at) => `2026-11-20 10:00:00 INFO line ${at}`);
    writeFileSync(file, '');
    truncateSync(file, 1024 ** 3);
    const descriptor = openSync(file, 'r+');
    writeSync(descriptor, `\n${lines.join('\n')}\n`, 1024 ** 3);
    closeSync(descriptor);
    const before = readSoFar();
    const end = await readLogEnd(file, bounds);
    const after = readSoFar();
    assert.ok((end?.bytesRead ?? Infinity) <= bounds.maxBytes, `${end?.bytesRead} bytes`);
    if (before !== undefined && after !== undefined) {
      // As the system counts; the rest is its own table, read for this test.
      assert.ok(after - before < bounds.maxBytes + 100_000, `${after - before} bytes`);
    }
    assert.deepEqual(end?.lines, lines.slice(-2000));
    assert.equal(end.isWhole, false);
    assert.equal(end.nextOffset, 1024 ** 3 + 1 + lines.join('\n').length + 1);
  });

  it('has whole lines only, and what is not finished apart', async () => {
    writeFileSync(file, 'first line\nsecond\nthird\nunfin');
    const all = await readLogEnd(file, bounds);
    assert.deepEqual(all?.lines, ['first line', 'second', 'third']);
    assert.deepEqual([all.unfinished, all.isWhole, all.nextOffset], ['unfin', true, 24]);
    const few = await readLogEnd(file, { maxBytes: 16, maxLines: 10 });
    assert.deepEqual(few?.lines, ['third']);
    assert.equal(few.isWhole, false);
    const one = await readLogEnd(file, { ...bounds, maxLines: 1 });
    assert.deepEqual([one?.lines, one?.isWhole], [['third'], false]);
  });

  it('is bounded where there are no line breaks, and empty in an empty file', async () => {
    writeFileSync(file, 'x'.repeat(5000));
    const end = await readLogEnd(file, { maxBytes: 1000, maxLines: 10 });
    assert.deepEqual(end?.lines, []);
    assert.equal(end.unfinished.length, 1000);
    writeFileSync(file, '');
    assert.deepEqual((await readLogEnd(file, bounds))?.lines, []);
  });

  it('is nothing where there is no file, and a sentence where it is none', async () => {
    assert.equal(await readLogEnd(join(folder, 'none'), bounds), undefined);
    assert.equal(await readLogEnd(join(folder, 'none', 'deeper'), bounds), undefined);
    await assert.rejects(readLogEnd(folder, bounds), /cannot be read \(it is no regular file\)/);
  });
});
