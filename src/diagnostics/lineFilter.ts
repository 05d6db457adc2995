import { LineShape } from './lineShape';
import { LineTriggers } from './lineTriggers';

export const escape = 27;
const bracket = 91;
const lineFeed = 10;

/** Longer lines are looked at as far as readers read them, more or less. Bytes. */
const maxBytes = 32_768;
/** Shapes of lines that say nothing; a program has some hundreds. */
const maxSilent = 4096;

/** Tells lines that may matter from others, for lines that come one by one. */
export class LineFilter {
  private readonly triggers: LineTriggers;
  private readonly bytes = Buffer.alloc(maxBytes + 1);
  private readonly plain = Buffer.alloc(maxBytes + 1);
  private readonly shape = new LineShape();
  /** The two parts of their shapes. */
  private readonly silent = new Map<number, number>();

  /** See `LineTriggers`. */
  constructor(words: readonly string[], mayMatter: (code: number) => boolean) {
    this.triggers = new LineTriggers(words, mayMatter);
  }

  /** False for a line that says nothing, whatever the lines around it say. */
  mayMatter(line: string): boolean {
    const length = this.bytes.write(line, 0, maxBytes, 'utf8');
    this.bytes[length] = lineFeed;
    const plainLength = line.includes('\u001B')
      ? withoutColours(this.bytes.subarray(0, length), this.plain)
      : 0;
    const [text, end] = plainLength > 0 ? [this.plain, plainLength] : [this.bytes, length + 1];
    if (this.triggers.next(text, 0, end) === -1) {
      return false;
    }
    this.shape.take(this.bytes, 0, length);
    return this.silent.get(this.shape.high) !== this.shape.low;
  }

  /** The line that was asked about last said nothing; nor will others of its shape. */
  forget(): void {
    if (this.silent.size < maxSilent) {
      this.silent.set(this.shape.high, this.shape.low);
    }
  }
}

/** Copies a line, ended by a line break, without what sets colours. @returns its length */
export function withoutColours(line: Uint8Array, to: Uint8Array): number {
  let length = 0;
  for (let place = 0; place < line.length && length < to.length - 1; place += 1) {
    const byte = line[place] ?? 0;
    if (byte === escape && line[place + 1] === bracket) {
      place = endOfColour(line, place);
    } else {
      to[length] = byte;
      length += 1;
    }
  }
  to[length] = lineFeed;
  return length + 1;
}

/** The last byte of a colour, or its first where it is none. */
function endOfColour(line: Uint8Array, from: number): number {
  let place = from + 2;
  const last = Math.min(line.length - 1, place + 20);
  while (place < last && isParameter(line[place] ?? 0)) {
    place += 1;
  }
  const letter = (line[place] ?? 0) | 32;
  return letter >= 97 && letter <= 122 ? place : from;
}

/** A digit or a semicolon. */
function isParameter(byte: number): boolean {
  return (byte >= 48 && byte <= 57) || byte === 59;
}
