import { connect, createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';

/**
 * A relay on this machine that forwards between a client and TWS until it is told to swallow:
 * then nothing comes through any more, neither bytes nor ends, and both ends stay open. What a
 * peer behind a dead firewall or a wedged proxy looks like, wherever there are sockets at all.
 */
export class BlackholeRelay {
  private readonly pairs: (readonly [client: Socket, upstream: Socket])[] = [];
  private isSwallowing = false;

  private constructor(
    private readonly server: Server,
    private readonly upstreamPort: number,
  ) {
    server.on('connection', (client) => {
      this.accept(client);
    });
  }

  static async start(upstreamPort: number): Promise<BlackholeRelay> {
    const server = createServer({ allowHalfOpen: true });
    const relay = new BlackholeRelay(server, upstreamPort);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return relay;
  }

  get port(): number {
    const address = this.server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** Reads nothing more and ends nothing more. */
  swallow(): void {
    this.isSwallowing = true;
    this.pairs.flat().forEach((socket) => {
      socket.unpipe();
      socket.pause();
    });
  }

  end(): void {
    this.server.close();
    this.pairs.flat().forEach((socket) => {
      socket.resetAndDestroy();
    });
  }

  private accept(client: Socket): void {
    const upstream = connect({
      host: '127.0.0.1',
      port: this.upstreamPort,
      noDelay: true,
      allowHalfOpen: true,
    });
    this.pairs.push([client, upstream]);
    for (const socket of [client, upstream]) {
      socket.on('error', () => undefined);
    }
    if (!this.isSwallowing) {
      client.pipe(upstream);
      upstream.pipe(client);
    }
  }
}
