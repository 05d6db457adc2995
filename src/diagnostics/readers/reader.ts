import { binary, LineTriggers, triggersOf } from '../lineTriggers';
import { type LogLine, maxTextLength } from '../logLine';
import type { RunnerFact } from '../runnerFacts';

/**
 * Reads the lines of one kind of client. Undefined means "not mine", so that the next reader
 * is asked; an empty list means "mine, and it says nothing that matters".
 */
export interface LineReader {
  (line: LogLine): readonly RunnerFact[] | undefined;
  /**
   * Words of which every line has one that this reader makes facts of, in lower case and as they
   * stand in the raw line. Lines without any are passed over unread, so a word too many costs
   * time and a word too few loses lines. Undefined: every line is read.
   */
  readonly triggers?: readonly string[];
}

/** One kind of line: what it must contain, its pattern, and what it means. */
export interface LinePattern {
  /** A part that every such line contains: spares the pattern for all others. Lower case. */
  readonly has: string;
  /** It makes no facts, so that a line need not be read for its sake. */
  readonly isQuiet?: boolean;
  /** See `LineReader.triggers`; made of `has` where it is not given. */
  readonly triggers?: readonly string[];
  /** Must be linear: no nested or adjoining unbounded repetitions. */
  readonly pattern: RegExp;
  readonly read: (match: RegExpExecArray, line: LogLine) => readonly RunnerFact[];
}

/** Makes a reader of a table; the first pattern that fits is taken. */
export function tableReader(patterns: readonly LinePattern[]): LineReader {
  const triggers = patterns
    .filter(({ isQuiet }) => isQuiet !== true)
    .flatMap(({ has, triggers: own }) => own ?? triggersOf(has));
  // Made for the first line: some tables are only asked for their triggers.
  let words: WordIndex | undefined;
  const factsIn = (line: LogLine): ReturnType<LineReader> => {
    words ??= new WordIndex(patterns.map(({ has }) => has));
    for (const number of words.find(line.text.toLowerCase())) {
      const row = patterns[number];
      const match = row?.pattern.exec(line.text) ?? null;
      if (row !== undefined && match !== null) {
        return row.read(match, line);
      }
    }
    return undefined;
  };
  return Object.assign(factsIn, { triggers });
}

/** Gives a reader that is no table the words of its lines; see `LineReader.triggers`. */
export function withTriggers(
  read: (line: LogLine) => ReturnType<LineReader>,
  triggers: readonly string[],
): LineReader {
  return Object.assign((line: LogLine) => read(line), { triggers });
}

/** Which of many words are in a text, without a look at each of them. */
class WordIndex {
  private readonly long: LineTriggers;
  private readonly longAt: readonly number[];
  private readonly shortAt: readonly number[];
  private readonly scratch = Buffer.alloc(4 * maxTextLength);

  constructor(private readonly words: readonly string[]) {
    const all = [...words.keys()];
    // Very short words would make the search walk instead of leap.
    const isLong = (number: number): boolean => (words[number] ?? '').length >= 4;
    this.longAt = all.filter(isLong);
    this.shortAt = all.filter((number) => !isLong(number));
    this.long = new LineTriggers(this.longAt.map((number) => binary(words[number] ?? '', 'utf8')));
  }

  /** The numbers of the words in a lower-case text, ascending. */
  find(text: string): readonly number[] {
    const length = this.scratch.write(text, 'utf8');
    const found = [...this.long.all(this.scratch, length)].map((each) => this.longAt[each] ?? 0);
    const short = this.shortAt.filter((number) => text.includes(this.words[number] ?? ''));
    return [...found, ...short].sort((a, b) => a - b);
  }
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

/** The name of a failure in which TCP itself was not answered, as the system reports it. */
export const tcpTimeout = 'TcpTimeoutError';

/** Deadlines of the system, not of a client: nobody took the connection. */
const unanswered =
  /\bconnect ETIMEDOUT\b|^connect(?:\(\))?: (?:Connection|Operation) timed out|(?:Errno |Error\()(?:60|110|10060)\b|\[WinError (?:121|10060)\]|\bSocketException \((?:60|110|10060)\)|\bconnected party did not properly respond.{0,120}:\d{2,5}\b|\bConnectException: (?:Connection|Operation) timed out|\bdial tcp \S{1,80}: (?:i\/o timeout|connect: (?:connection|operation) timed out)/;

/** True where a failure to connect says that TCP was not answered. */
export function isUnanswered(text: string): boolean {
  return unanswered.test(text);
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
