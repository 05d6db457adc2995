import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

interface Counted {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: readonly string[];
  readonly why?: string;
}

interface Scripts {
  readonly judge: (counted: Counted | undefined, exitCode: number) => Counted;
  readonly whyModulesDoNotFit: (folder: string) => string | undefined;
  readonly environmentForNpm: (
    extra: Record<string, string>,
  ) => Readonly<Record<string, string | undefined>>;
}

/** The scripts are plain JavaScript, so that they run before anything is installed. */
async function load(name: string): Promise<Scripts> {
  const file = path.resolve(__dirname, '../../scripts/support', name);
  return (await import(pathToFileURL(file).href)) as Scripts;
}

describe('A tier of npm test', () => {
  const counted = (passed: number, failed: number): Counted => ({ passed, failed, skipped: [] });
  const cases = [
    { title: 'passes as counted', counted: counted(3, 0), exitCode: 0, failed: 0 },
    { title: 'fails as counted', counted: counted(3, 2), exitCode: 2, failed: 2 },
    { title: 'fails without any test', counted: counted(0, 0), exitCode: 0, failed: 1 },
    { title: 'fails when it ended without a count', counted: undefined, exitCode: 0, failed: 1 },
    { title: 'fails on an exit code alone', counted: counted(3, 0), exitCode: 1, failed: 1 },
  ];
  for (const { title, counted: given, exitCode, failed } of cases) {
    it(title, async () => {
      const { judge } = await load('tiers.mjs');
      assert.equal(judge(given, exitCode).failed, failed);
    });
  }

  it('keeps the names of skipped tests when everything was skipped', async () => {
    const { judge } = await load('tiers.mjs');
    const result = judge({ passed: 0, failed: 0, skipped: ['a test'] }, 0);
    assert.deepEqual(result.skipped, ['a test']);
    assert.equal(result.failed, 1);
  });

  it('names what failed and where, for the end of the log', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'robo-reporter-'));
    try {
      const spec = path.join(folder, 'spec.cjs');
      const told = path.join(folder, 'result.json');
      writeFileSync(
        spec,
        "describe('it', () => it('breaks', () => { throw new Error('ouch'); }));",
      );
      const reporter = path.resolve(__dirname, '../../scripts/support/tierReporter.mjs');
      const mocha = require.resolve('mocha/bin/mocha.js');
      const args = [mocha, '--no-config', `--reporter=${reporter}`, spec];
      spawnSync(process.execPath, args, { env: { ...process.env, ROBO_TIER_RESULT: told } });
      const { failures } = JSON.parse(readFileSync(told, 'utf8')) as { failures: string[] };
      assert.match(failures.join(), /^it breaks\nError: ouch\n.*spec\.cjs:1:/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe('node_modules', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'robo-modules-'));
    mkdirSync(path.join(folder, 'node_modules'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const lock = (packages: object): string => JSON.stringify({ packages: { '': {}, ...packages } });
  const wanted = {
    'node_modules/a': { version: '1.0.0', integrity: 'sha512-a' },
    'node_modules/b': { version: '2.0.0', optional: true },
  };

  async function why(present: object | undefined): Promise<string | undefined> {
    writeFileSync(path.join(folder, 'package-lock.json'), lock(wanted));
    if (present !== undefined) {
      writeFileSync(path.join(folder, 'node_modules/.package-lock.json'), lock(present));
    }
    return (await load('toolchain.mjs')).whyModulesDoNotFit(folder);
  }

  it('fits without an optional package of another platform', async () => {
    assert.equal(await why({ 'node_modules/a': wanted['node_modules/a'] }), undefined);
  });

  it('does not fit after an interrupted installation', async () => {
    assert.match((await why(undefined)) ?? '', /no complete installation/);
  });

  it('does not fit when a package is missing', async () => {
    assert.match((await why({})) ?? '', /node_modules\/a should be 1\.0\.0/);
  });

  it('does not fit when a version differs, of an optional package too', async () => {
    const present = { ...wanted, 'node_modules/b': { version: '2.0.1' } };
    assert.match((await why(present)) ?? '', /node_modules\/b should be 2\.0\.0/);
  });

  it('does not fit when the same version is another build', async () => {
    const other = { version: '1.0.0', integrity: 'sha512-x' };
    assert.match((await why({ 'node_modules/a': other })) ?? '', /another build/);
  });
});

describe('The environment of a nested npm', () => {
  it('does not say which Node the outer npm runs on', async () => {
    const { environmentForNpm } = await load('toolchain.mjs');
    const outer = {
      npm_config_user_agent: 'npm/10.0.0 node/v20.20.2 linux x64',
      npm_node_execpath: '/usr/bin/node',
      npm_config_registry: 'https://registry.example',
    };
    const nested = environmentForNpm(outer);
    assert.equal(nested['npm_config_user_agent'], undefined);
    assert.equal(nested['npm_node_execpath'], undefined);
    assert.equal(nested['npm_config_registry'], outer.npm_config_registry);
  });
});
