import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { installDaemonFiles } from '../../src/daemon/daemonFiles';
import { pageFiles, readPageAssets } from '../../src/daemon/feed/pageAssets';

describe("The daemon's files in our own storage", () => {
  let root: string;
  let dist: string;

  beforeEach(async () => {
    root = await mkdtemp(path.join(tmpdir(), 'robo-files-'));
    dist = await mkdtemp(path.join(root, 'dist-'));
    await writeFile(path.join(dist, 'daemon.cjs'), 'daemon 1');
    await writeFile(path.join(dist, 'runner.cjs'), 'runner 1');
    await mkdir(path.join(dist, 'dashboard'));
    for (const name of pageFiles) {
      await writeFile(path.join(dist, 'dashboard', name), `${name} 1`);
    }
  });

  afterEach(async () => {
    await rm(root, { recursive: true });
  });

  const install = async () => installDaemonFiles(dist, path.join(root, 'storage'), '1.2.3');

  it('are copied into a folder of the version, by any number of windows at once', async () => {
    const [files] = await Promise.all([install(), install(), install()]);
    assert.equal(files.daemonScript, path.join(root, 'storage', '1.2.3', 'daemon.cjs'));
    assert.equal(await readFile(files.runnerScript, 'utf8'), 'runner 1');
    const names = await readdir(path.dirname(files.daemonScript));
    assert.deepEqual(names.sort(), ['daemon.cjs', 'dashboard', 'runner.cjs']);
    const page = readPageAssets(path.join(path.dirname(files.daemonScript), 'dashboard'));
    assert.deepEqual(page['dashboard.js'], 'dashboard.js 1');
    assert.deepEqual(Object.keys(page), [...pageFiles]);
  });

  it('are left alone when they are the same and replaced when they are not', async () => {
    const { daemonScript } = await install();
    const before = await stat(daemonScript);
    await install();
    assert.equal((await stat(daemonScript)).ino, before.ino);
    await writeFile(path.join(dist, 'daemon.cjs'), 'daemon 2');
    await install();
    assert.equal(await readFile(daemonScript, 'utf8'), 'daemon 2');
  });

  it('fail with one sentence when a bundle is missing', async () => {
    await rm(path.join(dist, 'runner.cjs'));
    await assert.rejects(install(), /could not be put into .*ENOENT.*try again/);
  });
});
