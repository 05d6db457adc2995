import { readFile } from 'node:fs/promises';
import { homedir, hostname, release, userInfo } from 'node:os';
import { basename, join } from 'node:path';
import { errorCode, errorText } from '../core/errors';
import { known, type Observed, unknown } from '../core/observed';
import type { EndpointPaths } from '../core/paths';
import { version } from '../core/version';
import type { StatusRecord } from '../diagnostics/status';
import type { Configuration } from '../ibkr/configuration';
import { isLoopback } from '../ibkr/endpoint';
import { readIncidents, readPast, readRuns, type RecordedPast } from './historyReader';
import type { IncidentRow } from './historyRows';
import { readLastTest } from './lastTest';
import { readLogEnd } from './logEnd';
import type { ReportSecrets } from './reportRedaction';
import { reportText } from './reportText';

/** Whoever makes a report, and what it knows of settings that the records do not. */
export interface ReportMaker {
  readonly madeAtMs: number;
  /** Name and version of the editor; null for the command line. */
  readonly editor: string | null;
  /** `name: value (origin)`, beyond those of the endpoint. */
  readonly settings: readonly string[];
}

/** Lines of the monitor log that a report takes along. */
const logLines = 60;
/** Incidents and runs that a report takes along, the newest. */
const lastIncidents = 20;
const lastRuns = 3;
/** How long before an incident the look at the past begins, in milliseconds. */
const beforeMs = 3_600_000;

/** The report about an endpoint from its records, the same with and without a running monitor. */
export async function gatherReport(
  paths: EndpointPaths,
  configuration: Configuration,
  maker: ReportMaker,
): Promise<string> {
  const incidents = await readIncidents(paths.database, lastIncidents);
  const facts = {
    madeAt: new Date(maker.madeAtMs).toISOString(),
    robo: version,
    editor: maker.editor,
    node: process.versions.node,
    system: `${process.platform} ${release()} ${process.arch}`,
    endpoint: configuration.endpoint,
    settings: [
      ...configured(configuration),
      ...maker.settings,
      ...(await toldToMonitor(paths, 'alerts.json')),
      ...(await toldToMonitor(paths, 'watch.json')),
    ],
    status: await readStatus(paths.status),
    lastTest: readLastTest(paths),
    incidents,
    past: await pastOf(paths, incidents),
    runs: await readRuns(paths.database, lastRuns),
    monitorLog: await readLog(paths.monitorLog),
  };
  return reportText(facts, secretsOf(configuration));
}

function secretsOf({ endpoint }: Configuration): ReportSecrets {
  const homeDirectory = homedir();
  const userName = userInfo().username;
  const hostName = hostname();
  return {
    homeDirectory,
    userName,
    hostName,
    others: [
      basename(homeDirectory),
      // A name with a domain is also known without it.
      hostName.split('.')[0] ?? '',
      ...(isLoopback(endpoint.host) ? [] : [endpoint.host]),
    ],
  };
}

function configured(configuration: Configuration): readonly string[] {
  const { endpoint, clientId, symbols, mode, origins } = configuration;
  const values = {
    host: endpoint.host,
    port: endpoint.port,
    clientId,
    symbols: symbols.join(','),
    mode: mode ?? '',
  };
  return (['host', 'port', 'clientId', 'symbols', 'mode'] as const)
    .filter((key) => origins[key] !== 'default')
    .map((key) => `${key}: ${values[key]} (${origins[key]})`);
}

/** What windows and the command line have told the monitor, as it keeps it. */
async function toldToMonitor(paths: EndpointPaths, name: string): Promise<readonly string[]> {
  try {
    const text = await readFile(join(paths.directory, name), 'utf8');
    const { settings = {} } = JSON.parse(text) as {
      settings?: Record<string, Record<string, unknown>>;
    };
    return Object.entries(settings).flatMap(([source, values]) =>
      Object.entries(values).map(
        ([key, value]) => `${key}: ${settingWords(key, value)} (${source})`,
      ),
    );
  } catch (error) {
    return errorCode(error) === 'ENOENT' ? [] : [`${name} cannot be read: ${errorText(error)}`];
  }
}

/** Who calls the address of the heartbeat is taken for us, and arguments hold what they hold. */
function settingWords(key: string, value: unknown): string {
  if (key === 'heartbeatUrl') {
    return value === '' ? 'none' : 'set';
  }
  return key === 'command' && Array.isArray(value)
    ? `${value.length} words`
    : JSON.stringify(value);
}

async function readStatus(file: string): Promise<Observed<StatusRecord | undefined>> {
  try {
    return known(JSON.parse(await readFile(file, 'utf8')) as StatusRecord);
  } catch (error) {
    return errorCode(error) === 'ENOENT'
      ? known(undefined)
      : unknown(`the record of the state cannot be read (${errorText(error)})`);
  }
}

async function pastOf(
  paths: EndpointPaths,
  incidents: Observed<readonly IncidentRow[]>,
): Promise<Observed<RecordedPast | undefined>> {
  const newest = incidents.known ? incidents.value[0] : undefined;
  return newest === undefined
    ? known(undefined)
    : readPast(paths.database, new Date(Date.parse(newest.since) - beforeMs).toISOString());
}

async function readLog(file: string): Promise<Observed<readonly string[] | undefined>> {
  try {
    const end = await readLogEnd(file, { maxBytes: 1_000_000, maxLines: logLines });
    return known(end?.lines);
  } catch (error) {
    return unknown(errorText(error));
  }
}
