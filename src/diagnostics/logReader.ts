import { farmStates } from '../ibkr/messageCodes';
import { isOfTws, lessSure, namesTws } from './aboutTws';
import { catalogue } from './catalogue';
import type { Dated } from './factFilter';
import type { Subject } from './finding';
import {
  type Attempt,
  Attempts,
  causesOfFailedConnection,
  causesOfLostConnection,
  endpointOf,
  noAttempt,
} from './logConnection';
import {
  absorb,
  extend,
  type Incident,
  IncidentBook,
  type LogFinding,
  type NewIncident,
  type Place,
} from './logIncidents';
import { ExceptionJoin } from './logJoin';
import { LinkIncidents, type LinkTrouble } from './logLink';
import { FactPlace, isStack } from './logPlace';
import { isLinkTrouble, SymbolTroubles } from './logSymbols';
import { UpstreamIncidents } from './logUpstream';
import { causesOfMessage, type CauseGuess, shorten, subjectOfMessage } from './notices';
import type { RunnerFact } from './runnerFacts';
import { FactReader, type KnownLine } from './runnerReader';
import { brokenOff } from './traceback';

type Said<Kind extends RunnerFact['kind']> = Extract<RunnerFact, { kind: Kind }>;

/** What stands further apart in the text is not about the same request. */
const nearLines = 10;
/** A program and the library in it print right after each other. */
const nextLines = 3;
/** Codes that follow from a session that is gone. */
const linkEchoes: ReadonlySet<number> = new Set([504, 586, 10182]);
/** Errors in a program's words that only repeat that it has no connection. */
const echoWords =
  /^(?:\w+\.)*(?:\w*Timeout\w*|Connection\w*(?:Error|Exception)|BrokenPipe\w*|CancelledError|OSError|SocketException|IncompleteReadError)\b|\bnot connected\b|\b(?:broken pipe|socket (?:disconnect|closed|either closed))/i;

/**
 * Reads a log of any length in constant memory. Lines of one incident become one finding with
 * count and span; success ends an incident, which then weighs a degree less; good news and what
 * is not understood stay unsaid.
 */
export class LogReader {
  private readonly reader = new FactReader();
  private readonly book = new IncidentBook();
  private readonly links = new LinkIncidents(this.book);
  private readonly symbols = new SymbolTroubles();
  private readonly upstream = new UpstreamIncidents(this.book, this.symbols);
  private readonly exceptions = new ExceptionJoin(this.book);
  private readonly attempts = new Attempts();
  private hasBeenReady = false;
  /** What a code of TWS has explained about the present attempt; the lines after it repeat it. */
  private explained: Incident | undefined;
  /** A code about a contract, in a line that does not name the contract. */
  private unnamed: { code: number; text: string; key: string; line: number } | undefined;
  /** What the system has said of a connection, and nobody yet of whose it was. */
  private bare: { fact: Said<'connection failed'>; place: Place } | undefined;
  private connectingLine = Number.NEGATIVE_INFINITY;
  private line = 0;
  private cycleLine = 0;
  private isAboutTws = false;

  /** How many lines were taken in. */
  get lines(): number {
    return this.line;
  }

  /** True while the next line matters whatever it says: a traceback is open. */
  get needsNextLine(): boolean {
    return this.reader.needsNextLine;
  }

  /** Whether it matters to be told of text that names TWS, beside the lines that are pushed. */
  get wantsNames(): boolean {
    return !this.isAboutTws;
  }

  /** Looks whether `text` of the log names TWS, and takes in no line. */
  lookForNames(text: string): void {
    this.isAboutTws ||= namesTws(text);
  }

  /** Takes in the next line, without its line break. */
  push(raw: string): void {
    this.line += 1;
    this.lookForNames(raw);
    if (raw.startsWith('[robo: ')) {
      // Older lines were rotated away, or output came faster than it could be read.
      this.attempts.forget();
      return;
    }
    this.takeAll(this.reader.push(raw));
  }

  /** An exception is known to be over when the next line comes. */
  private takeAll(facts: readonly RunnerFact[]): void {
    if (facts.length === 0) {
      return;
    }
    const { earlyFacts } = this.reader;
    this.takeEarly(facts.slice(0, earlyFacts));
    for (const fact of facts.slice(earlyFacts)) {
      this.take(fact, new FactPlace(this.line, fact));
    }
  }

  private takeEarly(facts: readonly RunnerFact[]): void {
    const { earlyLines } = this.reader;
    const line = this.line - earlyLines.last;
    const from = this.line - earlyLines.first;
    for (const fact of facts) {
      this.take(fact, new FactPlace(line, fact, from));
    }
  }

  /** Passes over lines that have no trigger. @param tell gives the last of them */
  skip(lines: number, tell: () => string): void {
    this.line += lines;
    this.reader.skip(lines, tell);
  }

  /** What to remember of the last line; undefined where it says nothing by itself. */
  get lastKnown(): KnownLine | undefined {
    return this.reader.lastKnown;
  }

  /** True while nothing is wrong, so that good news ends nothing. */
  get isCalm(): boolean {
    return this.book.size === 0 && !this.symbols.hasAny;
  }

  /**
   * True while of known lines that are good news it is enough to tell the last few, and the last
   * one of each kind; see `newsClass`.
   */
  get mayPassGoodNews(): boolean {
    return this.isCalm && this.reader.isQuiet;
  }

  /** Whether `pushKnown` may be told of such a line, though `needsNextLine` is true. */
  mayPushKnown(known: KnownLine): boolean {
    return this.reader.mayPushKnown(known);
  }

  /**
   * Takes in a line like one that was read before.
   * @param tell gives the line until the next one comes
   * @param when gives its time; undefined where it has none, or is good news while nothing is wrong
   */
  pushKnown(known: KnownLine, tell: () => string, when: Dated | undefined): void {
    this.line += 1;
    const facts = this.reader.pushKnown(known, tell, when);
    const { earlyFacts } = this.reader;
    if (earlyFacts > 0) {
      this.takeEarly(facts.slice(0, earlyFacts));
    }
    for (const fact of earlyFacts > 0 ? facts.slice(earlyFacts) : facts) {
      const dated = this.reader.isEarlier(fact) ? fact : (when ?? fact);
      this.take(fact, new FactPlace(this.line, dated));
    }
  }

  /** All findings in the order of the text. */
  end(): readonly LogFinding[] {
    const place = { line: this.line, at: undefined, isTimed: false };
    this.takeAll(this.reader.end());
    this.settleTogether(place, false);
    for (const incident of this.symbols.takeEach()) {
      this.noteSymbol(incident, place, false);
    }
    this.upstream.end();
    const findings = this.book.finish();
    return this.isAboutTws ? findings : findings.map(lessSure);
  }

  private take(fact: RunnerFact, place: Place): void {
    this.isAboutTws ||= isOfTws(fact);
    switch (fact.kind) {
      case 'connecting':
        this.explained = undefined;
        this.connectingLine = place.line;
        this.attempts.begin(fact);
        return;
      case 'tcp connected':
        this.attempts.advance('tcp');
        return;
      case 'hello':
        this.attempts.advance('hello');
        return;
      case 'connected':
        this.onReady(place);
        return;
      case 'fetch ok':
        this.onFetched(fact.symbol, place);
        return;
      case 'fetch failed':
        this.onFetchFailed(fact, place);
        return;
      case 'tws message':
        this.onMessage(fact, place);
        return;
      case 'connection failed':
        this.onFailed(fact, place);
        return;
      case 'connection lost':
        this.onLost(fact, place);
        return;
      case 'sign':
        this.onSign(fact, place);
        return;
      case 'error':
        this.onError(fact, place);
        return;
      case 'cycle':
        this.onCycle(place);
        return;
      case 'waiting':
      case 'signal':
      case 'fill':
      case 'book':
        return;
      default:
        fact satisfies never;
    }
  }

  private onReady(place: Place): void {
    this.hasBeenReady = true;
    this.explained = undefined;
    const session = this.attempts.ready();
    this.links.recover(endpointOf(session), place);
    this.book.recover(
      (incident, key) => !key.startsWith('link/') && isEndedByReady(incident),
      place,
    );
  }

  private onFetched(symbol: string, place: Place): void {
    this.symbols.fetched(symbol, place.line);
    if (this.symbols.hasAny) {
      // If everything failed until now, one connection healed, not this symbol.
      this.settleTogether(place, true);
      const trouble = this.symbols.take(symbol);
      if (trouble !== undefined) {
        this.noteSymbol(trouble, place, true);
      }
    }
    if (this.book.size > 0) {
      this.upstream.recover(place);
      // Bars came, whatever was said before; the lines of a client do not always tell the rest.
      this.links.recover('', place);
      this.book.recover(
        ({ subject: { kind, name } }) => kind === 'symbol' && name === symbol,
        place,
      );
    }
  }

  /** The program's own errors are over when a whole cycle went by without one. */
  private onCycle(place: Place): void {
    if (this.book.size > 0) {
      const since = this.cycleLine;
      this.book.recover(({ causes, last }) => {
        const id = causes[0]?.id;
        return (
          id === 'runner_stalled' ||
          id === 'runner_silent' ||
          (id === 'runner_error' && since > 0 && last.line < since)
        );
      }, place);
    }
    this.cycleLine = place.line;
  }

  private onFetchFailed(fact: Said<'fetch failed'>, place: Place): void {
    const reason = isLinkTrouble(fact) ? this.reasonOfSilence() : undefined;
    if (reason !== undefined) {
      count(reason, place);
      return;
    }
    const { symbol } = fact;
    const told = this.book.find(
      ({ subject }) => subject.kind === 'symbol' && subject.name === symbol,
    );
    if (told !== undefined && !isLinkTrouble(fact)) {
      // TWS has said why.
      count(told, place);
      return;
    }
    const { unnamed } = this;
    if (fact.code !== undefined || isLinkTrouble(fact) || unnamed === undefined) {
      this.symbols.failed(fact, fact.code, place);
    } else if (place.line - unnamed.line <= nearLines) {
      // The code right before it was about this symbol.
      this.book.takeOne(unnamed.key);
      this.symbols.failed({ ...fact, text: unnamed.text }, unnamed.code, place);
    } else {
      this.symbols.failed(fact, undefined, place);
    }
    this.unnamed = undefined;
  }

  private onMessage(fact: Said<'tws message'>, place: Place): void {
    const { code, text, symbol } = fact;
    if (this.book.size > 0) {
      this.upstream.endByMessage(code, text, place);
    }
    const causes = causesOfMessage(code, text);
    if (causes.length === 0 || this.isEcho(fact, place)) {
      return;
    }
    const message = `TWS reports ${code}: ${shorten(text)}`;
    if (UpstreamIncidents.isLoss(code)) {
      this.upstream.lost({ causes, message }, place);
    } else if (LinkIncidents.groupOf(causes) === undefined) {
      this.addMessage(fact, { causes, message }, place);
    } else {
      const endpoint = '';
      const incident = this.addLink({ causes, message, source: undefined, endpoint }, place);
      if ((causes[0]?.confidence ?? 0) >= 0.9) {
        this.explained = incident;
      }
    }
    if (symbol === undefined && subjectOfMessage(code, symbol).kind === 'symbol') {
      this.unnamed = { code, text, key: messageKey(fact, causes), line: place.line };
    }
  }

  private addMessage(
    fact: Said<'tws message'>,
    { causes, message }: Pick<NewIncident, 'causes' | 'message'>,
    place: Place,
  ): void {
    const { code, text, symbol } = fact;
    const subject = subjectOfMessage(code, symbol);
    if (subject.name !== undefined && this.symbols.explain(subject.name, code, text)) {
      return;
    }
    const key = messageKey(fact, causes);
    this.book.add(key, { subject, causes, message, source: undefined }, place);
  }

  /** True for a message that only follows from what is known; it belongs to that incident. */
  private isEcho({ code }: Said<'tws message'>, place: Place): boolean {
    const lost = this.upstream.reasonOf(code);
    const reason = lost ?? (linkEchoes.has(code) ? this.links.open() : undefined);
    if (reason === undefined) {
      return false;
    }
    count(reason, place);
    return true;
  }

  private onFailed(fact: Said<'connection failed'>, place: Place): void {
    if (fact.isBare === true && !this.isClientNear(place)) {
      this.bare = { fact, place };
      return;
    }
    const { errorClass, source } = fact;
    const attempt = this.attempts.fail(errorClass);
    const causes = causesOfFailedConnection(attempt, errorClass, fact.text);
    const reason = this.exceptions.reasonOf(causes, place);
    if (reason !== undefined) {
      count(reason, place);
      return;
    }
    this.onLinkTrouble(attempt, { causes, message: shorten(fact.text), source }, place);
  }

  private onLost(fact: Said<'connection lost'>, place: Place): void {
    const { text } = fact;
    const attempt = this.attempts.lose(text);
    if (this.upstream.isRepeated(text, place) || this.isClosedByTws(place)) {
      return;
    }
    const open = this.links.open(endpointOf(attempt));
    // It has ended, and was known to; or nothing is known of how it began.
    const isEchoed = attempt.reached === 'nothing' && text.startsWith('Disconnected');
    const isOwn = fact.maybeOwn === true && attempt.reached === 'ready';
    if (open !== undefined && attempt.reached === 'nothing') {
      extend(open, place);
    } else if (!isEchoed && !isOwn) {
      const causes = causesOfLostConnection(attempt, text);
      const message = shorten(text);
      this.onLinkTrouble(attempt, { causes, message, source: undefined }, place);
    }
  }

  /** TWS ends the session of a client whose message it could not read. */
  private isClosedByTws(place: Place): boolean {
    const misread = this.book.find(
      ({ causes, last }) =>
        causes[0]?.id === 'malformed_request_320' && place.line - last.line <= nearLines,
    );
    if (misread !== undefined) {
      extend(misread, place);
    }
    return misread !== undefined;
  }

  private onLinkTrouble(
    attempt: Attempt,
    trouble: Omit<LinkTrouble, 'endpoint'>,
    place: Place,
  ): void {
    if (this.explained === undefined) {
      this.addLink({ ...trouble, endpoint: endpointOf(attempt) }, place);
    } else {
      // The lines after a code only repeat it in the client's words.
      extend(this.explained, place);
      this.explained.source ??= trouble.source;
    }
  }

  private isClientNear({ line }: Place): boolean {
    const failing = this.links.failing();
    return (
      line - this.connectingLine <= nextLines ||
      (failing !== undefined && line - failing.last.line <= nextLines)
    );
  }

  /** A client that could not connect, and does not know why: the system's words before it tell. */
  private withReason(trouble: LinkTrouble, place: Place): LinkTrouble {
    const { bare } = this;
    this.bare = undefined;
    const isVague = (trouble.causes[0]?.confidence ?? 0) < 0.5;
    if (bare === undefined || !isVague || place.line - bare.place.line > nextLines) {
      return trouble;
    }
    const { errorClass } = bare.fact;
    const causes = causesOfFailedConnection(noAttempt, errorClass, trouble.message);
    return { ...trouble, causes };
  }

  /** With a new one, what failed by it since the last success becomes part of it. */
  private addLink(found: LinkTrouble, place: Place): Incident {
    const trouble = this.withReason(found, place);
    const { incident, isNew } = this.links.add(trouble, place);
    if (isNew && LinkIncidents.groupOf(incident.causes) !== 'loss') {
      const echoes = this.book.withdraw(
        ({ causes, message, last }) =>
          causes[0]?.id === 'runner_error' &&
          echoWords.test(message) &&
          place.line - last.line <= nearLines,
      );
      for (const part of [...echoes, ...this.symbols.takeSilent()]) {
        absorb(incident, part);
      }
    }
    return incident;
  }

  private onSign(fact: Said<'sign'>, place: Place): void {
    const { subject, causes, source, text } = fact;
    const isLink = subject.kind === 'connection' && LinkIncidents.groupOf(causes) !== undefined;
    if (isLink) {
      this.addLink({ causes, message: shorten(text), source, endpoint: '' }, place);
    } else {
      this.report(fact, subject, causes, place);
    }
  }

  /** An exception that only repeats that there is no connection adds its place to that finding. */
  private onError(fact: Said<'error'>, place: Place): void {
    if (fact.text === brokenOff) {
      this.exceptions.place(fact.source, place);
      return;
    }
    const reason = echoWords.test(fact.text) ? this.reasonOfSilence() : undefined;
    if (reason === undefined && /^ConnectionError: Socket disconnect\b/.test(fact.text)) {
      // So ib_async ends the requests of a session that is gone.
      const attempt = this.attempts.lose(fact.text);
      const causes = causesOfLostConnection(attempt, fact.text);
      const { text: message, source } = fact;
      this.onLinkTrouble(attempt, { causes, message, source }, place);
    } else if (reason === undefined) {
      this.report(fact, { kind: 'runner' }, [{ id: 'runner_error', confidence: 0.7 }], place);
    } else {
      extend(reason, place);
      reason.source ??= fact.source;
    }
  }

  private report(
    fact: Said<'sign' | 'error'>,
    subject: Subject,
    causes: readonly CauseGuess[],
    place: Place,
  ): void {
    const { source } = fact;
    if (isStack(place) && this.exceptions.repeat(subject, causes, { source, place })) {
      return;
    }
    // Errors of the program are the same when they come from one place, or read the same.
    const words = fact.kind === 'error' ? fact.text.replace(/\d+/g, '#').slice(0, 100) : '';
    const detail = source === undefined ? words : `${source.file}:${source.line}`;
    const { kind, name = '' } = subject;
    const key = `${kind}/${name}/${causes[0]?.id ?? ''}|${detail}`;
    const parts = { subject, causes, message: shorten(fact.text), source };
    this.exceptions.explain(this.book.add(key, parts, place), place);
  }

  /** The open incident that explains why no symbol comes: no session, or TWS without IBKR. */
  private reasonOfSilence(): Incident | undefined {
    return (
      this.links.open() ??
      this.upstream.open() ??
      this.book.find((_, key) => key.startsWith('message/2105/'))
    );
  }

  private settleTogether(place: Place, hasRecovered: boolean): void {
    const together = this.symbols.takeTogether(this.hasBeenReady);
    if (together !== undefined) {
      this.book.note('data', together, hasRecovered, place);
    }
  }

  private noteSymbol(incident: Incident, place: Place, hasRecovered: boolean): void {
    const { subject, causes } = incident;
    const key = `symbol/${subject.name ?? ''}/${causes[0]?.id ?? ''}`;
    this.book.note(key, incident, hasRecovered, place);
  }
}

function count(incident: Incident, place: Place): void {
  extend(incident, place);
  incident.count += 1;
}

function messageKey({ code, text, symbol }: Said<'tws message'>, causes: readonly CauseGuess[]) {
  const farm = farmStates(code, text).find(({ state }) => state === 'broken')?.farm ?? '';
  const about = subjectOfMessage(code, symbol).name ?? '';
  return `message/${code}/${about}/${causes[0]?.id ?? ''}/${farm}`;
}

/** A login or a process that kept TWS away, and silence that had no better name. */
function isEndedByReady({ subject, causes }: Incident): boolean {
  const [best] = causes;
  const layer = best === undefined ? null : catalogue[best.id].layer;
  switch (subject.kind) {
    case 'connection':
      return layer === 'hello' || layer === 'tcp' || layer === 'port' || layer === 'ready';
    case 'process':
      return layer === 'process' && best?.id !== 'duplicate_gateway';
    default:
      return false;
  }
}
