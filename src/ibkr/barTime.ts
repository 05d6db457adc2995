import { instantNamed } from './timeZones';

/**
 * When a bar begins, in milliseconds since the epoch. TWS writes a day (`20230413`, taken as
 * midnight UTC), seconds since the epoch (formatDate 2), or, whatever was asked for, wall time
 * with or without a zone (`20260402 09:30:00 US/Eastern`, two blanks in older versions). Without
 * one, and with one that is not known, it is taken as UTC.
 * @returns undefined for anything else.
 */
export function barTime(text: string): number | undefined {
  if (/^\d{9,11}$/.test(text)) {
    return Number(text) * 1000;
  }
  const parts = /^(\d{4})(\d{2})(\d{2})(?:[ -]{1,2}(\d{2}:\d{2}:\d{2})(?: (\S.*))?)?$/.exec(text);
  if (parts === null) {
    return undefined;
  }
  const [, year = '', month = '', day = '', time = '00:00:00', zone] = parts;
  const wallMs = Date.parse(`${year}-${month}-${day}T${time}Z`);
  if (Number.isNaN(wallMs)) {
    return undefined;
  }
  return zone === undefined ? wallMs : (instantNamed(wallMs, zone) ?? wallMs);
}
