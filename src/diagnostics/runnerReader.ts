import { messageCodes } from '../ibkr/messageCodes';
import { type Dated, FactFilter } from './factFilter';
import { LineFilter } from './lineFilter';
import { shortestWord } from './lineTriggers';
import type { TriggerWords } from './lineSieve';
import { type LogLine, maxTextLength, parseLogLine } from './logLine';
import { ParsedLines } from './parsedLines';
import { backtraderLines } from './readers/backtrader';
import { frameLines } from './readers/frames';
import { createGatewayPatterns } from './readers/gatewaySigns';
import { ibAsyncLines } from './readers/ibAsync';
import { leanLines } from './readers/lean';
import { nautilusLines } from './readers/nautilus';
import { officialApiLines } from './readers/officialApi';
import { type LineReader, tableReader, withTriggers } from './readers/reader';
import { readRoboEvent } from './readers/roboEvents';
import { rustIbapiLines } from './readers/rustIbapi';
import { readSign } from './readers/signs';
import { stoqeyLines } from './readers/stoqey';
import { readTradingSystem } from './readers/tradingSystem';
import { readTwsCode } from './readers/twsCodes';
import { vnpyLines } from './readers/vnpy';
import type { RunnerFact, SourcePlace } from './runnerFacts';
import {
  type LinesBack,
  readTraceback,
  TracebackReader,
  tracebackTriggers,
  withSource,
} from './traceback';

/** What each client prints, the special ones before those whose words many share. */
const readClientLine = tableReader([
  ...frameLines,
  ...leanLines,
  ...nautilusLines,
  ...vnpyLines,
  ...backtraderLines,
  ...stoqeyLines,
  ...officialApiLines,
  ...ibAsyncLines,
  ...rustIbapiLines,
]);

/** Asked in this order; the first that knows the line is believed. */
const readers: readonly LineReader[] = [
  // The key of its JSON, in a message too.
  withTriggers(readRoboEvent, ['robo"', 'robo\\"']),
  readTradingSystem,
  readClientLine,
  // Its lines have a number that is a code, see `logTriggers`; code 0 is told by its wrapping.
  withTriggers(readTwsCode, ['reqid', 'req_id', 'errorcode', 'error_code', 'error 0', 'code: 0']),
  readSign,
];

/** What a line said by itself, without its time. */
export interface KnownLine {
  readonly facts: readonly RunnerFact[];
  readonly text: string;
  readonly isTimed: boolean;
}

/** Reads the lines of a runner or client one after another. What it does not know is unsaid. */
export class FactReader {
  private readonly tracebacks = new TracebackReader(
    (line) => this.readGateway(line) ?? readFirst(line),
  );
  /** The API ports that the text has named. */
  private readonly namedPorts = new Set<number>();
  /** Remembers earlier lines, as a start of the gateway or a table of sockets has several. */
  private readonly gateway = createGatewayPatterns((port) => this.namedPorts.has(port));
  private readonly readGateway = tableReader(this.gateway.patterns);
  private readonly filter = new FactFilter();
  private readonly parsed = new ParsedLines();
  private isEndingByItself = false;

  private early = 0;
  /** What the last line said, where any line of its shape says the same. */
  private last: KnownLine | undefined;
  /** Tells the line before the next one, where that was passed over. */
  private skipped: (() => string) | undefined;

  push(raw: string): readonly RunnerFact[] {
    const line = this.parsed.parse(raw);
    const wasOpen = this.tracebacks.needsNextLine;
    const { isMine, facts, isOpen } = this.pushTo(line);
    if (!wasOpen && isOpen && line.at === undefined && this.skipped !== undefined) {
      this.tracebacks.dateBy(parseLogLine(this.skipped()).at);
    }
    this.skipped = undefined;
    this.last = undefined;
    const own = isMine ? [] : this.read(line);
    if (isMine || wasOpen || isOpen) {
      this.last = undefined;
    }
    if (facts.length === 0) {
      this.early = 0;
      return this.filter.push(own);
    }
    const early = this.filter.push(this.withoutOwnEnd(facts));
    this.early = early.length;
    return [...early, ...this.filter.push(own)];
  }

  private pushTo(line: LogLine): ReturnType<TracebackReader['push']> & { isOpen: boolean } {
    const pushed = this.tracebacks.push(line);
    return { ...pushed, isOpen: this.tracebacks.needsNextLine };
  }

  /** How many of the facts of the last line are about an exception that ended before it. */
  get earlyFacts(): number {
    return this.early;
  }

  /** The lines of that exception. */
  get earlyLines(): LinesBack {
    return this.tracebacks.linesBack;
  }

  /** What to remember of the line that was pushed last; undefined where it is one of several. */
  get lastKnown(): KnownLine | undefined {
    return this.last;
  }

  /** Whether `pushKnown` may be told of such a line: it belongs to no exception. */
  mayPushKnown(known: KnownLine): boolean {
    return !this.tracebacks.needsNextLine || this.tracebacks.isEndedBy(known.text);
  }

  /**
   * Takes in a line like one that was read before. Only where `mayPushKnown` is true.
   * @param tell gives the line until the next one comes
   * @param when gives its time; undefined where it has none, or nobody will ask for it
   * @returns facts without the time of the line, but for those of earlier ones, see `earlyFacts`
   */
  pushKnown(known: KnownLine, tell: () => string, when: Dated | undefined): readonly RunnerFact[] {
    this.early = 0;
    this.skipped = tell;
    const own = this.withoutOwnEnd(known.facts);
    if (!this.tracebacks.needsNextLine) {
      this.tracebacks.skip(1, known.text);
      return this.filter.push(own, when);
    }
    const early = this.filter.push(this.withoutOwnEnd(this.tracebacks.endBy(known.text)));
    this.early = early.length;
    return [...early, ...this.filter.push(own, when)];
  }

  /** True while no line belongs to an exception, and good news is not taken for something else. */
  get isQuiet(): boolean {
    return !this.tracebacks.needsNextLine && this.filter.isQuiet;
  }

  /** Whether a fact that `pushKnown` gave is about an earlier line, and has the time of that. */
  isEarlier(fact: RunnerFact): boolean {
    return this.filter.isEarlier(fact);
  }

  /** Passes over lines that have no trigger. @param tell gives the last of them */
  skip(lines: number, tell: () => string): void {
    this.tracebacks.skip(lines, '');
    this.filter.skip(lines);
    this.skipped = tell;
  }

  /** True while a traceback is open, so that any line may belong to it or end it. */
  get needsNextLine(): boolean {
    return this.tracebacks.needsNextLine;
  }

  /** What a traceback at the very end still has to say. */
  end(): readonly RunnerFact[] {
    const early = this.filter.push(this.withoutOwnEnd(this.tracebacks.take()));
    this.early = early.length;
    return [...early, ...this.filter.push(this.gateway.end())];
  }

  private read(line: LogLine): readonly RunnerFact[] {
    if (isOwnEnd(line)) {
      this.isEndingByItself = true;
      return [];
    }
    const remembered = this.readGateway(line);
    const facts = remembered ?? factsOfLine(line);
    if (remembered === undefined) {
      this.last = { facts, text: line.text, isTimed: line.at !== undefined };
    }
    return this.withoutOwnEnd(timed(facts, line.at));
  }

  /** It closed the connection itself: that it ended then is no news. */
  private withoutOwnEnd(facts: readonly RunnerFact[]): readonly RunnerFact[] {
    this.learnPorts(facts);
    if (!this.isEndingByItself || facts.length === 0) {
      return facts;
    }
    // The client and the thread that reads for it may both say so.
    this.isEndingByItself = !facts.some(({ kind }) => beginsAnew.has(kind));
    return this.isEndingByItself ? facts.filter(({ kind }) => kind !== 'connection lost') : facts;
  }

  private learnPorts(facts: readonly RunnerFact[]): void {
    for (const fact of facts) {
      if (fact.kind === 'connecting' && this.namedPorts.size < maxNamedPorts) {
        this.namedPorts.add(fact.port);
      }
    }
  }
}

/** So many API ports at most does one text name. */
const maxNamedPorts = 16;

/** What shows that the end of a session that a program closed itself is past. */
const beginsAnew: ReadonlySet<RunnerFact['kind']> = new Set([
  'connecting',
  'tcp connected',
  'hello',
  'connected',
  'fetch ok',
]);

/** A client that says that it closes the connection itself. */
function isOwnEnd({ text }: LogLine): boolean {
  return /(?:^|Client\S{0,20}: )Disconnecting(?:$|\.{2,3}|…| from | client id \d{1,10} )/.test(
    text,
  );
}

function timed(facts: readonly RunnerFact[], at: string | undefined): readonly RunnerFact[] {
  return at === undefined || facts.length === 0 ? facts : facts.map((fact) => ({ at, ...fact }));
}

/** Facts of which neither the time nor the amounts matter to what is wrong. */
export function isGoodNews({ kind }: RunnerFact): boolean {
  return kind === 'fetch ok' || kind === 'signal' || kind === 'cycle' || kind === 'waiting';
}

/**
 * The reading function that a supervisor feeds with the lines of one runner. Lines that say
 * nothing cost little: a runner may print tens of thousands a second.
 */
export function createFactReader(): (line: string) => readonly RunnerFact[] {
  const reader = new FactReader();
  let lines = 0;
  let filter: LineFilter | undefined;
  return (line) => {
    lines += 1;
    if (lines === linesToFilter && logTriggers !== undefined) {
      filter = new LineFilter(logTriggers);
    }
    if (!reader.needsNextLine && filter?.mayMatter(line) === false) {
      reader.skip(1, () => line);
      return [];
    }
    const facts = reader.push(line);
    if (reader.lastKnown?.facts.length === 0) {
      filter?.forget();
    }
    return facts;
  };
}

/** A filter pays for itself with so many lines; the end of a log file has fewer. */
const linesToFilter = 500;

/** The facts of one line by itself. */
function factsOfLine(line: LogLine): readonly RunnerFact[] {
  const inException = line.exception === undefined ? [] : readTraceback(line.exception);
  const facts = readWithError(line);
  return facts === undefined ? inException : withSource(facts, sourceOf(inException));
}

/** Where the text tells nothing, or not why, an error beside it may. */
function readWithError(line: LogLine): readonly RunnerFact[] | undefined {
  const facts = readFirst(line);
  const { error, text } = line;
  const lacksReason = facts?.some(
    (fact) => fact.kind === 'connection failed' && fact.errorClass === '',
  );
  return error === undefined || text.includes(error) || lacksReason === false
    ? facts
    : (readFirst({ ...line, text: `${text}: ${error}`.slice(0, maxTextLength) }) ?? facts);
}

/** What the first reader says that knows the line. */
function readFirst(line: LogLine): readonly RunnerFact[] | undefined {
  for (const read of readers) {
    const facts = read(line);
    if (facts !== undefined) {
      return facts;
    }
  }
  return undefined;
}

function sourceOf(facts: readonly RunnerFact[]): SourcePlace | undefined {
  for (const fact of facts) {
    if ('source' in fact) {
      return fact.source;
    }
  }
  return undefined;
}

const everyReader: readonly LineReader[] = [
  ...readers,
  tableReader(createGatewayPatterns().patterns),
];

const everyTrigger: readonly string[] = [
  ...everyReader.flatMap(({ triggers }) => triggers ?? []),
  ...tracebackTriggers,
  // A client that closes the connection itself; a mark that lines are missing.
  'disconnecting',
  '[robo: ',
  // A message as a list of bytes, in which no word can be found.
  '"message":[',
  '"message" : [',
];

/**
 * What marks a line that may matter: a word, or a number that is a code of TWS. Undefined where a
 * reader does not say what its lines have: then every line matters.
 */
export const logTriggers: TriggerWords | undefined = everyReader.every(
  ({ triggers }) => triggers !== undefined,
)
  ? {
      words: withoutLonger([...new Set(everyTrigger)]),
      codes: messageCodes,
    }
  : undefined;

/** Without the words in which another one is. */
function withoutLonger(words: readonly string[]): readonly string[] {
  const kept = new Map<string, string[]>();
  for (const word of words.toSorted((a, b) => a.length - b.length)) {
    const isLonger = Array.from(word, (_, start) => start).some((start) =>
      kept.get(beginOf(word, start))?.some((other) => word.startsWith(other, start)),
    );
    if (!isLonger) {
      kept.set(beginOf(word, 0), [...(kept.get(beginOf(word, 0)) ?? []), word]);
    }
  }
  return [...kept.values()].flat();
}

/** By which the words are found that may begin there. */
function beginOf(word: string, start: number): string {
  return word.slice(start, start + shortestWord);
}
