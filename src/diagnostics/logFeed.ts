import type { LogFinding } from './logIncidents';
import { escape, LineSieve } from './lineSieve';
import { parseLogLine } from './logLine';
import { LogReader } from './logReader';
import { momentOfLine, timeOfMoment } from './momentOfLine';
import { causesOfMessage } from './notices';
import type { RunnerFact } from './runnerFacts';
import { isGoodNews, type KnownLine, logTriggers } from './runnerReader';
import { decodeLine, LineBlocks, linesOf, maxLineBytes } from './textDecoding';

const lineFeed = 10;
const carriageReturn = 13;

/** What the lines of one shape say. */
interface Shape extends KnownLine {
  /** Nobody asks for its time but where something is wrong that it may end. */
  readonly isGood: boolean;
  /** Which moment of such a line is its time; null where none is, undefined until asked for. */
  moment?: number | null;
}

/** What neither reports nor ends anything. */
const idle: ReadonlySet<RunnerFact['kind']> = new Set(['signal', 'waiting', 'fill']);

/** Longer lines hardly come twice. Bytes. */
const maxShapedBytes = 4096;
const bounds = { maxBytes: maxShapedBytes, maxOutlines: 32_768 };

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
  /** How far the present block has been read: bytes and lines. */
  private place = 0;
  private line = 0;
  /** Lines that say nothing and that the reader has not been told of. */
  private silentLines = 0;
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
    return this.reader.end();
  }

  private readBlock(block: Buffer): void {
    const sieve = this.sieveFor(block);
    if (sieve === undefined || block.includes(0) || hasLoneReturn(block)) {
      for (const line of linesOf(block)) {
        this.reader.push(line);
      }
      return;
    }
    const { lines } = sieve;
    this.place = 0;
    this.line = 0;
    lines.load(block);
    for (let count = lines.next(); count > 0; count = lines.next()) {
      for (let index = 0; index < count; index += 1) {
        this.readFound(sieve, block, index);
      }
    }
    while (this.reader.needsNextLine && this.place < block.length) {
      this.readNext(block);
    }
    this.passTo(lines.lines, block, block.length);
    this.tellSilent();
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

  private readFound(sieve: LineSieve<Shape>, block: Buffer, index: number): void {
    const { lines } = sieve;
    const start = lines.startOf(index);
    // What may belong to an exception is read line by line, but for a known line that ends it.
    while (this.reader.needsNextLine && this.place < start) {
      this.readNext(block);
    }
    if (start < this.place) {
      return;
    }
    this.passTo(lines.lineOf(index), block, start);
    const end = lines.endOf(index);
    if (end - start > maxShapedBytes) {
      this.readLong(sieve, block, start, end);
    } else {
      const known = sieve.look(lines.highOf(index), lines.lowOf(index), block, start, end);
      this.readLine(sieve, known, block, start, end);
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
      this.silentLines += line - this.line;
      this.line = line;
      this.passed(block, start - 1);
    }
  }

  /* eslint-disable-next-line max-params -- called for every line of a log: an object costs more */
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
      this.passSilent(block, end);
    } else {
      this.tellSilent();
      this.learn(sieve, textOf(block, start, end));
    }
  }

  private readKnown(known: Shape, block: Buffer, start: number, end: number): void {
    this.tellSilent();
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
      this.tellSilent();
      this.reader.push(textOf(block, start, end));
    } else {
      this.passSilent(block, end);
    }
  }

  /** Undefined where every line must be read. */
  private sieveFor(sample: Buffer): LineSieve<Shape> | undefined {
    if (logTriggers !== undefined) {
      this.sieve ??= new LineSieve(logTriggers, bounds, sample);
    }
    return this.sieve;
  }

  private passSilent(block: Buffer, end: number): void {
    this.silentLines += 1;
    this.passed(block, end);
  }

  private tellSilent(): void {
    if (this.silentLines > 0) {
      this.reader.skip(this.silentLines, this.tellPassed);
      this.silentLines = 0;
    }
  }

  private passed(block: Buffer, end: number): void {
    this.passedIn = block;
    this.passedTo = end;
  }

  private learn(sieve: LineSieve<Shape>, raw: string): void {
    this.reader.push(raw);
    const said = this.reader.lastKnown;
    if (said?.facts.every(isSaidByShape) === true) {
      const facts = said.facts.filter(({ kind }) => !idle.has(kind));
      sieve.remember({
        ...said,
        facts,
        isGood: said.facts.every((fact) => isGoodNews(fact) || isWithoutCause(fact)),
      });
    }
  }
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
