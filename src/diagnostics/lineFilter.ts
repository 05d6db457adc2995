import { LineSieve, type TriggerWords } from './lineSieve';

const lineFeed = 10;

/** Longer lines are looked at as far as readers read them, more or less. Bytes. */
const maxBytes = 32_767;
const maxOutlines = 4096;

/** Tells lines that may matter from others, for lines that come one by one. */
export class LineFilter {
  private readonly sieve: LineSieve<never>;
  private readonly bytes = Buffer.alloc(maxBytes + 1);

  constructor(triggers: TriggerWords) {
    this.sieve = new LineSieve(triggers, { maxBytes, maxOutlines });
  }

  /** False for a line that says nothing, whatever the lines around it say. */
  mayMatter(line: string): boolean {
    const length = this.bytes.write(line, 0, maxBytes, 'utf8');
    this.bytes[length] = lineFeed;
    const { sieve, bytes } = this;
    const { lines } = sieve;
    lines.load(bytes.subarray(0, length + 1));
    return lines.next(false) && sieve.look(lines.high, lines.low, bytes, 0, length) !== 'silent';
  }

  /** The line that was asked about last said nothing; nor will others of its shape. */
  forget(): void {
    this.sieve.remember('silent');
  }
}
