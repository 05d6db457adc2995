import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { diagnoseConnection } from '../../src/diagnostics/rules';
import { calibrate } from '../support/calibration';
import { drawCases } from '../support/situationModel';

/** The bench prints the whole table (`npm run bench -- calibration`); this is its short form. */
describe('the confidences over drawn cases', () => {
  const result = calibrate(drawCases(6000, 11), diagnoseConnection);

  it('are about what is right', () => {
    for (const { from, count, claimed, right } of result.first) {
      const what = `${count} answers from ${from}: ${claimed.toFixed(2)} claimed, ${right.toFixed(2)} right`;
      assert.ok(count < 100 || Math.abs(claimed - right) < 0.15, what);
    }
  });

  it('are right at least as often as claimed where they are held below certainty', () => {
    for (const { count, claimed, right } of result.held) {
      assert.ok(count > 500 && right > claimed, `${claimed} claimed, ${right} right`);
    }
  });

  it('are right nine times in ten where they are sure', () => {
    const { confident, confidentWrong } = result;
    assert.ok(confident > 1000);
    assert.ok(confidentWrong.length < confident / 10, `${confidentWrong.length} of ${confident}`);
  });

  it('claim the family of an umbrella about as often as it is right', () => {
    for (const { from, count, claimed, right } of result.umbrella) {
      assert.ok(count < 100 || Math.abs(claimed - right) < 0.35, `from ${from}`);
      assert.ok(count < 100 || right > claimed - 0.12, `from ${from}`);
    }
  });

  it('put the right cause first in three cases of four', () => {
    assert.ok(result.firstRight > 0.7, String(result.firstRight));
  });

  it('draw the same cases from the same seed', () => {
    assert.deepEqual(drawCases(5, 3), drawCases(5, 3));
    assert.notDeepEqual(drawCases(5, 3), drawCases(5, 4));
  });
});
