/**
 * When a bar begins, in milliseconds since the epoch. TWS writes a day (`20230413`, taken as
 * midnight UTC), seconds since the epoch (formatDate 2), or, whatever was asked for, wall time
 * with or without a zone (`20260402 09:30:00 US/Eastern`, two blanks in older versions).
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
  const [, year = '', month = '', day = '', time = '00:00:00', zone = 'UTC'] = parts;
  const asUtcMs = Date.parse(`${year}-${month}-${day}T${time}Z`);
  return Number.isNaN(asUtcMs) ? undefined : asUtcMs - offsetMs(zone, asUtcMs);
}

/** How far the zone is ahead of UTC then; 0 for a name that is no IANA zone. */
function offsetMs(zone: string, atMs: number): number {
  try {
    const shown = new Intl.DateTimeFormat('sv-SE', {
      timeZone: zone,
      dateStyle: 'short',
      timeStyle: 'medium',
    }).format(atMs);
    return Date.parse(`${shown.replace(' ', 'T')}Z`) - atMs;
  } catch (error) {
    if (error instanceof RangeError) {
      return 0;
    }
    throw error;
  }
}
