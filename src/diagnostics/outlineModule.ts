/**
 * The machine code that takes the outlines of lines, as a WebAssembly module: the one loop that
 * looks at every byte of a log. In JavaScript it costs three times as much, and as much again
 * until it is compiled.
 *
 * It exports `memory` and `take(from, to, out, limit)`. From `from` to `to` lie whole lines, the
 * last one with its line feed and seven bytes of anything behind. For each line it writes three
 * words of 32 bits to `out`: where its line feed stands, and its hash; until all are done or
 * `limit` is reached. It returns where it stopped writing.
 */
export function outlineModule(): Uint8Array<ArrayBuffer> {
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    // (i32, i32, i32, i32) → i32
    ...section(1, [1, 0x60, 4, i32, i32, i32, i32, 1, i32]),
    ...section(3, [1, 0]),
    ...section(5, [1, 0, 1]),
    ...section(7, [2, ...named('memory'), 2, 0, ...named('take'), 0, 0]),
    ...section(10, [1, ...sized([2, 1, i32, 4, i64, ...body(), op.end])]),
  ]);
}

const i32 = 0x7f;
const i64 = 0x7e;

/** Names of the parameters and of what else is kept. */
const [place, to, out, limit, start, hash, eight, feeds, bits] = [0, 1, 2, 3, 4, 5, 6, 7, 8];

const op = {
  loop: [0x03, 0x40],
  if: [0x04, 0x40],
  end: 0x0b,
  branch: 0x0c,
  branchIf: 0x0d,
  get: 0x20,
  set: 0x21,
  tee: 0x22,
  load64: [0x29, 0, 0],
  store32: [0x36, 0, 0],
  store64Behind4: [0x37, 0, 4],
  const32: 0x41,
  const64: 0x42,
  isLess: 0x49,
  add32: 0x6a,
  subtract32: 0x6b,
  and32: 0x71,
  isZero64: 0x50,
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
function body(): readonly number[] {
  return [
    ...op.loop,
      op.get, place, op.set, start,
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
          op.get, place, op.const32, 8, op.add32, op.set, place,
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
      op.get, out, op.get, place, ...op.store32,
      op.get, out, op.get, hash, ...op.store64Behind4,
      op.get, out, op.const32, 12, op.add32, op.set, out,
      op.get, place, op.const32, 1, op.add32, op.set, place,
      op.get, place, op.get, to, op.isLess, op.get, out, op.get, limit, op.isLess, op.and32,
      op.branchIf, 0,
    op.end,
    op.get, out,
  ];
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

function const64(value: bigint): readonly number[] {
  const bytes: number[] = [op.const64];
  for (let rest = BigInt.asIntN(64, value); ;) {
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
