import { HumanError } from '../core/errors';
import { zoneNamed } from '../ibkr/timeZones';
import type { ScheduleOptions } from '../monitor/schedule';

/** What the monitor takes into account of the time of day; undefined: nothing. */
export type PlannedTimes =
  Pick<ScheduleOptions, 'machineZone' | 'zone' | 'restartMinute'> | undefined;

/**
 * The trader's word on planned interruptions, from the environment of the daemon:
 * `ROBO_RESET_WINDOWS=off` expects none, `ROBO_TWS_ZONE` is the time zone of TWS, and
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
    ...(zone === '' ? {} : { zone: parseTwsZone(zone, 'ROBO_TWS_ZONE') }),
    ...(restart === '' ? {} : { restartMinute: parseRestartTime(restart, 'ROBO_TWS_RESTART') }),
  };
}

/**
 * The zone of TWS by its IANA id, from such an id or from a name that TWS itself uses.
 * @param name how the person has written it, for the sentence
 * @throws HumanError
 */
export function parseTwsZone(zone: string, name: string): string {
  const id = zoneNamed(zone)?.id;
  if (id === undefined) {
    throw new HumanError(
      `${name} is "${zone.slice(0, 60)}", which is no time zone; use a name like Europe/Zurich or America/New_York, or one that TWS uses, like Central European Standard Time.`,
    );
  }
  return id;
}

/**
 * The daily restart of TWS, minutes after midnight, from `23:45`.
 * @param name how the person has written it, for the sentence
 * @throws HumanError
 */
export function parseRestartTime(text: string, name: string): number {
  const [, hours = '', minutes = ''] = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(text.trim()) ?? [];
  if (hours === '') {
    throw new HumanError(
      `${name} is "${text.slice(0, 60)}", which is no time of day; use hours and minutes like 23:45.`,
    );
  }
  return Number(hours) * 60 + Number(minutes);
}
