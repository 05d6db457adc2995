import { Buffer, isAscii, isUtf8 } from 'node:buffer';
import { TextDecoder } from 'node:util';
import { decodeLegacy } from './legacyEncodings';

/** Longer lines are cut there: a file without line breaks must not fill the memory. Bytes. */
export const maxLineBytes = 131_072;

const blockBytes = 16_384;

const lineFeed = 10;
const carriageReturn = 13;

/**
 * Cuts bytes of undeclared encoding into lines of text, in constant memory and without ever
 * throwing. UTF-8 unless the bytes say otherwise: UTF-16 by its mark or its zeros, and line by line
 * the encoding of an Asian, Cyrillic or Western Windows where a line is no UTF-8. A line ends with LF, CR LF or CR, as editors count.
 */
export class LineDecoder {
  private readonly blocks = new LineBlocks();

  /** @returns the lines that `chunk` completes, without their line breaks. */
  push(chunk: Uint8Array): readonly string[] {
    return this.blocks.push(chunk).flatMap(linesOf);
  }

  /** What stands behind the last line break. */
  end(): readonly string[] {
    return this.blocks.end().flatMap(linesOf);
  }
}

/** Cuts bytes of undeclared encoding into blocks of whole lines, for `linesOf`. */
export class LineBlocks {
  /** Undefined until the first bytes have shown whether they begin with a mark. */
  private toUtf8: ((chunk: Uint8Array) => Buffer) | undefined;
  private head = Buffer.alloc(0);
  private rest = Buffer.alloc(0);
  private restLength = 0;
  private isCut = false;
  private cut = 0;

  /** How many lines were cut because they were longer than a line may be. */
  get cutLines(): number {
    return this.cut;
  }

  /** @returns whole lines with their line breaks; good until the next call. */
  push(chunk: Uint8Array): readonly Buffer[] {
    const blocks: Buffer[] = [];
    this.take(this.decoded(chunk), blocks);
    return blocks;
  }

  /** What stands behind the last line break. */
  end(): readonly Buffer[] {
    const blocks: Buffer[] = [];
    if (this.toUtf8 === undefined) {
      this.take(this.head, blocks);
    }
    // UTF-16 without a mark ends with the second half of its last line break.
    if (this.rest.subarray(0, this.restLength).some((byte) => byte !== 0)) {
      this.flush(lineFeed, blocks);
    }
    return blocks;
  }

  private decoded(chunk: Uint8Array): Buffer {
    if (this.toUtf8 !== undefined) {
      return this.toUtf8(chunk);
    }
    const head = Buffer.concat([this.head, chunk]);
    if (couldBecomeMark(head)) {
      this.head = head;
      return Buffer.alloc(0);
    }
    const [markLength, toUtf8] = encodingOf(head);
    this.toUtf8 = toUtf8;
    return toUtf8(head.subarray(markLength));
  }

  private take(bytes: Buffer, blocks: Buffer[]): void {
    let start = 0;
    let end = bytes.lastIndexOf(lineFeed) + 1;
    const breaker = end > 0 ? lineFeed : carriageReturn;
    if (end === 0 && bytes.length > 1) {
      // A CR at the very end may be the first half of CR LF.
      end = bytes.lastIndexOf(carriageReturn, bytes.length - 2) + 1;
    }
    if (this.restLength > 0 && end > 0) {
      start = bytes.indexOf(breaker) + 1;
      this.keep(bytes.subarray(0, start - 1));
      this.flush(breaker, blocks);
    }
    if (end > start) {
      blocks.push(bytes.subarray(start, end));
    }
    this.keep(bytes.subarray(end));
  }

  private flush(breaker: number, blocks: Buffer[]): void {
    blocks.push(Buffer.concat([this.rest.subarray(0, this.restLength), Buffer.of(breaker)]));
    this.restLength = 0;
    this.isCut = false;
  }

  /** Keeps the beginning of a line; what would make it longer than a line may be is dropped. */
  private keep(bytes: Buffer): void {
    const length = Math.min(maxLineBytes, this.restLength + bytes.length);
    if (!this.isCut && length < this.restLength + bytes.length) {
      this.isCut = true;
      this.cut += 1;
    }
    if (length > this.rest.length) {
      const grown = Buffer.allocUnsafe(Math.min(maxLineBytes, Math.max(4096, 2 * length)));
      this.rest.copy(grown, 0, 0, this.restLength);
      this.rest = grown;
    }
    bytes.copy(this.rest, this.restLength, 0, length - this.restLength);
    this.restLength = length;
  }
}

function couldBecomeMark(head: Buffer): boolean {
  const [first, second] = head;
  return (
    head.length === 0 ||
    (head.length === 1 && (first === 0xff || first === 0xfe || first === 0xef)) ||
    (head.length === 2 && first === 0xef && second === 0xbb)
  );
}

/** The length of the byte order mark, and what makes UTF-8 of what follows it. */
function encodingOf(head: Buffer): [number, (chunk: Uint8Array) => Buffer] {
  const [first, second, third] = head;
  const isLittle = first === 0xff && second === 0xfe;
  const hasMark = isLittle || (first === 0xfe && second === 0xff);
  // Where it begins in another encoding, its lines are told apart one by one.
  const isWide = !hasMark && (first === 0) !== (second === 0);
  const wide = isWide ? wideEncoding(head.subarray(0, sampleBytes)) : undefined;
  if (hasMark || wide !== undefined) {
    const decoder = decoderOf(wide ?? (isLittle ? 'utf-16le' : 'utf-16be'));
    return [
      hasMark ? 2 : 0,
      (chunk) => Buffer.from(decoder?.decode(chunk, { stream: true }) ?? chunk),
    ];
  }
  const isMarkedUtf8 = first === 0xef && second === 0xbb && third === 0xbf;
  return [
    isMarkedUtf8 ? 3 : 0,
    (chunk) => Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length),
  ];
}

const sampleBytes = 4096;
/** Fewer bytes do not show which of two is always zero. */
const leastBytes = 16;

/** UTF-16 without a mark: every other byte of its digits and Latin letters is zero. */
function wideEncoding(bytes: Uint8Array): 'utf-16le' | 'utf-16be' | undefined {
  const zeros = [0, 0];
  for (const [index, byte] of bytes.entries()) {
    zeros[index % 2] = (zeros[index % 2] ?? 0) + (byte === 0 ? 1 : 0);
  }
  const [even = 0, odd = 0] = zeros;
  if (bytes.length < leastBytes || Math.max(even, odd) < bytes.length / 8) {
    return undefined;
  }
  return odd > 8 * even ? 'utf-16le' : even > 8 * odd ? 'utf-16be' : undefined;
}

/** Undefined where this Node was built without the tables of that encoding. */
function decoderOf(label: string): TextDecoder | undefined {
  try {
    return new TextDecoder(label);
  } catch {
    return undefined;
  }
}

/** The lines of a block, without their line breaks. */
export function linesOf(bytes: Buffer): readonly string[] {
  const lines: string[] = [];
  for (let start = 0; start < bytes.length;) {
    const end = blockEnd(bytes, start);
    const text = decode(bytes.subarray(start, end)).replaceAll('\0', '');
    const even = text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text;
    for (const line of (even.endsWith('\n') ? even.slice(0, -1) : even).split('\n')) {
      lines.push(line.length > maxLineBytes ? line.slice(0, maxLineBytes) : line);
    }
    start = end;
  }
  return lines;
}

/**
 * Whole lines of about `blockBytes`. Decoding many lines at once is quick, but a line that
 * somebody keeps then holds its whole block in memory.
 */
function blockEnd(bytes: Buffer, start: number): number {
  if (bytes.length - start <= blockBytes) {
    return bytes.length;
  }
  const next = bytes.indexOf(lineFeed, start + blockBytes);
  return next === -1 ? bytes.length : next + 1;
}

function decode(bytes: Buffer): string {
  if (bytes.includes(0)) {
    return decodeUnknown(bytes);
  }
  if (isAscii(bytes)) {
    return bytes.toString('latin1');
  }
  return isUtf8(bytes) ? bytes.toString('utf8') : decodeUnknown(bytes);
}

const gb18030 = decoderOf('gb18030');
const windows1252 = decoderOf('windows-1252');

/** Decodes each line by itself: one bad line must not spoil the others. */
function decodeUnknown(bytes: Buffer): string {
  const lines: string[] = [];
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf(lineFeed, start) + 1 || bytes.length;
    lines.push(decodeLine(bytes.subarray(start, end)));
    start = end;
  }
  return lines.join('');
}

/** One line of undeclared encoding. */
export function decodeLine(line: Buffer): string {
  if (line.includes(0)) {
    return decodeWide(line);
  }
  if (isUtf8(line)) {
    return line.toString('utf8');
  }
  const western = line.toString('latin1');
  // Where accented letters stand alone it is no other alphabet.
  const legacy = /[\u0080-\u00ff]{2}/.test(western) ? decodeLegacy(line) : undefined;
  if (legacy !== undefined) {
    return legacy;
  }
  if (looksChinese(western)) {
    return gb18030?.decode(line) ?? western;
  }
  // Windows-1252 has letters and quotes where Latin-1 has control characters.
  return /[\u0080-\u009f]/.test(western) ? (windows1252?.decode(line) ?? western) : western;
}

/**
 * A line of UTF-16 in a log of another encoding: Windows PowerShell appends such. Behind a line of
 * its own kind it begins with the second half of the line break.
 */
function decodeWide(line: Buffer): string {
  const wide = line[0] === 0 ? line.subarray(1) : line;
  const isBroken = wide.length % 2 === 1 && wide.at(-1) === lineFeed;
  return wideEncoding(wide.subarray(0, sampleBytes)) === 'utf-16le'
    ? wide.toString('utf16le') + (isBroken ? '\n' : '')
    : decodeLine(Buffer.from(line.filter((byte) => byte !== 0)));
}

/**
 * Chinese in GB2312, GBK or GB18030 comes in pairs of bytes from A1 up; accented letters of
 * Western text stand alone or by twos. `text` has one character a byte.
 */
function looksChinese(text: string): boolean {
  let inPairs = 0;
  let others = 0;
  for (const [run] of text.matchAll(/[\u00a1-\u00fe]+/g)) {
    if (run.length >= 4 && run.length % 2 === 0) {
      inPairs += run.length;
    } else {
      others += run.length;
    }
  }
  return inPairs > others;
}
