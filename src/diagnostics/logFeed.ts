import type { LogFinding } from './logIncidents';
import { escape, LineSieve } from './lineSieve';
import { parseLogLine } from './logLine';
import { LogReader } from './logReader';
import { momentOfLine, timeOfMoment } from './momentOfLine';
import { causesOfMessage } from './notices';
import { goodMark, newsOf } from './outlineModule';
import type { RunnerFact } from './runnerFacts';
import { isGoodNews, type KnownLine, logTriggers } from './runnerReader';
import { decodeLine, LineBlocks, linesOf, maxLineBytes } from './textDecoding';

const lineFeed = 10;
const carriageReturn = 13;

/** What the lines of one shape say. */
interface Shape extends KnownLine {
  /** Nobody asks for its time but where something is wrong that it may end. */
  readonly isGood: boolean;
  /** Tells those apart that may be passed over while nothing is wrong, see `goodMark`. */
  readonly mark: number;
  /** Which moment of such a line is its time; null where none is, undefined until asked for. */
  moment?: number | null;
}

/** What neither reports nor ends anything. */
const idle: ReadonlySet<RunnerFact['kind']> = new Set(['signal', 'waiting', 'fill']);

/**
 * A log that is about TWS says so near its beginning, or in the lines that say what is wrong.
 * Bytes.
 */
const headBytes = 1_048_576;

/** Longer lines hardly come twice. Bytes. */
const maxShapedBytes = 4096;
const bounds = { maxBytes: maxShapedBytes, maxOutlines: 32_768 };
/** So many shapes of good news are kept for those that are passed over. */
const maxNews = 4096;

/**
 * Reads a log as bytes. It finds what a `LogReader` that is given every line finds, but decodes
 * and reads only the lines that may matter: those with a word that some pattern needs, and of
 * those that differ only in times and amounts, the first.
 */
export class LogFeed {
  private readonly reader = new LogReader();
  private readonly blocks = new LineBlocks();
  private sieve: LineSieve<Shape> | undefined;
  private cut = 0;
  private headLeft = headBytes;
  /** How far the present block has been read. Bytes. */
  private place = 0;
  /** So many lines have been read or passed over; those that the reader was not told of say nothing. */
  private line = 0;
  /** By the numbers in their marks; the first is none. */
  private readonly news: (Shape | undefined)[] = [undefined];
  /** Where the last line ends that was passed over. */
  private passedIn: Buffer = Buffer.alloc(0);
  private passedTo = 0;
  private readonly tellPassed = (): string =>
    textOf(this.passedIn, beginOfLine(this.passedIn, this.passedTo), this.passedTo);

  /** Lines that were longer than `maxLineBytes`, of which only the beginning was read. */
  get cutLines(): number {
    return this.cut + this.blocks.cutLines;
  }

  /** Takes in the next bytes; nothing of them is kept. */
  push(chunk: Uint8Array): void {
    for (const block of this.blocks.push(chunk)) {
      this.readBlock(block);
    }
  }

  /** All findings in the order of the text. */
  end(): readonly LogFinding[] {
    for (const block of this.blocks.end()) {
      this.readBlock(block);
    }
    this.tellPassedOver();
    return this.reader.end();
  }

  private readBlock(block: Buffer): void {
    if (this.headLeft > 0 && this.reader.wantsNames) {
      this.reader.lookForNames(block.toString('latin1', 0, this.headLeft));
      this.headLeft -= block.length;
    }
    const sieve = this.sieveFor(block);
    if (sieve === undefined || block.includes(0) || hasLoneReturn(block)) {
      this.tellPassedOver();
      for (const line of linesOf(block)) {
        this.reader.push(line);
      }
      this.line = this.reader.lines;
      return;
    }
    const { lines } = sieve;
    this.place = 0;
    lines.load(block, this.line);
    while (lines.next(this.reader.mayPassGoodNews)) {
      this.readFound(sieve, block);
    }
    while (this.reader.needsNextLine && this.place < block.length) {
      this.readNext(block);
    }
    this.passTo(lines.nextLine, block, block.length);
    if (this.passedIn === block) {
      // The bytes are good for this call only.
      const start = beginOfLine(block, this.passedTo);
      const end = Math.min(this.passedTo, start + maxShapedBytes);
      this.passed(Buffer.from(block.subarray(start, end)), end - start);
    }
  }

  /** Reads the next line whatever it says. */
  private readNext(block: Buffer): void {
    const end = endOfLine(block, this.place);
    this.reader.push(textOf(block, this.place, end));
    this.passOn(end);
  }

  private readFound(sieve: LineSieve<Shape>, block: Buffer): void {
    const { lines } = sieve;
    const { start, end, line } = lines;
    // What may belong to an exception is read line by line, but for a known line that ends it.
    while (this.reader.needsNextLine && this.place < start) {
      this.readNext(block);
    }
    this.passTo(line, block, start);
    if (end - start > maxShapedBytes) {
      this.readLong(sieve, block, start, end);
    } else {
      const { meaning = sieve.look(lines.high, lines.low, block, start, end) } = lines;
      this.readLine(sieve, meaning, block, start, end);
    }
    this.passOn(end);
  }

  private passOn(end: number): void {
    this.place = end + 1;
    this.line += 1;
  }

  /** All lines up to one, which begins at `start`, say nothing. */
  private passTo(line: number, block: Buffer, start: number): void {
    if (line > this.line) {
      this.line = line;
      this.passed(block, start - 1);
    }
  }

  /* eslint-disable-next-line max-params -- called for many lines of a log: an object costs more */
  private readLine(
    sieve: LineSieve<Shape>,
    known: Shape | 'silent' | undefined,
    block: Buffer,
    start: number,
    end: number,
  ): void {
    if (typeof known === 'object' && this.reader.mayPushKnown(known)) {
      this.readKnown(known, block, start, end);
    } else if (this.reader.needsNextLine) {
      this.reader.push(textOf(block, start, end));
    } else if (known === 'silent') {
      this.passed(block, end);
    } else {
      this.tellPassedOver();
      this.learn(sieve, textOf(block, start, end));
    }
  }

  private readKnown(known: Shape, block: Buffer, start: number, end: number): void {
    this.tellPassedOver();
    this.passed(block, end);
    const isCalm = this.reader.isCalm && !this.reader.needsNextLine;
    const isDated = known.facts.length > 0 && !(known.isGood && isCalm);
    // As a string a copy is made the quickest.
    const when =
      isDated && known.isTimed
        ? new LineTime(block.toString('latin1', start, end), known)
        : undefined;
    this.reader.pushKnown(known, this.tellPassed, when);
  }

  private readLong(sieve: LineSieve<Shape>, block: Buffer, start: number, end: number): void {
    this.cut += end - start > maxLineBytes ? 1 : 0;
    const isColoured = block.subarray(start, end).includes(escape);
    if (this.reader.needsNextLine || isColoured || sieve.hasTrigger(block, start, end)) {
      this.tellPassedOver();
      this.reader.push(textOf(block, start, end));
    } else {
      this.passed(block, end);
    }
  }

  /** Undefined where every line must be read. */
  private sieveFor(sample: Buffer): LineSieve<Shape> | undefined {
    if (logTriggers !== undefined) {
      this.sieve ??= new LineSieve(logTriggers, bounds, sample);
    }
    return this.sieve;
  }

  /** Tells the reader of the lines that were passed over: good news, and nothing. */
  private tellPassedOver(): void {
    if (this.sieve?.lines.hasPassed === true) {
      this.tellNews(this.sieve);
    }
    this.skipTo(this.line);
  }

  private tellNews({ lines }: LineSieve<Shape>): void {
    for (const { line, mark } of lines.takePassed()) {
      const known = this.news[newsOf(mark)];
      if (known !== undefined) {
        this.skipTo(line);
        this.reader.pushKnown(known, this.tellPassed, undefined);
      }
    }
  }

  private skipTo(line: number): void {
    const silent = line - this.reader.lines;
    if (silent > 0) {
      this.reader.skip(silent, this.tellPassed);
    }
  }

  private passed(block: Buffer, end: number): void {
    this.passedIn = block;
    this.passedTo = end;
  }

  private markFor(facts: readonly RunnerFact[]): number {
    const kind = newsClass(facts);
    return kind === undefined || this.news.length >= maxNews ? 0 : goodMark(this.news.length, kind);
  }

  private learn(sieve: LineSieve<Shape>, raw: string): void {
    this.reader.push(raw);
    const said = this.reader.lastKnown;
    if (said?.facts.every(isSaidByShape) === true) {
      const facts = said.facts.filter(({ kind }) => !idle.has(kind));
      const shape = {
        ...said,
        facts,
        isGood: said.facts.every((fact) => isGoodNews(fact) || isWithoutCause(fact)),
        mark: this.markFor(facts),
      };
      sieve.remember(shape);
      if (shape.mark !== 0) {
        this.news.push(shape);
      }
    }
  }
}

/**
 * The class of good news: lines of one class change the same of what a reader knows while nothing
 * is wrong, so that the last one says it all. Undefined where that is not so.
 */
function newsClass(facts: readonly RunnerFact[]): number | undefined {
  let kinds = 0;
  for (const fact of facts) {
    if (fact.kind === 'fetch ok') {
      kinds |= 1;
    } else if (fact.kind === 'cycle') {
      kinds |= 2;
    } else if (isWithoutCause(fact) && !('by' in fact)) {
      kinds |= 4;
    } else {
      return undefined;
    }
  }
  return kinds;
}

/** The time of a line that is gone, read when it is asked for. */
class LineTime {
  private time: string | undefined;
  private isRead = false;

  /**
   * @param line one character a byte
   * @param shape its shape, in which all lines have their time at the same place
   */
  constructor(
    private readonly line: string,
    private readonly shape: Shape,
  ) {}

  get at(): string | undefined {
    if (!this.isRead) {
      this.isRead = true;
      const { shape, line } = this;
      shape.moment ??= momentOfLine(decoded(line)) ?? null;
      const quick = shape.moment === null ? undefined : timeOfMoment(line, shape.moment);
      this.time = quick ?? parseLogLine(decoded(line)).at;
    }
    return this.time;
  }
}

function decoded(line: string): string {
  return decodeLine(Buffer.from(line, 'latin1'));
}

function textOf(block: Buffer, start: number, end: number): string {
  const length = Math.min(end - start, maxLineBytes);
  const isReturn = length === end - start && length > 0 && block[end - 1] === carriageReturn;
  return decodeLine(block.subarray(start, start + length - (isReturn ? 1 : 0)));
}

function endOfLine(block: Buffer, from: number): number {
  const end = block.indexOf(lineFeed, from);
  return end === -1 ? block.length : end;
}

function beginOfLine(block: Buffer, end: number): number {
  // A negative place would count from the end.
  return end === 0 ? 0 : block.lastIndexOf(lineFeed, end - 1) + 1;
}

/** A return that ends a line by itself, as editors count, or is printed over and over. */
function hasLoneReturn(block: Buffer): boolean {
  for (let place = block.indexOf(carriageReturn); place !== -1;) {
    if (block[place + 1] !== lineFeed) {
      return true;
    }
    place = block.indexOf(carriageReturn, place + 2);
  }
  return false;
}

/** A message of TWS that is no fault. */
function isWithoutCause(fact: RunnerFact): boolean {
  return fact.kind === 'tws message' && causesOfMessage(fact.code, fact.text).length === 0;
}

/** What is the same for all lines of a shape, or does not matter. */
function isSaidByShape(fact: RunnerFact): boolean {
  return !('at' in fact) && (isGoodNews(fact) || !hasAmounts(fact));
}

/** True where a part of what is said may have been left out of the shape. */
function hasAmounts(fact: RunnerFact): boolean {
  return Object.entries(fact).some(
    ([key, value]) =>
      key !== 'host' && typeof value === 'string' && /\d[.:,/-]\d|":\s?\d/.test(value),
  );
}
