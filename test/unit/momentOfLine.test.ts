import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { parseLogLine } from '../../src/diagnostics/logLine';
import { momentOfLine, timeOfMoment } from '../../src/diagnostics/momentOfLine';

const [first, second] = ['2026-02-03T10:00:00.250+01:00', '2026-02-03T09:00:00.250+00:00'];

describe('momentOfLine', () => {
  it('finds the time of a line among its moments, also where they are the same instant', () => {
    const lines: readonly [string, number][] = [
      ['2026-02-03 10:00:00,250 INFO a: b', 0],
      [`[${first}] INFO a: seen at ${second}`, 0],
      [`{"note":"${first}","timestamp":"${second}","message":"x"}`, 1],
      [
        `{"timestamp":"${first}","message":"{\\"event\\":\\"x\\",\\"timestamp\\":\\"${second}\\"}"}`,
        1,
      ],
      [`{"timestamp":"${first}","message":"{\\"event\\":\\"x ${second}\\"}"}`, 0],
    ];
    for (const [line, number] of lines) {
      assert.equal(momentOfLine(line), number, line);
      assert.equal(timeOfMoment(line, number), parseLogLine(line).at, line);
    }
  });

  it('finds none where the time stands in another form, or there is none', () => {
    for (const line of ['Feb  3 10:00:00 host a: b', 'x', '{"ts":1770109200,"msg":"x"}']) {
      assert.equal(momentOfLine(line), undefined, line);
    }
    assert.equal(momentOfLine(`saw ${first} and ${second}`), undefined);
  });

  it('gives no time for what is none', () => {
    assert.equal(timeOfMoment('2026-13-45 10:00:00 x', 0), undefined);
    assert.equal(timeOfMoment('2026-02-03 10:00:00 x', 1), undefined);
  });

  it('asks again and again without remembering where it was', () => {
    const line = `{"note":"${first}","timestamp":"${second}","message":"x"}`;
    assert.equal(timeOfMoment(line, 1), timeOfMoment(line, 1));
    assert.equal(momentOfLine(line), 1);
  });
});
