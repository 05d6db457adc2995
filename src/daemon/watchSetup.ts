import { errorText, HumanError } from '../core/errors';
import type { EndpointPaths } from '../core/paths';
import type { LogLevel } from '../monitor/records';
import { recentRestarts, type SeenRestart } from '../monitor/restartTimes';
import type { AlertSource } from './alertSettings';
import type { DaemonArguments } from './daemonArguments';
import type { PlannedTimes } from './plannedTimes';
import {
  type EffectiveWatch,
  effectiveWatch,
  parseWatchSettings,
  storedRecovery,
  type WatchSettings,
  type WatchSettingsBySource,
} from './watchSettings';
import { WatchStore } from './watchStore';

export interface WatchSetupDependencies {
  readonly args: DaemonArguments;
  /** The environment's word on TWS's clock and restart. */
  readonly planned: PlannedTimes;
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
  readonly log: (level: LogLevel, token: string, words: string) => void;
}

/** How the endpoint is to be watched: what was said by whom, what counts of it, and what was seen. */
export class WatchSetup {
  private readonly store: WatchStore;
  private settings: WatchSettingsBySource;
  private seen: readonly SeenRestart[];
  private present: EffectiveWatch;
  private failure: string | null = null;
  private isKept = true;

  constructor(
    paths: EndpointPaths,
    private readonly deps: WatchSetupDependencies,
  ) {
    const { args, nowMs } = deps;
    this.store = new WatchStore(paths, args.endpoint);
    const stored = this.read();
    const isLost = this.failure !== null;
    const flags = saidByFlags(args);
    const kept = stored?.settings ?? { cli: {}, window: {} };
    // Who starts a monitor of its own says all that is to count by that.
    this.settings = { ...kept, cli: args.isService ? flags : { ...kept.cli, ...flags } };
    // From a clock that has been put back since, they would hide all that come.
    this.seen = recentRestarts(
      (stored?.restarts ?? []).filter(({ backAtMs }) => backAtMs <= nowMs),
    );
    this.present = this.effectOf(this.settings);
    if (isLost || stored !== undefined || Object.keys(flags).length > 0) {
      this.keep();
    }
  }

  /** What counts now. */
  get effective(): EffectiveWatch {
    return this.present;
  }

  /** The settings, by who has said them. */
  get said(): WatchSettingsBySource {
    return this.settings;
  }

  /** The restarts of TWS that were seen, also by earlier daemons. */
  get restarts(): readonly SeenRestart[] {
    return this.seen;
  }

  /** Why `watch.json` cannot be read or written, in one sentence; null when all is well. */
  get problem(): string | null {
    return this.failure;
  }

  /**
   * Takes the settings of a source as a whole, and keeps them.
   * @throws HumanError when one of them is wrong; then nothing is changed.
   */
  configure(source: AlertSource, settings: unknown): void {
    if (this.deps.args.rehearsalOf !== undefined) {
      throw new HumanError('A rehearsal takes no settings of the real monitor.');
    }
    const said = parseWatchSettings(settings, this.deps.args.endpoint);
    const next = { ...this.settings, [source]: said };
    this.present = this.effectOf(next);
    this.settings = next;
    this.keep();
  }

  /** Keeps what was seen of TWS's restarts for the next daemon. */
  keepRestarts(restarts: readonly SeenRestart[]): void {
    this.seen = restarts;
    this.keep();
  }

  /** Writes what could not be written before. */
  retry(): void {
    if (!this.isKept) {
      this.keep();
    }
  }

  private effectOf(settings: WatchSettingsBySource): EffectiveWatch {
    return effectiveWatch(settings, this.deps.planned, this.deps.args.endpoint);
  }

  private read(): ReturnType<WatchStore['read']> {
    try {
      return this.store.read();
    } catch (error) {
      this.fail(errorText(error));
      return undefined;
    }
  }

  private keep(): void {
    try {
      this.store.write({ settings: this.settings, restarts: this.seen });
      this.isKept = true;
      this.failure = null;
    } catch (error) {
      if (!(error instanceof HumanError)) {
        throw error;
      }
      this.isKept = false;
      this.fail(error.message);
    }
  }

  private fail(why: string): void {
    if (why !== this.failure) {
      this.failure = why;
      this.deps.log('WARN', 'settings.problem', why);
    }
  }
}

function saidByFlags(args: DaemonArguments): WatchSettings {
  const { livenessIntervalMs, twsZone, twsRestart, alsoAt, recovery } = args;
  return {
    ...(livenessIntervalMs === undefined ? {} : { intervalSeconds: livenessIntervalMs / 1000 }),
    ...(twsZone === undefined ? {} : { twsZone }),
    ...(twsRestart === undefined ? {} : { twsRestart }),
    ...(alsoAt === undefined ? {} : { alsoAt }),
    ...(recovery === undefined ? {} : { recovery: storedRecovery(recovery) }),
  };
}
