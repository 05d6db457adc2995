import { farmStates } from '../ibkr/messageCodes';
import { catalogue } from './catalogue';
import type { Subject } from './finding';
import {
  type Attempt,
  Attempts,
  causesOfFailedConnection,
  causesOfLostConnection,
  endpointOf,
} from './logConnection';
import {
  absorb,
  extend,
  type Incident,
  IncidentBook,
  lastedMs,
  type LogFinding,
  type NewIncident,
  type Place,
} from './logIncidents';
import { LinkIncidents, type LinkTrouble } from './logLink';
import { judgeByTime } from './logReset';
import { isLinkTrouble, SymbolTroubles } from './logSymbols';
import { causesOfMessage, type CauseGuess, shorten, subjectOfMessage } from './notices';
import type { RunnerFact } from './runnerFacts';
import { FactReader, type KnownLine } from './runnerReader';

type Said<Kind extends RunnerFact['kind']> = Extract<RunnerFact, { kind: Kind }>;

/** A farm that is back sooner has only flapped. Milliseconds. */
const flapMs = 5000;
/** What stands further apart in the text is not about the same request. */
const nearLines = 10;
/** A broken farm that TWS reports this shortly before it loses IBKR altogether is part of that. */
const soonMs = 60_000;

/** The two codes for a TWS without IBKR, under one key. */
const upstream = 'upstream';
const upstreamCodes: ReadonlySet<number> = new Set([1100, 2110]);
/** Codes that follow from an upstream that is gone, and say nothing more. */
const upstreamEchoes: ReadonlySet<number> = new Set([
  162, 200, 366, 2103, 2105, 2157, 10182, 10225,
]);
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
  private readonly attempts = new Attempts();
  private hasBeenReady = false;
  /** What a code of TWS has explained about the present attempt; the lines after it repeat it. */
  private explained: Incident | undefined;
  /** A code about a contract, in a line that does not name the contract. */
  private unnamed: { code: number; text: string; key: string; line: number } | undefined;
  private line = 0;
  private cycleLine = 0;

  /** How many lines were taken in. */
  get lines(): number {
    return this.line;
  }

  /** True while the next line matters whatever it says: a traceback is open. */
  get needsNextLine(): boolean {
    return this.reader.needsNextLine;
  }

  /** Takes in the next line, without its line break. */
  push(raw: string): void {
    this.line += 1;
    if (raw.startsWith('[robo: ')) {
      // Older lines were rotated away, or output came faster than it could be read.
      this.attempts.forget();
      return;
    }
    const facts = this.reader.push(raw);
    for (const [index, fact] of facts.entries()) {
      // An exception is known to be over when the next line comes.
      const line = index < this.reader.earlyFacts ? this.line - 1 : this.line;
      this.take(fact, new FactPlace(line, fact));
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
   * Takes in a line like one that was read before.
   * @param tell gives the line, if its time is asked for
   * @param isDated false where nobody will ask: good news while nothing is wrong
   */
  pushKnown(known: KnownLine, tell: () => string, isDated: boolean): void {
    this.line += 1;
    for (const fact of this.reader.pushKnown(known, tell, isDated)) {
      this.take(fact, new FactPlace(this.line, fact));
    }
  }

  /** All findings in the order of the text. */
  end(): readonly LogFinding[] {
    const place = { line: this.line, at: undefined, isTimed: false };
    for (const fact of this.reader.end()) {
      this.take(fact, place);
    }
    this.settleTogether(place, false);
    for (const incident of this.symbols.takeEach()) {
      this.noteSymbol(incident, place, false);
    }
    const open = this.book.get(upstream);
    if (open !== undefined) {
      judgeByTime(open, undefined);
    }
    return this.book.finish();
  }

  private take(fact: RunnerFact, place: Place): void {
    switch (fact.kind) {
      case 'connecting':
        this.explained = undefined;
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
      this.recoverUpstream(place);
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
      this.endByMessage(code, text, place);
    }
    const causes = causesOfMessage(code, text);
    if (causes.length === 0 || this.isEcho(fact, place)) {
      return;
    }
    const message = `TWS reports ${code}: ${shorten(text)}`;
    if (upstreamCodes.has(code)) {
      this.onUpstreamLost({ causes, message }, place);
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
    const lost = upstreamEchoes.has(code) ? this.book.get(upstream) : undefined;
    const reason = lost ?? (linkEchoes.has(code) ? this.links.open() : undefined);
    if (reason === undefined) {
      return false;
    }
    count(reason, place);
    return true;
  }

  private onUpstreamLost(
    { causes, message }: Pick<NewIncident, 'causes' | 'message'>,
    place: Place,
  ): void {
    const isNew = this.book.get(upstream) === undefined;
    const parts = { subject: { kind: 'connection' } as const, causes, message, source: undefined };
    const incident = this.book.add(upstream, parts, place);
    if (isNew) {
      const before = this.book.withdraw(
        ({ last }, key) => /\/(?:2103|2105|2157)\//.test(key) && isSoon(last, place),
      );
      for (const part of [...before, ...this.symbols.takeSilent()]) {
        absorb(incident, part);
      }
    }
  }

  /** Good news ends what it is about, and says nothing itself. */
  private endByMessage(code: number, text: string, place: Place): void {
    if (code === 1101 || code === 1102) {
      this.recoverUpstream(place);
    }
    for (const { farm, state } of farmStates(code, text)) {
      if (state === 'ok') {
        this.endFarm(farm, place);
      }
    }
  }

  private recoverUpstream(place: Place): void {
    const open = this.book.get(upstream);
    if (open !== undefined) {
      judgeByTime(open, place);
      this.book.recover((incident) => incident === open, place);
    }
  }

  private endFarm(farm: string, place: Place): void {
    const isOf = (key: string): boolean =>
      key.endsWith(`/${farm}`) && /^message\/(?:2103|2105|2157|1102)\//.test(key);
    const flapped = this.book.find(
      ({ first }, key) => isOf(key) && key.includes('/2103/') && lastedMs(first, place) <= flapMs,
    );
    if (flapped !== undefined) {
      flapped.causes = [{ id: 'farm_flap', confidence: 0.9 }];
    }
    this.book.recover((_, key) => isOf(key), place);
  }

  private onFailed(fact: Said<'connection failed'>, place: Place): void {
    const { errorClass, source } = fact;
    const attempt = this.attempts.fail(errorClass);
    const causes = causesOfFailedConnection(attempt, errorClass);
    this.onLinkTrouble(attempt, { causes, message: shorten(fact.text), source }, place);
  }

  private onLost(fact: Said<'connection lost'>, place: Place): void {
    const { text } = fact;
    const attempt = this.attempts.lose(text);
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

  /** With a new one, what failed by it since the last success becomes part of it. */
  private addLink(trouble: LinkTrouble, place: Place): Incident {
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
    const reason = echoWords.test(fact.text) ? this.reasonOfSilence() : undefined;
    if (reason === undefined) {
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
    // Errors of the program are the same when they come from one place, or read the same.
    const words = fact.kind === 'error' ? fact.text.replace(/\d+/g, '#').slice(0, 100) : '';
    const detail = source === undefined ? words : `${source.file}:${source.line}`;
    const { kind, name = '' } = subject;
    const key = `${kind}/${name}/${causes[0]?.id ?? ''}|${detail}`;
    this.book.add(key, { subject, causes, message: shorten(fact.text), source }, place);
  }

  /** The open incident that explains why no symbol comes: no session, or TWS without IBKR. */
  private reasonOfSilence(): Incident | undefined {
    return (
      this.links.open() ??
      this.book.get(upstream) ??
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

/** The time of a fact may have to be read from its line: it is asked for as late as can be. */
class FactPlace implements Place {
  readonly isTimed: boolean;

  constructor(
    readonly line: number,
    private readonly fact: RunnerFact,
  ) {
    this.isTimed = 'at' in fact;
  }

  get at(): string | undefined {
    return this.fact.at;
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

function isSoon(before: Place, now: Place): boolean {
  const ms = lastedMs(before, now);
  return Number.isNaN(ms) ? now.line - before.line <= nearLines : ms <= soonMs;
}
