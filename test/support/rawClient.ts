import { type Socket, connect } from 'node:net';

type Field = string | number;

/** How a connection ended, as the client sees it. */
export type Ending = 'fin' | 'rst';

/** Frames written by hand: a client that shares no code with the simulator or the session. */
export class RawClient {
  /** Fields of each complete frame received, in order. */
  readonly frames: string[][] = [];
  /** All bytes received. */
  bytes = Buffer.alloc(0);
  /** Number of `data` events. */
  chunks = 0;
  ending: Ending | undefined;
  private unparsed = Buffer.alloc(0);
  private readonly waiting = new Set<() => void>();

  private constructor(readonly socket: Socket) {
    socket.on('data', (chunk: Buffer) => {
      this.chunks += 1;
      this.bytes = Buffer.concat([this.bytes, chunk]);
      this.unparsed = Buffer.concat([this.unparsed, chunk]);
      this.parse();
      this.wake();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.ending ??= error.code === 'ECONNRESET' || error.code === 'EPIPE' ? 'rst' : undefined;
      this.wake();
    });
    socket.on('end', () => {
      this.ending ??= 'fin';
      this.wake();
    });
  }

  /** Connects to 127.0.0.1; rejects with the system's error. */
  static async connect(port: number): Promise<RawClient> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
    const client = new RawClient(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return client;
  }

  sendHello(range = 'v100..178'): void {
    const body = Buffer.from(range, 'latin1');
    const length = Buffer.alloc(4);
    length.writeUInt32BE(body.length);
    this.socket.write(Buffer.concat([Buffer.from('API\0', 'latin1'), length, body]));
  }

  send(...fields: readonly Field[]): void {
    const body = Buffer.from(fields.map((field) => `${field}\0`).join(''), 'utf8');
    const length = Buffer.alloc(4);
    length.writeUInt32BE(body.length);
    this.socket.write(Buffer.concat([length, body]));
  }

  /** Hello, START_API and everything up to the last start-up notice. */
  async ready(clientId = 1, range = 'v100..178'): Promise<this> {
    this.sendHello(range);
    await this.until(() => this.frames.length > 0, 'the server version');
    this.send(71, 2, clientId, '');
    await this.until(() => this.notice(2158) !== undefined, 'the start-up notices');
    return this;
  }

  /** The first frame with that message id. */
  first(id: number): readonly string[] | undefined {
    return this.all(id)[0];
  }

  /** All frames with that message id; the answer to the hello is not among them. */
  all(id: number): readonly (readonly string[])[] {
    return this.frames.slice(1).filter((frame) => frame[0] === String(id));
  }

  /** The first error message or notice with that code. */
  notice(code: number): readonly string[] | undefined {
    return this.all(4).find((frame) => frame[3] === String(code));
  }

  async message(id: number): Promise<readonly string[]> {
    return await this.have(() => this.first(id), `message ${id}`);
  }

  async error(code: number): Promise<readonly string[]> {
    return await this.have(() => this.notice(code), `code ${code}`);
  }

  async ended(): Promise<Ending> {
    return await this.have(() => this.ending, 'the end of the connection');
  }

  /** Asks the time and waits for the answer: all that was sent before has then been dealt with. */
  async askTime(): Promise<number> {
    const before = this.all(49).length;
    this.send(49, 1);
    await this.until(() => this.all(49).length > before, 'the server time');
    return Number(this.all(49).at(-1)?.[2]);
  }

  async until(isTrue: () => boolean, what: string, deadlineMs = 3000): Promise<void> {
    await this.have(() => (isTrue() ? true : undefined), what, deadlineMs);
  }

  close(): void {
    this.socket.resetAndDestroy();
  }

  private async have<T>(look: () => T | undefined, what: string, deadlineMs = 3000): Promise<T> {
    return await new Promise<T>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.waiting.delete(check);
        reject(new Error(`${what} did not come within ${deadlineMs} ms`));
      }, deadlineMs);
      const check = (): void => {
        const found = look();
        if (found !== undefined) {
          clearTimeout(timer);
          this.waiting.delete(check);
          resolve(found);
        }
      };
      this.waiting.add(check);
      check();
    });
  }

  private wake(): void {
    for (const check of [...this.waiting]) {
      check();
    }
  }

  private parse(): void {
    while (this.unparsed.length >= 4) {
      const end = 4 + this.unparsed.readUInt32BE(0);
      if (this.unparsed.length < end) {
        return;
      }
      const fields = this.unparsed.subarray(4, end).toString('utf8').split('\0');
      fields.pop();
      this.frames.push(fields);
      this.unparsed = this.unparsed.subarray(end);
    }
  }
}
