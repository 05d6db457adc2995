/** A time at the front of a line. */
export interface FoundTime {
  /** Characters that it takes. */
  readonly length: number;
  /**
   * ISO 8601; without an offset where the log gives local time without one (it is then nobody's
   * to say which), undefined where year or order of day and month cannot be known.
   */
  readonly at: string | undefined;
}

interface TimeShape {
  /** Groups `y m d clock fraction half zone`, as far as the shape has them. */
  readonly pattern: RegExp;
  readonly isDated: boolean;
}

const fraction = '(?:[.,:](?<fraction>\\d{1,9}))?';
const half = '(?:\\s?(?<half>[AP]M))?';
const zone = '(?:\\s?(?<zone>Z\\b|UTC\\b|GMT\\b|[+-]\\d\\d:?\\d\\d(?!\\d)))?';
const zoneName = '(?:\\s(?:[ECPM][SD]T|CES?T|BST|EES?T|HKT|JST|SGT|IST|AE[SD]T)\\b)?';
const end = '[\\])]?(?!\\d)';
const monthNames = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');
const month = `(?<m>${monthNames.join('|')})`;

const shapes: readonly TimeShape[] = [
  // 2024-01-02T14:30:00.123Z · 2024/01/02 14:30:00,123 +0100
  dated('(?<y>\\d{4})[-/.](?<m>\\d\\d)[-/.](?<d>\\d\\d)[T _]{1,2}(?<clock>\\d\\d:\\d\\d:\\d\\d)'),
  // 20240102 14:30:00.123 · 20240102-14:30:00
  dated('(?<y>20\\d\\d)(?<m>\\d\\d)(?<d>\\d\\d)[T _-]{1,2}(?<clock>\\d\\d:\\d\\d:\\d\\d)'),
  // 02.01.2024 14:30:00 · 1/2/2024 2:30:00 PM
  dated(
    '(?<first>\\d{1,2})(?<mark>[./-])(?<second>\\d{1,2})\\k<mark>(?<y>\\d{4}),?[T ]{1,2}(?<clock>\\d{1,2}:\\d\\d:\\d\\d)',
  ),
  // Nov 22 10:00:00 · Fri Nov 22 10:00:00 2024 · Nov 22, 2024 10:00:00 AM
  dated(
    `(?:[A-Z][a-z]{2},? )?${month}\\s{1,2}(?<d>\\d{1,2})(?:,? (?<y>\\d{4}))?,? (?<clock>\\d{1,2}:\\d\\d:\\d\\d)`,
  ),
  // 22 Nov 2024 10:00:00 · 22/Nov/2024:10:00:00
  dated(
    `(?:[A-Z][a-z]{2},? )?(?<d>\\d{1,2})[ /-]${month}[ /-](?<y>\\d{4})[ :](?<clock>\\d\\d:\\d\\d:\\d\\d)`,
  ),
  // The time alone, or the date alone in a bracket of its own.
  {
    pattern: new RegExp(`^[[(]?\\d{1,2}:\\d\\d:\\d\\d${fraction}${half}\\]?(?=[\\s|:[\\]-]|$)`),
    isDated: false,
  },
  { pattern: /^\[\d{4}-\d\d-\d\d\](?=\s?\[)/, isDated: false },
];

function dated(pattern: string): TimeShape {
  return {
    pattern: new RegExp(
      `^[[(]?${pattern}${fraction}${half}(?: (?<y2>20\\d\\d))?${zone}${zoneName}${end}`,
    ),
    isDated: true,
  };
}

const couldBeTime = /^[[(]?[\dA-Z]/;
const epoch = /^\[?(1\d{9})(?:(\d{3})|\.(\d{1,9}))?\]?(?=[\s|,:-]{1,4}[^\d\s-])/;

/** The time that `text` begins with. */
export function findTime(text: string): FoundTime | undefined {
  if (!couldBeTime.test(text)) {
    return undefined;
  }
  for (const { pattern, isDated } of shapes) {
    const found = pattern.exec(text);
    if (found !== null) {
      return { length: found[0].length, at: isDated ? isoOf(found.groups ?? {}) : undefined };
    }
  }
  const [whole = '', seconds, millis, decimals] = epoch.exec(text) ?? [];
  if (seconds === undefined) {
    return undefined;
  }
  const ms = Number(`${seconds}${(millis ?? decimals ?? '').padEnd(3, '0').slice(0, 3)}`);
  return { length: whole.length, at: new Date(ms).toISOString() };
}

/** The time in a field: text in one of the shapes, or seconds, ms, µs or ns since the epoch. */
export function timeOfField(value: unknown): string | undefined {
  if (typeof value === 'string') {
    return /^\d{10,19}(?:\.\d{1,9})?$/.test(value)
      ? timeOfField(Number(value))
      : findTime(value)?.at;
  }
  if (typeof value !== 'number' || !Number.isFinite(value) || value <= 0) {
    return undefined;
  }
  // Each unit has its own span: seconds end in the year 5138 where milliseconds begin in 1973.
  const ms =
    value < 1e11 ? value * 1000 : value < 1e14 ? value : value / (value < 1e17 ? 1e3 : 1e6);
  return new Date(Math.floor(ms)).toISOString();
}

type Groups = Readonly<Record<string, string | undefined>>;

function isoOf(groups: Groups): string | undefined {
  const year = groups['y'] ?? groups['y2'];
  const day = dayOf(groups);
  if (year === undefined || day === undefined) {
    return undefined;
  }
  const ms = (groups['fraction'] ?? '').padEnd(3, '0').slice(0, 3);
  const local = `${year}-${day}T${clockOf(groups)}.${ms}`;
  if (Number.isNaN(Date.parse(`${local}Z`))) {
    return undefined;
  }
  const offset = groups['zone'];
  if (offset === undefined) {
    return local;
  }
  const isUtc = /^[A-Z]/.test(offset);
  const colon = offset.includes(':') ? offset : `${offset.slice(0, 3)}:${offset.slice(3)}`;
  return new Date(`${local}${isUtc ? 'Z' : colon}`).toISOString();
}

/** `MM-DD`; undefined where day and month could be either way round. */
function dayOf(groups: Groups): string | undefined {
  const { m, d, first, second, mark, half: halfOfDay } = groups;
  if (m !== undefined && d !== undefined) {
    const number = monthNames.indexOf(m) + 1;
    return `${number === 0 ? m : two(String(number))}-${two(d)}`;
  }
  if (first === undefined || second === undefined) {
    return undefined;
  }
  if (mark === '.' || Number(first) > 12) {
    return `${two(second)}-${two(first)}`;
  }
  // Only Americans write AM and PM with figures and slashes.
  return halfOfDay !== undefined || Number(second) > 12
    ? `${two(first)}-${two(second)}`
    : undefined;
}

function clockOf({ clock = '', half: halfOfDay }: Groups): string {
  const [hour = '', minute = '', second = ''] = clock.split(':');
  const twelve = Number(hour) % 12;
  const hours = halfOfDay === undefined ? Number(hour) : twelve + (halfOfDay === 'PM' ? 12 : 0);
  return `${two(String(hours))}:${minute}:${second}`;
}

function two(digits: string): string {
  return digits.padStart(2, '0');
}
