import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator } from 'playwright-core';
import { eventually, isThere } from '../../support/eventually';
import { TraderWindow } from './traderWindow';

const patienceMs = 45_000;

describe('The installed .vsix', function () {
  this.timeout(120_000);

  let trader: TraderWindow;

  before(async () => {
    trader = await TraderWindow.open();
  });

  after(async () => {
    await trader.close();
  });

  it('is what the editor runs, and it connects to nothing unasked', async () => {
    await trader.shows('not watched');
    const installed = readdirSync(trader.extensions).filter((name) =>
      name.startsWith('robo.robo-'),
    );
    assert.equal(installed.length, 1);
    const files = readdirSync(join(trader.extensions, installed[0] ?? ''));
    assert.ok(!files.includes('src'), files.join(', '));
    assert.equal(trader.simulator.statistics.connectionsAccepted, 0);
  });

  it('asks once whether to watch, and is healthy over one connection', async () => {
    await trader.button('Watch');
    await trader.shows('healthy');
    assert.equal(trader.simulator.statistics.connectionsAccepted, 1);
  });

  it('runs its monitor from a copy of the bundle that was installed', async () => {
    const { daemons } = await trader.processes();
    const [daemon] = daemons;
    assert.equal(daemons.length, 1);
    assert.ok(daemon?.argv.some((each) => each.startsWith(join(trader.extensions, '..'))));
  });

  it('starts the runner from the palette', async () => {
    await trader.run('Robo: Start Runner');
    await eventually(() => trader.runner?.work === 'working', 'the runner works', patienceMs);
    const { runners } = await trader.processes();
    assert.deepEqual(
      runners.map(({ pid }) => pid),
      [trader.runner?.pid],
    );
  });

  it('comes back after a reload with the runner at work', async () => {
    const before = await trader.sight();
    await trader.reload();
    assert.deepEqual(await trader.sight(), before);
  });

  it('shows the outage in the status bar, in one notification and as a Problem', async () => {
    await trader.simulator.setFault('drop');
    await trader.simulator.setFault('silent_handshake');
    await trader.shows('down');
    const toasts = trader.page.locator('.notifications-toasts .notification-list-item');
    const guide = toasts.getByRole('button', { name: 'Open Guide', exact: true });
    await guide.waitFor({ timeout: patienceMs });
    assert.equal(await toasts.count(), 1, (await toasts.allInnerTexts()).join('; '));
    await trader.run('Problems: Focus on Problems View');
    await problems(trader).first().waitFor({ timeout: patienceMs });
    assert.equal(await problems(trader).count(), 1);
  });

  it('heals by itself: healthy, no Problem, the same runner', async () => {
    const before = trader.runner?.pid;
    await trader.simulator.setFault('none');
    await trader.shows('healthy');
    await problems(trader).first().waitFor({ state: 'detached', timeout: patienceMs });
    assert.equal(trader.runner?.pid, before);
  });

  it('stops the runner from the palette', async () => {
    const pid = trader.runner?.pid ?? 0;
    assert.ok(isThere(pid));
    await trader.run('Robo: Stop Runner');
    await eventually(() => trader.runner?.state === 'exited', 'the runner has ended', patienceMs);
    assert.ok(!isThere(pid));
  });
});

/** The Problems of Robo; a finding's file and its evidence have rows of their own. */
function problems(trader: TraderWindow): Locator {
  return trader.page.locator('.markers-panel .marker-source').filter({ hasText: /^robo$/ });
}
