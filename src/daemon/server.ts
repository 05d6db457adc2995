import { createServer, type Server, type Socket } from 'node:net';
import { rmSync } from 'node:fs';
import {
  type CancellationToken,
  createMessageConnection,
  ErrorCodes,
  type MessageConnection,
  ResponseError,
  StreamMessageReader,
  StreamMessageWriter,
} from 'vscode-jsonrpc/node';
import type { Clock, Timer } from '../core/clock';
import type { Disposable } from '../core/disposables';
import { errorText, HumanError } from '../core/errors';
import type { EndpointPaths } from '../core/paths';
import { version } from '../core/version';
import { ensurePrivateDirectory } from '../monitor/records';
import type { Daemon, RequestProgress } from './daemon';
import { type Hello, notifications, protocolVersion, requests } from './protocol';
import { checked, invalid } from './requestParams';

/** How long a daemon stays without a client and a runner, in milliseconds. */
const graceMs = 600_000;
/** How long a client may take to read the last words, in milliseconds. */
const lastWordsMs = 500;
/** A client with so many unread notifications has stopped reading; it may connect again. */
const maxUnread = 256;

/** A client that has said hello in our protocol. */
interface GreetedClient {
  readonly socket: Socket;
  readonly kind: Hello['kind'];
  /** Notifications that it has not taken yet. */
  unread: number;
  /** What it is told of the dashboard, while it follows it. */
  dashboard?: Disposable | undefined;
}

export interface ServerOptions {
  readonly clock: Clock;
  /** Stays for ever. */
  readonly isService: boolean;
}

/** Serves a daemon to windows and command lines over the local socket. */
export class DaemonServer {
  private readonly server: Server;
  /** All of them, those included that never said hello. */
  private readonly sockets = new Set<Socket>();
  private readonly connections = new Map<MessageConnection, GreetedClient>();
  private graceTimer: Timer | undefined;
  private resolveEnd: (why: string) => void = () => undefined;
  /** Resolves with the reason when the daemon should end. */
  readonly ended = new Promise<string>((resolve) => {
    this.resolveEnd = resolve;
  });

  constructor(
    private readonly daemon: Daemon,
    private readonly paths: EndpointPaths,
    private readonly options: ServerOptions,
  ) {
    this.server = createServer((socket) => {
      this.accept(socket);
    });
    daemon.onDidChangeStatus((status) => {
      this.broadcast(async (connection) =>
        connection.sendNotification(notifications.health, status),
      );
      this.considerEnd();
    });
    daemon.runners.onLines((lines) => {
      // A window shows the log file itself; a flood of lines would only hold it up.
      this.broadcast(
        async (connection) => connection.sendNotification(notifications.log, lines),
        ({ kind }) => kind !== 'window',
      );
    });
  }

  /** Binds the socket. Only the holder of the lock may call this: it removes a stale file. */
  async listen(): Promise<void> {
    if (this.paths.socketDirectory !== null) {
      ensurePrivateDirectory(this.paths.socketDirectory);
      rmSync(this.paths.socket, { force: true });
    }
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(this.paths.socket, resolve);
    });
    this.considerEnd();
  }

  async close(): Promise<void> {
    this.graceTimer?.cancel();
    const closed = new Promise<void>((resolve) => {
      this.server.close(() => {
        resolve();
      });
    });
    for (const connection of this.connections.keys()) {
      connection.dispose();
    }
    for (const socket of this.sockets) {
      socket.destroySoon();
    }
    // A window that is stopped does not read, and would keep us for ever.
    const timer = this.options.clock.setTimer(lastWordsMs, () => {
      for (const socket of this.sockets) {
        socket.destroy();
      }
    });
    await closed;
    timer.cancel();
  }

  private broadcast(
    send: (connection: MessageConnection) => Promise<void>,
    isMeant: (client: GreetedClient) => boolean = () => true,
  ): void {
    for (const [connection, client] of this.connections) {
      if (isMeant(client)) {
        this.notify(client, () => send(connection));
      }
    }
  }

  private notify(client: GreetedClient, send: () => Promise<void>): void {
    if (client.unread >= maxUnread) {
      client.socket.destroy();
      return;
    }
    client.unread += 1;
    const done = (): void => {
      client.unread -= 1;
    };
    // A client that is going away cannot be told; its close event follows.
    send().then(done, done);
  }

  private followDashboard(connection: MessageConnection, isFollowed: boolean): null {
    const client = this.connections.get(connection);
    client?.dashboard?.dispose();
    if (client !== undefined) {
      client.dashboard = isFollowed
        ? this.daemon.dashboard.subscribe((message) => {
            this.notify(client, async () =>
              connection.sendNotification(notifications.dashboard, message),
            );
          })
        : undefined;
    }
    return null;
  }

  private accept(socket: Socket): void {
    const connection = createMessageConnection(
      new StreamMessageReader(socket),
      new StreamMessageWriter(socket),
    );
    socket.on('error', () => {
      socket.destroy();
    });
    this.sockets.add(socket);
    const gone = new AbortController();
    socket.once('close', () => {
      gone.abort();
      this.sockets.delete(socket);
      this.connections.get(connection)?.dashboard?.dispose();
      this.connections.delete(connection);
      connection.dispose();
      this.clientsChanged();
    });
    connection.onRequest(requests.hello, (theirs: unknown): Hello => {
      // Of another protocol nothing is known but that it names itself.
      const protocol = (theirs as Partial<Hello> | null)?.protocol;
      if (protocol === protocolVersion || typeof protocol !== 'number') {
        const { kind } = checked('hello', theirs);
        this.connections.set(connection, { socket, unread: 0, kind });
        this.clientsChanged();
      }
      const { isService } = this.options;
      return { protocol: protocolVersion, version, pid: process.pid, kind: 'daemon', isService };
    });
    this.answer(connection, gone.signal);
    connection.listen();
  }

  private answer(connection: MessageConnection, gone: AbortSignal): void {
    const greeted = (): Daemon => {
      if (!this.connections.has(connection)) {
        throw new ResponseError(
          ErrorCodes.ServerNotInitialized,
          `This monitor speaks protocol ${protocolVersion}; say hello in it first.`,
        );
      }
      return this.daemon;
    };
    connection.onRequest(requests.status, () => greeted().askedStatus());
    connection.onRequest(requests.test, async (sent, token) => {
      const [daemon, params] = [greeted(), checked('test', sent)];
      const ends = [gone, aborted(token)];
      return daemon.test(params, this.progress(connection, params.token, ends));
    });
    connection.onRequest(requests.startRunner, async (sent, token) => {
      const [daemon, params] = [greeted(), checked('startRunner', sent)];
      const ends = [gone, aborted(token)];
      return daemon.startRunner(params, this.progress(connection, params.token, ends));
    });
    connection.onRequest(requests.stopRunner, async (sent) =>
      greeted().stopRunner(checked('stopRunner', sent).workspace),
    );
    connection.onRequest(requests.watchRunner, async (sent) =>
      greeted().watchRunner(checked('watchRunner', sent)),
    );
    connection.onRequest(requests.unwatchRunner, async (sent) =>
      greeted().unwatchRunner(checked('unwatchRunner', sent).pid),
    );
    connection.onRequest(requests.listProcesses, async (sent) =>
      greeted().listProcesses(checked('listProcesses', sent)),
    );
    connection.onRequest(requests.killProcesses, async (sent) =>
      greeted().killProcesses(checked('killProcesses', sent)),
    );
    connection.onRequest(requests.reconnect, () => greeted().reconnect());
    answerSettings(connection, greeted);
    this.answerDashboards(connection, greeted);
    // Also without a hello: a client of a newer protocol asks for room in this way.
    connection.onRequest(requests.shutdown, () => {
      this.options.clock.setTimer(0, () => {
        this.resolveEnd('a client asked for it');
      });
      return null;
    });
  }

  private answerDashboards(connection: MessageConnection, greeted: () => Daemon): void {
    connection.onRequest(requests.dashboard, (sent) => {
      greeted();
      return this.followDashboard(connection, checked('dashboard', sent).isFollowed);
    });
    connection.onRequest(requests.openFeed, async (sent) =>
      greeted().openFeed(checked('openFeed', sent).port),
    );
  }

  private progress(
    connection: MessageConnection,
    token: string,
    ends: readonly AbortSignal[],
  ): RequestProgress {
    const tell = (sent: Promise<void>): void => {
      sent.catch((error: unknown) => {
        this.daemon.log('WARN', 'client.gone', errorText(error));
      });
    };
    return {
      signal: AbortSignal.any([...ends]),
      onLayer: (layer) => {
        tell(connection.sendNotification(notifications.testProgress, { token, layer }));
      },
      onEarlyWord: (finding) => {
        tell(connection.sendNotification(notifications.gateEarlyWord, { token, finding }));
      },
    };
  }

  private clientsChanged(): void {
    const clients = [...this.connections.values()];
    this.daemon.setWindows(clients.filter(({ kind }) => kind === 'window').length);
    this.considerEnd();
  }

  /** Ends after the grace period without a client and without a living runner. */
  private considerEnd(): void {
    const isNeeded =
      this.options.isService ||
      this.connections.size > 0 ||
      this.daemon.isAnyRunnerAlive ||
      this.daemon.feedClients > 0;
    if (isNeeded) {
      this.graceTimer?.cancel();
      this.graceTimer = undefined;
    } else {
      this.graceTimer ??= this.options.clock.setTimer(graceMs, () => {
        this.resolveEnd('no window, command or runner needed it any more');
      });
    }
  }
}

/** Answers what the trader says of alerts and of the watch. */
function answerSettings(connection: MessageConnection, greeted: () => Daemon): void {
  connection.onRequest(requests.acknowledge, (sent) =>
    greeted().acknowledge(checked('acknowledge', sent).keys),
  );
  connection.onRequest(requests.quiet, (sent) => {
    const [daemon, { until }] = [greeted(), checked('quiet', sent)];
    return orInvalid(() => daemon.quiet(until));
  });
  connection.onRequest(requests.configureAlerts, (sent) => {
    const [daemon, params] = [greeted(), checked('configureAlerts', sent)];
    return orInvalid(() => daemon.configureAlerts(params.source, params.settings));
  });
  connection.onRequest(requests.configureWatch, (sent) => {
    const [daemon, params] = [greeted(), checked('configureWatch', sent)];
    return orInvalid(() => daemon.configureWatch(params.source, params.settings));
  });
}

/** What is said of wrong parameters by who understands them. */
function orInvalid<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof HumanError ? invalid(error.message) : error;
  }
}

function aborted(cancellation: CancellationToken): AbortSignal {
  const controller = new AbortController();
  cancellation.onCancellationRequested(() => {
    controller.abort();
  });
  return controller.signal;
}
