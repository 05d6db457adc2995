import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/core/clock';
import { logDocument, rowAt } from '../../src/ui/logDocument';
import { LogModel } from '../../src/ui/logModel';
import { eventually } from '../support/eventually';

describe('the log that a window shows', () => {
  let folder: string;
  let file: string;
  let model: LogModel | undefined;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'robo-model-'));
    file = join(folder, 'runner.log');
  });

  afterEach(() => {
    model?.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  async function open(bounds: { keepLines?: number; keepBytes?: number } = {}): Promise<LogModel> {
    model = new LogModel(file, { clock: systemClock, intervalMs: 5, ...bounds });
    await model.open();
    return model;
  }

  function texts({ snapshot }: LogModel): readonly string[] {
    return snapshot.rows.map(({ text }) => text);
  }

  it('goes on with what is printed, and completes what was not finished', async () => {
    writeFileSync(file, 'one\ntw');
    const log = await open();
    assert.deepEqual(texts(log), ['one', 'tw']);
    appendFileSync(file, 'o\n\u001b[31mthree\u001b[0m\n');
    await eventually(() => texts(log).length === 3, 'the new lines');
    assert.deepEqual(texts(log), ['one', 'two', 'three']);
  });

  it('goes on in the new file after a rotation, and from the start of a file that comes late', async () => {
    const log = await open();
    assert.deepEqual(texts(log), []);
    writeFileSync(file, 'one\n');
    await eventually(() => texts(log).includes('one'), 'the first line');
    renameSync(file, `${file}.1`);
    writeFileSync(file, 'two\n');
    await eventually(() => texts(log).includes('two'), 'the line of the new file');
    assert.deepEqual(texts(log), ['one', 'two']);
  });

  it('keeps a bounded end, whatever is printed, and numbers that stay', async () => {
    writeFileSync(file, 'start\n');
    const log = await open({ keepLines: 100, keepBytes: 10_000 });
    const { first } = log.snapshot;
    for (let batch = 0; batch < 5; batch += 1) {
      const lines = Array.from({ length: 100 }, (_, at) => `line ${batch * 100 + at}\n`);
      appendFileSync(file, lines.join(''));
      await eventually(() => texts(log).at(-1) === `line ${batch * 100 + 99}`, 'the batch');
      assert.ok(texts(log).length <= 200);
    }
    const { rows, first: now, isWhole } = log.snapshot;
    assert.equal(isWhole, false);
    // `start` has the first number.
    assert.equal(rows[0]?.text, `line ${now - first - 1}`);
    appendFileSync(file, `${'x'.repeat(9000)}\n${'y'.repeat(9000)}\n${'z'.repeat(9000)}\n`);
    await eventually(() => texts(log).at(-1)?.startsWith('zzz') === true, 'the long lines');
    assert.ok(texts(log).join('').length <= 20_000);
  });

  it('says what is wrong, at the lines where it stands, and where it began', async () => {
    const lines = [
      '2026-11-20 10:00:00,000 - robo_trader - INFO - started',
      '2026-11-20 10:00:01,000 - ib_async.client - INFO - Connecting to 127.0.0.1:7497 with clientId 1...',
      '2026-11-20 10:00:01,010 - ib_async.client - INFO - Connected',
      '2026-11-20 10:00:05,000 - ib_async.client - ERROR - API connection failed: TimeoutError()',
    ];
    writeFileSync(file, `${lines.join('\n')}\n`);
    const log = await open();
    const { first } = log.snapshot;
    const [placed] = log.findings;
    assert.equal(placed?.finding.severity, 'error');
    assert.ok(placed.from >= first + 1 && placed.to <= first + 3, JSON.stringify(placed));
    const cause = placed.finding.causes[0]?.id;
    const atMs = Date.parse('2026-11-20T10:00:05.000');
    assert.equal(log.rowOf({ atMs, cause }), placed.from);
    assert.equal(log.rowOf({ atMs, cause: undefined }), first + 3);
    assert.equal(log.rowOf({ atMs: atMs + 1000, cause: undefined }), undefined);
  });

  it('shows JSON in readable words, with the level, the finding and the line as it was printed', async () => {
    const said = (inner: object): string =>
      JSON.stringify({ level: 'ERROR', logger: 'ib_async.client', ...inner });
    const lines = [
      '{"robo":1,"event":"fetch","at":"2026-11-20T15:00:00Z","symbol":"AAPL","ok":true,"price":2}',
      said({
        timestamp: '2026-11-20T15:00:05.000000',
        message: 'API connection failed: TimeoutError() \u001b[2Jand\nmore',
      }),
    ];
    writeFileSync(file, `${lines.join('\n')}\n`);
    const log = await open();
    const { rows, first } = log.snapshot;
    assert.equal(texts(log)[0], '2026-11-20T15:00:00.000Z INFO fetch AAPL at 2');
    assert.match(texts(log)[1] ?? '', /^2026-11-20T15:00:05.* ERROR ib_async\.client API conn/);
    assert.ok(!/[\n]/.test(texts(log)[1] ?? '') && !texts(log)[1]?.includes('\u001b'));
    assert.deepEqual(
      rows.map(({ level }) => level),
      ['info', 'error'],
    );
    assert.equal(rows[0]?.raw, lines[0]);
    assert.equal(log.findings[0]?.from, first + 1);
    const document = logDocument(log.snapshot, 'error');
    assert.equal(rowAt(document, log.snapshot, 0)?.raw, rows[1]?.raw);
    assert.equal(rowAt(document, log.snapshot, 1), undefined);
    const atMs = Date.parse('2026-11-20T15:00:05.000');
    assert.equal(log.rowOf({ atMs, cause: undefined }), first + 1);
  });

  it('reads nothing while it is closed, and the end anew afterwards', async () => {
    writeFileSync(file, 'one\n');
    const log = await open();
    const { first } = log.snapshot;
    log.close();
    assert.equal(log.isFollowed, false);
    appendFileSync(file, 'two\n');
    await log.open();
    assert.deepEqual(texts(log), ['one', 'two']);
    assert.ok(log.snapshot.first > first);
  });
});
