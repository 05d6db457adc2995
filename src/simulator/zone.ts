import { TimeZone } from '../core/timeZone';

/** A wall-clock reading in some time zone. `month` counts from 1. */
export interface WallTime {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

const hourMs = 3_600_000;

/** An IANA time zone as TWS speaks of it; offsets are remembered, because a bar asks for many. */
export class Zone {
  private readonly zone: TimeZone;
  /** Offsets change only on the hour (in every zone with US rules), so one look per hour is enough. */
  private readonly offsets = new Map<number, number>();

  /** @param label the name TWS prints behind a time, `US/Eastern`. */
  constructor(
    iana: string,
    readonly label: string,
  ) {
    this.zone = new TimeZone(iana);
  }

  /** Wall clock minus UTC, milliseconds. */
  offsetMs(epochMs: number): number {
    const hour = Math.floor(epochMs / hourMs);
    const offset = this.offsets.get(hour) ?? this.zone.offsetMs(hour * hourMs);
    this.offsets.set(hour, offset);
    return offset;
  }

  wallTime(epochMs: number): WallTime {
    const date = new Date(epochMs + this.offsetMs(epochMs));
    return {
      year: date.getUTCFullYear(),
      month: date.getUTCMonth() + 1,
      day: date.getUTCDate(),
      hour: date.getUTCHours(),
      minute: date.getUTCMinutes(),
      second: date.getUTCSeconds(),
    };
  }

  /** Epoch milliseconds of a wall clock; parts may overflow (`day: 0` is the day before the first). */
  epochMs(wall: WallTime): number {
    const { year, month, day, hour, minute, second } = wall;
    return this.zone.epochMs(Date.UTC(year, month - 1, day, hour, minute, second));
  }

  /** Midnight of the day that contains `epochMs`, moved by whole days. */
  midnight(epochMs: number, dayShift = 0): number {
    const wall = this.wallTime(epochMs);
    return this.epochMs({ ...wall, day: wall.day + dayShift, hour: 0, minute: 0, second: 0 });
  }

  /** 0 is Sunday. */
  weekday(epochMs: number): number {
    return new Date(epochMs + this.offsetMs(epochMs)).getUTCDay();
  }

  /** `20260402` */
  date(epochMs: number): string {
    const { year, month, day } = this.wallTime(epochMs);
    return `${year}${two(month)}${two(day)}`;
  }

  /** `09:30:00` */
  time(epochMs: number): string {
    const { hour, minute, second } = this.wallTime(epochMs);
    return `${two(hour)}:${two(minute)}:${two(second)}`;
  }

  /** `0930`, the form used in trading hours. */
  hoursMinutes(epochMs: number): string {
    const { hour, minute } = this.wallTime(epochMs);
    return `${two(hour)}${two(minute)}`;
  }
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

/** The zone of the US stock exchanges, under the name that TWS uses for it. */
export function usEastern(): Zone {
  return new Zone('America/New_York', 'US/Eastern');
}
