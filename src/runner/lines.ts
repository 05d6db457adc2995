/** A longer line is cut here; a program that prints no newline must not fill our memory. */
export const maxLineBytes = 16 * 1024;

const newline = 0x0a;
const carriageReturn = 0x0d;
const cutMark = ' … [robo: rest of the line left out]';

/**
 * Cuts a byte stream into lines. It works on bytes, so that a character that lies across two
 * chunks is decoded whole: no byte of a UTF-8 sequence is a newline.
 */
export class LineSplitter {
  private kept: Buffer[] = [];
  private keptBytes = 0;
  /** The line under way was cut and its rest is thrown away. */
  private isSkipping = false;

  /** The complete lines that `chunk` ends, without their line ends. */
  push(chunk: Buffer): string[] {
    const lines: string[] = [];
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(newline, start);
      if (end === -1) {
        break;
      }
      const last = chunk.subarray(start, end);
      start = end + 1;
      if (this.isSkipping) {
        this.isSkipping = false;
      } else {
        this.keep(last);
        lines.push(this.take());
      }
    }
    this.keepRest(chunk.subarray(start), lines);
    return lines;
  }

  /** The unfinished line, if there is one; for the end of the stream. */
  flush(): string[] {
    this.isSkipping = false;
    return this.keptBytes === 0 ? [] : [this.take()];
  }

  /** Forgets the unfinished line and everything up to the next line end: bytes were lost. */
  skipToNextLine(): void {
    this.kept = [];
    this.keptBytes = 0;
    this.isSkipping = true;
  }

  /** Forgets the unfinished line: the file begins anew. */
  reset(): void {
    this.kept = [];
    this.keptBytes = 0;
    this.isSkipping = false;
  }

  /** Bytes of the line under way. */
  get pendingBytes(): number {
    return this.keptBytes;
  }

  private keepRest(rest: Buffer, lines: string[]): void {
    if (this.isSkipping || rest.length === 0) {
      return;
    }
    this.keep(rest);
    if (this.keptBytes > maxLineBytes) {
      lines.push(this.take());
      this.isSkipping = true;
    }
  }

  private keep(part: Buffer): void {
    // One byte more than the limit tells a cut line from one that fits exactly.
    const room = maxLineBytes + 2 - this.keptBytes;
    if (room > 0 && part.length > 0) {
      // Copied, so that a few bytes do not keep a whole chunk alive.
      const copy = Buffer.from(part.subarray(0, room));
      this.kept.push(copy);
      this.keptBytes += copy.length;
    }
  }

  private take(): string {
    const bytes = this.kept.length === 1 ? this.kept[0] : Buffer.concat(this.kept);
    this.kept = [];
    this.keptBytes = 0;
    return decode(bytes ?? Buffer.alloc(0));
  }
}

function decode(bytes: Buffer): string {
  const end = bytes.at(-1) === carriageReturn ? bytes.length - 1 : bytes.length;
  if (end <= maxLineBytes) {
    return bytes.toString('utf8', 0, end);
  }
  let cut = maxLineBytes;
  // Back to the first byte of a character (continuation bytes are 10xxxxxx).
  while (cut > 0 && ((bytes[cut] ?? 0) & 0xc0) === 0x80) {
    cut -= 1;
  }
  return bytes.toString('utf8', 0, cut) + cutMark;
}
