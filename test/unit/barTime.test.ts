import assert from 'node:assert/strict';
import { barTime } from '../../src/ibkr/barTime';

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
});
