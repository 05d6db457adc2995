import type { Severity } from '../diagnostics/finding';
import type { Fields } from '../diagnostics/lineFields';
import { type LogLine, parseLogLine } from '../diagnostics/logLine';

/** The level of a line that names none itself, in the word that the view colours. */
const levelWords: Readonly<Record<Severity, string>> = {
  info: 'INFO',
  warning: 'WARN',
  error: 'ERROR',
};

/**
 * A JSON line of a log as a person reads it: time, level, logger, what happened, and the other
 * values. Also where the JSON stands behind a prefix, or in the message of another JSON line.
 * @param level what the line weighs
 * @returns undefined for every other line, and for JSON that says nothing
 */
export function readableLine(raw: string, level: Severity): string | undefined {
  if (!raw.trimEnd().endsWith('}') || !/\{\s*"/.test(raw)) {
    return undefined;
  }
  const line = parseLogLine(raw);
  const words = saidIn(line);
  if (words === undefined) {
    return undefined;
  }
  const { at, level: printed = levelWords[level], logger, service } = line;
  const head = [at, printed, service, logger].filter((part) => part !== undefined);
  const [error] = (line.exception ?? '').trimEnd().split('\n').slice(-1);
  const tail = error === undefined || error === '' ? [] : [`| ${error.trim()}`];
  return [...head, ...words, ...tail].join(' ');
}

function saidIn({ fields, text }: LogLine): readonly string[] | undefined {
  if (fields === undefined) {
    return undefined;
  }
  if (fields['robo'] === 1 && typeof fields['event'] === 'string') {
    return eventWords(fields, fields['event']);
  }
  return text === '' ? undefined : [text, ...valuesOf(fields, wrapping)];
}

/** What every line has, and what says where in the program it was printed. */
const wrapping: ReadonlySet<string> = new Set([
  ...['timestamp', 'time', 'ts', '@timestamp', '@t', 'asctime', 'at', 'datetime', 'timeMillis'],
  ...['level', 'levelname', 'severity', 'lvl', '@l', 'log.level', 'Level', 'levelno'],
  ...['logger', 'name', 'logger_name', 'loggerName', 'target', 'component'],
  ...['event', 'message', 'msg', 'text', 'log', 'MESSAGE', '@m', '@mt', 'textPayload'],
  ...['short_message', 'exception', 'exc_info', 'exc_text', 'traceback', 'stack', 'stacktrace'],
  ...['stackTrace', 'stack_trace', '@x', 'thrown', 'stream', 'hostname', 'host_name', 'pid'],
  ...['environment', 'trading_mode', 'module', 'function', 'func_name', 'funcName', 'filename'],
  ...['pathname', 'file', 'line', 'lineno', 'process', 'processName', 'thread', 'threadName'],
  ...['thread_name', 'taskName', 'relativeCreated', 'msecs', 'created', 'v'],
]);

const spoken: ReadonlySet<string> = new Set([
  ...['robo', 'event', 'at', 'symbol', 'signal', 'side', 'quantity', 'price', 'ok', 'error'],
  ...['message', 'reason', 'source'],
]);

/** A line that was printed for Robo: `fetch NVDA failed: TimeoutError, no answer`. */
function eventWords(fields: Fields, event: string): readonly string[] {
  const { ok, price, quantity, symbol } = fields;
  const order = sideWord(fields['side'] ?? fields['signal']);
  const said = ['error', 'message', 'reason'].map((key) => fields[key]).filter(isText);
  const head = [
    event,
    ...(isText(symbol) ? [symbol] : []),
    ...(order === undefined ? [] : [order]),
    ...(typeof quantity === 'number' ? [valueWords(quantity)] : []),
    ...(typeof price === 'number' ? [`at ${valueWords(price)}`] : []),
    ...(ok === false ? ['failed'] : []),
  ].join(' ');
  return [
    said.length === 0 ? head : `${head}: ${[...new Set(said)].join(', ')}`,
    ...placeWords(fields['source']),
    ...valuesOf(fields, spoken),
  ];
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function sideWord(side: unknown): string | undefined {
  if (isText(side)) {
    return side.toUpperCase();
  }
  return typeof side === 'number' ? (['SELL', 'HOLD', 'BUY'][side + 1] ?? String(side)) : undefined;
}

function placeWords(source: unknown): readonly string[] {
  if (typeof source !== 'object' || source === null) {
    return [];
  }
  const { file, line } = source as Fields;
  return isText(file) ? [`File "${file}"${typeof line === 'number' ? `, line ${line}` : ''}`] : [];
}

const maxValues = 30;

/** `key=value` for what else a line holds. */
function valuesOf(fields: Fields, known: ReadonlySet<string>): readonly string[] {
  return Object.entries(fields)
    .filter(([key, value]) => !known.has(key) && value !== undefined && value !== null)
    .slice(0, maxValues)
    .map(([key, value]) => {
      const span = /^(\w+)Ms$/.exec(key)?.[1];
      return span !== undefined && typeof value === 'number'
        ? `${span}=${spanWords(value)}`
        : `${key}=${valueWords(value)}`;
    });
}

function spanWords(ms: number): string {
  return ms < 1000 ? `${ms}ms` : `${Math.round(ms / 100) / 10}s`;
}

/** What a sum of binary fractions leaves behind (40.403999999999996) says nothing to a person. */
const readableDigits = 9;

function valueWords(value: unknown): string {
  if (typeof value === 'number' && !Number.isInteger(value)) {
    return String(Number(value.toPrecision(readableDigits)));
  }
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return typeof value === 'string' && /[\s"=]/.test(value) ? JSON.stringify(value) : text;
}
