import { type LogLine, parseLogLine } from './logLine';

/** So many are kept: the frames of a few exceptions. */
const maxLines = 64;
/** Longer ones hardly come twice. */
const maxLength = 1024;

/**
 * Parses lines, and remembers those without a time: the same exception is printed in the same
 * lines over and over.
 */
export class ParsedLines {
  private readonly lines = new Map<string, LogLine>();

  parse(raw: string): LogLine {
    const known = raw.length > maxLength ? undefined : this.lines.get(raw);
    if (known !== undefined) {
      return known;
    }
    const line = parseLogLine(raw);
    if (line.at === undefined && raw.length <= maxLength) {
      if (this.lines.size >= maxLines) {
        this.lines.clear();
      }
      this.lines.set(raw, line);
    }
    return line;
  }
}
