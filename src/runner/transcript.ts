import type { Clock } from '../core/clock';
import type { Disposable } from '../core/disposables';
import { Emitter } from '../core/emitter';
import type { RunnerFact } from '../diagnostics/runnerFacts';
import { hear } from './says';
import { endMark, type Says, saysNothing } from './saysState';

export interface TranscriptDeps {
  readonly clock: Clock;
  /** A reader of one run's output: facts in a line, with what the lines before it said. */
  readonly createReader: () => (line: string) => readonly RunnerFact[];
}

const keptLines = 20;

/** What a runner has printed and what that says, whoever has started it and wherever it prints. */
export class RunnerTranscript implements Disposable {
  private readonly changeEmitter = new Emitter<void>();
  private readonly linesEmitter = new Emitter<readonly string[]>();
  private readonly factsEmitter = new Emitter<readonly RunnerFact[]>();
  private read: (line: string) => readonly RunnerFact[];
  private present: Says;
  private last: readonly string[] = [];
  private lastAtMs: number | null = null;

  /** What it says has changed; behind `onLines` and `onFacts` of the same lines. */
  readonly onDidChange = this.changeEmitter.event;
  /** New lines, one batch a look. */
  readonly onLines = this.linesEmitter.event;
  /** What the new lines say, one batch a look. */
  readonly onFacts = this.factsEmitter.event;

  constructor(private readonly deps: TranscriptDeps) {
    this.read = deps.createReader();
    this.present = saysNothing([], deps.clock.now());
  }

  get says(): Says {
    return this.present;
  }

  /** Its last lines, oldest first. */
  get lastLines(): readonly string[] {
    return this.last;
  }

  /** When it printed last, in milliseconds since the epoch; null while it has not. */
  get lastLineMs(): number | null {
    return this.lastAtMs;
  }

  /** A new run with these symbols: nothing printed yet, nothing said yet. */
  restart(symbols: readonly string[]): void {
    this.read = this.deps.createReader();
    this.present = saysNothing(symbols, this.deps.clock.now());
    this.last = [];
    this.lastAtMs = null;
  }

  /** Notes which symbols it is known to trade. */
  expect(symbols: readonly string[]): void {
    this.present = { ...this.present, configured: symbols };
  }

  /** Takes in new lines. */
  take(lines: readonly string[]): void {
    if (lines.length > 0) {
      this.note(lines, this.deps.clock.now());
    }
    this.linesEmitter.fire(lines);
    this.hearFrom(lines);
  }

  /** Takes in what it has printed before anyone followed, of which only some facts may count. */
  recall(lines: readonly string[], counts: (fact: RunnerFact) => boolean): void {
    this.hearFacts(lines.flatMap((line) => this.read(line)).filter(counts));
  }

  /** Notes what it has printed last, and when, in milliseconds since the epoch. */
  note(lines: readonly string[], atMs: number): void {
    this.last = [...this.last, ...lines.slice(-keptLines)].slice(-keptLines);
    this.lastAtMs = atMs;
  }

  /** Nothing more will come: a traceback may be its last word, and only a line behind it shows that. */
  finish(): void {
    this.hearFrom([endMark]);
  }

  dispose(): void {
    this.changeEmitter.dispose();
    this.linesEmitter.dispose();
    this.factsEmitter.dispose();
  }

  private hearFrom(lines: readonly string[]): void {
    const before = this.present;
    const facts = lines.flatMap((line) => this.read(line));
    this.hearFacts(facts);
    this.factsEmitter.fire(facts);
    if (this.present !== before) {
      this.changeEmitter.fire();
    }
  }

  private hearFacts(facts: readonly RunnerFact[]): void {
    for (const fact of facts) {
      this.present = hear(this.present, fact, this.deps.clock.now());
    }
  }
}
