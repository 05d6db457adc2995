import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { MixedLog } from '../../bench/support/mixedLog';
import { LineTriggers } from '../../src/diagnostics/lineTriggers';
import { LogFeed } from '../../src/diagnostics/logFeed';
import type { LogFinding } from '../../src/diagnostics/logIncidents';
import { LogReader } from '../../src/diagnostics/logReader';
import { logTriggers } from '../../src/diagnostics/runnerReader';
import { LineDecoder } from '../../src/diagnostics/textDecoding';

/** So many mixtures are tried; some thousands by hand after a change of the search. */
const mixtures = Number(process.env['ROBO_TEST_MIXTURES'] ?? 60);
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

/** In chunks of these sizes in turn. */
function inPieces(bytes: Buffer, sizes: readonly number[]): readonly LogFinding[] {
  const feed = new LogFeed();
  for (let start = 0, turn = 0; start < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length] ?? 1;
    // A copy: the feed must not keep what it was given.
    const chunk = Buffer.from(bytes.subarray(start, start + size));
    feed.push(chunk);
    chunk.fill(0x2a);
    start += size;
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

  it('does so in mixtures of their lines, in any encoding, cut anywhere', () => {
    const lines = fixtures.flatMap((file) => readFileSync(file, 'latin1').split('\n'));
    const noise = new MixedLog(1);
    for (let index = 0; index < 2000; index += 1) {
      lines.push(noise.line());
    }
    const run = fc.record({
      start: fc.nat(lines.length - 1),
      length: fc.nat(12),
      // What a pattern needs may stand at any place of a line, or behind a very long beginning.
      before: fc.oneof(
        { weight: 12, arbitrary: fc.constant('') },
        {
          weight: 2,
          arbitrary: fc.constantFrom('2026-02-03T14:30:01.250+00:00 ', ' ', '\u001B[2m'),
        },
        { weight: 1, arbitrary: fc.integer({ min: 4000, max: 4200 }).map((n) => '. '.repeat(n)) },
        { weight: 1, arbitrary: fc.nat(7).map((n) => 'x'.repeat(n)) },
      ),
    });
    fc.assert(
      fc.property(
        fc.array(run, { maxLength: 60 }),
        fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 20 }),
        fc.constantFrom('\n', '\r\n'),
        fc.constantFrom('latin1', 'utf16le'),
        (picks, sizes, lineBreak, encoding) => {
          // Runs of neighbours, because what belongs together stands together.
          const text = picks.flatMap(({ start, length, before }) =>
            lines.slice(start, start + length).map((line) => before + line),
          );
          const mark = encoding === 'utf16le' ? '\uFEFF' : '';
          const bytes = Buffer.from(`${mark}${text.join(lineBreak)}${lineBreak}`, encoding);
          assert.deepEqual(inPieces(bytes, sizes), plainly(bytes), text.join('\n'));
        },
      ),
      { numRuns: mixtures },
    );
  });

  it('does so for words and numbers that stand close to times and other numbers', () => {
    const { words = [] } = logTriggers;
    const part = fc.oneof(
      fc.constantFrom(...words),
      fc.constantFrom('2026-02-03T14:30:01.250000+00:00', '2026-02-03 14:30:01,250', '14:30:01.5'),
      fc.constantFrom(
        '1100',
        '2110',
        '504',
        '162',
        '10197',
        '1100200',
        '0.25',
        '"line":2104,',
        'x',
      ),
      fc.constantFrom(' ', '', ', ', '"', ' [', ') ', ': ', '-'),
    );
    const triggers = new LineTriggers(words, logTriggers.mayMatter);
    fc.assert(
      fc.property(fc.array(part, { maxLength: 9 }), (parts) => {
        const line = Buffer.from(`${parts.join('')}\n`, 'latin1');
        const said = line.toString('latin1').toLowerCase();
        if (words.some((word) => said.includes(word) && !/^\d|\d$/.test(word))) {
          assert.notEqual(triggers.next(line, 0, line.length), -1, said);
        }
      }),
      { numRuns: 400 },
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
