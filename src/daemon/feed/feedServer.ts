import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import type { Duplex } from 'node:stream';
import { type ServerOptions, WebSocket, WebSocketServer } from 'ws';
import type { Clock, Timer } from '../../core/clock';
import type { Disposable } from '../../core/disposables';
import {
  feedProtocol,
  isEqualSecret,
  newSecret,
  type Refusal,
  refuseStranger,
  Tickets,
  tokenOf,
} from './feedAccess';
import type { PageAssets } from './pageAssets';

/** Pages and programs that may listen at once. */
const maxClients = 16;
/** TCP connections at once, those included that never say a word. */
const maxConnections = 64;
/** A client with so much unread has stopped reading, in bytes; a whole snapshot is below it. */
const maxUnreadBytes = 8 * 1024 * 1024;
/** Between two questions whether a client is still there, in milliseconds. */
const pingMs = 30_000;
const headerDeadlineMs = 5000;
const maxHeaderBytes = 8192;
/** Wrong tokens a minute; guesses beyond get no answer to guess by. */
const maxGuesses = 20;
const guessWindowMs = 60_000;
const goingAway = 1001;
const policyViolation = 1008;

/** Tells a new client all that it wants to know; disposed when it leaves. */
export type FeedSource = (send: (message: object) => void) => Disposable;

export interface FeedServerDependencies {
  readonly clock: Clock;
  readonly assets: PageAssets;
  /** What is told over a WebSocket, by its path. */
  readonly sources: Readonly<Record<string, FeedSource>>;
  /** The answer to `GET /status.json`. */
  readonly status: () => object;
  /** Somebody came or went. */
  readonly onClients: () => void;
}

const plainText = 'text/plain; charset=utf-8';
const types: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
};

/**
 * An HTTP server on 127.0.0.1 for dashboards and other programs. It only tells: every request is a
 * GET, and a WebSocket that sends a message is closed. Without the token there is nothing but the
 * page itself, which is empty.
 */
export class FeedServer {
  readonly token = newSecret();
  private readonly server: Server;
  private readonly sockets: WebSocketServer;
  private readonly tickets = new Tickets();
  private readonly alive = new Map<WebSocket, boolean>();
  private guesses: number[] = [];
  private pinging: Timer | undefined;
  private boundPort = 0;

  constructor(private readonly deps: FeedServerDependencies) {
    const options = {
      maxHeaderSize: maxHeaderBytes,
      connectionsCheckingInterval: 1000,
      headersTimeout: headerDeadlineMs,
      requestTimeout: headerDeadlineMs,
      keepAliveTimeout: headerDeadlineMs,
    };
    this.server = createServer(options, (request, response) => {
      this.answer(request, response);
    });
    this.server.maxConnections = maxConnections;
    this.server.on('upgrade', (request, socket, head) => {
      this.upgrade(request, socket, head);
    });
    this.server.on('clientError', (_error, socket) => {
      socket.destroy();
    });
    const limits: ServerOptions & { readonly closeTimeout: number } = {
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      // Nobody has anything to say; 0 would mean without bound.
      maxPayload: 1,
      maxFragments: 1,
      maxBufferedChunks: 16,
      autoPong: false,
      closeTimeout: 2000,
      handleProtocols: (names) => (names.has(feedProtocol) ? feedProtocol : false),
    };
    this.sockets = new WebSocketServer(limits);
  }

  /** The port, once it listens. */
  get port(): number {
    return this.boundPort;
  }

  /** How many listen over a WebSocket. */
  get clients(): number {
    return this.alive.size;
  }

  /**
   * Begins to listen on 127.0.0.1.
   * @param port 0 for one that is free
   * @throws what the system says, such as EADDRINUSE
   */
  async listen(port: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen({ host: '127.0.0.1', port, exclusive: true }, () => {
        this.server.removeListener('error', reject);
        // A socket that cannot be accepted, for want of descriptors, is no reason to end.
        this.server.on('error', () => undefined);
        resolve();
      });
    });
    const address = this.server.address();
    this.boundPort = typeof address === 'object' && address !== null ? address.port : 0;
    this.pingLater();
  }

  /** A word for the address that a browser is opened with; it stands for the token once. */
  ticket(): string {
    return this.tickets.issue(this.deps.clock.monotonicMs());
  }

  async close(): Promise<void> {
    this.pinging?.cancel();
    for (const socket of this.alive.keys()) {
      socket.close(goingAway);
      socket.terminate();
    }
    await new Promise<void>((resolve) => {
      this.server.close(() => {
        resolve();
      });
      this.server.closeAllConnections();
    });
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    // What a body would say does not interest, however long it is.
    request.resume();
    const path = pathOf(request);
    const refusal =
      request.method === 'GET'
        ? refuseStranger(request.headers, this.port)
        : { status: 405 as const, words: 'This server is only read: GET.' };
    if (refusal !== undefined) {
      this.end(response, refusal.status, refusal.words);
      return;
    }
    const asset = path === '/' ? 'index.html' : path.slice(1);
    if (Object.hasOwn(this.deps.assets, asset)) {
      this.end(response, 200, this.deps.assets[asset] ?? '', types[asset.split('.').at(-1) ?? '']);
    } else if (path === '/status.json' || path === '/token') {
      this.answerPrivately(request, response, path);
    } else {
      const words =
        path === '/' ? 'This build has no dashboard page.' : 'There is nothing of this name here.';
      this.end(response, 404, words);
    }
  }

  private answerPrivately(
    request: IncomingMessage,
    response: ServerResponse,
    path: '/status.json' | '/token',
  ): void {
    const offered = tokenOf(request.headers);
    const refusal = this.refuseGuess(() =>
      path === '/token'
        ? this.tickets.redeem(offered, this.deps.clock.monotonicMs())
        : isEqualSecret(offered, this.token),
    );
    if (refusal !== undefined) {
      this.end(response, refusal.status, refusal.words);
    } else if (path === '/token') {
      this.end(response, 200, this.token);
    } else {
      const text = `${JSON.stringify(this.deps.status())}\n`;
      this.end(response, 200, text, 'application/json; charset=utf-8');
    }
  }

  private end(response: ServerResponse, status: number, text: string, type = plainText): void {
    response.writeHead(status, {
      ...this.headers(),
      ...(status === 405 ? { Allow: 'GET' } : {}),
      'Content-Type': type,
      'Content-Length': Buffer.byteLength(text),
    });
    response.end(text);
  }

  private headers(): OutgoingHttpHeaders {
    const feeds = `ws://127.0.0.1:${this.port} ws://localhost:${this.port}`;
    return {
      'Content-Security-Policy': `default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self' ${feeds}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
      'X-Content-Type-Options': 'nosniff',
      'X-Frame-Options': 'DENY',
      'Referrer-Policy': 'no-referrer',
      'Cross-Origin-Resource-Policy': 'same-origin',
      'Cross-Origin-Opener-Policy': 'same-origin',
      'Cache-Control': 'no-store',
    };
  }

  private upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => {
      socket.destroy();
    });
    const path = pathOf(request);
    const source = Object.hasOwn(this.deps.sources, path) ? this.deps.sources[path] : undefined;
    const refusal =
      refuseStranger(request.headers, this.port) ??
      (source === undefined
        ? { status: 404 as const, words: 'There is no feed of this name.' }
        : this.refuseGuess(() => isEqualSecret(tokenOf(request.headers), this.token))) ??
      (this.alive.size >= maxClients
        ? { status: 503 as const, words: `${maxClients} clients listen already.` }
        : undefined);
    if (refusal !== undefined || source === undefined) {
      refuse(socket, refusal);
      return;
    }
    this.sockets.handleUpgrade(request, socket, head, (client) => {
      this.serve(client, source);
    });
  }

  private serve(client: WebSocket, source: FeedSource): void {
    this.alive.set(client, true);
    const subscription = source((message) => {
      this.send(client, message);
    });
    client.on('message', () => {
      client.close(policyViolation, 'this feed is only read');
    });
    client.on('ping', () => {
      client.close(policyViolation, 'this feed is only read');
    });
    client.on('pong', () => {
      if (this.alive.has(client)) {
        this.alive.set(client, true);
      }
    });
    client.on('error', () => {
      client.terminate();
    });
    client.once('close', () => {
      subscription.dispose();
      this.alive.delete(client);
      this.deps.onClients();
    });
    this.deps.onClients();
  }

  /** One that has stopped reading is dropped; it may come again and gets all anew. */
  private send(client: WebSocket, message: object): void {
    if (client.bufferedAmount > maxUnreadBytes) {
      client.terminate();
    } else if (client.readyState === WebSocket.OPEN) {
      client.send(JSON.stringify(message));
    }
  }

  private pingLater(): void {
    this.pinging = this.deps.clock.setTimer(pingMs, () => {
      for (const [client, hasAnswered] of this.alive) {
        if (hasAnswered && client.readyState === WebSocket.OPEN) {
          this.alive.set(client, false);
          client.ping();
        } else {
          client.terminate();
        }
      }
      this.pingLater();
    });
  }

  private refuseGuess(isRight: () => boolean): Refusal | undefined {
    const now = this.deps.clock.monotonicMs();
    this.guesses = this.guesses.filter((atMs) => now - atMs < guessWindowMs);
    if (isRight()) {
      return undefined;
    }
    if (this.guesses.length >= maxGuesses) {
      return { status: 429, words: 'Too many wrong tokens; wait a minute.' };
    }
    this.guesses.push(now);
    return {
      status: 401,
      words: 'The token is missing or wrong; "robo dashboard" gives the address with it.',
    };
  }
}

/** Without the query, which says nothing here. */
function pathOf({ url = '/' }: IncomingMessage): string {
  return url.split('?', 1)[0] ?? '/';
}

function refuse(socket: Duplex, refusal: Refusal | undefined): void {
  const { status, words } = refusal ?? { status: 400 as const, words: 'No.' };
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(words)}\r\n\r\n${words}`,
  );
}
