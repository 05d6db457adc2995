import { type LogLine, maxTextLength } from './logLine';
import { shorten } from './notices';
import { readConnectionFailure } from './readers/connectionWords';
import { errorClassIn, type LineReader } from './readers/reader';
import { factsOfException, readSign } from './readers/signs';
import { apiPort } from './readers/sign';
import { readTwsCode } from './readers/twsCodes';
import type { RunnerFact, SourcePlace } from './runnerFacts';
import { type JavaOwner, javaOwner, readFrame } from './stackFrame';

/** An exception on its way through the lines. */
interface Raised {
  /** In Python the error stands behind its frames, elsewhere before them. */
  readonly isErrorLast: boolean;
  /** What was raised, as far as it has been read. */
  text: string | undefined;
  own: SourcePlace | undefined;
  any: SourcePlace | undefined;
  /** A client of TWS was connecting. */
  isConnecting: boolean;
  isCallingConnect?: boolean;
  /** A client of TWS stands among the frames. */
  hasClient: boolean;
  frames: number;
  /** Whose code the frames of a Java stack stand in. */
  readonly owners: Set<JavaOwner>;
  /** The container that printed it. */
  readonly service: string | undefined;
  /** The line behind a Python frame is code. */
  expectsCode: boolean;
  /** The lines in another form that are open: the causes of an error in Rust, a stack of Julia. */
  list: 'causes' | 'julia' | undefined;
  at: string | undefined;
}

/** Where lines stand, counted back from the last line that was pushed or passed over. */
export interface LinesBack {
  readonly first: number;
  readonly last: number;
}

interface Pushed {
  /** The line belongs to a traceback: nobody else need read it. */
  readonly isMine: boolean;
  readonly facts: readonly RunnerFact[];
}

/** Said where a traceback breaks off: something was raised, and the line that names it is missing. */
export const brokenOff = 'A traceback whose last line is missing';

/** How many lines before an exception are compared with it. */
const keptRecent = 5;

/** Words of which every line has one that begins an exception, or that one may repeat. */
export const tracebackTriggers: readonly string[] = [
  'traceback (most recent',
  'panicked at',
  'panic: ',
  'fatal error: ',
  'terminate called',
  'exception',
  'throwable',
  ...['error', 'fault', 'timeout', 'failure'].flatMap((word) =>
    [':', ' [', '\n', '\r', '"', '\\'].map((end) => `${word}${end}`),
  ),
  ...['timeouterror', 'connectionerror', 'refusederror', 'reseterror', 'abortederror'],
  ...['gaierror', 'oserror', 'pipeerror', 'socket.timeout'],
];

const notMine: Pushed = { isMine: false, facts: [] };
const mine: Pushed = { isMine: true, facts: [] };

const pythonStart = /^(?:\+ )?(?:Exception Group )?Traceback \(most recent call last\)/;
const chained =
  /^(?:During handling of the above exception|The above exception was the direct cause)/;
const groupRule = /^\+[-+]{2,}(?:\s\d{1,4}\s-{2,}|\s\.{3}\s-{2,})?\+?$/;
const pythonError = /^(?:[A-Za-z_]\w{0,80}\.){0,8}[A-Za-z_]\w{0,80}(?:: .*|:?$)/;
const namedError =
  /^(?:[A-Za-z_]\w{0,80}\.){0,8}[A-Z]\w{0,80}(?:Error|Exception|Warning|Exit|Interrupt|Timeout|Group|Failure)(?::|$)/;
/** The first line of a stack that follows: Java, .NET, JavaScript. */
const errorFirst =
  /^(?:Exception in thread "[^"]{1,200}" |Unhandled (?:exception|rejection)[.:]? |Uncaught (?:exception: )?|\[?UnhandledPromiseRejection\w{0,20}\]?:? )?(?:[A-Za-z_$][\w$]{0,80}\.){0,10}(?:[A-Z_$][\w$]{0,80})?(?:Error|Exception|Fault|Timeout|Throwable)(?: \[[\w.]{1,60}\]| \(\w{1,12}\))?(?:: .*|$)/;
const deeperCause = /^(?:Caused by: |---> )/;
const rustPanic =
  /^thread '[^']{0,100}'(?: \(\d{1,9}\))? panicked at (?:'(?<old>.{0,2000})', )?(?<file>[^\s:]{1,600}):(?<line>\d{1,7}):\d{1,7}:?$/;
const goPanic = /^(?:panic: |fatal error: )(?=\S)/;
const cppEnd = /^terminate called (?:after throwing an instance of '(.{1,300})'|without)/;
const cppWhat = /^what\(\):\s{1,4}(.{1,2000})/;
/** Files that are no files on this machine. */
const builtIn = /^(?:node:|internal\/|native$|<|\/_\/src\/|\/rustc\/)/;
/** `console.error(error, code, id)` prints code and id behind the last frame. */
const codeBehindStack = /^(at .{1,600}\)?) (\d{3,5}) (-1|\d{1,10})$/;
/** TWS's own words, raised as an error by clients that do so with every message. */
const goodNews = /\bfarm connection is (?:OK|inactive)\b|\bhas been restored\b/i;
/** A Java thread that was asked to stop while it slept or waited. */
const interruption = /\bInterruptedException\b|\bsleep interrupted\b/;
/** In IBKR's own client for Java: its reader has lost TWS. */
const brokenSocket =
  /\bSocketException: (?:Connection (?:reset|aborted)|Broken pipe|Software caused)/i;
const gatewayService = /gateway|ibc\b|\btws\b|\bibg/i;
const clientCode =
  /\bib_(?:async|insync)\b|\bibapi\b|\bezibpy\b|\bibpy|com\.ib\.|@stoqey|IBApi|\bJib\b|interactive_?brokers|vnpy_ib/i;

/**
 * Reads tracebacks of Python, Java, .NET, JavaScript, Rust, Go and C++ that come line by line,
 * with or without a prefix on each line. The innermost frame in the trader's own code, not in a
 * library, is the place of the error. Of a chain of exceptions the one counts that readers know,
 * else the last.
 */
export class TracebackReader {
  private raised: Raised | undefined;
  private pending: readonly RunnerFact[] | undefined;
  /** What readers knew of the exceptions before in one chain. */
  private known: readonly RunnerFact[] = [];
  private isChained = false;
  /** Only the first line of what may become a stack, and what it says if it does not. */
  private isHeld = false;
  private held: LogLine | undefined;
  /** The lines before, in which the program may have said the same already. */
  private readonly recent: string[] = [];
  private nextRecent = 0;
  private lastAt: string | undefined;
  private line = 0;
  /** The lines of what is open. */
  private lines = { first: 0, last: 0 };
  private endedLines = { first: 0, last: 0 };

  /**
   * @param readLine reads a line that looked like the head of a stack and was none.
   */
  constructor(
    private readonly readLine: LineReader = (line) => readTwsCode(line) ?? readSign(line),
  ) {}

  /**
   * @returns isMine false when the line belongs to no traceback. Facts of a finished one come
   *   with the next line, because only that tells whether another exception follows.
   */
  push(line: LogLine): Pushed {
    const bare = withoutBars(line, this.raised !== undefined || this.pending !== undefined);
    this.line += 1;
    const before = this.lines;
    const result = this.next(bare);
    if (result.isMine && line.text !== '') {
      this.lines = { ...this.lines, last: this.line };
    }
    if (result.facts.length > 0) {
      this.endedLines = before;
    }
    this.lastAt = line.at ?? (result.isMine ? this.lastAt : undefined);
    return result;
  }

  /** The lines of the exception of which the last facts came. */
  get linesBack(): LinesBack {
    const { first, last } = this.endedLines;
    return { first: this.line - first, last: this.line - last };
  }

  /** True while the next line matters, whatever it says: it may belong to an exception. */
  get needsNextLine(): boolean {
    return this.raised !== undefined || this.pending !== undefined || this.isChained;
  }

  /**
   * True where all of an exception has been read, and a line like one that was read by itself
   * ends it.
   * @param text what that line says; it begins nothing
   */
  isEndedBy(text: string): boolean {
    return (
      this.raised === undefined &&
      !this.isChained &&
      text !== '' &&
      !text.startsWith('|') &&
      !chained.test(text) &&
      !groupRule.test(text)
    );
  }

  /** Ends an exception by such a line. @returns what it says */
  endBy(text: string): readonly RunnerFact[] {
    this.endedLines = this.lines;
    const facts = this.leave();
    this.skip(1, text.slice(0, 300));
    return facts;
  }

  /** Lines that belong to nothing here and were not looked at; `text` is what the last one said. */
  skip(lines: number, text: string): void {
    this.lastAt = undefined;
    this.line += lines;
    for (let line = Math.min(lines, keptRecent); line > 0; line -= 1) {
      this.remember(line === 1 ? text : '');
    }
  }

  private remember(said: string): void {
    this.recent[this.nextRecent] = said;
    this.nextRecent = (this.nextRecent + 1) % keptRecent;
  }

  /** The time of the line before, where that was skipped and what has just begun has none. */
  dateBy(at: string | undefined): void {
    if (this.raised !== undefined) {
      this.raised.at ??= at;
      // Another one may follow at once.
      this.lastAt ??= at;
    }
  }

  /** What is left at the end of the text. */
  take(): readonly RunnerFact[] {
    this.endedLines = this.lines;
    return this.leave();
  }

  /** What has been read says all that it will say. */
  private leave(): readonly RunnerFact[] {
    const facts = this.finish();
    // The place of one that breaks off is that of what the chain has told.
    return [...this.endChain(), ...facts];
  }

  private finish(): readonly RunnerFact[] {
    const { raised } = this;
    this.raised = undefined;
    const facts = this.pending ?? [];
    this.pending = undefined;
    if (raised?.text === undefined) {
      return [...facts, ...factsOfBroken(raised)];
    }
    if (this.isHeld && this.held !== undefined && raised.frames === 0) {
      return [...facts, ...this.released(this.held)];
    }
    return [...facts, ...this.factsOf(raised, raised.text)];
  }

  private next(line: LogLine): Pushed {
    const { text } = line;
    if (line.exception === undefined) {
      if (pythonStart.test(text)) {
        const facts = this.finish();
        this.begin(line, true);
        return { isMine: true, facts };
      }
      if (this.raised !== undefined) {
        return this.inside(line, this.raised);
      }
    }
    // Between the exceptions of a chain stands an empty line.
    if (text === '' && (this.pending !== undefined || this.isChained)) {
      return mine;
    }
    if (this.pending !== undefined && (chained.test(text) || groupRule.test(text))) {
      // The rule with two crosses opens the list of what a group is made of.
      if (!text.startsWith('+--')) {
        this.chain();
      }
      return mine;
    }
    return this.outside(line);
  }

  private outside(line: LogLine): Pushed {
    const facts = this.leave();
    const begun = line.exception === undefined && this.beginErrorFirst(line);
    if (!begun) {
      this.remember(line.text.slice(0, 300));
    }
    return begun || facts.length > 0 ? { isMine: begun, facts } : notMine;
  }

  private begin(line: LogLine, isErrorLast: boolean): Raised {
    this.isHeld = false;
    const { service } = line;
    const first = this.isChained ? this.lines.first : this.line;
    this.lines = { first, last: this.line };
    this.raised = {
      isErrorLast,
      text: undefined,
      own: undefined,
      any: undefined,
      isConnecting: false,
      hasClient: false,
      frames: 0,
      owners: new Set(),
      service,
      expectsCode: false,
      list: undefined,
      at: line.at ?? this.lastAt,
    };
    return this.raised;
  }

  private beginErrorFirst(line: LogLine): boolean {
    const { text } = line;
    const panic = rustPanic.exec(text)?.groups;
    if (panic !== undefined) {
      const raised = this.begin(line, false);
      const place = { file: panic['file'] ?? '', line: Number(panic['line']) };
      this.addFrame(raised, text, {
        place,
        isOwn: readFrame(`at ${place.file}:1:1`)?.isOwn === true,
      });
      raised.text = panic['old'] === undefined ? undefined : `panicked: ${panic['old']}`;
      return true;
    }
    const cpp = cppEnd.exec(text);
    if (goPanic.test(text) || cpp !== null) {
      this.begin(line, false).text = cpp?.[1] ?? text;
      return true;
    }
    if (errorFirst.test(text) && line.isIndented !== true) {
      this.begin(line, false).text = text;
      this.isHeld = true;
      this.held = line;
      return true;
    }
    return false;
  }

  private inside(line: LogLine, raised: Raised): Pushed {
    if (raised.list !== undefined && this.insideList(line, raised)) {
      return mine;
    }
    const tail = raised.isErrorLast ? null : codeBehindStack.exec(line.text);
    const { text } = tail === null ? line : { text: tail[1] ?? '' };
    if (tail !== null) {
      raised.text = `Error ${tail[2] ?? ''}, reqId ${tail[3] ?? ''}: ${raised.text ?? ''}`;
    }
    const frame = readFrame(text);
    if (frame !== undefined) {
      this.addFrame(raised, text, frame);
      return mine;
    }
    return raised.isErrorLast ? this.insidePython(line, raised) : this.behindError(line, raised);
  }

  /** @returns whether the line belongs to what is listed */
  private insideList({ text, isIndented }: LogLine, raised: Raised): boolean {
    if (raised.list === 'causes') {
      if (isIndented === true) {
        const cause = text.replace(/^\d{1,4}: /, '');
        raised.text = `${raised.text ?? ''}: ${cause}`.slice(0, maxTextLength);
      }
      return isIndented === true;
    }
    const frame = readFrame(text);
    if (frame !== undefined && frame !== null) {
      this.addFrame(raised, text, frame);
    }
    // The name of a function stands before the line with its place.
    const isCall = /^\[\d{1,4}\] /.test(text);
    raised.isConnecting ||= raised.isCallingConnect === true && clientCode.test(text);
    raised.isCallingConnect = isCall && /connect/i.test(text);
    return isCall || text.startsWith('@ ');
  }

  private addFrame(raised: Raised, text: string, frame: ReturnType<typeof readFrame>): void {
    raised.frames += 1;
    raised.expectsCode = raised.isErrorLast;
    const owner = raised.isErrorLast ? undefined : javaOwner(text);
    if (owner !== undefined) {
      raised.owners.add(owner);
    }
    const isClient = clientCode.test(text);
    raised.hasClient ||= isClient;
    raised.isConnecting ||= isClient && /connect|start_?api/i.test(text);
    if (frame === undefined || frame === null || builtIn.test(frame.place.file)) {
      return;
    }
    // Python lists the innermost frame last, the others list it first.
    raised.any = raised.isErrorLast ? frame.place : (raised.any ?? frame.place);
    if (frame.isOwn && (owner ?? 'own') === 'own') {
      raised.own = raised.isErrorLast ? frame.place : (raised.own ?? frame.place);
    }
  }

  private insidePython(line: LogLine, raised: Raised): Pushed {
    const { text } = line;
    const isCode =
      line.isIndented === true || text === '' || /^[\^~\s]+$|^\[Previous line/.test(text);
    if (isCode || (raised.expectsCode && !namedError.test(text))) {
      raised.expectsCode = false;
      return mine;
    }
    this.raised = undefined;
    if (!pythonError.test(text)) {
      const broken = factsOfBroken(raised);
      const after = this.next(line);
      return { isMine: after.isMine, facts: [...broken, ...after.facts] };
    }
    this.pending = this.better(this.factsOf(raised, text));
    return mine;
  }

  /** Lines behind an error that stands first: its deeper causes, its message, its end. */
  private behindError(line: LogLine, raised: Raised): Pushed {
    const { text } = line;
    if (raised.text === undefined) {
      raised.text = `panicked: ${text}`;
      return mine;
    }
    const what = cppWhat.exec(text)?.[1];
    if (what !== undefined) {
      raised.text = `${raised.text}: ${what}`;
      return mine;
    }
    if (deeperCause.test(text) && (raised.frames > 0 || text.startsWith('--->'))) {
      const cause = text.replace(deeperCause, '');
      raised.text = isKnown(cause) || !isKnown(raised.text) ? cause : raised.text;
      raised.frames += 1;
      return mine;
    }
    if (/^(?:Caused by|Stacktrace):$/.test(text)) {
      raised.list = text.startsWith('C') ? 'causes' : 'julia';
      raised.frames += 1;
      return mine;
    }
    if (
      /^(?:goroutine \d|\[signal |exit status \d|note: run with|stack backtrace:|\S{1,300}\(.{0,300}\)$|created by )/.test(
        text,
      )
    ) {
      return mine;
    }
    // Behind an empty line stand the causes of what `main` of a program in Rust returned.
    const isRust = raised.text.startsWith('Error: ');
    const mayPause = raised.frames > 0 || isRust || goPanic.test(raised.text);
    return text === '' && mayPause ? mine : this.outside(line);
  }

  /** Another exception follows that is about the same matter. */
  private chain(): void {
    const known = this.pending?.filter(({ kind }) => kind !== 'error') ?? [];
    this.known = known.length > 0 ? known : this.known;
    this.isChained = true;
    this.pending = undefined;
  }

  /** @returns what a chain said whose next exception never came. */
  private endChain(): readonly RunnerFact[] {
    const { known } = this;
    this.known = [];
    this.isChained = false;
    return known;
  }

  private better(facts: readonly RunnerFact[]): readonly RunnerFact[] {
    const known = this.endChain();
    return known.length > 0 && facts.every(({ kind }) => kind === 'error') ? known : facts;
  }

  private released(line: LogLine): readonly RunnerFact[] {
    this.remember(line.text.slice(0, 300));
    const facts = this.readLine(line) ?? [];
    const { at } = line;
    return at === undefined ? facts : facts.map((fact) => ({ at, ...fact }));
  }

  private factsOf(raised: Raised, text: string): readonly RunnerFact[] {
    const facts = withSource(this.meaningOf(raised, text), raised.own ?? raised.any);
    const { at } = raised;
    return at === undefined ? facts : facts.map((fact) => ({ at, ...fact }));
  }

  private meaningOf(raised: Raised, text: string): readonly RunnerFact[] {
    if (goodNews.test(text)) {
      return [];
    }
    const coded = readTwsCode({ text });
    if (coded !== undefined) {
      return coded;
    }
    const facts = isBadCallback(raised, text) ? [badCallback(text)] : factsOfException(text);
    const isUnknown = facts.every(({ kind }) => kind === 'error');
    if (isUnknown && (raised.list === 'causes' || isOfGateway(raised, text))) {
      return [];
    }
    if (raised.owners.has('client') && brokenSocket.test(text)) {
      return [{ kind: 'connection lost', text: shorten(text) }];
    }
    const failure = raised.isConnecting ? readConnectionFailure(text) : undefined;
    const isOther =
      isOfOtherServer(raised, text) && facts.some(({ kind }) => kind === 'connection failed');
    const said = isOther
      ? [{ kind: 'error', text: shorten(text) } as const]
      : failure !== undefined && isUnknown
        ? failure
        : facts;
    // What the program's own line has said already is the same failure once more.
    const name = errorClassIn(text) || (/^[\w.]{1,120}/.exec(text)?.[0] ?? text);
    const isRepeat = this.recent.some((line) => line.includes(name));
    return isRepeat && said.some(({ kind }) => kind === 'connection failed')
      ? [{ kind: 'error', text }]
      : said;
  }
}

/** A socket that failed in code in which no client of TWS has a part. */
function isOfOtherServer({ frames, isErrorLast, hasClient }: Raised, text: string): boolean {
  return (
    frames > 1 && !isErrorLast && !hasClient && !clientCode.test(text) && !apiAddress.test(text)
  );
}

const apiAddress = new RegExp(`[:\\s]${apiPort}\\b|\\b(?:IBKR|IB|TWS)\\b`);

/** A client in Python called the program with more, or less, than it takes. */
function isBadCallback({ isErrorLast, any }: Raised, text: string): boolean {
  return (
    isErrorLast &&
    clientCode.test(any?.file ?? '') &&
    /\(\) takes .{1,30} positional arguments? but \d{1,2} (?:was|were) given/.test(text)
  );
}

function badCallback(text: string): RunnerFact {
  const causes = [{ id: 'client_lib_mismatch', confidence: 0.6 }] as const;
  return { kind: 'sign', subject: { kind: 'runner' }, causes, text: shorten(text) };
}

/** Where a traceback broke off is worth knowing if it stands in the trader's own code. */
function factsOfBroken(raised: Raised | undefined): readonly RunnerFact[] {
  const { own, at } = raised ?? {};
  return raised?.isErrorLast === true && own !== undefined
    ? [{ ...(at === undefined ? {} : { at }), kind: 'error', text: brokenOff, source: own }]
    : [];
}

/** TWS, its keepers and threads that are stopped print stacks every day; none is the trader's. */
function isOfGateway({ owners, service = '' }: Raised, text: string): boolean {
  if (owners.has('own') || owners.has('client')) {
    return false;
  }
  return (
    owners.has('gateway') ||
    (owners.has('library') && (interruption.test(text) || gatewayService.test(service))) ||
    text.startsWith('Exception in thread "JTS-')
  );
}

function isKnown(text: string): boolean {
  return factsOfException(text).some(({ kind }) => kind !== 'error');
}

/** Exception groups stand behind bars, one blank in. */
function withoutBars(line: LogLine, isInside: boolean): LogLine {
  const { text } = line;
  const isBar = text.startsWith('|') && (isInside || text.includes('Traceback (most'));
  return isBar ? { ...line, text: text.slice(1).trim(), isIndented: text.startsWith('|  ') } : line;
}

/** Reads a traceback that came as one text. */
export function readTraceback(exception: string): readonly RunnerFact[] {
  const reader = new TracebackReader();
  const facts: RunnerFact[] = [];
  for (const text of exception.slice(0, 64 * maxTextLength).split(/\r?\n/)) {
    facts.push(...reader.push({ text: text.trim(), isIndented: /^\s/.test(text) }).facts);
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
