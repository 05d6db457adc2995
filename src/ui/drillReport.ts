import type { DrillReport, LastDrill } from '../monitor/drillRecord';
import { type L10n, plain } from './words';

/** The whole report of a rehearsal for the log. Logs are not translated. */
export function drillLines(report: DrillReport): readonly string[] {
  const { livenessIntervalMs, refuseAfterMs } = report.timings;
  return [
    `Rehearsal, ${report.startedAt}: ${report.held} of ${report.total} held in ${Math.round(report.durationMs / 1000)} s`,
    `  Shorter than usual: TWS asked every ${livenessIntervalMs / 1000} s, gate refuses after ${refuseAfterMs / 1000} s`,
    ...report.faults.flatMap((result) => [
      `  ${result.held ? 'held    ' : 'NOT HELD'} ${plain(result.fault)}: ${plain(result.why)}`,
      ...result.checks.map(
        ({ check, held, expected, seen }) =>
          `    ${check.padEnd(8)} ${held ? plain(seen) : `expected ${plain(expected)}; seen ${plain(seen)}`}`,
      ),
      ...(result.problem === undefined ? [] : [`    ${plain(result.problem)}`]),
    ]),
  ];
}

/** One sentence that sums a rehearsal up. */
export function drillVerdict(report: DrillReport, l10n: L10n): string {
  const failed = report.faults.filter(({ held }) => !held).map(({ fault }) => fault);
  return failed.length === 0
    ? l10n.t('Rehearsal: {0} of {1} held.', report.held, report.total)
    : l10n.t(
        'Rehearsal: {0} of {1} held. Not as they should: {2}.',
        report.held,
        report.total,
        plain(failed.join(', ')),
      );
}

/** The last rehearsal for the status. */
export function lastDrillWords(last: LastDrill | undefined, l10n: L10n): string {
  return last === undefined
    ? l10n.t('never')
    : l10n.t('{0}, {1} of {2} held', last.at.slice(0, 10), last.held, last.total);
}

/**
 * Reads what `robo drill --json` printed; undefined for anything else. It is our own program, of
 * the same version.
 */
export function parseDrillReport(text: string): DrillReport | undefined {
  try {
    const value = JSON.parse(text) as Partial<DrillReport> | null;
    return value?.schema === 1 && Array.isArray(value.faults) ? (value as DrillReport) : undefined;
  } catch {
    return undefined;
  }
}
