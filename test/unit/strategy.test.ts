import assert from 'node:assert/strict';
import fc from 'fast-check';
import { sma } from 'indicatorts';
import type { Bar } from '../../src/ibkr/marketData';
import { smaCrossover } from '../../src/trading/strategy';

function bars(closes: readonly number[]): Bar[] {
  return closes.map((close, index) => ({
    timeMs: index * 60_000,
    open: close,
    high: close,
    low: close,
    close,
    volume: 1,
  }));
}

/** The mean of the last `length` closes, by the definition. */
function mean(closes: readonly number[], length: number): number {
  return closes.slice(-length).reduce((sum, close) => sum + close, 0) / length;
}

/** The crossing by its definition: the side now against the last side that was not equal. */
function reference(closes: readonly number[], fast: number, slow: number): number {
  const sides: number[] = [];
  for (let end = slow; end <= closes.length; end += 1) {
    const part = closes.slice(0, end);
    const difference = mean(part, fast) - mean(part, slow);
    sides.push(Math.abs(difference) <= 1e-12 * mean(part, slow) ? 0 : Math.sign(difference));
  }
  const now = sides.at(-1) ?? 0;
  const before = sides.slice(0, -1).findLast((side) => side !== 0) ?? 0;
  return now !== 0 && before === -now ? now : 0;
}

const close = fc.integer({ min: 100, max: 100_000 }).map((cents) => cents / 100);

describe('SMA crossover', () => {
  it('equals a plain computation on any prices', () => {
    fc.assert(
      fc.property(fc.array(close, { minLength: 21, maxLength: 80 }), (closes) => {
        const signal = smaCrossover(bars(closes));
        assert.equal(signal.value, reference(closes, 10, 20));
        assert.ok(Math.abs((signal.fast ?? 0) - mean(closes, 10)) < 1e-9);
        assert.ok(Math.abs((signal.slow ?? 0) - mean(closes, 20)) < 1e-9);
        assert.equal(signal.price, closes.at(-1));
      }),
    );
  });

  it('equals another library to 1e-9, also over averages that stay equal for long', () => {
    const flat = fc.tuple(close, fc.integer({ min: 1, max: 30 }));
    const runs = fc.array(flat, { minLength: 2, maxLength: 12 });
    fc.assert(
      fc.property(runs, (stretches) => {
        const closes = stretches.flatMap(([price, length]) => Array<number>(length).fill(price));
        fc.pre(closes.length > 20);
        const signal = smaCrossover(bars(closes));
        const [fast, slow] = [10, 20].map((period) => sma(closes, { period }));
        assert.ok(Math.abs((signal.fast ?? 0) - (fast?.at(-1) ?? Number.NaN)) <= 1e-9);
        assert.ok(Math.abs((signal.slow ?? 0) - (slow?.at(-1) ?? Number.NaN)) <= 1e-9);
        const sides = closes.map((_, index) => {
          const [a = 0, b = 0] = [fast?.[index], slow?.[index]];
          return index < 19 || Math.abs(a - b) <= 1e-9 ? 0 : Math.sign(a - b);
        });
        const now = sides.at(-1) ?? 0;
        const before = sides.slice(0, -1).findLast((side) => side !== 0) ?? 0;
        assert.equal(signal.value, now !== 0 && before === -now ? now : 0);
      }),
    );
  });

  it('sees each crossing once, on its own bar', () => {
    const falling = Array.from({ length: 25 }, (_, index) => 100 - index);
    const rising = Array.from({ length: 25 }, (_, index) => 76 + index);
    const all = [...falling, ...rising];
    const values = all.map((_, index) => smaCrossover(bars(all.slice(0, index + 1))).value);
    assert.deepEqual(
      values.filter((value) => value !== 0),
      [1],
    );
    const crossed = smaCrossover(bars(all.slice(0, values.indexOf(1) + 1)));
    assert.equal(crossed.reason, 'SMA 10 crossed above SMA 20');
  });

  it('takes touching for no crossing, and flat prices for equal', () => {
    assert.equal(smaCrossover(bars(Array.from({ length: 60 }, () => 0.1 + 0.2))).value, 0);
    const touched = smaCrossover(bars([5, 6, 7, 7, 7, 8]), { fast: 1, slow: 2 });
    assert.equal(touched.value, 0);
    assert.match(touched.reason, /above SMA 2, no new crossing/);
    assert.equal(smaCrossover(bars([5, 6, 7, 7, 6]), { fast: 1, slow: 2 }).value, -1);
  });

  it('says why it cannot say anything', () => {
    assert.match(smaCrossover([]).reason, /needs 21 bars, has 0/);
    assert.match(smaCrossover(bars(Array.from({ length: 20 }, () => 5))).reason, /has 20/);
    for (const bad of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      const signal = smaCrossover(bars([...Array.from({ length: 30 }, () => 5), bad]));
      assert.equal(signal.value, 0);
      assert.equal(signal.price, null);
      assert.match(signal.reason, /impossible/);
    }
  });
});
