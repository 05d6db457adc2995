import { closeSync, constants, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { isoTime } from '../core/clock';
import { errorCode, errorText, HumanError } from '../core/errors';
import type { EndpointPaths } from '../core/paths';
import { isCauseId } from '../diagnostics/causeTitles';
import { ensurePrivateDirectory, replaceFile } from '../monitor/records';
import type { AlertIncident, AlertState, IncidentEnd } from './alertPolicy';
import { parseAlertSettings, type SettingsBySource } from './alertSettings';

/** What of the alerts outlives a daemon. */
export interface StoredAlerts {
  readonly state: AlertState;
  readonly settings: SettingsBySource;
}

const noFollow = (constants as Partial<typeof constants>).O_NOFOLLOW ?? 0;
const subjectKinds: ReadonlySet<unknown> = new Set(['connection', 'symbol', 'process', 'runner']);

/** `alerts.json` beside the records: who was told what, what is acknowledged, quiet and settings. */
export class AlertStore {
  private readonly file: string;
  private written = '';

  constructor(private readonly paths: EndpointPaths) {
    this.file = join(paths.directory, 'alerts.json');
  }

  /**
   * What an earlier daemon has left; undefined where there is nothing.
   * @throws HumanError when the file cannot be read or is none of ours.
   */
  read(monotonicMs: number): StoredAlerts | undefined {
    try {
      const descriptor = openSync(this.file, constants.O_RDONLY | noFollow);
      try {
        const stored: unknown = JSON.parse(readFileSync(descriptor, 'utf8'));
        return parseStored(stored, monotonicMs);
      } finally {
        closeSync(descriptor);
      }
    } catch (error) {
      if (errorCode(error) === 'ENOENT') {
        return undefined;
      }
      throw new HumanError(
        `${this.file} cannot be read (${errorCode(error) ?? errorText(error)}); what was acknowledged and set is lost, so acknowledge and set it again.`,
      );
    }
  }

  /**
   * Replaces the file where something has changed.
   * @throws HumanError that says why it could not be written.
   */
  write({ state, settings }: StoredAlerts): void {
    const kept = {
      schema: 1,
      quietUntil: state.quietUntilMs === null ? null : isoTime(state.quietUntilMs),
      incidents: state.incidents.map((incident) => ({
        ...incident,
        seenAtMs: undefined,
        isConfirmed: undefined,
      })),
      settings,
    };
    const text = `${JSON.stringify(kept, undefined, 2)}\n`;
    if (text === this.written) {
      return;
    }
    try {
      ensurePrivateDirectory(this.paths.directory);
      replaceFile(this.file, text);
      this.written = text;
    } catch (error) {
      throw new HumanError(
        `${this.file} cannot be written (${errorCode(error) ?? errorText(error)}); a new monitor would know neither what is acknowledged nor who was told.`,
      );
    }
  }
}

/**
 * Removes what a daemon left that was killed while it wrote a record: the text beside it that never
 * took its place. Only for the holder of the lock, who is the only writer.
 */
export function removeUnfinished(paths: EndpointPaths): void {
  const own = ['alerts.json', 'watch.json'].map((name) => join(paths.directory, name));
  const records = [paths.status, paths.alert, ...own];
  const isOurs = (name: string): boolean =>
    records.some((record) => {
      const rest = name.startsWith(basename(record)) ? name.slice(basename(record).length) : '';
      return /^\.\d+\.new$/.test(rest);
    });
  try {
    for (const name of readdirSync(paths.directory).filter(isOurs)) {
      rmSync(join(paths.directory, name), { force: true });
    }
  } catch {
    // They only take up room; what keeps us from removing them, the records tell.
  }
}

function parseStored(value: unknown, monotonicMs: number): StoredAlerts {
  const stored = objectOf(value);
  const settings = objectOf(stored['settings']);
  const quietUntilMs = Date.parse(String(stored['quietUntil']));
  const incidents = Array.isArray(stored['incidents']) ? stored['incidents'] : [];
  return {
    state: {
      quietUntilMs: Number.isNaN(quietUntilMs) ? null : quietUntilMs,
      incidents: incidents.map((each: unknown) => parseIncident(objectOf(each), monotonicMs)),
    },
    settings: {
      cli: parseAlertSettings(settings['cli'] ?? {}),
      window: parseAlertSettings(settings['window'] ?? {}),
    },
  };
}

function parseIncident(value: Readonly<Record<string, unknown>>, seenAtMs: number): AlertIncident {
  const { key, message, since, cause, layer, severity } = value;
  const subject = objectOf(value['subject']);
  if (typeof key !== 'string' || typeof since !== 'string' || !subjectKinds.has(subject['kind'])) {
    throw new HumanError('no incident of ours');
  }
  return {
    key,
    subject: subject as unknown as AlertIncident['subject'],
    severity: severity as AlertIncident['severity'],
    cause: typeof cause === 'string' && isCauseId(cause) ? cause : null,
    layer: (layer ?? null) as AlertIncident['layer'],
    message: typeof message === 'string' ? message : '',
    since,
    gravity: numberOf(value['gravity']),
    toldAt: textOrNull(value['toldAt']),
    toldGravity: numberOf(value['toldGravity']),
    acknowledgedAt: textOrNull(value['acknowledgedAt']),
    acknowledgedGravity: numberOf(value['acknowledgedGravity']),
    seenAtMs,
    isConfirmed: false,
    end: (value['end'] ?? null) as IncidentEnd | null,
  };
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) {
    throw new HumanError('no alerts of ours');
  }
  return value as Readonly<Record<string, unknown>>;
}

function numberOf(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
