/** A field as TWS writes it; numbers are printed as JavaScript prints them. */
export type Field = string | number;

/** Real clients send requests of a few hundred bytes; anything far beyond is not one of them. */
export const largestRequestBytes = 256 * 1024;

/** The longest hello seen is `v100..193` with connect options behind it. */
const longestHelloBytes = 512;

/** Length prefix (32 bits, big endian), then each field with a NUL behind it. */
export function encodeFrame(fields: readonly Field[]): Buffer {
  const body = Buffer.from(fields.map((field) => `${field}\0`).join(''), 'utf8');
  return withLength(body);
}

/** A frame with a body of any bytes. */
export function withLength(body: Buffer): Buffer {
  const frame = Buffer.alloc(4 + body.length);
  frame.writeUInt32BE(body.length, 0);
  body.copy(frame, 4);
  return frame;
}

/** The range of server versions that a client offers. */
export interface Hello {
  readonly min: number;
  readonly max: number;
}

/** What the bytes so far amount to. `broken` means that this is no API client. */
export type Read =
  | { readonly kind: 'hello'; readonly hello: Hello }
  | { readonly kind: 'request'; readonly fields: readonly string[] }
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'broken'; readonly why: string };

/** Takes a client's stream apart: first the hello, then requests. */
export class ClientReader {
  private pending: Buffer = Buffer.alloc(0);
  private helloRead = false;

  push(chunk: Buffer): void {
    this.pending = this.pending.length === 0 ? chunk : Buffer.concat([this.pending, chunk]);
  }

  next(): Read {
    return this.helloRead ? this.nextRequest() : this.nextHello();
  }

  private nextHello(): Read {
    const magic = Buffer.from('API\0', 'latin1');
    const seen = this.pending.subarray(0, magic.length);
    if (!magic.subarray(0, seen.length).equals(seen)) {
      return { kind: 'broken', why: 'the first bytes are not "API" and NUL' };
    }
    const body = this.takeFrame(magic.length, longestHelloBytes);
    if (!Buffer.isBuffer(body)) {
      return body;
    }
    const text = body.toString('latin1');
    const match = /^v(\d{1,6})(?:\.\.(\d{1,6}))?(?:[ \0].*)?$/s.exec(text);
    if (match === null) {
      return { kind: 'broken', why: `"${text}" is no range of server versions` };
    }
    const min = Number(match[1]);
    this.helloRead = true;
    return { kind: 'hello', hello: { min, max: match[2] === undefined ? min : Number(match[2]) } };
  }

  private nextRequest(): Read {
    const body = this.takeFrame(0, largestRequestBytes);
    if (!Buffer.isBuffer(body)) {
      return body;
    }
    const fields = body.toString('utf8').split('\0');
    // The last field has a NUL behind it as well.
    if (fields.at(-1) === '') {
      fields.pop();
    }
    return { kind: 'request', fields };
  }

  private takeFrame(at: number, limit: number): Buffer | Read {
    if (this.pending.length < at + 4) {
      return { kind: 'incomplete' };
    }
    const length = this.pending.readUInt32BE(at);
    if (length > limit) {
      return { kind: 'broken', why: `a message of ${length} bytes is announced` };
    }
    const end = at + 4 + length;
    if (this.pending.length < end) {
      return { kind: 'incomplete' };
    }
    const body = this.pending.subarray(at + 4, end);
    this.pending = this.pending.subarray(end);
    return body;
  }
}
