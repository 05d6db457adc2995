/** What of this machine must not appear in a text that leaves it. */
export interface RedactionContext {
  readonly homeDirectory: string;
  readonly userName: string;
  readonly hostName: string;
}

/** TWS account ids: paper (DU1234567, DF…), live (U1234567), advisors (F…, I…). */
const accountPattern = /\b(?:D[A-Z]{0,2}|[UFI])\d{5,9}\b/g;
/** `token=…`, `"password": "…"`, `API_KEY: …` and the like: the value goes. */
const secretPattern =
  /\b([\w-]{0,40}(?:password|passwd|secret|token|api[_-]?key|credential)[\w-]{0,40})(["']?\s{0,4}[=:]\s{0,4}["']?)([^\s"',;&]{1,500})/gi;
/** IPv4 addresses other than loopback. */
const addressPattern = /\b(?!127\.)(?:\d{1,3}\.){3}\d{1,3}\b/g;

/** Takes account ids, secrets, addresses, home path, user and host name out of a text. */
export function redact(text: string, context: RedactionContext): string {
  let result = text
    .replace(secretPattern, '$1$2<secret>')
    .replace(accountPattern, '<account>')
    .replace(addressPattern, '<address>');
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
  return text.replace(new RegExp(`(?<![A-Za-z0-9])${escaped}(?![A-Za-z0-9])`, 'g'), mark);
}
