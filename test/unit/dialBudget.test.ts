import assert from 'node:assert/strict';
import fc from 'fast-check';
import { budgetDelayMs, dialBudget, withDial, withGrace } from '../../src/monitor/dialBudget';

const hourMs = 3_600_000;

describe('the budget of dials', () => {
  it('lets the first ten pass, then one every three minutes', () => {
    let dials: readonly number[] = [];
    for (let dial = 0; dial < dialBudget.burst; dial += 1) {
      assert.equal(budgetDelayMs(dials, 1000), 0);
      dials = withDial(dials, 1000);
    }
    assert.equal(budgetDelayMs(dials, 1000), 180_000);
    assert.equal(budgetDelayMs(dials, 121_000), 60_000);
    assert.equal(budgetDelayMs(dials, 181_000), 0);
    assert.equal(budgetDelayMs(dials, 1000 + hourMs), 0);
    assert.deepEqual(withDial(dials, 1000 + hourMs), [1000 + hourMs]);
  });

  it('grants one more when the trader asks, and only one', () => {
    const spent = Array.from({ length: 10 }, () => 0);
    assert.ok(budgetDelayMs(spent, 1) > 0);
    const asked = withGrace(spent);
    assert.equal(budgetDelayMs(asked, 1), 0);
    assert.ok(budgetDelayMs(withDial(asked, 1), 1) > 0);
  });

  it('never allows more than 30 in any hour, however eager the caller', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 600_000 }), { minLength: 100, maxLength: 400 }),
        (pauses) => {
          let dials: readonly number[] = [];
          const made: number[] = [];
          let nowMs = 0;
          for (const pause of pauses) {
            nowMs += pause;
            if (budgetDelayMs(dials, nowMs) === 0) {
              dials = withDial(dials, nowMs);
              made.push(nowMs);
            }
          }
          for (const from of made) {
            assert.ok(made.filter((atMs) => atMs >= from && atMs - from < hourMs).length <= 30);
          }
        },
      ),
    );
  });
});
