import assert from 'node:assert/strict';
import { LoginWatch } from '../../src/monitor/loginWatch';

const paper = ['DU1234567'];
const live = ['U7654321'];
const host = '127.0.0.1';

describe('who is logged in', () => {
  const isWrong = (watch: LoginWatch): boolean => watch.finding !== undefined;

  it('is trouble where a live account answers at a port for paper, until the trader means it', () => {
    const watch = new LoginWatch({ host, port: 7497 });
    watch.hear(live, 0);
    assert.equal(watch.finding?.causes[0]?.id, 'account_mode_mismatch');
    watch.accept(1);
    assert.ok(!isWrong(watch));
    // A restart of the same TWS asks nobody again.
    watch.hear(live, 2);
    assert.ok(!isWrong(watch));
  });

  it('is trouble again after a paper account in between', () => {
    const watch = new LoginWatch({ host, port: 4711 });
    const seen = [paper, live].map((accounts) => {
      watch.hear(accounts, 0);
      return isWrong(watch);
    });
    assert.deepEqual(seen, [false, true]);
    watch.accept(1);
    watch.hear(paper, 2);
    assert.ok(!isWrong(watch));
    watch.hear(live, 3);
    assert.ok(isWrong(watch));
  });

  it('is no trouble from live to paper, nor with another live account than before', () => {
    const watch = new LoginWatch({ host, port: 7496 });
    for (const accounts of [live, ['U1111111'], paper, []]) {
      watch.hear(accounts, 0);
      assert.notEqual(watch.finding?.severity, 'error', accounts.join());
    }
  });
});
