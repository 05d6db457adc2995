import { findTime } from './lineTime';
import { parseLogLine } from './logLine';

/** Not behind what would make it part of another number. */
const moment = /(?<![\d.,:/-])\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d/g;
/** No log is so old that this is the time of its line. */
const otherMoment = ['2001-02-03', '04:05:06'] as const;
/** So many are tried: a line has its own time and perhaps that of a message in it. */
const maxMoments = 4;
/** With its fraction and zone a time is no longer. */
const maxLength = 64;

/**
 * Finds out which of the moments in a line is its time, by looking whether another one in its
 * place becomes the time of the line.
 * @returns its number; undefined where the time stands in another form
 */
export function momentOfLine(line: string): number | undefined {
  const at = parseLogLine(line).at;
  for (const [number, { index, 0: found }] of [...line.matchAll(moment)].entries()) {
    if (number >= maxMoments) {
      return undefined;
    }
    const other = otherMoment.join(found.charAt(10));
    const changed = line.slice(0, index) + other + line.slice(index + other.length);
    const time = parseLogLine(changed).at;
    if (time !== at && time === timeAt(changed, index)) {
      return number;
    }
  }
  return undefined;
}

/** The time that a moment of a line stands for; undefined where it cannot be one. */
export function timeOfMoment(line: string, number: number): string | undefined {
  let passed = 0;
  for (const { index } of line.matchAll(moment)) {
    if (passed === number) {
      return timeAt(line, index);
    }
    passed += 1;
  }
  return undefined;
}

function timeAt(line: string, index: number): string | undefined {
  return findTime(line.slice(index, index + maxLength))?.at;
}
