import { type LogLine, parseLogLine } from './logLine';
import { readIbAsync } from './readers/ibAsync';
import type { LineReader } from './readers/reader';
import { readRoboEvent } from './readers/roboEvents';
import { readSign } from './readers/signs';
import { readTradingSystem } from './readers/tradingSystem';
import { readTwsCode } from './readers/twsCodes';
import type { RunnerFact, SourcePlace } from './runnerFacts';
import { readTraceback, TracebackReader, withSource } from './traceback';

/** Asked in this order; the first that knows the line is believed. */
const readers: readonly LineReader[] = [
  readRoboEvent,
  readTradingSystem,
  readIbAsync,
  readTwsCode,
  readSign,
];

/** Reads the lines of a runner or client one after another. What it does not know is unsaid. */
export class FactReader {
  private readonly tracebacks = new TracebackReader();
  private isEndingByItself = false;

  push(raw: string): readonly RunnerFact[] {
    const line = parseLogLine(raw);
    const { isMine, facts } = this.tracebacks.push(line);
    if (isMine) {
      return facts;
    }
    return [...facts, ...this.read(line)];
  }

  /** What a traceback at the very end still has to say. */
  end(): readonly RunnerFact[] {
    return this.tracebacks.take();
  }

  private read(line: LogLine): readonly RunnerFact[] {
    if (line.text === 'Disconnecting') {
      this.isEndingByItself = true;
      return [];
    }
    const facts = factsOfLine(line);
    if (this.isEndingByItself && facts.some(({ kind }) => kind === 'connection lost')) {
      // It closed the connection itself.
      this.isEndingByItself = false;
      return [];
    }
    const { at } = line;
    return at === undefined ? facts : facts.map((fact) => ({ at, ...fact }));
  }
}

/** The reading function that a supervisor feeds with the lines of one runner. */
export function createFactReader(): (line: string) => readonly RunnerFact[] {
  const reader = new FactReader();
  return (line) => reader.push(line);
}

/** The facts of one line by itself. */
function factsOfLine(line: LogLine): readonly RunnerFact[] {
  const inException = line.exception === undefined ? [] : readTraceback(line.exception);
  for (const read of readers) {
    const facts = read(line);
    if (facts !== undefined) {
      return withSource(facts, sourceOf(inException));
    }
  }
  return inException;
}

function sourceOf(facts: readonly RunnerFact[]): SourcePlace | undefined {
  for (const fact of facts) {
    if ('source' in fact) {
      return fact.source;
    }
  }
  return undefined;
}
