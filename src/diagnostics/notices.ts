import { isoTime } from '../core/clock';
import type { Mode } from '../ibkr/endpoint';
import { type Endpoint, formatEndpoint, usualPort } from '../ibkr/endpoint';
import { classify, farmStates } from '../ibkr/messageCodes';
import type { CauseId } from './causeIds';
import type { Finding, Severity, Subject } from './finding';
import { makeFinding } from './makeFinding';

/** A coded message with the symbol that its request was about, if that is known. */
export interface Notice {
  readonly code: number;
  readonly text: string;
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  readonly symbol?: string;
}

export interface CauseGuess {
  readonly id: CauseId;
  readonly confidence: number;
}

const sure = 0.95;

/** Codes that stand for one cause, whatever their text. */
const causeByCode: ReadonlyMap<number, CauseId> = new Map<number, CauseId>([
  [0, 'msg_rate_100'],
  [100, 'msg_rate_100'],
  [101, 'ticker_limit'],
  [102, 'hist_concurrency_322'],
  [103, 'duplicate_order_id_103'],
  [200, 'no_secdef_200'],
  [201, 'order_rejected_201'],
  [309, 'ticker_limit'],
  [316, 'depth_reset_317'],
  [317, 'depth_reset_317'],
  [320, 'malformed_request_320'],
  [322, 'hist_concurrency_322'],
  [326, 'client_id_in_use_326'],
  [354, 'not_subscribed'],
  [366, 'hist_timeout'],
  [385, 'hist_concurrency_322'],
  [386, 'hist_concurrency_322'],
  [501, 'reconnect_race'],
  [503, 'server_version_too_old'],
  [504, 'not_connected_504'],
  [505, 'decoder_desync'],
  [506, 'server_version_too_old'],
  [507, 'bad_length_507'],
  [508, 'decoder_desync'],
  [586, 'not_connected_504'],
  [588, 'decoder_desync'],
  [1100, 'upstream_lost_1100'],
  [1101, 'restored_data_lost_1101'],
  [1300, 'port_reset_1300'],
  [2100, 'account_updates_missing'],
  [2101, 'account_updates_missing'],
  [2103, 'farm_broken_2103'],
  [2105, 'hmds_broken_2105'],
  [2110, 'tws_server_broken_2110'],
  [2139, 'paper_disclaimer_10141'],
  [2157, 'secdef_broken_2157'],
  [2172, 'version_desupported_2172'],
  [10089, 'api_entitlement_10089'],
  [10090, 'not_subscribed'],
  [10091, 'api_entitlement_10089'],
  [10092, 'depth_not_supported_10092'],
  [10141, 'paper_disclaimer_10141'],
  [10167, 'delayed_data_advisory'],
  [10168, 'not_subscribed'],
  [10182, 'live_updates_10182'],
  [10186, 'not_subscribed'],
  [10187, 'not_subscribed'],
  [10190, 'ticker_limit'],
  [10197, 'competing_session_10197'],
  [10225, 'bust_10225'],
]);

/** Codes that only cancel or follow something else; they explain nothing by themselves. */
const consequences: ReadonlySet<number> = new Set([
  135, 136, 161, 202, 300, 310, 365, 10147, 10148,
]);

/**
 * The causes that a coded message points to, best first; empty for good news, ordinary notes,
 * and codes that say nothing about why. The code decides; the text only splits codes that
 * IBKR uses for several things (162, 321, 1102, 420, 10189).
 */
export function causesOfMessage(code: number, text: string): readonly CauseGuess[] {
  const single = causeByCode.get(code);
  if (single !== undefined) {
    return [{ id: single, confidence: sure }];
  }
  switch (code) {
    case 162:
      return causesOf162(text);
    case 321:
      return /read.?only/i.test(text) ? only('read_only_321') : only('validation_321', 0.8);
    case 420:
    case 10189:
      return /different IP/i.test(text)
        ? only('different_ip_session')
        : split('not_subscribed', 0.6, 'different_ip_session', 0.25);
    case 502:
      // Made by the client for any failure to connect: it proves nothing about the port.
      return split('port_refused', 0.4, 'silent_handshake', 0.3);
    case 509:
    case 10038:
      return split('peer_closed_after_startapi', 0.4, 'tws_daily_restart_drop', 0.3);
    case 1102:
      return farmStates(code, text).some(({ state }) => state === 'broken')
        ? only('restored_partial_farms')
        : [];
    default:
      return causesByScope(code);
  }
}

function causesOf162(text: string): readonly CauseGuess[] {
  if (/pacing/i.test(text)) {
    return only('pacing_162');
  }
  if (/different IP/i.test(text)) {
    return only('different_ip_session');
  }
  if (/no data/i.test(text)) {
    return only('hist_no_data_162');
  }
  if (/permission|not subscribed/i.test(text)) {
    return only('not_subscribed');
  }
  if (/cancel/i.test(text)) {
    return only('hist_timeout', 0.8);
  }
  const guesses: readonly CauseGuess[] = [
    { id: 'hist_no_data_162', confidence: 0.4 },
    { id: 'pacing_162', confidence: 0.2 },
    { id: 'different_ip_session', confidence: 0.15 },
  ];
  // What splits the code stands in its text, and a text in another language hides it.
  return isLocalized(162, text)
    ? [...guesses, { id: 'localized_messages', confidence: 0.1 }]
    : guesses;
}

/** Little words of the languages that TWS speaks beside English, where letters are all ASCII. */
const foreignWords =
  /\b(?:die|der|das|und|ist|nicht|wurde|el|los|las|una|por|esta|les|des|une|est|pas|il|che|non|gli|uma|com|sem)\b/gi;

/**
 * True for a text that is not in English: it hardly shares a word with IBKR's English text of the code,
 * and has letters or words that English lacks. Never true for a code without a known text.
 */
export function isLocalized(code: number, text: string): boolean {
  const english = new Set(wordsOf(classify(code).text));
  const words = wordsOf(text);
  // One word may be the same by chance: `error` is Spanish too.
  const shared = words.filter((word) => english.has(word)).length;
  if (english.size < 2 || shared > 1) {
    return false;
  }
  return /(?=\P{ASCII})\p{L}/u.test(text) || (text.match(foreignWords)?.length ?? 0) >= 2;
}

function wordsOf(text: string): readonly string[] {
  return text.toLowerCase().match(/[a-z]{4,}/g) ?? [];
}

function causesByScope(code: number): readonly CauseGuess[] {
  const { class: messageClass, scope, isDocumented } = classify(code);
  const isFault = messageClass === 'error' || messageClass === 'fatal';
  if (!isFault || !isDocumented || consequences.has(code)) {
    return [];
  }
  switch (scope) {
    case 'order':
      return only('order_rejected_201', 0.8);
    case 'client':
      return only('not_connected_504', 0.6);
    case 'data':
    case 'request':
      return only('validation_321', 0.6);
    case 'connection':
      return only('not_connected_504', 0.5);
    default:
      return [];
  }
}

function only(id: CauseId, confidence = sure): readonly CauseGuess[] {
  return [{ id, confidence }];
}

function split(a: CauseId, confidenceA: number, b: CauseId, confidenceB: number) {
  return [
    { id: a, confidence: confidenceA },
    { id: b, confidence: confidenceB },
  ];
}

/** The finding that a message of TWS makes; undefined for good news and ordinary notes. */
export function noticeFinding(notice: Notice): Finding | undefined {
  const { code, text, atMs, symbol } = notice;
  const told = causesOfMessage(code, text);
  const guesses =
    told.length === 0 && isLocalized(code, text) ? only('localized_messages', 0.9) : told;
  const causes = guesses.map((guess) => ({ ...guess, why: `TWS sent message ${code}` }));
  return makeFinding({
    subject: subjectOfMessage(code, symbol),
    causes,
    message: `TWS reports ${code}${symbol === undefined ? '' : ` for ${symbol}`}: ${shorten(text)}`,
    nowMs: atMs,
    evidence: [{ kind: 'notice', source: 'TWS', at: isoTime(atMs), text: `${code} ${text}` }],
  });
}

/** Codes that are about the contract that was asked for, not about the link or the account. */
const symbolCodes: ReadonlySet<number> = new Set([
  165, 200, 354, 430, 10089, 10090, 10091, 10092, 10167, 10168, 10186, 10187,
]);

/** Whom a message is about; pacing is about the program, whatever symbol it was said to. */
export function subjectOfMessage(code: number, symbol: string | undefined): Subject {
  if (symbol !== undefined && classify(code).scope === 'data') {
    return { kind: 'symbol', name: symbol };
  }
  return symbolCodes.has(code) ? { kind: 'symbol' } : { kind: 'connection' };
}

/** One line of at most 300 characters. */
export function shorten(text: string): string {
  // eslint-disable-next-line no-control-regex -- what a peer sends ends in logs and terminals
  const line = text.replace(/[\s\u0000-\u001f\u007f-\u009f]+/g, ' ').trim();
  return line.length <= 300 ? line : `${line.slice(0, 299)}…`;
}

/** Paper account ids start with D (DU, DF, DI …), live ones with U, F or I; others are unknown. */
export function modeOfAccount(account: string): Mode | undefined {
  if (/^D[A-Z]*\d/.test(account)) {
    return 'paper';
  }
  return /^[UFI]\d/.test(account) ? 'live' : undefined;
}

/** What the accounts are compared with. */
export interface AccountExpectation {
  readonly endpoint: Endpoint;
  /** What the trader said; the port's convention counts where it is undefined. */
  readonly mode: Mode | undefined;
}

/**
 * The finding for accounts of another mode than the trader asked for, or than the port says
 * by convention. The latter only warns when the account is the harmless paper one.
 */
export function accountFinding(
  accounts: readonly string[],
  expected: AccountExpectation,
  nowMs: number,
): Finding | undefined {
  const wanted = expected.mode ?? usualPort(expected.endpoint.port)?.mode;
  const wrong = accounts.find((account) => {
    const mode = modeOfAccount(account);
    return mode !== undefined && wanted !== undefined && mode !== wanted;
  });
  if (wanted === undefined || wrong === undefined) {
    return undefined;
  }
  const asked =
    expected.mode === undefined
      ? `port ${expected.endpoint.port} is by convention for ${wanted} trading`
      : `${wanted} trading was asked for`;
  const actual = wanted === 'paper' ? 'live' : 'paper';
  return otherAccountFinding(wrong, actual, {
    nowMs,
    message: (prefix) =>
      `The account at ${formatEndpoint(expected.endpoint)} is a ${actual} account (${prefix}), but ${asked}.`,
    severity: expected.mode === undefined && actual === 'paper' ? 'warning' : 'error',
  });
}

/**
 * The finding for a live account at an endpoint where there was a paper one: programs that connect
 * again would trade real money.
 */
export function changedLoginFinding(
  accounts: readonly string[],
  endpoint: Endpoint,
  nowMs: number,
): Finding | undefined {
  const live = accounts.find((account) => modeOfAccount(account) === 'live');
  return live === undefined
    ? undefined
    : otherAccountFinding(live, 'live', {
        nowMs,
        message: (prefix) =>
          `TWS at ${formatEndpoint(endpoint)} came back with a live account (${prefix}) where a paper account was: a program that connects again trades real money. If you mean it, "robo reconnect" says so.`,
        severity: 'error',
      });
}

function otherAccountFinding(
  account: string,
  mode: Mode,
  {
    message,
    nowMs,
    severity,
  }: {
    readonly message: (prefix: string) => string;
    readonly nowMs: number;
    readonly severity: Severity;
  },
): Finding {
  const prefix = `${account.slice(0, 2)}…`;
  return makeFinding({
    subject: { kind: 'connection' },
    causes: [
      {
        id: 'account_mode_mismatch',
        confidence: sure,
        why: `the account id ${prefix} is that of a ${mode} account`,
      },
    ],
    message: message(prefix),
    nowMs,
    severity,
    evidence: [
      { kind: 'answer', source: 'TWS', at: isoTime(nowMs), text: `managed account ${prefix}` },
    ],
  });
}

/** Differences up to this are ordinary: TWS tells whole seconds only. Milliseconds. */
export const maxClockSkewMs = 5000;

/** The finding for a TWS clock that is off by `skewMs` (TWS minus this machine). */
export function clockFinding(skewMs: number, nowMs: number): Finding | undefined {
  if (Math.abs(skewMs) <= maxClockSkewMs) {
    return undefined;
  }
  const text = `the clock of TWS is ${describeDuration(Math.abs(skewMs))} ${skewMs > 0 ? 'ahead of' : 'behind'} this machine's`;
  return makeFinding({
    subject: { kind: 'connection' },
    causes: [{ id: 'clock_skew', confidence: sure, why: text }],
    message: `T${text.slice(1)}.`,
    nowMs,
    evidence: [{ kind: 'timing', source: 'TWS server time', at: isoTime(nowMs), text }],
  });
}

/** `3.0 s`, `4 min`, `2.5 h`, `3.0 d` */
export function describeDuration(ms: number): string {
  if (ms < 90_000) {
    return `${(ms / 1000).toFixed(1)} s`;
  }
  if (ms < 5_400_000) {
    return `${Math.round(ms / 60_000)} min`;
  }
  return ms < 172_800_000
    ? `${(ms / 3_600_000).toFixed(1)} h`
    : `${(ms / 86_400_000).toFixed(1)} d`;
}
