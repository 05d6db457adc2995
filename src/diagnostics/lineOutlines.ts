import { OutlineMemory } from './outlineMemory';
import {
  type OutlineLayout,
  outlineModule,
  passedBytes,
  passedClasses,
  passedRing,
} from './outlineModule';
import { ShapeMemory } from './shapeMemory';

const pageBytes = 65_536;

/** Where things lie in the memory, in bytes: what was found, what was passed, what is known. */
const foundAt = 8;
const passedAt = 64;
const knownAt = 256;
const shapeBytes = 16;

/** What is used of it; TypeScript knows it only as a browser's. */
interface WebAssemblyApi {
  validate(code: Uint8Array): boolean;
  readonly Module: new (code: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
}

interface Memory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): void;
}

type Take = (from: number, to: number, line: number, isCalm: number) => number;

/** A line that was passed over, and the mark of its shape. */
interface Passed {
  readonly line: number;
  readonly mark: number;
}

/**
 * The outlines of lines. The outline of a line is its bytes with every digit read as the same
 * one; lines of one outline have all but the digits in common, and these at the same places. It
 * is given as a hash in two halves, together the same for two different outlines by chance once
 * in 10^18. Addresses (`0x10a3b5d90`) are left out too, but for their length. Taking it costs a
 * small part of what decoding the line would. Lines of which it is
 * known that they say nothing, or nothing new, are not even given.
 */
export class LineOutlines<Meaning> {
  /** What is known of outlines. */
  readonly known: OutlineMemory;
  /** What is known of shapes. */
  readonly shapes: ShapeMemory<Meaning>;
  private readonly memory: Memory;
  private readonly take: Take;
  private readonly shapesAt: number;
  private readonly inputAt: number;
  private input = new Uint8Array();
  private found = new Int32Array();
  private passed = new Int32Array();
  private length = 0;
  private done = 0;
  private lineDone = 0;

  /**
   * @param size so many outlines are remembered at most; a power of two
   * @param numbers what each number below 100,000 may be, see `tellingNumbers`
   */
  constructor(size: number, numbers: Uint8Array) {
    this.known = new OutlineMemory(size);
    this.shapes = new ShapeMemory(size / 2);
    const { mask, tableBytes, poolBytes } = this.known;
    const pool = knownAt + tableBytes;
    this.shapesAt = pool + poolBytes;
    const numbersAt = this.shapesAt + this.shapes.bytes;
    this.inputAt = numbersAt + numbers.length;
    const { memory, take } = instantiate({
      ...{ table: knownAt, mask, pool },
      ...{ shapes: this.shapesAt, shapeMask: this.shapes.mask },
      ...{ numbers: numbersAt, found: foundAt, passed: passedAt },
    });
    this.memory = memory;
    this.take = take;
    this.reserve(0);
    new Uint8Array(memory.buffer).set(numbers, numbersAt);
  }

  /** Takes in whole lines, of which the first has this number; the last byte is a line feed. */
  load(lines: Uint8Array, line = 0): void {
    this.reserve(lines.length);
    this.input.set(lines);
    this.length = lines.length;
    this.done = 0;
    this.lineDone = line;
  }

  /**
   * Finds the next line that may say something, or nothing more.
   * @param isCalm good news says nothing, see `goodMark`
   */
  next(isCalm: boolean): boolean {
    if (this.done >= this.length) {
      return false;
    }
    const { inputAt } = this;
    const from = inputAt + this.done;
    const isFound = this.take(from, inputAt + this.length, this.lineDone, isCalm ? 1 : 0) === 1;
    this.done = isFound ? this.end + 1 : this.length;
    this.lineDone = isFound ? this.line + 1 : this.line;
    return isFound;
  }

  /** The number of the line behind the one that was found last; at the end, behind them all. */
  get nextLine(): number {
    return this.lineDone;
  }

  /** The number of the line that was found. */
  get line(): number {
    return this.word(4);
  }

  /** Where the line begins that was found. */
  get start(): number {
    return this.word(0) - this.inputAt;
  }

  /** Where its line feed stands. */
  get end(): number {
    return this.word(1) - this.inputAt;
  }

  get low(): number {
    return this.word(2);
  }

  get high(): number {
    return this.word(3);
  }

  /** What lines of its shape mean; undefined where that is not known yet. */
  get meaning(): Meaning | undefined {
    const at = this.word(5);
    return at === 0 ? undefined : this.shapes.at((at - this.shapesAt) / shapeBytes);
  }

  /** Whether the hash leaves out addresses in the line. */
  get hasAddress(): boolean {
    return this.word(6) === 1;
  }

  /** Whether good news was passed over. */
  get hasPassed(): boolean {
    return this.passed[0] !== 0;
  }

  /**
   * Of the good news that was passed over since this was asked last: the last one of each class,
   * and what is among the last `passedRing` lines, in their order.
   */
  takePassed(): readonly Passed[] {
    const { passed } = this;
    const marks = new Map<number, number>();
    for (let row = 1; row <= passedRing + passedClasses; row += 1) {
      const line = passed[2 * row] ?? 0;
      const mark = passed[2 * row + 1] ?? 0;
      if (mark !== 0 && (row > passedRing || line >= this.lineDone - passedRing)) {
        marks.set(line, mark);
      }
    }
    passed.fill(0);
    return [...marks].map(([line, mark]) => ({ line, mark })).sort((a, b) => a.line - b.line);
  }

  private word(index: number): number {
    return this.found[index] ?? 0;
  }

  /** Makes room for so many bytes of lines. What lies in the memory stays, in a new buffer. */
  private reserve(bytes: number): void {
    const { memory, inputAt } = this;
    const missing = inputAt + bytes + 16 - memory.buffer.byteLength;
    if (missing > 0) {
      memory.grow(Math.ceil(missing / pageBytes));
    }
    if (this.input.buffer !== memory.buffer) {
      this.input = new Uint8Array(memory.buffer, inputAt);
      this.found = new Int32Array(memory.buffer, foundAt, 7);
      this.passed = new Int32Array(memory.buffer, passedAt, passedBytes / 4);
      this.known.attach(memory.buffer, knownAt);
      this.shapes.attach(memory.buffer, this.shapesAt);
    }
  }
}

function instantiate(layout: OutlineLayout): { memory: Memory; take: Take } {
  const { WebAssembly } = globalThis as unknown as { WebAssembly: WebAssemblyApi };
  const quick = outlineModule(layout, 16);
  // Not every processor has instructions for sixteen bytes.
  const code = WebAssembly.validate(quick) ? quick : outlineModule(layout, 8);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(code));
  return exports as { memory: Memory; take: Take };
}
