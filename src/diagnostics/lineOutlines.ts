import { outlineModule } from './outlineModule';

/** So many lines are taken at a time. */
const maxLines = 256;
const wordsPerLine = 3;
const inputAt = 4 * wordsPerLine * maxLines;
const pageBytes = 65_536;

/** What is used of it; TypeScript knows it only as a browser's. */
interface WebAssemblyApi {
  readonly Module: new (code: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
}

interface Memory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): void;
}

type Take = (from: number, to: number, out: number, limit: number) => number;

/**
 * The outlines of lines. The outline of a line is its bytes with every digit read as the same
 * one; lines of one outline have all but the digits in common, and these at the same places. It
 * is given as a hash in two halves, together the same for two different outlines by chance once
 * in 10^18. Taking it costs a small part of what decoding the line would.
 */
export class LineOutlines {
  private readonly memory: Memory;
  private readonly takeFrom: Take;
  private input = new Uint8Array();
  private records = new Int32Array();
  private length = 0;
  private done = 0;

  constructor() {
    const { WebAssembly } = globalThis as unknown as { WebAssembly: WebAssemblyApi };
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(outlineModule()));
    const { memory, take } = exports as { memory: Memory; take: Take };
    this.memory = memory;
    this.takeFrom = take;
  }

  /** Takes in whole lines; the last byte is a line feed. */
  load(lines: Uint8Array): void {
    const missing = inputAt + lines.length + 8 - this.memory.buffer.byteLength;
    if (missing > 0) {
      this.memory.grow(Math.ceil(missing / pageBytes));
    }
    if (this.input.buffer !== this.memory.buffer) {
      this.input = new Uint8Array(this.memory.buffer, inputAt);
      this.records = new Int32Array(this.memory.buffer, 0, wordsPerLine * maxLines);
    }
    this.input.set(lines);
    this.length = lines.length;
    this.done = 0;
  }

  /** @returns of how many lines outlines were taken; 0 at the end */
  next(): number {
    if (this.done >= this.length) {
      return 0;
    }
    const end = this.takeFrom(inputAt + this.done, inputAt + this.length, 0, inputAt);
    const count = end / 4 / wordsPerLine;
    this.done = this.endOf(count - 1) + 1;
    return count;
  }

  /** Where the line feed of a line stands. */
  endOf(line: number): number {
    return (this.records[wordsPerLine * line] ?? 0) - inputAt;
  }

  lowOf(line: number): number {
    return this.records[wordsPerLine * line + 1] ?? 0;
  }

  highOf(line: number): number {
    return this.records[wordsPerLine * line + 2] ?? 0;
  }
}
