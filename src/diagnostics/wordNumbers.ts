import { isDigit } from './lineCodes';

/** A number in a word. */
interface WordNumber {
  readonly word: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** No byte: nothing stands before the first one of a word. */
const none = -1;

/** Tells the numbers in a text that may belong to one of some words, such as `:7497` or `error 0`. */
export class WordNumbers {
  /** All that are numbers in a word. */
  readonly values: readonly number[];
  /** By the byte that stands before them, in lower case. */
  private readonly inside: ReadonlyMap<number, readonly WordNumber[]>;
  /** Those with which a word begins. */
  private readonly first: readonly WordNumber[];

  /** @param words lower case, one character a byte; none is a number alone or has more than five digits in a row */
  constructor(words: readonly string[]) {
    const numbers = words.flatMap(numbersOf);
    this.values = numbers.map(({ word, start, end }) => valueOf(word, start, end));
    this.first = numbers.filter(({ start }) => start === 0);
    const inside = new Map<number, WordNumber[]>();
    for (const number of numbers) {
      const before = number.word[number.start - 1] ?? none;
      inside.set(before, [...(inside.get(before) ?? []), number]);
    }
    this.inside = inside;
  }

  /**
   * Which of the digits from `start` to `end`, all that stand together, would be the number of a
   * word, were they others: each run of them once.
   */
  runsIn(bytes: Uint8Array, start: number, end: number): readonly Run[] {
    const runs: Run[] = [];
    const add = (from: number, to: number): void => {
      if (!runs.some((run) => run.start === from && run.end === to)) {
        runs.push({ start: from, end: to });
      }
    };
    const before = start > 0 ? (bytes[start - 1] ?? 0) : 0;
    for (const number of this.inside.get(lowerCase(before)) ?? []) {
      if (isAlmostAt(number.word, bytes, start - number.start)) {
        add(start, start + number.end - number.start);
      }
    }
    for (const number of this.first) {
      if (isAlmostAt(number.word, bytes, end - number.end)) {
        add(end - number.end, end);
      }
    }
    return runs;
  }
}

/** Some digits in a line. */
export interface Run {
  readonly start: number;
  readonly end: number;
}

/** Whether a word would stand there with other digits, in any case. */
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

function valueOf(word: Uint8Array, start: number, end: number): number {
  return Number(Buffer.from(word.subarray(start, end)).toString('latin1'));
}
