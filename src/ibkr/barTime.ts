import type { TimeZone } from '../core/timeZone';
import { zoneOfTimes } from './timeZones';

/** Times that are remembered: the bars of all symbols begin at the same ones. */
const maxRemembered = 10_000;

/**
 * Reads when bars begin. Looking up a zone takes a millisecond and an answer has hundreds of bars,
 * so that zones and the times in them are remembered.
 */
export class BarTimes {
  private readonly zones = new Map<string, TimeZone | undefined>();
  private readonly instants = new Map<string, number>();

  /**
   * When a bar begins, in milliseconds since the epoch. TWS writes a day (`20230413`, taken as
   * midnight UTC), seconds since the epoch (formatDate 2), or, whatever was asked for, wall time
   * with or without a zone (`20260402 09:30:00 US/Eastern`, two blanks in older versions). Without
   * one, and with one that is not known, it is taken as UTC.
   * @returns undefined for anything else.
   */
  read(text: string): number | undefined {
    if (/^\d{9,11}$/.test(text)) {
      return Number(text) * 1000;
    }
    const known = this.instants.get(text);
    if (known !== undefined) {
      return known;
    }
    const instant = this.parse(text);
    if (instant !== undefined) {
      forgetMany(this.instants);
      this.instants.set(text, instant);
    }
    return instant;
  }

  private parse(text: string): number | undefined {
    const parts = /^(\d{4})(\d{2})(\d{2})(?:[ -]{1,2}(\d{2}:\d{2}:\d{2})(?: (\S.*))?)?$/.exec(text);
    if (parts === null) {
      return undefined;
    }
    const [, year = '', month = '', day = '', time = '00:00:00', zone] = parts;
    const wallMs = Date.parse(`${year}-${month}-${day}T${time}Z`);
    if (Number.isNaN(wallMs)) {
      return undefined;
    }
    return zone === undefined ? wallMs : (this.zoneOf(zone)?.epochMs(wallMs) ?? wallMs);
  }

  private zoneOf(name: string): TimeZone | undefined {
    if (!this.zones.has(name)) {
      forgetMany(this.zones);
      this.zones.set(name, zoneOfTimes(name));
    }
    return this.zones.get(name);
  }
}

function forgetMany(remembered: Map<string, unknown>): void {
  if (remembered.size >= maxRemembered) {
    remembered.clear();
  }
}
