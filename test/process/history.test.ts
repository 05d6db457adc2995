import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { isoTime } from '../../src/core/clock';
import { burst, spacingMs } from '../../src/daemon/healthBudget';
import { History } from '../../src/daemon/history';
import { HistoryFile, migrate } from '../../src/daemon/historyFile';
import { readIncidents } from '../../src/daemon/historyReader';
import { limits, migrations } from '../../src/daemon/historySchema';
import { schemaVersion, type TableRow } from '../../src/daemon/historyRows';
import type { RunnerFact } from '../../src/diagnostics/runnerFacts';
import { FakeClock } from '../support/fakeClock';
import { findingOf, runnerOf, stateOf } from '../support/historyFixtures';
import { pathsBelow } from '../support/statusRecords';

const dayMs = 86_400_000;
const swapped = ['down', 'connecting'] as const;

type Row = Record<string, unknown>;

describe('the database of a daemon', () => {
  let root: string;
  let path: string;
  let clock: FakeClock;
  let history: History;
  let problems: (string | null)[];
  const histories: History[] = [];

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'robo-history-'));
    path = pathsBelow(root).database;
    clock = new FakeClock();
    problems = [];
    history = begin(1);
  });

  afterEach(() => {
    histories.splice(0).forEach((each) => {
      each.dispose();
    });
    rmSync(root, { recursive: true, force: true });
  });

  function begin(pid: number): History {
    const self = { pid, version: '0.1.0', started_at: isoTime(clock.now()) };
    const begun = new History(path, self, {
      clock,
      redact: (text) => text,
      onProblem: (problem) => problems.push(problem),
    });
    histories.push(begun);
    return begun;
  }

  /** What another process sees now. */
  function rows(sql: string): readonly Row[] {
    const reader = new DatabaseSync(path, { readOnly: true });
    try {
      return reader
        .prepare(sql)
        .all()
        .map((row) => ({ ...row }));
    } finally {
      reader.close();
    }
  }

  const down = (afterMs: number): ReturnType<typeof stateOf> =>
    stateOf('down', afterMs, [findingOf('port_refused')]);

  it('is private, and another process reads it while it is open', async () => {
    history.changeHealth({ was: 'connecting', health: 'down', layer: 'process', reason: 'Why.' });
    history.take(down(0), true);
    await clock.advance(100);
    assert.equal(history.problem, null);
    for (const name of readdirSync(dirname(path))) {
      assert.equal(statSync(join(dirname(path), name)).mode & 0o777, 0o600, name);
    }
    assert.deepEqual(rows('PRAGMA journal_mode'), [{ journal_mode: 'wal' }]);
    assert.deepEqual(rows('SELECT was, health, layer, reason FROM health'), [
      { was: 'connecting', health: 'down', layer: 'process', reason: 'Why.' },
    ]);
    const incidents = await readIncidents(path, 5);
    assert.deepEqual(incidents.known && incidents.value.map(({ cause }) => cause), [
      'port_refused',
    ]);
  });

  it('has a new incident before anybody is told, unless they come too fast', async () => {
    history.take(down(0), true);
    assert.deepEqual(rows('SELECT cause FROM incidents'), [{ cause: 'port_refused' }]);
    history.take(stateOf('healthy', 50), false);
    history.take(down(100), true);
    const count = (): unknown => rows('SELECT count(*) AS count FROM incidents')[0]?.['count'];
    assert.equal(count(), 1);
    await clock.advance(20);
    assert.equal(count(), 2);
  });

  it('says every half minute that the watch lasts, and how it ended', async () => {
    for (let second = 0; second <= 120; second += 10) {
      history.take(stateOf('healthy', 1000 * second), false);
      await clock.advance(10_000);
    }
    const [watch] = rows('SELECT * FROM watches');
    assert.ok(clock.now() - Date.parse(String(watch?.['last_seen_at'])) <= 40_000);
    assert.equal(watch?.['ended_at'], null);
    history.end('healthy', 'it was told to');
    assert.equal(rows('SELECT why FROM watches')[0]?.['why'], 'it was told to');
    assert.equal(rows('SELECT health FROM health ORDER BY id DESC')[0]?.['health'], 'unknown');
    assert.equal(clock.pending, 0);
    assert.deepEqual(
      readdirSync(dirname(path)).filter((name) => name.endsWith('-journal')),
      [],
    );
  });

  it('goes on with an open incident after a daemon that was killed, and says the gap', async () => {
    history.take(down(0), true);
    await clock.advance(1000);
    history.dispose();
    await clock.advance(60_000);
    const next = begin(2);
    const state = down(61_000);
    next.take({ ...state, monitor: { ...state.monitor, startedAt: isoTime(clock.now()) } }, true);
    await clock.advance(100);
    const [incident, ...more] = rows('SELECT * FROM incidents');
    assert.deepEqual(more, []);
    assert.equal(incident?.['until'], null);
    assert.ok(Number(incident['unwatched_ms']) >= 60_000);
    assert.match(String(rows('SELECT reason FROM health')[0]?.['reason']), /without a word/);
    assert.equal(rows('SELECT * FROM watches').length, 2);
  });

  it('closes an incident that is over, with an end that nobody saw', async () => {
    history.take(down(0), true);
    await clock.advance(1000);
    history.dispose();
    const next = begin(2);
    next.take(stateOf('healthy', 5000), false);
    await clock.advance(100);
    const [incident] = rows('SELECT * FROM incidents');
    assert.equal(incident?.['ending'], 'not seen');
    assert.equal(incident['until'], rows('SELECT last_seen_at FROM watches')[0]?.['last_seen_at']);
  });

  it('bounds the work that a busy runner makes, and counts what it leaves out', async () => {
    const flood = Array.from({ length: 20_000 }, (_, index): RunnerFact => {
      return { kind: 'signal', symbol: 'AAPL', signal: 'buy', price: index };
    });
    history.take(stateOf('healthy', 0, [], [runnerOf()]), false);
    history.hear('/ws', flood);
    await clock.advance(250);
    const first = Number(rows('SELECT count(*) AS count FROM signals')[0]?.['count']);
    assert.ok(first > 0 && first <= 500, String(first));
    await clock.advance(10_000);
    assert.equal(rows('SELECT count(*) AS count FROM signals')[0]?.['count'], 4000);
    history.take(stateOf('healthy', 0, [], [runnerOf()]), false);
    await clock.advance(250);
    assert.equal(rows('SELECT signals_left_out FROM runs')[0]?.['signals_left_out'], 16_000);
  });

  it('leaves rows out that it cannot take, says so, and goes on', async () => {
    const bad = { kind: 'signal', symbol: 'AAPL', signal: 'buy', price: 'high' };
    history.hear('/ws', [bad as unknown as RunnerFact]);
    await clock.advance(1000);
    assert.match(problems.at(-1) ?? '', /does not take some rows/);
    history.take(down(1000), true);
    await clock.advance(31_000);
    assert.equal(history.problem, null);
    assert.equal(rows('SELECT * FROM incidents').length, 1);
  });

  it('knows at once that a watch has ended that was short', () => {
    history.take(stateOf('unknown', 0), false);
    history.end('unknown', 'it was told to');
    assert.equal(rows('SELECT why FROM watches')[0]?.['why'], 'it was told to');
  });

  it('keeps a signal once that is read twice', async () => {
    const fact = {
      kind: 'signal',
      symbol: 'AAPL',
      signal: 'buy',
      at: isoTime(clock.now()),
    } as const;
    history.hear('/ws', [fact]);
    await clock.advance(1000);
    history.hear('/ws', [fact, { ...fact, symbol: 'NVDA' }]);
    await clock.advance(1000);
    assert.equal(rows('SELECT * FROM signals').length, 2);
  });

  it('moves a damaged database aside, says so, and begins a new one with what is open', async () => {
    history.take(down(0), true);
    await clock.advance(1000);
    history.dispose();
    writeFileSync(path, Buffer.concat([readFileSync(path).subarray(0, 5000), Buffer.alloc(9000)]));
    const next = begin(2);
    next.take(down(2000), true);
    await clock.advance(1000);
    assert.match(
      next.problem ?? '',
      /damaged.*moved to .*robo\.db\.damaged-20261120T\w+, and a new/,
    );
    assert.equal(problems.at(-1), next.problem);
    assert.equal(rows('SELECT * FROM incidents').length, 1);
    const aside = readdirSync(dirname(path)).filter((name) => name.includes('.damaged-'));
    assert.equal(aside.length, 1);
    await clock.advance(dayMs);
    assert.equal(next.problem, null);
  });

  it('keeps only a few damaged ones, and takes text in its place for damage too', () => {
    const file = new HistoryFile(path);
    for (let round = 0; round < 6; round += 1) {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(
        path,
        'no database at all, but a text that is long enough to be read as one'.repeat(20),
      );
      assert.throws(() => {
        file.connect();
      }, /is damaged/);
      file.moveAside(clock.now() + round);
    }
    assert.equal(readdirSync(dirname(path)).length, 3);
  });

  it('leaves a newer schema as it is, and says so', async () => {
    history.take(down(0), true);
    await clock.advance(1000);
    history.dispose();
    const newer = new DatabaseSync(path);
    newer.exec(`PRAGMA user_version = ${schemaVersion + 1}`);
    newer.close();
    const before = readFileSync(path);
    const next = begin(2);
    next.take(stateOf('healthy', 2000), false);
    await clock.advance(120_000);
    next.end('healthy', 'the test is over');
    assert.match(next.problem ?? '', /newer Robo .*is left as it is.*until Robo is updated/);
    assert.deepEqual(readFileSync(path), before);
    const read = await readIncidents(path, 5);
    assert.match(read.known ? '' : read.why, /newer Robo/);
  });

  it('is brought to the newest schema step by step, each whole or not at all', () => {
    const old = new DatabaseSync(':memory:');
    migrate(old, ['CREATE TABLE a (x)']);
    const steps = ['CREATE TABLE a (x)', 'CREATE TABLE b (x)', 'CREATE TABLE c (x); NONSENSE'];
    assert.throws(() => {
      migrate(old, steps);
    }, /syntax error/);
    const tables = old.prepare('SELECT name FROM sqlite_schema ORDER BY name').all();
    assert.deepEqual(
      tables.map(({ name }) => name),
      ['a', 'b'],
    );
    assert.equal(old.prepare('PRAGMA user_version').get()?.['user_version'], 2);
    old.close();
    assert.equal(migrations.length, schemaVersion);
  });

  for (const extra of ['', '-wal', '-shm']) {
    it(`refuses a link in place of robo.db${extra}`, async () => {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(join(root, 'target'), 'whole');
      symlinkSync(join(root, 'target'), `${path}${extra}`);
      history.take(down(0), true);
      await clock.advance(1000);
      assert.match(history.problem ?? '', /is a link or no file.*remove it/);
      assert.equal(readFileSync(join(root, 'target'), 'utf8'), 'whole');
      assert.ok(lstatSync(`${path}${extra}`).isSymbolicLink());
      rmSync(`${path}${extra}`);
      await clock.advance(31_000);
      assert.equal(history.problem, null);
      assert.equal(rows('SELECT * FROM incidents').length, 1);
    });
  }

  it("refuses another user's file", async function () {
    if (process.getuid?.() !== 0) {
      this.skip();
    }
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, '');
    chownSync(path, 65_534, 65_534);
    history.take(down(0), true);
    await clock.advance(1000);
    assert.match(history.problem ?? '', /belongs to another user/);
    assert.equal(statSync(path).size, 0);
  });

  it('waits for a directory that cannot be written, within bounds, and loses no incident', async () => {
    writeFileSync(dirname(path), 'somebody put a file here');
    history.take(down(0), true);
    for (let count = 0; count < 2200; count += 1) {
      const health = count % 2 === 0 ? 'down' : 'connecting';
      history.changeHealth({ was: null, health, layer: null, reason: String(count) });
      await clock.advance(spacingMs);
    }
    assert.match(history.problem ?? '', /not a directory|cannot be used/);
    rmSync(dirname(path));
    await clock.advance(40_000);
    assert.equal(history.problem, null);
    assert.equal(rows('SELECT cause FROM incidents')[0]?.['cause'], 'port_refused');
    const kept = Number(rows('SELECT count(*) AS count FROM health')[0]?.['count']);
    assert.ok(kept > 1000 && kept <= 2000, String(kept));
    assert.equal(rows('SELECT reason FROM health ORDER BY id DESC')[0]?.['reason'], '2199');
  });

  it('keeps the year before where a connection flaps without end', async () => {
    history.changeHealth({ was: null, health: 'connecting', layer: null, reason: 'Begin.' });
    const minutes = 20;
    for (let count = 0; count < minutes * 600; count += 1) {
      const [was, health] = count % 2 === 0 ? (['connecting', 'down'] as const) : swapped;
      history.changeHealth({ was, health, layer: null, reason: String(count) });
      await clock.advance(101);
    }
    await clock.advance(2 * spacingMs);
    const kept = rows('SELECT was, health, reason FROM health ORDER BY id');
    assert.ok(kept.length >= burst && kept.length <= burst + minutes + 2, String(kept.length));
    for (const [index, row] of kept.entries()) {
      assert.equal(row['was'], index === 0 ? null : kept[index - 1]?.['health'], String(index));
    }
    const last = (minutes * 600 - 1) % 2 === 0 ? 'down' : 'connecting';
    assert.equal(kept.at(-1)?.['health'], last);
  });

  it('ends with the health that was held back', () => {
    for (let count = 0; count <= 2 * burst; count += 1) {
      const [was, health] = count % 2 === 0 ? (['connecting', 'down'] as const) : swapped;
      history.changeHealth({ was, health, layer: null, reason: String(count) });
    }
    history.end('down', 'it was stopped');
    const [end, before] = rows('SELECT was, health FROM health ORDER BY id DESC LIMIT 2');
    assert.deepEqual([before?.['health'], end], ['down', { was: 'down', health: 'unknown' }]);
  });

  it('begins anew where somebody has taken the file away, with what is open', async () => {
    history.changeHealth({ was: null, health: 'down', layer: null, reason: 'Why.' });
    history.take(down(0), true);
    await clock.advance(1000);
    renameSync(path, `${path}.gone`);
    history.take(stateOf('down', 2000, [findingOf('bad_host')]), true);
    await clock.advance(10_000);
    assert.deepEqual(rows('SELECT cause FROM incidents'), [{ cause: 'bad_host' }]);
    assert.deepEqual(rows('SELECT health FROM health'), [{ health: 'down' }]);
  });

  it('never waits for a lock: it is patient, then says so, then writes', async () => {
    history.take(stateOf('healthy', 0), false);
    await clock.advance(1000);
    const other = new DatabaseSync(path);
    other.exec('BEGIN IMMEDIATE');
    history.take(down(1000), true);
    const startMs = performance.now();
    await clock.advance(2000);
    assert.equal(history.problem, null);
    await clock.advance(8000);
    assert.match(problems.at(-1) ?? '', /locked by another process/);
    assert.ok(performance.now() - startMs < 2000, 'it has waited');
    other.exec('COMMIT');
    other.close();
    await clock.advance(31_000);
    assert.equal(history.problem, null);
    assert.equal(rows('SELECT * FROM incidents').length, 1);
  });

  it('is not held up by a reader, nor a reader by it', async () => {
    history.take(down(0), true);
    await clock.advance(1000);
    const reader = new DatabaseSync(path, { readOnly: true });
    reader.exec('BEGIN');
    const count = reader.prepare('SELECT count(*) AS count FROM incidents');
    assert.equal(count.get()?.['count'], 1);
    history.take(stateOf('healthy', 2000), false);
    history.take(down(3000), true);
    await clock.advance(1000);
    assert.equal(history.problem, null);
    assert.equal(count.get()?.['count'], 1, 'a reader sees one state');
    reader.exec('COMMIT');
    assert.equal(count.get()?.['count'], 2);
    reader.close();
  });

  it('drops what is too old, at the start and daily, but nothing that is open', async () => {
    const file = new HistoryFile(path);
    file.connect();
    const at = (daysAgo: number): string => isoTime(clock.now() - daysAgo * dayMs);
    const signal = (daysAgo: number): TableRow => ({
      table: 'signals',
      row: { at: at(daysAgo), workspace: '/ws', symbol: 'AAPL', signal: 'buy', price: daysAgo },
    });
    const health = (daysAgo: number): TableRow => ({
      table: 'health',
      row: { at: at(daysAgo), was: null, health: 'down', layer: null, reason: '' },
    });
    file.write([signal(91), signal(89), health(401), health(399)]);
    for (let count = 0; count < 3; count += 1) {
      const old = Array.from({ length: 500 }, (_, index) => signal(100 + count * 500 + index));
      file.write(old);
    }
    file.close();
    history.take(down(-500 * dayMs), true);
    await clock.advance(5000);
    assert.equal(rows('SELECT * FROM signals').length, 1);
    assert.equal(rows('SELECT * FROM health').length, 1);
    await clock.advance(2 * dayMs);
    history.take(down(2 * dayMs), true);
    await clock.advance(5000);
    assert.equal(rows('SELECT * FROM signals').length, 0);
    assert.equal(rows('SELECT * FROM health').length, 0);
    assert.equal(rows('SELECT * FROM incidents WHERE until IS NULL').length, 1);
  });

  it('has no more rows than its limit, however many are written', function () {
    this.timeout(20_000);
    const file = new HistoryFile(path);
    file.connect();
    const keepRows = limits.find(({ table }) => table === 'health')?.keepRows ?? 0;
    for (let count = 0; count < keepRows + 3000; count += 1000) {
      file.write(
        Array.from({ length: 1000 }, (_, index): TableRow => {
          const reason = String(count + index);
          const at = isoTime(clock.now());
          return { table: 'health', row: { at, was: null, health: 'down', layer: null, reason } };
        }),
      );
    }
    file.close();
    const [kept] = rows(
      'SELECT count(*) AS count, min(CAST(reason AS INTEGER)) AS oldest FROM health',
    );
    assert.deepEqual(kept, { count: keepRows, oldest: 3000 });
  });
});

describe('the database of a daemon in a process of its own', function () {
  this.timeout(30_000);
  let root: string;
  let path: string;
  const host = [
    ...['--import', pathToFileURL(require.resolve('tsx')).href],
    join(__dirname, '..', 'support', 'historyHost.ts'),
  ];
  const env = { PATH: process.env['PATH'], TSX_DISABLE_CACHE: '1' };

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'robo-history-'));
    path = join(root, 'robo.db');
  });

  afterEach(() => {
    rmSync(root, { recursive: true, force: true });
  });

  it('loses nothing that was written when it is killed in mid-write, and is never damaged', async () => {
    let least = 0;
    for (let round = 0; round < 6; round += 1) {
      const child = spawn(process.execPath, [...host, path], {
        env,
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const exited = once(child, 'exit');
      let said = '';
      const enough = 20 + round * 37;
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        said += text;
        if (said.split('\n').length > enough) {
          child.kill('SIGKILL');
        }
      });
      const [, signal] = (await exited) as [number | null, string | null];
      assert.equal(signal, 'SIGKILL');
      const written = said.split('\n').length - 1;
      least += written;
      const database = new DatabaseSync(path);
      const one = (sql: string): Row => database.prepare(sql).get() ?? {};
      assert.equal(one('PRAGMA integrity_check')['integrity_check'], 'ok');
      const transactions = Number(one('SELECT count(*) AS count FROM health')['count']);
      // One transaction may be whole without having been told.
      assert.ok(transactions >= least, `${transactions} of ${least}`);
      const newest = one('SELECT reason FROM health ORDER BY id DESC LIMIT 1')['reason'];
      const signals = Number(one('SELECT count(*) AS count FROM signals')['count']);
      const told = Number(/\d+$/.exec(String(newest))?.[0]);
      assert.ok(told >= written - 1 && told <= written, `${told} after ${written}`);
      assert.equal(signals % 2, 0, 'a transaction is whole or not there');
      database.close();
    }
  });

  it('says that the disk is full, and stays whole', async () => {
    const { stdout } = await promisify(execFile)(
      'sh',
      [
        // A file of this process may have 400 KiB.
        ...['-c', 'trap "" XFSZ; ulimit -f 800; exec "$0" "$@"', process.execPath],
        ...host,
        ...[path, 'full'],
      ],
      { timeout: 15_000, env },
    );
    const { problem } = JSON.parse(stdout) as { problem: string };
    assert.match(problem, /robo\.db cannot be written \(.*free some space/);
    const database = new DatabaseSync(path);
    assert.equal(database.prepare('PRAGMA integrity_check').get()?.['integrity_check'], 'ok');
    assert.ok(
      Number(database.prepare('SELECT count(*) AS count FROM health').get()?.['count']) > 5,
    );
    database.close();
  });
});
