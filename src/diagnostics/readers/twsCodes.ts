import { classify } from '../../ibkr/messageCodes';
import type { LogLine } from '../logLine';
import type { RunnerFact } from '../runnerFacts';
import { symbolIn } from './clientFacts';
import type { LineReader } from './reader';

/**
 * How well the wrapping proves that a number is a code of TWS. `certain`: a request id stands
 * beside it, or a label that only API clients write. `named`: a word like "error" or "code"
 * stands before it, so that the words must not speak against it. `bare`: nothing but its place,
 * so that the words must speak for it.
 */
type Trust = 'certain' | 'named' | 'bare';

/** A number that may be a code, and what stands around it. */
interface Candidate {
  readonly code: number;
  readonly requestId: number | undefined;
  readonly text: string;
  readonly trust: Trust;
}

/**
 * The general reader: a code of TWS with its text, in any wrapping. Only the code is believed,
 * never the level and never the text; what decides is whether the number is a code at all.
 */
export const readTwsCode: LineReader = Object.assign(
  (line: LogLine) => {
    const found = candidateIn(line);
    return found === undefined ? undefined : [message(found)];
  },
  // Codes of three digits and more are triggers by themselves; one has fewer.
  { triggers: ['error 0', 'code: 0', 'code=0', 'code 0'] },
);

function candidateIn(line: LogLine): Candidate | undefined {
  const { fields, text } = line;
  const inFields = fields === undefined ? undefined : fromFields(fields, text);
  if (inFields !== undefined && isPlausible(inFields, text)) {
    return inFields;
  }
  // Every code that anybody wraps has three digits or more, but for those behind a label.
  if (!/\d{3}/.test(text) && !/error/i.test(text)) {
    return undefined;
  }
  for (const find of finders) {
    const candidate = find(text);
    if (candidate !== undefined && isPlausible(candidate, text)) {
      return candidate;
    }
  }
  return undefined;
}

const finders: readonly ((text: string) => Candidate | undefined)[] = [
  besideRequest,
  behindLabel,
  inApiLog,
  behindRequestNumber,
  behindWord,
  atStart,
  atEnd,
];

const idLabel =
  '(?:req(?:uest)?[ _]?id|ticker[ _]?id|order[ _]?id|requestNumber|(?<![A-Za-z])(?:id|order|request))';

/** `Error 1100, reqId -1: text` · `Error 504 req_id=1: text` */
const codeThenRequest = new RegExp(
  `(?<![\\w.])(?<code>\\d{1,5}),?\\s\\(?${idLabel}["']?[\\s=:]{1,3}(?<id>-?\\d{1,10})\\)?(?![\\w.])`,
  'i',
);

function besideRequest(text: string): Candidate | undefined {
  const found = /id/i.test(text) ? codeThenRequest.exec(text) : null;
  return found?.groups === undefined
    ? undefined
    : candidate(
        { ...found.groups, text: wordsAround(text, found) },
        trustBefore(text, found.index),
      );
}

/** `Filled 100 order 12` has a request beside a number too, but no error. */
function trustBefore(text: string, index: number): Trust {
  return saysError.test(text.slice(Math.max(0, index - 40), index)) ? 'certain' : 'bare';
}

/** What is said behind a number, or before it where nothing is said behind. */
function wordsAround(text: string, found: RegExpExecArray): string {
  const behind = text.slice(found.index + found[0].length).replace(requestLabel, '');
  if (/\p{L}{2}/u.test(behind)) {
    return behind;
  }
  return text
    .slice(0, found.index)
    .replace(/[\s({[<,:-]{0,6}(?:(?:error[ _]?)?code[\s:=]{0,3})?$/i, '');
}

const saysError =
  /(?:err(?:or)?|warn(?:ing)?|code|info|notice|message|\bmsg|fehler|warnung|erreur|aviso|erro|错误|錯誤|代码|エラー)\W{0,4}$/i;

/** What may stand between a label and its number. */
const gap = '["\'”»]{0,2}\\s{0,3}(?:[=:：#]|\\bis\\b|->|=>)?\\s{0,3}["\'(\\[«#]{0,2}';
/** A number that is not part of an amount, a time, an address or a word. */
const number = '(?<code>\\d{1,5})(?![\\w%$€]|[.,:/-]\\d)';
const codeLabel = new RegExp(
  `(?:(?:\\b|_)(?<kind>[\\p{L}]{1,20})[ _.-]?)??(?:code|código|codigo|kode|kod|codice|nummer|代码|代碼|错误码|錯誤碼|コード|코드|код[а-я]?)${gap}${number}`,
  'giu',
);
const requestLabel = new RegExp(`${idLabel}${gap}(?<id>-?\\d{1,10})(?![\\w.])`, 'i');
/** Codes of other things. */
const otherCode =
  /^(?:exit|status|return|ret|response|http|https|close|closing|country|currency|source|byte|char|key|zip|area|product|op|qr|bar|vs|sql|db|mysql|sqlite|market|exchange|event|scan|reason|language|postal|color|signal|unicode|wait|stop|result|sql|grpc|ssl|tls|win|os|ws|websocket)$/i;
const ownKind =
  /^(?:err|error|ib|ibkr|tws|api|fehler|fout|erreur|erro|message|msg|notice|错误|錯誤|エラー|오류|ошибки)$/i;
const textLabel =
  /(?:\b(?:error[ _]?)?(?:msg|message|string|text|mensaje|mensagem|nachricht|meldung|messaggio)|内容|消息|信息内容|メッセージ)["']?\s?[=:：]\s?(?<text>.*)/i;

/** With an id and a code, these make the whole of an error. */
const saysMessage = /\b(?:error|err|msg|message|req(?:uest)?[ _]?id|ticker[ _]?id)\b/i;

/** `errorCode=502` · `Code: 2104` · `code: 2104, message: "…"` · `代码：2104，内容: …` */
function behindLabel(text: string): Candidate | undefined {
  for (const found of text.matchAll(codeLabel)) {
    const before = text.slice(Math.max(0, found.index - 48), found.index);
    const kind = found.groups?.['kind'] ?? wordBefore(before);
    if (!otherCode.test(kind) && !otherCode.test(wordBefore(before))) {
      const id = requestLabel.exec(text)?.groups?.['id'];
      const words = textLabel.exec(text)?.groups?.['text'] ?? wordsAround(text, found);
      const isOwn = ownKind.test(kind) || /[\u0250-\uffff]/.test(found[0]);
      const isWhole = id !== undefined && (id === '-1' || saysMessage.test(text));
      const trust = isWhole || isOwn ? 'certain' : 'named';
      return candidate({ code: found.groups?.['code'], id, text: words }, trust);
    }
  }
  return undefined;
}

/** The word in front of a label, joined to it or not (`exit code`, `status_code`). */
function wordBefore(text: string): string {
  return /(\p{L}{1,20})[ _.-]?$/u.exec(text)?.[1] ?? '';
}

/** TWS's own log of API messages: `20:54:49:921 -> ---54-2--1-2104-text-` */
function inApiLog(text: string): Candidate | undefined {
  const groups = text.includes('4-2-')
    ? /(?:->|<-)\s[-\w]{0,6}?4-2-(?<id>-?\d{1,10})-(?<code>\d{1,5})-(?<text>.*?)-{0,3}$/.exec(text)
        ?.groups
    : undefined;
  return groups === undefined ? undefined : candidate(groups, 'certain');
}

/** What separates a request id, a time and a code that follow each other. */
const mark = '(?:\\s?[,;|/:=>–—]\\s?|\\s-{1,3}>?\\s|\\s{1,4})';
const word =
  '(?:error|warning|warn|notice|info|message|msg|notification|err|fehler|warnung|hinweis|erreur|avertissement|aviso|advertencia|erro|errore|avviso|fout|错误|錯誤|警告|信息|通知|エラー|오류|ошибка)';

/** When TWS sent it, as its clients since 10.33 give it between request and code. */
const sentAt =
  '(?:1\\d{9}|1\\d{12}|(?:\\d{8}-|\\d{4}-\\d\\d-\\d\\d[T ])\\d\\d:\\d\\d:\\d\\d(?:\\.\\d{1,9})?(?:Z|\\s[A-Z]{2,5}|[+-]\\d\\d:?\\d\\d)?)';

/** `-1 2104 text` · `ERROR -1 1732000000000 2104 text` · `error-3: -1 | 2103 | text` */
const idThenCode = new RegExp(
  `(?:^[^\\w\\s-]{0,4}\\s?|${word}[\\w().-]{0,12}(?:[\\s:>({[]|-\\s){1,4})${idLabel}?[\\s=:#]{0,3}(?<id>-1|\\d{1,10})${mark}(?:${sentAt}${mark})?["'\\[(]?(?<code>\\d{3,5})["'\\])]?(?![\\w%]|[.,:/-]\\d)[\\s,;:|–—>-]{1,5}["']?(?<text>\\D.*)`,
  'iu',
);
/** The code before the id, as some print it: `2104 -1 text`. */
const codeThenNoRequest = new RegExp(
  `(?:^|${word}[\\s:(]{1,3})(?<code>\\d{3,5})${mark}(?<id>-1)${mark}["']?(?<text>\\D.*)`,
  'iu',
);

function behindRequestNumber(text: string): Candidate | undefined {
  const groups = idThenCode.exec(text)?.groups ?? codeThenNoRequest.exec(text)?.groups;
  if (groups === undefined) {
    return undefined;
  }
  return candidate(groups, groups['id'] === '-1' ? 'certain' : 'bare');
}

/** `Error 1100: text` · `[IB API] 2103: text` · `TWS error (2104) text` · `Message(2104, "…")` */
const wordThenCode = new RegExp(
  `(?<![\\w])(?:${word}|IBKR|TWS|IB(?: API)?|API|gateway)\\]?[\\s:#({[<-]{1,4}(?<code>\\d{3,5})(?:[\\])}>]{1,2}|(?![\\w%]|[.,:/-]\\d))\\s?[,:;=|–—-]{0,2}\\s?["']?(?<text>.*)`,
  'iu',
);

function behindWord(text: string): Candidate | undefined {
  const groups = wordThenCode.exec(text)?.groups;
  return groups === undefined ? undefined : candidate(groups, 'named');
}

/** `2105: text` · `[2104] text` · `[#354] text` · `162 - text` · `<2104> text` */
function atStart(text: string): Candidate | undefined {
  const groups =
    /^(?:.{0,60}?\s)?[[(<]#?(?<code>\d{3,5})[\])>]:?\s?-?\s?(?<text>\D.*)/.exec(text)?.groups ??
    /^#?(?<code>\d{3,5})(?:\s?[:|=–—]\s?|\s-{1,2}>?\s|,\s|\s)(?<text>[^\d].*)/.exec(text)?.groups;
  if (groups === undefined) {
    return undefined;
  }
  return candidate(groups, text.startsWith('[#') ? 'certain' : 'bare');
}

/** `text (2104)` · `text [2104]` · `text 2104 -1` */
function atEnd(text: string): Candidate | undefined {
  const tail = text.slice(-24);
  const found =
    /[[(#](?:\w{1,10}[\s:#]{1,2})?(?<code>\d{3,5})[\])]?[.!]?$/.exec(tail) ??
    /\s(?<code>\d{3,5}),? (?<id>-1)\]?$/.exec(tail);
  if (found?.groups === undefined) {
    return undefined;
  }
  const words = text.slice(0, text.length - tail.length + found.index);
  return candidate({ ...found.groups, text: words }, 'bare');
}

const codeKeys =
  /^(?:ib|ibkr|tws|api|broker)?_?(?:error|err|message|msg|notice)_?code$|^(?:ib|ibkr|tws)_?code$/i;
const idKeys = /^(?:req|request|ticker|order)_?id$/i;
const wordKeys = /^(?:error|err|ib|tws)?_?(?:string|msg|message|text|reason|detail)$/i;
/** Objects in which a logger may have put the error. */
const objectKeys =
  /^(?:ib|ibkr|tws|broker|error|err|data|details?|payload|context|extra|args|notice|event_?data|labels|tags|fields|attributes|attrs|properties|params|meta|json_?payload)$/i;

/** `errorCode`, or `code` beside a request id or fitting words; also one object deeper. */
function fromFields(
  fields: Readonly<Record<string, unknown>>,
  said: string,
): Candidate | undefined {
  const entries = Object.entries(fields);
  const own = entries.find(([key, value]) => codeKeys.test(key) && isCode(value));
  const plain = entries.find(([key, value]) => /^code$/i.test(key) && isCode(value));
  const id = entries.find(([key, value]) => idKeys.test(key) && isWhole(value));
  const shortId = entries.find(([key, value]) => key === 'id' && Number(value) === -1);
  const [, code] = own ?? plain ?? [];
  if (code === undefined) {
    const inner = entries.filter(([key]) => objectKeys.test(key));
    for (const [, value] of inner) {
      const found = isObject(value) ? fromFields({ ...value }, textIn(inner) ?? said) : undefined;
      if (found !== undefined) {
        return found;
      }
    }
    return fromArguments(entries);
  }
  const words = entries.find(
    ([key, value]) => wordKeys.test(key) && typeof value === 'string' && value !== '',
  );
  const [, requestId] = id ?? shortId ?? [];
  const isHttp = entries.some(([key]) => /^(?:url|method|http|path|status_?code)$/i.test(key));
  const trust = own !== undefined || requestId !== undefined ? 'certain' : 'bare';
  return isHttp && own === undefined
    ? undefined
    : {
        code: Number(code),
        requestId: requestId === undefined ? undefined : Number(requestId),
        text: typeof words?.[1] === 'string' ? words[1] : said,
        trust,
      };
}

/** The words of an error may stand in another object than its code. */
function textIn(objects: readonly (readonly [string, unknown])[]): string | undefined {
  for (const [, value] of objects) {
    const words = isObject(value)
      ? Object.entries(value).find(([key, each]) => wordKeys.test(key) && typeof each === 'string')
      : undefined;
    if (typeof words?.[1] === 'string') {
      return words[1];
    }
  }
  return undefined;
}

/** What a callback for errors was given: `[-1, 2104, "text"]`, or `["text", 2104, -1]`. */
function fromArguments(entries: readonly (readonly [string, unknown])[]): Candidate | undefined {
  const [, list] =
    entries.find(([key, value]) => objectKeys.test(key) && Array.isArray(value)) ?? [];
  const values: readonly unknown[] = Array.isArray(list) ? list : [];
  const at = values.findIndex((value) => typeof value === 'string' && /[\p{L}]{2}/u.test(value));
  const text = values[at];
  const before = values.slice(0, Math.max(0, at));
  const [code, id] = at === 0 ? values.slice(1) : [before.at(-1), before[0]];
  return typeof text === 'string' && values.length <= 6 && isCode(code) && isWhole(id)
    ? { code: Number(code), requestId: Number(id), text, trust: id === -1 ? 'certain' : 'bare' }
    : undefined;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isWhole(value: unknown): boolean {
  return (
    (typeof value === 'number' || typeof value === 'string') && /^-?\d{1,10}$/.test(String(value))
  );
}

function isCode(value: unknown): boolean {
  return isWhole(value) && Number(value) >= 0 && Number(value) < 100_000;
}

function candidate(
  groups: Readonly<Record<string, string | undefined>>,
  trust: Trust,
): Candidate | undefined {
  const { code, id, text } = groups;
  return code === undefined
    ? undefined
    : {
        code: Number(code),
        requestId: id === undefined ? undefined : Number(id),
        text: cleanText(text ?? ''),
        trust,
      };
}

function message({ code, requestId, text }: Candidate): RunnerFact {
  const symbol = symbolIn(code, text);
  return {
    kind: 'tws message',
    code,
    requestId: requestId ?? -1,
    text,
    ...(symbol === undefined ? {} : { symbol }),
  };
}

/** What stands between a code and its text (`, errorMsg=`). */
const label =
  /^[\s,;:|。，"'“(){}\][-]{0,10}(?:(?:error[ _]?)?(?:Msg|String|Message|text|内容)["']?\s?[=:：]\s?)?/i;

function cleanText(text: string): string {
  const words = text
    .replace(label, '')
    .replace(/,?\s?(?:advancedOrderRejectJson|advancedOrderReject)\s?[=:].*$/i, '')
    .trim();
  // Quotes and brackets at the end belong to the wrapping where they were opened in it.
  const [end, quote = ''] = /(["'”])(?:,\s?(?:None|null|undefined|''|""))?[\s,})\]>]{0,4}$/.exec(
    words,
  ) ?? [''];
  const isOpen = quote !== '' && words.split(quote).length % 2 === 0;
  return withoutClosers(isOpen ? words.slice(0, words.length - end.length) : words);
}

function withoutClosers(text: string): string {
  const [end] = /(?:[\s,})\]>]|&gt;){1,6}$/.exec(text) ?? [''];
  const isBalanced = ['()', '[]', '{}', '<>'].every(
    ([opener = '', closer = '']) => text.split(opener).length >= text.split(closer).length,
  );
  return isBalanced && !end.includes('&') ? text : text.slice(0, text.length - end.length);
}

/** Numbers of other things: HTTP, web sockets, processes, amounts, times. */
const web =
  /\bHTTP\b|\bhttps?:|\b(?:GET|POST|PUT|DELETE|PATCH|HEAD)\s{1,2}(?:\/|http)|\bstatus[ _]?code\b|\b(?:status|response)\s?[=:]?\s?\d{3}\b|websocket|sqlite|\bredis\b|postgres|mysql/i;
const webWords =
  /Bad Gateway|Service Unavailable|Gateway Time-?out|Internal Server Error|Too Many Requests/i;
const webAnswers = /Not Found\b|Unauthorized|Forbidden/i;
const success = /^\W{0,3}(?:ok|success\w{0,4}|done|created|accepted)\b/i;
const counted =
  /^\s?(?:shares?|lots?|contracts|bars?|rows?|ticks?|lines|items|records|symbols|points|orders|trades|days|requests|messages|msgs|connections|clients|bytes?|[kKmMgG]i?[bB]|ms|µs|us|ns|s|secs?|seconds?|min(?:ute)?s?|hours?|years?|usd|eur|dollars?|files|tests|errors|events|candles|positions|times|ok|queued|total)\b/i;

/** What TWS and IBKR say in any language: names that are not translated. */
const ownNames =
  /\b(?:TWS|IBKR|IB|IB Gateway|HMDS|Trader Workstation|Interactive Brokers|market data|sec-?def|API)\b|[:.：\s](?:[a-z]{2,12}(?:farm|hmds|fut|opt|bond)\w{0,4}|secdef[a-z]{0,4}|(?:us|eu|hk|cash|ash)?hmds)(?:\.[a-z]{2,4})?\b/i;

/** The word for an error, in the languages of TWS, before anything else that is said. */
const beginsWithError =
  /^(?:error|err|fehler|erreur|erro|errore|fout|fel|错误|錯誤|エラー|오류|ошибка)(?!\p{L})/iu;

function isPlausible({ code, text, trust, requestId }: Candidate, whole: string): boolean {
  const meaning = classify(code);
  const isFarAway = isDistinctive(code);
  if (trust === 'certain') {
    // An undocumented code explains nothing, but the line is TWS's all the same.
    return (isFarAway && requestId === -1) || !isOfTheWeb(whole, text, requestId !== undefined);
  }
  if (!meaning.isDocumented || isOfTheWeb(whole, text, true) || counted.test(text)) {
    return false;
  }
  const shared = sharedWords(text, meaning.text);
  const fits = shared >= 2 || isWholeText(text, meaning.text);
  const isForeign = /[\u0080-\uffff]/.test(text) && /\p{L}{2}/u.test(text);
  if (!isFarAway) {
    // `Fehler 5 200 …`: a request and a code behind the word, in a language that nobody can look up.
    return fits || (isForeign && requestId !== undefined && beginsWithError.test(whole));
  }
  return (
    fits ||
    ownNames.test(text) ||
    isForeign ||
    (trust === 'named' && (shared === 1 || isBrokersError(whole)))
  );
}

function isOfTheWeb(whole: string, text: string, isAnswer: boolean): boolean {
  return (
    web.test(whole) ||
    webWords.test(whole) ||
    success.test(text) ||
    (!isAnswer && webAnswers.test(whole))
  );
}

/** `504 Not connected`: too short a text to share two words with. */
function isWholeText(text: string, documented: string): boolean {
  const words = wordsOf(documented);
  return words.length === 1 && wordsOf(text).join(' ') === words.join(' ');
}

/** `TWS error 1100`, with nothing else said. */
function isBrokersError(whole: string): boolean {
  return (
    /\b(?:TWS|IBKR|IB)\b/.test(whole) &&
    /(?:error|warning|fehler|erreur|code|错误|錯誤|エラー)[\s:#([]{0,3}\d/i.test(whole)
  );
}

/** Codes that are rarely anything else; those below are also HTTP statuses and quantities. */
function isDistinctive(code: number): boolean {
  return (code >= 1100 && code < 1400) || (code >= 2100 && code < 2180) || code > 10_000;
}

/** Words of IBKR that stand in the texts of many codes, in whatever edition. */
const commonWords =
  'connectivity connection farm hmds historical restored broken lost maintained inactive definition security subscribed subscription competing session contract pacing violation disclaimer trading';

/** How many words of a text are those of the documented one, or of IBKR at large. */
function sharedWords(text: string, documented: string): number {
  const known = new Set(wordsOf(`${documented} ${commonWords}`));
  return new Set(wordsOf(text.slice(0, 400)).filter((spoken) => known.has(spoken))).size;
}

function wordsOf(text: string): readonly string[] {
  return text.toLowerCase().match(/[a-z]{4,}/g) ?? [];
}
