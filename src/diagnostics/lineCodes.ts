const zero = 48;
const nine = 57;
const point = 46;
const comma = 44;
const colon = 58;
const space = 32;
const quote = 34;
const backslash = 92;
const closing = 125;

/** What a number may be, as bits of a byte. */
export const anyCode = 1;
/** One that is hardly an ordinary number. */
export const distinctiveCode = 2;
export const inWord = 4;

/** So many numbers are told apart. */
const numbersBelow = 100_000;

/**
 * What each number below 100,000 may be.
 * @param codes of TWS that matter
 * @param others numbers that stand in words
 */
export function tellingNumbers(
  codes: readonly number[],
  others: readonly number[] = [],
): Uint8Array {
  const numbers = new Uint8Array(numbersBelow);
  for (const code of codes) {
    numbers[code] = code < firstDistinctive ? anyCode : anyCode | distinctiveCode;
  }
  for (const other of others) {
    numbers[other] = (numbers[other] ?? 0) | inWord;
  }
  return numbers;
}

/** Tells numbers that may be codes of TWS from amounts, times, addresses and counters. */
export class LineCodes {
  /** @param numbers see `tellingNumbers` */
  constructor(private readonly numbers: Uint8Array) {}

  /**
   * Whether the digits from `start` to `end`, all that stand together, may be a code.
   * @param from where the line begins
   */
  isCode(bytes: Uint8Array, start: number, end: number, from: number): boolean {
    const kind = this.kindOf(bytes, start, end, from);
    return kind !== 0 && this.isAmong(bytes, start, end, kind);
  }

  /** `anyCode` or `distinctiveCode` where such digits might be one; 0 where none would be. */
  kindOf(bytes: Uint8Array, start: number, end: number, from: number): number {
    const digits = end - start;
    if (
      digits < 3 ||
      digits > 5 ||
      isPartOfMore(bytes, end) ||
      isFraction(bytes, start - 1, from)
    ) {
      return 0;
    }
    const next = bytes[end];
    const key = next === comma || next === closing ? endOfKey(bytes, start, from) : 0;
    if (key !== 0 && !isCodeKey(key)) {
      return digits > 3 && isForeignCodeKey(key) ? distinctiveCode : 0;
    }
    if (!isWebAnswer(bytes, start, from)) {
      return anyCode;
    }
    return digits > 3 ? distinctiveCode : 0;
  }

  /** Whether at most five digits are a number of one of these kinds. */
  isAmong(bytes: Uint8Array, start: number, end: number, kinds: number): boolean {
    let value = 0;
    for (let place = start; place < end; place += 1) {
      value = 10 * value + (bytes[place] ?? 0) - zero;
    }
    return ((this.numbers[value] ?? 0) & kinds) !== 0;
  }
}

export function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= zero && byte <= nine;
}

/** Where the digits end that begin at `from`. */
export function endOfDigits(bytes: Uint8Array, from: number, end: number): number {
  let place = from;
  while (place < end && isDigit(bytes[place])) {
    place += 1;
  }
  return place;
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

/**
 * True for a number that is the value of a JSON key, also in JSON inside a text, except under
 * keys that end like `code` and `id`.
 */
export function isCounter(bytes: Uint8Array, start: number, from: number): boolean {
  const key = endOfKey(bytes, start, from);
  return key !== 0 && !isCodeKey(key);
}

/** The last two letters of the JSON key of which the value begins at `start`; 0 where none does. */
function endOfKey(bytes: Uint8Array, start: number, from: number): number {
  let place = start - 1;
  if (bytes[place] === space) {
    place -= 1;
  }
  if (bytes[place] !== colon || bytes[place - 1] !== quote) {
    return 0;
  }
  place -= bytes[place - 2] === backslash ? 3 : 2;
  return place > from ? pair((bytes[place - 1] ?? 0) | 32, (bytes[place] ?? 0) | 32) : 0;
}

function pair(first: number, second: number): number {
  return (first << 8) | second;
}

/** `code`, `id`, `robo` */
function isCodeKey(key: number): boolean {
  return key === 0x6465 || key === 0x6964 || key === 0x626f;
}

/** `codigo`, `kod`, `codice`, `nummer`, and what has other letters than ASCII. */
function isForeignCodeKey(key: number): boolean {
  return (
    key === 0x676f || key === 0x6f64 || key === 0x6365 || key === 0x6572 || (key & 0x8080) !== 0
  );
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
