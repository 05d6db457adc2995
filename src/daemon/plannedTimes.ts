import { HumanError } from '../core/errors';
import type { ScheduleOptions } from '../monitor/schedule';

/** What the monitor takes into account of the time of day; undefined: nothing. */
export type PlannedTimes =
  Pick<ScheduleOptions, 'machineZone' | 'zone' | 'restartMinute'> | undefined;

/**
 * The trader's word on planned interruptions, from the environment of the daemon:
 * `ROBO_RESET_WINDOWS=off` expects none, `ROBO_TWS_ZONE` is the time zone of TWS (IANA), and
 * `ROBO_TWS_RESTART` its daily restart by its clock (`23:45`).
 * @throws HumanError for a zone or a time that cannot be read.
 */
export function plannedTimes(
  environment: Readonly<Record<string, string | undefined>>,
  machineZone: string,
): PlannedTimes {
  if (environment['ROBO_RESET_WINDOWS'] === 'off') {
    return undefined;
  }
  const zone = environment['ROBO_TWS_ZONE'] ?? '';
  const restart = environment['ROBO_TWS_RESTART'] ?? '';
  return {
    machineZone,
    ...(zone === '' ? {} : { zone: readZone(zone) }),
    ...(restart === '' ? {} : { restartMinute: readTime(restart) }),
  };
}

function readZone(zone: string): string {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: zone }).resolvedOptions().timeZone;
  } catch {
    throw new HumanError(
      `ROBO_TWS_ZONE is "${zone}", which is no time zone; use a name like Europe/Zurich or America/New_York.`,
    );
  }
}

function readTime(text: string): number {
  const [, hours = '', minutes = ''] = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(text.trim()) ?? [];
  if (hours === '') {
    throw new HumanError(
      `ROBO_TWS_RESTART is "${text}", which is no time of day; use hours and minutes like 23:45.`,
    );
  }
  return Number(hours) * 60 + Number(minutes);
}
