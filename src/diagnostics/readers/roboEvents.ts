import type { LogLine } from '../logLine';
import type { RunnerFact } from '../runnerFacts';
import { errorClassIn, type LineReader } from './reader';

type Fields = Readonly<Record<string, unknown>>;

/** JSON lines `{"robo":1,"event":…}`: what any program may print for Robo. */
export const readRoboEvent: LineReader = (line) => {
  const { fields } = line;
  return fields?.['robo'] === 1 ? factsOfEvent(fields, line) : undefined;
};

function factsOfEvent(fields: Fields, line: LogLine): readonly RunnerFact[] {
  const symbol = text(fields, 'symbol');
  const message = text(fields, 'message') ?? text(fields, 'text') ?? text(fields, 'error') ?? '';
  const price = number(fields, 'price');
  switch (fields['event']) {
    case 'cycle':
      return [cycleFact(fields)];
    case 'waiting': {
      const forMs = span(fields, 'forMs');
      return [{ kind: 'waiting', text: message, ...(forMs === undefined ? {} : { forMs }) }];
    }
    case 'connected':
      return [{ kind: 'connected' }];
    case 'disconnected':
      return [{ kind: 'connection lost', text: message }];
    case 'fetch':
      return symbol === undefined ? [] : [fetchFact(fields, symbol, message)];
    case 'signal': {
      const signal = signalOf(fields['signal']);
      const reason = text(fields, 'reason');
      return symbol === undefined || signal === undefined
        ? []
        : [
            {
              kind: 'signal',
              symbol,
              signal,
              ...(price === undefined ? {} : { price }),
              ...(reason === undefined ? {} : { reason }),
            },
          ];
    }
    case 'fill':
      return fillFacts(fields, symbol);
    case 'book': {
      const equity = number(fields, 'equity');
      return equity === undefined ? [] : [{ kind: 'book', equity }];
    }
    case 'error':
      return [errorFact(fields, message === '' ? line.text : message)];
    default:
      return [];
  }
}

/** `source` names the program's own line: an absolute path and a line that counts from 1. */
function errorFact(fields: Fields, message: string): RunnerFact {
  const source = fields['source'];
  const place = typeof source === 'object' && source !== null ? (source as Fields) : {};
  const file = text(place, 'file');
  const at = number(place, 'line');
  return {
    kind: 'error',
    text: message,
    ...(file !== undefined && at !== undefined && Number.isSafeInteger(at) && at > 0
      ? { source: { file, line: at } }
      : {}),
  };
}

function cycleFact(fields: Fields): RunnerFact {
  const equity = number(fields, 'equity');
  const nextInMs = span(fields, 'nextInMs');
  const durationMs = span(fields, 'durationMs');
  return {
    kind: 'cycle',
    ...(equity === undefined ? {} : { equity }),
    ...(nextInMs === undefined ? {} : { nextInMs }),
    ...(durationMs === undefined ? {} : { durationMs }),
  };
}

function fetchFact(fields: Fields, symbol: string, message: string): RunnerFact {
  const error = text(fields, 'error');
  const code = number(fields, 'code');
  const price = number(fields, 'price');
  if (fields['ok'] === false || (fields['ok'] === undefined && error !== undefined)) {
    return {
      kind: 'fetch failed',
      symbol,
      errorClass: error === undefined ? errorClassIn(message) : errorClassIn(error) || error,
      text: message,
      ...(code === undefined ? {} : { code }),
    };
  }
  return { kind: 'fetch ok', symbol, ...(price === undefined ? {} : { price }) };
}

function fillFacts(fields: Fields, symbol: string | undefined): readonly RunnerFact[] {
  const side = signalOf(fields['side'] ?? fields['action']);
  const quantity = number(fields, 'quantity') ?? number(fields, 'shares');
  const price = number(fields, 'price');
  return symbol === undefined || quantity === undefined || price === undefined
    ? []
    : side === 'buy' || side === 'sell'
      ? [{ kind: 'fill', symbol, side, quantity, price }]
      : [];
}

/** 1, −1, 0 or words. */
export function signalOf(value: unknown): 'buy' | 'sell' | 'hold' | undefined {
  if (typeof value === 'number') {
    return value > 0 ? 'buy' : value < 0 ? 'sell' : 'hold';
  }
  switch (typeof value === 'string' ? value.trim().toUpperCase() : undefined) {
    case 'BUY':
    case 'LONG':
    case '1':
    case '+1':
      return 'buy';
    case 'SELL':
    case 'SHORT':
    case '-1':
      return 'sell';
    case 'HOLD':
    case 'NONE':
    case 'FLAT':
    case '0':
      return 'hold';
    default:
      return undefined;
  }
}

function text(fields: Fields, key: string): string | undefined {
  const value = fields[key];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function number(fields: Fields, key: string): number | undefined {
  const value = fields[key];
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

/** Milliseconds; a negative time is none. */
function span(fields: Fields, key: string): number | undefined {
  const value = number(fields, key);
  return value !== undefined && value >= 0 ? value : undefined;
}
