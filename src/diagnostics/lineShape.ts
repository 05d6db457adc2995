import { endOfDigits, isCounter, isDigit, type LineCodes } from './lineCodes';
import { endOfMoment, momentBytes } from './lineMoment';

/**
 * The shape of a line: its bytes with times, dates, decimal numbers and counters left out. Lines
 * of one shape say the same, so what was read from one need not be read from the next. Whole
 * numbers stay, because codes, ports and ids are such; so do digits in names.
 */
export class LineShape {
  /** Together the shape: of two different ones they are the same by chance once in 10^18. */
  high = 0;
  low = 0;

  /** @param codes tells which counters stay, because they may be codes */
  constructor(private readonly codes: LineCodes) {}

  /**
   * Takes the shape of a line.
   * @returns what lines of one outline and one shape have in common besides the outline: places
   *   of digits, see `packed`, with `onlyWhetherZero` where only that matters of a number
   */
  take(bytes: Uint8Array, start: number, end: number): readonly number[] {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const kept: number[] = [];
    this.high = 1;
    this.low = 2;
    for (let place = start; place < end;) {
      place = this.addText(bytes, place, end);
      if (place === end) {
        break;
      }
      const behind = endOfMoment(view, place, end) || this.endOfNumber(bytes, place, end, start);
      if (behind < 0) {
        kept.push(packed(place - start, -behind - place));
        for (; place < -behind; place += 1) {
          this.add(bytes[place] ?? 0);
        }
      } else if (isMoment(bytes, place, behind)) {
        this.add(bytes[place + 10] === letterT ? momentMark : spacedMark);
        place = behind;
      } else {
        kept.push(packed(place - start, behind - place) | onlyWhetherZero);
        if (isAddress(bytes, place)) {
          // It is one by its first digit.
          kept.push(packed(place - start, 1));
        }
        this.add(hasValue(bytes, place, behind) ? mark : zeroMark);
        place = behind;
      }
    }
    return kept;
  }

  /** Where a number ends that may be left out; else minus where the digits end that stay. */
  private endOfNumber(bytes: Uint8Array, from: number, end: number, start: number): number {
    if (bytes[from] === zero && bytes[from + 1] === letterX) {
      return endOfAddress(bytes, from + 2, end) || -(from + 1);
    }
    const digits = endOfDigits(bytes, from, end);
    const before = from > start ? (bytes[from - 1] ?? 0) : space;
    if (isInWord(before) && !isTimeMark(bytes, from - 1, start)) {
      return -digits;
    }
    const next = digits < end ? (bytes[digits] ?? 0) : space;
    if (digits - from === 2 && next === colon) {
      return endOfClock(bytes, from, end) || -digits;
    }
    if (digits - from === 4 && (next === dash || next === slash)) {
      return endOfDate(bytes, from, end, next) || -digits;
    }
    if (next === dot || next === comma) {
      return endOfDecimal(bytes, digits, end) || -digits;
    }
    const isValue = next === comma || next === closing;
    return isValue &&
      isCounter(bytes, from, start) &&
      this.codes.kindOf(bytes, from, digits, start) === 0
      ? digits
      : -digits;
  }

  /** Adds what stands before the next digit. @returns where that stands, or `end` */
  private addText(bytes: Uint8Array, from: number, end: number): number {
    let { high, low } = this;
    let place = from;
    for (; place < end; place += 1) {
      const byte = bytes[place] ?? 0;
      if (isDigit(byte)) {
        break;
      }
      high = mixed(high ^ byte);
      low = otherwiseMixed(low ^ byte);
    }
    this.high = high;
    this.low = low;
    return place;
  }

  private add(value: number): void {
    this.high = mixed(this.high ^ value);
    this.low = otherwiseMixed(this.low ^ value);
  }
}

/** A place in a line of less than 32 KiB: how far from its beginning, and how many bytes. */
export function packed(offset: number, length: number): number {
  return (offset << 16) | length;
}

export const onlyWhetherZero = 0x8000;

/**
 * One step of a hash. Turned before it is multiplied, so that the bits at either end of what
 * comes next cannot undo it.
 */
export function mixed(value: number): number {
  return Math.imul((value << 15) | (value >>> 17), 0x9e3779b1);
}

/** The same with other numbers: what undoes one of the two does not undo the other. */
export function otherwiseMixed(value: number): number {
  return Math.imul((value << 11) | (value >>> 21), 0x85ebca6b);
}

function isMoment(bytes: Uint8Array, from: number, to: number): boolean {
  return to - from >= momentBytes && bytes[from + 4] === dash;
}

function isAddress(bytes: Uint8Array, from: number): boolean {
  return bytes[from + 1] === letterX;
}

/** Whether a number is not zero. */
export function hasValue(bytes: Uint8Array, from: number, to: number): boolean {
  for (let place = from; place < to; place += 1) {
    const byte = bytes[place] ?? 0;
    if (byte > zero && byte <= nine) {
      return true;
    }
  }
  return false;
}

const zero = 48;
const nine = 57;
const colon = 58;
const dot = 46;
const comma = 44;
const dash = 45;
const slash = 47;
const space = 32;
const closing = 125;
const letterX = 120;
const letterT = 84;
/** Bytes that no text has. */
const mark = 1;
const zeroMark = 2;
const momentMark = 3;
const spacedMark = 4;

/** Letters, digits, `_`, `.`, and `x` of addresses: the digits belong to a name. */
function isInWord(byte: number): boolean {
  return byte === dot || byte === 95 || (byte >= 65 && byte <= 90) || (byte >= 97 && byte <= 122);
}

/** `0x10a3b5d90`; 0 where it is none. */
function endOfAddress(bytes: Uint8Array, from: number, end: number): number {
  let place = from;
  while (place < end && (isDigit(bytes[place]) || isHexLetter(bytes[place] ?? 0))) {
    place += 1;
  }
  return place - from >= 4 ? place : 0;
}

function isHexLetter(byte: number): boolean {
  return (byte | 32) >= 97 && (byte | 32) <= 102;
}

/** The T between date and time. */
function isTimeMark(bytes: Uint8Array, place: number, start: number): boolean {
  return bytes[place] === 84 && place > start && isDigit(bytes[place - 1]);
}

/** `13:56:01`, `13:56:01,250`, `13:56`; 0 where it is none. */
function endOfClock(bytes: Uint8Array, from: number, end: number): number {
  const minutes = endOfPair(bytes, from + 3, end);
  if (minutes === 0 || bytes[minutes] !== colon) {
    return minutes;
  }
  const seconds = endOfPair(bytes, minutes + 1, end);
  if (seconds === 0) {
    return minutes;
  }
  const next = bytes[seconds];
  const hasFraction = next === dot || next === comma || next === colon;
  return hasFraction && isDigit(bytes[seconds + 1])
    ? endOfDigits(bytes, seconds + 1, end)
    : seconds;
}

/** The end of two digits, not more; 0 where there are none. */
function endOfPair(bytes: Uint8Array, from: number, end: number): number {
  return endOfDigits(bytes, from, Math.min(end, from + 3)) === from + 2 ? from + 2 : 0;
}

/** `2026-02-03`; 0 where it is none. */
function endOfDate(bytes: Uint8Array, from: number, end: number, separator: number): number {
  const isDate =
    from + 10 <= end &&
    bytes[from + 7] === separator &&
    endOfDigits(bytes, from + 5, from + 7) === from + 7 &&
    endOfDigits(bytes, from + 8, from + 10) === from + 10;
  return isDate && endOfDigits(bytes, from + 8, Math.min(end, from + 11)) === from + 10
    ? from + 10
    : 0;
}

/** `1,234.50`; 0 where it is none: a list, a version, an address. */
function endOfDecimal(bytes: Uint8Array, from: number, end: number): number {
  let place = from;
  while (
    bytes[place] === comma &&
    endOfDigits(bytes, place + 1, Math.min(end, place + 5)) === place + 4
  ) {
    place += 4;
  }
  if (bytes[place] !== dot || place + 1 >= end || !isDigit(bytes[place + 1])) {
    return 0;
  }
  const after = endOfDigits(bytes, place + 1, end);
  const next = after < end ? (bytes[after] ?? 0) : space;
  return isInWord(next) && next !== 115 ? 0 : after;
}
