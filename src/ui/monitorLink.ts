import type { Clock, Timer } from '../core/clock';
import { type Disposable, DisposableStore } from '../core/disposables';
import { Emitter } from '../core/emitter';
import { errorText } from '../core/errors';
import type { StatusRecord } from '../diagnostics/status';
import type { DaemonConnection } from './daemonConnection';

export type LinkState =
  | { readonly kind: 'starting' }
  | { readonly kind: 'noMonitor'; readonly why: string }
  | { readonly kind: 'watching'; readonly status: StatusRecord };

/** How long to wait before the daemon is looked for again, in milliseconds; the last one repeats. */
const retryDelaysMs = [1_000, 2_000, 5_000, 15_000, 30_000] as const;

/**
 * This window's connection to the daemon of one endpoint, kept until disposed: a daemon that went
 * away is looked for and started again.
 */
export class MonitorLink<
  T extends Pick<DaemonConnection, 'status' | 'onDidChangeStatus' | 'onDidClose' | 'dispose'>,
> implements Disposable {
  private readonly changed = new Emitter<LinkState>();
  private readonly store = new DisposableStore();
  private current: LinkState = { kind: 'starting' };
  private pending: Promise<T> | undefined;
  private failures = 0;
  private retry: Timer | undefined;
  private isDisposed = false;

  /** Fires after each change of the state. */
  readonly onDidChange = this.changed.event;

  constructor(
    private readonly open: () => Promise<T>,
    private readonly clock: Clock,
  ) {}

  get state(): LinkState {
    return this.current;
  }

  /** The connection, made now if there is none. Rejects with the reason when it cannot be made. */
  async connection(): Promise<T> {
    this.retry?.cancel();
    this.pending ??= this.connect();
    return this.pending;
  }

  /** Connects in the background; what goes wrong shows in the state. */
  start(): void {
    this.connection().catch(() => undefined);
  }

  /** Asks an open connection for the present state, so that ages are true; does nothing without one. */
  async refresh(): Promise<void> {
    if (this.current.kind === 'watching') {
      const connection = await this.connection();
      this.set({ kind: 'watching', status: await connection.status() });
    }
  }

  dispose(): void {
    this.isDisposed = true;
    this.retry?.cancel();
    this.store.dispose();
    this.changed.dispose();
  }

  private async connect(): Promise<T> {
    try {
      const connection = await this.open();
      this.store.add(connection);
      connection.onDidClose((why) => {
        this.lose(why);
      });
      connection.onDidChangeStatus((status) => {
        this.set({ kind: 'watching', status });
      });
      const status = await connection.status();
      this.failures = 0;
      this.set({ kind: 'watching', status });
      return connection;
    } catch (error) {
      this.lose(errorText(error));
      throw error;
    }
  }

  private lose(why: string): void {
    // A connection that closes while it is asked fails twice: once is enough.
    if (this.isDisposed || this.pending === undefined) {
      return;
    }
    this.pending = undefined;
    this.set({ kind: 'noMonitor', why });
    const delayMs = retryDelaysMs[Math.min(this.failures, retryDelaysMs.length - 1)] ?? 30_000;
    this.failures += 1;
    this.retry?.cancel();
    this.retry = this.clock.setTimer(delayMs, () => {
      this.start();
    });
  }

  private set(state: LinkState): void {
    if (!this.isDisposed) {
      this.current = state;
      this.changed.fire(state);
    }
  }
}
