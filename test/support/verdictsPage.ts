import type { Finding } from '../../src/diagnostics/finding';
import { type SituationName, situationNames, situationWords } from './evidenceSituations';
import type { Truth } from './faultTruths';

/** What was said about one fault in every situation. */
export interface VerdictRow {
  readonly fault: string;
  readonly truth: Truth;
  readonly cells: ReadonlyMap<SituationName, Finding | undefined>;
}

const head = `# Verdicts

What Robo says about every fault of its simulator, with every kind of evidence that the machine may show. Each fault was met over a real connection, and the pre-flight was run over it with the process and socket tables of each situation. A test keeps this page true and checks it against a table of what is right, written by hand (\`test/support/faultTruths.ts\`): the right layer always, the right first cause or the umbrella, and never a wrong one with a confidence of 0.7 or more.

The number behind a cause is its confidence. Where the evidence does not decide, no cause gets more than 0.69.
`;

/** The page in the project's Markdown form. */
export function verdictsPage(rows: readonly VerdictRow[]): string {
  const groups = new Map<string, VerdictRow[]>();
  for (const row of rows) {
    const key = JSON.stringify([...row.cells.values()].map(cellText));
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  const all = [...groups.values()];
  const varying = all.filter(([first]) => first !== undefined && !isConstant(first));
  const constant = all.flat().filter(isConstant);
  return [
    head,
    '## The situations\n',
    table(
      ['situation', 'what the tables show'],
      situationNames.map((name) => [name, situationWords[name]]),
    ),
    '\n## Faults whose cause the machine helps to tell\n',
    ...varying.map(section),
    '## Faults that say themselves what they are\n',
    'The answer is the same in every situation.\n',
    table(
      ['fault', 'layer', 'first causes', 'why'],
      constant.map((row) => {
        const finding = row.cells.get('TWS old');
        return [`\`${row.fault}\``, finding?.layer ?? 'none', cellText(finding), row.truth.why];
      }),
    ),
    '',
  ].join('\n');
}

function isConstant({ cells }: VerdictRow): boolean {
  return new Set([...cells.values()].map(cellText)).size === 1;
}

function section(rows: readonly VerdictRow[]): string {
  const [first] = rows;
  if (first === undefined) {
    return '';
  }
  const names = rows.map(({ fault }) => `\`${fault}\``).join(', ');
  const reasons = [...new Set(rows.map(({ truth }) => truth.why))].join(' ');
  const body = [...first.cells].map(([name, finding]) => [
    name,
    finding?.layer ?? 'none',
    cellText(finding),
  ]);
  return `### ${names}\n\n${reasons}\n\n${table(['situation', 'layer', 'first causes'], body)}\n`;
}

/** The first two causes: what a reader of the verdict sees first. */
function cellText(finding: Finding | undefined): string {
  return finding === undefined
    ? 'nothing is wrong'
    : finding.causes
        .slice(0, 2)
        .map(({ id, confidence }) => `\`${id}\` ${confidence.toFixed(2)}`)
        .join(', ');
}

/** A table with its columns in line, as the formatter of the project wants it. */
function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${widths.map((width, column) => (cells[column] ?? '').padEnd(width)).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [line(header), rule, ...rows.map(line)].join('\n');
}
