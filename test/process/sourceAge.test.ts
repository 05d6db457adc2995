import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { newerSource } from '../../src/runner/sourceAge';

const startedAtMs = Date.parse('2026-11-20T15:00:00Z');

describe('the source of a runner', () => {
  let folder: string;

  beforeEach(() => {
    folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'robo-source-')));
  });

  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  function file(name: string, minutes: number, text = ''): void {
    const place = path.join(folder, name);
    mkdirSync(path.dirname(place), { recursive: true });
    writeFileSync(place, text);
    const seconds = startedAtMs / 1000 + minutes * 60;
    utimesSync(place, seconds, seconds);
  }

  async function newer(...argv: readonly string[]): Promise<string | undefined> {
    const found = await newerSource(argv, folder, startedAtMs);
    return found === undefined ? undefined : path.relative(folder, found.file);
  }

  it('is the package of the module, at the newest file', async () => {
    file('trader/__init__.py', -60);
    file('trader/runner.py', 5);
    file('trader/risk/limits.py', 10);
    assert.equal(await newer('python3', '-m', 'trader.runner'), path.join('trader/risk/limits.py'));
    assert.equal(
      await newer('/ws/.venv/bin/python', '-u', '-m', 'trader'),
      path.join('trader/risk/limits.py'),
    );
  });

  it('is not what was there before, what no one imports, what is no source', async () => {
    file('trader/__init__.py', -60);
    file('trader/runner.py', -5);
    for (const name of [
      'trader/__pycache__/runner.py',
      'trader/data/made.py',
      'trader/tests/test_runner.py',
      'trader/node_modules/x.py',
      'trader/.venv/lib/x.py',
      'trader/state.json',
      'other/tool.py',
      'notes.py',
    ]) {
      file(name, 10);
    }
    assert.equal(await newer('python3', '-m', 'trader.runner'), undefined);
  });

  it('is a script, its package, and what it imports from beside it', async () => {
    file('run.py', -5, 'import os\nfrom helpers import x\nfrom lib.deep import y\n');
    file('helpers.py', -5);
    file('lib/__init__.py', -5);
    file('lib/deep.py', -5);
    file('unrelated.py', 10);
    assert.equal(await newer('python3', 'run.py'), undefined);
    file('lib/deep.py', 3);
    assert.equal(await newer('python3', 'run.py'), path.join('lib/deep.py'));
    file('helpers.py', 4);
    assert.equal(await newer('python3', 'run.py'), 'helpers.py');
    file('run.py', 5, 'pass');
    assert.equal(await newer('python3', 'run.py'), 'run.py');
  });

  it('is a script of Node or a shell', async () => {
    file('bot.mjs', 5);
    file('start.sh', 5);
    assert.equal(await newer(process.execPath, 'bot.mjs'), 'bot.mjs');
    assert.equal(await newer('bash', 'start.sh'), 'start.sh');
  });

  it('is unknown outside of the working directory, for code on the command line, for binaries', async () => {
    file('bot.py', 5);
    assert.equal(await newer('python3', '-c', 'print(1)'), undefined);
    assert.equal(await newer('./bot'), undefined);
    assert.equal(await newer('python3', '/usr/lib/python3/bot.py'), undefined);
    assert.equal(await newer('python3', 'gone.py'), undefined);
    assert.equal(await newer(), undefined);
  });

  it('counts a file that was saved while the program was being loaded as loaded', async () => {
    file('bot.py', 1 / 60);
    assert.equal(await newer('python3', 'bot.py'), undefined);
  });
});
