import { type LogLine, maxTextLength } from './logLine';
import { factsOfException } from './readers/signs';
import type { RunnerFact, SourcePlace } from './runnerFacts';

const frame = /^\s{2,8}(?:\|\s{1,4})?File "([^"]{1,1024})", line (\d{1,7})/;
const exceptionLine = /^(?:[A-Za-z_]\w{0,80}\.){0,8}[A-Za-z_]\w{0,80}(?:: .*|$)/;
const chained =
  /^(?:During handling of the above exception|The above exception was the direct cause)/;
const libraryPath =
  /site-packages|dist-packages|[\\/]lib[\\/]python|<frozen|<string>|[\\/]Lib[\\/]/;

/**
 * Reads Python tracebacks that come line by line. Its last frame in the trader's own code, not
 * in a library, is the place of the error. Of a chain of exceptions only the last one counts.
 */
export class TracebackReader {
  private isInside = false;
  private own: SourcePlace | undefined;
  private any: SourcePlace | undefined;
  private pending: readonly RunnerFact[] | undefined;

  /**
   * @returns undefined when the line belongs to no traceback. Facts of a finished one come with
   *   the next line, because only that tells whether another exception follows.
   */
  push(line: LogLine): { readonly isMine: boolean; readonly facts: readonly RunnerFact[] } {
    const { text } = line;
    if (text.trimStart().startsWith('Traceback (most recent call last)')) {
      const facts = this.take();
      this.begin();
      return { isMine: true, facts };
    }
    if (this.isInside) {
      return { isMine: this.inside(line), facts: [] };
    }
    if (this.pending === undefined) {
      return { isMine: false, facts: [] };
    }
    if (text.trim() === '') {
      return { isMine: true, facts: [] };
    }
    if (chained.test(text)) {
      this.pending = undefined;
      return { isMine: true, facts: [] };
    }
    return { isMine: false, facts: this.take() };
  }

  /** What is left at the end of the text. */
  take(): readonly RunnerFact[] {
    const facts = this.pending ?? [];
    this.pending = undefined;
    return facts;
  }

  private begin(): void {
    this.isInside = true;
    this.own = undefined;
    this.any = undefined;
  }

  private inside(line: LogLine): boolean {
    const { text } = line;
    const found = frame.exec(text);
    if (found !== null) {
      const place = { file: found[1] ?? '', line: Number(found[2]) };
      this.any = place;
      this.own = libraryPath.test(place.file) ? this.own : place;
      return true;
    }
    if (/^\s/.test(text) || text === '') {
      return true;
    }
    this.isInside = false;
    if (!exceptionLine.test(text)) {
      return false;
    }
    this.pending = withSource(factsOfException(text), this.own ?? this.any);
    return true;
  }
}

/** Reads a traceback that came as one text. */
export function readTraceback(exception: string): readonly RunnerFact[] {
  const reader = new TracebackReader();
  const facts: RunnerFact[] = [];
  for (const text of exception.slice(0, 64 * maxTextLength).split(/\r?\n/)) {
    facts.push(...reader.push({ text }).facts);
  }
  return [...facts, ...reader.take()];
}

/** Adds the place to the facts that can carry one. */
export function withSource(
  facts: readonly RunnerFact[],
  source: SourcePlace | undefined,
): readonly RunnerFact[] {
  if (source === undefined) {
    return facts;
  }
  return facts.map((fact) =>
    fact.kind === 'error' ||
    fact.kind === 'sign' ||
    fact.kind === 'connection failed' ||
    fact.kind === 'fetch failed'
      ? { ...fact, source }
      : fact,
  );
}
