import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { LogBudget } from '../../src/monitor/logBudget';
import { FakeClock } from '../support/fakeClock';

describe('the budget of the monitor log', () => {
  it('writes what comes often, counts what comes too often, and tells how much it was', async () => {
    const clock = new FakeClock();
    const lines: string[] = [];
    const budget = new LogBudget(clock, ({ token, words }) => lines.push(`${token} ${words}`));
    const say = (token: string, times: number): void => {
      for (let time = 0; time < times; time += 1) {
        budget.log({ level: 'INFO', token, words: String(time) });
      }
    };
    say('tws.2103', 1000);
    say('tws.1100', 1);
    assert.equal(lines.length, 61);
    assert.equal(lines.at(-1), 'tws.1100 0', 'a flood of one kind hides no other');
    await clock.advance(60_000);
    assert.deepEqual(lines.slice(61), [
      'tws.2103 940 more of these within a minute were counted, not written',
    ]);
    say('tws.2103', 1);
    assert.equal(lines.at(-1), 'tws.2103 0');
    budget.dispose();
    assert.equal(clock.pending, 0);
  });
});
