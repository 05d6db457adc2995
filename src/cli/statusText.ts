import { describeDuration } from '../diagnostics/notices';
import { workText } from '../diagnostics/runnerWork';
import type { Subject } from '../diagnostics/finding';
import type { RunnerStatus, StatusRecord } from '../diagnostics/status';
import { triedText } from '../diagnostics/tried';
import type { LastDrill } from '../monitor/drillRecord';
import { findingText } from './reportText';
import { printable, type Style } from './style';

export interface StatusSurroundings {
  readonly lastDrill: LastDrill | undefined;
  readonly style: Style;
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
}

/**
 * The present state for people. Where more than one folder is concerned, each finding and each
 * incident of a runner says which folder it is about.
 */
export function statusText(
  record: StatusRecord,
  isLive: boolean,
  { lastDrill, style, nowMs }: StatusSurroundings,
): string {
  const paint =
    record.health === 'healthy' ? style.good : record.health === 'down' ? style.bad : style.warn;
  const age = describeDuration(nowMs - Date.parse(record.timestamp));
  const folders = foldersOf(record);
  const lines = [
    isLive
      ? `${paint(record.health)}: ${printable(record.message)}`
      : `unknown: no monitor runs now; ${age} ago it was ${record.health}: ${printable(record.message)}`,
    `  since ${record.since}, layer ${record.layer ?? 'none'}, last answer ${record.last_good_connection ?? 'never'}`,
    `  session ${record.session.state}, client id ${record.session.clientId}, connections opened ${record.session.connectionsOpened}`,
    ...(record.planned ?? []).map(({ words }) => `  ${printable(words)}`),
    ...brokenFarmsLine(record),
    ...triedLine(record),
    ...record.runner.flatMap((runner) => runnerLines(runner, nowMs)),
    ...alertLines(record, folders),
    drillLine(lastDrill),
    ...record.findings.map(
      (finding) => `\n${findingText(finding, style, folderOf(finding.subject, folders))}`,
    ),
    ...record.runner.flatMap(({ workspace, findings }) =>
      findings.map(
        (finding) => `\n${findingText(finding, style, folders.size > 1 ? workspace : undefined)}`,
      ),
    ),
  ];
  return `${lines.join('\n')}\n`;
}

/** The folders that the record says something about. */
function foldersOf({ runner, duplicates = [] }: StatusRecord): ReadonlySet<string> {
  return new Set([...runner, ...duplicates].map(({ workspace }) => workspace));
}

/** Undefined where there is only one that can be meant, or none is. */
function folderOf(subject: Subject, folders: ReadonlySet<string>): string | undefined {
  const { kind, name } = subject;
  const isAboutFolder = (kind === 'runner' || kind === 'process') && name !== undefined;
  return isAboutFolder && folders.size > 1 && folders.has(name) ? name : undefined;
}

/** What recovery has tried; of a trouble that is over it is history, which the log tells. */
function triedLine({ health, recovery }: StatusRecord): readonly string[] {
  const tried = health === 'healthy' ? undefined : triedText(recovery);
  return tried === undefined ? [] : [`  ${printable(tried)}`];
}

function brokenFarmsLine({ session: { farms = [] } }: StatusRecord): readonly string[] {
  const broken = farms.filter(({ state }) => state === 'broken');
  const names = broken.map(({ name, kind }) => `${printable(name)} (${kind})`);
  return broken.length === 0 ? [] : [`  farms broken: ${names.join(', ')}`];
}

/** Open incidents, whether they are acknowledged, and quiet. */
function alertLines(
  { incidents = [], alerts }: StatusRecord,
  folders: ReadonlySet<string>,
): readonly string[] {
  const quietUntil = alerts?.quietUntil ?? null;
  const problem = alerts?.problem ?? null;
  return [
    ...incidents.map(({ subject, message, since, acknowledgedAt }) => {
      const folder = folderOf(subject, folders);
      const place = folder === undefined ? '' : ` in ${printable(folder)}`;
      const known = acknowledgedAt === null ? 'not acknowledged' : `acknowledged ${acknowledgedAt}`;
      return `  incident${place} since ${since}, ${known}: ${printable(message)}`;
    }),
    ...(quietUntil === null ? [] : [`  do not disturb until ${quietUntil}`]),
    ...(problem === null ? [] : [`  alerts: ${printable(problem)}`]),
  ];
}

export function drillLine(last: LastDrill | undefined): string {
  if (last === undefined) {
    return '  last rehearsal: never ("robo drill")';
  }
  const { at, held, total, known, notHeld } = last;
  const part = total < known ? `, of ${known} faults` : '';
  const failed = notHeld.length === 0 ? '' : ` (not: ${printable(notHeld.join(', '))})`;
  return `  last rehearsal: ${at.slice(0, 10)}, ${held} of ${total} held${part}${failed}`;
}

/** The runner, what was started with it, and what the trader should know of it. */
function runnerLines(runner: RunnerStatus, nowMs: number): readonly string[] {
  const { restart, helpers = [], warnings = [] } = runner;
  const more = [
    ...(restart === undefined ? [] : [restart.why]),
    ...helpers.map(({ name, state, port, why }) => {
      const place = port === null ? '' : `, port ${port}`;
      return `helper ${name}: ${state}${place}${why === null ? '' : ` (${why})`}`;
    }),
    ...warnings,
  ];
  return [runnerLine(runner, nowMs), ...more.map((line) => `    ${printable(line)}`)];
}

function runnerLine(runner: RunnerStatus, nowMs: number): string {
  const pid = runner.pid === null ? '' : `, pid ${runner.pid}`;
  const { lastLineAt = null } = runner;
  const age = (what: string, at: string | null): string =>
    at === null ? '' : `, ${what} ${describeDuration(nowMs - Date.parse(at))} ago`;
  const ages = [
    age('last cycle', runner.lastCycleAt),
    age('last data', runner.lastFetchAt),
    age('last line', lastLineAt),
  ];
  return `  runner of ${printable(runner.workspace)}: ${runner.state}${pid}, work ${workText(runner)}${ages.join('')}`;
}
