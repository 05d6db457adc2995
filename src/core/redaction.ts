/** What of this machine must not appear in a text that leaves it. */
export interface RedactionContext {
  readonly homeDirectory: string;
  readonly userName: string;
  readonly hostName: string;
}

/**
 * TWS account ids: paper (DU1234567, DF…), live (U1234567), advisors (F…, I…), and their sums with
 * a letter behind (F1234567A). Whatever else touches them, `_` included, does not save them.
 */
const accountPatterns = [
  /(?<![A-Za-z0-9])(?:D[A-Z]{0,2}|[UFI])\d{5,9}[A-Z]?(?![A-Za-z0-9])/gi,
  // As written by TWS, also right behind small letters: `accountU1234567`, `\\nU1234567`.
  /(?<![A-Z0-9])(?:D[A-Z]{0,2}|[UFI])\d{5,9}[A-Z]?(?![A-Za-z0-9])/g,
] as const;
/** `token=…`, `"password": "…"`, `API_KEY: …`, `IbLoginId=…` and the like: the value goes. */
const secretPattern = new RegExp(
  [
    String.raw`([\w-]{0,40}(?:password|passwd|passphrase|secret|token|api[_-]?key|credential|authorization`,
    String.raw`|login[_-]?id|user[_-]?id|user[_-]?name)[\w-]{0,40}["']?\s{0,4}[=:]\s{0,4})`,
    // In quotes a value may hold blanks; behind a bearer mark stands the token itself.
    String.raw`(?!<secret>)("(?:[^"\\\n]|\\.)+"|'[^'\n]+'|(?:bearer |basic )?[^\s"',;&]+)`,
  ].join(''),
  'gi',
);
/** `https://name:password@host`: name and password. */
const userInfoPattern = /(:\/\/)[^\s/@]{1,300}@/g;
/** IPv4 addresses other than loopback. */
const addressPattern = /\b(?!127\.)(?:\d{1,3}\.){3}\d{1,3}\b/g;
/** IPv6 addresses other than `::1` and `::`; a time of day has too few colons to be one. */
const longAddressPattern =
  /(?<![\w:])(?!::1?(?![\w:]))(?=[0-9a-f:]*(?:::|(?::[0-9a-f]{1,4}){5}))[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?![\w:])/gi;

/** Takes account ids, secrets, addresses, home path, user and host name out of a text. */
export function redact(text: string, context: RedactionContext): string {
  let result = text
    .replace(secretPattern, '$1<secret>')
    .replace(userInfoPattern, '$1<secret>@')
    .replace(accountPatterns[0], '<account>')
    .replace(accountPatterns[1], '<account>')
    .replace(addressPattern, '<address>')
    .replace(longAddressPattern, '<address>');
  for (const [word, mark] of [
    [context.homeDirectory, '~'],
    [context.hostName, '<host>'],
    [context.userName, '<user>'],
  ] as const) {
    // A short name (`a`, `me`) would tear words apart and hide nothing.
    if (word.length >= 3) {
      result = replaceWord(result, word, mark);
    }
  }
  return result;
}

function replaceWord(text: string, word: string, mark: string): string {
  const escaped = word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  // A path may follow anything (`-I/home/me`); a word counts only where it stands alone.
  const before = /^[A-Za-z0-9]/.test(word) ? '(?<![A-Za-z0-9])' : '';
  return text.replace(new RegExp(`${before}${escaped}(?![A-Za-z0-9])`, 'gi'), mark);
}
