import type { Clock } from '../core/clock';
import type { Disposable } from '../core/disposables';
import { Emitter } from '../core/emitter';
import { safeLine } from '../core/safeLine';
import { readLogEnd } from '../daemon/logEnd';
import type { Severity } from '../diagnostics/finding';
import { LogFeed } from '../diagnostics/logFeed';
import { LineLevels } from '../diagnostics/logLevels';
import { parseLogLine } from '../diagnostics/logLine';
import { LogFollower } from '../runner/logFollower';
import {
  type LogRow,
  type LogSnapshot,
  type PlacedFinding,
  rowOf,
  type Wanted,
} from './logDocument';
import { readableLine } from './readableLine';

export interface LogModelDeps {
  readonly clock: Clock;
  /** How much of the end is kept: lines, and bytes of the file. Up to twice that is shown. */
  readonly keepLines?: number;
  readonly keepBytes?: number;
  /** How often the file is looked at, in milliseconds. */
  readonly intervalMs?: number;
}

/** Longer lines are cut: an editor becomes slow with them. Characters. */
const maxLineLength = 4000;

/**
 * The end of one log, as a window shows it: read without what stands before, followed while
 * somebody looks, bounded whatever is printed.
 */
export class LogModel implements Disposable {
  private readonly changed = new Emitter<void>();
  private readonly keepLines: number;
  private readonly keepBytes: number;
  private rows: LogRow[] = [];
  private size = 0;
  private first = 0;
  private unfinished: LogRow | undefined;
  private isWhole = true;
  private levels = new LineLevels();
  private follower: LogFollower | undefined;
  private isDisposed = false;
  private found: { readonly revision: number; readonly findings: readonly PlacedFinding[] } = {
    revision: -1,
    findings: [],
  };
  private revision = 0;

  /** Fires after lines have come. */
  readonly onDidChange = this.changed.event;

  constructor(
    readonly file: string,
    private readonly deps: LogModelDeps,
  ) {
    this.keepLines = deps.keepLines ?? 2000;
    this.keepBytes = deps.keepBytes ?? 1_000_000;
  }

  /**
   * Reads the end anew and follows the file from there.
   * @returns false where there is no such file yet; it is followed as soon as it appears
   * @throws HumanError when it cannot be read
   */
  async open(): Promise<boolean> {
    this.close();
    const bounds = { maxBytes: this.keepBytes, maxLines: this.keepLines };
    const end = await readLogEnd(this.file, bounds);
    // Numbers of what was shown before must not mean other lines now.
    this.first += this.rows.length + 1;
    this.rows = [];
    this.size = 0;
    this.levels = new LineLevels();
    this.isWhole = end?.isWhole ?? true;
    this.take(end?.lines ?? []);
    const unfinished = end?.unfinished ?? '';
    // Its level is told once it is complete.
    this.unfinished =
      unfinished === '' ? undefined : { text: safeLine(unfinished, maxLineLength), level: 'info' };
    this.follow(end?.nextOffset ?? 0);
    return end !== undefined;
  }

  /** Follows no more; what was read stays. */
  close(): void {
    this.follower?.dispose();
    this.follower = undefined;
  }

  get isFollowed(): boolean {
    return this.follower !== undefined;
  }

  get snapshot(): LogSnapshot {
    const rows = this.unfinished === undefined ? this.rows : [...this.rows, this.unfinished];
    return { file: this.file, rows, first: this.first, isWhole: this.isWhole };
  }

  /** What is wrong in these lines; read again only when lines have come. */
  get findings(): readonly PlacedFinding[] {
    if (this.found.revision !== this.revision) {
      this.found = { revision: this.revision, findings: this.diagnosed() };
    }
    return this.found.findings;
  }

  /** The number of the row where something began; undefined where no line of that time is here. */
  rowOf(wanted: Wanted): number | undefined {
    // Without an offset the log gives the time of this machine, as `Date.parse` takes it.
    const timeOf = (row: LogRow): number => Date.parse(parseLogLine(printed(row)).at ?? '');
    return rowOf(wanted, this.snapshot, this.findings, timeOf);
  }

  dispose(): void {
    this.isDisposed = true;
    this.close();
    this.changed.dispose();
  }

  private follow(offset: number): void {
    if (this.isDisposed) {
      return;
    }
    const { clock, intervalMs = 500 } = this.deps;
    const follower = new LogFollower(this.file, offset, { clock, intervalMs });
    this.follower = follower;
    follower.onLines((lines) => {
      this.unfinished = undefined;
      this.take(lines);
      this.changed.fire();
    });
  }

  private take(lines: readonly string[]): void {
    for (const line of lines) {
      const row = rowOfLine(line, this.levels.push(line));
      this.rows.push(row);
      this.size += sizeOf(row);
    }
    this.revision += 1;
    this.cut();
  }

  /** By halves, not by lines: each cut makes the editor lay out the whole text again. */
  private cut(): void {
    if (this.rows.length <= 2 * this.keepLines && this.size <= 2 * this.keepBytes) {
      return;
    }
    let from = Math.max(0, this.rows.length - this.keepLines);
    this.size = this.rows.slice(from).reduce((sum, row) => sum + sizeOf(row), 0);
    while (this.size > this.keepBytes && from < this.rows.length - 1) {
      const row = this.rows[from];
      this.size -= row === undefined ? 0 : sizeOf(row);
      from += 1;
    }
    this.rows = this.rows.slice(from);
    this.first += from;
    this.isWhole = false;
  }

  private diagnosed(): readonly PlacedFinding[] {
    const feed = new LogFeed();
    feed.push(Buffer.from(this.rows.map((row) => `${printed(row)}\n`).join('')));
    return feed.end().map((finding) => ({
      from: this.first + finding.line - 1,
      to: this.first + finding.endLine - 1,
      finding,
    }));
  }
}

function rowOfLine(line: string, level: Severity): LogRow {
  const raw = safeLine(line, maxLineLength);
  const readable = readableLine(line, level);
  return readable === undefined
    ? { text: raw, level }
    : { text: safeLine(readable, maxLineLength), level, raw };
}

function printed({ raw, text }: LogRow): string {
  return raw ?? text;
}

function sizeOf({ raw = '', text }: LogRow): number {
  return raw.length + text.length;
}
