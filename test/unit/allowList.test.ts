import assert from 'node:assert/strict';
import { allowedMessages, assertAllowed, ForbiddenMessageError } from '../../src/ibkr/allowList';
import { encodeFrame } from '../../src/ibkr/frames';

/** PLACE_ORDER, CANCEL_ORDER, REQ_GLOBAL_CANCEL, EXERCISE_OPTIONS, REQ_IDS, REPLACE_FA … */
const neverAllowed = [3, 4, 58, 21, 8, 19, 62, 61, 14];

describe('the list of messages that may leave (law 12)', () => {
  it('holds reading messages only', () => {
    assert.deepEqual(
      [...allowedMessages.keys()].sort((a, b) => a - b),
      [9, 20, 25, 49, 71],
    );
  });

  it('lets what is on it pass, and refuses every other id there is', () => {
    for (let id = 0; id <= 999; id += 1) {
      const frame = encodeFrame([id, 1, 'x']);
      if (allowedMessages.has(id)) {
        assertAllowed(frame);
      } else {
        assert.throws(() => {
          assertAllowed(frame);
        }, ForbiddenMessageError);
      }
    }
    assert.ok(neverAllowed.every((id) => !allowedMessages.has(id)));
  });

  for (const [what, id] of [
    ['an empty id', ''],
    ['a blank before an id', ' 49'],
    ['a sign before an id', '+49'],
    ['an id with a fraction', '49.0'],
    ['an id in another notation', '0x31'],
    ['an id that overflows', '4294967345'],
    ['digits that are not ASCII', '４９'],
    ['text', 'API'],
  ] as const) {
    it(`refuses ${what}`, () => {
      assert.throws(() => {
        assertAllowed(encodeFrame([id, 1]));
      }, ForbiddenMessageError);
    });
  }

  it('refuses a second message behind an allowed one', () => {
    const two = Buffer.concat([encodeFrame([49, 1]), encodeFrame([3, 1])]);
    assert.throws(() => {
      assertAllowed(two);
    }, ForbiddenMessageError);
  });

  it('refuses a frame whose length is not its own', () => {
    const short = encodeFrame([49, 1]);
    short.writeUInt32BE(2, 0);
    const long = encodeFrame([49, 1]);
    long.writeUInt32BE(200, 0);
    for (const frame of [short, long, Buffer.alloc(0), Buffer.alloc(3), Buffer.alloc(4)]) {
      assert.throws(() => {
        assertAllowed(frame);
      }, ForbiddenMessageError);
    }
  });
});
