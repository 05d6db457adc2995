/**
 * Writes lines to whoever reads them. What cannot be written is lost: a full disk, or a reader that
 * went away, must not end the trading. The stream of Node.js would say nothing any more after its
 * first error; here the next line is tried again.
 */
export class EventOutput {
  private isBroken = false;

  /** @param take writes some of the bytes and says how many, or throws */
  constructor(private readonly take: (bytes: Buffer) => number) {}

  write(line: string): void {
    // After half a line a line of its own, or a reader would lose both.
    let rest = Buffer.from(this.isBroken ? `\n${line}` : line);
    const { length } = rest;
    try {
      while (rest.length > 0) {
        rest = rest.subarray(this.take(rest));
      }
      this.isBroken = false;
    } catch {
      this.isBroken ||= rest.length < length;
    }
  }
}
