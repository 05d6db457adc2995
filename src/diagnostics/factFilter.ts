import type { RunnerFact } from './runnerFacts';

type Lost = Extract<RunnerFact, { kind: 'connection lost' }>;
type Message = Extract<RunnerFact, { kind: 'tws message' }>;

/** What tells a time, perhaps by reading it only then. */
export interface Dated {
  readonly at?: string | undefined;
}

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
  private released: Lost | undefined;
  private message: Message | undefined;
  private sinceMessage = 0;

  /**
   * Takes in the facts of one line.
   * @param when tells the time of that line, where its facts do not
   */
  push(facts: readonly RunnerFact[], when?: Dated): readonly RunnerFact[] {
    this.sinceMessage += 1;
    this.released = undefined;
    if (!facts.some(matters)) {
      return facts;
    }
    const passed: RunnerFact[] = [];
    for (const fact of facts) {
      this.take(fact, when, passed);
    }
    return passed;
  }

  /** Whether a fact that was passed last is about an earlier line. */
  isEarlier(fact: RunnerFact): boolean {
    return fact === this.released;
  }

  /**
   * True while of messages that name no printer only the last one changes anything here: none
   * is taken for an echo of another part of the client.
   */
  get isQuiet(): boolean {
    return this.message?.by === undefined || this.sinceMessage > echoLines;
  }

  /** Lines that say nothing. */
  skip(lines: number): void {
    this.sinceMessage += lines;
  }

  private take(fact: RunnerFact, when: Dated | undefined, passed: RunnerFact[]): void {
    if (fact.kind === 'tws message') {
      this.takeMessage(fact, passed);
    } else if (fact.kind === 'connection lost' && fact.maybeOwn === true && !this.isConnecting) {
      this.held ??= datedBy(fact, when);
      this.isReady = false;
    } else {
      this.release(afterAnEnd.has(fact.kind), passed);
      this.follow(fact);
      passed.push(fact);
    }
  }

  private takeMessage(fact: Message, passed: RunnerFact[]): void {
    if (this.isEcho(fact)) {
      return;
    }
    this.release(fact.code === 504, passed);
    if (this.isConnecting && fact.by === silentWhenReady && farmsOk.has(fact.code)) {
      this.follow({ kind: 'connected' });
      passed.push(readyAt(fact));
    }
    passed.push(fact.by === undefined ? fact : withoutPrinter(fact));
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

  private release(isOver: boolean, passed: RunnerFact[]): void {
    const { held } = this;
    if (isOver && held !== undefined) {
      this.held = undefined;
      const { at, kind, text } = held;
      this.released = { ...(at === undefined ? {} : { at }), kind, text };
      passed.push(this.released);
    }
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

/** It comes later, with another line. */
function datedBy(fact: Lost, when: Dated | undefined): Lost {
  const at = fact.at ?? when?.at;
  return at === undefined ? fact : { ...fact, at };
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
