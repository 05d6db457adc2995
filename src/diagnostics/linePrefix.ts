import { findTime } from './lineTime';

/** A line without what loggers, containers and services put in front of it. */
export interface PeeledLine {
  readonly text: string;
  readonly at?: string;
  readonly level?: string;
  readonly logger?: string;
  /** The container or process that printed it, where its keeper says so. */
  readonly service?: string;
  /** It began with blanks: a line of a traceback, or the rest of the line before. */
  readonly isIndented: boolean;
}

interface Peeling {
  rest: string;
  at: string | undefined;
  level: string | undefined;
  logger: string | undefined;
  /** A name in brackets: the logger where none is named otherwise. */
  thread: string | undefined;
  /** Something has been peeled: what follows may be a part too. */
  isPrefixed: boolean;
  /** What stood between the last part and the rest. */
  separator: string;
}

/** Takes one part off the front; false where the line does not begin with that part. */
type Peeler = (line: Peeling) => boolean;

const levelWords =
  'TRACE|DEBUG|INFO|INFORMATION|NOTICE|WARN|WARNING|ERROR|CRITICAL|FATAL|SUCCESS|ERR|SEVERE|VERBOSE|INF|WRN|DBG|VRB|FTL|TRC|CRIT';

/** More parts than any known format has. */
const maxParts = 12;

const peelers: readonly Peeler[] = [
  peelTime,
  peelService,
  peelLevel,
  peelShortLevel,
  peelSource,
  peelLogger,
  peelBracket,
  peelNameBeforeLevel,
  peelNameAfterLevel,
  peelNoise,
];

/**
 * Takes off the front of a line, in whatever order they come: names of containers and services,
 * times, levels, threads, loggers, places in the source.
 */
export function peelLine(line: string): PeeledLine {
  const { inner, service } = peelContainer(line);
  const printedBy = service === undefined ? {} : { service };
  if (/^(?:\s{2}|\t)/.test(inner)) {
    return { text: inner.trim(), ...printedBy, isIndented: true };
  }
  const peeling: Peeling = {
    rest: inner,
    at: undefined,
    level: undefined,
    logger: undefined,
    thread: undefined,
    isPrefixed: false,
    separator: '',
  };
  for (let part = 0; part < maxParts; part += 1) {
    if (!peelers.some((peel) => peel(peeling))) {
      break;
    }
  }
  const { rest, at, level, thread, logger = thread, separator, isPrefixed } = peeling;
  return {
    text: rest.trim(),
    ...(at === undefined ? {} : { at }),
    ...(level === undefined ? {} : { level }),
    ...(logger === undefined ? {} : { logger }),
    ...printedBy,
    // Loggers pad levels with blanks; behind a time or a service blanks belong to the text.
    isIndented: isPrefixed && level === undefined && /^\s{3,}$|\t/.test(separator),
  };
}

const containers: readonly RegExp[] = [
  // docker compose: ib-gateway-1  | text
  new RegExp(`^(?!(?:${levelWords.toLowerCase()})\\s)[a-z][a-z0-9_.-]{0,80}\\s{1,40}\\|(?: |$)`),
  // A log pasted into a mail or an issue as a quotation
  /^> /,
  // pm2: 0|bot  | text
  /^\d{1,4}\|[\w.@/-]{1,80}\s{0,40}\| /,
  // kubectl logs --prefix
  /^\[pod\/[^\]]{1,200}\] /,
];

function peelContainer(line: string): { readonly inner: string; readonly service?: string } {
  for (const pattern of containers) {
    const [prefix] = pattern.exec(line) ?? [];
    if (prefix !== undefined) {
      const service = /[A-Za-z][\w.@/-]*/.exec(prefix)?.[0];
      return {
        inner: line.slice(prefix.length),
        ...(service === undefined ? {} : { service }),
      };
    }
  }
  return { inner: line };
}

function peelTime(line: Peeling): boolean {
  const found = findTime(line.rest);
  if (found === undefined) {
    return false;
  }
  line.at ??= found.at;
  return take(line, found.length);
}

/** `host prog[123]: ` of syslog and journalctl, `stderr F ` of CRI, `STDERR`. */
function peelService(line: Peeling): boolean {
  if (!line.isPrefixed) {
    return takeMatch(line, /^<\d{1,3}>(?:1 (?=\d{4}-))?/);
  }
  const service = /^[\w.-]{1,64} ([\w.@/-]{1,64})(?:\[\d{1,9}\]): ?/.exec(line.rest);
  if (service !== null) {
    line.logger ??= service[1];
    return takeExactly(line, service[0].length);
  }
  const stream = /^(?:stdout|stderr) [FP] /.exec(line.rest);
  return stream === null
    ? takeMatch(line, /^(?:stdout|stderr)\b(?=[\s:|])/i)
    : takeExactly(line, stream[0].length);
}

const levelStart = new RegExp(
  `^[[(<]?\\s{0,8}(${levelWords})\\s{0,9}[\\])>]?(?=[\\s:|,\\][-]|$)`,
  'i',
);

/** A level, in brackets or not. */
function peelLevel(line: Peeling): boolean {
  // structlog prints its own level, in brackets, behind the one of the logger.
  if (line.level !== undefined && !line.rest.startsWith('[')) {
    return false;
  }
  const found = levelStart.exec(line.rest);
  if (found === null || !isLevel(found, line)) {
    return false;
  }
  line.level = found[1]?.toUpperCase();
  return take(line, found[0].length);
}

/**
 * `Error 1100, reqId …` begins with a word, not with a level: a level is upper case, or stands
 * in brackets or behind a time and is not followed by a number.
 */
function isLevel(found: RegExpExecArray, { isPrefixed }: Peeling): boolean {
  const [whole, word = ''] = found;
  const isBracketed = /^[[(<]/.test(whole) && /[\])>]$/.test(whole);
  const behind = found.input.slice(whole.length, whole.length + 40);
  const isCounted = /^\s-?\d/.test(behind) && !isPart(behind.trimStart());
  const isUpper = word === word.toUpperCase();
  return isBracketed || (!isCounted && (isUpper || (isPrefixed && word === word.toLowerCase())));
}

/** A time, or the number of a process. */
function isPart(text: string): boolean {
  return /^\d{1,9}\s+---\s/.test(text) || findTime(text) !== undefined;
}

const shortLevels: Readonly<Record<string, string>> = {
  I: 'INFO',
  W: 'WARN',
  E: 'ERROR',
  F: 'FATAL',
  D: 'DEBUG',
  C: 'CRITICAL',
  info: 'INFO',
  warn: 'WARN',
  fail: 'ERROR',
  crit: 'CRITICAL',
  dbug: 'DEBUG',
  trce: 'TRACE',
};

/** `fail: Category[0]` of .NET, `E0102 15:04:05.678901 1234 file.cc:12] ` of glog, `[E 10:00…]`. */
function peelShortLevel(line: Peeling): boolean {
  if (line.level !== undefined || line.isPrefixed) {
    return false;
  }
  const found =
    /^(fail|warn|info|crit|dbug|trce):(?=\s)/.exec(line.rest) ??
    /^([IWEF])\d{4} \d\d:\d\d:\d\d\.\d{3,6}\s{1,8}\d{1,9}(?= [\w.-]{1,80}:\d{1,6}\])/.exec(
      line.rest,
    ) ??
    /^\[([IWEDC]) (?=\d)/.exec(line.rest);
  if (found === null) {
    return false;
  }
  line.level = shortLevels[found[1] ?? ''];
  return take(line, found[0].length);
}

/** A place in the source, `bot.py:12` or `module:function:12 -`. */
function peelSource(line: Peeling): boolean {
  return (
    line.isPrefixed &&
    (takeMatch(
      line,
      /^[[(]?[\w./\\-]{1,200}\.(?:py|[mc]?[jt]s|cs|java|go|rs|cpp|cc|c|h|kt|scala)(?::|\()\d{1,7}(?::\d{1,5})?[\])]{0,2}(?=[\s:|\]-]|$)/,
    ) ||
      takeMatch(line, /^[\w.<>]{1,120}:[\w.<>]{1,80}:\d{1,6}(?=\s-\s)/))
  );
}

const dotted =
  /^\[?([A-Za-z_][\w-]*(?:(?:\.|::)[A-Za-z_<][\w<>$-]*)+(?:\[\d{1,6}\])?)\]?(?=[\s:|]|$)/;
const plainName = /^\[?(__main__|root)\]?(?=[\s:|]|$)/;
/** A ticker with its class, or an exception: these belong to the text. */
const isNoLogger = /^[A-Z]{1,6}\.[A-Z]{1,3}$|(?:Error|Exception|Timeout|Warning|Fault)$/;

function peelLogger(line: Peeling): boolean {
  if (!line.isPrefixed || line.logger !== undefined) {
    return false;
  }
  const found = plainName.exec(line.rest) ?? dotted.exec(line.rest.slice(0, 300));
  const name = found?.[1];
  if (found === null || name === undefined || isNoLogger.test(name)) {
    return false;
  }
  line.logger = name;
  return take(line, found[0].length);
}

const bracket =
  /^(?:\[([A-Za-z_][\w .:#@$/,-]{0,80}|[\w-]{0,20}(?::[\w-]{0,12}){3,9})\]|\(([A-Za-z_][\w.-]{0,60})\)|<([A-Za-z_][\w.-]{0,60})>)/;
const tag = /^\[[A-Z]{1,8}\]/;
const beforeLevel = new RegExp(`^\\[[\\w.-]{1,12}\\]\\s{0,4}(?=\\[|(?:${levelWords})\\b)`);

/** A thread, a context or a number of a process in brackets. `[2104]` and `[AAPL]` stay. */
function peelBracket(line: Peeling): boolean {
  if (!line.isPrefixed) {
    return false;
  }
  const number = beforeLevel.exec(line.rest);
  if (number !== null) {
    line.thread ??= /[A-Za-z_][\w.-]{2,}/.exec(number[0])?.[0];
    return take(line, number[0].length);
  }
  const found = bracket.exec(line.rest);
  if (found === null || tag.test(found[0]) || /err(?:no|or)|code|\bIB\b/i.test(found[0])) {
    return false;
  }
  // What stands alone is what is said.
  if (/^\s*$/.test(line.rest.slice(found[0].length))) {
    return false;
  }
  const name = found[1] ?? found[2] ?? found[3] ?? '';
  if (name.length > 2 && !name.includes(':')) {
    line.thread ??= name;
  }
  return take(line, found[0].length);
}

const nameBeforeLevel = new RegExp(
  `^[\\w.$@/-]{1,60}(?:\\[\\d{1,9}\\])?(?=[\\s:|-]{1,6}[[(<]?\\s{0,4}(?:${levelWords})\\s{0,9}[\\])>]?(?:[\\s:|-]|$))`,
);

/** `2024-01-02 10:00:00 bot ERROR text` */
function peelNameBeforeLevel(line: Peeling): boolean {
  if (!line.isPrefixed || line.level !== undefined) {
    return false;
  }
  const found = nameBeforeLevel.exec(line.rest);
  if (found === null) {
    return false;
  }
  line.logger ??= found[0];
  return take(line, found[0].length);
}

/** Words that begin what is said, though a colon follows them. */
const isSaid =
  /^(?:err\w*|\w*error|code|id|req\w*|msg|message|symbol|reason|status|warn\w*|notice|\w*exception|cause|text|event|traceback)$/i;

/** `ERROR:bot:text` · `ERROR bot: text` · `ERROR | bot | text` · `ERROR - bot - text` */
function peelNameAfterLevel(line: Peeling): boolean {
  if (line.level === undefined || line.logger !== undefined) {
    return false;
  }
  const found =
    (line.separator === ':' ? /^([A-Za-z_][\w.-]{0,80}):/.exec(line.rest) : null) ??
    /^([a-z_]\w{0,60}):(?=\s|[A-Z])/.exec(line.rest) ??
    (line.separator.includes('|')
      ? /^([A-Za-z_][\w.$]{0,60})\s{0,30}(?=\|)/.exec(line.rest)
      : null) ??
    (line.separator.includes('-') ? /^([a-z_][\w.]{0,60})(?=\s-\s)/.exec(line.rest) : null);
  const name = found?.[1];
  if (found === null || name === undefined || isSaid.test(name) || /^[A-Z]{1,5}$/.test(name)) {
    return false;
  }
  line.logger = name;
  return take(line, found[0].length);
}

/** What is left of brackets and numbers of processes (`12345 --- `). */
function peelNoise(line: Peeling): boolean {
  return (
    line.isPrefixed &&
    (takeMatch(line, /^\d{1,9}(?=\s+---\s)/) ||
      takeMatch(line, /^(?:[\w.:<>-]{1,100})?\](?=\s|$)/) ||
      takeMatch(line, /^ThreadId\(\d{1,6}\)(?=\s)/))
  );
}

function takeMatch(line: Peeling, pattern: RegExp): boolean {
  const [prefix] = pattern.exec(line.rest) ?? [];
  return prefix !== undefined && take(line, prefix.length);
}

/** No arrow: `-> ` tells the direction of a message. */
const separators = /^(?:[\s|:,–—]|-(?!>|-{1,3}>)){1,40}/;

/** Takes a part and what separates it from the next one. */
function take(line: Peeling, length: number): boolean {
  const behind = line.rest.slice(length);
  const [found = ''] = separators.exec(behind) ?? [];
  // A minus sign that begins a number belongs to the text (`ERROR -1 2104 …`).
  const isSign = found.endsWith('-') && /^\d/.test(behind.slice(found.length));
  line.separator = isSign ? found.slice(0, -1) : found;
  line.rest = behind.slice(line.separator.length);
  line.isPrefixed = true;
  return length > 0;
}

/** Takes a part behind which every blank belongs to the text. */
function takeExactly(line: Peeling, length: number): boolean {
  const behind = line.rest.slice(length);
  line.rest = behind.trimStart();
  line.separator = /^\s{2}/.test(behind) ? '   ' : '';
  line.isPrefixed = true;
  return true;
}
