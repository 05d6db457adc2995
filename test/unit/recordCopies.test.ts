import assert from 'node:assert/strict';
import {
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { EndpointPaths } from '../../src/core/paths';
import type { StatusRecord } from '../../src/diagnostics/status';
import { RecordCopies } from '../../src/monitor/recordCopies';
import { Records } from '../../src/monitor/records';
import { pathsBelow, recordAtMs, statusRecordOf } from '../support/statusRecords';

const nowMs = recordAtMs;

describe('copies of the records', () => {
  let root: string;
  let folder: string;
  let paths: EndpointPaths;
  let records: Records;
  let status: string;
  let alert: string;

  beforeEach(() => {
    root = realpathSync(mkdtempSync(join(tmpdir(), 'robo-copies-')));
    folder = join(root, 'also');
    mkdirSync(folder);
    paths = pathsBelow(root);
    records = new Records(paths);
    status = join(folder, basename(paths.status));
    alert = join(folder, basename(paths.alert));
  });

  afterEach(() => {
    rmSync(root, { recursive: true, force: true });
  });

  const record = (over: Partial<StatusRecord> = {}): StatusRecord => ({
    ...statusRecordOf(),
    ...over,
  });
  const { host, port } = record().session;
  const mirror = (at = folder, owner = { host, port }): RecordCopies =>
    new RecordCopies(paths, at, { ...owner, now: () => nowMs });

  it('are the same files under the same names, private, and go with the alert', () => {
    records.copyTo(mirror());
    records.writeStatus(record());
    assert.equal(records.writeAlert('CRITICAL'), true);
    assert.equal(readFileSync(status, 'utf8'), readFileSync(paths.status, 'utf8'));
    assert.equal(readFileSync(alert, 'utf8'), 'CRITICAL');
    assert.equal(statSync(status).mode & 0o777, 0o600);
    records.writeAlert(undefined);
    assert.equal(existsSync(alert), false);
    assert.equal(records.problem, null);
    assert.deepEqual(readdirSync(folder), [basename(paths.status)]);
  });

  it('begin with what was written before, and leave nothing where they were', () => {
    records.writeStatus(record({ message: 'present' }));
    records.writeAlert('CRITICAL');
    records.copyTo(mirror());
    assert.match(readFileSync(status, 'utf8'), /present/);
    const other = join(root, 'other');
    records.copyTo(mirror(other));
    assert.deepEqual(readdirSync(folder), []);
    assert.equal(readdirSync(other).length, 2);
    records.copyTo(undefined);
    assert.deepEqual(readdirSync(other), []);
  });

  it('are made in a folder that is a link of ours, as /tmp may be one', () => {
    const link = join(root, 'link');
    symlinkSync(folder, link);
    records.copyTo(mirror(link));
    records.writeStatus(record());
    assert.equal(records.problem, null);
    assert.ok(existsSync(status));
  });

  it('replace the file of an older monitor, and of one that has long gone', () => {
    for (const old of [
      '{"timestamp":"2026-11-20T15:00:00","connected":true,"port":7497}',
      'no JSON',
      JSON.stringify(
        record({
          timestamp: '2026-11-20T14:00:00Z',
          session: { ...record().session, port: 4002 },
        }),
      ),
    ]) {
      writeFileSync(status, old);
      records.copyTo(mirror());
      records.writeStatus(record());
      assert.equal(records.problem, null, old);
      assert.equal(readFileSync(status, 'utf8'), readFileSync(paths.status, 'utf8'));
    }
  });

  it("leave the copies of another endpoint's monitor alone, and say whose they are", () => {
    const theirs = JSON.stringify(record({ session: { ...record().session, port: 4002 } }));
    writeFileSync(status, theirs);
    writeFileSync(alert, 'theirs');
    records.copyTo(mirror());
    records.writeStatus(record());
    assert.equal(records.writeAlert(undefined), false);
    assert.equal(readFileSync(status, 'utf8'), theirs);
    assert.equal(readFileSync(alert, 'utf8'), 'theirs');
    assert.match(records.problem ?? '', /has the copies of the monitor of 127\.0\.0\.1:4002/);
    // Nor are they taken away with ours.
    records.copyTo(undefined);
    assert.ok(existsSync(alert));
    assert.equal(records.problem, null);
  });

  it('do not stop the records themselves, say why they fail, and come back', () => {
    const file = join(root, 'file');
    writeFileSync(file, '');
    records.copyTo(mirror(join(file, 'below')));
    records.writeStatus(record({ message: 'one' }));
    assert.match(readFileSync(paths.status, 'utf8'), /one/);
    assert.match(records.problem ?? '', /copies .* cannot be written \(ENOTDIR\).*alsoAt/);
    assert.equal(records.writeAlert('CRITICAL'), true, 'the alert itself stands');
    rmSync(file);
    mkdirSync(file);
    records.writeStatus(record());
    records.writeAlert(undefined);
    assert.equal(records.problem, null);
  });

  it('are refused in the folder of the records themselves', () => {
    records.writeStatus(record());
    records.copyTo(mirror(paths.directory));
    records.writeAlert('CRITICAL');
    assert.match(records.problem ?? '', /is where the records are/);
    assert.equal(readFileSync(paths.alert, 'utf8'), 'CRITICAL');
    records.copyTo(undefined);
    assert.ok(existsSync(paths.status), 'the record itself is not taken for a copy');
  });

  it('follow no link and replace none', () => {
    const victim = join(root, 'victim');
    writeFileSync(victim, 'untouched');
    for (const file of [status, alert]) {
      symlinkSync(victim, file);
    }
    records.copyTo(mirror());
    records.writeStatus(record());
    assert.match(records.problem ?? '', /is a link or no file/);
    records.writeAlert('CRITICAL');
    records.writeAlert(undefined);
    assert.equal(readFileSync(victim, 'utf8'), 'untouched');
    assert.ok(lstatSync(status).isSymbolicLink() && lstatSync(alert).isSymbolicLink());
  });

  for (const what of ['folder', 'file'] as const) {
    it(`refuse the ${what} of another user`, function () {
      if (process.getuid?.() !== 0) {
        this.skip();
      }
      const strangers = what === 'folder' ? folder : status;
      if (what === 'file') {
        writeFileSync(status, 'theirs');
      }
      chownSync(strangers, 12_345, 12_345);
      records.copyTo(mirror());
      records.writeStatus(record());
      assert.match(records.problem ?? '', /belongs to another user/);
      assert.deepEqual(readdirSync(folder), what === 'file' ? [basename(status)] : []);
    });
  }

  it('sweep away what a killed monitor left half-written, and nothing that is new', () => {
    const left = `${status}.4711.new`;
    const fresh = `${alert}.4712.new`;
    for (const file of [left, fresh]) {
      writeFileSync(file, 'half');
      utimesSync(file, nowMs / 1000, nowMs / 1000);
    }
    utimesSync(left, nowMs / 1000 - 3600, nowMs / 1000 - 3600);
    writeFileSync(join(folder, 'mine.1.new'), '');
    utimesSync(join(folder, 'mine.1.new'), 1, 1);
    mirror();
    assert.deepEqual(readdirSync(folder).sort(), [basename(fresh), 'mine.1.new'].sort());
  });
});
