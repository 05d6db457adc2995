import { TimeZone } from '../../src/core/timeZone';
import { type ResetWindow, windowsAt, windowsBetween } from '../../src/ibkr/resetWindows';
import { Schedule } from '../../src/monitor/schedule';
import { seededRandom } from './situationModel';
import { Timeline } from './timeline';
import { WatchedWorld } from './watchedWorld';

export interface YearOptions {
  readonly seed: number;
  readonly days: number;
  /** Of the machine, and of TWS on it. */
  readonly zone: string;
  /** Real outages a day, on average. */
  readonly outagesPerDay?: number;
  /** When TWS restarts itself, minutes after midnight, where nobody has told Robo. */
  readonly restartMinute?: number;
  readonly startMs?: number;
}

/** What was wrong, in truth. `isLink`: TWS lives and says that IBKR is away. */
interface Outage {
  readonly kind: string;
  readonly fromMs: number;
  readonly untilMs: number;
  readonly isPortClosed: boolean;
}

export interface YearResult {
  readonly planned: Readonly<Record<string, number>>;
  readonly outages: number;
  /** Those that were over before their planned interruption was: they are no page. */
  readonly coveredByWindow: number;
  /** Began before a planned interruption and ran into it. */
  readonly ranIntoWindow: number;
  /** Began in one and outlived it. */
  readonly outlived: number;
  readonly missed: readonly string[];
  readonly falsePages: readonly string[];
  /** The longest time from the beginning, or from the end of the window, to `down`; by kind. */
  readonly longestMs: ReadonlyMap<string, { readonly count: number; readonly longestMs: number }>;
  readonly connections: number;
}

const secondMs = 1000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
/** Longest way back after a real outage: one slow dial and what lies around it. */
const returnMs = 6 * minuteMs;
const slackMs = 5 * minuteMs;

type Strike = (world: WatchedWorld) => () => void;

/** Every kind of real outage: how it begins and, as the result, how it ends. */
const strikes: readonly (readonly [kind: string, isPortClosed: boolean, strike: Strike])[] = [
  ['link lost (1100)', false, (world) => linkLost(world, 1100, 1102)],
  ['link lost, data lost (1101)', false, (world) => linkLost(world, 1100, 1101)],
  ['server broken (2110)', false, (world) => linkLost(world, 2110, 1102)],
  [
    'frozen or half-open',
    false,
    (world) => {
      world.freeze();
      return () => {
        world.thaw();
      };
    },
  ],
  ['closed in order (FIN), port gone', true, (world) => gone(world, 'fin')],
  ['killed (RST), port gone', true, (world) => gone(world, 'reset')],
  ['FIN, then silence for new clients', false, (world) => unwelcome(world, 'fin', 'silent')],
  ['RST, then closed at once', false, (world) => unwelcome(world, 'reset', 'closes')],
];

function linkLost(world: WatchedWorld, lost: 1100 | 2110, back: 1101 | 1102): () => void {
  world.loseLink(lost);
  return () => {
    world.restoreLink(back);
  };
}

function gone(world: WatchedWorld, kind: 'fin' | 'reset'): () => void {
  world.quit(kind);
  return () => {
    world.launch();
  };
}

function unwelcome(
  world: WatchedWorld,
  kind: 'fin' | 'reset',
  welcome: 'silent' | 'closes',
): () => void {
  world.drop(kind, welcome);
  return () => {
    world.setWelcome('ready');
  };
}

/** Runs some days of one endpoint, with everything that IBKR plans and much that nobody plans. */
export function simulateYear(options: YearOptions): YearResult {
  return new SimulatedYear(options).run();
}

class SimulatedYear {
  private readonly random: () => number;
  private readonly startMs: number;
  private readonly endMs: number;
  private readonly time: Timeline;
  private readonly world: WatchedWorld;
  private readonly planned = new Map<string, number>();
  /** Times that something else has taken, with room around. */
  private readonly taken: (readonly [fromMs: number, untilMs: number])[] = [];
  private readonly outages: Outage[] = [];
  private busy = 0;

  constructor(private readonly options: YearOptions) {
    this.random = seededRandom(options.seed);
    this.startMs = options.startMs ?? Date.parse('2026-01-05T12:00:00Z');
    this.endMs = this.startMs + options.days * dayMs;
    this.time = new Timeline(this.startMs);
    const schedule = new Schedule({ machineZone: options.zone, isLocal: true });
    this.world = new WatchedWorld(this.time, schedule, this.random);
  }

  run(): YearResult {
    this.planResets();
    this.planRestarts();
    this.strikeAtRandom();
    this.planSleeps();
    this.world.watch();
    this.time.run(this.endMs);
    return this.judge();
  }

  private between(least: number, most: number): number {
    return least + this.random() * (most - least);
  }

  /** Nothing that is planned happens while something real is wrong, and not twice at once. */
  private exclusively(atMs: number, lastsMs: number, begin: Strike): void {
    this.time.at(atMs, () => {
      if (this.busy > 0) {
        return;
      }
      this.busy += 1;
      const end = begin(this.world);
      this.time.after(lastsMs, () => {
        end();
        this.busy -= 1;
      });
    });
  }

  private count(what: string): void {
    this.planned.set(what, (this.planned.get(what) ?? 0) + 1);
  }

  private reserve(fromMs: number, untilMs: number, roomMs = 20 * minuteMs): boolean {
    const isFree = this.taken.every(
      ([from, until]) => untilMs + roomMs < from || fromMs - roomMs > until,
    );
    if (isFree) {
      this.taken.push([fromMs, untilMs]);
    }
    return isFree;
  }

  private planResets(): void {
    const place = { zone: this.options.zone };
    for (let day = 0; day < this.options.days; day += 7) {
      const fromMs = this.startMs + day * dayMs;
      const untilMs = Math.min(fromMs + 7 * dayMs, this.endMs);
      for (const window of windowsBetween(fromMs, untilMs, place)) {
        if (window.fromMs >= fromMs && window.fromMs < untilMs) {
          this.planReset(window);
        }
      }
    }
  }

  /** IBKR: 15 s to 4 min somewhere in the window, now and then with a second blink. */
  private planReset(window: ResetWindow): void {
    if (window.kind !== 'server reset' && window.kind !== 'weekend maintenance') {
      return;
    }
    this.count(window.kind);
    const blinks = window.kind === 'weekend maintenance' ? 4 : this.random() < 0.2 ? 2 : 1;
    let atMs = this.between(window.fromMs, window.untilMs - 20 * minuteMs);
    for (let blink = 0; blink < blinks && atMs < window.untilMs - 5 * minuteMs; blink += 1) {
      const lastsMs = this.between(15 * secondMs, 4 * minuteMs);
      const dice = this.random();
      const back = this.random() < 0.3 ? 1101 : 1102;
      const strike: Strike = (world) =>
        dice < 0.1
          ? unwelcome(world, 'fin', 'silent')
          : linkLost(world, dice < 0.3 ? 2110 : 1100, back);
      this.reserve(atMs, atMs + lastsMs, minuteMs);
      this.exclusively(atMs, lastsMs, strike);
      atMs += lastsMs + this.between(5 * secondMs, 3 * minuteMs);
    }
  }

  private planRestarts(): void {
    const zone = new TimeZone(this.options.zone);
    const minute = this.options.restartMinute ?? 23 * 60 + 45;
    const firstDay = Math.floor(zone.wallMs(this.startMs) / dayMs);
    for (let day = 0; day < this.options.days; day += 1) {
      const atMs = zone.epochMs((firstDay + day) * dayMs + minute * minuteMs);
      if (atMs > this.startMs && atMs < this.endMs) {
        this.planRestart(atMs + this.between(0, 20 * secondMs));
      }
    }
  }

  private planRestart(atMs: number): void {
    const login = windowsAt(atMs, { zone: this.options.zone }).find(
      ({ kind, fromMs }) => kind === 'weekly login' && atMs < fromMs + 24 * hourMs + dayMs / 2,
    );
    const isFirstAfter = login !== undefined && atMs - dayMs < login.fromMs;
    const lastsMs = isFirstAfter
      ? this.loginMs(atMs, login)
      : this.between(20 * secondMs, 4 * minuteMs);
    this.count(isFirstAfter ? 'weekly login' : 'daily restart');
    this.reserve(atMs, atMs + lastsMs, 2 * minuteMs);
    this.exclusively(atMs, lastsMs, (world) => {
      world.quit('fin');
      return () => {
        world.launch('silent');
        this.time.after(8 * secondMs, () => {
          world.setWelcome('ready');
        });
      };
    });
  }

  /** A person logs in some time before Monday's work begins. */
  private loginMs(atMs: number, login: ResetWindow): number {
    const latestMs = login.fromMs + 30 * hourMs - atMs;
    return this.between(2 * minuteMs, Math.max(3 * minuteMs, latestMs));
  }

  private strikeAtRandom(): void {
    const { days, outagesPerDay = 0.5 } = this.options;
    for (let round = 0; round < days * outagesPerDay; round += 1) {
      const fromMs = this.between(this.startMs + hourMs, this.endMs - 9 * hourMs);
      const long = this.random();
      const lastsMs =
        long < 0.5
          ? this.between(minuteMs, 20 * minuteMs)
          : long < 0.9
            ? this.between(20 * minuteMs, 3 * hourMs)
            : this.between(3 * hourMs, 8 * hourMs);
      this.strike(round, fromMs, fromMs + lastsMs);
    }
  }

  private strike(round: number, fromMs: number, untilMs: number): void {
    const chosen = strikes[round % strikes.length];
    if (chosen === undefined || !this.reserve(fromMs, fromMs, 10 * minuteMs)) {
      return;
    }
    const [kind, isPortClosed, strike] = chosen;
    this.time.at(fromMs, () => {
      if (this.busy > 0) {
        return;
      }
      this.busy += 1;
      const end = strike(this.world);
      this.outages.push({ kind, fromMs, untilMs, isPortClosed });
      this.time.at(untilMs, () => {
        end();
        // Nothing planned follows within the way back: it would be the same trouble.
        this.time.after(returnMs, () => {
          this.busy -= 1;
        });
      });
    });
  }

  /** A laptop that sleeps; TWS loses its link meanwhile and finds it again after. */
  private planSleeps(): void {
    for (let round = 0; round < this.options.days / 12; round += 1) {
      const fromMs = this.between(this.startMs + hourMs, this.endMs - 12 * hourMs);
      const lastsMs = this.between(5 * minuteMs, 6 * hourMs);
      const isLong = this.reserve(fromMs, fromMs + lastsMs, 30 * minuteMs);
      if (isLong) {
        this.exclusively(fromMs, lastsMs + 2 * minuteMs, (world) => {
          this.count('sleep');
          world.fallAsleep();
          this.time.after(lastsMs, () => {
            world.wake();
            world.loseLink(1100);
            this.time.after(40 * secondMs, () => {
              world.restoreLink(1102);
            });
          });
          return () => undefined;
        });
      }
    }
  }

  private judge(): YearResult {
    const pages = this.world.steps.filter(({ health }) => health === 'down');
    const longest = new Map<string, { count: number; longestMs: number }>();
    const missed: string[] = [];
    let coveredByWindow = 0;
    let ranIntoWindow = 0;
    let outlived = 0;
    for (const outage of this.outages) {
      const calmMs = this.calmUntil(outage);
      const dueMs = calmMs ?? outage.fromMs;
      const isFromWindow = calmMs !== undefined;
      ranIntoWindow += !isFromWindow && this.touchesWindow(outage) ? 1 : 0;
      if (outage.untilMs <= dueMs + 45 * secondMs && isFromWindow) {
        coveredByWindow += 1;
        continue;
      }
      outlived += isFromWindow ? 1 : 0;
      const seen = pages.find(
        ({ atMs }) => atMs >= outage.fromMs && atMs <= outage.untilMs + minuteMs,
      );
      if (seen === undefined) {
        missed.push(describe(outage));
        continue;
      }
      const before = longest.get(outage.kind) ?? { count: 0, longestMs: 0 };
      const tookMs = Math.max(0, seen.atMs - dueMs);
      longest.set(outage.kind, {
        count: before.count + 1,
        longestMs: Math.max(before.longestMs, tookMs),
      });
    }
    const falsePages = pages
      .filter(
        ({ atMs }) =>
          !this.outages.some(({ fromMs, untilMs }) => atMs >= fromMs && atMs <= untilMs + returnMs),
      )
      .map(({ atMs, was }) => `${new Date(atMs).toISOString()} from ${was}`);
    return {
      planned: Object.fromEntries(this.planned),
      outages: this.outages.length,
      coveredByWindow,
      ranIntoWindow,
      outlived,
      missed,
      falsePages,
      longestMs: longest,
      connections: this.world.state.connectionsOpened,
    };
  }

  /** Until when this outage looks like what is planned for that time; undefined if it does not. */
  private calmUntil({ fromMs, isPortClosed }: Outage): number | undefined {
    const open = windowsAt(fromMs, { zone: this.options.zone });
    const isRestart = open.some(({ kind }) => kind === 'daily restart');
    const ends = open.flatMap((window) => {
      switch (window.kind) {
        case 'daily restart':
          return [window.untilMs + slackMs];
        case 'weekly login':
          return isPortClosed && (isRestart || fromMs < window.fromMs + 23 * hourMs)
            ? [window.fromMs + 30.5 * hourMs]
            : [];
        default:
          return isPortClosed ? [] : [window.untilMs + slackMs];
      }
    });
    return ends.length === 0 ? undefined : Math.max(...ends);
  }

  private touchesWindow({ fromMs, untilMs }: Outage): boolean {
    return windowsBetween(fromMs, untilMs, { zone: this.options.zone }).some(
      (window) => window.kind !== 'weekly login' && window.fromMs > fromMs,
    );
  }
}

function describe({ kind, fromMs, untilMs }: Outage): string {
  const minutes = ((untilMs - fromMs) / minuteMs).toFixed(0);
  return `${kind} at ${new Date(fromMs).toISOString()} for ${minutes} min`;
}
