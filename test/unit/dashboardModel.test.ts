import assert from 'node:assert/strict';
import fc from 'fast-check';
import { isoTime } from '../../src/core/clock';
import type { DashboardPart } from '../../src/diagnostics/dashboard';
import { merged, modelOf, snapshotOf } from '../../src/dashboard/model';
import { bands, placeIncidents, ticks } from '../../src/dashboard/timeline';
import { regional, translationsOf, translator } from '../../src/dashboard/l10n';
import { folderName, wordsOf } from '../../src/dashboard/words';
import { emptyUpdate, emptySnapshot, fullSnapshot } from '../support/dashboardSample';

const nowMs = Date.parse('2026-11-20T15:00:00Z');
const hourMs = 3_600_000;

describe("a dashboard's model", () => {
  it('takes in what is new, and lets go what is older than a day', () => {
    const before = modelOf(fullSnapshot(nowMs));
    const laterMs = nowMs + 20 * hourMs;
    const update: DashboardPart = {
      ...emptyUpdate(laterMs),
      health: [{ at: isoTime(laterMs), health: 'down', reason: 'gone' }],
      latency: [[laterMs, 7]],
      fills: [{ at: isoTime(laterMs), symbol: 'NVDA', side: 'buy', quantity: 1, price: 2 }],
    };
    const after = merged(before, update);
    assert.equal(after.health.at(-1)?.health, 'down');
    // What held when the day began stays.
    assert.ok(after.health.filter(({ at }) => at < update.from).length <= 1);
    assert.ok(after.fills.every(({ at }) => at >= update.from));
    assert.equal(after.fills.at(-1)?.symbol, 'NVDA');
    assert.deepEqual(after.latency.at(-1), [laterMs, 7]);
    assert.ok(after.latency.every(([atMs]) => atMs >= Date.parse(update.from)));
    assert.equal(after.state, before.state);
  });

  it('replaces the last sample by one of the same time', () => {
    const model = modelOf({
      ...emptySnapshot(nowMs),
      latency: [[nowMs, 3]],
      prices: { A: [[nowMs, 1]] },
    });
    const after = merged(model, {
      ...emptyUpdate(nowMs),
      latency: [[nowMs, 9]],
      prices: { A: [[nowMs, 2]], B: [[nowMs, 5]] },
    });
    assert.deepEqual(after.latency, [[nowMs, 9]]);
    assert.deepEqual(after.prices.get('A'), [[nowMs, 2]]);
    assert.deepEqual(after.prices.get('B'), [[nowMs, 5]]);
  });

  it('keeps an incident once, as it was last told', () => {
    const model = modelOf(fullSnapshot(nowMs));
    const [first] = model.incidents;
    assert.ok(first);
    const after = merged(model, {
      ...emptyUpdate(nowMs),
      incidents: [{ ...first, until: isoTime(nowMs) }],
    });
    assert.equal(after.incidents.length, model.incidents.length);
    assert.equal(after.incidents.find(({ key }) => key === first.key)?.until, isoTime(nowMs));
  });

  it('takes names for nothing but names', () => {
    const text = JSON.stringify({ ...emptySnapshot(nowMs), prices: {} }).replace(
      '"prices":{}',
      '"prices":{"__proto__":[[1,2]],"constructor":[[1,3]]}',
    );
    const model = modelOf(JSON.parse(text) as ReturnType<typeof emptySnapshot>);
    assert.deepEqual([...model.prices.keys()].sort(), ['__proto__', 'constructor']);
    assert.deepEqual(modelOf(snapshotOf(model)), model);
    assert.equal(({} as { readonly length?: number }).length, undefined);
  });

  it('stays within bounds through any number of updates', () => {
    let model = modelOf(emptySnapshot(nowMs));
    for (let index = 0; index < 3000; index += 1) {
      const at = isoTime(nowMs + index);
      model = merged(model, {
        ...emptyUpdate(nowMs),
        latency: [[nowMs + index, index]],
        cycles: [{ at, workspace: '/ws', durationMs: 1 }],
      });
    }
    assert.ok(model.latency.length <= 1600 && model.cycles.length <= 1200);
  });
});

describe('the timeline of a dashboard', () => {
  it('has no hole and no overlap, whatever the changes are', () => {
    const change = fc.record({
      at: fc.integer({ min: nowMs - 40 * hourMs, max: nowMs + hourMs }).map(isoTime),
      health: fc.constantFrom('healthy', 'down', 'unknown'),
      reason: fc.string(),
    });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
        const fromMs = nowMs - 24 * hourMs;
        const all = bands(changes, [fromMs, nowMs], 'Nobody watched.');
        assert.equal(all[0]?.fromMs, fromMs);
        assert.equal(all.at(-1)?.untilMs, nowMs);
        all.slice(1).forEach((band, index) => {
          assert.equal(band.fromMs, all[index]?.untilMs);
          assert.ok(band.untilMs > band.fromMs);
        });
      }),
    );
  });

  it('says unknown where nobody watched', () => {
    const changes = [{ at: isoTime(nowMs - hourMs), health: 'healthy' as const, reason: 'ok' }];
    const all = bands(changes, [nowMs - 3 * hourMs, nowMs], 'Nobody watched.');
    assert.deepEqual(
      all.map(({ health, fromMs }) => [health, fromMs]),
      [
        ['unknown', nowMs - 3 * hourMs],
        ['healthy', nowMs - hourMs],
      ],
    );
  });

  it('puts incidents that overlap into rows of their own, as far as there are rows', () => {
    const incident = (key: string, since: number, until: number | null) => ({
      ...{ key, severity: 'error' as const, subject: null, title: key, message: '' },
      since: isoTime(nowMs - since * hourMs),
      until: until === null ? null : isoTime(nowMs - until * hourMs),
    });
    const placed = placeIncidents(
      [
        incident('a', 5, 3),
        incident('b', 4, null),
        incident('c', 3, 2),
        incident('d', 2.5, 1),
        incident('old', 60, 50),
      ],
      [nowMs - 24 * hourMs, nowMs],
      2,
    );
    assert.deepEqual(
      placed.map(({ incident: { key }, row }) => [key, row]),
      [
        ['a', 0],
        ['b', 1],
        ['c', 0],
        ['d', 1],
      ],
    );
  });

  it("writes full hours of the reader's clock, as many as there is room for", () => {
    const indiaMs = 5.5 * hourMs;
    for (const room of [2, 5, 12, 24]) {
      const found = ticks([nowMs - 24 * hourMs, nowMs], room, indiaMs);
      assert.ok(found.length >= 1 && found.length <= room + 1, `${found.length} in ${room}`);
      assert.ok(found.every((atMs) => (atMs + indiaMs) % hourMs === 0));
    }
  });
});

describe("a dashboard's words", () => {
  const english = translator(new Map());
  const words = wordsOf({ l10n: english, locale: 'en-GB', timeZone: 'UTC' });

  it('tell spans, amounts and times', () => {
    assert.deepEqual(
      [-5, 0, 59_999, 60_000, 3_599_999, 3_600_000, 7_500_000, 90_000_000, 86_400_000].map(
        words.duration,
      ),
      ['0 s', '0 s', '59 s', '1 min', '59 min', '1 h', '2 h 5 min', '1 d 1 h', '1 d'],
    );
    assert.deepEqual([3.42, 12.6, 1250, 12_345].map(words.milliseconds), [
      '3.4 ms',
      '13 ms',
      '1.25 s',
      '12.3 s',
    ]);
    assert.deepEqual([0, 0.00421, 1234.5, -3].map(words.amount), [
      '0.00',
      '0.0042',
      '1,234.50',
      '-3.00',
    ]);
    assert.deepEqual([1, 0.9999, 0.5].map(words.percent), ['100', '99.9', '50']);
    assert.equal(words.clock(nowMs), '15:00:00');
    assert.equal(words.minute(isoTime(nowMs)), '15:00');
    assert.equal(words.moment(nowMs), '20 Nov, 15:00:00');
    assert.equal(words.moment('nonsense'), 'at an unknown time');
    assert.deepEqual(['/home/me/trading/', 'C:\\a\\b', '/', ''].map(folderName), [
      'trading',
      'b',
      '/',
      '',
    ]);
  });

  it('are those of another language, figures and times with them', () => {
    const json = JSON.stringify({ '{0} h {1} min': '{0} Std. und {1} Min.', '{0} ms': '{0} msek' });
    const l10n = translator(translationsOf(json));
    const german = wordsOf({ l10n, locale: 'de-DE', timeZone: 'UTC' });
    assert.equal(german.duration(7_500_000), '2 Std. und 5 Min.');
    assert.equal(german.milliseconds(3.42), '3,4 msek');
    assert.equal(german.amount(1234.5), '1.234,50');
    assert.equal(german.percent(0.982), '98,2');
    assert.equal(german.moment(nowMs), '20. Nov., 15:00:00');
    // What has no string in that language is said in English.
    assert.equal(german.duration(5000), '5 s');
  });

  it('fill places with what was given, and take foreign keys for nothing but keys', () => {
    const l10n = translator(
      translationsOf('{"__proto__":"bad","a {0} {1}":"{1} before {0}, {2}","toString":"x"}'),
    );
    assert.equal(l10n.t('a {0} {1}', '{1}', 7), '7 before {1}, {2}');
    assert.equal(l10n.t('constructor'), 'constructor');
    assert.equal(l10n.t('toString'), 'x');
    assert.equal(({} as { readonly length?: number }).length, undefined);
  });

  it('are written as where the reader lives, in the language of the sentences', () => {
    assert.equal(regional('en', ['de-AT', 'en-gb']), 'en-GB');
    assert.equal(regional('en', ['de-AT']), 'en');
    assert.equal(regional('de', ['en-US', 'de-AT', 'de']), 'de-AT');
    assert.equal(regional('zh-cn', ['zh-TW', 'zh']), 'zh-CN');
    assert.equal(regional('pt-br', []), 'pt-BR');
    assert.equal(regional('"><script>', ['x y']), 'en');
  });
});
