import { isUtf8 } from 'node:buffer';

/**
 * The TWS wire after the hello: frames of a 32-bit big-endian length and that many bytes,
 * which hold fields of text, each ended by a NUL.
 */

/** Longest frame taken from TWS: 16 MiB − 1, the limit of IBKR's own Java client. */
export const maxFrameBytes = 0xff_ffff;

/** Longest first frame: a version, a time and the name of a time zone. */
export const maxHelloBytes = 1024;

/** Chunks of this many bytes and more are kept as they came. */
const joinedBytes = 32 * 1024;

/** The bytes cannot be TWS's: a length that no TWS sends. */
export class MalformedFrameError extends Error {
  override readonly name = 'MalformedFrameError';
}

/** Builds one frame from its fields. */
export function encodeFrame(fields: readonly (string | number)[]): Buffer {
  const body = Buffer.from(fields.map((field) => `${field}\0`).join(''), 'utf8');
  const frame = Buffer.allocUnsafe(4 + body.length);
  frame.writeUInt32BE(body.length, 0);
  body.copy(frame, 4);
  return frame;
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true });

/** TWS on Windows sends Latin-1 in localised texts; anything that is not UTF-8 is read as that. */
export function decodeText(bytes: Uint8Array): string {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return Buffer.from(bytes).toString('latin1');
  }
}

/** The fields of a frame's body. A missing last NUL is forgiven. */
export function decodeFields(body: Uint8Array): readonly string[] {
  const parts = decodeText(body).split('\0');
  if (parts.at(-1) === '') {
    parts.pop();
  }
  return parts;
}

/**
 * A body as a frame that every reader understands: its bytes as they came, or, where the last NUL
 * is missing or they are not UTF-8, encoded anew.
 */
export function frameOf(body: Buffer): Buffer {
  if (body.at(-1) !== 0 || !isUtf8(body)) {
    return encodeFrame(decodeFields(body));
  }
  const frame = Buffer.allocUnsafe(4 + body.length);
  frame.writeUInt32BE(body.length, 0);
  body.copy(frame, 4);
  return frame;
}

/**
 * Cuts a byte stream into frame bodies, whatever the chunks. Holds at most one unfinished
 * frame; joins its large chunks once, when it is complete.
 */
export class FrameReader {
  private chunks: Buffer[] = [];
  private bufferedBytes = 0;
  private limitBytes: number;

  constructor(firstFrameLimitBytes = maxHelloBytes) {
    this.limitBytes = firstFrameLimitBytes;
  }

  /** Bytes that wait for the rest of their frame. */
  get pendingBytes(): number {
    return this.bufferedBytes;
  }

  /** The first bytes that wait, for a look at what the peer is. */
  peek(maxBytes: number): Buffer {
    return Buffer.concat(this.chunks).subarray(0, maxBytes);
  }

  /**
   * Takes a chunk and yields the bodies that it completes.
   * @throws MalformedFrameError at a length of zero, below zero or above the limit, as soon as
   *   its first byte shows it.
   */
  *push(chunk: Buffer): Generator<Buffer> {
    if (chunk.length > 0) {
      this.keep(chunk);
    }
    for (;;) {
      const length = this.nextLength();
      if (length === undefined || this.bufferedBytes < 4 + length) {
        return;
      }
      const whole = this.chunks.length === 1 ? this.chunks[0] : Buffer.concat(this.chunks);
      if (whole === undefined) {
        return;
      }
      const rest = whole.subarray(4 + length);
      this.chunks = rest.length > 0 ? [rest] : [];
      this.bufferedBytes = rest.length;
      this.limitBytes = maxFrameBytes;
      yield whole.subarray(4, 4 + length);
    }
  }

  /**
   * Small chunks are joined with their neighbours while they are no longer than these, so that a
   * frame that drips in byte by byte costs neither an object a byte nor a copy a byte.
   */
  private keep(chunk: Buffer): void {
    this.bufferedBytes += chunk.length;
    let last = chunk;
    let before = this.chunks.at(-1);
    while (before !== undefined && before.length <= last.length && before.length < joinedBytes) {
      this.chunks.pop();
      last = Buffer.concat([before, last]);
      before = this.chunks.at(-1);
    }
    this.chunks.push(last);
  }

  private nextLength(): number | undefined {
    if (this.bufferedBytes < 4) {
      this.refuseBeginning();
      return undefined;
    }
    const first = this.chunks[0];
    const head = first !== undefined && first.length >= 4 ? first : Buffer.concat(this.chunks);
    if (head !== first) {
      this.chunks = [head];
    }
    const length = head.readUInt32BE(0);
    if (length === 0 || length > this.limitBytes) {
      throw new MalformedFrameError(
        `a frame of ${length} bytes, where 1 to ${this.limitBytes} are possible`,
      );
    }
    return length;
  }

  /** What begins a length that is too long need not be waited for: it may never be finished. */
  private refuseBeginning(): void {
    const least = Buffer.alloc(4);
    this.peek(4).copy(least);
    const length = least.readUInt32BE(0);
    if (length > this.limitBytes) {
      throw new MalformedFrameError(
        `the beginning of a frame of at least ${length} bytes, where 1 to ${this.limitBytes} are possible`,
      );
    }
  }
}
