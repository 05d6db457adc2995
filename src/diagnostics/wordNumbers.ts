import { isDigit } from './lineCodes';

/** A number in a word. */
interface WordNumber {
  readonly word: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** Tells the numbers in a text that belong to one of some words, such as `:7497` or `error 0`. */
export class WordNumbers {
  /** By the byte that stands before them. */
  private readonly inside: readonly (readonly WordNumber[])[];
  /** Those with which a word begins. */
  private readonly first: readonly WordNumber[];
  /** What may stand behind those. */
  private readonly behind = new Uint8Array(256);
  /** With which digit and what behind it the others begin. */
  private readonly beginnings = new Uint8Array(256);

  /** @param words lower case, one character a byte; none is a number alone */
  constructor(words: readonly string[]) {
    const numbers = words.flatMap(numbersOf);
    this.first = numbers.filter(({ start }) => start === 0);
    for (const { word, end } of this.first) {
      const next = word[end] ?? 0;
      this.behind[next] = 1;
      this.behind[next >= 97 && next <= 122 ? next - 32 : next] = 1;
    }
    this.inside = Array.from({ length: 256 }, (_, byte) =>
      numbers.filter(({ word, start }) => word[start - 1] === lowerCase(byte)),
    );
    for (const { word, start, end } of numbers) {
      // Behind a word's only and last digit any byte may stand.
      const seconds = end === start + 1 && end === word.length ? anyByte : [word[start + 1] ?? 0];
      for (const second of seconds) {
        this.beginnings[beginningOf(word[start] ?? 0, second)] = 1;
      }
    }
  }

  /** Whether a word has the number that begins at `start`, behind something else. */
  isInside(bytes: Uint8Array, start: number): boolean {
    const beginning = beginningOf(bytes[start] ?? 0, bytes[start + 1] ?? 0);
    return this.beginnings[beginning] === 1 && this.hasInside(bytes, start, isAt);
  }

  /** Whether one would, were its digits others. */
  mayBeInside(bytes: Uint8Array, start: number): boolean {
    return this.hasInside(bytes, start, isAlmostAt);
  }

  /** Whether a word begins with the number that ends at `end`. */
  isFirst(bytes: Uint8Array, end: number): boolean {
    return this.hasFirst(bytes, end, isAt);
  }

  /** Whether one would, were its digits others. */
  mayBeFirst(bytes: Uint8Array, end: number): boolean {
    return this.hasFirst(bytes, end, isAlmostAt);
  }

  private hasFirst(bytes: Uint8Array, end: number, isThere: typeof isAt): boolean {
    if (this.behind[bytes[end] ?? 0] === 1) {
      for (const number of this.first) {
        if (isThere(number.word, bytes, end - number.end)) {
          return true;
        }
      }
    }
    return false;
  }

  private hasInside(bytes: Uint8Array, start: number, isThere: typeof isAt): boolean {
    const before = start > 0 ? (bytes[start - 1] ?? 0) : 0;
    for (const number of this.inside[before] ?? []) {
      if (isThere(number.word, bytes, start - number.start)) {
        return true;
      }
    }
    return false;
  }
}

const anyByte: readonly number[] = Array.from({ length: 16 }, (_, bits) => bits);

/** Some bits of a digit and what follows it. */
function beginningOf(digit: number, next: number): number {
  return ((digit & 15) << 4) | (next & 15);
}

/** Whether a word stands there, in any case. */
function isAt(word: Uint8Array, bytes: Uint8Array, start: number): boolean {
  if (start < 0) {
    return false;
  }
  for (let index = 0; index < word.length; index += 1) {
    if (lowerCase(bytes[start + index] ?? 0) !== word[index]) {
      return false;
    }
  }
  return true;
}

/** Whether it would with other digits. */
function isAlmostAt(word: Uint8Array, bytes: Uint8Array, start: number): boolean {
  if (start < 0) {
    return false;
  }
  for (let index = 0; index < word.length; index += 1) {
    const byte = bytes[start + index];
    const wanted = word[index];
    if (lowerCase(byte ?? 0) !== wanted && !(isDigit(byte) && isDigit(wanted))) {
      return false;
    }
  }
  return true;
}

function lowerCase(byte: number): number {
  return byte >= 65 && byte <= 90 ? byte + 32 : byte;
}

function numbersOf(word: string): readonly WordNumber[] {
  const bytes = Buffer.from(word, 'latin1');
  return [...word.matchAll(/\d+/g)].map(({ 0: digits, index }) => ({
    word: bytes,
    start: index,
    end: index + digits.length,
  }));
}
