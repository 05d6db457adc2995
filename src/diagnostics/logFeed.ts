import type { LogFinding } from './logIncidents';
import { escape, withoutColours } from './lineFilter';
import { LineShape } from './lineShape';
import { LineTriggers } from './lineTriggers';
import { LogReader } from './logReader';
import { causesOfMessage } from './notices';
import type { RunnerFact } from './runnerFacts';
import { isGoodNews, type KnownLine, logTriggers } from './runnerReader';
import { decodeLine, LineBlocks, linesOf, maxLineBytes } from './textDecoding';

const lineFeed = 10;
const carriageReturn = 13;

/** What the lines of one shape say. */
interface Shape extends KnownLine {
  /** The rest of the shape under which it is kept. */
  readonly low: number;
  /** Nobody asks for its time but where something is wrong that it may end. */
  readonly isGood: boolean;
  /** It has no trigger at all. */
  readonly isSilent: boolean;
}

const silent: Shape = {
  facts: [],
  text: '',
  isTimed: false,
  low: 0,
  isGood: true,
  isSilent: true,
};

/** Shapes that are kept; a log has some hundreds. */
const maxKnown = 4096;
/** Longer lines hardly come twice. Bytes. */
const maxShapedBytes = 4096;

/**
 * Reads a log as bytes. It finds what a `LogReader` that is given every line finds, but decodes
 * and reads only the lines that may matter: those with a word that some pattern needs, and of
 * those that differ only in times and amounts, the first.
 */
export class LogFeed {
  private readonly reader = new LogReader();
  private readonly blocks = new LineBlocks();
  private triggers: LineTriggers | undefined;
  private readonly uncoloured = Buffer.alloc(maxShapedBytes + 1);
  private readonly shape = new LineShape();
  private known = new Map<number, Shape>();
  private cut = 0;
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
    const triggers = this.triggersFor(block);
    if (triggers === undefined || block.includes(0) || hasLoneReturn(block)) {
      for (const line of linesOf(block)) {
        this.reader.push(line);
      }
      return;
    }
    for (let from = 0; from < block.length;) {
      const colour = block.indexOf(escape, from);
      const start = colour === -1 ? block.length : startOfLine(block, colour, from);
      const next = this.readMarked(block, triggers, { from, to: start });
      from = next < block.length ? this.readColoured(block, triggers, next) : next;
    }
    if (this.passedIn === block) {
      // The bytes are good for this call only.
      const line = block.subarray(this.passedAt, this.passedAt + maxShapedBytes);
      this.passed(Buffer.from(line), 0);
    }
  }

  /** Reads lines without colours. @returns where the next line begins */
  private readMarked(
    block: Buffer,
    triggers: LineTriggers,
    { from, to }: { from: number; to: number },
  ): number {
    let start = from;
    while (start < to) {
      if (this.reader.needsNextLine) {
        start = this.readWhole(block, start);
        continue;
      }
      const hit = triggers.next(block, start, to);
      if (hit === -1) {
        this.skip(block, start, to);
        return to;
      }
      const line = startOfLine(block, hit, start);
      this.skip(block, start, line);
      start = this.readHit(block, line);
    }
    return start;
  }

  /** Colours may stand in the middle of what a pattern needs. @returns where the next line begins */
  private readColoured(block: Buffer, triggers: LineTriggers, start: number): number {
    if (this.reader.needsNextLine) {
      return this.readWhole(block, start);
    }
    const end = endOfLine(block, start);
    if (end - start > maxShapedBytes) {
      return this.readHit(block, start);
    }
    const { shape } = this;
    shape.take(block, start, end);
    const known = this.known.get(shape.high);
    if (known?.low === shape.low) {
      this.readKnown(known, block, start, end);
    } else if (this.hasTrigger(block.subarray(start, end), triggers)) {
      this.learn(textOf(block, start, end));
    } else {
      this.keep(shape.high, { ...silent, low: shape.low });
      this.skipLine(block, start);
    }
    return end + 1;
  }

  /** Whether a line has a trigger once its colours are taken off. */
  private hasTrigger(line: Buffer, triggers: LineTriggers): boolean {
    return triggers.next(this.uncoloured, 0, withoutColours(line, this.uncoloured)) !== -1;
  }

  private readWhole(block: Buffer, start: number): number {
    const end = endOfLine(block, start);
    this.reader.push(textOf(block, start, end));
    return end + 1;
  }

  /** Undefined where every line must be read. */
  private triggersFor(sample: Buffer): LineTriggers | undefined {
    const { words, mayMatter } = logTriggers;
    if (words !== undefined) {
      this.triggers ??= new LineTriggers(words, mayMatter, sample);
    }
    return this.triggers;
  }

  /** Passes over whole lines. */
  private skip(block: Buffer, from: number, to: number): void {
    let lines = 0;
    let last = from;
    for (let start = from; start < to; lines += 1) {
      last = start;
      const end = endOfLine(block, start);
      this.cut += end - start > maxLineBytes ? 1 : 0;
      start = end + 1;
    }
    if (lines > 0) {
      this.passed(block, last);
      this.reader.skip(lines, this.tellPassed);
    }
  }

  private readHit(block: Buffer, start: number): number {
    const end = endOfLine(block, start);
    this.cut += end - start > maxLineBytes ? 1 : 0;
    if (end - start > maxShapedBytes) {
      this.reader.push(textOf(block, start, end));
    } else {
      this.readShaped(block, start, end);
    }
    return end + 1;
  }

  private readShaped(block: Buffer, start: number, end: number): void {
    const { shape } = this;
    shape.take(block, start, end);
    const known = this.known.get(shape.high);
    if (known?.low === shape.low) {
      this.readKnown(known, block, start, end);
    } else {
      this.learn(textOf(block, start, end));
    }
  }

  private readKnown(known: Shape, block: Buffer, start: number, end: number): void {
    if (known.isSilent) {
      this.skipLine(block, start);
      return;
    }
    this.passed(block, start);
    if (known.isGood && this.reader.isCalm) {
      this.reader.pushKnown(known, this.tellPassed, false);
    } else {
      // A copy, so that asking later finds the line of now; as a string it is made the quickest.
      const line = block.toString('latin1', start, end);
      this.reader.pushKnown(known, () => decodeLine(Buffer.from(line, 'latin1')), true);
    }
  }

  private skipLine(block: Buffer, start: number): void {
    this.passed(block, start);
    this.reader.skip(1, this.tellPassed);
  }

  private passed(block: Buffer, start: number): void {
    this.passedIn = block;
    this.passedAt = start;
  }

  private learn(raw: string): void {
    const { high, low } = this.shape;
    this.reader.push(raw);
    const known = this.reader.lastKnown;
    if (known?.facts.every((fact) => isGoodNews(fact) || !hasAmounts(fact)) === true) {
      const isGood = known.facts.every((fact) => isGoodNews(fact) || isWithoutCause(fact));
      this.keep(high, { ...known, low, isGood, isSilent: false });
    }
  }

  private keep(high: number, shape: Shape): void {
    if (this.known.size >= maxKnown) {
      this.known = new Map();
    }
    this.known.set(high, shape);
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

/** True where a part of what is said may have been left out of the shape. */
function hasAmounts(fact: RunnerFact): boolean {
  return Object.entries(fact).some(
    ([key, value]) =>
      key !== 'at' &&
      key !== 'host' &&
      typeof value === 'string' &&
      /\d[.:,/-]\d|":\s?\d/.test(value),
  );
}

function startOfLine(block: Buffer, place: number, from: number): number {
  // A negative place would count from the end.
  return place === from ? from : Math.max(from, block.lastIndexOf(lineFeed, place - 1) + 1);
}
