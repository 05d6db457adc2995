import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { decodeFields, encodeFrame, FrameReader } from '../../src/ibkr/frames';

interface Exchange {
  readonly name: string;
  readonly match: readonly string[];
  /** Where the request id stands: in the request, and per answer id (`"10:1,52:2"`) or in all. */
  readonly rid: readonly [number, number | string] | null;
  readonly responses: readonly (readonly string[])[];
  readonly where?: {
    readonly symbolOrConId?: readonly string[];
    readonly what?: readonly string[];
    readonly notWhat?: readonly string[];
  };
}

/** A recorded session of a real TWS. */
export interface Recording {
  readonly server_version: number;
  readonly hello: readonly string[];
  readonly startup: readonly (readonly string[])[];
  readonly chunks: readonly (readonly number[])[];
  readonly exchanges: readonly Exchange[];
}

/** The recording beside the project, or undefined where it is not there: it is never committed. */
export function findRecording(name: string): Recording | undefined {
  const file = join(__dirname, '..', '..', '..', 'shared', 'recordings', `${name}.json`);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Recording) : undefined;
}

/** Serves a recording over TCP, whole or one byte at a time. */
export class RecordingServer {
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();
  /** How many connections were accepted. */
  accepted = 0;
  /** Requests that the recording has no answer to, by message id. */
  readonly unanswered: string[] = [];

  constructor(
    private readonly recording: Recording,
    private readonly options: { readonly byteByByte: boolean },
  ) {
    this.server = createServer({ noDelay: true }, (socket) => {
      this.accepted += 1;
      this.sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => this.sockets.delete(socket));
      this.serve(socket);
    });
  }

  async start(): Promise<number> {
    await new Promise<void>((resolve) => {
      this.server.listen(0, '127.0.0.1', resolve);
    });
    const address = this.server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
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

  private serve(socket: Socket): void {
    const frames = new FrameReader();
    let sawHello = false;
    let buffered = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      if (sawHello) {
        this.answer(socket, frames, chunk);
        return;
      }
      buffered = Buffer.concat([buffered, chunk]);
      if (buffered.length >= 8 && buffered.length >= 8 + buffered.readUInt32BE(4)) {
        sawHello = true;
        this.write(socket, encodeFrame(this.recording.hello));
        this.answer(socket, frames, buffered.subarray(8 + buffered.readUInt32BE(4)));
      }
    });
  }

  private answer(socket: Socket, frames: FrameReader, chunk: Buffer): void {
    for (const body of frames.push(chunk)) {
      const request = decodeFields(body);
      if (request[0] === '71') {
        for (const indexes of this.recording.chunks) {
          const parts = indexes.flatMap((index) => {
            const frame = this.recording.startup[index];
            return frame === undefined ? [] : [encodeFrame(frame)];
          });
          this.write(socket, Buffer.concat(parts));
        }
        continue;
      }
      const exchange = this.recording.exchanges.find((entry) => fits(entry, request));
      if (exchange === undefined) {
        this.unanswered.push(request[0] ?? '');
        continue;
      }
      for (const response of exchange.responses) {
        this.write(socket, encodeFrame(withRequestId(exchange, request, response)));
      }
    }
  }

  private write(socket: Socket, bytes: Buffer): void {
    if (this.options.byteByByte) {
      for (const byte of bytes) {
        socket.write(Buffer.from([byte]));
      }
    } else {
      socket.write(bytes);
    }
  }
}

function fits(exchange: Exchange, request: readonly string[]): boolean {
  if (exchange.match[0] !== request[0]) {
    return false;
  }
  const { where } = exchange;
  const named = where?.symbolOrConId;
  return (
    (named === undefined || named.some((name) => request.includes(name))) &&
    (where?.what === undefined || where.what.some((what) => request.includes(what))) &&
    where?.notWhat?.some((what) => request.includes(what)) !== true
  );
}

function withRequestId(
  exchange: Exchange,
  request: readonly string[],
  response: readonly string[],
): readonly string[] {
  if (exchange.rid === null) {
    return response;
  }
  const [from, to] = exchange.rid;
  const place =
    typeof to === 'number'
      ? to
      : Number(
          to
            .split(',')
            .map((pair) => pair.split(':'))
            .find(([id]) => id === response[0])?.[1],
        );
  return response.map((field, index) => (index === place ? (request[from] ?? '') : field));
}
