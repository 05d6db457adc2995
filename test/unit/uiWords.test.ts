import assert from 'node:assert/strict';
import fc from 'fast-check';
import { escapeMarkdown, formatAge, plain } from '../../src/ui/words';
import { english } from '../support/uiFixtures';

describe('Foreign text', () => {
  it('keeps what a person needs to read', () => {
    assert.equal(
      plain("ConnectionRefusedError(111, '127.0.0.1')"),
      "ConnectionRefusedError(111, '127.0.0.1')",
    );
  });

  it('becomes one line without hidden characters', () => {
    assert.equal(plain('a\r\nb\u202Ec\u200Bd\u001b[31me'), 'a b c d [31me');
  });

  it('is cut at its limit', () => {
    assert.equal(plain('x'.repeat(20), 10), `${'x'.repeat(9)}…`);
  });

  it('never holds an icon, a link or a line break', () => {
    const pieces = fc.constantFrom(
      '$(',
      '](',
      '[',
      'a',
      '\n',
      '\u200b',
      '$',
      '(',
      ']',
      'command:x)',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 30 }), (parts) => {
        assert.doesNotMatch(plain(parts.join('')), /\$\(|\]\(|\n/);
      }),
    );
  });

  it('has every punctuation mark escaped in Markdown', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const unescaped = escapeMarkdown(text).replace(/\\[!-/:-@[-`{-~]/g, '');
        assert.doesNotMatch(unescaped, /[!-/:-@[-`{-~]/);
      }),
    );
  });
});

describe('An age', () => {
  const cases: readonly [number, string][] = [
    [-5_000, '0 s'],
    [0, '0 s'],
    [59_400, '59 s'],
    [60_000, '1 min'],
    [3_599_000, '59 min'],
    [7_500_000, '2 h 5 min'],
    [49 * 3_600_000, '2 d'],
  ];
  for (const [ms, words] of cases) {
    it(`of ${ms} ms is ${words}`, () => {
      assert.equal(formatAge(ms, english), words);
    });
  }
});
