import { TimeZone } from '../core/timeZone';
import type { TwsFiles } from '../host/twsFiles';
import { regionsOf, type ResetPlace, type ResetWindow, windowsBetween } from '../ibkr/resetWindows';
import { zoneNamed } from '../ibkr/timeZones';
import { isRestart, learnedRestartMinute, recentRestarts, type SeenRestart } from './restartTimes';

/** What is known of TWS's clock and habits before it has said anything. */
export interface ScheduleOptions {
  /** IANA time zone of this machine. */
  readonly machineZone: string;
  /** TWS runs here: its clock is this machine's unless it says otherwise. */
  readonly isLocal: boolean;
  /** The trader's setting: the zone of TWS by its IANA id. */
  readonly zone?: string;
  /** The trader's setting: when TWS restarts itself, minutes after midnight. */
  readonly restartMinute?: number;
  /** What earlier daemons have seen. */
  readonly restarts?: readonly SeenRestart[];
}

/**
 * When TWS is interrupted on purpose. Its zone is the trader's setting, else what TWS says in its
 * first frame, else what `jts.ini` says, else this machine's; its restart time is the trader's
 * setting, else what was seen on two days, else TWS's default.
 */
export class Schedule {
  private readonly machineZone: TimeZone;
  private setting: TimeZone | undefined;
  private restartSetting: number | undefined;
  private helloZone: TimeZone | undefined;
  private fileZone: TimeZone | undefined;
  private restarts: readonly SeenRestart[] = [];
  private lastPlace: ResetPlace | undefined;
  private lastLook: { readonly key: string; readonly windows: readonly ResetWindow[] } | undefined;
  private lastAhead: { readonly key: string; readonly windows: readonly ResetWindow[] } | undefined;

  constructor(private readonly options: ScheduleOptions) {
    this.machineZone = new TimeZone(options.machineZone);
    this.restarts = recentRestarts(options.restarts ?? []);
    this.configure(options);
  }

  /** Takes the trader's settings as they are now; what is left out is not set any more. */
  configure({ zone, restartMinute }: Pick<ScheduleOptions, 'zone' | 'restartMinute'>): void {
    this.setting = zone === undefined ? undefined : zoneNamed(zone);
    this.restartSetting = restartMinute;
    this.lastPlace = undefined;
  }

  /**
   * Takes in TWS's own time, `20260406 12:34:56 Central European Standard Time`.
   * @param atMs when it was said, milliseconds since the epoch
   */
  hear(serverTimeText: string, atMs: number): void {
    const said = readServerTime(serverTimeText);
    if (said !== undefined) {
      // A clock that is hours off contradicts every zone; the name alone is the better word then.
      const { name, wallMs } = said;
      this.helloZone = zoneNamed(name, { wallMs, atMs }) ?? zoneNamed(name) ?? this.helloZone;
      this.lastPlace = undefined;
    }
  }

  /** Takes in the settings of the TWS that runs on this machine. */
  read({ settings }: TwsFiles): void {
    const running = settings.filter(({ isOfRunning }) => isOfRunning === true);
    const names = running.flatMap(({ timeZone }) => timeZone ?? []);
    this.fileZone = names.map((name) => zoneNamed(name)).find((zone) => zone !== undefined);
    this.lastPlace = undefined;
  }

  /** Takes in a session that TWS ended in order, once it is back. */
  noteReturn(seen: SeenRestart): void {
    if (isRestart(seen)) {
      this.restarts = recentRestarts([...this.restarts, seen]);
      this.lastPlace = undefined;
    }
  }

  /** The restarts that were seen and still teach something. */
  get seenRestarts(): readonly SeenRestart[] {
    return this.restarts;
  }

  /** Where TWS runs and when it restarts itself, as far as known. */
  get place(): ResetPlace {
    this.lastPlace ??= this.findPlace();
    return this.lastPlace;
  }

  private findPlace(): ResetPlace {
    const zone = this.zone();
    const learned = zone === undefined ? undefined : learnedRestartMinute(this.restarts, zone);
    const restartMinute = this.restartSetting ?? learned;
    return { zone: zone?.id, ...(restartMinute === undefined ? {} : { restartMinute }) };
  }

  /** The planned interruptions in which a time lies. Remembered: a loss asks again every second. */
  at(atMs: number): readonly ResetWindow[] {
    const key = this.keyOf(atMs);
    this.lastLook =
      this.lastLook?.key === key ? this.lastLook : { key, windows: this.windows(atMs, atMs) };
    return this.lastLook.windows;
  }

  /** Those of the time from now until `aheadMs` later; exact to the minute. */
  ahead(nowMs: number, aheadMs: number): readonly ResetWindow[] {
    const key = this.keyOf(Math.floor(nowMs / 60_000));
    this.lastAhead =
      this.lastAhead?.key === key
        ? this.lastAhead
        : { key, windows: this.windows(nowMs, nowMs + aheadMs) };
    return this.lastAhead.windows;
  }

  private keyOf(time: number): string {
    const { zone, restartMinute } = this.place;
    return [time, zone, restartMinute].join(' ');
  }

  /** The planned interruptions that touch a span; milliseconds since the epoch. */
  windows(fromMs: number, untilMs: number): readonly ResetWindow[] {
    const { place } = this;
    const windows = windowsBetween(fromMs, untilMs, place);
    const { machineZone, isLocal } = this.options;
    if (!isLocal || regionsOf(place.zone).length > 0) {
      return windows;
    }
    // A container's UTC is the zone of no place; the data centre is near the machine all the same.
    return [
      ...windows,
      ...windowsBetween(fromMs, untilMs, { zone: machineZone }).filter(
        ({ kind }) => kind === 'server reset',
      ),
    ].sort((a, b) => a.fromMs - b.fromMs);
  }

  private zone(): TimeZone | undefined {
    const known = this.setting ?? this.helloZone;
    if (known !== undefined || !this.options.isLocal) {
      return known;
    }
    return this.fileZone ?? this.machineZone;
  }
}

function readServerTime(
  text: string,
): { readonly wallMs: number; readonly name: string } | undefined {
  const match = /^(\d{4})(\d{2})(\d{2})[ -]+(\d{2}):(\d{2}):(\d{2})\s+(\S.*)$/.exec(text.trim());
  if (match === null) {
    return undefined;
  }
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match
    .slice(1, 7)
    .map(Number);
  return { wallMs: Date.UTC(year, month - 1, day, hour, minute, second), name: match[7] ?? '' };
}
