import { type Clock, isoTime, type Timer } from '../core/clock';
import type { Disposable } from '../core/disposables';
import { errorText, HumanError } from '../core/errors';
import type { EndpointPaths } from '../core/paths';
import type { AlertsStatus, IncidentStatus, StatusRecord } from '../diagnostics/status';
import type { RunTool } from '../host/tool';
import type { Endpoint } from '../ibkr/endpoint';
import type { LogLevel } from '../monitor/records';
import { AlertCommand } from './alertCommand';
import { showOnDesktop } from './alertDesktop';
import {
  type AlertEvent,
  type AlertState,
  initialAlertState,
  openIncidents,
  type OpenIncident,
  reduceAlerts,
  type Telling,
} from './alertPolicy';
import { checkedQuiet } from './alertQuiet';
import {
  type AlertSource,
  effectiveSettings,
  parseAlertSettings,
  type SettingsBySource,
} from './alertSettings';
import { AlertStore } from './alertStore';
import { alertJson, alertWords } from './alertWords';
import { Heartbeat } from './alertHeartbeat';
import type { IncidentRow } from './historyRows';
import { isDecided } from './incidentLedger';

export interface AlertsDependencies {
  readonly clock: Clock;
  readonly platform: NodeJS.Platform;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly run: RunTool;
  /** Takes accounts, secrets and names out of what leaves this process. */
  readonly redact: (text: string) => string;
  readonly log: (level: LogLevel, token: string, words: string) => void;
  /** The alerts' part of the status record is another one. */
  readonly onChange: () => void;
  /** A rehearsal disturbs nobody; its alert file and its records are judged all the same. */
  readonly isRehearsal: boolean;
  /** Where `notify-send` may lie; for tests. */
  readonly notifySend?: readonly string[];
}

type Channel = 'command' | 'desktop' | 'heartbeat' | 'state';

/** What the status record says of incidents and alerts. */
export interface AlertsPart {
  readonly incidents: readonly IncidentStatus[];
  readonly alerts: AlertsStatus;
}

/**
 * Drives the policy of alerts: takes in the states of the daemon, tells the desktop and the
 * trader's command, calls the heartbeat, and keeps what must outlive this daemon. Failing to tell
 * is said in the log once, and never harms the watch.
 */
export class Alerts implements Disposable {
  private readonly store: AlertStore;
  private readonly command: AlertCommand;
  private readonly heartbeat: Heartbeat;
  private readonly problems = new Map<Channel, string>();
  private state: AlertState = initialAlertState;
  private settings: SettingsBySource = { cli: {}, window: {} };
  private open: readonly OpenIncident[] = [];
  private windows = 0;
  private timer: Timer | undefined;

  constructor(
    paths: EndpointPaths,
    private readonly endpoint: Endpoint,
    private readonly deps: AlertsDependencies,
  ) {
    const { clock, environment } = deps;
    this.store = new AlertStore(paths);
    const done = (channel: Channel) => (why: string | undefined) => {
      this.note(channel, why);
    };
    this.command = new AlertCommand({ clock, environment, onDone: done('command') });
    this.heartbeat = new Heartbeat({ clock, onDone: done('heartbeat') });
  }

  /** Takes over what an earlier daemon has left, and begins the heartbeat. */
  begin(): void {
    try {
      const stored = this.store.read(this.deps.clock.monotonicMs());
      this.state = stored?.state ?? this.state;
      this.settings = stored?.settings ?? this.settings;
    } catch (error) {
      this.note('state', errorText(error));
    }
    this.followHeartbeat();
  }

  get part(): AlertsPart {
    const { quietUntilMs } = this.state;
    const isQuiet = quietUntilMs !== null && quietUntilMs > this.deps.clock.now();
    return {
      incidents: openIncidents(this.state),
      alerts: {
        quietUntil: isQuiet ? isoTime(quietUntilMs) : null,
        // A desktop that shows nothing is usual on a server, and no trouble of the watch.
        problem: [...this.problems].find(([channel]) => channel !== 'desktop')?.[1] ?? null,
      },
    };
  }

  /** Why what must outlive this daemon cannot be kept, in one sentence; null when it can. */
  get recordsProblem(): string | null {
    return this.problems.get('state') ?? null;
  }

  /** The settings, by who has said them. */
  get said(): SettingsBySource {
    return this.settings;
  }

  /** How many windows are connected: while there is one, it tells, and the desktop does not. */
  setWindows(count: number): void {
    this.windows = count;
  }

  /**
   * Takes in a state of the daemon.
   * @param changed the incidents that are new or have changed with it
   */
  take(record: StatusRecord, changed: readonly IncidentRow[]): void {
    const rows = new Map(changed.map((row) => [row.incident_key, row]));
    const stillOpen = this.open.filter(({ key }) => !rows.has(key));
    const present = changed.filter(({ until }) => until === null).map(incidentOf);
    this.open = [...stillOpen, ...present].map((incident) => ({
      ...incident,
      gravity: gravityOf(incident, record),
    }));
    const ended = changed.flatMap(({ incident_key: key, until, duration_ms: durationMs }) =>
      until === null ? [] : [{ key, until, durationMs: durationMs ?? 0 }],
    );
    const isOver = ({ subject }: OpenIncident): boolean =>
      isDecided(record) && (subject.kind !== 'connection' || record.health === 'healthy');
    this.apply({ kind: 'state', open: this.open, ended, isOver });
  }

  /**
   * Marks incidents as known: they raise nothing again until they end or grow worse.
   * @param keys undefined for all that are open
   * @returns those that are acknowledged by it
   */
  acknowledge(keys: readonly string[] | undefined): readonly IncidentStatus[] {
    const before = new Set(this.acknowledged().map(({ key }) => key));
    this.apply({ kind: 'acknowledge', keys });
    const now = this.acknowledged().filter(({ key }) => !before.has(key));
    for (const { key, message } of now) {
      this.deps.log('INFO', 'alert.acknowledged', `${key}: ${message}`);
    }
    this.deps.onChange();
    return now;
  }

  /**
   * Disturbs nobody until then.
   * @param until ISO 8601; null ends it
   * @throws HumanError when it is no time of the next seven days.
   */
  quiet(until: string | null): void {
    const nowMs = this.deps.clock.now();
    const untilMs = until === null ? null : checkedQuiet(Date.parse(until), nowMs);
    const words = untilMs === null ? 'no longer' : `until ${isoTime(untilMs)}`;
    this.deps.log('INFO', 'alert.quiet', words);
    this.apply({ kind: 'quiet', untilMs });
    this.deps.onChange();
  }

  /**
   * Takes the settings of a source as a whole, and keeps them.
   * @throws HumanError when one of them is wrong; then nothing is changed.
   */
  configure(source: AlertSource, settings: unknown): SettingsBySource {
    this.settings = { ...this.settings, [source]: parseAlertSettings(settings) };
    this.followHeartbeat();
    this.save();
    return this.settings;
  }

  /** Ends the alerts; what was just said may still arrive, for a second. */
  async end(): Promise<void> {
    this.timer?.cancel();
    this.heartbeat.dispose();
    await this.command.end(lastWordsMs);
  }

  dispose(): void {
    this.timer?.cancel();
    this.command.dispose();
    this.heartbeat.dispose();
  }

  private acknowledged(): readonly IncidentStatus[] {
    return openIncidents(this.state).filter(({ acknowledgedAt }) => acknowledgedAt !== null);
  }

  private apply(event: AlertEvent): void {
    const { clock } = this.deps;
    const step = reduceAlerts(this.state, event, {
      nowMs: clock.now(),
      monotonicMs: clock.monotonicMs(),
    });
    this.state = step.state;
    this.timer?.cancel();
    if (step.wakeInMs !== undefined) {
      // In short steps: a clock that was put right must not make quiet last.
      this.timer = clock.setTimer(Math.min(step.wakeInMs, maxWakeMs), () => {
        this.apply({ kind: 'time passed' });
        this.deps.onChange();
      });
    }
    for (const telling of step.tell) {
      this.tell(telling);
    }
    this.save();
  }

  private tell(telling: Telling): void {
    const { deps, endpoint, windows } = this;
    const words = alertWords(telling, endpoint, deps.redact);
    const level = telling.what === 'end' ? 'INFO' : 'WARN';
    deps.log(level, `alert.${telling.what}`, `${words.title}. ${words.body}`);
    if (deps.isRehearsal) {
      return;
    }
    const { command, desktop } = effectiveSettings(this.settings);
    if (command.length > 0) {
      this.command.run(command, alertJson(telling, endpoint, words, deps.redact));
    }
    if (desktop && windows === 0) {
      void showOnDesktop(words, deps).then((why) => {
        this.note('desktop', why);
      });
    }
  }

  private followHeartbeat(): void {
    const { command, heartbeatUrl } = effectiveSettings(this.settings);
    if (!this.deps.isRehearsal) {
      this.heartbeat.follow(heartbeatUrl);
    }
    for (const [channel, isUsed] of [
      ['command', command.length > 0],
      ['heartbeat', heartbeatUrl !== ''],
    ] as const) {
      if (!isUsed) {
        this.note(channel, undefined);
      }
    }
  }

  private save(): void {
    try {
      this.store.write({ state: this.state, settings: this.settings });
      this.note('state', undefined);
    } catch (error) {
      if (!(error instanceof HumanError)) {
        throw error;
      }
      this.note('state', error.message);
    }
  }

  /** Says a failure once, until it is over or another one. */
  private note(channel: Channel, why: string | undefined): void {
    const problem = why === undefined ? undefined : this.deps.redact(sentences[channel](why));
    if (problem === this.problems.get(channel)) {
      return;
    }
    if (problem === undefined) {
      this.problems.delete(channel);
      this.deps.log('INFO', `alert.${channel}`, 'works again');
    } else {
      this.problems.set(channel, problem);
      this.deps.log('WARN', `alert.${channel}`, problem);
    }
    this.deps.onChange();
  }
}

/** How long the trader's command may take when the watch ends, in milliseconds. */
const lastWordsMs = 1000;
/** The longest that the policy is not asked, in milliseconds. */
const maxWakeMs = 30_000;

const sentences: Readonly<Record<Channel, (why: string) => string>> = {
  command: (why) => `The alert command ${why}; see the setting robo.alerts.command.`,
  desktop: (why) => `The desktop notification could not be shown: ${why}.`,
  heartbeat: (why) => `The heartbeat does not arrive: ${why}; see robo.alerts.heartbeatUrl.`,
  state: (why) => why,
};

function incidentOf(row: IncidentRow): Omit<OpenIncident, 'gravity'> {
  return {
    key: row.incident_key,
    subject: {
      kind: row.subject_kind,
      ...(row.subject_name === null ? {} : { name: row.subject_name }),
    },
    severity: row.severity,
    cause: row.cause,
    layer: row.layer,
    message: row.message,
    since: row.since,
  };
}

/** 2 where nothing works any more, 1 where something does; 0 for what a planned interruption explains. */
function gravityOf(
  { subject }: Pick<OpenIncident, 'subject'>,
  { health, runner }: StatusRecord,
): number {
  const isExplained = health === 'expected';
  switch (subject.kind) {
    case 'connection':
      return isExplained ? 0 : health === 'down' ? 2 : 1;
    case 'runner':
      if (isExplained) {
        return 0;
      }
      return runner.some(({ workspace, state }) => workspace === subject.name && state === 'exited')
        ? 2
        : 1;
    case 'process':
    case 'symbol':
      return 1;
  }
}
