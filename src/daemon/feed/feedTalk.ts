import { type Clock, isoTime, type Timer } from '../../core/clock';
import { type Disposable, toDisposable } from '../../core/disposables';
import { version } from '../../core/version';
import type { RunnerFact } from '../../diagnostics/runnerFacts';
import type { StatusRecord } from '../../diagnostics/status';

/** Changes come in bursts; they are told this often at most, in milliseconds. */
const tellMs = 250;
/** Signals, fills and books that are told at once; more are counted and left out. */
const maxEvents = 200;
/** Lines of logs, likewise, and their length in characters. */
const maxLines = 500;
const maxLineLength = 2000;

interface Heard {
  /** ISO 8601. */
  readonly at: string;
  readonly workspace: string;
}

/** What `ws://127.0.0.1:<port>/feed` says; docs/feed.md documents each message for others. */
export type FeedMessage =
  | {
      readonly type: 'hello';
      readonly schema: 1;
      readonly version: string;
      readonly host: string;
      readonly port: number;
    }
  /** The whole state, as in the status file: at first, and after each change. */
  | { readonly type: 'health'; readonly status: StatusRecord }
  | (Heard & {
      readonly type: 'signal';
      readonly symbol: string;
      readonly signal: 'buy' | 'sell' | 'hold';
      readonly price: number | null;
      readonly reason: string | null;
    })
  | (Heard & {
      readonly type: 'fill';
      readonly symbol: string;
      readonly side: 'buy' | 'sell';
      readonly quantity: number;
      readonly price: number;
    })
  /** What the account or paper book is worth, in dollars. */
  | (Heard & { readonly type: 'book'; readonly equity: number })
  | { readonly type: 'log'; readonly workspace: string; readonly lines: readonly string[] }
  /** What came faster than it can be told. */
  | { readonly type: 'leftOut'; readonly events: number; readonly lines: number };

type Listener = (message: FeedMessage) => void;

/** Says to other programs what happens, in bounds; nothing is kept while nobody listens. */
export class FeedTalk implements Disposable {
  private readonly listeners = new Set<Listener>();
  private events: FeedMessage[] = [];
  private told = { events: 0, lines: 0 };
  private leftOut = { events: 0, lines: 0 };
  private isStateNew = false;
  private timer: Timer | undefined;

  constructor(
    private readonly deps: { readonly clock: Clock; readonly status: () => StatusRecord },
  ) {}

  subscribe(listener: Listener): Disposable {
    const status = this.deps.status();
    const { host } = status.session;
    listener({ type: 'hello', schema: 1, version, host, port: status.port });
    listener({ type: 'health', status });
    this.listeners.add(listener);
    return toDisposable(() => this.listeners.delete(listener));
  }

  stateChanged(): void {
    this.isStateNew = true;
    this.tellSoon();
  }

  hear(workspace: string, facts: readonly RunnerFact[]): void {
    if (this.listeners.size > 0) {
      for (const fact of facts) {
        const message = messageOf(workspace, fact, this.deps.clock.now());
        if (message !== undefined) {
          this.say(message);
        }
      }
    }
  }

  hearLines(workspace: string, lines: readonly string[]): void {
    if (this.listeners.size > 0) {
      const told = lines
        .slice(0, maxLines - this.told.lines)
        .map((line) => line.slice(0, maxLineLength));
      this.told.lines += told.length;
      this.leftOut.lines += lines.length - told.length;
      if (told.length > 0) {
        this.events.push({ type: 'log', workspace, lines: told });
      }
      this.tellSoon();
    }
  }

  dispose(): void {
    this.timer?.cancel();
    this.listeners.clear();
  }

  private say(message: FeedMessage): void {
    if (this.told.events < maxEvents) {
      this.told.events += 1;
      this.events.push(message);
    } else {
      this.leftOut.events += 1;
    }
    this.tellSoon();
  }

  private tellSoon(): void {
    if (this.listeners.size > 0) {
      this.timer ??= this.deps.clock.setTimer(tellMs, () => {
        this.timer = undefined;
        this.tell();
      });
    }
  }

  private tell(): void {
    const { events, leftOut } = this;
    const messages: FeedMessage[] = [
      ...(this.isStateNew ? [{ type: 'health', status: this.deps.status() } as const] : []),
      ...events,
      ...(leftOut.events + leftOut.lines > 0 ? [{ type: 'leftOut', ...leftOut } as const] : []),
    ];
    this.isStateNew = false;
    this.events = [];
    this.told = { events: 0, lines: 0 };
    this.leftOut = { events: 0, lines: 0 };
    for (const listener of this.listeners) {
      messages.forEach(listener);
    }
  }
}

function messageOf(workspace: string, fact: RunnerFact, nowMs: number): FeedMessage | undefined {
  const at = fact.at ?? isoTime(nowMs);
  switch (fact.kind) {
    case 'signal': {
      const { symbol, signal, price = null, reason = null } = fact;
      return { type: 'signal', at, workspace, symbol, signal, price, reason };
    }
    case 'fill': {
      const { symbol, side, quantity, price } = fact;
      return { type: 'fill', at, workspace, symbol, side, quantity, price };
    }
    case 'book':
      return { type: 'book', at, workspace, equity: fact.equity };
    default:
      return undefined;
  }
}
