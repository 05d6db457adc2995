import { existsSync, readFileSync } from 'node:fs';
import { homedir, hostname, release, userInfo } from 'node:os';
import { redact } from '../core/redaction';
import { version } from '../core/version';
import type { Observed } from '../core/observed';
import { readIncidents } from '../daemon/historyReader';
import type { IncidentRow } from '../daemon/historyRows';
import { daemonPaths } from '../daemon/launcher';
import { describeDuration } from '../diagnostics/notices';
import { describeEndpoint } from '../ibkr/endpoint';
import type { Command } from './command';
import { parseEndpointCommand } from './options';

/** Lines of the monitor log that a report takes along. */
const logLines = 60;
/** Incidents that a report takes along, the newest. */
const lastIncidents = 20;

/** `robo report`: Markdown to paste into a bug report, without accounts, names, hosts and secrets. */
export const reportCommand: Command = async (context) => {
  const command = parseEndpointCommand(context);
  const { endpoint } = command.configuration;
  const paths = daemonPaths({ stateDirectory: command.stateDirectory, endpoint });
  const text = [
    '# Robo report',
    '',
    `- robo ${version}, Node.js ${process.versions.node}, ${process.platform} ${release()} ${process.arch}`,
    `- endpoint ${describeEndpoint(endpoint)}`,
    '',
    '## Status',
    '',
    fenced('json', existsSync(paths.status) ? readFileSync(paths.status, 'utf8') : 'none yet'),
    '',
    '## Incidents',
    '',
    fenced('text', incidentsText(await readIncidents(paths.database, lastIncidents))),
    '',
    '## Monitor log',
    '',
    fenced(
      'text',
      existsSync(paths.monitorLog)
        ? readFileSync(paths.monitorLog, 'utf8').trimEnd().split('\n').slice(-logLines).join('\n')
        : 'none yet',
    ),
    '',
  ].join('\n');
  context.stdout(
    redact(text, {
      homeDirectory: homedir(),
      userName: userInfo().username,
      hostName: hostname(),
    }),
  );
  return 0;
};

function incidentsText(incidents: Observed<readonly IncidentRow[]>): string {
  if (!incidents.known) {
    return `unknown: ${incidents.why}`;
  }
  return incidents.value.length === 0 ? 'none yet' : incidents.value.map(incidentLine).join('\n');
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
  const subject = [row.subject_kind, row.subject_name ?? ''].join(' ').trim();
  return `${row.since} ${end}${gap}: ${subject}, ${row.cause ?? 'no cause'}: ${flat(row.message)}`;
}

/** One line, whatever is in it. */
function flat(text: string): string {
  return text.replace(/\s+/g, ' ');
}

function fenced(language: string, text: string): string {
  // A fence longer than any in the text, so that nothing in it can end the block.
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}${language}\n${text.trimEnd()}\n${fence}`;
}
