import type { LogLine } from '../logLine';
import type { RunnerFact } from '../runnerFacts';

/**
 * Reads the lines of one kind of client. Undefined means "not mine", so that the next reader
 * is asked; an empty list means "mine, and it says nothing that matters".
 */
export type LineReader = (line: LogLine) => readonly RunnerFact[] | undefined;

/** One kind of line: what it must contain, its pattern, and what it means. */
export interface LinePattern {
  /** A part that every such line contains: spares the pattern for all others. Lower case. */
  readonly has: string;
  /** Must be linear: no nested or adjoining unbounded repetitions. */
  readonly pattern: RegExp;
  readonly read: (match: RegExpExecArray, line: LogLine) => readonly RunnerFact[];
}

/** Makes a reader of a table; the first pattern that fits is taken. */
export function tableReader(patterns: readonly LinePattern[]): LineReader {
  return (line) => {
    const lower = line.text.toLowerCase();
    for (const { has, pattern, read } of patterns) {
      const match = lower.includes(has) ? pattern.exec(line.text) : null;
      if (match !== null) {
        return read(match, line);
      }
    }
    return undefined;
  };
}

/** The name of an exception or failure in `text`; empty where it names none. */
export function errorClassIn(text: string): string {
  const raised = /raised (\w{1,80})>/.exec(text)?.[1];
  if (raised !== undefined) {
    return raised;
  }
  const named = [...text.matchAll(/\b(?:\w+\.)?([A-Z]\w{0,60}(?:Error|Exception|Timeout))\b/g)]
    .map(([, name = '']) => name)
    .find((name) => name !== 'RetryError');
  if (named !== undefined) {
    return named;
  }
  if (/\btime(?:d[ -]?)?[ -]?out\b/i.test(text)) {
    return 'TimeoutError';
  }
  return /\brefused\b|ECONNREFUSED/i.test(text) ? 'ConnectionRefusedError' : '';
}

/** True for failures that are silence, not an answer. */
export function isTimeoutClass(errorClass: string): boolean {
  return /time(?:d[ -]?)?out/i.test(errorClass);
}

/** `-1`, `$1,234.50` → number; undefined where it is none. */
export function parseAmount(text: string | undefined): number | undefined {
  const value = Number((text ?? '').replace(/[$,\s]/g, ''));
  return text === undefined || text.trim() === '' || !Number.isFinite(value) ? undefined : value;
}
