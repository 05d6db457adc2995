/** A value of a `.env` file and where it stands. Lines and columns count from 0; ends are exclusive. */
export interface EnvEntry {
  readonly key: string;
  readonly value: string;
  readonly line: number;
  readonly keyStart: number;
  readonly valueStart: number;
  readonly valueEnd: number;
}

/** One item of a comma-separated value and where it stands in its line. */
export interface EnvListItem {
  readonly text: string;
  readonly line: number;
  readonly start: number;
  readonly end: number;
}

const assignment = /^(\s*(?:export\s+)?)([A-Za-z_][A-Za-z0-9_.]*)(\s*=[ \t]*)/;

/**
 * Reads a `.env` file as text. Values may be quoted and carry a trailing `# comment`, as the
 * trader's files do; values over several lines are passed over, and what stands in them is no
 * assignment. Nothing enters the process's environment. Where a key stands twice the later one
 * counts, as in dotenv and in shells.
 */
export function parseEnvFile(text: string): ReadonlyMap<string, EnvEntry> {
  const entries = new Map<string, EnvEntry>();
  const lines = plainText(text).split(/\r\n|\n|\r/);
  for (let line = 0; line < lines.length; line += 1) {
    const lineText = lines[line] ?? '';
    const match = assignment.exec(lineText);
    if (match === null) {
      continue;
    }
    const [whole, indent = '', key = ''] = match;
    const lastLine = endOfLongValue(lines, line, whole.length);
    if (lastLine !== undefined) {
      line = lastLine;
      continue;
    }
    const { value, start, end } = readValue(lineText, whole.length);
    entries.set(key, {
      key,
      value,
      line,
      keyStart: indent.length,
      valueStart: start,
      valueEnd: end,
    });
  }
  return entries;
}

/**
 * Without what marks an encoding. Windows PowerShell writes UTF-16 (`>`), which read as UTF-8 has a
 * NUL beside each letter; without them the lines and columns are those that an editor shows.
 */
function plainText(text: string): string {
  return /^(?:\uFFFD{2})?(?:[\s!-~]\0|\0[\s!-~])/.test(text)
    ? text.replaceAll('\0', '').replace(/^\uFFFD+/, '')
    : text.replace(/^\uFEFF/, '');
}

/** The last line of a quoted value over several lines; undefined for any other value. */
function endOfLongValue(
  lines: readonly string[],
  line: number,
  offset: number,
): number | undefined {
  const quote = quoteAt(lines[line] ?? '', offset);
  if (quote === undefined || lines[line]?.includes(quote, offset + 1) === true) {
    return undefined;
  }
  const found = lines.findIndex((text, index) => index > line && text.includes(quote));
  return found === -1 ? undefined : found;
}

function quoteAt(lineText: string, offset: number): string | undefined {
  const first = lineText[offset];
  return first === '"' || first === "'" || first === '`' ? first : undefined;
}

function readValue(
  lineText: string,
  offset: number,
): { readonly value: string; readonly start: number; readonly end: number } {
  const quote = quoteAt(lineText, offset);
  if (quote !== undefined) {
    const close = lineText.indexOf(quote, offset + 1);
    if (close > offset) {
      return { value: lineText.slice(offset + 1, close), start: offset + 1, end: close };
    }
  }
  // A `#` starts a comment at the beginning of the value or after a blank; `a#b` is a value.
  const comment = /(^|\s)#/.exec(lineText.slice(offset));
  const raw =
    comment === null ? lineText.slice(offset) : lineText.slice(offset, offset + comment.index);
  const value = raw.trim();
  const start = offset + (raw.length - raw.trimStart().length);
  return {
    value,
    start: value === '' ? offset : start,
    end: (value === '' ? offset : start) + value.length,
  };
}

/** Splits a comma-separated value into its non-empty items with their places. */
export function listItems(entry: EnvEntry): readonly EnvListItem[] {
  const items: EnvListItem[] = [];
  for (const match of entry.value.matchAll(/[^,]+/g)) {
    const text = match[0].trim();
    if (text !== '') {
      const start =
        entry.valueStart + match.index + (match[0].length - match[0].trimStart().length);
      items.push({ text, line: entry.line, start, end: start + text.length });
    }
  }
  return items;
}
