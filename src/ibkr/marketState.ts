import type { MarketHours } from './tradingHours';
import { isOpen, lastClose, nextOpen } from './tradingHours';

/** Whether a market is open, for those who judge by it. */
export interface MarketState {
  readonly state: 'open' | 'closed' | 'unknown';
  /** When this state began, milliseconds since the epoch; undefined where that is not known. */
  readonly sinceMs: number | undefined;
  /** When it ends, likewise. */
  readonly untilMs: number | undefined;
  /** One sentence, in the market's own time. */
  readonly words: string;
}

const weekdays = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] as const;
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun'].concat([
  'Jul',
  'Aug',
  'Sep',
  'Oct',
  'Nov',
  'Dec',
]);

/** @param hours undefined where nobody has told any: `unknown`, never `closed` */
export function marketState(atMs: number, hours: MarketHours | undefined): MarketState {
  const open = hours === undefined ? undefined : isOpen(hours, atMs);
  if (hours === undefined || open === undefined) {
    const words = `Whether the market is open is not known: ${reason(atMs, hours)}.`;
    return { state: 'unknown', sinceMs: undefined, untilMs: undefined, words };
  }
  if (open) {
    const session = hours.sessions.find(({ fromMs, untilMs }) => fromMs <= atMs && atMs < untilMs);
    return known('open', hours, [session?.fromMs, session?.untilMs]);
  }
  const closed = known('closed', hours, [lastClose(hours, atMs), nextOpen(hours, atMs)]);
  const holiday = hours.holidays.find(({ fromMs, untilMs }) => fromMs <= atMs && atMs < untilMs);
  return holiday === undefined
    ? closed
    : { ...closed, words: closed.words.replace(/\.$/, `: ${holiday.name}.`) };
}

function known(
  state: 'open' | 'closed',
  hours: MarketHours,
  [sinceMs, untilMs]: readonly [number | undefined, number | undefined],
): MarketState {
  const since = sinceMs === undefined ? '' : ` since ${shown(sinceMs, hours)}`;
  const until = untilMs === undefined ? '' : ` until ${shown(untilMs, hours)}`;
  const zone = since === '' && until === '' ? '' : ` (${hours.zoneName})`;
  return { state, sinceMs, untilMs, words: `The market is ${state}${since}${until}${zone}.` };
}

function reason(atMs: number, hours: MarketHours | undefined): string {
  if (hours === undefined) {
    return 'nobody has told its hours';
  }
  if (hours.zone === undefined) {
    return `its time zone, "${hours.zoneName}", is not known`;
  }
  const last = hours.covered.at(-1)?.untilMs;
  if (last === undefined) {
    return `${hours.source} has told no hours`;
  }
  return atMs < last
    ? `${hours.source} has told no hours for ${shown(atMs, hours)} (${hours.zoneName})`
    : `the hours that ${hours.source} has told end ${shown(last, hours)} (${hours.zoneName})`;
}

/** `Mon 23 Mar 09:30` */
function shown(atMs: number, { zone }: MarketHours): string {
  const wall = new Date(zone?.wallMs(atMs) ?? atMs);
  const [weekday, month] = [weekdays[wall.getUTCDay()], months[wall.getUTCMonth()]];
  const time = wall.toISOString().slice(11, 16);
  return `${weekday ?? ''} ${String(wall.getUTCDate())} ${month ?? ''} ${time}`;
}
