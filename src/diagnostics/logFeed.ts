import type { LogFinding } from './logIncidents';
import { LineOutlines } from './lineOutlines';
import { escape, LineSieve } from './lineSieve';
import { parseLogLine } from './logLine';
import { LogReader } from './logReader';
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
  private readonly outlines = new LineOutlines();
  private sieve: LineSieve<Shape> | undefined;
  private cut = 0;
  /** Lines that say nothing and that the reader has not been told of. */
  private silentLines = 0;
  /** The last line that was passed over. */
  private passedIn: Buffer = Buffer.alloc(0);
  private passedAt = 0;
  private readonly tellPassed = (): string =>
    textOf(this.passedIn, this.passedAt, endOfLine(this.passedIn, this.passedAt));

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
    this.outlines.load(block);
    for (let start = 0; start < block.length;) {
      start = this.readSome(sieve, block, start);
    }
    this.tellSilent();
    if (this.passedIn === block) {
      // The bytes are good for this call only.
      const line = block.subarray(this.passedAt, this.passedAt + maxShapedBytes);
      this.passed(Buffer.from(line), 0);
    }
  }

  /** @returns where the first line begins that was not read */
  private readSome(sieve: LineSieve<Shape>, block: Buffer, from: number): number {
    const { outlines } = this;
    const count = outlines.next();
    let start = from;
    for (let line = 0; line < count; line += 1) {
      const end = outlines.endOf(line);
      if (this.reader.needsNextLine) {
        this.reader.push(textOf(block, start, end));
      } else if (end - start > maxShapedBytes) {
        this.readLong(sieve, block, start, end);
      } else {
        const known = sieve.look(outlines.highOf(line), outlines.lowOf(line), block, start, end);
        this.readLine(sieve, known, block, start, end);
      }
      start = end + 1;
    }
    return start;
  }

  /* eslint-disable-next-line max-params -- called for every line of a log: an object costs more */
  private readLine(
    sieve: LineSieve<Shape>,
    known: Shape | 'silent' | undefined,
    block: Buffer,
    start: number,
    end: number,
  ): void {
    if (known === 'silent') {
      this.passSilent(block, start);
    } else if (known === undefined) {
      this.tellSilent();
      this.learn(sieve, textOf(block, start, end));
    } else {
      this.readKnown(known, block, start, end);
    }
  }

  private readKnown(known: Shape, block: Buffer, start: number, end: number): void {
    this.tellSilent();
    this.passed(block, start);
    const isDated = known.facts.length > 0 && !(known.isGood && this.reader.isCalm);
    // As a string a copy is made the quickest.
    const when =
      isDated && known.isTimed ? new LineTime(block.toString('latin1', start, end)) : undefined;
    this.reader.pushKnown(known, this.tellPassed, when);
  }

  private readLong(sieve: LineSieve<Shape>, block: Buffer, start: number, end: number): void {
    this.cut += end - start > maxLineBytes ? 1 : 0;
    const isColoured = block.subarray(start, end).includes(escape);
    if (isColoured || sieve.hasTrigger(block, start, end)) {
      this.tellSilent();
      this.reader.push(textOf(block, start, end));
    } else {
      this.passSilent(block, start);
    }
  }

  /** Undefined where every line must be read. */
  private sieveFor(sample: Buffer): LineSieve<Shape> | undefined {
    if (logTriggers !== undefined) {
      this.sieve ??= new LineSieve(logTriggers, bounds, sample);
    }
    return this.sieve;
  }

  private passSilent(block: Buffer, start: number): void {
    this.silentLines += 1;
    this.passed(block, start);
  }

  private tellSilent(): void {
    if (this.silentLines > 0) {
      this.reader.skip(this.silentLines, this.tellPassed);
      this.silentLines = 0;
    }
  }

  private passed(block: Buffer, start: number): void {
    this.passedIn = block;
    this.passedAt = start;
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

  /** @param line one character a byte */
  constructor(private readonly line: string) {}

  get at(): string | undefined {
    if (!this.isRead) {
      this.isRead = true;
      this.time = parseLogLine(decodeLine(Buffer.from(this.line, 'latin1'))).at;
    }
    return this.time;
  }
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
