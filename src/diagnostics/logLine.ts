/** A line of any log, freed of its wrapping. */
export interface LogLine {
  /** What it says: without colours, time, level and logger; at most `maxTextLength` characters. */
  readonly text: string;
  /** ISO 8601; without an offset where the log gives local time without one. */
  readonly at?: string;
  /** Upper case. Says nothing about good or bad news (law 11). */
  readonly level?: string;
  readonly logger?: string;
  /** A whole traceback that came inside one JSON line. */
  readonly exception?: string;
  /** All keys of a JSON line, those of a JSON message inside it on top. */
  readonly fields?: Readonly<Record<string, unknown>>;
}

/** Longer lines are cut: nothing that matters stands behind, and time stays bounded. */
export const maxTextLength = 8192;
const maxJsonLength = 65_536;

type Fields = Record<string, unknown>;

/** Takes the wrapping off a line: JSON, JSON inside JSON, plain prefixes, ANSI colours. */
export function parseLogLine(raw: string): LogLine {
  const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
  if (line.startsWith('{') && line.length <= maxJsonLength) {
    const outer = parseObject(line);
    if (outer !== undefined) {
      return fromFields(outer);
    }
  }
  return fromPlain(stripColours(line.slice(0, maxTextLength)));
}

function parseObject(text: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? { ...value }
      : undefined;
  } catch {
    return undefined;
  }
}

function fromFields(outer: Fields): LogLine {
  const message = firstText(outer, ['message', 'msg', 'event', 'text']);
  const inner =
    message?.trimStart().startsWith('{') === true && message.length <= maxJsonLength
      ? parseObject(message)
      : undefined;
  const fields = inner === undefined ? outer : { ...outer, message: undefined, ...inner };
  const event = firstText(fields, ['event', 'message', 'msg', 'text']) ?? '';
  const detail = fields['event'] === event ? firstText(fields, ['message', 'msg']) : undefined;
  const text = stripColours(
    `${event}${detail === undefined || detail === event ? '' : ` ${detail}`}`.slice(
      0,
      maxTextLength,
    ),
  );
  // A library's own line can be wrapped whole into a message, with time and level of its own.
  const plain = fromPlain(text);
  const at = firstTime(fields, ['timestamp', 'time', 'ts', '@timestamp', 'asctime', 'at']);
  const level = firstText(fields, ['level', 'levelname', 'severity', 'lvl'])?.toUpperCase();
  const logger = firstText(fields, ['logger', 'name', 'logger_name']) ?? plain.logger;
  const exception = firstText(fields, ['exception', 'exc_info', 'traceback', 'stack']);
  return {
    text: plain.text,
    ...definedOnly({ at: at ?? plain.at, level: level ?? plain.level, logger, exception }),
    fields,
  };
}

function definedOnly<T extends Record<string, string | undefined>>(
  values: T,
): { [K in keyof T]?: string } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: string;
  };
}

function firstText(fields: Fields, keys: readonly string[]): string | undefined {
  for (const key of keys) {
    const value = fields[key];
    if (typeof value === 'string' && value !== '') {
      return value;
    }
  }
  return undefined;
}

function firstTime(fields: Fields, keys: readonly string[]): string | undefined {
  for (const key of keys) {
    const value = fields[key];
    if (typeof value === 'string') {
      const time = timeStart.exec(value);
      if (time !== null) {
        return isoOf(time);
      }
    }
    if (typeof value === 'number' && Number.isFinite(value)) {
      // Seconds before about the year 5000, milliseconds above.
      const ms = value < 1e11 ? value * 1000 : value;
      return ms > 0 && ms < 8.64e15 ? new Date(ms).toISOString() : undefined;
    }
  }
  return undefined;
}

const colourCodes = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]{0,20}[A-Za-z]`, 'g');

function stripColours(text: string): string {
  return text.includes('\u001B') ? text.replace(colourCodes, '') : text;
}

const timeStart =
  /^\[?(\d{4})[-/](\d\d)[-/](\d\d)[T ]+(\d\d:\d\d:\d\d)(?:[.,:](\d{1,9}))?\s?(Z|[+-]\d\d:?\d\d)?\]?/;
const shortTimeStart = /^\[?\d\d:\d\d:\d\d(?:[.,:]\d{1,6})?\]?(?=\s)/;
const levelStart =
  /^[[(<]?\s{0,8}(TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|CRITICAL|FATAL|SUCCESS|ERR)\s{0,9}[\])>]?(?=[\s:|-]|$)/i;
const loggerStart = /^\[?((?:__main__|root|[a-z_][\w-]*(?:\.\w[\w-]*)+))\]?(?=\s|:)/i;
const loggerAfterLevel = /^([a-z_]\w{0,60}):(?=\s|[A-Z])/;
const separators = /^[\s|:\-–]{1,10}/;

/** Takes time, level and logger off the front, in whatever order they come. */
function fromPlain(line: string): LogLine {
  let rest = line;
  let at: string | undefined;
  let level: string | undefined;
  let logger: string | undefined;
  const isTraceback = rest.startsWith('  ');
  for (let part = 0; part < 8 && !isTraceback; part += 1) {
    const time = timeStart.exec(rest) ?? shortTimeStart.exec(rest);
    if (time !== null) {
      at ??= time.length > 1 ? isoOf(time) : undefined;
      rest = cut(rest, time[0].length);
      continue;
    }
    // structlog prints its own level, in brackets, behind the one of the logger.
    const levelFound: RegExpExecArray | null =
      level === undefined || rest.startsWith('[') ? levelStart.exec(rest) : null;
    if (levelFound !== null && isLevel(levelFound, at, logger)) {
      level = levelFound[1]?.toUpperCase();
      rest = cut(rest, levelFound[0].length);
      continue;
    }
    const isPrefixed = at !== undefined || level !== undefined;
    const loggerFound: RegExpExecArray | null =
      isPrefixed && logger === undefined
        ? (loggerStart.exec(rest) ?? (level === undefined ? null : loggerAfterLevel.exec(rest)))
        : null;
    if (loggerFound === null) {
      break;
    }
    logger = loggerFound[1];
    rest = cut(rest, loggerFound[0].length);
  }
  return { text: isTraceback ? rest : rest.trim(), ...definedOnly({ at, level, logger }) };
}

/**
 * `Error 1100, reqId …` begins with a word, not with a level: a level is upper case, or stands
 * in brackets or behind a time and is not followed by a number.
 */
function isLevel(
  found: RegExpExecArray,
  at: string | undefined,
  logger: string | undefined,
): boolean {
  const [whole, word = ''] = found;
  const isBracketed = /^[[(<]/.test(whole);
  const after = found.input.slice(whole.length, whole.length + 3);
  const isCounted = /^\s-?\d/.test(after);
  const isUpper = word === word.toUpperCase();
  const isPrefixed = at !== undefined || logger !== undefined;
  return isBracketed || (!isCounted && (isUpper || (isPrefixed && word === word.toLowerCase())));
}

function cut(text: string, length: number): string {
  const rest = text.slice(length);
  const separator = separators.exec(rest);
  if (separator === null) {
    return rest;
  }
  // A minus sign that begins a number belongs to the text (`ERROR -1 2104 …`).
  const isSign = separator[0].endsWith('-') && /^\d/.test(rest.slice(separator[0].length));
  return rest.slice(separator[0].length - (isSign ? 1 : 0));
}

function isoOf(time: RegExpExecArray): string {
  const [, year = '', month = '', day = '', clock = '', fraction, zone] = time;
  const ms = (fraction ?? '0').padEnd(3, '0').slice(0, 3);
  const local = `${year}-${month}-${day}T${clock}.${ms}`;
  if (zone === undefined) {
    return local;
  }
  const offset = zone.length === 5 ? `${zone.slice(0, 3)}:${zone.slice(3)}` : zone;
  const moment = Date.parse(`${local}${offset}`);
  return Number.isNaN(moment) ? local : new Date(moment).toISOString();
}
