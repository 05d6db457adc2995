import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { isoTime } from '../../../src/core/clock';
import type { DashboardRunner, DashboardSnapshot } from '../../../src/diagnostics/dashboard';
import { emptySnapshot, fullSnapshot, hostileText } from '../../support/dashboardSample';
import { DashboardRig } from './dashboardRig';

const bundle = JSON.parse(
  readFileSync(join(__dirname, '../../../l10n/bundle.l10n.json'), 'utf8'),
) as Readonly<Record<string, string>>;

/** A language that everybody can read and no sentence is written in: Latin letters, drawn wide. */
function wide(text: string): string {
  return text.replace(/\{\d+\}|[A-Za-z]/g, (part) =>
    part.length > 1 ? part : String.fromCharCode(part.charCodeAt(0) + 0xfee0),
  );
}

/** What comes from elsewhere, in letters that are neither ours nor those of that language. */
function foreign(text: string): string {
  return text.replace(/[A-Za-z]/g, (letter) => String.fromCharCode(letter.charCodeAt(0) + 0x400));
}

/** What programs, TWS and the monitor say in words of their own. */
const foreignKeys = new Set([
  ...['workspace', 'symbol', 'subject', 'title', 'message', 'remedy', 'reason', 'why', 'words'],
  ...['name', 'version', 'historyProblem'],
]);

function withForeignWords(snapshot: DashboardSnapshot): DashboardSnapshot {
  const { prices, equity, ...rest } = JSON.parse(
    JSON.stringify(snapshot, (key, value: unknown) =>
      foreignKeys.has(key) && typeof value === 'string' ? foreign(value) : value,
    ),
  ) as DashboardSnapshot;
  const named = <T>(series: Readonly<Record<string, T>>): Record<string, T> =>
    Object.fromEntries(Object.entries(series).map(([name, samples]) => [foreign(name), samples]));
  return { ...rest, prices: named(prices), equity: named(equity) };
}

function pick<T>(values: readonly T[], at: number): T {
  const value = values[at % values.length];
  assert.ok(value !== undefined);
  return value;
}

const variants = 7;

/** The full day, each time with other states of everything that has states. */
function variant(nowMs: number, at: number): DashboardSnapshot {
  const full = fullSnapshot(nowMs);
  const { state } = full;
  const at1 = (values: number): boolean => at % values === 1;
  const runner = (each: DashboardRunner): DashboardRunner => ({
    ...each,
    state: pick(['running', 'starting', 'stopping', 'exited', 'external'], at),
    work: pick(['working', 'failing', 'silent', 'idle', 'stalled', 'unknown'], at),
    failing: at % 2,
    pid: at1(3) ? null : 4711,
    lastCycleAt: at1(2) ? null : each.lastCycleAt,
    symbols: each.symbols.map((symbol, place) => ({
      ...symbol,
      failures: place === 0 ? at % 3 : 0,
      lastFetchAt: place === 1 ? null : symbol.lastFetchAt,
      signal: pick([null, 'buy', 'sell', 'hold'], place),
    })),
    moreSymbols: at % 3,
    helpers: (['running', 'exited', 'failed'] as const).map((helper) => ({
      ...{ name: 'x', state: helper, pid: null, port: null },
      why: at1(2) ? 'x' : null,
    })),
    market: {
      state: pick(['open', 'closed', 'unknown'], at),
      until: at1(2) ? null : isoTime(nowMs),
      words: 'x',
    },
  });
  return {
    ...full,
    state: {
      ...state,
      health: pick(['healthy', 'degraded', 'down', 'expected', 'connecting', 'unknown'], at),
      mode: pick(['live', 'paper', null], at),
      product: pick(['TWS', null], at),
      session: {
        ...state.session,
        state: pick(['idle', 'waiting', 'dialling', 'held', 'ready'], at),
        nextDialAt: at1(2) ? isoTime(nowMs) : null,
        roundTripMs: pick([null, 3, 400, 5000, 50_000], at),
      },
      problems: (['error', 'warning', 'info'] as const).map((severity) => ({
        ...{ severity, title: 'x', message: 'x', remedy: 'x' },
      })),
      farms: (['ok', 'broken', 'inactive', 'connecting'] as const).map((farm, place) => ({
        name: 'x',
        kind: pick(
          ['market data', 'historical data', 'security definition', 'unknown'] as const,
          place,
        ),
        state: farm,
      })),
      runners: at === 6 ? [] : state.runners.map(runner),
      historyProblem: at1(2) ? 'x' : null,
    },
    health: (['healthy', 'degraded', 'down', 'expected', 'connecting', 'unknown'] as const).map(
      (health, place) => ({ at: isoTime(nowMs - (9 - place) * 3_600_000), health, reason: 'x' }),
    ),
    incidents: full.incidents.slice(0, at === 0 ? 1 : 3).map((incident, place) => ({
      ...incident,
      severity: pick(['error', 'warning', 'info'] as const, place),
    })),
    signals: full.signals.slice(0, at === 0 ? 1 : 3),
    fills: full.fills.slice(0, at === 0 ? 1 : 3),
    cycles: full.cycles
      .slice(0, at === 0 ? 1 : 9)
      .map((cycle) => ({ ...cycle, durationMs: at1(2) ? null : cycle.durationMs })),
  };
}

/** All that a person sees, or hears from a screen reader, in a page. */
const readable = `(() => {
  const texts = [document.title];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) texts.push(walker.currentNode.data);
  for (const element of document.querySelectorAll('*')) {
    for (const name of ['title', 'alt', 'placeholder', 'label']) texts.push(element.getAttribute(name));
    for (const { name, value } of element.attributes) {
      if (/^aria-(label|description|valuetext|roledescription|placeholder)$/.test(name)) texts.push(value);
    }
  }
  return texts.filter(Boolean);
})()`;

describe('the dashboard in the language of the editor', function () {
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
  });

  afterEach(async () => page.context().close());

  const openWide = async (): Promise<Page> =>
    rig.openPanel({
      language: 'ja',
      title: wide('Robo: Dashboard'),
      translations: Object.fromEntries(Object.keys(bundle).map((key) => [key, wide(key)])),
    });

  const say = async (message: unknown): Promise<void> => {
    await page.evaluate(`window.postMessage(${JSON.stringify(message)}, '*')`);
    await page.evaluate('new Promise((resolve) => setTimeout(resolve, 20))');
  };

  /** Texts with Latin letters, but for the names of programs and companies. */
  const untranslated = async (): Promise<readonly string[]> =>
    (await page.evaluate<readonly string[]>(readable)).filter((text) =>
      /[A-Za-z]/.test(text.replace(/^(Robo|TWS|TradingView)$|^TWS(?= )|(?<= )TWS$/, '')),
    );

  it('says nothing that is not in the bundle of translations, in any state', async () => {
    page = await openWide();
    assert.deepEqual(await untranslated(), [], 'while it waits');
    await say({ type: 'snapshot', snapshot: withForeignWords(emptySnapshot(nowMs)) });
    assert.deepEqual(await untranslated(), [], 'while nothing has happened');
    for (const summary of await page.locator('summary').all()) {
      await summary.click();
    }
    assert.equal(await page.locator('details[open]').count(), 5);
    assert.deepEqual(await untranslated(), [], 'with empty tables');
    for (let at = 0; at < variants; at += 1) {
      await say({ type: 'snapshot', snapshot: withForeignWords(variant(nowMs, at)) });
      assert.deepEqual(await untranslated(), [], `variant ${at}`);
    }
    await say({ type: 'link', isOpen: false, why: foreign('gone') });
    assert.deepEqual(await untranslated(), [], 'while it is disconnected');
    await say({ type: 'link', isOpen: true, why: '' });
    await page.evaluate(`
      const before = performance.now.bind(performance);
      performance.now = () => before() + 5 * 60_000;
    `);
    await page.locator('.link-stale').waitFor({ timeout: 10_000 });
    assert.deepEqual(await untranslated(), [], 'while nothing comes');
    assert.deepEqual(rig.complaints, []);
  });

  it('would find a bare text, and a bare label', async () => {
    page = await openWide();
    await page.evaluate(`
      document.querySelector('main').append('Bare text');
      document.querySelector('main').setAttribute('aria-label', 'Bare label');
    `);
    assert.deepEqual(await untranslated(), ['Bare text', 'Bare label']);
  });

  it('writes times in that language, and says which one it is', async () => {
    page = await openWide();
    await say({ type: 'snapshot', snapshot: fullSnapshot(nowMs) });
    assert.equal(await page.locator('html').getAttribute('lang'), 'ja');
    assert.match(await page.locator('.state .since').innerText(), /月.*日/);
  });

  it('speaks English where there are no translations', async () => {
    page = await rig.openPanel({ language: 'en', title: 'Robo: Dashboard', translations: {} });
    await say({ type: 'snapshot', snapshot: fullSnapshot(nowMs) });
    assert.equal(await page.locator('html').getAttribute('lang'), 'en');
    assert.match(await page.locator('.state').innerText(), /Degraded/);
    assert.deepEqual(rig.complaints, []);
  });

  it('takes translations for nothing but text', async () => {
    const bad = `${hostileText}<!--<script></script >]]>{0}{7}`;
    page = await rig.openPanel({
      language: `"><script>globalThis.wasInjected=1</script>`,
      title: `</title><script>globalThis.wasInjected=1</script>`,
      translations: {
        ...Object.fromEntries(Object.keys(bundle).map((key) => [key, bad])),
        [bad]: bad,
        ['__proto__']: bad,
      },
    });
    await say({ type: 'snapshot', snapshot: fullSnapshot(nowMs) });
    await page.locator('h2').filter({ hasText: '<img src=x onerror' }).first().waitFor();
    const marks = 'img, iframe, [onerror], body script, html > :not(head, body)';
    assert.equal(await page.locator(marks).count(), 0);
    assert.equal(await page.locator('head script').count(), 2);
    assert.equal(await page.evaluate('globalThis.wasInjected'), undefined);
    assert.deepEqual(rig.complaints, []);
  });
});
