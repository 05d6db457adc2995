import { stripVTControlCharacters } from 'node:util';

/** Colours of a terminal; plain text elsewhere. */
export interface Style {
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly warn: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly bold: (text: string) => string;
}

/** Colour only on a terminal, and not where NO_COLOR asks for none. */
export function styleFor(context: {
  readonly isTerminal: boolean;
  readonly environment: Readonly<Record<string, string | undefined>>;
}): Style {
  const isPlain = !context.isTerminal || (context.environment['NO_COLOR'] ?? '') !== '';
  const paint = (code: number) => (text: string) =>
    isPlain ? text : `\u001b[${code}m${text}\u001b[0m`;
  return { good: paint(32), bad: paint(31), warn: paint(33), dim: paint(2), bold: paint(1) };
}

/** Control characters but tab and line feed, and the invisible ones that reorder or hide text. */
const unprintable =
  // eslint-disable-next-line no-control-regex -- exactly these must not reach a terminal
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

/** A line from elsewhere (TWS, a runner, a file) made fit for a terminal: one line, no control sequences. */
export function printable(text: string): string {
  return printableLines(text).replace(/[\t\n]+/g, ' ');
}

/** The same for a text of several lines, such as a log. */
export function printableLines(text: string): string {
  return stripVTControlCharacters(text.replace(/\r\n/g, '\n')).replace(unprintable, '');
}
