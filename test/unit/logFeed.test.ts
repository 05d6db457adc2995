import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { MixedLog } from '../../bench/support/mixedLog';
import { LineCodes, tellingNumbers } from '../../src/diagnostics/lineCodes';
import { LineTriggers } from '../../src/diagnostics/lineTriggers';
import { LogFeed } from '../../src/diagnostics/logFeed';
import type { LogFinding } from '../../src/diagnostics/logIncidents';
import { LogReader } from '../../src/diagnostics/logReader';
import { createFactReader, FactReader, logTriggers } from '../../src/diagnostics/runnerReader';
import { LineDecoder } from '../../src/diagnostics/textDecoding';
import { byEightBytes } from '../support/byEightBytes';

/** So many mixtures are tried; some thousands by hand after a change of the search. */
const mixtures = Number(process.env['ROBO_TEST_MIXTURES'] ?? 60);
const { words = [], codes = [] } = logTriggers ?? {};
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
  return inPieces(bytes, [chunkBytes]);
}

/** In chunks of these sizes in turn, on both kinds of processors. */
function inPieces(bytes: Buffer, sizes: readonly number[]): readonly LogFinding[] {
  const findings = fed(bytes, sizes);
  assert.deepEqual(
    byEightBytes(() => fed(bytes, sizes)),
    findings,
  );
  return findings;
}

function fed(bytes: Buffer, sizes: readonly number[]): readonly LogFinding[] {
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

/** Mostly what makes codes and ports of what is none, and the other way round. */
const digit = fc.oneof(
  { weight: 3, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: fc.constantFrom('0', '1', '2', '4', '6', '7', '9') },
);

/** What may be a date or a time: one that cannot be makes a line without a time. */
const moments =
  /\d{2,4}[-/.]\d\d[-/.]\d{2,4}|\d{1,2}:\d\d(?::\d\d)?(?:[.,]\d+)?(?:[+-]\d\d:?\d\d)?|\b\d{8,}\b|\b\d{1,2}[ /][A-Z]|[A-Z][a-z]{2} {1,2}\d{1,2}\b/;
const digitOrMoment = new RegExp(`${moments.source}|\\d`, 'g');

/** The line with some of its digits replaced in turn; undefined leaves one as it is. */
function withDigits(line: string, digits: readonly (string | undefined)[]): string {
  let turn = 0;
  return line.replace(digitOrMoment, (own, offset: number) => {
    turn += 1;
    const other = digits[turn % digits.length] ?? own;
    // In JSON no number begins with a zero.
    const isMade = other === '0' && !/\d/.test(line[offset - 1] ?? '');
    return own.length > 1 || isMade ? own : other;
  });
}

/** What stands around exceptions; `{plain}`, `{iso}`, `{late}` are times, `{hex}` and `{n}` numbers. */
const exceptionParts = [
  'Traceback (most recent call last):\n  File "/home/t/bot.py", line 412, in connect\n    await ib.connectAsync()\nTimeoutError',
  'Traceback (most recent call last):\n  File "/home/t/bot.py", line {n}, in run\n    work()\nValueError: bad {n}',
  '{plain} ERROR root: Traceback (most recent call last):\n  File "/home/t/bot.py", line 8, in run\nConnectionRefusedError: [Errno 111] Connect call failed',
  'java.net.ConnectException: Connection refused\n\tat com.acme.Bot.run(Bot.java:88)',
  '{plain} ib_async.client INFO Connecting to 127.0.0.1:7497 with clientId 123...',
  '{plain} ib_async.client INFO Connected',
  '{plain} ib_async.client INFO API connection ready',
  '{plain} ib_async.client ERROR API connection failed: TimeoutError()',
  '{plain} ib_async.wrapper ERROR Error 1100, reqId -1: Connectivity between IBKR and Trader Workstation has been lost.',
  '{plain} ib_async.wrapper INFO Warning 2104, reqId -1: Market data farm connection is OK:usfarm',
  '{"timestamp":"{iso}","message":"{\\"event\\":\\"Failed to fetch data for AAPL: RetryError[<Future at 0x{hex} state=finished raised TimeoutError>]\\",\\"timestamp\\":\\"{late}\\"}","line":{n}}',
  '{"timestamp":"{iso}","message":"{\\"event\\":\\"AAPL: Signal=1, Price=$1.50, SMA 10/20 crossover\\",\\"timestamp\\":\\"{late}\\"}","line":{n}}',
  '{"at":"{iso}","time":"{late}","message":"API connection failed: TimeoutError()"}',
  '{iso} gateway: {late} API connection failed: ConnectionRefusedError(111)',
  '{plain} DEBUG scheduler: tick {n}, 3 jobs in the queue',
  'epoch {n}/40 loss=0.25',
];
const chainParts = [
  '',
  'During handling of the above exception, another exception occurred:',
  '\nThe above exception was the direct cause of the following exception:\n',
  '  + Exception Group Traceback (most recent call last):',
  '  | TimeoutError',
  '  +-+---------------- 1 ----------------',
  '    raise',
  'x'.repeat(4200),
];

/** Good news, some of it from two parts of a client, and what begins or ends something. */
const newsParts = [
  '{"timestamp":"{iso}","message":"{\\"event\\":\\"AAPL: Signal=1, Price=$1.50, SMA 10/20 crossover\\"}","line":{n}}',
  '{plain} INFO bot: {\\"event\\": \\"Fetched bars\\", \\"symbol\\": \\"NVDA\\", \\"bars\\": {n}}',
  '{plain} INFO bot: TSLA: Signal=0, Price=$7.25, SMA 10/20 crossover after TimeoutError',
  '{plain} INFO bot: Trading cycle complete. Equity: $99.50',
  '{plain} ib_async.wrapper INFO Warning 2104, reqId -1: Market data farm connection is OK:usfarm',
  '{plain} ib_async.wrapper INFO Warning 2106, reqId -1: HMDS data farm connection is OK:ushmds',
  'ERROR -1 2104 Market data farm connection is OK:usfarm',
  'error -1 2106 HMDS data farm connection is OK:ushmds',
  '{plain} root ERROR ERROR -1 2104 Market data farm connection is OK:usfarm',
  '{plain} worker <Task at 0x{hex} in queue {n}>',
  '{plain} worker <Task at 0x{hex}> lost its connection to 127.0.0.1:{n}',
];
const turningParts = [
  ...exceptionParts,
  'API connection ready',
  '{plain} ERROR bot: Failed to fetch data for NVDA: RetryError[<Future at 0x{hex} state=finished raised TimeoutError>]',
  '{plain} ib_async.wrapper ERROR Error 1102, reqId -1: Connectivity between IBKR and Trader Workstation has been restored - data maintained.',
  '{plain} ib_async.wrapper ERROR Error 504, reqId 3: Not connected',
  '{plain} ib_async.client INFO Disconnecting',
  '{plain} ib_async.client ERROR Peer closed connection.',
  'progress\rdone',
];

function filled(part: string, ms: number, number: number): string {
  const iso = (at: number): string => new Date(at).toISOString();
  return part
    .replaceAll('{plain}', iso(ms).slice(0, 23).replace('T', ' ').replace('.', ','))
    .replaceAll('{iso}', iso(ms).replace('Z', '+00:00'))
    .replaceAll('{late}', iso(ms + 1234 + (number % 7)).replace('Z', '000Z'))
    .replaceAll('{hex}', (number % 2 ** 31).toString(16).padStart(6, '0'))
    .replaceAll('{n}', String(number % 12_000));
}

function mixedLines(seed: number, count: number): readonly string[] {
  const log = new MixedLog(seed);
  return Array.from({ length: count }, () => log.line());
}

describe('LogFeed', () => {
  it('knows what marks a line that may matter, in words long enough to leap', () => {
    assert.ok(logTriggers !== undefined);
    assert.deepEqual(
      words.filter((word) => word.length < 4),
      [],
    );
  });

  for (const file of fixtures) {
    it(`finds what a reader of every line finds, in ${relative(projectRoot, file)}`, () => {
      const bytes = readFileSync(file);
      const expected = plainly(bytes);
      assert.deepEqual(quickly(bytes, 262_144), expected);
      assert.deepEqual(quickly(bytes, 61), expected, 'in small chunks');
    });
  }

  it('does so in mixtures of their lines, in any encoding, cut anywhere', () => {
    const lines = fixtures.flatMap((file) => readFileSync(file, 'latin1').split('\n'));
    lines.push(...mixedLines(1, 2000));
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
    const triggers = new LineTriggers(words, new LineCodes(tellingNumbers(codes)));
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

  it('does so for lines of every length around whole steps, with any letters and digits', () => {
    const lines = fixtures.flatMap((file) => readFileSync(file, 'latin1').split('\n'));
    const pad = fc.constantFrom('x', ' ', '\u00e9', '\u4e2d', '0', '9', '/', ':', '\u00b0');
    fc.assert(
      fc.property(
        fc.array(fc.nat(lines.length - 1), { minLength: 1, maxLength: 8 }),
        fc.array(pad, { minLength: 17, maxLength: 17 }),
        fc.integer({ min: 1, max: 5000 }),
        (picks, pads, chunkBytes) => {
          const text = pads.flatMap((_, length) =>
            picks.map((pick) => `${lines[pick] ?? ''} ${pads.slice(0, length).join('')}`),
          );
          const bytes = Buffer.from(`${text.join('\n')}\n`);
          assert.deepEqual(quickly(bytes, chunkBytes), plainly(bytes), text.join('\n'));
        },
      ),
      { numRuns: mixtures },
    );
  });

  it('does so where lines come again with other digits at the same places', () => {
    const lines = [
      ...fixtures.flatMap((file) => readFileSync(file, 'latin1').split('\n')),
      ...mixedLines(2, 300),
    ].filter((line) => /\d/.test(line) && line.length < 2000);
    fc.assert(
      fc.property(
        fc.array(fc.nat(lines.length - 1), { minLength: 1, maxLength: 6 }),
        fc.array(fc.array(digit, { minLength: 1, maxLength: 9 }), { minLength: 2, maxLength: 6 }),
        (picks, others) => {
          const text = others.flatMap((digits) =>
            picks.map((pick) => withDigits(lines[pick] ?? '', digits)),
          );
          const bytes = Buffer.from(`${text.join('\n')}\n`, 'latin1');
          assert.deepEqual(quickly(bytes, 4096), plainly(bytes), text.join('\n'));
        },
      ),
      { numRuns: 2 * mixtures },
    );
  });

  it('does so where lines repeat with other times and amounts', () => {
    const text = mixedLines(5, 6000);
    assertSame(Buffer.from(`${text.join('\n')}\n`));
    assertSame(Buffer.from(`${text.join('\r\n')}\r\n`), 777);
  });

  it('does so where exceptions come again among lines that were read before', () => {
    const part = fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom(...exceptionParts) },
      { weight: 1, arbitrary: fc.constantFrom(...chainParts) },
    );
    const moment = fc.integer({ min: Date.UTC(2026, 1, 3), max: Date.UTC(2026, 1, 4) });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(part, moment, fc.nat()), { minLength: 20, maxLength: 120 }),
        fc.integer({ min: 30, max: 9000 }),
        (parts, chunkBytes) => {
          const text = parts.map(([said, ms, number]) => filled(said, ms, number)).join('\n');
          const bytes = Buffer.from(`${text}\n`);
          assert.deepEqual(quickly(bytes, chunkBytes), plainly(bytes), text);
        },
      ),
      { numRuns: mixtures },
    );
  });

  it('does so where good news comes over and over between what begins or ends', () => {
    const fixed = fixtures
      .flatMap((file) => readFileSync(file, 'latin1').split('\n'))
      .filter((line) => /\b(?:2104|2106|2158|farm)\b/.test(line) && line.length < 2000);
    const news = fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom(...newsParts) },
      { weight: 1, arbitrary: fc.constantFrom(...fixed) },
    );
    const turn = fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom(...turningParts) },
      { weight: 1, arbitrary: fc.constantFrom(...fixed) },
    );
    const run = fc.record({
      // Now some kinds in turn, now one of them.
      news: fc.array(news, { minLength: 1, maxLength: 4 }),
      times: fc.oneof(fc.nat(4), fc.nat(40)),
      gap: fc.nat(3),
      turns: fc.array(turn, { maxLength: 2 }),
    });
    fc.assert(
      fc.property(
        fc.array(run, { minLength: 3, maxLength: 25 }),
        fc.integer({ min: 30, max: 9000 }),
        (runs, chunkBytes) => {
          const from = Date.UTC(2026, 1, 3);
          // What has come a few times is known.
          const known = Array.from({ length: 4 }, () => newsParts).flat();
          const said = runs.flatMap(({ times, gap, turns, ...each }) => [
            ...Array.from({ length: times }, (_, time) => [
              each.news[time % each.news.length] ?? '',
              ...Array.from({ length: gap }, () => 'epoch {n}/40 loss=0.25'),
            ]).flat(),
            ...turns,
          ]);
          const text = [...known, ...said]
            .map((part, line) => filled(part, from + line * 1700, 1000 + line))
            .join('\n');
          const bytes = Buffer.from(`${text}\n`, 'latin1');
          assert.deepEqual(quickly(bytes, chunkBytes), plainly(bytes), text);
        },
      ),
      { numRuns: mixtures },
    );
  });

  it('keeps of good news that was passed over what a later line is compared with', () => {
    const fetched = '{plain} INFO bot: TSLA: Signal=0, Price=$7.25, SMA 10/20 after TimeoutError';
    const farm =
      '{plain} ib_async.wrapper INFO Warning 2104, reqId -1: Market data farm connection is OK:usfarm';
    const other = '{plain} INFO bot: NVDA: Signal=0, Price=$7.25, SMA 10/20 crossover';
    const known = Array.from({ length: 4 }, () => [other, farm, fetched]).flat();
    const failure =
      'Traceback (most recent call last):\n  File "/usr/lib/site-packages/ib_async/client.py", line 9, in connectAsync\n    raise\nTimeoutError';
    const texts = [
      [...known, other, failure],
      [
        ...known,
        '{plain} ib_async.client INFO Connected',
        '{plain} ib_async.client INFO API connection ready',
        '{plain} ib_async.client INFO Disconnecting',
        fetched,
        ...Array.from({ length: 20 }, () => farm),
        '{plain} ib_async.client ERROR Peer closed connection.',
      ],
    ];
    for (const parts of texts) {
      const text = parts.map((part, line) =>
        filled(part, Date.UTC(2026, 1, 3) + line, 1000 + line),
      );
      assertSame(Buffer.from(`${text.join('\n')}\n`));
    }
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

  it('passes over the same lines where they come one by one', () => {
    const lines = [
      ...mixedLines(9, 2500),
      ...fixtures.flatMap((file) => readFileSync(file, 'utf8').split(/\r?\n/)),
    ];
    const readQuickly = createFactReader();
    const reader = new FactReader();
    for (const text of [...lines, ...lines]) {
      assert.deepEqual(readQuickly(text), reader.push(text), text);
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
