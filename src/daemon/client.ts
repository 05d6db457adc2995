import { connect as connectSocket, type Socket } from 'node:net';
import {
  CancellationTokenSource,
  createMessageConnection,
  type MessageConnection,
  StreamMessageReader,
  StreamMessageWriter,
} from 'vscode-jsonrpc/node';
import { systemClock } from '../core/clock';
import type { Disposable } from '../core/disposables';
import { Emitter } from '../core/emitter';
import { errorCode, errorText, HumanError } from '../core/errors';
import { version } from '../core/version';
import type { DashboardMessage } from '../diagnostics/dashboard';
import type { Finding } from '../diagnostics/finding';
import type { IncidentStatus, StatusRecord } from '../diagnostics/status';
import type { LayerResult, PreflightReport } from '../preflight/report';
import type { AlertSettings, AlertSource, SettingsBySource } from './alertSettings';
import type { WatchSettings, WatchSettingsBySource } from './watchSettings';
import {
  type GateEarlyWord,
  type Hello,
  type KillOutcome,
  type KillProcessesParams,
  notifications,
  type OpenFeedResult,
  type ProcessListing,
  protocolVersion,
  requests,
  type RunnerLogLines,
  type StartRunnerParams,
  type StartRunnerResult,
  type StopRunnerResult,
  type TestParams,
  type UnwatchRunnerResult,
  type WatchRunnerParams,
  type WatchRunnerResult,
} from './protocol';

/** How long a daemon may take to say hello, in milliseconds. */
const helloDeadlineMs = 5000;
/** What writing to a daemon that has just died says. */
const goneCodes: ReadonlySet<string> = new Set(['EPIPE', 'ECONNRESET']);

/** What a caller says to start a test; the client adds the token. */
export type TestRequest = Omit<TestParams, 'token'>;
export type StartRequest = Omit<StartRunnerParams, 'token'>;

/** One connection to a daemon. Every request rejects with a HumanError once it is gone. */
export class DaemonClient implements Disposable {
  private readonly statusEmitter = new Emitter<StatusRecord>();
  private readonly logEmitter = new Emitter<RunnerLogLines>();
  private readonly layerEmitter = new Emitter<{
    readonly token: string;
    readonly layer: LayerResult;
  }>();
  private readonly earlyEmitter = new Emitter<GateEarlyWord>();
  private readonly dashboardEmitter = new Emitter<DashboardMessage>();
  private readonly closeEmitter = new Emitter<string>();
  private lastToken = 0;
  private isClosed = false;

  readonly onDidChangeStatus = this.statusEmitter.event;
  readonly onDidLog = this.logEmitter.event;
  /** Fires while the dashboard is followed. */
  readonly onDidChangeDashboard = this.dashboardEmitter.event;
  /** Fires once, with the reason, when the daemon is gone. */
  readonly onDidClose = this.closeEmitter.event;

  private constructor(
    private readonly connection: MessageConnection,
    private readonly socket: Socket,
    /** What the daemon said of itself. */
    readonly daemon: Hello,
  ) {
    connection.onNotification(notifications.health, (status) => {
      this.statusEmitter.fire(status);
    });
    connection.onNotification(notifications.log, (lines) => {
      this.logEmitter.fire(lines);
    });
    connection.onNotification(notifications.dashboard, (message) => {
      this.dashboardEmitter.fire(message);
    });
    connection.onNotification(notifications.testProgress, (progress) => {
      this.layerEmitter.fire(progress);
    });
    connection.onNotification(notifications.gateEarlyWord, (word) => {
      this.earlyEmitter.fire(word);
    });
    socket.once('close', () => {
      this.isClosed = true;
      // Rejects what still waits for an answer.
      connection.dispose();
      this.closeEmitter.fire('The monitor process ended.');
    });
  }

  /**
   * Connects to the daemon behind `socketPath`.
   * @returns undefined when nobody is there (no socket, or a stale one).
   * @throws HumanError when somebody is there that does not speak our protocol.
   */
  static async connect(socketPath: string, kind: Hello['kind']): Promise<DaemonClient | undefined> {
    const socket = await openSocket(socketPath);
    if (socket === undefined) {
      return undefined;
    }
    const connection = createMessageConnection(
      new StreamMessageReader(socket),
      new StreamMessageWriter(socket),
    );
    connection.onError(() => {
      socket.destroy();
    });
    connection.listen();
    try {
      const ours: Hello = { protocol: protocolVersion, version, pid: process.pid, kind };
      // A daemon that is killed just now may have a socket that still takes us, and then closes.
      const gone = new Promise<undefined>((resolve) => {
        socket.once('close', () => {
          resolve(undefined);
        });
      });
      const hello = connection.sendRequest(requests.hello, ours);
      const theirs = await withDeadline(Promise.race([hello, gone]), helloDeadlineMs);
      if (theirs === undefined) {
        connection.dispose();
        return undefined;
      }
      if (theirs.protocol !== protocolVersion) {
        throw new HumanError(
          `The running monitor (pid ${theirs.pid}, version ${theirs.version}) speaks another protocol than this Robo (${version}); end it with "robo shutdown" of its version, or reload all windows.`,
        );
      }
      return new DaemonClient(connection, socket, theirs);
    } catch (error) {
      const isGone = socket.readableEnded || goneCodes.has(errorCode(socket.errored) ?? '');
      connection.dispose();
      socket.destroy();
      if (isGone && !(error instanceof HumanError)) {
        return undefined;
      }
      throw error instanceof HumanError
        ? error
        : new HumanError(`The monitor process does not answer: ${errorText(error)}`);
    }
  }

  async status(): Promise<StatusRecord> {
    return this.request(() => this.connection.sendRequest(requests.status));
  }

  /** Runs the pre-flight; aborting `signal` cancels the wait, never the held socket. */
  async test(
    params: TestRequest,
    onLayer: (layer: LayerResult) => void,
    signal: AbortSignal,
  ): Promise<PreflightReport> {
    const token = this.nextToken();
    const subscription = this.layerEmitter.event((progress) => {
      if (progress.token === token) {
        onLayer(progress.layer);
      }
    });
    const cancellation = cancellationOf(signal);
    try {
      return await this.request(() =>
        this.connection.sendRequest(requests.test, { ...params, token }, cancellation.token),
      );
    } finally {
      subscription.dispose();
      cancellation.dispose();
    }
  }

  async startRunner(
    params: StartRequest,
    onEarlyWord: (finding: Finding) => void,
    signal: AbortSignal,
    onLayer?: (layer: LayerResult) => void,
  ): Promise<StartRunnerResult> {
    const token = this.nextToken();
    const early = this.earlyEmitter.event((word) => {
      if (word.token === token) {
        onEarlyWord(word.finding);
      }
    });
    const layers = this.layerEmitter.event((entry) => {
      if (entry.token === token) {
        onLayer?.(entry.layer);
      }
    });
    const cancellation = cancellationOf(signal);
    try {
      return await this.request(() =>
        this.connection.sendRequest(requests.startRunner, { ...params, token }, cancellation.token),
      );
    } finally {
      early.dispose();
      layers.dispose();
      cancellation.dispose();
    }
  }

  async stopRunner(workspace: string): Promise<StopRunnerResult> {
    return this.request(() => this.connection.sendRequest(requests.stopRunner, { workspace }));
  }

  /** Watches a runner that somebody else has started; it is never signalled. */
  async watchRunner(params: WatchRunnerParams): Promise<WatchRunnerResult> {
    return this.request(() => this.connection.sendRequest(requests.watchRunner, params));
  }

  async unwatchRunner(pid: number): Promise<UnwatchRunnerResult> {
    return this.request(() => this.connection.sendRequest(requests.unwatchRunner, { pid }));
  }

  async listProcesses(
    workspace: string | null,
    command?: readonly string[],
  ): Promise<ProcessListing> {
    const params = { workspace, ...(command === undefined ? {} : { command }) };
    return this.request(() => this.connection.sendRequest(requests.listProcesses, params));
  }

  async killProcesses(params: KillProcessesParams): Promise<readonly KillOutcome[]> {
    return this.request(() => this.connection.sendRequest(requests.killProcesses, params));
  }

  async reconnect(): Promise<StatusRecord> {
    return this.request(() => this.connection.sendRequest(requests.reconnect));
  }

  /**
   * Marks incidents as known: they raise nothing again until they end or grow worse.
   * @param keys all that are open where it is left out
   */
  async acknowledge(keys?: readonly string[]): Promise<readonly IncidentStatus[]> {
    const params = keys === undefined ? {} : { keys };
    return this.request(() => this.connection.sendRequest(requests.acknowledge, params));
  }

  /** @param until ISO 8601, at most seven days away; null ends it */
  async quiet(until: string | null): Promise<StatusRecord> {
    return this.request(() => this.connection.sendRequest(requests.quiet, { until }));
  }

  /** @param settings replace what this source has said before; null only asks what was said */
  async configureAlerts(
    source: AlertSource,
    settings: AlertSettings | null,
  ): Promise<SettingsBySource> {
    const params = { source, settings };
    return this.request(() => this.connection.sendRequest(requests.configureAlerts, params));
  }

  /** @param settings replace what this source has said before; null only asks what was said */
  async configureWatch(
    source: AlertSource,
    settings: WatchSettings | null,
  ): Promise<WatchSettingsBySource> {
    const params = { source, settings };
    return this.request(() => this.connection.sendRequest(requests.configureWatch, params));
  }

  /** Begins or ends what `onDidChangeDashboard` tells: all there is at first, then what is new. */
  async followDashboard(isFollowed: boolean): Promise<void> {
    await this.request(() => this.connection.sendRequest(requests.dashboard, { isFollowed }));
  }

  /**
   * Turns the feed on for as long as the daemon lives.
   * @param port 0, or left out, for one that is free
   */
  async openFeed(port?: number): Promise<OpenFeedResult> {
    const params = port === undefined ? {} : { port };
    return this.request(() => this.connection.sendRequest(requests.openFeed, params));
  }

  /** Asks the daemon to end; a runner goes on by itself. */
  async shutdown(): Promise<void> {
    try {
      await this.request(() => this.connection.sendRequest(requests.shutdown));
    } catch (error) {
      // It may be gone before its answer has left, which is what was asked for.
      if (!this.isGone) {
        throw error;
      }
    }
  }

  dispose(): void {
    this.closeEmitter.dispose();
    this.connection.dispose();
    this.socket.end();
    for (const emitter of [
      this.statusEmitter,
      this.logEmitter,
      this.dashboardEmitter,
      this.layerEmitter,
      this.earlyEmitter,
    ]) {
      emitter.dispose();
    }
  }

  /** Also in the moment between the other side's end and the word of it. */
  private get isGone(): boolean {
    return this.isClosed || this.socket.readableEnded || !this.socket.writable;
  }

  private nextToken(): string {
    this.lastToken += 1;
    return `${process.pid}-${this.lastToken}`;
  }

  private async request<T>(send: () => Promise<T>): Promise<T> {
    try {
      return await send();
    } catch (error) {
      throw new HumanError(
        this.isGone
          ? 'The monitor process ended; run the command again to start it anew.'
          : errorText(error),
      );
    }
  }
}

async function openSocket(path: string): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connectSocket(path);
    socket.once('connect', () => {
      socket.removeAllListeners('error');
      // A daemon that is killed resets the socket; `close` tells the rest.
      socket.on('error', () => undefined);
      resolve(socket);
    });
    socket.once('error', () => {
      socket.destroy();
      resolve(undefined);
    });
  });
}

async function withDeadline<T>(answer: Promise<T>, deadlineMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = systemClock.setTimer(deadlineMs, () => {
      reject(new Error(`no answer for ${deadlineMs / 1000} s`));
    });
    answer.then(resolve, reject).finally(() => {
      timer.cancel();
    });
  });
}

function cancellationOf(signal: AbortSignal): CancellationTokenSource {
  const source = new CancellationTokenSource();
  if (signal.aborted) {
    source.cancel();
  } else {
    signal.addEventListener(
      'abort',
      () => {
        source.cancel();
      },
      { once: true },
    );
  }
  return source;
}
