import assert from 'node:assert/strict';
import { join } from 'node:path';
import { KillStorm } from '../support/killStorm';

describe('kill -9 of daemon, runner, window and TWS at random moments', function () {
  this.timeout(120_000);

  before(function () {
    if (process.platform !== 'linux') {
      // The outside view is /proc: processes, locks, sockets.
      this.skip();
    }
  });

  it('never makes two of anything, nor loses or tears a record, in 20 kills', async () => {
    const storm = await KillStorm.start(20, join(__dirname, '..', '..', 'dist'));
    try {
      while (storm.killCount < 20) {
        await storm.round();
      }
      await storm.judgeRecords();
      assert.deepEqual(storm.observer.violations, []);
      // A storm that killed or saw nothing would have nothing to say.
      assert.ok(Object.values(storm.kills).every((count) => count > 0));
      assert.ok(storm.observer.shownIncidents.size > 0 && storm.observer.shownRuns.size > 0);
    } finally {
      await storm.end();
    }
  });
});
