import assert from 'node:assert/strict';
import { appendFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { FrameLocator, Locator } from 'playwright-core';
import { eventually, isThere } from '../../support/eventually';
import { TraderWindow } from './traderWindow';

const patienceMs = 45_000;

describe('The installed .vsix', function () {
  this.timeout(120_000);

  let trader: TraderWindow;

  before(async () => {
    trader = await TraderWindow.open({ trust: false });
  });

  after(async () => {
    await trader.close();
  });

  it("starts nothing, keeps nothing and opens no socket in a stranger's folder", async () => {
    await trader.shows('Robo: restricted');
    await trader.run('View: Show Robo');
    await trader.page.locator('.pane-body').getByText('not trusted').first().waitFor();
    assert.deepEqual(trader.nodeStarts, []);
    assert.deepEqual(trader.records, []);
    assert.deepEqual((await trader.processes()).daemons, []);
    assert.equal(trader.simulator.statistics.connectionsAccepted, 0);
  });

  it('is what the editor runs, and it connects to nothing unasked', async () => {
    // One click away: the status bar leads to where the folder is trusted.
    await trader.statusItem.click();
    await trader.page.getByRole('button', { name: 'Trust', exact: true }).click();
    await trader.shows('not watched');
    // For the command in terminals it is looked whether that Node serves, and no more.
    for (const start of trader.nodeStarts) {
      assert.match(start, /^-e require\('node:sqlite'\)/);
    }
    assert.deepEqual(trader.records, []);
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

  it('leaves the hover open while the monitor goes on telling, and its links work', async () => {
    const hover = trader.page.locator('.workbench-hover-container');
    await trader.statusItem.hover();
    const shown = await hover.elementHandle({ timeout: patienceMs });
    for (let count = 0; count < 3; count += 1) {
      const { timestamp } = trader.status;
      await eventually(() => trader.status.timestamp > timestamp, 'the monitor says more');
      // The folder is read anew, and everything drawn.
      appendFileSync(join(trader.workspace, '.env'), '#\n');
    }
    await hover.getByText('Runner: running').hover();
    assert.ok(await shown.evaluate((node: { isConnected: boolean }) => node.isConnected));
    await hover.getByRole('link', { name: 'Runner Log' }).click();
    await logLines(trader).filter({ hasText: 'INFO fetch AAPL' }).first().waitFor();
  });

  it('has a dashboard that keeps its state while it is hidden', async () => {
    await trader.run('Robo: Open Dashboard');
    await dashboard(trader).locator('details summary').first().click({ timeout: patienceMs });
    await dashboard(trader).locator('details[open]').waitFor();
    await trader.run('Robo: View Runner Log');
    await logLines(trader).first().waitFor();
    await trader.run('Robo: Open Dashboard');
    await dashboard(trader).locator('details[open]').waitFor({ timeout: patienceMs });
  });

  it('comes back after a reload with the runner at work', async () => {
    const before = await trader.sight();
    await trader.reload();
    assert.deepEqual(await trader.sight(), before);
  });

  it('has its dashboard back after the reload, as it was, with what is known now', async () => {
    await dashboard(trader).locator('details[open]').waitFor({ timeout: patienceMs });
    await dashboard(trader).locator('.state').filter({ hasText: 'Healthy' }).waitFor();
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

function logLines(trader: TraderWindow): Locator {
  return trader.page.locator('.editor-instance .view-line');
}

/** The dashboard's page, two frames deep. */
function dashboard(trader: TraderWindow): FrameLocator {
  return trader.page.frameLocator('iframe.webview').frameLocator('#active-frame');
}

/** The Problems of Robo; a finding's file and its evidence have rows of their own. */
function problems(trader: TraderWindow): Locator {
  return trader.page.locator('.markers-panel .marker-source').filter({ hasText: /^robo$/ });
}
