import {
  errorIn,
  exceptionIn,
  type Fields,
  levelIn,
  parseFields,
  parsePairs,
  textIn,
  timeIn,
} from './lineFields';
import { peelLine } from './linePrefix';

/** A line of any log, freed of its wrapping. */
export interface LogLine {
  /** What it says: without colours, time, level and logger; at most `maxTextLength` characters. */
  readonly text: string;
  /** ISO 8601; without an offset where the log gives local time without one. */
  readonly at?: string;
  /** Upper case. Says nothing about good or bad news (law 11). */
  readonly level?: string;
  readonly logger?: string;
  /** The container or process that printed it, where its keeper says so. */
  readonly service?: string;
  /** A whole traceback that came inside one JSON line. */
  readonly exception?: string;
  /** An error of one line that stands in a key of its own, beside the text. */
  readonly error?: string;
  /** All keys of a JSON line, those of a JSON message inside it on top. */
  readonly fields?: Fields;
  /** It began with blanks: a line of a traceback, or the rest of the line before. */
  readonly isIndented?: boolean;
}

/** Longer lines are cut: nothing that matters stands behind, and time stays bounded. */
export const maxTextLength = 8192;
/** A line in a message in a line of a container: no logger goes deeper. */
const maxDepth = 3;

/** Takes the wrapping off a line: JSON, JSON inside JSON, plain prefixes, ANSI colours. */
export function parseLogLine(raw: string): LogLine {
  return parse(raw.endsWith('\r') ? raw.slice(0, -1) : raw, 0);
}

function parse(line: string, depth: number): LogLine {
  const outer = parseFields(line);
  if (outer !== undefined) {
    return fromFields(outer, depth);
  }
  const peeled = peelLine(stripColours(line.slice(0, maxTextLength)));
  const { text, isIndented, ...rest } = peeled;
  const plain: LogLine = { text, ...rest, ...(isIndented ? { isIndented } : {}) };
  if (depth >= maxDepth) {
    return plain;
  }
  // What was cut of a long line is JSON's too.
  const inner = text.startsWith('{')
    ? parseFields(line.slice(line.indexOf('{')))
    : parsePairs(text);
  return inner === undefined ? plain : { ...plain, ...fromFields(inner, depth + 1) };
}

const messageKeys: readonly string[] = [
  'message',
  'msg',
  'event',
  'text',
  'log',
  'MESSAGE',
  '@m',
  '@mt',
  'textPayload',
  'short_message',
];
const saidKeys: readonly string[] = ['event', ...messageKeys];

function fromFields(outer: Fields, depth: number): LogLine {
  const message = textIn(outer, messageKeys);
  const inner = message === undefined ? undefined : parseFields(message.trim());
  const fields = inner === undefined ? outer : { ...outer, message: undefined, ...inner };
  const event = textIn(fields, saidKeys) ?? '';
  const detail = fields['event'] === event ? textIn(fields, ['message', 'msg']) : undefined;
  const said = detail === undefined || detail === event ? event : `${event} ${detail}`;
  // A library's own line can be wrapped whole into a message, with time and level of its own.
  const [first = ''] = said.split(/[\r\n]/, 1);
  const plain = parse(first, Math.min(maxDepth, depth + 1));
  const isManyLines = said.trimEnd().includes('\n');
  const logger = textIn(fields, [
    'logger',
    'name',
    'logger_name',
    'loggerName',
    'target',
    'component',
  ]);
  return {
    text: plain.text,
    ...definedOnly({
      at: timeIn(fields) ?? plain.at,
      level: levelIn(fields) ?? plain.level,
      logger: logger ?? plain.logger,
      error: errorIn(fields) ?? plain.error,
      exception: exceptionIn(fields) ?? plain.exception ?? (isManyLines ? said : undefined),
    }),
    fields: plain.fields === undefined ? fields : { ...fields, ...plain.fields },
    ...(plain.isIndented === true ? { isIndented: true } : {}),
  };
}

function definedOnly<T extends Record<string, string | undefined>>(
  values: T,
): { [K in keyof T]?: string } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: string;
  };
}

const colourCodes = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]{0,20}[A-Za-z]`, 'g');

function stripColours(text: string): string {
  return text.includes('\u001B') ? text.replace(colourCodes, '') : text;
}
