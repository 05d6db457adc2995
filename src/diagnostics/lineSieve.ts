import { endOfDigits, inWord, isDigit, LineCodes, tellingNumbers } from './lineCodes';
import { endOfMoment } from './lineMoment';
import { LineOutlines } from './lineOutlines';
import { hasValue, LineShape, mixed, onlyWhetherZero, otherwiseMixed, packed } from './lineShape';
import { LineTriggers } from './lineTriggers';
import { metOnce, type OutlineMemory, silent, unknown, various } from './outlineMemory';
import { silentMark } from './outlineModule';
import type { ShapeMemory } from './shapeMemory';
import { WordNumbers } from './wordNumbers';

export const escape = 27;
const bracket = 91;
const lineFeed = 10;

/** What marks a line that may matter, see `LineTriggers`. */
export interface TriggerWords {
  readonly words: readonly string[];
  readonly codes: readonly number[];
}

export interface SieveBounds {
  /** At most 32,767. */
  readonly maxBytes: number;
  /** A power of two; a log has some thousands. */
  readonly maxOutlines: number;
}

/** What lines of a shape mean, other than nothing. */
interface Marked {
  /** Tells which lines need not be given, see `goodMark`; 0 where they must be. */
  readonly mark: number;
}

/**
 * Tells lines that say nothing, and lines that say what an earlier one said, without reading
 * them. A program prints the same few lines with other numbers: what a line means is found by its
 * outline, and where that is not enough, by its shape.
 *
 * Lines are given to `lines`, which finds those that are not known to be silent; `look` is asked
 * about each of these that it does not know the meaning of, in their order.
 */
export class LineSieve<Meaning extends Marked> {
  readonly lines: LineOutlines<Meaning | 'silent'>;
  private readonly outlines: OutlineMemory;
  private readonly meanings: ShapeMemory<Meaning | 'silent'>;
  private readonly codes: LineCodes;
  private readonly shape: LineShape;
  private readonly numbers: WordNumbers;
  private readonly triggers: LineTriggers;
  private readonly uncoloured: Buffer;
  /** Under what the meaning of the last line is kept, besides its shape. */
  private high = 0;
  private low = 0;

  /**
   * @param bounds no line is longer than `maxBytes`; so many outlines are remembered
   * @param sample a part of the log, to search the rest more quickly
   */
  constructor(
    { words, codes }: TriggerWords,
    { maxBytes, maxOutlines }: SieveBounds,
    sample?: Uint8Array,
  ) {
    this.numbers = new WordNumbers(words);
    const numbers = tellingNumbers(codes, this.numbers.values);
    this.lines = new LineOutlines(maxOutlines, numbers);
    this.outlines = this.lines.known;
    this.meanings = this.lines.shapes;
    this.codes = new LineCodes(numbers);
    this.shape = new LineShape(this.codes);
    this.triggers = new LineTriggers(words, this.codes, sample);
    this.uncoloured = Buffer.alloc(maxBytes + 1);
  }

  /**
   * What a line says, if it says nothing or it is known; `bytes[end]` is its line break.
   * @param high and `low` are its outline
   * @returns undefined for a line that must be read
   */
  /* eslint-disable-next-line max-params -- called for every line of a log: an object costs more */
  look(
    high: number,
    low: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): Meaning | 'silent' | undefined {
    const { outlines } = this;
    this.high = high;
    this.low = low;
    const at = outlines.find(high, low);
    if (at === -1) {
      outlines.add(high, low);
      return this.lookAlone(bytes, start, end);
    }
    if (this.lines.hasAddress) {
      return this.lookBesideAddress(at, bytes, start, end);
    }
    if (outlines.verdictOf(at) === metOnce) {
      outlines.tell(at, this.placesOfTelling(bytes, start, end));
    }
    // What is silent may have become so since the line was found.
    if (outlines.verdictOf(at) !== various && !this.hasTelling(at, bytes, start)) {
      if (outlines.verdictOf(at) === unknown) {
        outlines.judge(at, this.mayMatter(bytes, start, end) ? various : silent);
      }
      if (outlines.verdictOf(at) === silent) {
        return 'silent';
      }
    }
    return this.lookCloser(at, bytes, start, end);
  }

  /** Keeps what the line means that was looked at last, for others of its shape. */
  remember(meaning: Meaning | 'silent'): void {
    this.keep(this.shape.high, this.shape.low, meaning);
    if (this.high !== this.shape.high) {
      this.keep(this.high, this.low, meaning);
    }
  }

  /** Whether a line has a trigger, however long it is. */
  hasTrigger(bytes: Uint8Array, start: number, end: number): boolean {
    return this.triggers.next(bytes, start, end + 1) !== -1;
  }

  /** Looks at a line of an outline that is new. */
  private lookAlone(bytes: Uint8Array, start: number, end: number): Meaning | 'silent' | undefined {
    if (!this.mayMatter(bytes, start, end)) {
      return 'silent';
    }
    const { shape } = this;
    shape.take(bytes, start, end);
    this.high = shape.high;
    this.low = shape.low;
    return this.meanings.get(shape.high, shape.low) ?? this.meaningOfColoured(bytes, start, end);
  }

  /** An address may have anything in it that looks like a trigger: no such outline is silent. */
  private lookBesideAddress(
    at: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): Meaning | 'silent' | undefined {
    if (this.outlines.verdictOf(at) === metOnce) {
      if (!this.mayMatter(bytes, start, end)) {
        return 'silent';
      }
      this.outlines.judge(at, various);
    }
    return this.lookCloser(at, bytes, start, end);
  }

  private lookCloser(
    at: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): Meaning | 'silent' | undefined {
    const { outlines, shape } = this;
    const isFirst = outlines.keptAt(at) === 0;
    if (isFirst) {
      outlines.keep(at, shape.take(bytes, start, end));
    }
    this.foldKept(outlines.keptAt(at), bytes, start);
    const meaning = this.meanings.get(this.high, this.low);
    if (meaning !== undefined) {
      return meaning;
    }
    // Numbers of other lengths make another outline, but not another shape.
    if (!isFirst) {
      shape.take(bytes, start, end);
    }
    const same =
      this.meanings.get(shape.high, shape.low) ?? this.meaningOfColoured(bytes, start, end);
    if (same !== undefined) {
      this.keep(this.high, this.low, same);
    }
    return same;
  }

  private keep(high: number, low: number, meaning: Meaning | 'silent'): void {
    this.meanings.set(high, low, meaning, meaning === 'silent' ? silentMark : meaning.mark);
  }

  /** Of a line without a telling number. A coloured one must be looked at without its colours. */
  private mayMatter(bytes: Uint8Array, start: number, end: number): boolean {
    return this.hasTrigger(bytes, start, end) || bytes.subarray(start, end).includes(escape);
  }

  /** Where numbers stand that may be codes or parts of triggers, see `packed`, and which each time. */
  private placesOfTelling(bytes: Uint8Array, start: number, end: number): readonly number[] {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const places: number[] = [];
    for (let place = start; place < end;) {
      if (!isDigit(bytes[place])) {
        place += 1;
        continue;
      }
      const digits = endOfDigits(bytes, place, end);
      const moment = endOfMoment(view, place, end);
      if (moment === 0) {
        const kind = this.codes.kindOf(bytes, place, digits, start);
        if (kind !== 0) {
          places.push(packed(place - start, digits - place), kind);
        }
        for (const run of this.numbers.runsIn(bytes, place, digits)) {
          places.push(packed(run.start - start, run.end - run.start), inWord);
        }
      }
      place = Math.max(moment, digits);
    }
    return places;
  }

  /** Whether one of these numbers makes the line matter. `outlineModule` asks the same. */
  private hasTelling(at: number, bytes: Uint8Array, start: number): boolean {
    const { lists } = this.outlines;
    const tellingAt = this.outlines.tellingAt(at);
    const last = tellingAt === 0 ? 0 : tellingAt + (lists[tellingAt] ?? 0);
    for (let place = tellingAt + 1; place < last; place += 2) {
      const where = lists[place] ?? 0;
      const from = start + (where >>> 16);
      if (this.codes.isAmong(bytes, from, from + (where & 0x7fff), lists[place + 1] ?? 0)) {
        return true;
      }
    }
    return false;
  }

  /** Adds to the outline what the shape has besides. `outlineModule` does the same. */
  private foldKept(keptAt: number, bytes: Uint8Array, start: number): void {
    const { lists } = this.outlines;
    const last = keptAt + (lists[keptAt] ?? 0);
    let { high, low } = this;
    for (let place = keptAt + 1; place <= last; place += 1) {
      const where = lists[place] ?? 0;
      const from = start + (where >>> 16);
      const to = from + (where & 0x7fff);
      const part =
        (where & onlyWhetherZero) === 0
          ? foldBytes(bytes, from, to)
          : Number(hasValue(bytes, from, to));
      high = mixed(high ^ part);
      low = otherwiseMixed(low ^ part);
    }
    this.high = high;
    this.low = low;
  }

  /** Silent where a line has no trigger once its colours are off; they may cut one in two. */
  private meaningOfColoured(bytes: Uint8Array, start: number, end: number): 'silent' | undefined {
    const line = bytes.subarray(start, end);
    if (!line.includes(escape)) {
      return undefined;
    }
    const length = withoutColours(line, this.uncoloured);
    return this.triggers.next(this.uncoloured, 0, length) === -1 ? 'silent' : undefined;
  }
}

function foldBytes(bytes: Uint8Array, from: number, to: number): number {
  let value = 0;
  for (let place = from; place < to; place += 1) {
    value = mixed(value ^ (bytes[place] ?? 0));
  }
  return value;
}

/** Copies a line, ended by a line break, without what sets colours. @returns its length */
function withoutColours(line: Uint8Array, to: Uint8Array): number {
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
