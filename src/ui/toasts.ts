import type { Clock, Timer } from '../core/clock';

/** What stands higher is shown first: an answer is what somebody waits for. */
export type Importance = 'offer' | 'incident' | 'answer';

export interface Toast {
  readonly importance: Importance;
  /** Shows it; resolves with the chosen button once it is closed. */
  readonly show: () => PromiseLike<string | undefined>;
  /** False as soon as it is no longer true or wanted; asked again until it is closed. */
  readonly isDue?: () => boolean;
}

export interface ToastDeps {
  readonly clock: Clock;
  /**
   * Takes the toast that stands off the screen; the editor's list of notifications keeps it.
   * Settles when it is done; it must not fail.
   */
  readonly hide: () => PromiseLike<void> | undefined;
}

interface Waiting {
  readonly toast: Toast;
  /** Counts up with each that comes. */
  readonly order: number;
  readonly done: (chosen: string | undefined) => void;
  readonly failed: (error: unknown) => void;
}

/** How long a toast stands at least before another one of its kind takes its place. Milliseconds. */
export const toastTurnMs = 10_000;

const ranks: Readonly<Record<Importance, number>> = { offer: 0, incident: 1, answer: 2 };

/**
 * All toasts of this window, one at a time: the more important one takes the place of what stands,
 * an answer that of an earlier answer, and every other one waits for its turn. While progress is
 * shown nothing stands beside it.
 */
export class Toasts {
  private waiting: readonly Waiting[] = [];
  private shown: (Pick<Waiting, 'toast' | 'order'> & { readonly sinceMs: number }) | undefined;
  private turn: Timer | undefined;
  private tasks = 0;
  private count = 0;
  /** A hiding that is under way would take the next toast along. */
  private hiding: PromiseLike<void> | undefined;

  constructor(private readonly deps: ToastDeps) {}

  /** Shows a toast in its turn; undefined where none of its buttons was chosen, or it was dropped. */
  async ask(toast: Toast): Promise<string | undefined> {
    return new Promise((done, failed) => {
      this.count += 1;
      this.waiting = [...this.waiting, { toast, order: this.count, done, failed }];
      this.next();
    });
  }

  /** Runs a task that shows its progress as a toast of the editor's own. */
  async during<T>(task: () => PromiseLike<T>): Promise<T> {
    this.tasks += 1;
    this.takeAway();
    try {
      return await task();
    } finally {
      this.tasks -= 1;
      if (this.tasks === 0) {
        // The editor leaves finished progress standing for a moment, beside what comes next.
        this.hide();
      }
      this.next();
    }
  }

  /** Takes away what is no longer due, and shows what is next. */
  recheck(): void {
    if (this.shown !== undefined && !isDue(this.shown.toast)) {
      this.takeAway();
    }
    this.next();
  }

  dispose(): void {
    this.turn?.cancel();
    this.waiting = [];
  }

  private next(): void {
    this.turn?.cancel();
    for (const dropped of this.waiting.filter(({ toast }) => !isDue(toast))) {
      dropped.done(undefined);
    }
    this.waiting = this.waiting.filter(({ toast }) => isDue(toast));
    const best = this.best();
    if (best === undefined || this.tasks > 0) {
      return;
    }
    const leftMs = this.leftMs(best);
    if (leftMs === Infinity) {
      return;
    }
    if (leftMs > 0) {
      this.turn = this.deps.clock.setTimer(leftMs, () => {
        this.next();
      });
      return;
    }
    this.takeAway();
    this.waiting = this.waiting.filter((each) => each !== best);
    this.show(best);
  }

  /** The most important one that waits: of answers the newest, of the others the oldest. */
  private best(): Waiting | undefined {
    const answer = this.waiting.findLast(({ toast }) => toast.importance === 'answer');
    return answer ?? this.waiting.toSorted((a, b) => rankOf(b.toast) - rankOf(a.toast))[0];
  }

  /** How long the shown one still keeps its place against this one; until it is closed: Infinity. */
  private leftMs({ toast, order }: Waiting): number {
    const { shown } = this;
    if (shown === undefined) {
      return 0;
    }
    const isNewerAnswer = toast.importance === 'answer' && order > shown.order;
    if (isNewerAnswer || rankOf(toast) > rankOf(shown.toast)) {
      return 0;
    }
    // Others leave the screen by themselves, and nothing tells us; an incident stays.
    const isStaying = shown.toast.importance === 'incident' && toast.importance === 'offer';
    return isStaying ? Infinity : shown.sinceMs + toastTurnMs - this.deps.clock.monotonicMs();
  }

  private takeAway(): void {
    if (this.shown !== undefined) {
      this.shown = undefined;
      this.hide();
    }
  }

  private hide(): void {
    const hiding = this.deps.hide();
    this.hiding = hiding;
    hiding?.then(() => {
      if (this.hiding === hiding) {
        this.hiding = undefined;
      }
    });
  }

  private show({ toast, order, done, failed }: Waiting): void {
    const shown = { toast, order, sinceMs: this.deps.clock.monotonicMs() };
    this.shown = shown;
    const closed = (): void => {
      if (this.shown === shown) {
        this.shown = undefined;
        this.next();
      }
    };
    // What has left the screen can still be answered from the editor's list.
    this.whenHidden(toast).then(
      (chosen) => {
        closed();
        done(chosen);
      },
      (error: unknown) => {
        closed();
        failed(error);
      },
    );
    this.next();
  }

  private whenHidden(toast: Toast): PromiseLike<string | undefined> {
    return this.hiding === undefined
      ? toast.show()
      : this.hiding.then(() => (isDue(toast) ? toast.show() : undefined));
  }
}

function rankOf({ importance }: Toast): number {
  return ranks[importance];
}

function isDue({ isDue: ask }: Toast): boolean {
  return ask?.() ?? true;
}
