import { errorText } from '../core/errors';
import type { Observed } from '../core/observed';
import type { Evidence, Finding } from '../diagnostics/finding';
import { describeDuration } from '../diagnostics/notices';
import type { RunnerStatus, StatusRecord } from '../diagnostics/status';
import { describeEndpoint, type Endpoint } from '../ibkr/endpoint';
import type { PreflightReport } from '../preflight/report';
import type { RecordedPast } from './historyReader';
import type { HealthRow, IncidentRow, RunRow, SignalRow } from './historyRows';
import { redactReport, type ReportSecrets } from './reportRedaction';

/** What a report is made of. The same facts give the same text, but for `madeAt`. */
export interface ReportFacts {
  /** ISO 8601. */
  readonly madeAt: string;
  readonly robo: string;
  /** Name and version; null for the command line. */
  readonly editor: string | null;
  readonly node: string;
  readonly system: string;
  readonly endpoint: Endpoint;
  /** `name: value (origin)` of everything that is not as it comes. */
  readonly settings: readonly string[];
  /** Known and undefined where nothing was recorded yet, as below. */
  readonly status: Observed<StatusRecord | undefined>;
  readonly lastTest: Observed<PreflightReport | undefined>;
  /** Newest first. */
  readonly incidents: Observed<readonly IncidentRow[]>;
  /** Around the newest incident. */
  readonly past: Observed<RecordedPast | undefined>;
  /** Newest first. */
  readonly runs: Observed<readonly RunRow[]>;
  readonly monitorLog: Observed<readonly string[] | undefined>;
}

const none = 'none yet';
/** Before and after an incident belongs to it, in milliseconds. */
const aroundMs = 5 * 60_000;
const maxTimeline = 100;

/** Markdown to paste into a bug report, without accounts, names, hosts and secrets. */
export function reportText(facts: ReportFacts, secrets: ReportSecrets): string {
  const section = (title: string, text: () => string): readonly string[] => {
    const body = redactReport(attempt(text), secrets).trimEnd();
    return [`## ${title}`, '', fenced(body === '' ? none : body), ''];
  };
  const status = (text: (record: StatusRecord) => string) => (): string => told(facts.status, text);
  return [
    '# Robo report',
    '',
    `Made at ${facts.madeAt}. Accounts, hosts, names, home paths and secrets are taken out.`,
    '',
    ...section('Versions', () => versionsText(facts)),
    ...section('Settings', () => settingsText(facts)),
    ...section('Health', status(healthText)),
    ...section('Last test', () => told(facts.lastTest, testText)),
    ...section(
      'Findings',
      status(({ findings }) => findings.map(findingText).join('\n\n')),
    ),
    ...section('Last incident', () => timelineText(facts)),
    ...section('Incidents', () =>
      told(facts.incidents, (rows) => rows.map(incidentLine).join('\n')),
    ),
    ...section('Recovery', status(recoveryText)),
    ...section(
      'Runner',
      status(({ runner }) => runner.map(runnerText).join('\n\n')),
    ),
    ...section('Runs', () => told(facts.runs, (rows) => rows.map(runText).join('\n\n'))),
    ...section('Monitor log', () => told(facts.monitorLog, (lines) => lines.join('\n'))),
  ].join('\n');
}

/** Records may be of another version, or spoilt: one section is then missing, and says so. */
function attempt(text: () => string): string {
  try {
    return text();
  } catch (error) {
    return `could not be told: ${errorText(error)}`;
  }
}

function told<T>(observed: Observed<T | undefined>, text: (value: T) => string): string {
  if (!observed.known) {
    return `unknown: ${observed.why}`;
  }
  return observed.value === undefined ? none : text(observed.value);
}

function versionsText({ robo, editor, node, system, endpoint, status }: ReportFacts): string {
  const monitor = status.known ? status.value?.monitor.version : undefined;
  return [
    `Robo ${robo}`,
    `monitor ${monitor ?? none}`,
    `editor ${editor ?? 'none, made by the command line'}`,
    `Node.js ${node}`,
    `system ${system}`,
    `endpoint ${describeEndpoint(endpoint)}`,
  ].join('\n');
}

function settingsText({ settings }: ReportFacts): string {
  return settings.length === 0 ? 'all as they come' : settings.join('\n');
}

function healthText(record: StatusRecord): string {
  const { session } = record;
  return [
    `${record.health} since ${record.since}, layer ${record.layer ?? 'none'}, as of ${record.timestamp}`,
    flat(record.message),
    `failures in a row ${record.consecutive_failures}, last good connection ${record.last_good_connection ?? 'never'}`,
    `session ${session.state}, client id ${session.clientId}, product ${session.product ?? 'unknown'}, mode ${session.mode ?? 'unknown'}, server version ${session.serverVersion ?? 'unknown'}`,
    `connected ${session.connectedAt ?? 'no'}, last answer ${session.lastAnswerAt ?? 'none'}, round trip ${session.roundTripMs ?? 'unknown'} ms`,
    `connections opened ${session.connectionsOpened}, next dial ${session.nextDialAt ?? 'none'}`,
    ...(session.farms ?? []).map(({ name, kind, state }) => `farm ${name} (${kind}): ${state}`),
    ...(record.monitor.recordsProblem === null ? [] : [flat(record.monitor.recordsProblem)]),
  ].join('\n');
}

function testText(report: PreflightReport): string {
  const { startedAt, ok, durationMs, layers, findings } = report;
  return [
    `${startedAt}: ${ok ? 'passed' : 'not passed'} in ${durationMs} ms`,
    ...layers.flatMap((layer) => [
      `${layer.layer.padEnd(8)} ${layer.status.padEnd(8)} ${layer.durationMs} ms  ${flat(layer.summary)}`,
      ...layer.evidence.map(evidenceLine),
    ]),
    ...findings.map((finding) => `\n${findingText(finding)}`),
  ].join('\n');
}

function findingText(finding: Finding): string {
  const { severity, subject, message, causes, evidence, firstAt, lastAt, count } = finding;
  return [
    `${severity}, ${subjectWords(subject.kind, subject.name)}: ${flat(message)}`,
    `  first ${firstAt}, last ${lastAt}, ${count} times`,
    ...causes.map(
      ({ id, confidence, why }) => `  ${Math.round(confidence * 100)} % ${id}: ${flat(why)}`,
    ),
    ...evidence.map(evidenceLine),
  ].join('\n');
}

function evidenceLine({ at, source, text }: Evidence): string {
  return `    ${at} ${flat(source)}: ${flat(text)}`;
}

function timelineText({ incidents, past, status }: ReportFacts): string {
  return told(incidents, ([newest]) =>
    newest === undefined
      ? none
      : [
          incidentLine(newest),
          ...told(past, (recorded) => around(newest, recorded)).split('\n'),
          ...told(status, (record) => tries(newest, record)).split('\n'),
        ]
          .filter((line) => line !== '' && line !== none)
          .join('\n'),
  );
}

/** Health, other incidents and signals from shortly before it to shortly after it. */
function around(incident: IncidentRow, { health, incidents, signals }: RecordedPast): string {
  const from = Date.parse(incident.since) - aroundMs;
  const to = incident.until === null ? Infinity : Date.parse(incident.until) + aroundMs;
  const within = (at: string): boolean => Date.parse(at) >= from && Date.parse(at) <= to;
  const begun = incidents.filter(({ since }) => within(since));
  const ended = incidents.filter(({ until }) => until !== null && within(until));
  const lines = [
    ...health.filter(({ at }) => within(at)).map(healthLine),
    ...begun.map((row) => `${row.since} begins: ${causeLine(row)}`),
    ...ended.map((row) => `${row.until ?? ''} ends: ${causeLine(row)}`),
    ...signals.filter(({ at }) => within(at)).map(signalLine),
  ].sort();
  const more = lines.length - maxTimeline;
  return [...lines.slice(0, maxTimeline), ...(more > 0 ? [`${more} more`] : [])].join('\n');
}

function tries({ since, until }: IncidentRow, { recovery = [] }: StatusRecord): string {
  return recovery
    .filter(({ at }) => at >= since && (until === null || at <= until))
    .map(({ at, step, outcome }) => `${at} recovery ${step}: ${flat(outcome)}`)
    .join('\n');
}

function healthLine({ at, was, health, reason }: HealthRow): string {
  return `${at} health ${was ?? 'none'} to ${health}: ${flat(reason)}`;
}

function signalLine({ at, symbol, signal }: SignalRow): string {
  return `${at} signal ${flat(symbol)} ${signal}`;
}

function causeLine({ subject_kind, subject_name, cause, message }: IncidentRow): string {
  const subject = subjectWords(subject_kind, subject_name ?? undefined);
  return `${subject}, ${cause ?? 'no cause'}: ${flat(message)}`;
}

function incidentLine(row: IncidentRow): string {
  const lasted = row.duration_ms === null ? '' : ` (${describeDuration(row.duration_ms)})`;
  const ends = {
    seen: `to ${row.until ?? ''}${lasted}`,
    'not seen': `last seen ${row.until ?? ''}, its end not seen`,
  };
  const end = row.ending === null ? 'open' : ends[row.ending];
  const gap =
    row.unwatched_ms === 0 ? '' : `, ${describeDuration(row.unwatched_ms)} of it unwatched`;
  return `${row.since} ${end}${gap}: ${causeLine(row)}`;
}

function recoveryText({ recovery = [] }: StatusRecord): string {
  return recovery
    .map(({ at, step, evidence, outcome }) => `${at} ${step}: ${flat(evidence)}; ${flat(outcome)}`)
    .join('\n');
}

function runnerText(runner: RunnerStatus): string {
  const { exit, restart, findings, symbolStatus } = runner;
  return [
    `${runner.workspace}: ${runner.state}, work ${runner.work}, pid ${runner.pid ?? 'none'}`,
    `command ${flat(JSON.stringify(runner.command))}`,
    `started ${runner.startedAt ?? 'unknown'}, last cycle ${runner.lastCycleAt ?? 'none'}, last fetch ${runner.lastFetchAt ?? 'none'}`,
    ...symbolStatus.map(
      ({ symbol, lastFetchAt, failures }) =>
        `  ${flat(symbol)}: last fetch ${lastFetchAt ?? 'none'}, ${failures} failures in a row`,
    ),
    ...(runner.bypassReason === null ? [] : [`gate bypassed: ${flat(runner.bypassReason)}`]),
    ...(restart === undefined ? [] : [`restart: ${flat(restart.why)}`]),
    ...(exit === null ? [] : exitLines(exit)),
    ...findings.map(findingText),
  ].join('\n');
}

function exitLines({ at, how, code, signal, lastLines }: NonNullable<RunnerStatus['exit']>) {
  return [
    `ended ${at} ${how}, code ${code ?? 'none'}, signal ${signal ?? 'none'}; its last lines:`,
    ...lastLines.map((line) => `  | ${flat(line)}`),
  ];
}

function runText(run: RunRow): string {
  const lines: unknown = JSON.parse(run.last_lines ?? '[]');
  const end =
    run.ended_at === null
      ? 'not ended'
      : `${run.ended_at} ${run.how ?? ''}, code ${run.exit_code ?? 'none'}, signal ${run.exit_signal ?? 'none'}`;
  return [
    `${run.started_at} to ${end}, ${run.cycles} cycles: ${run.workspace}`,
    ...(Array.isArray(lines) ? lines.map((line) => `  | ${flat(String(line))}`) : []),
  ].join('\n');
}

function subjectWords(kind: string, name: string | undefined): string {
  return flat([kind, name ?? ''].join(' ').trim());
}

/** One line, whatever is in it. */
function flat(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

function fenced(text: string): string {
  // A fence longer than any in the text, so that nothing in it can end the block.
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}text\n${text}\n${fence}`;
}
