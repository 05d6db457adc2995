import { farmStates } from '../ibkr/messageCodes';
import { catalogue } from './catalogue';
import type { Severity, Subject } from './finding';
import {
  advanceAttempt,
  type Attempt,
  causesOfFailedConnection,
  causesOfFailingData,
  causesOfLostConnection,
  noAttempt,
} from './logConnection';
import { causesOfMessage, type CauseGuess, shorten, subjectOfMessage } from './notices';
import { isTimeoutClass } from './readers/reader';
import type { RunnerFact, SourcePlace } from './runnerFacts';
import { FactReader } from './runnerReader';

/** What a log says is wrong; the shape of `robo diagnose --json`. Lines count from 1. */
export interface LogFinding {
  readonly line: number;
  readonly endLine: number;
  readonly severity: Severity;
  readonly subject: Subject;
  readonly causes: readonly CauseGuess[];
  readonly message: string;
  readonly count: number;
  /** Null where the lines carry no time. */
  readonly firstAt: string | null;
  readonly lastAt: string | null;
  readonly source?: SourcePlace;
}

/** Where and when something stood. */
interface Place {
  readonly line: number;
  readonly at: string | undefined;
}

interface Incident {
  readonly subject: Subject;
  causes: readonly CauseGuess[];
  readonly message: string;
  readonly first: Place;
  last: Place;
  count: number;
  source: SourcePlace | undefined;
}

interface SymbolTrouble {
  readonly first: Place;
  last: Place;
  count: number;
  readonly errorClass: string;
  readonly code: number | undefined;
  readonly text: string;
  readonly source: SourcePlace | undefined;
}

/** Bounds of what is kept, however long the log is. */
const maxSymbols = 2000;
const maxIncidents = 1000;
/** So many symbols silent in a row are one matter, even if others have not been asked yet. */
const manyInRow = 5;
/** A farm that is back sooner has only flapped. Milliseconds. */
const flapMs = 5000;

/** Causes that a ready API connection ends. */
const endedByReady: ReadonlySet<string> = new Set(['hello', 'tcp', 'port', 'ready', 'sockets']);

/**
 * Reads a log of any length in constant memory. Lines of one incident become one finding with
 * count and span; success ends an incident, which then weighs a degree less; good news and what
 * is not understood stay unsaid.
 */
export class LogReader {
  private readonly reader = new FactReader();
  private readonly open = new Map<string, Incident>();
  private readonly closed: LogFinding[] = [];
  private readonly known = new Set<string>();
  private readonly failing = new Map<string, SymbolTrouble>();
  private attempt: Attempt = noAttempt;
  private hasBeenReady = false;
  /** A code of TWS has explained the end of the present attempt. */
  private isExplained = false;
  private line = 0;
  private lastFetchLine = 0;

  /** Takes in the next line, without its line break. */
  push(raw: string): void {
    this.line += 1;
    for (const fact of this.reader.push(raw)) {
      this.take(fact);
    }
  }

  /** All findings in the order of the text. */
  end(): readonly LogFinding[] {
    for (const fact of this.reader.end()) {
      this.take(fact);
    }
    this.settleSymbols(false);
    for (const [key, incident] of this.open) {
      this.open.delete(key);
      this.keep(incident, false);
    }
    return this.closed.sort((a, b) => a.line - b.line);
  }

  private take(fact: RunnerFact): void {
    this.attempt = advanceAttempt(this.attempt, fact);
    const place = { line: this.line, at: fact.at };
    switch (fact.kind) {
      case 'connecting':
        this.isExplained = false;
        return;
      case 'connected':
        this.onReady();
        return;
      case 'fetch ok':
        this.onFetched(fact.symbol);
        return;
      case 'fetch failed':
        this.onFetchFailed(fact, place);
        return;
      case 'tws message':
        this.onMessage(fact, place);
        return;
      case 'connection failed':
      case 'connection lost':
        this.onConnectionTrouble(fact, place);
        return;
      case 'sign':
        this.report(fact, fact.subject, fact.causes, place);
        return;
      case 'error':
        this.onError(fact, place);
        return;
      case 'cycle':
      case 'waiting':
      case 'signal':
      case 'fill':
      case 'tcp connected':
      case 'hello':
        return;
    }
  }

  private onReady(): void {
    this.hasBeenReady = true;
    this.isExplained = false;
    this.closeWhere(({ subject, causes }) => {
      const [best] = causes;
      const layer = best === undefined ? null : catalogue[best.id].layer;
      return subject.kind === 'connection' && layer !== null && endedByReady.has(layer);
    });
  }

  private onFetched(symbol: string): void {
    this.learn(symbol);
    // If everything failed until now, one connection healed, not this symbol.
    if (this.failing.size > 1 && this.silentTogether().length > 0) {
      this.settleSymbols(true);
    }
    this.lastFetchLine = this.line;
    if (this.failing.has(symbol)) {
      const trouble = this.failing.get(symbol);
      if (trouble !== undefined) {
        this.failing.delete(symbol);
        this.keep(symbolIncident(symbol, trouble), true);
      }
    }
    this.closeWhere(({ subject }) => subject.kind === 'symbol' && subject.name === symbol);
  }

  private onFetchFailed(fact: Extract<RunnerFact, { kind: 'fetch failed' }>, place: Place): void {
    const { symbol, errorClass, text, code, source } = fact;
    this.learn(symbol);
    const trouble = this.failing.get(symbol);
    if (trouble?.errorClass === errorClass) {
      trouble.last = place;
      trouble.count += 1;
    } else if (this.known.has(symbol)) {
      const first = trouble?.first ?? place;
      const count = (trouble?.count ?? 0) + 1;
      this.failing.set(symbol, { first, last: place, count, errorClass, code, text, source });
    }
  }

  private onMessage(fact: Extract<RunnerFact, { kind: 'tws message' }>, place: Place): void {
    const { code, text, symbol } = fact;
    this.endByMessage(code, text, place);
    const reason = code === 504 ? this.openHandshake() : undefined;
    if (reason !== undefined) {
      join(reason, { last: place, count: 1, source: undefined });
      return;
    }
    if (this.isExplained && code === 504) {
      return;
    }
    const causes = causesOfMessage(code, text);
    if ([326, 10141, 2139, 1300, 507].includes(code)) {
      this.isExplained = true;
    }
    if (causes.length > 0) {
      const farm = farmStates(code, text).find(({ state }) => state === 'broken')?.farm ?? '';
      const subject = subjectOfMessage(code, symbol);
      const message = `TWS reports ${code}: ${shorten(text)}`;
      this.add(`${code}/${farm}`, { subject, causes, message, source: undefined }, place);
    }
  }

  /** Good news ends what it is about, and says nothing itself. */
  private endByMessage(code: number, text: string, place: Place): void {
    if (code === 1101 || code === 1102) {
      this.closeKeys((key) => key.includes('|1100/') || key.includes('|2110/'));
    }
    for (const { farm, state } of farmStates(code, text)) {
      if (state === 'ok') {
        this.endFarm(farm, place);
      }
    }
  }

  private endFarm(farm: string, place: Place): void {
    for (const [key, incident] of this.open) {
      if (key.endsWith(`|2103/${farm}`) && lastedMs(incident.first, place) <= flapMs) {
        incident.causes = [{ id: 'farm_flap', confidence: 0.9 }];
      }
    }
    this.closeKeys((key) => key.endsWith(`/${farm}`) && /\|(?:2103|2105|2157|1102)\//.test(key));
  }

  private onConnectionTrouble(
    fact: Extract<RunnerFact, { kind: 'connection failed' | 'connection lost' }>,
    place: Place,
  ): void {
    const { attempt } = this;
    this.attempt = { ...attempt, reached: 'nothing' };
    // The lines after a code, or after a failure, only repeat it in the client's words.
    if (this.isExplained || (fact.kind === 'connection lost' && this.isEcho(attempt, fact.text))) {
      return;
    }
    const open = this.openHandshake();
    if (fact.kind === 'connection failed' && fact.errorClass === '' && open !== undefined) {
      join(open, { last: place, count: 1, source: fact.source });
      return;
    }
    const causes =
      fact.kind === 'connection failed'
        ? causesOfFailedConnection(attempt, fact.errorClass)
        : causesOfLostConnection(attempt, fact.text);
    this.report(fact, { kind: 'connection' }, causes, place);
    // Until the next "Connecting" names a host, nothing is known of how far an attempt came.
    this.attempt = noAttempt;
  }

  /** True for the echo of an end that is known already, or that nothing is known about. */
  private isEcho({ reached }: Attempt, text: string): boolean {
    return (
      reached === 'nothing' &&
      (text.startsWith('Disconnected') || this.openHandshake() !== undefined)
    );
  }

  private openHandshake(): Incident | undefined {
    return [...this.open.values()].find(isHandshake);
  }

  /** An exception that only repeats how the connection failed adds its place to that finding. */
  private onError(fact: Extract<RunnerFact, { kind: 'error' }>, place: Place): void {
    const isRepeat = /^(?:\w+\.)*(?:\w*Timeout\w*|Connection\w*Error|OSError)\b/.test(fact.text);
    const handshake = isRepeat ? this.openHandshake() : undefined;
    if (handshake === undefined) {
      this.report(fact, { kind: 'runner' }, [{ id: 'runner_error', confidence: 0.7 }], place);
    } else {
      join(handshake, { last: place, count: 0, source: fact.source });
    }
  }

  private report(
    fact: Extract<RunnerFact, { text: string }>,
    subject: Subject,
    causes: readonly CauseGuess[],
    place: Place,
  ): void {
    const source = 'source' in fact ? fact.source : undefined;
    // Errors of the program are the same when they come from one place, or read the same.
    const words = fact.kind === 'error' ? fact.text.replace(/\d+/g, '#').slice(0, 100) : '';
    const detail = source === undefined ? words : `${source.file}:${source.line}`;
    this.add(detail, { subject, causes, message: shorten(fact.text), source }, place);
  }

  private add(
    detail: string,
    parts: Pick<Incident, 'subject' | 'causes' | 'message' | 'source'>,
    place: Place,
  ): void {
    const { kind, name = '' } = parts.subject;
    const key = `${kind}/${name}/${parts.causes[0]?.id ?? ''}|${detail}`;
    const incident = this.open.get(key);
    if (incident !== undefined) {
      incident.last = place;
      incident.count += 1;
    } else if (this.open.size < maxIncidents) {
      this.open.set(key, { ...parts, first: place, last: place, count: 1 });
    }
  }

  private closeWhere(isOver: (incident: Incident) => boolean): void {
    for (const [key, incident] of this.open) {
      if (isOver(incident)) {
        this.open.delete(key);
        this.keep(incident, true);
      }
    }
  }

  private closeKeys(isOver: (key: string) => boolean): void {
    for (const [key, incident] of this.open) {
      if (isOver(key)) {
        this.open.delete(key);
        this.keep(incident, true);
      }
    }
  }

  private learn(symbol: string): void {
    if (this.known.size < maxSymbols) {
      this.known.add(symbol);
    }
  }

  /**
   * The symbols whose silence is one matter of the connection: all that are known and more than
   * one, or many in a row without a success between them. Empty where symbols fail by themselves.
   */
  private silentTogether(): readonly string[] {
    const silent = [...this.failing].filter(([, { errorClass }]) => isLinkClass(errorClass));
    if (silent.length > 1 && this.failing.size === this.known.size) {
      return silent.map(([symbol]) => symbol);
    }
    const inRow = silent.filter(([, { last }]) => last.line > this.lastFetchLine);
    return inRow.length >= manyInRow ? inRow.map(([symbol]) => symbol) : [];
  }

  /** Turns the failing symbols into findings: one about the connection, and one each. */
  private settleSymbols(hasRecovered: boolean): void {
    const together = this.silentTogether();
    const troubles = together.flatMap((symbol) => this.failing.get(symbol) ?? []);
    if (together.length > 0) {
      const incident = dataIncident(together, troubles, this.hasBeenReady);
      const [reason] = hasRecovered ? [] : [...this.open.values()].filter(explainsSilence);
      if (reason === undefined) {
        this.keep(incident, hasRecovered);
      } else {
        // It already explains why no symbol came: one incident, one finding.
        join(reason, incident);
      }
    }
    for (const symbol of together) {
      this.failing.delete(symbol);
    }
    if (!hasRecovered) {
      for (const [symbol, trouble] of this.failing) {
        this.keep(symbolIncident(symbol, trouble), false);
      }
      this.failing.clear();
    }
  }

  private keep(incident: Incident, hasRecovered: boolean): void {
    if (this.closed.length >= maxIncidents) {
      return;
    }
    const { subject, causes, first, last, count, source } = incident;
    const [best] = causes;
    const own = best === undefined ? 'warning' : catalogue[best.id].severity;
    // One symbol never weighs more than a warning: the others go on.
    const severity = subject.kind === 'symbol' && own === 'error' ? 'warning' : own;
    this.closed.push({
      line: first.line,
      endLine: Math.max(first.line, last.line),
      severity: hasRecovered ? oneDegreeLess(severity) : severity,
      subject,
      causes,
      message: hasRecovered ? `${incident.message} (it recovered)` : incident.message,
      count,
      firstAt: first.at ?? null,
      lastAt: last.at ?? null,
      ...(source === undefined ? {} : { source }),
    });
  }
}

/** NaN where one of the lines has no time. */
function lastedMs(from: Place, to: Place): number {
  return Date.parse(to.at ?? '') - Date.parse(from.at ?? '');
}

function oneDegreeLess(severity: Severity): Severity {
  return severity === 'error' ? 'warning' : 'info';
}

/** A failed connection, or TWS without IBKR: either explains why no data comes. */
function explainsSilence(incident: Incident): boolean {
  const ids = ['upstream_lost_1100', 'tws_server_broken_2110', 'hmds_broken_2105'];
  return isHandshake(incident) || ids.includes(incident.causes[0]?.id ?? '');
}

function join(incident: Incident, other: Pick<Incident, 'last' | 'count' | 'source'>): void {
  incident.count += other.count;
  incident.last = other.last.line > incident.last.line ? other.last : incident.last;
  incident.source ??= other.source;
}

/** Silence, or a session that is gone: not an answer about the symbol. */
function isLinkClass(errorClass: string): boolean {
  return isTimeoutClass(errorClass) || /Connection|BrokenPipe/.test(errorClass);
}

function isHandshake({ subject, causes }: Incident): boolean {
  const [best] = causes;
  const layer = best === undefined ? null : catalogue[best.id].layer;
  return subject.kind === 'connection' && layer !== null && endedByReady.has(layer);
}

/** One symbol fails while others work, or nothing is known of others. */
function symbolIncident(symbol: string, trouble: SymbolTrouble): Incident {
  const { first, last, count, text, source } = trouble;
  const times = count === 1 ? '' : ` (${count} times)`;
  return {
    subject: { kind: 'symbol', name: symbol },
    causes: symbolCauses(trouble),
    message: `Fetching ${symbol} failed${times}: ${shorten(text)}`,
    first,
    last,
    count,
    source,
  };
}

function symbolCauses({ errorClass, code, text }: SymbolTrouble): readonly CauseGuess[] {
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
  if (/Connection|BrokenPipe/.test(errorClass)) {
    return [{ id: 'not_connected_504', confidence: 0.4 }];
  }
  return [
    { id: 'no_secdef_200', confidence: 0.6 },
    { id: 'hist_no_data_162', confidence: 0.15 },
  ];
}

function dataIncident(
  symbols: readonly string[],
  troubles: readonly SymbolTrouble[],
  wasReady: boolean,
): Incident {
  const isSilence = troubles.every(({ errorClass }) => isTimeoutClass(errorClass));
  const ordered = troubles.toSorted((a, b) => a.first.line - b.first.line);
  const last = troubles.reduce<Place>(
    (latest, trouble) => (trouble.last.line > latest.line ? trouble.last : latest),
    { line: 0, at: undefined },
  );
  const how = isSilence ? 'timed out' : 'failed';
  return {
    subject: { kind: 'connection' },
    causes: causesOfFailingData(wasReady, isSilence),
    message: `Every fetch ${how}, for all ${symbols.length} symbols (${symbols.slice(0, 3).join(', ')}…): the connection is at fault, not the symbols.`,
    first: ordered[0]?.first ?? last,
    last,
    count: troubles.reduce((sum, { count }) => sum + count, 0),
    source: undefined,
  };
}
