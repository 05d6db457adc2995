import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { LineOutlines } from '../../src/diagnostics/lineOutlines';

interface Taken {
  readonly line: string;
  readonly hash: string;
}

function taken(outlines: LineOutlines<string>, lines: readonly string[]): readonly Taken[] {
  const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''), 'latin1');
  outlines.load(bytes);
  const all: Taken[] = [];
  while (outlines.next(false)) {
    assert.equal(outlines.line, all.length);
    const hash = `${outlines.high}/${outlines.low}`;
    all.push({ line: bytes.toString('latin1', outlines.start, outlines.end), hash });
  }
  assert.equal(outlines.nextLine, lines.length);
  return all;
}

/** All bytes but the line feed, and often those next to digits and to it. */
const character = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('0', '5', '9', '/', ':', ' ', '\u000B', '\t', 'a', 'A') },
  { weight: 1, arbitrary: fc.nat(255).map((byte) => String.fromCharCode(byte === 10 ? 11 : byte)) },
);
const line = fc.array(character, { maxLength: 40 }).map((characters) => characters.join(''));

describe('LineOutlines', () => {
  const outlines = new LineOutlines<string>(8, new Uint8Array(100_000));

  it('finds every line, and the same hash where and only where the lines differ in digits', () => {
    fc.assert(
      fc.property(fc.array(line, { minLength: 1, maxLength: 40 }), (lines) => {
        const all = taken(outlines, lines);
        assert.deepEqual(
          all.map((each) => each.line),
          lines,
        );
        const hashes = new Map<string, string>();
        for (const { line: text, hash } of all) {
          const outline = text.replace(/\d/g, '0');
          assert.equal(hashes.get(outline) ?? hash, hash, JSON.stringify(text));
          hashes.set(outline, hash);
        }
        assert.equal(new Set(hashes.values()).size, hashes.size);
      }),
    );
  });

  it('does so for many lines, and for long ones', () => {
    const lines = Array.from({ length: 3000 }, (_, index) => `line ${'x'.repeat(index % 90)} 7`);
    lines[1234] = 'y'.repeat(300_000);
    const all = taken(outlines, lines);
    assert.deepEqual(
      all.map((each) => each.line),
      lines,
    );
    assert.equal(new Set(all.map(({ hash }) => hash)).size, 91);
  });

  it('gives neighbours in case, order and place other hashes', () => {
    const words = ['aB', 'Ab', 'ab', 'AB', 'bA', 'Ba', ' ab', 'ab ', 'a b'];
    const lines = words.flatMap((word) =>
      words.flatMap((other) => [0, 1, 5, 6, 7, 8].map((gap) => word + '-'.repeat(gap) + other)),
    );
    const all = taken(outlines, lines);
    assert.equal(new Set(all.map(({ hash }) => hash)).size, new Set(lines).size);
  });
});
