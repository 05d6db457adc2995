import { createServer, type Server, type Socket } from 'node:net';

/** What a command server does with a connection, and with each line that comes. */
export interface IbcManners {
  readonly greeting?: string;
  readonly onLine?: (line: string, socket: Socket) => void;
}

/** IBC's command server as far as a client sees it, with good and bad manners. */
export class FakeIbc {
  readonly lines: string[] = [];
  readonly endings: ('fin' | 'rst')[] = [];
  private readonly sockets: Socket[] = [];
  private readonly server: Server;

  private constructor(manners: IbcManners) {
    this.server = createServer({ allowHalfOpen: true }, (socket) => {
      this.sockets.push(socket);
      socket.setEncoding('latin1');
      socket.on('error', () => this.endings.push('rst'));
      socket.on('end', () => this.endings.push('fin'));
      if (manners.greeting !== undefined) {
        socket.write(manners.greeting);
      }
      socket.on('data', (text: string) => {
        for (const line of text.split('\n').filter((part) => part !== '')) {
          this.lines.push(line);
          manners.onLine?.(line, socket);
        }
      });
    });
  }

  static async start(manners: IbcManners): Promise<FakeIbc> {
    const ibc = new FakeIbc(manners);
    await new Promise<void>((resolve) => ibc.server.listen(0, '127.0.0.1', resolve));
    return ibc;
  }

  get port(): number {
    const address = this.server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  get connections(): number {
    return this.sockets.length;
  }

  async stop(): Promise<void> {
    this.sockets.forEach((socket) => socket.destroy());
    await new Promise<void>((resolve) => {
      this.server.close(() => {
        resolve();
      });
    });
  }
}
