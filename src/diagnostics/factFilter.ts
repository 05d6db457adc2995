import type { RunnerFact } from './runnerFacts';

type Lost = Extract<RunnerFact, { kind: 'connection lost' }>;
type Message = Extract<RunnerFact, { kind: 'tws message' }>;

/** Marks messages of a client that never says that it is ready. */
export const silentWhenReady = 'silent when ready';

/** TWS tells of its farms once it has taken a client in. */
const farmsOk: ReadonlySet<number> = new Set([2104, 2106, 2158]);

/** The same message comes again from another part of a client within so many lines. */
const echoLines = 8;

/** Facts that show that a session is gone or begins anew. */
const afterAnEnd: ReadonlySet<RunnerFact['kind']> = new Set([
  'connecting',
  'tcp connected',
  'hello',
  'connected',
  'connection failed',
  'connection lost',
]);

/**
 * Leaves out what only seems to be said. A line that clients print both when they close a session
 * and when they lose it counts as a loss once something shows that the program went on; at the end
 * of a log it is the ordinary end. A message that two parts of a client print counts once.
 */
export class FactFilter {
  private isReady = false;
  private isConnecting = false;
  private held: Lost | undefined;
  private message: Message | undefined;
  private sinceMessage = 0;

  /** Takes in the facts of one line. */
  push(facts: readonly RunnerFact[]): readonly RunnerFact[] {
    this.sinceMessage += 1;
    return facts.some(matters) ? facts.flatMap((fact) => this.take(fact)) : facts;
  }

  /** Lines that say nothing. */
  skip(lines: number): void {
    this.sinceMessage += lines;
  }

  private take(fact: RunnerFact): readonly RunnerFact[] {
    if (fact.kind === 'tws message') {
      return this.takeMessage(fact);
    }
    if (fact.kind === 'connection lost' && fact.maybeOwn === true && !this.isConnecting) {
      // A copy: the time of a fact may be read from a line that is gone later.
      this.held ??= { ...fact };
      this.isReady = false;
      return [];
    }
    const before = this.release(afterAnEnd.has(fact.kind));
    this.follow(fact);
    return before.length === 0 ? [fact] : [...before, fact];
  }

  private takeMessage(fact: Message): readonly RunnerFact[] {
    if (this.isEcho(fact)) {
      return [];
    }
    const before = this.release(fact.code === 504);
    const isFirst = this.isConnecting && fact.by === silentWhenReady && farmsOk.has(fact.code);
    if (isFirst) {
      this.follow({ kind: 'connected' });
    }
    return [
      ...before,
      ...(isFirst ? [readyAt(fact)] : []),
      fact.by === undefined ? fact : withoutPrinter(fact),
    ];
  }

  /** An end that may be one of its own is none while the session is only being made. */
  private follow({ kind }: RunnerFact): void {
    if (kind === 'tcp connected' || kind === 'hello') {
      this.isConnecting = !this.isReady;
    } else if (kind === 'connected') {
      this.isReady = true;
      this.isConnecting = false;
    } else if (
      kind === 'connecting' ||
      kind === 'connection failed' ||
      kind === 'connection lost'
    ) {
      this.isReady = false;
      this.isConnecting = false;
    }
  }

  private release(isOver: boolean): readonly RunnerFact[] {
    const { held } = this;
    if (!isOver || held === undefined) {
      return [];
    }
    this.held = undefined;
    const { at, kind, text } = held;
    return [{ ...(at === undefined ? {} : { at }), kind, text }];
  }

  private isEcho(fact: Message): boolean {
    const { message } = this;
    const isSame =
      message?.code === fact.code &&
      message.by !== fact.by &&
      this.sinceMessage <= echoLines &&
      haveSameWords(message.text, fact.text);
    if (!isSame) {
      this.message = fact;
      this.sinceMessage = 0;
    }
    return isSame;
  }
}

/** All others pass as they are, and change nothing. */
function matters({ kind }: RunnerFact): boolean {
  return kind === 'tws message' || afterAnEnd.has(kind);
}

function readyAt({ at }: Message): RunnerFact {
  return { ...(at === undefined ? {} : { at }), kind: 'connected' };
}

function withoutPrinter(fact: Message): RunnerFact {
  const copy: { -readonly [Key in keyof Message]: Message[Key] } = { ...fact };
  delete copy.by;
  return copy;
}

/** One of them may be cut, or have something behind it. */
function haveSameWords(a: string, b: string): boolean {
  const [short, long] = a.length < b.length ? [a, b] : [b, a];
  return long.startsWith(short.slice(0, 120).trimEnd());
}
