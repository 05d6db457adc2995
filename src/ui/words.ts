/**
 * The part of `vscode.l10n` that the pure functions of this room need, so that they can be
 * tested without an editor. Pass `vscode.l10n`.
 */
export interface L10n {
  t(message: string, ...args: (string | number | boolean)[]): string;
}

/** `12 s`, `4 min`, `2 h 5 min`, `3 d`; what lies in the future by a skewed clock counts as now. */
export function formatAge(ageMs: number, l10n: L10n): string {
  const seconds = Math.max(0, Math.round(ageMs / 1000));
  if (seconds < 60) {
    return l10n.t('{0} s', seconds);
  }
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) {
    return l10n.t('{0} min', minutes);
  }
  const hours = Math.floor(minutes / 60);
  return hours < 48
    ? l10n.t('{0} h {1} min', hours, minutes % 60)
    : l10n.t('{0} d', Math.floor(hours / 24));
}

/** Weekdays name a day while it is nearer than this, in milliseconds. */
const sameWeekMs = 6 * 24 * 3_600_000;

/**
 * A point in time as people say it here: `Fri 17:00`, and with its date where the weekday alone
 * could be another one.
 */
export function timeOfDay(epochMs: number, language: string, nowMs = epochMs): string {
  const isNear = Math.abs(nowMs - epochMs) < sameWeekMs;
  return new Intl.DateTimeFormat(language, {
    weekday: 'short',
    ...(isNear ? {} : ({ day: 'numeric', month: 'short' } as const)),
    hour: '2-digit',
    minute: '2-digit',
  }).format(epochMs);
}

/** Control characters, and the invisible ones that reorder, hide or tear text. */
const invisible =
  // eslint-disable-next-line no-control-regex -- they are what must not get through
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]+/gu;
const loneSurrogate = /\p{Cs}/gu;

/**
 * Text from TWS, files, processes or people, made safe for labels and notifications: one line,
 * no hidden characters, no `$(icon)`, no `[link](command:…)`, at most `maxLength` characters.
 */
export function plain(text: string, maxLength = 500): string {
  const line = text
    // What is cut off anyway need not be looked at: a line may be megabytes long.
    .slice(0, maxLength * 4)
    .replace(invisible, ' ')
    .replace(loneSurrogate, '\ufffd')
    .replace(/\$\(/g, '$ (')
    .replace(/\]\(/g, '] (')
    .replace(/ {2,}/g, ' ')
    .trim();
  return line.length <= maxLength
    ? line
    : `${line.slice(0, maxLength - 1).replace(loneSurrogate, '')}…`;
}

/** The same for Markdown: every character that could start markup or a link is escaped. */
export function escapeMarkdown(text: string, maxLength = 500): string {
  return plain(text, maxLength).replace(/[!-/:-@[-`{-~]/g, '\\$&');
}

/** The same text whatever time has passed in it: `for 3.0 s` and `for 2 min` are one. */
export function withoutAges(text: string): string {
  return text.replace(/\d+(?:\.\d+)? ?(?:ms|s|min|h|d)\b(?: \d+ min\b)?/g, '#');
}

/** The defined entries of an environment. */
export function definedOnly(
  environment: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(environment).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    ),
  );
}
