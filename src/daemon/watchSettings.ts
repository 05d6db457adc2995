import { posix, win32 } from 'node:path';
import * as v from 'valibot';
import { HumanError } from '../core/errors';
import { type Endpoint, usualPort } from '../ibkr/endpoint';
import {
  parseRecoverySettings,
  recoveryOff,
  type RecoverySettings,
} from '../monitor/recoverySettings';
import { timeOfDay } from '../monitor/restartTimes';
import { defaultTimings } from '../monitor/timings';
import type { AlertSource } from './alertSettings';
import { parseRestartTime, type PlannedTimes, parseTwsZone } from './plannedTimes';

/** What recovery may do, as it travels and is kept: port 0 is none. */
export interface StoredRecovery {
  readonly ibcCommandPort: number;
  readonly allow: readonly string[];
}

/** The server for dashboards and other programs, as it travels and is kept: port 0 is a free one. */
export interface StoredFeed {
  readonly isEnabled: boolean;
  readonly port: number;
}

/** How an endpoint is watched. What is left out, nobody has said. */
export interface WatchSettings {
  /** Between server-time questions when all is quiet, 1 to 3600. */
  readonly intervalSeconds?: number;
  /** Time zone of TWS, an IANA id or a name that TWS uses; empty: as TWS says. */
  readonly twsZone?: string;
  /** When TWS restarts itself each day, `23:45` of its clock; empty: learned. */
  readonly twsRestart?: string;
  /** Absolute path of a folder for copies of the status and the alert file; empty: none. */
  readonly alsoAt?: string;
  readonly recovery?: StoredRecovery;
  readonly feed?: StoredFeed;
}

export type WatchSettingsBySource = Readonly<Record<AlertSource, WatchSettings>>;

/** What counts of all that was said. */
export interface EffectiveWatch {
  readonly livenessIntervalMs: number;
  /** IANA id. */
  readonly zone: string | undefined;
  /** Minutes after midnight. */
  readonly restartMinute: number | undefined;
  readonly alsoAt: string | undefined;
  readonly recovery: RecoverySettings;
  readonly feed: StoredFeed;
}

/** As the sentences call them. */
const names = {
  interval: 'The liveness interval (robo.monitor.intervalSeconds, --interval)',
  zone: 'The time zone of TWS (robo.tws.timeZone, --tws-zone)',
  restart: 'The restart time of TWS (robo.tws.restartTime, --tws-restart)',
  alsoAt: 'The folder for copies (robo.records.alsoAt, --records-also-at)',
} as const;
/** Where the feed listens, as the sentences call it. */
const feedPortName = 'The port of the feed (robo.feed.port, --feed-port)';
const recoveryNames = {
  port: 'robo.recovery.ibcCommandPort',
  allow: 'robo.recovery.allow',
} as const;

/** The longest path of any system. */
const maxLength = 4096;

const shapes = v.object({
  intervalSeconds: v.optional(
    v.pipe(v.number(`${names.interval} is no number.`), v.minValue(1), v.maxValue(3600)),
  ),
  twsZone: v.optional(v.pipe(v.string(`${names.zone} is no text.`), v.maxLength(maxLength))),
  twsRestart: v.optional(v.pipe(v.string(`${names.restart} is no text.`), v.maxLength(maxLength))),
  alsoAt: v.optional(v.pipe(v.string(`${names.alsoAt} is no text.`), v.maxLength(maxLength))),
  recovery: v.optional(
    v.object({
      ibcCommandPort: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(65_535)),
      allow: v.pipe(v.array(v.string()), v.maxLength(20)),
    }),
  ),
  feed: v.optional(
    v.object({
      isEnabled: v.boolean(),
      port: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(65_535)),
    }),
  ),
});

/**
 * Checks settings that came over the socket, from a flag or out of a file; what this version does
 * not know is left out.
 * @throws HumanError that says which one is wrong and how to say it.
 */
export function parseWatchSettings(value: unknown, endpoint: Endpoint): WatchSettings {
  const parsed = v.safeParse(shapes, value);
  if (!parsed.success) {
    throw new HumanError(wrongShape(parsed.issues[0]));
  }
  const { intervalSeconds, twsZone, twsRestart, alsoAt, recovery, feed } = parsed.output;
  if (twsZone !== undefined && twsZone !== '') {
    parseTwsZone(twsZone, names.zone);
  }
  if (twsRestart !== undefined && twsRestart !== '') {
    parseRestartTime(twsRestart, names.restart);
  }
  if (recovery !== undefined) {
    readRecovery(recovery, endpoint);
  }
  if (feed !== undefined) {
    checkFeedPort(feed.port, endpoint);
  }
  return {
    ...(intervalSeconds === undefined ? {} : { intervalSeconds }),
    ...(twsZone === undefined ? {} : { twsZone }),
    ...(twsRestart === undefined ? {} : { twsRestart }),
    ...(alsoAt === undefined ? {} : { alsoAt: checkedFolder(alsoAt) }),
    ...(recovery === undefined ? {} : { recovery }),
    ...(feed === undefined ? {} : { feed }),
  };
}

/**
 * The feed may not sit where TWS is to listen.
 * @throws HumanError that says which port is wrong
 */
export function checkFeedPort(port: number, endpoint: Endpoint): void {
  if (port === endpoint.port || usualPort(port) !== undefined) {
    throw new HumanError(
      `${feedPortName} is ${port}, which is an API port of TWS or IB Gateway; choose another one, or 0 for a free one.`,
    );
  }
}

function wrongShape({ path, message }: v.BaseIssue<unknown>): string {
  switch (path?.[0]?.key) {
    case 'intervalSeconds':
      return `${names.interval} takes seconds, from 1 to 3600.`;
    case 'twsZone':
    case 'twsRestart':
    case 'alsoAt':
      return `${message.replace(/\.$/, '')}; it takes a text of at most ${maxLength} characters.`;
    case 'recovery':
      return `What recovery may do is a port from 0 to 65535 (${recoveryNames.port}) and a list of steps (${recoveryNames.allow}).`;
    case 'feed':
      return `The feed is on or off (robo.feed.enabled), at a port from 0 to 65535 (robo.feed.port).`;
    default:
      return 'The settings of the monitor are no object of intervalSeconds, twsZone, twsRestart, alsoAt, recovery and feed.';
  }
}

function checkedFolder(folder: string): string {
  const isAbsolute = (process.platform === 'win32' ? win32 : posix).isAbsolute(folder);
  if (folder !== '' && (!isAbsolute || folder.includes('\0'))) {
    throw new HumanError(
      `${names.alsoAt} is "${folder.slice(0, 200)}", which is no absolute path; use one like /tmp, or leave it empty.`,
    );
  }
  return folder;
}

function readRecovery({ ibcCommandPort, allow }: StoredRecovery, endpoint: Endpoint) {
  const raw = { ibcCommandPort: String(ibcCommandPort), allow: allow.join(',') };
  return parseRecoverySettings(raw, endpoint, recoveryNames);
}

/** As recovery settings travel. */
export function storedRecovery({ ibcCommandPort, allow }: RecoverySettings): StoredRecovery {
  return { ibcCommandPort: ibcCommandPort ?? 0, allow: [...allow] };
}

/**
 * What counts: the command line over the environment of the daemon over the windows' settings over
 * the defaults. An empty text is a word too: nothing is set, whatever a lower one says.
 */
export function effectiveWatch(
  { cli, window }: WatchSettingsBySource,
  environment: PlannedTimes,
  endpoint: Endpoint,
): EffectiveWatch {
  const said = { ...window, ...cli };
  const zone = cli.twsZone ?? environment?.zone ?? window.twsZone ?? '';
  const environmentRestart = cli.twsRestart === undefined ? environment?.restartMinute : undefined;
  const restart = said.twsRestart ?? '';
  const { alsoAt = '' } = said;
  return {
    livenessIntervalMs:
      said.intervalSeconds === undefined
        ? defaultTimings.livenessIntervalMs
        : Math.round(said.intervalSeconds * 1000),
    zone: zone === '' ? undefined : parseTwsZone(zone, names.zone),
    restartMinute:
      environmentRestart ?? (restart === '' ? undefined : parseRestartTime(restart, names.restart)),
    alsoAt: alsoAt === '' ? undefined : alsoAt,
    recovery: said.recovery === undefined ? recoveryOff : readRecovery(said.recovery, endpoint),
    feed: said.feed ?? { isEnabled: false, port: 0 },
  };
}

/** The part that the schedule of planned interruptions takes; without keys that are not set. */
export function scheduleOf({ zone, restartMinute }: EffectiveWatch): {
  readonly zone?: string;
  readonly restartMinute?: number;
} {
  return {
    ...(zone === undefined ? {} : { zone }),
    ...(restartMinute === undefined ? {} : { restartMinute }),
  };
}

/** All that counts, in words; two that are told alike are alike. */
export function describeWatch(effective: EffectiveWatch): string {
  const { livenessIntervalMs, zone, restartMinute, alsoAt, recovery, feed } = effective;
  const { ibcCommandPort, allow } = recovery;
  const steps = [...allow].join(', ');
  return [
    `TWS is asked every ${livenessIntervalMs / 1000} s`,
    `its time zone is ${zone ?? 'what it says'}`,
    `its restart is ${restartMinute === undefined ? 'what is seen' : timeOfDay(restartMinute)}`,
    `copies of the records are ${alsoAt === undefined ? 'nowhere' : `in ${alsoAt}`}`,
    ibcCommandPort === undefined
      ? 'IBC is not used'
      : `IBC is at port ${ibcCommandPort} for ${steps === '' ? 'nothing' : steps}`,
    feed.isEnabled
      ? `the feed is at ${feed.port === 0 ? 'a free port' : `port ${feed.port}`}`
      : 'the feed is off',
  ].join('; ');
}
