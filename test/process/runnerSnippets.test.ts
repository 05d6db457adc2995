import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFactReader } from '../../src/diagnostics/runnerReader';

const page = readFileSync(join(import.meta.dirname, '../../docs/runner-events.md'), 'utf8');

/** The code of the first block of that language below a heading. */
function snippet(heading: string, language: string): string {
  const section = page.slice(page.indexOf(`## ${heading}\n`));
  const code = new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``).exec(section)?.[1];
  assert.ok(code !== undefined, `there is no ${language} below ${heading}`);
  return code;
}

function said(output: string): readonly string[] {
  const read = createFactReader();
  return output.split('\n').flatMap((line) =>
    read(line).map((fact) => {
      assert.ok(!Number.isNaN(Date.parse(fact.at ?? '')), 'every line has its time');
      return 'symbol' in fact ? `${fact.kind} ${fact.symbol ?? ''}` : fact.kind;
    }),
  );
}

const expected = ['fetch ok AAPL', 'fetch failed NVDA', 'fill AAPL', 'cycle'];

describe('the snippets for other programs', function () {
  this.timeout(60_000);
  let folder: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'robo-snippets-'));
  });

  after(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it('in Python say what Robo reads, in ten lines', function () {
    const code = snippet('Ten lines of Python', 'python');
    assert.ok(code.split('\n').filter((line) => line.trim() !== '').length <= 10);
    const found = spawnSync('python3', ['-c', 'print(1)'], { encoding: 'utf8', timeout: 20_000 });
    if (found.status !== 0) {
      console.log('      skipped: there is no python3 on this machine');
      this.skip();
    }
    const run = spawnSync('python3', ['-c', code], { encoding: 'utf8', timeout: 20_000 });
    assert.equal(run.status, 0, run.stderr);
    assert.deepEqual(said(run.stdout), expected);
  });

  it('in TypeScript say what Robo reads, in ten lines', () => {
    const code = snippet('Ten lines of TypeScript', 'ts');
    assert.ok(code.split('\n').filter((line) => line.trim() !== '').length <= 10);
    const file = join(folder, 'snippet.ts');
    writeFileSync(file, code);
    const run = spawnSync(process.execPath, [file], { encoding: 'utf8', timeout: 20_000 });
    assert.equal(run.status, 0, run.stderr);
    assert.deepEqual(said(run.stdout), expected);
  });

  it('of a strategy is one that the built-in runner takes', async () => {
    const file = join(folder, 'breakout.ts');
    writeFileSync(file, snippet('The built-in runner', 'ts'));
    const { loadStrategy } = await import('../../src/trading/strategyModule');
    const bar = { open: 1, low: 1, volume: 1 };
    const bars = [
      { ...bar, timeMs: 0, high: 2, close: 1 },
      { ...bar, timeMs: 60_000, high: 4, close: 3 },
    ];
    const { value, reason } = loadStrategy(file)(bars, 'AAPL');
    assert.deepEqual([value, reason], [1, 'closed above 2']);
  });

  it('of events are lines that Robo reads', () => {
    const lines = snippet('The lines', 'json');
    assert.deepEqual(said(lines).slice(0, 3), ['fetch ok AAPL', 'fetch failed NVDA', 'fill AAPL']);
    assert.equal(said(lines).at(-1), 'cycle');
  });
});
