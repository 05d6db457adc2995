import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { isoTime } from '../../../src/core/clock';
import {
  emptySnapshot,
  emptyUpdate,
  fullSnapshot,
  hostileSnapshot,
} from '../../support/dashboardSample';
import { eventually } from '../../support/eventually';
import { DashboardRig } from './dashboardRig';

interface Violation {
  readonly id: string;
  readonly impact: string | null;
  readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
}

const axeSource = readFileSync(createRequire(__filename).resolve('axe-core/axe.min.js'), 'utf8');

const views: Readonly<Record<string, BrowserContextOptions>> = {
  light: { colorScheme: 'light' },
  dark: { colorScheme: 'dark' },
  'high contrast': { forcedColors: 'active', colorScheme: 'dark' },
  narrow: { colorScheme: 'light', viewport: { width: 380, height: 800 } },
};

describe('the dashboard in a browser', function () {
  this.timeout(60_000);
  let rig: DashboardRig;
  let page: Page;
  const nowMs = Date.now();

  before(async () => {
    rig = await DashboardRig.start();
  });

  after(async () => rig.end());

  beforeEach(() => {
    rig.complaints.splice(0);
    rig.snapshot = fullSnapshot(nowMs);
  });

  afterEach(async () => page.context().close());

  const text = async (selector: string): Promise<string> =>
    (await page.locator(selector).first().innerText()).replace(/\s+/g, ' ');

  const shown = async (selector: string, pattern: RegExp): Promise<void> => {
    await page.locator(selector).filter({ hasText: pattern }).first().waitFor({ timeout: 10_000 });
  };

  const violations = async (): Promise<readonly string[]> => {
    // The page's own policy forbids scripts of others; a driver's evaluation passes it.
    await page.evaluate(axeSource);
    const found = await page.evaluate<readonly Violation[]>(
      `axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations)`,
    );
    return found
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .flatMap(({ id, nodes }) =>
        nodes.map(({ html, failureSummary = '' }) => `${id}: ${html} ${failureSummary}`),
      );
  };

  for (const [name, options] of Object.entries(views)) {
    it(`has nothing serious for axe, in ${name}, tables open or not`, async () => {
      page = await rig.open(options);
      await shown('.state', /Degraded/);
      assert.deepEqual(await violations(), []);
      for (const summary of await page.locator('summary').all()) {
        await summary.click();
      }
      assert.equal(await page.locator('details[open]').count(), 5);
      assert.deepEqual(await violations(), []);
      const overflow = await page.evaluate(
        'document.documentElement.scrollWidth - document.documentElement.clientWidth',
      );
      assert.ok(Number(overflow) <= 0, 'nothing is wider than the window');
      assert.deepEqual(rig.complaints, []);
    });
  }

  it('has nothing serious for axe while nothing has happened yet, and while it waits', async () => {
    rig.snapshot = emptySnapshot(nowMs);
    page = await rig.open();
    await shown('.state', /Unknown/);
    await shown('#prices .empty', /No price yet/);
    await shown('#equity .empty', /No book yet/);
    await shown('#latency .empty', /TWS has not answered yet/);
    await shown('#cycles .empty', /No runner has finished a cycle/);
    await shown('#farms', /TWS has said nothing of its farms yet/);
    await shown('#runners', /robo run/);
    assert.deepEqual(await violations(), []);
    await page.context().close();
    rig.snapshot = undefined;
    page = await rig.open();
    await shown('.state', /Waiting/);
    assert.deepEqual(await violations(), []);
  });

  it('injects nothing, whatever stands in names, messages and texts', async () => {
    rig.snapshot = hostileSnapshot(nowMs);
    page = await rig.open();
    await shown('.message', /<img src=x onerror/);
    for (const summary of await page.locator('summary').all()) {
      await summary.click();
    }
    await page.locator('#prices select').selectOption('__proto__');
    rig.say({
      type: 'update',
      update: { ...emptyUpdate(nowMs), prices: { ['constructor']: [[nowMs, 5] as const] } },
    });
    rig.say({ type: 'snapshot', snapshot: hostileSnapshot(nowMs) });
    await shown('#timeline tbody', /<script>/);
    const marks =
      'main img, main script, header img, header script, main iframe, main a, [onerror]';
    assert.equal(await page.locator(marks).count(), 0);
    assert.equal(await page.evaluate('globalThis.wasInjected'), undefined);
    assert.doesNotMatch(await page.locator('body').innerText(), /\u202e/);
    assert.deepEqual(rig.complaints, []);
  });

  it('is live: what is new shows within a second, and nothing else is drawn anew', async () => {
    page = await rig.open();
    await shown('.state', /Degraded/);
    await page.evaluate(`
      globalThis.heights = () => [...document.querySelectorAll('section')].map((each) => each.offsetTop);
      globalThis.before = globalThis.heights();
    `);
    await page.locator('#prices summary').click();
    await shown('#prices tbody', /signal/);
    await page.evaluate(`
      globalThis.touched = [];
      new MutationObserver((records) => {
        for (const { target } of records) {
          const element = target.nodeType === 1 ? target : target.parentElement;
          const card = element?.closest('section');
          if (card && !element.closest('time')) globalThis.touched.push(card.id);
        }
      }).observe(document.querySelector('main'), { childList: true, characterData: true, subtree: true });
    `);
    const at = isoTime(nowMs);
    rig.say({
      type: 'update',
      update: {
        ...emptyUpdate(nowMs),
        fills: [{ at, symbol: 'AAPL', side: 'sell', quantity: 77, price: 230 }],
      },
    });
    await shown('#prices tbody', /77/);
    const touched = await page.evaluate<readonly string[]>('[...new Set(globalThis.touched)]');
    assert.deepEqual(touched, ['prices']);
    await page.locator('#prices summary').click();
    assert.deepEqual(
      await page.evaluate('globalThis.heights()'),
      await page.evaluate('globalThis.before'),
    );
  });

  it('says since when it is disconnected, keeps the last state, and says when its key has gone', async () => {
    page = await rig.open();
    await shown('.link', /^Up to date$/);
    const { port } = rig;
    await rig.stopServing();
    await shown('.link', /Disconnected since \d\d:\d\d:\d\d\. .* Trying again/);
    assert.match(await text('.state'), /Degraded/);
    assert.deepEqual(await violations(), []);
    // Another monitor at the same port has another key: the page says so, and asks no more.
    await rig.serve(port);
    await shown('.link', /no valid key.*robo dashboard/);
    assert.match(await text('.state'), /Degraded/);
  });

  it('comes back when only the connection was lost', async () => {
    page = await rig.open();
    await shown('.link', /^Up to date$/);
    await page.evaluate('globalThis.sockets.at(-1).close()');
    await shown('.link', /Disconnected since .* does not take this page now/);
    await shown('.link', /^Up to date$/);
    assert.equal(await page.evaluate('globalThis.sockets.length'), 2);
  });

  it('says how old it is when nothing comes any more', async () => {
    rig.snapshot = fullSnapshot(nowMs);
    page = await rig.open();
    await shown('.link', /^Up to date$/);
    await page.evaluate(`
      const before = performance.now.bind(performance);
      performance.now = () => before() + 5 * 60_000;
    `);
    await shown('.link', /No word from the monitor for 5 min/);
  });

  it('takes the key out of the address, and keeps it for the tab', async () => {
    page = await rig.open();
    await shown('.link', /^Up to date$/);
    assert.equal(new URL(page.url()).hash, '');
    await page.reload();
    await shown('.link', /^Up to date$/);
  });

  it('is opened once by a ticket, and says what to do when it was used', async () => {
    const fragment = `#ticket=${rig.ticket()}`;
    page = await rig.open({}, fragment);
    await shown('.link', /^Up to date$/);
    await page.context().close();
    page = await rig.open({}, fragment);
    await shown('.link', /no valid key.*Run "robo dashboard" again/);
  });

  it('is used with the keyboard alone', async () => {
    page = await rig.open();
    await shown('.state', /Degraded/);
    const reached: string[] = [];
    for (let step = 0; step < 12; step += 1) {
      await page.keyboard.press('Tab');
      reached.push(
        String(
          await page.evaluate(
            `document.activeElement.tagName + ' ' + (document.activeElement.closest('section')?.id ?? '')`,
          ),
        ),
      );
    }
    for (const wanted of [
      'SUMMARY timeline',
      'SELECT prices',
      'SUMMARY prices',
      'SUMMARY equity',
    ]) {
      assert.ok(reached.includes(wanted), `${wanted} in ${reached.join(', ')}`);
    }
    await page.locator('#timeline summary').focus();
    await page.keyboard.press('Enter');
    await shown('#timeline tbody', /TCP accepted/);
  });

  it('moves nothing for who wants it still, and remembers what was chosen', async () => {
    page = await rig.open({ reducedMotion: 'reduce' });
    await shown('.state', /Degraded/);
    await page.locator('#prices select').selectOption('NVDA');
    await shown('#prices .summary', /NVDA last at/);
    await page.locator('#prices summary').click();
    await eventually(
      async () =>
        String(await page.evaluate(`sessionStorage.getItem('robo.view')`)).includes('NVDA'),
      'it is kept',
      10_000,
    );
    await page.reload();
    await shown('#prices .summary', /NVDA last at/);
    assert.equal(await page.locator('#prices details[open]').count(), 1);
    const animated = await page.evaluate(`document.getAnimations().length`);
    assert.equal(animated, 0);
  });

  it('says that old data is no fault while the market is closed', async () => {
    const full = fullSnapshot(nowMs);
    const runners = full.state.runners.map((runner) => ({
      ...runner,
      work: 'idle' as const,
      market: { state: 'closed' as const, until: isoTime(nowMs + 3_600_000), words: 'closed' },
    }));
    rig.snapshot = { ...full, state: { ...full.state, runners } };
    page = await rig.open();
    await shown('#symbols .market', /Market closed until .*: older data is no fault\./);
    await shown('#runners', /idle \(market closed\)/);
    assert.deepEqual(await violations(), []);
  });
});
