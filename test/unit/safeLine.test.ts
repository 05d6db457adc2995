import assert from 'node:assert/strict';
import fc from 'fast-check';
import { safeLine } from '../../src/core/safeLine';

describe('a line of foreign text', () => {
  for (const [raw, expected] of [
    ['\u001b[1;31mERROR\u001b[0m no', 'ERROR no'],
    ['\u001b]0;owned\u0007title', 'title'],
    ['\u001b]52;c;cm0gLXJm\u001b\\clip', 'clip'],
    ['\u001b]8;;https://evil.example\u001b\\click\u001b]8;;\u001b\\', 'click'],
    ['\u001bPq#0\u001b\\sixel', 'sixel'],
    ['\u009b2Jclear', 'clear'],
    ['\u001bcreset', 'reset'],
    ['never ended \u001b]0;x', 'never ended ␛]0;x'],
    ['a\u0000b\u0008c\u007f', 'a␀b␈c␡'],
    ['one\rtwo', 'one␍two'],
    ['two\u2028lines', 'two<U+2028>lines'],
    ['pay\u202egnp.exe', 'pay<U+202E>gnp.exe'],
    ['tab\there, Grüße, 中文, 👩‍👩‍👧', 'tab\there, Grüße, 中文, 👩‍👩‍👧'],
  ] as const) {
    it(`makes ${JSON.stringify(raw)} harmless`, () => {
      assert.equal(safeLine(raw), expected);
    });
  }

  it('says what was cut', () => {
    assert.equal(safeLine('abcdef', 4), 'abcd … [robo: 2 more characters are in the file]');
  });

  it('has no control character but the tab, whatever comes, and is the same when asked again', () => {
    const piece = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 8 }),
      fc.constantFrom(
        '\u001b',
        '\u001b[',
        '\u001b]',
        '\u009d',
        '\u0007',
        '\u001b\\',
        '31m',
        ';',
        '\n',
      ),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
        const shown = safeLine(pieces.join(''));
        // eslint-disable-next-line no-control-regex -- they are what must not get through
        assert.doesNotMatch(shown, /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u2028\u2029]/);
        assert.equal(safeLine(shown), shown);
      }),
      { numRuns: 200 },
    );
  });

  it('takes its time in proportion', () => {
    const from = performance.now();
    for (const part of ['\u001b]', '\u001b[', '\u001b[0', '\u001bP\u001b', '\u009d;', '\u001b ']) {
      safeLine(part.repeat(100_000 / part.length));
    }
    assert.ok(performance.now() - from < 3000);
  });
});
