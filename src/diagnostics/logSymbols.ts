import { causesOfFailingData } from './logConnection';
import { absorb, beginOf, extend, type Incident, type Place } from './logIncidents';
import { causesOfMessage, type CauseGuess, shorten } from './notices';
import { isTimeoutClass } from './readers/reader';
import type { RunnerFact, SourcePlace } from './runnerFacts';

type FetchFailed = Extract<RunnerFact, { kind: 'fetch failed' }>;

interface Trouble {
  readonly symbol: string;
  readonly errorClass: string;
  readonly code: number | undefined;
  readonly text: string;
  /** Span and count; its causes and words are made when it is over. */
  readonly incident: Incident;
}

/** Bound of what is kept, however long the log is: as many as TWS serves in a day. */
const maxSymbols = 2000;
/** So many symbols failing in a row are one matter, even if others have not been asked yet. */
const manyInRow = 5;

/** Which symbols fail: each by itself, or all together, which is a matter of the connection. */
export class SymbolTroubles {
  private readonly known = new Set<string>();
  private readonly failing = new Map<string, Trouble>();
  private lastFetchLine = 0;

  fetched(symbol: string, line: number): void {
    this.learn(symbol);
    this.lastFetchLine = line;
  }

  isFailing(symbol: string): boolean {
    return this.failing.has(symbol);
  }

  get hasAny(): boolean {
    return this.failing.size > 0;
  }

  /** @param code of TWS, where the fact or the lines before it name one */
  failed(fact: FetchFailed, code: number | undefined, place: Place): void {
    const { symbol, errorClass, text, source } = fact;
    this.learn(symbol);
    const before = this.failing.get(symbol);
    if (before !== undefined) {
      extend(before.incident, place);
      before.incident.count += 1;
      if (before.errorClass === errorClass && (code === undefined || before.code === code)) {
        before.incident.source ??= source;
        return;
      }
    }
    if (this.known.has(symbol)) {
      const incident = before?.incident ?? newIncident(symbol, source, place);
      const known = code ?? before?.code;
      this.failing.set(symbol, { symbol, errorClass, code: known, text, incident });
    }
  }

  /** TWS has said why a symbol fails. False where it does not fail. */
  explain(symbol: string, code: number, text: string): boolean {
    const trouble = this.failing.get(symbol);
    if (trouble === undefined || isLinkTrouble(trouble)) {
      return false;
    }
    this.failing.set(symbol, { ...trouble, code, text });
    return true;
  }

  /** Takes one symbol's trouble out; undefined where there is none. */
  take(symbol: string): Incident | undefined {
    const trouble = this.failing.get(symbol);
    this.failing.delete(symbol);
    return trouble === undefined ? undefined : finished(trouble);
  }

  /** Takes all out that fail by themselves. */
  takeEach(): readonly Incident[] {
    const all = [...this.failing.values()].map(finished);
    this.failing.clear();
    return all;
  }

  /** Takes those out that were met with silence since the last success: the link explains them. */
  takeSilent(): readonly Incident[] {
    const silent = [...this.failing.values()].filter(
      (trouble) => isLinkTrouble(trouble) && trouble.incident.last.line > this.lastFetchLine,
    );
    return this.remove(silent).map(({ incident }) => incident);
  }

  /**
   * Takes those out whose failing is one matter of the connection, as one incident: all that are
   * known and more than one, or many in a row without a success between them.
   */
  takeTogether(wasReady: boolean): Incident | undefined {
    const together = this.remove(this.together());
    const [first] = together;
    return first === undefined ? undefined : dataIncident(together, wasReady);
  }

  private together(): readonly Trouble[] {
    const all = [...this.failing.values()];
    const silent = all.filter(isLinkTrouble);
    const isEverySilent = silent.length === all.length;
    if (all.length === this.known.size && all.length > 1 && (isEverySilent || isOneMatter(all))) {
      return all;
    }
    const inRow = silent.filter(({ incident }) => incident.last.line > this.lastFetchLine);
    return inRow.length >= manyInRow ? inRow : [];
  }

  private remove(troubles: readonly Trouble[]): readonly Trouble[] {
    for (const { symbol } of troubles) {
      this.failing.delete(symbol);
    }
    return troubles;
  }

  private learn(symbol: string): void {
    if (this.known.size < maxSymbols) {
      this.known.add(symbol);
    }
  }
}

/** Silence, or a session that is gone: not an answer about the symbol. */
export function isLinkTrouble({
  errorClass,
  text,
}: Pick<FetchFailed, 'errorClass' | 'text'>): boolean {
  return (
    isTimeoutClass(errorClass) ||
    /Connection|BrokenPipe|Cancelled/.test(errorClass) ||
    /\bnot connected\b|\bdisconnected\b|\bconnection (?:is )?(?:lost|closed|down)\b/i.test(text)
  );
}

/** So many that fail in the same way are no wrong tickers. */
function isOneMatter(all: readonly Trouble[]): boolean {
  const ways = new Set(all.map(({ errorClass, code }) => `${code ?? ''}/${errorClass}`));
  return all.length >= manyInRow && ways.size === 1;
}

function newIncident(symbol: string, source: SourcePlace | undefined, place: Place): Incident {
  const subject = { kind: 'symbol', name: symbol } as const;
  return { subject, causes: [], message: '', first: beginOf(place), last: place, count: 1, source };
}

/** One symbol fails while others work, or nothing is known of others. */
function finished(trouble: Trouble): Incident {
  const { symbol, text, incident } = trouble;
  const times = incident.count === 1 ? '' : ` (${incident.count} times)`;
  return {
    ...incident,
    causes: symbolCauses(trouble),
    message: `Fetching ${symbol} failed${times}: ${shorten(text)}`,
  };
}

function symbolCauses(trouble: Trouble): readonly CauseGuess[] {
  const { errorClass, code, text } = trouble;
  const coded = code === undefined ? [] : causesOfMessage(code, text);
  if (coded.length > 0) {
    return coded;
  }
  if (isTimeoutClass(errorClass)) {
    return [
      { id: 'hist_timeout', confidence: 0.5 },
      { id: 'hist_no_data_162', confidence: 0.15 },
    ];
  }
  if (isLinkTrouble(trouble)) {
    return [{ id: 'not_connected_504', confidence: 0.4 }];
  }
  return [
    { id: 'no_secdef_200', confidence: 0.6 },
    { id: 'hist_no_data_162', confidence: 0.15 },
  ];
}

function dataIncident(together: readonly Trouble[], wasReady: boolean): Incident {
  const isSilence = together.every(({ errorClass }) => isTimeoutClass(errorClass));
  const ordered = together.toSorted((a, b) => a.incident.first.line - b.incident.first.line);
  const [first, ...others] = ordered.map(({ incident }) => incident);
  const how = isSilence ? 'timed out' : 'failed';
  const names = ordered.slice(0, 3).map(({ symbol }) => symbol);
  const [one] = together;
  const coded = one?.code === undefined ? [] : causesOfMessage(one.code, one.text);
  const all: Incident = {
    ...(first ?? newIncident('', undefined, { line: 0, at: undefined, isTimed: false })),
    subject: { kind: 'connection' },
    causes: coded.length > 0 ? coded : causesOfFailingData(wasReady, isSilence),
    message: `Every fetch ${how}, for all ${together.length} symbols (${names.join(', ')}…): the connection is at fault, not the symbols.`,
  };
  for (const other of others) {
    absorb(all, other);
  }
  return all;
}
