import { onlyWhetherZero } from './lineShape';
import { metOnce, silent, various } from './outlineMemory';

/** Where in the memory of the module things lie, in bytes from its beginning. */
export interface OutlineLayout {
  /** What is known of outlines, see `OutlineMemory`, and one less than its rows in fours. */
  readonly table: number;
  readonly mask: number;
  /** Lists of telling numbers and of kept ones, see `OutlineMemory`. */
  readonly pool: number;
  /** What is known of shapes, see `ShapeMemory`, and the same of its rows. */
  readonly shapes: number;
  readonly shapeMask: number;
  /** A byte for each number below 100,000: what it may be, see `lineCodes`. */
  readonly numbers: number;
  /** Where it writes to what it has found: seven words. */
  readonly found: number;
  /** Where it writes to what it has passed over of good news: `passedBytes`. */
  readonly passed: number;
}

/** The marks of shapes. Without one, a line is given. */
export const silentMark = 1;

/**
 * So many of the last lines of good news are remembered, more than a reader compares with what
 * comes next, and the last one of each class.
 */
export const passedRing = 8;
export const passedClasses = 8;
/** How many they are, and a row of two words for each: the number of the line, its mark. */
export const passedBytes = 8 + 8 * (passedRing + passedClasses);

/**
 * The mark of a shape that is good news: while nothing is wrong such lines are passed over, and
 * what is remembered of them has this mark.
 * @param news says which it is; more than 0
 * @param kind its class; below `passedClasses`
 */
export function goodMark(news: number, kind: number): number {
  return (news << 4) | (kind << 1);
}

/** Which good news has such a mark. */
export function newsOf(mark: number): number {
  return mark >>> 4;
}

/** How many bytes are looked at in one step; sixteen take a processor with SSE4.1 or NEON. */
export type StepBytes = 8 | 16;

/**
 * The machine code that finds the lines of a log that may say something, as a WebAssembly module:
 * the one loop that looks at every byte. In JavaScript it costs three times as much, and as much
 * again until it is compiled. With another `step` it finds the same, but its hashes are others.
 *
 * It exports `memory` and `take(from, to, line, isCalm)`. From `from` to `to` lie whole lines, the
 * last one with its line feed and `step` bytes of anything behind; the first one has the number
 * `line`. It takes the outline of each and looks it up. It passes over the line where lines of
 * that outline are silent and no telling number is among those that tell; else it folds the kept
 * numbers into the outline, looks that up among the shapes, and passes over the line where lines
 * of that shape are silent, or `isCalm` is 1 and they are good news. It returns 1 with the first
 * other line and writes seven words of 32 bits: where it begins, where its line feed stands, its
 * hash (low, high), its number, where its shape is, 0 where that is not known, and 1 where the
 * hash leaves out addresses: so it does where the whole outline is not known. At the end it
 * returns 0 and writes into the fifth of them the number of the next line.
 */
export function outlineModule(layout: OutlineLayout, step: StepBytes): Uint8Array<ArrayBuffer> {
  const kept = step === 16 ? [3, 13, i32, 5, i64, 4, v128] : [2, 13, i32, 4, i64];
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    // (i32, i32, i32, i32) → i32
    ...section(1, [1, 0x60, 4, i32, i32, i32, i32, 1, i32]),
    ...section(3, [1, 0]),
    ...section(5, [1, 0, 1]),
    ...section(7, [2, ...named('memory'), 2, 0, ...named('take'), 0, 0]),
    ...section(10, [1, ...sized([...kept, ...body(layout, step), op.end])]),
  ]);
}

const i32 = 0x7f;
const i64 = 0x7e;
const v128 = 0x7b;

/** Names of the parameters and of what else is kept. */
const [place, to, line, isCalm] = [0, 1, 2, 3];
const [start, at, last, list, digit, end, value, where] = [4, 5, 6, 7, 8, 9, 10, 11];
const [high, low, shape, mark, hasAddress] = [12, 13, 14, 15, 16];
const [hash, eight, feeds, bits] = [17, 18, 19, 20];
/** Only where sixteen bytes are looked at in one step. */
const [otherHash, sixteen, lineFeeds, zeros, nines] = [21, 22, 23, 24, 25];

const op = {
  block: [0x02, 0x40],
  loop: [0x03, 0x40],
  if: [0x04, 0x40],
  else: 0x05,
  end: 0x0b,
  branch: 0x0c,
  branchIf: 0x0d,
  return: 0x0f,
  get: 0x20,
  set: 0x21,
  tee: 0x22,
  load64: [0x29, 0, 0],
  store64Behind8: [0x37, 0, 8],
  const64: 0x42,
  isZero: 0x45,
  isEqual: 0x46,
  isLess: 0x49,
  add32: 0x6a,
  subtract32: 0x6b,
  multiply32: 0x6c,
  and32: 0x71,
  or32: 0x72,
  xor32: 0x73,
  shiftLeft32: 0x74,
  shiftRight32: 0x76,
  turnLeft32: 0x77,
  isZero64: 0x50,
  isEqual64: 0x51,
  trailingZeros32: 0x68,
  trailingZeros: 0x7a,
  add: 0x7c,
  subtract: 0x7d,
  multiply: 0x7e,
  and: 0x83,
  or: 0x84,
  xor: 0x85,
  shiftLeft: 0x86,
  shiftRight: 0x88,
  turnLeft: 0x89,
  toI32: 0xa7,
  toI64: 0xad,
  // Of sixteen bytes.
  load128: [0xfd, 0x00, 0, 0],
  const128: [0xfd, 0x0c],
  sixteenTimes: [0xfd, 0x0f],
  firstHalf: [0xfd, 0x1d, 0],
  secondHalf: [0xfd, 0x1d, 1],
  areEqual: [0xfd, 0x23],
  areLess: [0xfd, 0x26],
  areAtMost: [0xfd, 0x2a],
  and128: [0xfd, 0x4e],
  andNot128: [0xfd, 0x4f],
  highestBits: [0xfd, 0x64],
  subtractEach: [0xfd, 0x71],
} as const;

/** Odd, and ending in 011, so that single bits at the top do not stay single. */
const factor = 0x9e3779b97f4a7c1bn;
const seed = 0x243f6a8885a308d3n;
/** Another one where addresses are left out. */
const addressSeed = 0x13198a2e03707344n;
/** And one for the second half of every sixteen bytes. */
const otherSeed = 0xa4093822299f31d0n;

/* prettier-ignore */
function body(layout: OutlineLayout, step: StepBytes): readonly number[] {
  return [
    ...(step === 16 ? bytesToCompare() : []),
    ...op.loop,
      op.get, place, op.set, start,
      ...(step === 16 ? takeHashBySixteen() : takeHash()),
      ...const32(0), op.set, shape,
      ...const32(0), op.set, hasAddress,
      ...op.block,
        ...op.block,
          ...lookUp(layout),
          ...foldKept(layout),
          ...lookUpShape(layout),
        op.end,
        ...writeLine(layout),
        ...const32(1), op.return,
      op.end,
      ...increase(line, 1),
      ...increase(place, 1),
      op.get, place, op.get, to, op.isLess, op.branchIf, 0,
    op.end,
    ...const32(layout.found), op.get, line, ...store32(16),
    ...const32(0),
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

/** Made once: to make them in each step costs more than what they are compared with. */
/* prettier-ignore */
function bytesToCompare(): readonly number[] {
  return [
    ...const128(() => 0x0a), op.set, lineFeeds,
    ...const128(() => 0x30), op.set, zeros,
    ...const128(() => 9), op.set, nines,
  ];
}

/**
 * The same by sixteen bytes. Both halves have hashes of their own, as a multiplication must not
 * wait for the one before.
 */
/* prettier-ignore */
function takeHashBySixteen(): readonly number[] {
  return [
    ...const64(seed), op.set, hash,
    ...const64(otherSeed), op.set, otherHash,
    ...op.loop,
      op.get, place, ...op.load128, op.tee, sixteen,
      op.get, lineFeeds, ...op.areEqual, ...op.highestBits, op.set, value,
      // The digits lie at 0 to 9 then, and nothing but them becomes 0.
      op.get, sixteen, op.get, zeros, ...op.subtractEach, op.tee, sixteen,
      op.get, sixteen, op.get, nines, ...op.areAtMost, ...op.andNot128, op.set, sixteen,
      op.get, value, op.isZero,
      ...op.if,
        ...addToHash([op.get, sixteen, ...op.firstHalf]),
        ...addToHash([op.get, sixteen, ...op.secondHalf], otherHash),
        ...increase(place, 16),
        op.branch, 1,
      op.end,
    op.end,
    // What stands before the line feed, and how long the line is.
    op.get, value, op.trailingZeros32, op.set, value,
    op.get, sixteen,
    ...const128((index) => index), op.get, value, ...op.sixteenTimes, ...op.areLess,
    ...op.and128, op.set, sixteen,
    ...addToHash([op.get, sixteen, ...op.firstHalf]),
    ...addToHash([op.get, sixteen, ...op.secondHalf], otherHash),
    // Turned, so that halves that change places do not make up for each other.
    ...addToHash([op.get, otherHash, ...const64(32n), op.turnLeft]),
    op.get, place, op.get, value, op.add32, op.set, place,
    ...addToHash([op.get, place, op.get, start, op.subtract32, op.toI64]),
  ];
}

/**
 * Branches to 1 where the line says nothing, to 0 where that is not known; else goes on, with what
 * is known of its outline at `at`.
 */
/* prettier-ignore */
function lookUp(layout: OutlineLayout): readonly number[] {
  const { pool, numbers } = layout;
  return [
    ...op.block,
      ...findOutline(layout),
      ...leaveOutAddresses(),
      op.get, hasAddress, op.isZero, op.branchIf, 1,
      ...findOutline(layout),
      op.branch, 1,
    op.end,
    ...op.block,
      op.get, at, ...load32(8), ...const32(3), op.and32, op.tee, value,
      ...const32(various), op.isEqual, op.branchIf, 0,
      op.get, value, ...const32(metOnce), op.isEqual, op.branchIf, 1,
      op.get, at, ...load32(8), ...const32(2), op.shiftRight32, op.tee, list,
      ...op.if,
        ...listAt(pool),
        ...op.loop,
          op.get, list, ...load32(4), op.set, where,
          ...readNumber(),
          op.get, value, ...const32(numbers), op.add32, ...load8(0),
          op.get, list, ...load32(8), op.and32, op.branchIf, 2,
          ...increase(list, 8),
          op.get, list, op.get, last, op.isLess, op.branchIf, 0,
        op.end,
      op.end,
      op.get, at, ...load32(8), ...const32(3), op.and32,
      ...const32(silent), op.isEqual, op.branchIf, 2,
      op.branch, 1,
    op.end,
  ];
}

/** Branches to 0 where the outline is known, with what is known of it at `at`. */
/* prettier-ignore */
function findOutline({ table, mask }: OutlineLayout): readonly number[] {
  return [
    op.get, hash, ...const64(40n), op.shiftRight, op.toI32, ...const32(mask), op.and32,
    ...const32(4), op.shiftLeft32, ...const32(table), op.add32, op.tee, at,
    ...const32(64), op.add32, op.set, last,
    ...op.loop,
      op.get, at, ...op.load64, op.get, hash, op.isEqual64, op.branchIf, 1,
      ...increase(at, 16),
      op.get, at, op.get, last, op.isLess, op.branchIf, 0,
    op.end,
  ];
}

/**
 * Where the line has an address, `0x10a3b5d90`, makes its hash anew: byte by byte, of an address
 * only its length. What `LineShape` takes for one.
 */
/* prettier-ignore */
function leaveOutAddresses(): readonly number[] {
  const before = [op.get, digit, ...const32(1), op.subtract32, ...load8(0)];
  return [
    op.get, hash, op.set, bits,
    ...const64(addressSeed), op.set, hash,
    op.get, start, op.set, digit,
    ...op.loop,
      op.get, digit, op.get, place, op.isLess,
      ...op.if,
        op.get, digit, ...load8(0), op.set, value,
        op.get, digit, ...load16(0), ...const32(0x7830), op.isEqual, ...isDigit(before), op.isZero, op.and32,
        ...op.if,
          op.get, digit, ...const32(1), op.add32, op.set, end,
          ...op.loop,
            ...increase(end, 1),
            ...isHexDigit([op.get, end, ...load8(0)]), op.branchIf, 0,
          op.end,
          op.get, end, op.get, digit, op.subtract32, op.tee, value, ...const32(6), op.isLess,
          ...op.if,
            ...const32(0x30), op.set, value,
          op.else,
            op.get, value, ...const32(0x100), op.or32, op.set, value,
            op.get, end, ...const32(1), op.subtract32, op.set, digit,
            ...const32(1), op.set, hasAddress,
          op.end,
        op.else,
          ...isDigit([op.get, value]),
          ...op.if,
            ...const32(0x30), op.set, value,
          op.end,
        op.end,
        ...addToHash([op.get, value, op.toI64]),
        ...increase(digit, 1),
        op.branch, 1,
      op.end,
    op.end,
    op.get, hasAddress, op.isZero,
    ...op.if,
      op.get, bits, op.set, hash,
    op.end,
  ];
}

function isDigit(byte: readonly number[]): readonly number[] {
  return [...byte, ...const32(0x30), op.subtract32, ...const32(10), op.isLess];
}

function isHexDigit(byte: readonly number[]): readonly number[] {
  const letter = [...byte, ...const32(0x20), op.or32, ...const32(0x61), op.subtract32];
  return [...isDigit(byte), ...letter, ...const32(6), op.isLess, op.or32];
}

/** Adds to the outline what the shape has besides, as `LineSieve` does; branches as above. */
/* prettier-ignore */
function foldKept({ pool }: OutlineLayout): readonly number[] {
  return [
    op.get, hash, ...const64(32n), op.shiftRight, op.toI32, op.set, high,
    op.get, hash, op.toI32, op.set, low,
    op.get, at, ...load32(12), op.tee, list, op.isZero, op.branchIf, 0,
    ...listAt(pool),
    op.get, list, op.get, last, op.isLess,
    ...op.if,
      ...op.loop,
        ...increase(list, 4),
        op.get, list, ...load32(0), op.tee, where,
        ...const32(onlyWhetherZero), op.and32,
        ...op.if,
          ...eachDigit([
            op.get, value, op.get, digit, ...load8(0), ...const32(0x31), op.subtract32,
            ...const32(9), op.isLess, op.or32, op.set, value,
          ]),
        op.else,
          ...eachDigit([
            ...mixed([op.get, value, op.get, digit, ...load8(0)]), op.set, value,
          ]),
        op.end,
        ...mixed([op.get, high, op.get, value]), op.set, high,
        ...otherwiseMixed([op.get, low, op.get, value]), op.set, low,
        op.get, list, op.get, last, op.isLess, op.branchIf, 0,
      op.end,
    op.end,
  ];
}

/** Branches as above, and goes on where the shape is not known. */
/* prettier-ignore */
function lookUpShape({ shapes, shapeMask, passed }: OutlineLayout): readonly number[] {
  return [
    op.get, high, ...const32(8), op.shiftRight32, ...const32(shapeMask), op.and32,
    ...const32(4), op.shiftLeft32, ...const32(shapes), op.add32, op.tee, at,
    ...const32(64), op.add32, op.set, last,
    op.get, high, op.toI64, ...const64(32n), op.shiftLeft, op.get, low, op.toI64, op.or, op.set, bits,
    ...op.loop,
      op.get, at, ...op.load64, op.get, bits, op.isEqual64,
      ...op.if,
        op.get, at, op.set, shape,
        op.get, at, ...load32(8), op.tee, mark, ...const32(silentMark), op.isEqual, op.branchIf, 3,
        op.get, mark, op.get, isCalm, op.multiply32, op.isZero, op.branchIf, 2,
        ...remember(passed),
        op.branch, 3,
      op.end,
      ...increase(at, 16),
      op.get, at, op.get, last, op.isLess, op.branchIf, 0,
    op.end,
  ];
}

/** Writes number and mark of a line behind the others, and as the last one of its class. */
/* prettier-ignore */
function remember(passed: number): readonly number[] {
  const row = [
    ...[op.get, list, op.get, line, ...store32(0)],
    ...[op.get, list, op.get, mark, ...store32(4)],
  ];
  return [
    ...const32(passed), ...load32(0), op.set, value,
    ...const32(passed), op.get, value, ...const32(1), op.add32, ...store32(0),
    op.get, value, ...const32(passedRing - 1), op.and32, ...const32(3), op.shiftLeft32,
    ...const32(passed + 8), op.add32, op.set, list,
    ...row,
    op.get, mark, ...const32(2 * passedClasses - 2), op.and32, ...const32(2), op.shiftLeft32,
    ...const32(passed + 8 + 8 * passedRing), op.add32, op.set, list,
    ...row,
  ];
}

/** Of a list with this number in the pool: where it is, and where its last word is. */
/* prettier-ignore */
function listAt(pool: number): readonly number[] {
  return [
    op.get, list, ...const32(2), op.shiftLeft32, ...const32(pool), op.add32, op.tee, list,
    op.get, list, ...load32(0), ...const32(2), op.shiftLeft32, op.add32, op.set, last,
  ];
}

/** The value of the digits at `where`, see `packed`. */
/* prettier-ignore */
function readNumber(): readonly number[] {
  return eachDigit([
    op.get, value, ...const32(10), op.multiply32,
    op.get, digit, ...load8(0), ...const32(15), op.and32, op.add32, op.set, value,
  ]);
}

/** Makes a value of the bytes at `where`, of which there is at least one. */
/* prettier-ignore */
function eachDigit(step: readonly number[]): readonly number[] {
  return [
    op.get, where, ...const32(16), op.shiftRight32, op.get, start, op.add32, op.tee, digit,
    op.get, where, ...const32(0x7fff), op.and32, op.add32, op.set, end,
    ...const32(0), op.set, value,
    ...op.loop,
      ...step,
      ...increase(digit, 1),
      op.get, digit, op.get, end, op.isLess, op.branchIf, 0,
    op.end,
  ];
}

/** As `lineShape` does. @param values two of them */
function mixed(values: readonly number[]): readonly number[] {
  return turnedAndMultiplied(values, 15, 0x9e3779b1);
}

function otherwiseMixed(values: readonly number[]): readonly number[] {
  return turnedAndMultiplied(values, 11, 0x85ebca6b);
}

function turnedAndMultiplied(
  values: readonly number[],
  turn: number,
  by: number,
): readonly number[] {
  return [...values, op.xor32, ...const32(turn), op.turnLeft32, ...const32(by | 0), op.multiply32];
}

/* prettier-ignore */
function writeLine({ found }: OutlineLayout): readonly number[] {
  return [
    ...const32(found), op.get, start, ...store32(0),
    ...const32(found), op.get, place, ...store32(4),
    ...const32(found), op.get, hash, ...op.store64Behind8,
    ...const32(found), op.get, line, ...store32(16),
    ...const32(found), op.get, shape, ...store32(20),
    ...const32(found), op.get, hasAddress, ...store32(24),
  ];
}

function increase(variable: number, by: number): readonly number[] {
  return [op.get, variable, ...const32(by), op.add32, op.set, variable];
}

function load8(offset: number): readonly number[] {
  return [0x2d, 0, offset];
}

function load16(offset: number): readonly number[] {
  return [0x2f, 0, offset];
}

function load32(offset: number): readonly number[] {
  return [0x28, 0, offset];
}

function store32(offset: number): readonly number[] {
  return [0x36, 0, offset];
}

/** Multiplied, then folded: what comes next must not undo it. */
function addToHash(value: readonly number[], to = hash): readonly number[] {
  return [
    ...[op.get, to, ...value, op.xor, ...const64(factor), op.multiply, op.tee, to],
    ...[op.get, to, ...const64(29n), op.shiftRight, op.xor, op.set, to],
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

/** Sixteen bytes. */
function const128(byteAt: (index: number) => number): readonly number[] {
  return [...op.const128, ...Array.from({ length: 16 }, (_, index) => byteAt(index))];
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
