import { endOfMoment, momentBytes } from './lineMoment';
import { isCounter } from './lineTriggers';

/**
 * The shape of a line: its bytes with times, dates, decimal numbers and counters left out. Lines
 * of one shape say the same, so what was read from one need not be read from the next. Whole
 * numbers stay, because codes, ports and ids are such; so do digits in names.
 */
export class LineShape {
  /** Together the shape: of two different ones they are the same by chance once in 10^18. */
  high = 0;
  low = 0;
  private viewed: Uint8Array = noBytes;
  private view: DataView = new DataView(new ArrayBuffer(0));

  /** Takes the shape of a line. */
  take(bytes: Uint8Array, start: number, end: number): void {
    const view = this.viewOf(bytes);
    let high = 1;
    let low = 2;
    for (let place = start; place < end;) {
      let next: number;
      if (place + 4 <= end && !hasDigit((next = view.getInt32(place, true)))) {
        place += 4;
      } else {
        // What stands before a number or the end goes byte by byte.
        next = view.getUint8(place);
        if (next < zero || next > nine) {
          place += 1;
        } else {
          const behind = endOfMoment(view, place, end) || endOfNumber(bytes, place, end, start);
          for (; place < -behind - 1; place += 1) {
            const digit = view.getUint8(place);
            high = mixed(high ^ digit, oneFactor);
            low = mixed(low ^ digit, otherFactor);
          }
          next = behind < 0 ? view.getUint8(place) : markOf(bytes, place, behind);
          place = Math.abs(behind);
        }
      }
      high = mixed(high ^ next, oneFactor);
      low = mixed(low ^ next, otherFactor);
    }
    this.high = high;
    this.low = low;
  }

  private viewOf(bytes: Uint8Array): DataView {
    if (this.viewed !== bytes) {
      this.viewed = bytes;
      this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    return this.view;
  }
}

function mixed(value: number, factor: number): number {
  const product = Math.imul(value, factor);
  return product ^ (product >>> 15);
}

/** What stands for a number that is left out: whether it is zero, and how a moment is written. */
function markOf(bytes: Uint8Array, from: number, to: number): number {
  if (to - from >= momentBytes && bytes[from + 4] === dash) {
    return bytes[from + 10] === letterT ? mark : spacedMark;
  }
  return hasValue(bytes, from, to) ? mark : zeroMark;
}

/** Whether one of four bytes is a digit. */
function hasDigit(four: number): boolean {
  const others = four ^ 0x30303030;
  return ((((others & 0x7f7f7f7f) + 0x76767676) | others) & 0x80808080) !== (0x80808080 | 0);
}

const noBytes = new Uint8Array();
const oneFactor = 0x9e3779b1;
const otherFactor = 0x85ebca6b;
const zero = 48;
const nine = 57;
const colon = 58;
const dot = 46;
const comma = 44;
const dash = 45;
const slash = 47;
const space = 32;
const letterX = 120;
const letterT = 84;
/** Bytes that no text has. */
const mark = 1;
const zeroMark = 2;
const spacedMark = 3;

function isDigit(bytes: Uint8Array, place: number): boolean {
  const byte = bytes[place] ?? 0;
  return byte >= zero && byte <= nine;
}

function endOfDigits(bytes: Uint8Array, from: number, end: number): number {
  let place = from;
  while (place < end && isDigit(bytes, place)) {
    place += 1;
  }
  return place;
}

/** Where a number ends that may be left out; else minus where the digits end that stay. */
function endOfNumber(bytes: Uint8Array, from: number, end: number, start: number): number {
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
  const isValue = next === comma || next === 125;
  return isValue && isCounter(bytes, from, start) ? digits : -digits;
}

/** Letters, digits, `_`, `.`, and `x` of addresses: the digits belong to a name. */
function isInWord(byte: number): boolean {
  return byte === dot || byte === 95 || (byte >= 65 && byte <= 90) || (byte >= 97 && byte <= 122);
}

/** `0x10a3b5d90`; 0 where it is none. */
function endOfAddress(bytes: Uint8Array, from: number, end: number): number {
  let place = from;
  while (place < end && (isDigit(bytes, place) || isHexLetter(bytes[place] ?? 0))) {
    place += 1;
  }
  return place - from >= 4 ? place : 0;
}

function isHexLetter(byte: number): boolean {
  return (byte | 32) >= 97 && (byte | 32) <= 102;
}

/** The T between date and time. */
function isTimeMark(bytes: Uint8Array, place: number, start: number): boolean {
  return bytes[place] === 84 && place > start && isDigit(bytes, place - 1);
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
  return hasFraction && isDigit(bytes, seconds + 1)
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
  if (bytes[place] !== dot || place + 1 >= end || !isDigit(bytes, place + 1)) {
    return 0;
  }
  const after = endOfDigits(bytes, place + 1, end);
  const next = after < end ? (bytes[after] ?? 0) : space;
  return isInWord(next) && next !== 115 ? 0 : after;
}

function hasValue(bytes: Uint8Array, from: number, to: number): boolean {
  for (let place = from; place < to; place += 1) {
    const byte = bytes[place] ?? 0;
    if (byte > zero && byte <= nine) {
      return true;
    }
  }
  return false;
}
