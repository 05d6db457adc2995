import { createServer, type Server, type Socket } from 'node:net';
import { eventually } from './eventually';

/** Bytes written by hand: a peer that shares no code with the connection under test. */
export class RawServer {
  readonly sockets: Socket[] = [];
  /** All bytes received, of all connections. */
  received = Buffer.alloc(0);
  /** How connections ended, as the server sees it. */
  readonly endings: ('fin' | 'rst')[] = [];
  private readonly server: Server;
  private onBytes: (() => void) | undefined;

  private constructor(options: { readonly reads: boolean }) {
    // Half-open: it does not answer a FIN by itself, as a TWS that is stuck does not.
    this.server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      this.sockets.push(socket);
      socket.on('error', () => this.endings.push('rst'));
      socket.on('end', () => this.endings.push('fin'));
      if (options.reads) {
        socket.on('data', (chunk: Buffer) => {
          this.received = Buffer.concat([this.received, chunk]);
          this.onBytes?.();
        });
      }
    });
  }

  static async start(options: { readonly reads: boolean } = { reads: true }): Promise<RawServer> {
    const server = new RawServer(options);
    await new Promise<void>((resolve) => {
      server.server.listen(0, '127.0.0.1', resolve);
    });
    return server;
  }

  get port(): number {
    const address = this.server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** Runs `action` after every chunk that comes. */
  whenBytesCome(action: () => void): void {
    this.onBytes = action;
  }

  async accepted(count = 1): Promise<void> {
    await eventually(() => this.sockets.length >= count, `${count} connection(s)`);
  }

  /** Sends one frame on the newest connection. */
  send(...fields: readonly (string | number)[]): void {
    this.write(frameOf(...fields));
  }

  write(bytes: Buffer): void {
    this.sockets.at(-1)?.write(bytes);
  }

  /** Everything up to a ready session. */
  async makeReady(version = 178): Promise<void> {
    await this.accepted();
    this.send(version, '20261120 10:00:00 EST');
    this.send(15, 1, 'DU1234567');
    this.send(9, 1, 1);
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) {
      socket.destroy();
    }
    await new Promise<void>((resolve) => {
      this.server.close(() => {
        resolve();
      });
    });
  }
}

/** A 32-bit length, big endian, and fields with a NUL behind each. */
export function frameOf(...fields: readonly (string | number)[]): Buffer {
  const body = Buffer.from(fields.map((field) => `${field}\0`).join(''), 'utf8');
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  return Buffer.concat([length, body]);
}
