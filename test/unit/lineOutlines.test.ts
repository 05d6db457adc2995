import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { LineOutlines } from '../../src/diagnostics/lineOutlines';
import { various } from '../../src/diagnostics/outlineMemory';
import { goodMark, newsOf, outlineModule } from '../../src/diagnostics/outlineModule';
import { byEightBytes, webAssembly } from '../support/byEightBytes';

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
const line = fc
  .oneof(
    { weight: 3, arbitrary: fc.array(character, { maxLength: 40 }) },
    // Around what is looked at in one step, and around twice and four times that.
    { weight: 1, arbitrary: fc.array(character, { minLength: 14, maxLength: 18 }) },
    { weight: 1, arbitrary: fc.array(character, { minLength: 30, maxLength: 66 }) },
  )
  .map((characters) => characters.join(''));

const make = (size = 8): LineOutlines<string> =>
  new LineOutlines<string>(size, new Uint8Array(100_000));

/** Any bytes, and a line feed behind them. */
const bytesOfLines = fc
  .array(fc.oneof(fc.nat(255), fc.constantFrom(10, 13, 0x2f, 0x30, 0x39, 0x3a, 0xb0, 0xff)), {
    maxLength: 400,
  })
  .map((bytes) => Buffer.from([...bytes, 10]));

/** Each line that was found, and which earlier one has the same outline. */
function foundIn(outlines: LineOutlines<string>, bytes: Buffer): readonly object[] {
  outlines.load(bytes);
  const first = new Map<string, number>();
  const found: object[] = [];
  while (outlines.next(false)) {
    const { line: number, start, end, hasAddress, high, low } = outlines;
    const hash = `${high}/${low}`;
    first.set(hash, first.get(hash) ?? number);
    found.push({ number, start, end, hasAddress, as: first.get(hash) });
  }
  return found;
}

describe('LineOutlines', () => {
  specify(make);
});

describe('LineOutlines where eight bytes are looked at in one step', () => {
  specify((size) => byEightBytes(() => make(size)));
});

describe('outlineModule', () => {
  it('is code that every processor takes which knows about sixteen bytes, or about eight', () => {
    const place = { table: 0, mask: 0, pool: 0, shapes: 0, shapeMask: 0, numbers: 0 };
    const layout = { ...place, found: 0, passed: 0 };
    assert.ok(webAssembly.validate(outlineModule(layout, 8)));
    // A function that makes sixteen bytes and drops them.
    const constant = [0xfd, 0x0c, ...Array.from({ length: 16 }, () => 0), 0x1a, 0x0b];
    const sixteen = Uint8Array.from([
      ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0],
      ...[10, constant.length + 3, 1, constant.length + 1, 0, ...constant],
    ]);
    const isKnown = webAssembly.validate(sixteen);
    assert.equal(webAssembly.validate(outlineModule(layout, 16)), isKnown);
  });

  it('finds the same in both ways, whatever the bytes are', () => {
    const ways = [make(), byEightBytes(() => make())];
    fc.assert(
      fc.property(bytesOfLines, (bytes) => {
        const [bySixteen, byEight] = ways.map((way) => foundIn(way, bytes));
        assert.deepEqual(bySixteen, byEight);
      }),
      { numRuns: 300 },
    );
  });
});

function specify(makeOutlines: typeof make): void {
  const outlines = makeOutlines();

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

  it('takes all digits for the same, and no other byte, at every place', () => {
    const bytes = Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => byte !== 10);
    for (let place = 0; place < 35; place += 1) {
      const before = 'x'.repeat(place);
      const all = taken(
        outlines,
        bytes.map((byte) => `${before}${String.fromCharCode(byte)}${'y'.repeat(34 - place)}`),
      );
      const hashes = new Map(all.map(({ line: text, hash }) => [text.replace(/\d/, '0'), hash]));
      assert.equal(hashes.size, bytes.length - 9);
      assert.equal(new Set(all.map(({ hash }) => hash)).size, hashes.size, `at ${place}`);
    }
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

  it('leaves out addresses, but for their length and whether they are some', () => {
    const hashOf = (text: string): string => taken(outlines, [text])[0]?.hash ?? '';
    const same = ['<Task at 0x10a3b5d90 of 7>', '<Task at 0xffa3Bcd9e of 8>'].map(hashOf);
    assert.equal(new Set(same).size, 1);
    const others = [
      '<Task at 0x10a3b5d9 of 7>',
      '<Task at 0x10a3b5d90 in 7>',
      '<Task at 1x10a3b5d90 of 7>',
      '<Task at 00x0a3b5d90 of 7>',
      '<Task at 0x10a of 7>',
      '<Task at 0x10b of 7>',
      '<Task at 0x10a',
      '0x10a3b5d90',
      '0x10a3b5d90 0x10a3b5d90',
    ].map(hashOf);
    assert.equal(new Set([...same, ...others]).size, 1 + others.length);
  });

  it('passes over good news where all is calm, and tells the last of each class and the last few', () => {
    const own = makeOutlines(64);
    own.load(Buffer.from('good\nother\n'));
    const hashes: [number, number][] = [];
    while (own.next(false)) {
      hashes.push([own.high, own.low]);
    }
    for (const [index, [high, low]] of hashes.entries()) {
      own.known.add(high, low);
      const at = own.known.find(high, low);
      own.known.tell(at, []);
      own.known.judge(at, various);
      own.known.keep(at, []);
      own.shapes.set(high, low, `${index}`, goodMark(index + 1, index));
    }
    const text = `other\n${'good\n'.repeat(20)}bad\ngood\n`;
    own.load(Buffer.from(text), 100);
    assert.ok(own.next(true));
    assert.deepEqual([own.line, own.meaning], [121, undefined]);
    assert.deepEqual(
      own.takePassed().map(({ line, mark }) => [line, newsOf(mark)]),
      [[100, 2], ...Array.from({ length: 7 }, (_, index) => [114 + index, 1])],
    );
    assert.equal(own.hasPassed, false);
    assert.ok(own.next(false));
    assert.deepEqual([own.line, own.meaning], [122, '0']);
    assert.equal(own.next(true), false);
    assert.equal(own.nextLine, 123);
  });

  it('gives neighbours in case, order and place other hashes', () => {
    const words = ['aB', 'Ab', 'ab', 'AB', 'bA', 'Ba', ' ab', 'ab ', 'a b'];
    const lines = words.flatMap((word) =>
      words.flatMap((other) => [0, 1, 5, 6, 7, 8].map((gap) => word + '-'.repeat(gap) + other)),
    );
    const all = taken(outlines, lines);
    assert.equal(new Set(all.map(({ hash }) => hash)).size, new Set(lines).size);
  });
}
