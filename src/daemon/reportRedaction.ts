import { redact, type RedactionContext } from '../core/redaction';
import { safeLine } from '../core/safeLine';

/** What of this machine and setup must not appear in a report. */
export interface ReportSecrets extends RedactionContext {
  /** Hosts and names beyond those of the machine: the endpoint's, the user's other names. */
  readonly others: readonly string[];
}

/** The longest line of a report, in characters: a peer may have sent megabytes. */
const maxLineLength = 1000;

/** What is read of a line, in characters: time stays bounded. */
const maxRedacted = 20_000;

/** What names a person or opens a door, wherever it stands; the order matters. */
const replacements: readonly (readonly [RegExp, string])[] = [
  // `--token abc`, `"--token", "abc"`, `Bearer abc`.
  [
    /(--?[\w-]{0,40}(?:password|passwd|passphrase|secret|token|api-?key|credential)[\w-]{0,40}(?:["']\s?,\s?["']| ))(?!<secret>)[^\s"']+/gi,
    '$1<secret>',
  ],
  [/\b(bearer|basic) +(?!<secret>)[\w.~+/=-]{8,}/gi, '$1 <secret>'],
  // Keys of well-known services, signed tokens, and what only a machine can have made.
  [
    /\b(?:gh[a-z]_|github_pat_|glpat-|xox[a-z]-|sk-|sk_|pk_|rk_|AKIA|ASIA|AIza|npm_|hf_)[\w-]{8,}/g,
    '<secret>',
  ],
  [/\beyJ[\w-]{8,}(?:\.[\w-]{4,}){0,2}/g, '<secret>'],
  [/\b\d{6,12}:[\w-]{30,}/g, '<secret>'],
  [/\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/gi, '<secret>'],
  [/(?<![\w])[0-9a-f]{32,}(?![\w])/gi, '<secret>'],
  [
    /(?<![\w+-])(?=[\w+=-]{0,200}\d)(?=[\w+=-]{0,200}[a-z])(?=[\w+=-]{0,200}[A-Z])[\w+=-]{40,}/g,
    '<secret>',
  ],
  // Of this machine only the port is told; elsewhere the address may be a key.
  [
    /\b(https?|wss?):\/\/(127\.0\.0\.1|localhost|\[::1\])(:\d+)?(?:<secret>|[^\s"'<>)\]])*/gi,
    '$1://$2$3',
  ],
  [
    /\b(?!(?:https?|wss?):\/\/(?:127\.0\.0\.1|localhost|\[::1\]))[a-z][a-z0-9+.-]{1,20}:\/\/(?:<[a-z]+>|[^\s"'<>])+/gi,
    '<url>',
  ],
  [/[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+/g, '<email>'],
  // As the status record shortens them.
  [/(?<![A-Za-z0-9])[A-Z]{1,3}\d{0,4}\*{2,}\d{0,4}(?![A-Za-z0-9])/g, '<account>'],
  // Anybody's home, not only ours.
  [
    /(?:(?:\/|%2F)(?:home|Users)(?:\/|%2F))[^/\s"'`<>|\\%,;:)\]]+(?:(?: [^/\s"'`<>|\\]+){1,3}(?=\/))?/gi,
    '~',
  ],
  [
    /\b[a-z](?::|%3A)(?:\\{1,2}|\/|%5C)(?:Users|Documents and Settings)(?:\\{1,2}|\/|%5C)(?:[^\\/:*?"<>|\n]{1,64}(?=[\\/])|[^\\/\s:*?"'<>|]+)/gi,
    '~',
  ],
];

/** Foreign text for a report: safe lines without accounts, hosts, names, home paths and secrets. */
export function redactReport(text: string, secrets: ReportSecrets): string {
  return text
    .split(/\r\n?|\n/)
    .map((line) => cut(redactLine(withoutMarks(safeLine(line, maxRedacted)), secrets)))
    .join('\n');
}

/** What is invisible must not tear a secret apart, and so hide it from the patterns. */
function withoutMarks(line: string): string {
  return line.replace(/<U\+[0-9A-F]{4,6}>|[\u2400-\u2421]|[\u200c\u200d]/g, '');
}

function redactLine(line: string, secrets: ReportSecrets): string {
  let result = redact(line, secrets);
  for (const [pattern, mark] of replacements) {
    result = result.replace(pattern, mark);
  }
  for (const word of secrets.others) {
    result = redact(result, { homeDirectory: '', userName: '', hostName: word });
  }
  return result;
}

function cut(line: string): string {
  return line.length <= maxLineLength ? line : `${line.slice(0, maxLineLength)} …`;
}
