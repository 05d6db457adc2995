import assert from 'node:assert/strict';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HumanError } from '../../src/core/errors';
import type { EndpointPaths } from '../../src/core/paths';
import {
  ensureOwnDirectory,
  ensurePrivateDirectory,
  Records,
  replaceFile,
} from '../../src/monitor/records';
import { pathsBelow, statusRecordOf } from '../support/statusRecords';

const atMs = Date.parse('2026-11-20T15:00:00Z');

describe('the records', () => {
  let root: string;
  let paths: EndpointPaths;
  let records: Records;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'robo-records-'));
    paths = pathsBelow(root);
    records = new Records(paths);
  });

  afterEach(() => {
    rmSync(root, { recursive: true, force: true });
  });

  const logLines = (): readonly string[] =>
    readFileSync(paths.monitorLog, 'utf8').trimEnd().split('\n');

  it('are private files in a private directory', () => {
    records.writeStatus(statusRecordOf());
    records.writeAlert('x');
    records.log(atMs, 'INFO', 'a.b', 'x');
    assert.equal(records.problem, null);
    assert.equal(statSync(paths.directory).mode & 0o777, 0o700);
    for (const file of [paths.status, paths.alert, paths.monitorLog]) {
      assert.equal(statSync(file).mode & 0o777, 0o600);
    }
    assert.deepEqual(JSON.parse(readFileSync(paths.status, 'utf8')), statusRecordOf());
  });

  it('leave a reader the old text or the new, never a part', () => {
    replaceFile(join(root, 'f'), 'old');
    const reader = readFileSync.bind(undefined, join(root, 'f'), 'utf8');
    const openBefore = lstatSync(join(root, 'f')).ino;
    replaceFile(join(root, 'f'), 'new'.repeat(100_000));
    assert.equal(reader(), 'new'.repeat(100_000));
    // Another file under the name: whoever has opened the old one reads it to its end.
    assert.notEqual(lstatSync(join(root, 'f')).ino, openBefore);
    assert.deepEqual(readdirSync(root), ['f']);
  });

  it('have an alert file exactly while there is an alert', () => {
    assert.equal(records.writeAlert(undefined), true);
    assert.equal(existsSync(paths.alert), false);
    records.writeAlert('down');
    assert.equal(readFileSync(paths.alert, 'utf8'), 'down');
    records.writeAlert(undefined);
    assert.equal(existsSync(paths.alert), false);
  });

  it('close a directory of ours that was open to others', () => {
    mkdirSync(paths.directory, { recursive: true });
    chmodSync(paths.directory, 0o777);
    ensurePrivateDirectory(paths.directory);
    assert.equal(statSync(paths.directory).mode & 0o777, 0o700);
  });

  it('leave the rights of a directory that the user has named', () => {
    chmodSync(root, 0o755);
    ensureOwnDirectory(root);
    assert.equal(statSync(root).mode & 0o777, 0o755);
  });

  for (const [what, ensure] of [
    ['ensureOwnDirectory', ensureOwnDirectory],
    ['ensurePrivateDirectory', ensurePrivateDirectory],
  ] as const) {
    it(`refuse a link in place of the directory (${what})`, () => {
      mkdirSync(join(root, 'target'), { mode: 0o755 });
      symlinkSync(join(root, 'target'), join(root, 'link'));
      assert.throws(() => {
        ensure(join(root, 'link'));
      }, /HumanError: .*is a link or a file.*--state-dir/);
      assert.equal(statSync(join(root, 'target')).mode & 0o777, 0o755);
    });

    it(`refuse a file in place of the directory (${what})`, () => {
      writeFileSync(join(root, 'file'), '');
      assert.throws(() => {
        ensure(join(root, 'file'));
      }, HumanError);
      assert.throws(() => {
        ensure(join(root, 'file', 'below'));
      }, /cannot be used \(ENOTDIR\)/);
    });

    it(`refuse the directory of a stranger (${what})`, () => {
      const stranger = ['/etc', '/usr', '/'].find(
        (directory) => lstatSync(directory).uid !== process.getuid?.(),
      );
      if (stranger !== undefined) {
        assert.throws(() => {
          ensure(stranger);
        }, /belongs to another user/);
        return;
      }
      // As root nobody's directory is a stranger's; give one away, to find that out too.
      const given = join(root, 'given');
      mkdirSync(given);
      chownSync(given, 65_534, 65_534);
      assert.throws(() => {
        ensure(given);
      }, /belongs to another user/);
    });
  }

  it('write nothing into the target of a linked directory', () => {
    mkdirSync(join(root, 'target'));
    symlinkSync(join(root, 'target'), paths.directory);
    records.writeStatus(statusRecordOf());
    records.writeAlert('x');
    records.log(atMs, 'INFO', 'a.b', 'x');
    assert.deepEqual(readdirSync(join(root, 'target')), []);
    assert.match(records.problem ?? '', /is a link or a file/);
  });

  describe('beside a link that somebody has put there', () => {
    let victim: string;

    beforeEach(() => {
      victim = join(root, 'victim');
      writeFileSync(victim, 'precious');
      mkdirSync(paths.directory, { mode: 0o700 });
    });

    afterEach(() => {
      assert.equal(readFileSync(victim, 'utf8'), 'precious');
    });

    it('put the status in its place', () => {
      symlinkSync(victim, paths.status);
      records.writeStatus(statusRecordOf());
      assert.ok(lstatSync(paths.status).isFile());
      assert.equal(records.problem, null);
    });

    it('put the alert in its place, and remove no more than the link', () => {
      symlinkSync(victim, paths.alert);
      records.writeAlert('x');
      assert.ok(lstatSync(paths.alert).isFile());
      rmSync(paths.alert);
      symlinkSync(victim, paths.alert);
      records.writeAlert(undefined);
      assert.equal(existsSync(paths.alert), false);
    });

    it('follow none in place of the new text either', () => {
      symlinkSync(victim, `${paths.status}.${process.pid}.new`);
      records.writeStatus(statusRecordOf());
      assert.ok(lstatSync(paths.status).isFile());
    });

    it('do not log through it, and say so', () => {
      symlinkSync(victim, paths.monitorLog);
      records.log(atMs, 'INFO', 'a.b', 'x');
      assert.match(records.problem ?? '', /ibkr_monitor\.log is a link.*remove it/);
    });
  });

  it('go on after a failure, say it in one sentence, and say no more once it works', () => {
    mkdirSync(paths.status, { recursive: true });
    writeFileSync(join(paths.status, 'x'), '');
    records.writeStatus(statusRecordOf());
    assert.match(
      records.problem ?? '',
      /^\/.*ibkr_monitor_status\.json is a directory where a file belongs; remove it\.$/,
    );
    assert.deepEqual(
      readdirSync(paths.directory).filter((name) => name.endsWith('.new')),
      [],
    );
    rmSync(paths.status, { recursive: true });
    records.writeStatus(statusRecordOf());
    assert.equal(records.problem, null);
  });

  it('do not hide the failure of one record behind the success of another', () => {
    mkdirSync(paths.directory, { mode: 0o700 });
    mkdirSync(paths.monitorLog);
    records.log(atMs, 'INFO', 'a.b', 'x');
    records.writeStatus(statusRecordOf());
    records.writeAlert(undefined);
    assert.match(records.problem ?? '', /ibkr_monitor\.log is a directory/);
  });

  it('say when an alert could not be taken back, so that it is tried again', () => {
    mkdirSync(paths.alert, { recursive: true });
    assert.equal(records.writeAlert(undefined), false);
    rmSync(paths.alert, { recursive: true });
    assert.equal(records.writeAlert(undefined), true);
  });

  it('log one line an event: time with offset, level, token, words', () => {
    records.log(atMs, 'WARN', 'health.down', 'connecting -> down: silence');
    records.log(atMs + 1, 'INFO', 'health.healthy', 'well');
    assert.deepEqual(logLines(), [
      '2026-11-20T15:00:00.000+00:00 WARN health.down connecting -> down: silence',
      '2026-11-20T15:00:00.001+00:00 INFO health.healthy well',
    ]);
  });

  it('let no text of a peer forge a line', () => {
    const forged = '2026-11-20T15:00:00.000+00:00 INFO health.healthy all is well';
    for (const end of [
      '\n',
      '\r',
      '\r\n',
      '\u0085',
      '\u2028',
      '\u2029',
      '\v',
      '\f',
      '\0',
      '\x1b[2K',
    ]) {
      records.log(atMs, 'INFO', 'tws.2104', `x${end}${forged}`);
    }
    const lines = readFileSync(paths.monitorLog, 'utf8')
      .trimEnd()
      // eslint-disable-next-line no-control-regex -- whatever any reader takes for the end of a line
      .split(/[\n\r\u0085\u2028\u2029\v\f\u0000\u001b]/);
    assert.equal(lines.length, 10);
    for (const line of lines) {
      assert.match(line, /^2026-11-20T15:00:00\.000\+00:00 INFO tws\.2104 x/);
    }
  });

  it('keep an event short, however much a peer sends', () => {
    records.log(atMs, 'INFO', 'tws.2104', 'x'.repeat(10_000_000));
    assert.ok(statSync(paths.monitorLog).size < 10_000);
  });

  it('turn the log over when it is long, and keep one old one', () => {
    records.log(atMs, 'INFO', 'a.b', 'first');
    truncateSync(paths.monitorLog, 5 * 1024 * 1024 + 1);
    records.log(atMs, 'INFO', 'a.b', 'second');
    assert.equal(logLines().length, 1);
    assert.ok(statSync(`${paths.monitorLog}.1`).size > 5 * 1024 * 1024);
    appendFileSync(paths.monitorLog, 'x'.repeat(6 * 1024 * 1024));
    records.log(atMs, 'INFO', 'a.b', 'third');
    assert.equal(logLines().length, 1);
    assert.equal(readdirSync(paths.directory).length, 2);
  });
});
