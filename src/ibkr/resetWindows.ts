import { TimeZone } from '../core/timeZone';

/** Which kind of planned interruption a window is. */
export type ResetKind = 'server reset' | 'weekend maintenance' | 'daily restart' | 'weekly login';

/** The data centres for which IBKR publishes reset times. */
export type Region = 'North America' | 'Europe' | 'Asia-Pacific';

/** One planned interruption. */
export interface ResetWindow {
  readonly kind: ResetKind;
  /** In words, for a finding: `the nightly reset of IBKR in Europe`. */
  readonly name: string;
  /** Milliseconds since the epoch; the window holds `fromMs` and not `untilMs`. */
  readonly fromMs: number;
  readonly untilMs: number;
  /** Who says so. */
  readonly source: string;
}

/** Where the account is served and where TWS runs, as far as known. */
export interface ResetPlace {
  /**
   * IANA time zone of the machine that runs TWS; undefined where it is unknown. It decides when
   * TWS restarts itself, and stands for the data centre: IBKR gives accounts a near one.
   */
  readonly zone: string | undefined;
  /** TWS's own auto-restart time, minutes after midnight; default 23:45, TWS's default. */
  readonly restartMinute?: number;
}

/** A window in local time: days of its beginning (0 is Sunday), minutes after their midnight. */
interface Schedule {
  readonly kind: ResetKind;
  readonly name: string;
  readonly zone: () => TimeZone;
  readonly days: readonly number[];
  readonly from: number;
  /** More than 1440 where it ends on a later day. */
  readonly until: number;
  readonly source: string;
}

const minuteMs = 60_000;
const dayMinutes = 1440;
const everyDay = [0, 1, 2, 3, 4, 5, 6] as const;
/** IBKR's table is for Sunday to Friday; on Saturday the weekend's maintenance takes its place. */
const sundayToFriday = [0, 1, 2, 3, 4, 5] as const;
// To make one takes some milliseconds, and most programs that import this never ask.
const newYork = zoneOnce('America/New_York');
const zurich = zoneOnce('Europe/Zurich');
const hongKong = zoneOnce('Asia/Hong_Kong');

const statusPage =
  'interactivebrokers.com, System Status: North America 00:15-01:45 ET, Europe 06:25-07:45 CET, Asia-Pacific 04:45-06:05 and 20:15-21:15 HKT; earlier 23:45-00:45 ET and 05:45-06:45 CET';

/**
 * IBKR's published reset times. They have moved before, and accounts report both, so a window
 * begins with the earlier table and ends with the later one. Seen: UK 05:27 local, US 00:20 ET,
 * each 15 s to 4 min within its window.
 */
const serverResets: Readonly<Record<Region, readonly Schedule[]>> = {
  // Of the nights to Sunday until Friday; the one to Saturday lies in the weekend's maintenance.
  'North America': [
    {
      ...serverReset('North America'),
      zone: newYork,
      days: [0, 1, 2, 3, 4, 6],
      from: at(23, 45),
      until: at(25, 45),
    },
  ],
  Europe: [
    {
      ...serverReset('Europe'),
      zone: zurich,
      days: sundayToFriday,
      from: at(5, 45),
      until: at(7, 45),
    },
  ],
  'Asia-Pacific': [
    { ...hongKongReset(), from: at(4, 45), until: at(6, 5) },
    { ...hongKongReset(), from: at(20, 15), until: at(21, 15) },
  ],
};

const weekend: Schedule = {
  kind: 'weekend maintenance',
  name: 'the weekend maintenance of IBKR',
  zone: newYork,
  days: [5],
  from: at(23, 0),
  until: at(27, 0),
  source:
    'interactivebrokers.com, System Status: Friday 23:00 ET to Saturday 03:00 ET, all regions',
};

const weeklyLogin: Schedule = {
  kind: 'weekly login',
  name: 'the weekly full login',
  zone: newYork,
  days: [0],
  from: at(1, 0),
  // The restart that finds its token void is TWS's next one, at 23:45 of that day by default, and
  // a person sees it in the morning.
  until: at(36, 0),
  source:
    'ibkrguides.com, Auto Restart Considerations: tokens are invalidated on Sunday at 01:00 ET, then a manual login is due',
};

/** TWS's default auto-restart, 11:45 PM of its machine (Lock and Exit). */
const usualRestartMinute = 23 * 60 + 45;

/**
 * The planned interruptions that are open at a time, the first to begin first. Pure; time zones
 * are the runtime's own tables, so summer time is right in each place by itself.
 */
export function windowsAt(atMs: number, place: ResetPlace): readonly ResetWindow[] {
  return windowsBetween(atMs, atMs, place);
}

/**
 * The planned interruptions that touch a span, both ends included.
 * @param fromMs milliseconds since the epoch; spans longer than eight days are cut to the last
 *   eight: there is nothing to learn from an older reset
 */
export function windowsBetween(
  fromMs: number,
  untilMs: number,
  place: ResetPlace,
): readonly ResetWindow[] {
  const earliestMs = Math.max(fromMs, untilMs - 8 * dayMinutes * minuteMs);
  return schedulesFor(place)
    .flatMap((schedule) => occurrences(schedule, earliestMs, untilMs))
    .sort((a, b) => a.fromMs - b.fromMs);
}

/**
 * The regions whose data centre may serve a machine in this time zone: the near one; all where no
 * zone is known; none where the zone is that of no place, as on a server that runs in UTC: six
 * hours of every day would be a reset then.
 */
export function regionsOf(zone: string | undefined): readonly Region[] {
  if (zone === undefined) {
    return ['North America', 'Europe', 'Asia-Pacific'];
  }
  switch (zone.split('/')[0]) {
    case 'America':
    case 'US':
    case 'Canada':
      return ['North America'];
    case 'Europe':
    case 'Africa':
      return ['Europe'];
    case 'Asia':
    case 'Australia':
    case 'Pacific':
      return ['Asia-Pacific'];
    default:
      return [];
  }
}

function schedulesFor({ zone, restartMinute }: ResetPlace): readonly Schedule[] {
  return [
    ...regionsOf(zone).flatMap((region) => serverResets[region]),
    weekend,
    weeklyLogin,
    ...(zone === undefined ? [] : [dailyRestart(zone, restartMinute ?? usualRestartMinute)]),
  ];
}

function dailyRestart(zone: string, minute: number): Schedule {
  return {
    kind: 'daily restart',
    name: 'the daily restart of TWS',
    zone: zoneOnce(zone),
    days: everyDay,
    // TWS's clock and ours may differ by a minute; it is back within 30 s to a few minutes.
    from: minute - 1,
    until: minute + 10,
    source: 'TWS, Lock and Exit: auto restart at 11:45 PM unless changed',
  };
}

/** Makes the zone with its first use. */
function zoneOnce(id: string): () => TimeZone {
  let zone: TimeZone | undefined;
  return () => (zone ??= new TimeZone(id));
}

function serverReset(region: string): Pick<Schedule, 'kind' | 'name' | 'source'> {
  const name = `the nightly reset of IBKR in ${region}`;
  return { kind: 'server reset', name, source: statusPage };
}

function hongKongReset(): Omit<Schedule, 'from' | 'until'> {
  return { ...serverReset('the Asia-Pacific region'), zone: hongKong, days: sundayToFriday };
}

function at(hour: number, minute: number): number {
  return hour * 60 + minute;
}

function occurrences(schedule: Schedule, fromMs: number, untilMs: number): readonly ResetWindow[] {
  const zone = schedule.zone();
  const dayOf = (ms: number): number => Math.floor(zone.wallMs(ms) / (dayMinutes * minuteMs));
  const wallOf = (day: number, minutes: number): number => (day * dayMinutes + minutes) * minuteMs;
  const first = dayOf(fromMs - 2 * dayMinutes * minuteMs);
  const last = dayOf(untilMs + dayMinutes * minuteMs);
  const found: ResetWindow[] = [];
  for (let day = first; day <= last; day += 1) {
    if (schedule.days.includes(weekday(day))) {
      const start = zone.epochMs(wallOf(day, schedule.from));
      // An hour that comes twice in autumn ends a window when it comes the second time.
      const wallEnd = wallOf(day, schedule.until);
      const end = zone.instants(wallEnd).at(-1) ?? zone.epochMs(wallEnd);
      if (start <= untilMs && fromMs < end) {
        const { kind, name, source } = schedule;
        found.push({ kind, name, fromMs: start, untilMs: end, source });
      }
    }
  }
  return found;
}

/** Day numbers count from 1970-01-01, a Thursday. */
function weekday(day: number): number {
  return (((day + 4) % 7) + 7) % 7;
}
