import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bar } from '../../src/ibkr/marketData';
import { loadStrategy, StrategyFault } from '../../src/trading/strategyModule';
import { barsUpTo } from '../support/paper';

const bars = barsUpTo(1_000_000_000_000, 60_000, [1, 2, 3]);

describe('a strategy of the trader’s own', () => {
  let folder: string;
  let count = 0;

  before(() => {
    folder = join(mkdtempSync(join(tmpdir(), 'robo-strategy-')), 'my strategies');
    mkdirSync(folder);
  });

  after(() => {
    rmSync(join(folder, '..'), { recursive: true, force: true });
  });

  /** Another name each time: modules are loaded once. */
  function write(text: string, ending = 'mjs'): string {
    count += 1;
    const file = join(folder, `own${count}.${ending}`);
    writeFileSync(file, text);
    return file;
  }

  function faultOf(work: () => unknown): StrategyFault {
    try {
      work();
    } catch (error) {
      assert.ok(error instanceof StrategyFault, String(error));
      return error;
    }
    return assert.fail('nothing was thrown');
  }

  for (const [what, ending, text] of [
    ['by its name', 'mjs', 'export function strategy(b) { return A; }'],
    ['as default', 'mjs', 'export default (b) => A;'],
    ['as a CommonJS module', 'cjs', 'module.exports = (b) => A;'],
    ['in a CommonJS module', 'cjs', 'exports.strategy = (b) => A;'],
    ['compiled from an ES module', 'cjs', 'exports.__esModule = true; exports.default = (b) => A;'],
    ['in a plain .js file', 'js', 'exports.strategy = (b) => A;'],
  ] as const) {
    it(`is found ${what}`, () => {
      const answer = "({ signal: b.length > 2 ? 'sell' : 1, reason: `of ${b.length}` })";
      const strategy = loadStrategy(write(text.replace('A', answer), ending));
      const { value, price, reason } = strategy(bars, 'AAPL');
      assert.deepEqual([value, price, reason], [-1, 3, 'of 3']);
      assert.equal(strategy(bars.slice(1), 'AAPL').value, 1);
    });
  }

  it('gets the symbol too', () => {
    const file = write('export const strategy = (b, symbol) => ({ signal: 0, reason: symbol });');
    assert.equal(loadStrategy(file)(bars, 'BRK.B').reason, 'BRK.B');
  });

  it('is told at its line when it throws, also through a link and in a file beside it', () => {
    const helper = write('export function help(b) {\n  return b.x.y;\n}\n');
    const name = helper.slice(folder.length + 1);
    const file = write(
      `import { help } from './${name}';\n\nexport const strategy = (b) =>\n  help(b);\n`,
    );
    const link = join(folder, '..', 'link');
    symlinkSync(folder, link);
    const through = join(link, file.slice(folder.length + 1));
    const fault = faultOf(() => loadStrategy(through)(bars, 'AAPL'));
    assert.deepEqual(fault.source, { file: join(link, name), line: 2 });
    assert.match(fault.message, /failed on AAPL: TypeError: Cannot read/);
    const own = write('export const strategy = (b) => {\n  throw "a word";\n};\n');
    assert.match(faultOf(() => loadStrategy(own)(bars, 'A')).message, /failed on A: a word/);
  });

  it('is stopped when it does not come back', () => {
    const file = write('\nexport function strategy() {\n  for (;;);\n}\n');
    const fault = faultOf(() => loadStrategy(file)(bars, 'AAPL'));
    assert.match(fault.message, /did not come back within 2 s and was stopped/);
    assert.deepEqual([fault.isSlow, fault.source], [true, { file, line: 2 }]);
  });

  for (const [what, answer, words] of [
    ['nothing', '{}', /answered nothing/],
    ['a number', '{ return 1; }', /answered with 1/],
    ['a promise', '{ return Promise.resolve(); }', /answered with a promise/],
    ['a signal that is none', "{ return { signal: 2, reason: 'x' }; }", /with the signal 2/],
    ['no reason', '{ return { signal: 1 }; }', /without a reason/],
  ] as const) {
    it(`may not answer ${what}`, () => {
      const file = write(`// mine\n\nexport function strategy() ${answer}\n`);
      const fault = faultOf(() => loadStrategy(file)(bars, 'AAPL'));
      assert.match(fault.message, words);
      assert.deepEqual(fault.source, { file, line: 3 });
    });
  }

  for (const [what, text, words, line] of [
    ['exports none', 'const a = 1;\nexport { a };\n', /exports no strategy/, 1],
    ['imports what is not there', "\nimport './gone.mjs';\n", /Cannot find module/, 2],
  ] as const) {
    it(`is refused at the start when it ${what}`, () => {
      const file = write(text);
      const fault = faultOf(() => loadStrategy(file));
      assert.match(fault.message, words);
      assert.deepEqual(fault.source, { file, line });
    });
  }

  it('is refused where there is none, and where this runtime cannot read it', () => {
    const old = { readTypeScript: () => false, name: 'Node.js 22.15.1 of the editor' };
    const typed = write('export const strategy = (b: number): number => b;', 'ts');
    const refusal = faultOf(() => loadStrategy(typed, old));
    assert.match(refusal.message, /TypeScript, which Node.js 22.15.1 of the editor cannot read/);
    assert.match(refusal.message, /robo.nodePath/);
    assert.match(
      faultOf(() => loadStrategy(join(folder, 'no.js'))).message,
      /There is no strategy/,
    );
    assert.match(faultOf(() => loadStrategy(write('x', 'py'))).message, /neither JavaScript nor/);
    assert.match(faultOf(() => loadStrategy(folder)).message, /There is no strategy/);
  });

  it('cannot spoil the bars of others: what it changes is not looked at', () => {
    const file = write(
      'export const strategy = (b) => { for (const bar of b) bar.close = 0; b.length = 0; return { signal: 1, reason: "x" }; };',
    );
    const own: Bar[] = [...bars];
    assert.equal(loadStrategy(file)(own, 'AAPL').price, 3);
    assert.deepEqual(
      bars.map(({ close }) => close),
      [1, 2, 3],
    );
  });
});
