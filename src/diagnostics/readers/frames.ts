import { twsFact } from './clientFacts';
import type { LinePattern } from './reader';

/** How programs print the zero byte that ends each field of a message of TWS. */
const zeros: readonly string[] = ['\\x00', '\\u0000', '\\0', '^@', '\u0000'];
/** Fewer letters are no trigger, see `LineTriggers`. */
const shortestTrigger = 4;

/** What a program traces when it sends: numbers there are no codes. */
const sending = /->|>>>|\bsen[dt]\b|\bsending\b|\brequest\b/i;

/**
 * Messages of TWS as programs print them that trace what they receive: the raw text, with the
 * zero bytes in any notation, or the fields with commas between them. Only message 4, an error or
 * a notice, is read, and only where it begins a frame: elsewhere the same numbers are ticks.
 */
export const frameLines: readonly LinePattern[] = [
  ...zeros.flatMap(rawFrames),
  {
    has: '<<< 4,',
    triggers: ['<<< 4,'],
    pattern: /^<<< 4,(.{1,4000})/,
    read: ([, rest = '']) => factsOf(rest.split(',')),
  },
  {
    has: '["4","',
    triggers: ['["4","', '[\\"4\\",'],
    pattern: /\["4","(.{1,4000})/,
    read: ({ 1: rest = '', input, index }) =>
      sending.test(input.slice(0, index)) ? [] : factsOf((rest.split('"]')[0] ?? '').split('","')),
  },
];

function rawFrames(zero: string): readonly LinePattern[] {
  const end = zero.replace(/[\\^]/g, '\\$&');
  // A frame begins in quotes or brackets, behind an arrow, or behind its length in four bytes.
  const pattern = new RegExp(
    String.raw`(?:^|["'[(]|<-\s|:\s|(?:\\x00|\\0|\^@){3}(?:\\x[0-9a-f]{2}|.))4${end}(?<rest>-?\d.{0,4000})`,
    'i',
  );
  // Its version and no request; or whatever stands in quotes.
  const words = [`4${zero}2${zero}`, `4${zero}-1`, `"4${zero}`, `'4${zero}`];
  return words
    .filter((word) => word.length >= shortestTrigger)
    .map((has) => ({
      has,
      triggers: [has],
      pattern,
      read: ({ groups, input, index }) =>
        sending.test(input.slice(0, index + 1)) ? [] : factsOf(groups?.['rest']?.split(zero) ?? []),
    }));
}

/** The fields behind the type: version, request, code and text; newer servers send no version. */
function factsOf(fields: readonly string[]): ReturnType<LinePattern['read']> {
  const hasVersion = fields[0] === '2' && isCode(fields[2]);
  const [id = '', code, ...words] = hasVersion ? fields.slice(1) : fields;
  const text = wordsOf(words);
  return isCode(code) && /^-?\d{1,10}$/.test(id) && /\p{L}{2}/u.test(text)
    ? [{ ...twsFact(code ?? '', id, text), by: 'frame' }]
    : [];
}

function isCode(field: string | undefined): boolean {
  return field !== undefined && /^\d{3,5}$/.test(field);
}

/** A text may have commas itself; behind it stand a reason in JSON, empty as a rule, and a time. */
function wordsOf(fields: readonly string[]): string {
  const last = fields.findLastIndex((field) => /\p{L}{2}/u.test(field));
  return fields.slice(0, last + 1).join(',');
}
