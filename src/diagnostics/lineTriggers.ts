import { isDigit, type LineCodes } from './lineCodes';
import { endOfMoment } from './lineMoment';

/** A word, and where in it the three letters stand by which it is found. */
interface Anchor {
  readonly bytes: Uint8Array;
  /** Its number in the list. */
  readonly number: number;
  readonly offset: number;
}

/** The search looks at every third byte. */
const stride = 3;
/** Of shorter words not every third byte need be in one that helps to find it. */
export const shortestWord = 4;

/**
 * Finds the lines that may matter. Most lines of a log contain none of the words that any
 * pattern needs; they are passed over without being decoded. At every third byte three letters
 * are looked up in a table; of the letters of a word those are in it that are the rarest in the
 * log, one set for each way in which the word can lie on the threes.
 */
export class LineTriggers {
  /** What three letters may be part of. Small, to stay in the processor's cache. */
  private readonly marks = new Uint8Array(tableSize);
  /** A bit for each letter that may stand behind them. */
  private readonly fourths = new Uint32Array(tableSize);
  private viewed: Uint8Array = noBytes;
  private view: DataView = new DataView(noBytes.buffer);
  private readonly anchors = new Map<number, Anchor[]>();

  /**
   * @param words lower case, one character a byte, at least four; letters without accents are
   *   found in any case
   * @param codes tells which numbers are triggers too
   * @param sample a part of the log, by which the letters are chosen
   */
  constructor(
    words: readonly string[],
    private readonly codes?: LineCodes,
    sample: Uint8Array = new Uint8Array(),
  ) {
    const counts = countsOf(sample);
    for (const [number, word] of words.entries()) {
      const bytes = Buffer.from(word, 'latin1');
      for (let residue = 0; residue < stride; residue += 1) {
        this.learn({ bytes, number, offset: rarestOffset(bytes, residue, counts) });
      }
    }
  }

  /**
   * A place inside the next trigger, or −1.
   * @param from where to begin: no word that begins before it is found
   */
  next(bytes: Uint8Array, from: number, to: number): number {
    const { marks } = this;
    const view = this.viewOf(bytes);
    // Four bytes are taken at once, which is much quicker than three; the end has fewer.
    const last = to - 3;
    let place = from;
    while (place < last) {
      const four = view.getInt32(place, true);
      const key = Math.imul(four & letterBits, spread) >>> keyShift;
      if (marks[key] !== 0 && this.isWord(bytes, place, key, from, to)) {
        return place;
      }
      if (isDigit((four >>> 8) & 255)) {
        const behind = this.passNumber(bytes, view, place + 1, from, to);
        if (behind < 0) {
          return place;
        }
        place = behind;
      } else {
        place += stride;
      }
    }
    for (; place < to; place += stride) {
      const isNumber = place + 1 < to && isDigit(bytes[place + 1]);
      if (
        this.isWord(bytes, place, keyAt(bytes, place), from, to) ||
        (isNumber && this.passNumber(bytes, view, place + 1, from, to) < 0)
      ) {
        return place;
      }
    }
    return -1;
  }

  private viewOf(bytes: Uint8Array): DataView {
    if (this.viewed !== bytes) {
      this.viewed = bytes;
      this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    return this.view;
  }

  /** Which of the words are in the bytes, by their number in the list. */
  all(bytes: Uint8Array, to: number): ReadonlySet<number> {
    const found = new Set<number>();
    for (let place = 0; place < to - 2; place += stride) {
      const key = keyAt(bytes, place);
      for (const anchor of this.anchors.get(key) ?? []) {
        if (isAt(anchor, bytes, place, 0, to)) {
          found.add(anchor.number);
        }
      }
    }
    return found;
  }

  /* eslint-disable-next-line max-params -- called for every few letters of a log */
  private isWord(bytes: Uint8Array, place: number, key: number, from: number, to: number): boolean {
    // By the letter behind the three, which most lines have differently.
    const fourth = place + 3 < to ? (bytes[place + 3] ?? 0) & 31 : 0;
    return (
      (((this.fourths[key] ?? 0) >>> fourth) & 1) === 1 &&
      isAnyAt(this.anchors.get(key) ?? [], bytes, place, from, to)
    );
  }

  /**
   * Looks at the number of which `place` is a digit.
   * @returns where to look next, or −1 where it may be a code
   */
  /* eslint-disable-next-line max-params -- as above */
  private passNumber(
    bytes: Uint8Array,
    view: DataView,
    place: number,
    from: number,
    to: number,
  ): number {
    let start = place;
    while (start > from && isDigit(bytes[start - 1])) {
      start -= 1;
    }
    let end = place + 1;
    while (end < to && isDigit(bytes[end])) {
      end += 1;
    }
    const digits = end - start;
    if (digits < 3 || this.codes === undefined) {
      return place - 1 + stride;
    }
    if (digits > 5) {
      // No word lies inside; of one that begins behind, the letter before it may be sought.
      return Math.max(place - 1 + stride, end - 1);
    }
    const moment = digits === 4 ? endOfMoment(view, start, to) : 0;
    if (moment > 0) {
      return moment - 1;
    }
    return this.codes.isCode(bytes, start, end, from) ? -1 : place - 1 + stride;
  }

  private learn(anchor: Anchor): void {
    const { bytes, offset } = anchor;
    // A word of four leaves one place open: any letter may stand before it.
    const firsts = offset < 0 ? anyLetter : [bytes[offset] ?? 0];
    for (const first of firsts) {
      const key = keyOf(first, bytes[offset + 1] ?? 0, bytes[offset + 2] ?? 0);
      this.marks[key] = 1;
      const fourth = bytes[offset + 3];
      this.fourths[key] =
        (this.fourths[key] ?? 0) | (fourth === undefined ? ~0 : 1 << (fourth & 31));
      const others = this.anchors.get(key);
      if (others === undefined) {
        this.anchors.set(key, [anchor]);
      } else {
        others.push(anchor);
      }
    }
  }
}

/**
 * Five bits of each of three bytes, which both cases of a letter share. Of the one in the middle
 * a sixth tells letters from digits, because times are full of those.
 */
const letterBits = 0x1f5f1f;
/** Spreads them over the table, to stay in the processor's cache. */
const spread = 0x9e3779b1;
const keyShift = 17;
const tableSize = 2 ** (32 - keyShift);
const sampleBytes = 65_536;
const noBytes = new Uint8Array();
const anyLetter: readonly number[] = Array.from({ length: 32 }, (_, letter) => letter);

function keyOf(first: number, second: number, third: number): number {
  const letters = (first | (second << 8) | (third << 16)) & letterBits;
  return Math.imul(letters, spread) >>> keyShift;
}

function keyAt(bytes: Uint8Array, place: number): number {
  return keyOf(bytes[place] ?? 0, bytes[place + 1] ?? 0, bytes[place + 2] ?? 0);
}

/** Of the beginning of a sample, which is enough. */
function countsOf(sample: Uint8Array): Uint32Array {
  const counts = new Uint32Array(tableSize);
  const last = Math.min(sample.length, sampleBytes) - 2;
  for (let place = 0; place < last; place += 1) {
    const key = keyAt(sample, place);
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

/** Of the offsets that lie alike on the threes, the one whose letters are the rarest. */
function rarestOffset(bytes: Uint8Array, residue: number, counts: Uint32Array): number {
  let best = residue <= bytes.length - 3 ? residue : residue - stride;
  for (let offset = residue; offset <= bytes.length - 3; offset += stride) {
    if ((counts[keyAt(bytes, offset)] ?? 0) < (counts[keyAt(bytes, best)] ?? 0)) {
      best = offset;
    }
  }
  return best;
}

/* eslint-disable-next-line max-params -- called for every letter of a log: an object costs more */
function isAnyAt(
  anchors: readonly Anchor[],
  bytes: Uint8Array,
  place: number,
  from: number,
  to: number,
): boolean {
  for (const anchor of anchors) {
    if (isAt(anchor, bytes, place, from, to)) {
      return true;
    }
  }
  return false;
}

/* eslint-disable-next-line max-params -- as above */
function isAt(
  { bytes: word, offset }: Anchor,
  bytes: Uint8Array,
  place: number,
  from: number,
  to: number,
): boolean {
  const start = place - offset;
  const { length } = word;
  if (start < from || start + length > to) {
    return false;
  }
  for (let index = 0; index < length; index += 1) {
    const byte = bytes[start + index] ?? 0;
    const wanted = word[index] ?? 0;
    if (byte !== wanted && !(byte >= 65 && byte <= 90 && byte + 32 === wanted)) {
      return false;
    }
  }
  return true;
}

/**
 * What of a word can be looked for in bytes that may be JSON, coloured, or of any encoding: its
 * longest part without characters that loggers escape, cut at a colour, or encode in many ways.
 * Where that is too short, the whole word in the usual encodings.
 */
export function triggersOf(word: string): readonly string[] {
  const parts = word.toLowerCase().match(/[a-z0-9 .,:;()[\]<>=+$_#%*!?@/-]+/g) ?? [];
  const plain = parts.reduce(
    (longest, part) => (part.length > longest.length ? part : longest),
    '',
  );
  if (plain.length >= shortestWord || Buffer.byteLength(word) === word.length) {
    return [plain];
  }
  const cases = [word.toLowerCase(), word.toUpperCase()];
  const isLatin = Buffer.from(word, 'latin1').toString('latin1') === word;
  return [
    ...cases.map((each) => binary(each, 'utf8')),
    ...(isLatin ? cases.map((each) => binary(each, 'latin1')) : []),
  ].map((bytes) => bytes.replace(/[A-Z]/g, (letter) => letter.toLowerCase()));
}

/** A text as a string of its bytes. */
export function binary(text: string, encoding: 'utf8' | 'latin1'): string {
  return Buffer.from(text, encoding).toString('latin1');
}
