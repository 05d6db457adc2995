import { Buffer } from 'node:buffer';
import { timeOfField } from './lineTime';
import { decodeLine } from './textDecoding';

export type Fields = Readonly<Record<string, unknown>>;

const maxJsonLength = 65_536;

/** The keys and values of a JSON object; undefined for anything else. */
export function parseFields(text: string): Fields | undefined {
  if (!text.startsWith('{') || text.length > maxJsonLength) {
    return undefined;
  }
  try {
    const value: unknown = JSON.parse(text);
    return isFields(value) ? flatten(value) : undefined;
  } catch {
    return undefined;
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Loggers that put what was said into an object of its own: loguru, tracing, Google. */
function flatten(fields: Fields): Fields {
  const inner = ['record', 'fields', 'jsonPayload'].map((key) => fields[key]).find(isFields);
  return inner === undefined ? fields : { ...fields, ...inner };
}

const pair =
  /([\w.@-]{1,60})=(?:"((?:[^"\\]|\\.){0,8000})"|'((?:[^'\\]|\\.){0,8000})'|(\S{0,8000}))(?:\s|$)/y;
const saidKeys: readonly string[] = ['msg', 'message', 'event'];

/** `time=… level=… msg="…"`: pairs with a level or a time, and with something said. */
export function parsePairs(text: string): Fields | undefined {
  if (!/^[\w.@-]{1,60}=/.test(text)) {
    return undefined;
  }
  const fields: Record<string, unknown> = {};
  pair.lastIndex = 0;
  for (let count = 0; count < 100; count += 1) {
    const found = pair.exec(text);
    if (found === null) {
      break;
    }
    const [, key = '', double, single, bare] = found;
    fields[key] = (double ?? single)?.replace(/\\(["'\\])/g, '$1') ?? bare ?? '';
  }
  const isLogged = timeIn(fields) !== undefined || fields['level'] !== undefined;
  return isLogged && saidKeys.some((key) => typeof fields[key] === 'string') ? fields : undefined;
}

/** The text under the first of `keys` that has one. */
export function textIn(fields: Fields, keys: readonly string[]): string | undefined {
  for (const key of keys) {
    const value = fields[key];
    if (typeof value === 'string' && value !== '') {
      return value;
    }
    if (key === journalKey && Array.isArray(value)) {
      return textOfBytes(value);
    }
  }
  return undefined;
}

const journalKey = 'MESSAGE';

/** systemd's journal gives a message that has colours or is no UTF-8 as a list of its bytes. */
function textOfBytes(values: readonly unknown[]): string | undefined {
  const isByte = (value: unknown): value is number =>
    Number.isInteger(value) && Number(value) >= 0 && Number(value) < 256;
  return values.length > 0 && values.every(isByte) ? decodeLine(Buffer.from(values)) : undefined;
}

const errorKeys: readonly string[] = ['error', 'err', 'exception', 'exc', 'cause', 'reason'];

/** An error of one line in a key of its own, beside what is said. */
export function errorIn(fields: Fields): string | undefined {
  const value = textIn(fields, errorKeys) ?? errorKeys.map((key) => fields[key]).find(isFields);
  const text = isFields(value) ? textIn(value, ['message', 'msg']) : value;
  return text === undefined || text.trimEnd().includes('\n') ? undefined : text;
}

const timeKeys: readonly string[] = [
  'timestamp',
  'time',
  'ts',
  '@timestamp',
  '@t',
  'asctime',
  'at',
  'datetime',
  'timeMillis',
  '__REALTIME_TIMESTAMP',
];

export function timeIn(fields: Fields): string | undefined {
  for (const key of timeKeys) {
    const time = timeOfField(valueOf(fields[key], ['timestamp', 'repr']));
    if (time !== undefined) {
      return time;
    }
  }
  const instant = fields['instant'];
  return isFields(instant) ? timeOfField(instant['epochSecond']) : undefined;
}

const levelNumbers: Readonly<Record<string, string>> = {
  10: 'TRACE',
  20: 'DEBUG',
  30: 'INFO',
  40: 'WARN',
  50: 'ERROR',
  60: 'FATAL',
};

export function levelIn(fields: Fields): string | undefined {
  for (const key of ['level', 'levelname', 'severity', 'lvl', '@l', 'log.level', 'Level']) {
    const value = valueOf(fields[key], ['name']);
    if (typeof value === 'string' && value !== '') {
      return value.toUpperCase();
    }
    if (typeof value === 'number') {
      return levelNumbers[value];
    }
  }
  return undefined;
}

const exceptionKeys: readonly string[] = [
  'exception',
  'exc_info',
  'exc_text',
  'traceback',
  'stack',
  'stacktrace',
  'stackTrace',
  'stack_trace',
  'error.stack_trace',
  '@x',
  'err',
  'error',
  'thrown',
];
const stackKeys: readonly string[] = ['stack', 'stacktrace', 'stackTrace', 'extendedStackTrace'];

/** A whole traceback: text of more than one line. */
export function exceptionIn(fields: Fields): string | undefined {
  for (const key of exceptionKeys) {
    const value = valueOf(fields[key], stackKeys);
    if (typeof value === 'string' && value.trimEnd().includes('\n')) {
      return value;
    }
  }
  return undefined;
}

/** The value itself, or the first of `keys` in it where it is an object. */
function valueOf(value: unknown, keys: readonly string[]): unknown {
  return isFields(value)
    ? keys.map((key) => value[key]).find((inner) => inner !== undefined)
    : value;
}
