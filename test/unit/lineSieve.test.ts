import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { MixedLog } from '../../bench/support/mixedLog';
import { LineSieve } from '../../src/diagnostics/lineSieve';

const triggers = {
  words: ['connect', 'farm', 'error 0', ':7497'],
  codes: [1100, 2110],
};
/** What a line must have to say anything; in none of these lines is it cut by a colour. */
const trigger = /connect|farm|error 0|:7497|(?<![\d.])(?:1100|2110)(?![\d\w.:,/%$-])/i;

interface Meaning {
  readonly said: string;
  readonly mark: number;
}

function meaning(said: string): Meaning {
  return { said, mark: 0 };
}

function look(sieve: LineSieve<Meaning>, line: string): string | undefined {
  const bytes = Buffer.from(`${line}\n`, 'latin1');
  const { lines } = sieve;
  lines.load(bytes);
  if (!lines.next(false)) {
    return 'silent';
  }
  const looked = sieve.look(lines.high, lines.low, bytes, 0, bytes.length - 1);
  const known = lines.meaning;
  // Both ways to find what is known agree.
  assert.ok(known === undefined || known === looked);
  return typeof looked === 'object' ? looked.said : looked;
}

describe('LineSieve', () => {
  for (const maxOutlines of [8, 64, 4096]) {
    it(`never passes over a line with a trigger, remembering ${maxOutlines} outlines`, () => {
      const sieve = new LineSieve<Meaning>(triggers, { maxBytes: 4096, maxOutlines });
      const log = new MixedLog(4);
      let silent = 0;
      for (let index = 0; index < 6000; index += 1) {
        const own = log.line();
        const line = index % 7 === 0 ? `${own} ${(index * 5) % 2200} x` : own;
        const said = look(sieve, line);
        if (said === 'silent') {
          silent += 1;
          assert.doesNotMatch(line, trigger);
        } else if (said === undefined) {
          sieve.remember(meaning('met'));
        }
      }
      assert.ok(silent > 3000, `${silent}`);
    });
  }

  it('tells apart what differs in a code, a port or a part of a trigger alone', () => {
    const sieve = new LineSieve<Meaning>(triggers, { maxBytes: 4096, maxOutlines: 64 });
    for (let round = 0; round < 3; round += 1) {
      assert.equal(look(sieve, 'tick 1101 ok'), 'silent');
      assert.notEqual(look(sieve, 'tick 1100 ok'), 'silent');
      assert.equal(look(sieve, 'from 10.0.0.1:7498 to x'), 'silent');
      assert.notEqual(look(sieve, 'from 10.0.0.1:7497 to x'), 'silent');
      assert.equal(look(sieve, 'error 1 of none'), 'silent');
      assert.notEqual(look(sieve, 'error 0 of none'), 'silent');
    }
  });

  it('gives the meaning of a line for others with another time and price, not for another port', () => {
    const sieve = new LineSieve<Meaning>(triggers, { maxBytes: 4096, maxOutlines: 64 });
    const line = (time: string, port: number, price: string): string =>
      `2026-02-03 ${time},250 connect to ${port} at ${price}`;
    assert.equal(look(sieve, line('10:00:00', 4001, '1.50')), undefined);
    sieve.remember(meaning('first'));
    assert.equal(look(sieve, line('10:00:01', 4001, '9.75')), 'first');
    assert.equal(look(sieve, line('10:00:02', 4001, '19.75')), 'first');
    assert.equal(look(sieve, line('10:00:03', 4002, '1.50')), undefined);
    sieve.remember(meaning('second'));
    assert.equal(look(sieve, line('10:00:04', 4002, '7.25')), 'second');
    assert.equal(look(sieve, line('10:00:05', 4001, '7.25')), 'first');
  });
});
