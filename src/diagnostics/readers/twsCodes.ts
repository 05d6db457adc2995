import { classify } from '../../ibkr/messageCodes';
import type { LogLine } from '../logLine';
import type { RunnerFact } from '../runnerFacts';
import type { LineReader } from './reader';

interface CodePattern {
  readonly has: string;
  /** Groups `code`, `text`, and `id` where the line has one. */
  readonly pattern: RegExp;
  /** The wrapping alone does not prove that the number is a code of TWS: it must be a known one. */
  readonly isLoose?: boolean;
}

/** How clients wrap a code of TWS, the surest first. */
const patterns: readonly CodePattern[] = [
  // ib_insync, ib_async: Error 1100, reqId -1: text
  {
    has: 'reqid',
    pattern: /\b(?:Error|Warning)\s(?<code>\d{1,5}),\s?reqId\s(?<id>-?\d+):\s?(?<text>.*)/i,
  },
  // Official Python and others: errorCode=502, errorMsg=…
  {
    has: 'errorcode',
    pattern: /\berrorCode["']?\s?[=:]\s?["']?(?<code>-?\d{1,5})\b(?<text>.*)/i,
  },
  {
    has: 'error_code',
    pattern: /\berror_code["']?\s?[=:]\s?["']?(?<code>-?\d{1,5})\b(?<text>.*)/i,
  },
  // ezibpy and older: [#354] text
  { has: '[#', pattern: /\[#(?<code>\d{1,5})\]\s?(?<text>.*)/ },
  // Error 504 req_id=1: text · (code: 10190, req_id=10009)
  { has: 'req_id', pattern: /\bError\s(?<code>\d{1,5})\sreq_id=(?<id>-?\d+):?\s?(?<text>.*)/i },
  { has: 'req_id', pattern: /^(?<text>.*)\(code:\s?(?<code>\d{1,5}),\s?req_id=(?<id>-?\d+)\)/ },
  // Error. Id: 4, Code: 200, Msg: text
  {
    has: 'code',
    pattern:
      /\bId:\s?(?<id>-?\d+),?\s(?:error\s?)?Code:\s?(?<code>\d{1,5}),?\s?(?:Msg:|Message:)?\s?(?<text>.*)/i,
  },
  // ERROR -1 2104 text (official Python; the level is taken off before)
  {
    has: ' ',
    pattern: /^(?:ERROR:?\s)?(?<id>-1|\d{1,10})[\s,]{1,2}(?<code>\d{3,5})[\s,:]{1,3}(?<text>\D.*)/i,
    isLoose: true,
  },
  // code: 2104 / code=2104 with a message beside it
  { has: 'code', pattern: /\bcode["']?\s?[=:]\s?(?<code>\d{3,5})\b(?<text>.*)/i, isLoose: true },
  // 162 - text · 2105: text · [2104] text · Error 1100: text
  {
    has: ' ',
    pattern:
      /^(?:IB(?:KR)?\s|TWS\s|API\s){0,2}(?:Error|Warning|Info|Message)?\s?[[(]?(?<code>\d{3,5})[\])]?\s?(?:[-:]\s|\s)(?<text>\D.*)/i,
    isLoose: true,
  },
];

/**
 * The general reader: a code of TWS with its text, in any wrapping. Only the code is believed;
 * in loose wrappings it must be a documented one above the range of ordinary numbers and HTTP
 * statuses, or come with words that fit it.
 */
export const readTwsCode: LineReader = (line) => fromFields(line) ?? fromText(line);

function fromText(line: LogLine): readonly RunnerFact[] | undefined {
  const lower = line.text.toLowerCase();
  for (const { has, pattern, isLoose } of patterns) {
    const groups = lower.includes(has) ? pattern.exec(line.text)?.groups : undefined;
    if (groups === undefined) {
      continue;
    }
    const code = Number(groups['code']);
    const text = cleanText(groups['text'] ?? '');
    if (code < 0 || (isLoose === true && !isPlausible(code, text))) {
      continue;
    }
    return [message(code, Number(groups['id'] ?? -1), text)];
  }
  return undefined;
}

/** JSON fields: `errorCode`, or `code` beside a request id. */
function fromFields({ fields, text }: LogLine): readonly RunnerFact[] | undefined {
  if (fields === undefined) {
    return undefined;
  }
  const own = fields['errorCode'] ?? fields['error_code'] ?? fields['ib_code'];
  const requestId =
    fields['reqId'] ?? fields['req_id'] ?? fields['requestId'] ?? fields['request_id'];
  const code = Number(own ?? (requestId === undefined ? undefined : fields['code']));
  if (!Number.isInteger(code) || code < 0 || own === '') {
    return undefined;
  }
  const words = ['errorString', 'errorMsg', 'error_msg', 'error_string', 'error_message']
    .map((key) => fields[key])
    .find((value) => typeof value === 'string');
  return [message(code, Number(requestId ?? -1), typeof words === 'string' ? words : text)];
}

function message(code: number, requestId: number, text: string): RunnerFact {
  const symbol = /symbol['"]?[=:]\s?['"]([A-Z0-9. ]{1,20})['"]/.exec(text)?.[1];
  return {
    kind: 'tws message',
    code,
    requestId: Number.isInteger(requestId) ? requestId : -1,
    text,
    ...(symbol === undefined ? {} : { symbol }),
  };
}

function cleanText(text: string): string {
  const words = text.replace(label, '').trim();
  // Quotes and brackets at the end belong to the wrapping only where one was opened.
  return /^["']/.test(words) ? words.slice(1).replace(/["',})\]]{1,4}$/, '') : words;
}

/** What stands between a code and its text (`, errorMsg=`). */
const label =
  /^[\s,;:|"'-]{0,10}(?:(?:error_?(?:Msg|String|Message)|msg|message|text)["']?\s?[=:]\s?)?/i;

/** Codes from 1100 up are rarely anything else; below, the words must fit the documented ones. */
function isPlausible(code: number, text: string): boolean {
  const meaning = classify(code);
  if (!meaning.isDocumented) {
    return false;
  }
  if ((code >= 1100 && code < 1400) || (code >= 2100 && code < 2180) || code > 10_000) {
    return /\p{L}{2}/u.test(text);
  }
  const words = new Set(wordsOf(text));
  const shared = new Set(wordsOf(meaning.text).filter((word) => words.has(word)));
  return shared.size >= 2;
}

function wordsOf(text: string): readonly string[] {
  return text.toLowerCase().match(/[a-z]{4,}/g) ?? [];
}
