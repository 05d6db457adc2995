/** Colours, cursor movements, titles and whatever else a terminal would obey. */
const escapes = new RegExp(
  [
    // Titles, links, the clipboard and other strings, with their end.
    String.raw`(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x90\x98\x9c-\x9f]{0,4096}(?:\x07|\x1b\\|\x9c)`,
    String.raw`(?:\x1b\[|\x9b)[0-?]{0,64}[ -/]{0,8}[@-~]`,
    String.raw`\x1b[ -/]{0,8}[0-Z\\^-~]`,
  ].join('|'),
  'g',
);

/**
 * Control characters but the tab, and the invisible ones that reorder or hide text or end a line.
 * The joiners U+200C and U+200D stay: some scripts need them to be read.
 */
const unseen =
  // eslint-disable-next-line no-control-regex -- they are what must not get through
  /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\u{e0000}-\u{e007f}]/gu;

/**
 * A line of foreign text, fit for an editor and a terminal: escape sequences are taken out, other
 * control and invisible characters are made visible (`␀`, `<U+202E>`). It stays one line.
 * @param maxLength what is longer is cut there, and says so, in characters
 */
export function safeLine(raw: string, maxLength = Number.POSITIVE_INFINITY): string {
  // Cut first: what is taken out afterwards only makes it shorter.
  const bounded = raw.length > maxLength ? raw.slice(0, maxLength) : raw;
  const text = bounded.replace(escapes, '').replace(unseen, visible);
  return bounded === raw
    ? text
    : `${text} … [robo: ${raw.length - maxLength} more characters are in the file]`;
}

function visible(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x20) {
    return String.fromCharCode(0x2400 + code);
  }
  return code === 0x7f ? '\u2421' : `<U+${code.toString(16).toUpperCase().padStart(4, '0')}>`;
}
