import assert from 'node:assert/strict';
import { BarTimes } from '../../src/ibkr/barTime';
import { instantNamed } from '../../src/ibkr/timeZones';

const barTime = (text: string): number | undefined => new BarTimes().read(text);

describe('the time of a bar', () => {
  for (const [text, expected] of [
    ['20230413', '2023-04-13T00:00:00.000Z'],
    ['1712064600', '2024-04-02T13:30:00.000Z'],
    ['20260402 09:30:00 US/Eastern', '2026-04-02T13:30:00.000Z'],
    ['20260102  09:30:00 US/Eastern', '2026-01-02T14:30:00.000Z'],
    ['20260402-09:30:00', '2026-04-02T09:30:00.000Z'],
    ['20260402 09:30:00 Europe/Berlin', '2026-04-02T07:30:00.000Z'],
    ['20260402 09:30:00 Greenwich Mean Time', '2026-04-02T09:30:00.000Z'],
  ] as const) {
    it(`reads ${text}`, () => {
      assert.equal(new Date(barTime(text) ?? Number.NaN).toISOString(), expected);
    });
  }

  for (const text of ['', 'finished-20230413', '20231399', '2023', '20230413 9:30', 'NaN']) {
    it(`takes ${JSON.stringify(text)} for no time`, () => {
      assert.equal(barTime(text), undefined);
    });
  }

  it('is the same however many were read before, over a year and its changes of the clock', () => {
    const times = new BarTimes();
    const zones = ['US/Eastern', 'Europe/Berlin', 'Nowhere/At_All'];
    for (let hour = 0; hour < 365 * 24; hour += 1) {
      const wallMs = Date.UTC(2026, 0, 1, hour, 30);
      const iso = new Date(wallMs).toISOString();
      const text = `${iso.slice(0, 10).replaceAll('-', '')} ${iso.slice(11, 19)}`;
      // A change falls into the first hours of a Sunday; looking all of them up takes a minute.
      const isCompared = new Date(wallMs).getUTCDay() === 0 && hour % 24 < 5;
      for (const zone of zones) {
        const read = times.read(`${text} ${zone}`);
        assert.equal(times.read(`${text} ${zone}`), read);
        if (isCompared) {
          assert.equal(read, instantNamed(wallMs, zone) ?? wallMs, `${text} ${zone}`);
        }
      }
    }
  }).timeout(30_000);

  it('looks a zone up once, not for every bar', () => {
    const times = new BarTimes();
    let lookedUp = 0;
    const original = Intl.DateTimeFormat;
    Intl.DateTimeFormat = new Proxy(original, {
      construct: (target, args) => {
        lookedUp += 1;
        return Reflect.construct(target, args) as object;
      },
    });
    try {
      for (let minute = 10; minute < 60; minute += 1) {
        times.read(`20260402 09:${minute}:00 US/Eastern`);
      }
    } finally {
      Intl.DateTimeFormat = original;
    }
    assert.ok(lookedUp <= 1, `${lookedUp} look-ups`);
  });
});
