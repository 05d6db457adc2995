import type { Clock } from '../core/clock';
import type { TwsFiles } from '../host/twsFiles';
import type { TwsMessage } from '../ibkr/connection';
import type { ResetWindow } from '../ibkr/resetWindows';
import {
  loginNoticeMs,
  nextWindow,
  type PlannedEvent,
  plannedLogin,
  plannedUpgrade,
} from './planned';
import type { SeenRestart } from './restartTimes';
import type { Schedule, ScheduleOptions } from './schedule';

/** What the return of a session that TWS had ended in order has taught. */
export interface Lesson {
  /** All restarts that still teach something. */
  readonly restarts: readonly SeenRestart[];
  /** The time of day that is known from now on, minutes after midnight. */
  readonly learnedMinute: number | undefined;
}

/**
 * What is going to happen to this TWS on purpose, and what has happened so: the interruptions of
 * its schedule, the weekly login, the upgrade that it announces, its own restart.
 */
export class Agenda {
  private upgrade: TwsMessage | undefined;
  private told: ReadonlySet<string> = new Set();
  /** When TWS has ended the last session in order. */
  private endedAtMs: number | undefined;

  /** @param schedule none where nothing planned is to be taken into account */
  constructor(
    private readonly clock: Clock,
    private readonly schedule: Schedule | undefined,
  ) {}

  /** What needs a person, the soonest first. */
  get planned(): readonly PlannedEvent[] {
    const nowMs = this.clock.now();
    const login = plannedLogin(this.dayAhead, nowMs);
    const upgrade = this.upgrade === undefined ? undefined : plannedUpgrade(this.upgrade, nowMs);
    return [login, upgrade]
      .filter((plan) => plan !== undefined)
      .toSorted((a, b) => a.atMs - b.atMs);
  }

  /** The next interruption within a day that comes and goes by itself. */
  get nextWindow(): ResetWindow | undefined {
    return nextWindow(this.dayAhead, this.clock.now());
  }

  /** When TWS restarts itself, minutes after midnight of its clock: as set, else as it was seen. */
  get restartMinute(): number | undefined {
    return this.schedule?.place.restartMinute;
  }

  /** In IBKR's own resets no answer for data is worth a word. */
  get isDataAway(): boolean {
    return this.since(this.clock.now()).some(
      ({ kind }) => kind === 'server reset' || kind === 'weekend maintenance',
    );
  }

  private get dayAhead(): readonly ResetWindow[] {
    return this.schedule?.ahead(this.clock.now(), loginNoticeMs) ?? [];
  }

  /** The interruptions in which a time lies. */
  at(atMs: number): readonly ResetWindow[] {
    return this.schedule?.at(atMs) ?? [];
  }

  /** The interruptions that touch the span from a time until now. */
  since(sinceMs: number): readonly ResetWindow[] {
    return this.schedule?.windows(sinceMs, this.clock.now()) ?? [];
  }

  configure(settings: Pick<ScheduleOptions, 'zone' | 'restartMinute'>): void {
    this.schedule?.configure(settings);
  }

  /** Takes in TWS's own time, said at `atMs`. */
  hear(serverTimeText: string, atMs: number): void {
    this.schedule?.hear(serverTimeText, atMs);
  }

  /** Takes in the settings of the TWS that runs on this machine. */
  read(files: TwsFiles): void {
    this.schedule?.read(files);
  }

  /** Takes in message 2172; one that names no day takes none back. */
  noteUpgrade(message: TwsMessage): void {
    if (plannedUpgrade(message, this.clock.now()) !== undefined) {
      this.upgrade = message;
    }
  }

  /** TWS has just ended an open session in order, as it does before it restarts. */
  noteEndInOrder(): void {
    this.endedAtMs = this.clock.now();
  }

  /**
   * The session is well.
   * @param wasClosed its last loss was an end of the connection
   * @returns undefined where that teaches nothing
   */
  noteReturn(wasClosed: boolean): Lesson | undefined {
    const { endedAtMs, schedule } = this;
    this.endedAtMs = undefined;
    if (endedAtMs === undefined || !wasClosed || schedule === undefined) {
      return undefined;
    }
    const before = schedule.place.restartMinute;
    schedule.noteReturn({ endedAtMs, backAtMs: this.clock.now() });
    const minute = schedule.place.restartMinute;
    return {
      restarts: schedule.seenRestarts,
      learnedMinute: minute === before ? undefined : minute,
    };
  }

  /** The plans that were not asked for before: each is worth one line. */
  takeUntold(): readonly PlannedEvent[] {
    const key = ({ kind, atMs }: PlannedEvent): string => `${kind} ${atMs}`;
    const untold = this.planned.filter((plan) => !this.told.has(key(plan)));
    this.told = new Set([...this.told, ...untold.map(key)]);
    return untold;
  }
}
