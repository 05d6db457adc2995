import type { CauseId } from '../diagnostics/causeIds';
import { causeTitles } from '../diagnostics/causeTitles';
import type { Severity } from '../diagnostics/finding';
import type { LogFinding } from '../diagnostics/logIncidents';
import type { LogFilter } from '../diagnostics/logLevels';
import { type L10n, plain } from './words';

/** A line of a log, fit to be shown. */
export interface LogRow {
  readonly text: string;
  readonly level: Severity;
  /** The line as it was printed, where `text` is another one. */
  readonly raw?: string;
}

/** The end of a log as it stands now. */
export interface LogSnapshot {
  readonly file: string;
  readonly rows: readonly LogRow[];
  /** The number of the first row; rows keep their number while they are there. */
  readonly first: number;
  /** False where older lines stand in the file. */
  readonly isWhole: boolean;
}

/** A finding and the rows that it spans, by their numbers, both included. */
export interface PlacedFinding {
  readonly from: number;
  readonly to: number;
  readonly finding: LogFinding;
}

/** What the editor shows of a log. */
export interface LogDocument {
  readonly text: string;
  /** The number of the row of each line; null where the line is our own. Rises. */
  readonly numbers: readonly (number | null)[];
}

/** Lines of a document, from 0, both included. */
export interface Fold {
  readonly start: number;
  readonly end: number;
}

/** Something that is wrong now; its times are ISO 8601. */
export interface PresentTrouble {
  readonly severity: Severity;
  readonly since: string;
  readonly message: string;
  /** Id of the best cause; undefined where none is known. */
  readonly cause: CauseId | undefined;
}

/** A finding as it stands above its first line. */
export interface FindingLens {
  readonly line: number;
  readonly title: string;
  readonly tooltip: string;
  /** Id of the best cause; undefined where none is known. */
  readonly cause: string | undefined;
}

const maxLenses = 200;
const maxFolds = 1000;
/** So many lines of one shape are worth a fold. */
const minRun = 4;

const least: Readonly<Record<LogFilter, readonly Severity[]>> = {
  all: ['info', 'warning', 'error'],
  warning: ['warning', 'error'],
  error: ['error'],
};

/** The text of a log through a filter. Its first line says where older lines are. */
export function logDocument(
  { file, rows, first, isWhole }: LogSnapshot,
  filter: LogFilter,
): LogDocument {
  const lines: string[] = [];
  const numbers: (number | null)[] = [];
  if (!isWhole) {
    lines.push(`[robo: older lines are in ${plain(file, 1000)}]`);
    numbers.push(null);
  }
  const shown = least[filter];
  rows.forEach(({ text, level }, index) => {
    if (shown.includes(level)) {
      lines.push(text);
      numbers.push(first + index);
    }
  });
  if (rows.length > 0 && numbers.at(-1) === undefined) {
    lines.push(
      `[robo: none of the ${rows.length} lines is ${filter === 'all' ? 'shown' : filter}]`,
    );
    numbers.push(null);
  }
  return { text: lines.map((line) => `${line}\n`).join(''), numbers };
}

/** The line of a row, or the next one that is shown; undefined where none follows. */
export function lineOfRow({ numbers }: LogDocument, row: number): number | undefined {
  const line = numbers.findIndex((number) => number !== null && number >= row);
  return line === -1 ? undefined : line;
}

/** The row of a line; undefined where the line is our own. */
export function rowAt(
  { numbers }: LogDocument,
  { rows, first }: LogSnapshot,
  line: number,
): LogRow | undefined {
  const number = numbers[line] ?? undefined;
  return number === undefined ? undefined : rows[number - first];
}

/** Incidents, and runs of lines that differ only in times and amounts. */
export function foldsOf(
  document: LogDocument,
  findings: readonly Pick<PlacedFinding, 'from' | 'to'>[],
): readonly Fold[] {
  const folds = findings.flatMap(({ from, to }) => {
    const start = lineOfRow(document, from);
    const end = lastLineTo(document, to);
    return start !== undefined && end > start ? [{ start, end }] : [];
  });
  return [...folds, ...runsOf(document)].slice(0, maxFolds);
}

/** The last line up to a row; -1 where none is shown. */
export function lastLineTo({ numbers }: LogDocument, row: number): number {
  return numbers.findLastIndex((number) => number !== null && number <= row);
}

function runsOf({ text }: LogDocument): readonly Fold[] {
  const shapes = text
    .split('\n')
    .slice(0, -1)
    .map((line) => line.slice(0, 500).replace(/[\d.,:+-]+/g, '#'));
  const runs: Fold[] = [];
  for (let start = 0; start < shapes.length;) {
    let end = start;
    while (end + 1 < shapes.length && shapes[end + 1] === shapes[start]) {
      end += 1;
    }
    if (end - start + 1 >= minRun && shapes[start]?.trim() !== '') {
      runs.push({ start, end });
    }
    start = end + 1;
  }
  return runs;
}

/** Each finding above its first line that is shown, worst of a line first. */
export function lensesOf(
  document: LogDocument,
  findings: readonly PlacedFinding[],
  l10n: L10n,
): readonly FindingLens[] {
  return findings.slice(-maxLenses).flatMap(({ from, to, finding }) => {
    const line = lineOfRow(document, from);
    return line === undefined || line > lastLineTo(document, to)
      ? []
      : [{ line, ...lensWords(finding, l10n) }];
  });
}

/**
 * What is wrong now above the line where it began, each cause once: the monitor's own log has no
 * findings of its own, it tells of those that the monitor has made.
 * @param rowOf the row where something began, if it is among those that are shown
 */
export function presentLenses(
  document: LogDocument,
  troubles: readonly PresentTrouble[],
  rowOf: (wanted: Wanted) => number | undefined,
  l10n: L10n,
): readonly FindingLens[] {
  const lenses = troubles.flatMap(({ severity, since, message, cause }) => {
    const row = rowOf({ atMs: Date.parse(since), cause });
    const line = row === undefined ? undefined : lineOfRow(document, row);
    const what = cause === undefined ? plain(message, 100) : causeTitles[cause];
    const title = l10n.t('{0} Now: {1}', icons[severity], what);
    return line === undefined ? [] : [{ line, title, tooltip: plain(message), cause }];
  });
  return lenses.filter(({ title }, at) => lenses.findIndex((one) => one.title === title) === at);
}

function lensWords(finding: LogFinding, l10n: L10n): Omit<FindingLens, 'line'> {
  const [best] = finding.causes;
  const what =
    best === undefined
      ? plain(finding.message, 100)
      : l10n.t('{0} ({1} %)', causeTitles[best.id], Math.round(best.confidence * 100));
  const named = finding.subject.name === undefined ? '' : `${plain(finding.subject.name, 30)}: `;
  const times = finding.count > 1 ? l10n.t(', {0} times', finding.count) : '';
  return {
    title: `${icons[finding.severity]} ${named}${what}${times}`,
    tooltip: plain(finding.message),
    cause: best?.id,
  };
}

const icons: Readonly<Record<Severity, string>> = {
  error: '$(error)',
  warning: '$(warning)',
  info: '$(info)',
};

/** What somebody looks for in a log. */
export interface Wanted {
  /** When it began, in milliseconds since the epoch. */
  readonly atMs: number;
  readonly cause: string | undefined;
}

/** A line that weighs something and comes so much earlier tells of the same; milliseconds. */
const earlierMs = 1000;
/** How far from the time a finding of that cause may begin, in milliseconds. */
const nearMs = 10 * 60_000;

/**
 * The row where something began: the finding of that cause nearest to that time, else the first
 * line that is not older, or a warning or an error just before it. Undefined where every line is older, or has no time.
 * @param timeOf the time of a row, in milliseconds; NaN where it has none
 */
export function rowOf(
  wanted: Wanted,
  { rows, first }: LogSnapshot,
  findings: readonly PlacedFinding[],
  timeOf: (row: LogRow) => number,
): number | undefined {
  const distance = ({ finding: { firstAt } }: PlacedFinding): number =>
    firstAt === null ? Number.POSITIVE_INFINITY : Math.abs(Date.parse(firstAt) - wanted.atMs);
  const [nearest] = findings
    .filter(({ finding }) => finding.causes.some(({ id }) => id === wanted.cause))
    .filter((placed) => distance(placed) <= nearMs)
    .sort((a, b) => distance(a) - distance(b));
  if (nearest !== undefined) {
    return nearest.from;
  }
  const index = rows.findIndex((row) => {
    const since = timeOf(row) - wanted.atMs;
    return since >= 0 || (row.level !== 'info' && since > -earlierMs);
  });
  return index === -1 ? undefined : first + index;
}
