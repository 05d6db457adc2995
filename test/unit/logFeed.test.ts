import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { MixedLog } from '../../bench/support/mixedLog';
import { LogFeed } from '../../src/diagnostics/logFeed';
import type { LogFinding } from '../../src/diagnostics/logIncidents';
import { LogReader } from '../../src/diagnostics/logReader';
import { logTriggers } from '../../src/diagnostics/runnerReader';
import { LineDecoder } from '../../src/diagnostics/textDecoding';

const projectRoot = join(__dirname, '..', '..');
const fixtures = globSync('test/fixtures/logs/**/*', { cwd: projectRoot, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name))
  .sort();

/** Every line read: what the quick way must agree with. */
function plainly(bytes: Buffer): readonly LogFinding[] {
  const reader = new LogReader();
  const decoder = new LineDecoder();
  for (const line of [...decoder.push(bytes), ...decoder.end()]) {
    reader.push(line);
  }
  return reader.end();
}

function quickly(bytes: Buffer, chunkBytes: number): readonly LogFinding[] {
  const feed = new LogFeed();
  for (let start = 0; start < bytes.length; start += chunkBytes) {
    feed.push(bytes.subarray(start, start + chunkBytes));
  }
  return feed.end();
}

function assertSame(bytes: Buffer, chunkBytes = 262_144): void {
  assert.deepEqual(quickly(bytes, chunkBytes), plainly(bytes));
}

describe('LogFeed', () => {
  it('knows what marks a line that may matter, in words long enough to leap', () => {
    assert.ok(logTriggers.words !== undefined);
    assert.deepEqual(
      logTriggers.words.filter((word) => word.length < 4),
      [],
    );
  });

  it('finds what a reader of every line finds, in every fixture', () => {
    for (const file of fixtures) {
      const bytes = readFileSync(file);
      assert.deepEqual(quickly(bytes, 262_144), plainly(bytes), file);
      assert.deepEqual(quickly(bytes, 61), plainly(bytes), `${file} in small chunks`);
    }
  });

  it('does so in mixtures of their lines', () => {
    const lines = fixtures.flatMap((file) => readFileSync(file, 'latin1').split('\n'));
    const noise = new MixedLog(1);
    for (let index = 0; index < 2000; index += 1) {
      lines.push(noise.line());
    }
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(lines.length - 1), fc.nat(12)), { maxLength: 60 }),
        fc.integer({ min: 1, max: 5000 }),
        (picks, chunkBytes) => {
          // Runs of neighbours, because what belongs together stands together.
          const text = picks.flatMap(([start, length]) => lines.slice(start, start + length));
          const bytes = Buffer.from(`${text.join('\n')}\n`, 'latin1');
          assert.deepEqual(quickly(bytes, chunkBytes), plainly(bytes), bytes.toString());
        },
      ),
      { numRuns: 60 },
    );
  });

  it('does so where lines repeat with other times and amounts', () => {
    const text: string[] = [];
    const mixed = new MixedLog(5);
    for (let index = 0; index < 6000; index += 1) {
      text.push(mixed.line());
    }
    assertSame(Buffer.from(`${text.join('\n')}\n`));
    assertSame(Buffer.from(`${text.join('\r\n')}\r\n`), 777);
  });

  it('does so in colour, with returns, zero bytes, and without a last line break', () => {
    const lines = [
      'API connection ready',
      '\u001B[1mPeer\u001B[0m closed \u001B[31mconnection\u001B[0m.',
      'progress 1\rprogress 2\rError 1100, reqId -1: lost',
      'Error 200, re\0qId 4: No security definition has been found for the request',
      '-1 2110 Connectivity between Trader Workstation and server is broken.',
      'ValueError: a\n  File "x.py", line 3',
    ];
    assertSame(Buffer.from(lines.join('\n')));
    for (const line of lines) {
      assertSame(Buffer.from(line));
    }
  });

  it('gives each its own time where lines are read once for many', () => {
    const lines = Array.from({ length: 5 }, (_, minute) => [
      `2026-02-03 12:0${minute}:00,000 ERROR ib_async.wrapper: Error 1100, reqId -1: lost`,
      `2026-02-03 12:0${minute}:01,000 INFO other: nothing`,
    ]).flat();
    const [finding, ...others] = quickly(Buffer.from(lines.join('\n')), 100);
    assert.deepEqual(others, []);
    assert.equal(finding?.count, 5);
    assert.equal(finding.firstAt, '2026-02-03T12:00:00.000');
    assert.equal(finding.lastAt, '2026-02-03T12:04:00.000');
  });

  it('counts the lines that were too long to be read whole', () => {
    const feed = new LogFeed();
    const long = Buffer.from(`${'x'.repeat(200_000)}\n`);
    feed.push(long);
    feed.push(long.subarray(0, 150_000));
    feed.push(long.subarray(150_000));
    feed.push(Buffer.from('Error 1100, reqId -1: lost\n'));
    assert.deepEqual(
      feed.end().map(({ line }) => line),
      [3],
    );
    assert.equal(feed.cutLines, 2);
  });
});
