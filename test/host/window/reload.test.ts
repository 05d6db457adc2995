import assert from 'node:assert/strict';
import { eventually } from '../../support/eventually';
import { TraderWindow } from './traderWindow';

const reloads = 3;

describe('A window that is reloaded', function () {
  this.timeout(300_000);

  let trader: TraderWindow;

  before(async () => {
    trader = await TraderWindow.open();
    await trader.startTrading();
  });

  after(async () => {
    await trader.close();
  });

  it(`finds the same monitor, runner and connection again, ${reloads} times`, async () => {
    const before = await trader.sight();
    assert.equal(before.daemons.length, 1);
    assert.equal(before.runners.length, 1);
    assert.deepEqual([before.connectionsOpened, before.accepted, before.open], [1, 1, 1]);
    for (let count = 0; count < reloads; count += 1) {
      await trader.reload();
      assert.deepEqual(await trader.sight(), before, `reload ${count + 1}`);
    }
    const last = trader.runner?.lastCycleAt ?? '';
    await eventually(() => (trader.runner?.lastCycleAt ?? '') > last, 'the runner goes on');
  });
});
