import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { simulateYear } from '../support/simulatedYear';

describe('some weeks of an endpoint', () => {
  for (const [zone, seed] of [
    ['America/New_York', 1],
    ['Europe/Zurich', 2],
    ['Asia/Hong_Kong', 3],
  ] as const) {
    it(`miss no outage and page for nothing, in ${zone}`, function () {
      this.timeout(60_000);
      const weeks = simulateYear({ seed, days: 15, zone, outagesPerDay: 1.5 });
      assert.ok(weeks.outages >= 8 && (weeks.planned['daily restart'] ?? 0) >= 10);
      assert.deepEqual(weeks.missed, []);
      assert.deepEqual(weeks.falsePages, []);
      for (const [kind, { longestMs }] of weeks.longestMs) {
        // House: a frozen or half-open peer within the interval and 12 s.
        assert.ok(longestMs <= (kind.startsWith('frozen') ? 42_000 : 100), kind);
      }
    });
  }
});
