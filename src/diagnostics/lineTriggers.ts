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
  private readonly marks: Uint8Array;
  /** A bit for each letter that may stand behind them. */
  private readonly fourths = new Uint32Array(tableSize);
  private viewed: Uint8Array = noBytes;
  private view: DataView = new DataView(noBytes.buffer);
  private readonly anchors: (readonly Anchor[] | undefined)[] = Array.from({ length: tableSize });

  /**
   * @param words lower case, one character a byte, at least four; letters without accents are
   *   found in any case
   * @param mayMatter asked where a number of three to five digits stands alone
   * @param sample a part of the log, by which the letters are chosen
   */
  constructor(
    words: readonly string[],
    private readonly mayMatter?: (code: number) => boolean,
    sample: Uint8Array = new Uint8Array(),
  ) {
    this.marks = mayMatter === undefined ? new Uint8Array(tableSize) : digitMarks();
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
    for (; place < last; place += stride) {
      const key = Math.imul(view.getUint32(place, true) & letterBits, spread) >>> keyShift;
      const mark = marks[key] ?? 0;
      // Most digits belong to times: they are told apart before anything else is done.
      if (mark !== 0 && (mark !== hasDigits || isLongNumber(view, place + 1, to))) {
        if (this.isTrigger(bytes, place, key, from, to)) {
          return place;
        }
      }
    }
    for (; place < to; place += stride) {
      const key = keyAt(bytes, place);
      if (marks[key] !== 0 && this.isTrigger(bytes, place, key, from, to)) {
        return place;
      }
    }
    // Of three digits at the very end the last may be the one that is looked at.
    return to - 1 >= from && this.isCodeBefore(bytes, from, to) ? to - 1 : -1;
  }

  private isCodeBefore(bytes: Uint8Array, from: number, to: number): boolean {
    const isBreak = bytes[to - 1] === lineFeed;
    const place = isBreak ? to - 2 : to - 1;
    return (
      place >= from && isLongNumber(this.view, place, to) && this.isCodeAround(bytes, place, from)
    );
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
      for (const anchor of this.anchors[key] ?? []) {
        if (isAt(anchor, bytes, place, 0, to)) {
          found.add(anchor.number);
        }
      }
    }
    return found;
  }

  /* eslint-disable-next-line max-params -- called for every few letters of a log */
  private isTrigger(
    bytes: Uint8Array,
    place: number,
    key: number,
    from: number,
    to: number,
  ): boolean {
    const mark = this.marks[key] ?? 0;
    if ((mark & hasWord) !== 0) {
      // By the letter behind the three, which most lines have differently.
      const fourth = place + 3 < to ? (bytes[place + 3] ?? 0) & 31 : 0;
      const isLikely = (((this.fourths[key] ?? 0) >>> fourth) & 1) === 1;
      if (isLikely && isAnyAt(this.anchors[key] ?? [], bytes, place, from, to)) {
        return true;
      }
    }
    return (
      (mark & hasDigits) !== 0 &&
      isLongNumber(this.view, place + 1, to) &&
      this.isCodeAround(bytes, place + 1, from)
    );
  }

  /** The place is a digit. */
  private isCodeAround(bytes: Uint8Array, place: number, from: number): boolean {
    if (!isDigit(bytes[place])) {
      return false;
    }
    let start = place;
    while (start > from && isDigit(bytes[start - 1]) && place - start < 5) {
      start -= 1;
    }
    let end = start;
    let value = 0;
    while (isDigit(bytes[end]) && end - start < 6) {
      value = 10 * value + (bytes[end] ?? 0) - zero;
      end += 1;
    }
    const digits = end - start;
    return (
      digits >= 3 &&
      digits <= 5 &&
      !isPartOfMore(bytes, end) &&
      !isFraction(bytes, start - 1, from) &&
      this.mayMatter?.(value) === true &&
      !(value < firstDistinctive && isOther(bytes, start, { from, end }))
    );
  }

  private learn(anchor: Anchor): void {
    const { bytes, offset } = anchor;
    // A word of four leaves one place open: any letter may stand before it.
    const firsts = offset < 0 ? anyLetter : [bytes[offset] ?? 0];
    for (const first of firsts) {
      const key = keyOf(first, bytes[offset + 1] ?? 0, bytes[offset + 2] ?? 0);
      this.marks[key] = (this.marks[key] ?? 0) | hasWord;
      const fourth = bytes[offset + 3];
      this.fourths[key] =
        (this.fourths[key] ?? 0) | (fourth === undefined ? ~0 : 1 << (fourth & 31));
      this.anchors[key] = [...(this.anchors[key] ?? []), anchor];
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
const noBytes = new Uint8Array();
const lineFeed = 10;
const anyLetter: readonly number[] = Array.from({ length: 32 }, (_, letter) => letter);
const zero = 48;
const nine = 57;
const point = 46;
const comma = 44;
const colon = 58;
const space = 32;
const quote = 34;
const backslash = 92;

const hasWord = 1;
const hasDigits = 2;

/** Where a number of three digits is looked at, one of them or two have another beside them. */
function digitMarks(): Uint8Array {
  const marks = new Uint8Array(tableSize);
  const digits = Array.from({ length: 10 }, (_, digit) => zero + digit);
  for (const one of digits) {
    for (const other of digits) {
      for (const letter of anyLetter) {
        marks[keyOf(one, other, letter)] = hasDigits;
        marks[keyOf(letter, one, other)] = hasDigits;
      }
    }
  }
  return marks;
}

/** A digit that stands in a row of three at least. */
function isLongNumber(view: DataView, place: number, to: number): boolean {
  if (place < 2 || place + 2 >= to) {
    return true;
  }
  if (!isDigit(view.getUint8(place))) {
    return false;
  }
  return isDigit(view.getUint8(place + 1))
    ? isDigit(view.getUint8(place + 2)) || isDigit(view.getUint8(place - 1))
    : isDigit(view.getUint8(place - 1)) && isDigit(view.getUint8(place - 2));
}

function keyOf(first: number, second: number, third: number): number {
  const letters = (first | (second << 8) | (third << 16)) & letterBits;
  return Math.imul(letters, spread) >>> keyShift;
}

function keyAt(bytes: Uint8Array, place: number): number {
  return keyOf(bytes[place] ?? 0, bytes[place + 1] ?? 0, bytes[place + 2] ?? 0);
}

function countsOf(sample: Uint8Array): Uint32Array {
  const counts = new Uint32Array(tableSize);
  for (let place = 0; place < sample.length - 2; place += 1) {
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

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= zero && byte <= nine;
}

/** What follows makes the number part of a word, an amount, a time or an address. */
function isPartOfMore(bytes: Uint8Array, end: number): boolean {
  const next = bytes[end] ?? 0;
  return isInWord[next] === 1 || (isJoint[next] === 1 && isDigit(bytes[end + 1]));
}

const isInWord = tableOf(/[\w%$]/);
const isJoint = tableOf(/[.,:/-]/);

function tableOf(characters: RegExp): Uint8Array {
  return new Uint8Array(256).map((_, byte) => (characters.test(String.fromCharCode(byte)) ? 1 : 0));
}

/** Codes below are also ordinary numbers; those of TWS itself begin here. */
const firstDistinctive = 1100;

/** The value of a JSON key that is none of a code, or the answer of a web server. */
function isOther(
  bytes: Uint8Array,
  start: number,
  { from, end }: { from: number; end: number },
): boolean {
  const next = bytes[end];
  const isValue = next === comma || next === 125;
  return (isValue && isCounter(bytes, start, from)) || isWebAnswer(bytes, start, from);
}

/**
 * True for a number that is the value of a JSON key, also in JSON inside a text, except under
 * keys that end like `code` and `id`.
 */
export function isCounter(bytes: Uint8Array, start: number, from: number): boolean {
  let place = start - 1;
  if (bytes[place] === space) {
    place -= 1;
  }
  if (bytes[place] !== colon || bytes[place - 1] !== quote) {
    return false;
  }
  place -= bytes[place - 2] === backslash ? 3 : 2;
  const last = (bytes[place] ?? 0) | 32;
  const beforeLast = (bytes[place - 1] ?? 0) | 32;
  // ro-bo, co-de, i-d
  const isKept =
    (beforeLast === 98 && last === 111) ||
    (beforeLast === 100 && last === 101) ||
    (beforeLast === 105 && last === 100);
  return place > from && !isKept;
}

/** `HTTP/1.1" 200 5120`, `?limit=200 HTTP/1.1` */
function isWebAnswer(bytes: Uint8Array, start: number, from: number): boolean {
  for (let place = Math.max(from, start - 20); place < start + 8; place += 1) {
    const isHttp =
      bytes[place] === 72 &&
      bytes[place + 1] === 84 &&
      bytes[place + 2] === 84 &&
      bytes[place + 3] === 80;
    if (isHttp && bytes[place + 4] === 47) {
      return true;
    }
  }
  return false;
}

/** Behind a point, or the fraction of a time (`13:56:01,250`). */
function isFraction(bytes: Uint8Array, before: number, from: number): boolean {
  const mark = bytes[before];
  if (before < from || mark === point) {
    return before >= from;
  }
  const isClock =
    before - 3 >= from && (mark === comma || mark === colon) && bytes[before - 3] === colon;
  return isClock && isDigit(bytes[before - 1]) && isDigit(bytes[before - 2]);
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
