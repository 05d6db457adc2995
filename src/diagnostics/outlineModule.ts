import { silent } from './outlineMemory';

/** Where in the memory of the module things lie, in bytes from its beginning. */
export interface OutlineLayout {
  /** What is known of outlines, see `OutlineMemory`, and one less than its rows in fours. */
  readonly table: number;
  readonly mask: number;
  /** Lists of telling numbers, see `OutlineMemory`. */
  readonly pool: number;
  /** A byte for each number below 100,000: what it may be, see `lineCodes`. */
  readonly numbers: number;
  /** Where it writes to, behind two words in which it says how far it has come. */
  readonly found: number;
}

/** So many bytes are written for a line. */
export const foundBytes = 20;

/**
 * The machine code that finds the lines of a log that may say something, as a WebAssembly module:
 * the one loop that looks at every byte. In JavaScript it costs three times as much, and as much
 * again until it is compiled.
 *
 * It exports `memory` and `take(from, to, line, limit)`. From `from` to `to` lie whole lines, the
 * last one with its line feed and seven bytes of anything behind; the first one has the number
 * `line`. It takes the outline of each, looks it up, and passes over it where lines of that
 * outline are silent and no telling number is among those that tell. For each other one it writes
 * five words of 32 bits: where it begins, where its line feed stands, its hash (low, high), and
 * its number. It ends when all are done or `limit` is reached, and returns where it stopped
 * writing; before what it has written stand where the next line begins and its number.
 */
export function outlineModule(layout: OutlineLayout): Uint8Array<ArrayBuffer> {
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    // (i32, i32, i32, i32) → i32
    ...section(1, [1, 0x60, 4, i32, i32, i32, i32, 1, i32]),
    ...section(3, [1, 0]),
    ...section(5, [1, 0, 1]),
    ...section(7, [2, ...named('memory'), 2, 0, ...named('take'), 0, 0]),
    ...section(10, [1, ...sized([2, 7, i32, 4, i64, ...body(layout), op.end])]),
  ]);
}

const i32 = 0x7f;
const i64 = 0x7e;

/** Names of the parameters and of what else is kept. */
const [place, to, line, limit] = [0, 1, 2, 3];
const [start, out, at, last, digit, end, value] = [4, 5, 6, 7, 8, 9, 10];
const [hash, eight, feeds, bits] = [11, 12, 13, 14];

const op = {
  block: [0x02, 0x40],
  loop: [0x03, 0x40],
  if: [0x04, 0x40],
  end: 0x0b,
  branch: 0x0c,
  branchIf: 0x0d,
  get: 0x20,
  set: 0x21,
  tee: 0x22,
  load64: [0x29, 0, 0],
  store64Behind8: [0x37, 0, 8],
  const64: 0x42,
  isZero: 0x45,
  isUnequal: 0x47,
  isLess: 0x49,
  add32: 0x6a,
  subtract32: 0x6b,
  multiply32: 0x6c,
  and32: 0x71,
  shiftLeft32: 0x74,
  shiftRight32: 0x76,
  isZero64: 0x50,
  isEqual64: 0x51,
  trailingZeros: 0x7a,
  add: 0x7c,
  subtract: 0x7d,
  multiply: 0x7e,
  and: 0x83,
  or: 0x84,
  xor: 0x85,
  shiftLeft: 0x86,
  shiftRight: 0x88,
  toI32: 0xa7,
  toI64: 0xad,
} as const;

/** Odd, and ending in 011, so that single bits at the top do not stay single. */
const factor = 0x9e3779b97f4a7c1bn;
const seed = 0x243f6a8885a308d3n;

/* prettier-ignore */
function body(layout: OutlineLayout): readonly number[] {
  return [
    ...const32(layout.found), op.set, out,
    ...op.loop,
      op.get, place, op.set, start,
      ...takeHash(),
      ...op.block,
        ...op.block,
          ...lookUp(layout),
        op.end,
        ...writeLine(),
      op.end,
      ...increase(line, 1),
      ...increase(place, 1),
      op.get, place, op.get, to, op.isLess, op.get, out, op.get, limit, op.isLess, op.and32,
      op.branchIf, 0,
    op.end,
    ...const32(layout.found - 8), op.get, place, ...store32(0),
    ...const32(layout.found - 8), op.get, line, ...store32(4),
    op.get, out,
  ];
}

/** The hash of the line that begins at `place`, which then is that of its line feed. */
/* prettier-ignore */
function takeHash(): readonly number[] {
  return [
    ...const64(seed), op.set, hash,
    ...op.loop,
      op.get, place, ...op.load64, op.set, eight,
      // The highest bit of each byte that is a line feed; sure for the first of them.
      op.get, eight, ...const64(each(0x0a)), op.xor, op.tee, bits,
      ...const64(each(0x01)), op.subtract,
      op.get, bits, ...const64(-1n), op.xor, op.and,
      ...const64(each(0x80)), op.and, op.set, feeds,
      // The highest bit of each byte that is a digit, from that its four lowest, and these away.
      op.get, eight, ...const64(each(0x30)), op.xor, op.tee, bits,
      ...const64(each(0x7f)), op.and, ...const64(each(0x76)), op.add, op.get, bits, op.or,
      ...const64(-1n), op.xor, ...const64(each(0x80)), op.and, op.set, bits,
      op.get, eight,
      op.get, bits, ...const64(3n), op.shiftRight,
      op.get, bits, ...const64(7n), op.shiftRight, op.subtract,
      ...const64(-1n), op.xor, op.and, op.set, eight,
      op.get, feeds, op.isZero64,
      ...op.if,
        ...addToHash([op.get, eight]),
        ...increase(place, 8),
        op.branch, 1,
      op.end,
    op.end,
    // What stands before the line feed, and how long the line is.
    op.get, feeds, op.trailingZeros, ...const64(56n), op.and, op.set, feeds,
    ...addToHash([
      op.get, eight, ...const64(1n), op.get, feeds, op.shiftLeft, ...const64(1n), op.subtract, op.and,
    ]),
    op.get, place, op.get, feeds, ...const64(3n), op.shiftRight, op.toI32, op.add32, op.set, place,
    ...addToHash([op.get, place, op.get, start, op.subtract32, op.toI64]),
  ];
}

/** Branches to 1 where the line says nothing; else goes on, or branches to 0. */
/* prettier-ignore */
function lookUp({ table, mask, pool, numbers }: OutlineLayout): readonly number[] {
  return [
    op.get, hash, ...const64(40n), op.shiftRight, op.toI32, ...const32(mask), op.and32,
    ...const32(4), op.shiftLeft32, ...const32(table), op.add32, op.tee, at,
    ...const32(64), op.add32, op.set, last,
    ...op.loop,
      op.get, at, ...op.load64, op.get, hash, op.isEqual64,
      ...op.if,
        op.get, at, ...load32(8), op.tee, value, ...const32(3), op.and32,
        ...const32(silent), op.isUnequal, op.branchIf, 2,
        op.get, value, ...const32(2), op.shiftRight32, op.tee, at, op.isZero, op.branchIf, 3,
        op.get, at, ...const32(2), op.shiftLeft32, ...const32(pool), op.add32, op.tee, at,
        op.get, at, ...load32(0), ...const32(2), op.shiftLeft32, op.add32, op.set, last,
        ...op.loop,
          ...readNumber(),
          op.get, value, ...const32(numbers), op.add32, ...load8(0), op.get, at, ...load32(8), op.and32,
          op.branchIf, 3,
          ...increase(at, 8),
          op.get, at, op.get, last, op.isLess, op.branchIf, 0,
        op.end,
        op.branch, 3,
      op.end,
      ...increase(at, 16),
      op.get, at, op.get, last, op.isLess, op.branchIf, 0,
    op.end,
  ];
}

/** The value of the digits of which the place stands behind `at`, see `packed`. */
/* prettier-ignore */
function readNumber(): readonly number[] {
  return [
    op.get, at, ...load32(4), op.tee, value, ...const32(16), op.shiftRight32,
    op.get, start, op.add32, op.tee, digit,
    op.get, value, ...const32(0x7fff), op.and32, op.add32, op.set, end,
    ...const32(0), op.set, value,
    ...op.loop,
      op.get, value, ...const32(10), op.multiply32,
      op.get, digit, ...load8(0), ...const32(15), op.and32, op.add32, op.set, value,
      ...increase(digit, 1),
      op.get, digit, op.get, end, op.isLess, op.branchIf, 0,
    op.end,
  ];
}

/* prettier-ignore */
function writeLine(): readonly number[] {
  return [
    op.get, out, op.get, start, ...store32(0),
    op.get, out, op.get, place, ...store32(4),
    op.get, out, op.get, hash, ...op.store64Behind8,
    op.get, out, op.get, line, ...store32(16),
    ...increase(out, foundBytes),
  ];
}

function increase(variable: number, by: number): readonly number[] {
  return [op.get, variable, ...const32(by), op.add32, op.set, variable];
}

function load8(offset: number): readonly number[] {
  return [0x2d, 0, offset];
}

function load32(offset: number): readonly number[] {
  return [0x28, 0, offset];
}

function store32(offset: number): readonly number[] {
  return [0x36, 0, offset];
}

/** Multiplied, then folded: what comes next must not undo it. */
function addToHash(value: readonly number[]): readonly number[] {
  return [
    ...[op.get, hash, ...value, op.xor, ...const64(factor), op.multiply, op.set, hash],
    ...[op.get, hash, op.get, hash, ...const64(29n), op.shiftRight, op.xor, op.set, hash],
  ];
}

/** Eight times the same byte. */
function each(byte: number): bigint {
  return BigInt(byte) * 0x0101010101010101n;
}

function const32(value: number): readonly number[] {
  return [0x41, ...signed(BigInt(value))];
}

function const64(value: bigint): readonly number[] {
  return [op.const64, ...signed(BigInt.asIntN(64, value))];
}

/** In seven bits a byte. */
function signed(value: bigint): readonly number[] {
  const bytes: number[] = [];
  for (let rest = value; ;) {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    if ((rest === 0n && low < 64) || (rest === -1n && low >= 64)) {
      return [...bytes, low];
    }
    bytes.push(low | 0x80);
  }
}

function section(number: number, content: readonly number[]): readonly number[] {
  return [number, ...sized(content)];
}

function named(name: string): readonly number[] {
  return [name.length, ...Buffer.from(name)];
}

/** Preceded by its length, in seven bits a byte. */
function sized(content: readonly number[]): readonly number[] {
  const { length } = content;
  return [(length & 0x7f) | 0x80, length >>> 7, ...content];
}
