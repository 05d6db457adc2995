import { OutlineMemory } from './outlineMemory';
import { foundBytes, type OutlineLayout, outlineModule } from './outlineModule';

/** So many lines are found at a time. */
const maxFound = 256;
const wordsPerLine = foundBytes / 4;
const pageBytes = 65_536;

/** Where things lie in the memory, in bytes: what was found, what is known of outlines. */
const foundAt = 8;
const foundEnd = foundAt + foundBytes * maxFound;
const knownAt = 8192;

/** What is used of it; TypeScript knows it only as a browser's. */
interface WebAssemblyApi {
  readonly Module: new (code: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
}

interface Memory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): void;
}

type Take = (from: number, to: number, line: number, limit: number) => number;

/**
 * The outlines of lines. The outline of a line is its bytes with every digit read as the same
 * one; lines of one outline have all but the digits in common, and these at the same places. It
 * is given as a hash in two halves, together the same for two different outlines by chance once
 * in 10^18. Taking it costs a small part of what decoding the line would. Lines of which it is
 * known that they say nothing are not even given.
 */
export class LineOutlines {
  /** What is known of outlines. */
  readonly known: OutlineMemory;
  private readonly memory: Memory;
  private readonly take: Take;
  private readonly inputAt: number;
  private input = new Uint8Array();
  private found = new Int32Array();
  private length = 0;
  private done = 0;
  private linesDone = 0;

  /**
   * @param size so many outlines are remembered at most; a power of two
   * @param numbers what each number below 100,000 may be, see `tellingNumbers`
   */
  constructor(size: number, numbers: Uint8Array) {
    this.known = new OutlineMemory(size);
    const { mask, tableBytes, poolBytes } = this.known;
    const pool = knownAt + tableBytes;
    const numbersAt = pool + poolBytes;
    this.inputAt = numbersAt + numbers.length;
    const { memory, take } = instantiate({
      ...{ table: knownAt, mask, pool },
      ...{ numbers: numbersAt, found: foundAt },
    });
    this.memory = memory;
    this.take = take;
    this.reserve(0);
    new Uint8Array(memory.buffer).set(numbers, numbersAt);
  }

  /** Takes in whole lines; the last byte is a line feed. */
  load(lines: Uint8Array): void {
    this.reserve(lines.length);
    this.input.set(lines);
    this.length = lines.length;
    this.done = 0;
    this.linesDone = 0;
  }

  /** @returns how many more lines were found that may say something; 0 at the end */
  next(): number {
    if (this.done >= this.length) {
      return 0;
    }
    const { inputAt } = this;
    const from = inputAt + this.done;
    const end = this.take(from, inputAt + this.length, this.linesDone, foundEnd);
    const [place = 0, line = 0] = this.found;
    this.done = place - inputAt;
    this.linesDone = line;
    return (end - foundAt) / foundBytes;
  }

  /** How many lines were looked at. */
  get lines(): number {
    return this.linesDone;
  }

  /** Where one of the lines begins that `next` has found last. */
  startOf(index: number): number {
    return this.wordOf(index, 0) - this.inputAt;
  }

  /** Where its line feed stands. */
  endOf(index: number): number {
    return this.wordOf(index, 1) - this.inputAt;
  }

  lowOf(index: number): number {
    return this.wordOf(index, 2);
  }

  highOf(index: number): number {
    return this.wordOf(index, 3);
  }

  /** How many lines stand before it. */
  lineOf(index: number): number {
    return this.wordOf(index, 4);
  }

  private wordOf(index: number, word: number): number {
    return this.found[foundAt / 4 + wordsPerLine * index + word] ?? 0;
  }

  /** Makes room for so many bytes of lines. What lies in the memory stays, in a new buffer. */
  private reserve(bytes: number): void {
    const { memory, inputAt } = this;
    const missing = inputAt + bytes + 8 - memory.buffer.byteLength;
    if (missing > 0) {
      memory.grow(Math.ceil(missing / pageBytes));
    }
    if (this.input.buffer !== memory.buffer) {
      this.input = new Uint8Array(memory.buffer, inputAt);
      this.found = new Int32Array(memory.buffer, 0, foundEnd / 4);
      this.known.attach(memory.buffer, knownAt);
    }
  }
}

function instantiate(layout: OutlineLayout): { memory: Memory; take: Take } {
  const { WebAssembly } = globalThis as unknown as { WebAssembly: WebAssemblyApi };
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(outlineModule(layout)));
  return exports as { memory: Memory; take: Take };
}
