import { homedir, hostname, userInfo } from 'node:os';
import { type Clock, isoTime, type Timer } from '../core/clock';
import type { Disposable } from '../core/disposables';
import { Emitter } from '../core/emitter';
import type { EndpointPaths } from '../core/paths';
import { redact } from '../core/redaction';
import { version } from '../core/version';
import type { Finding } from '../diagnostics/finding';
import { isConnectionInTrouble, withVerdict } from '../diagnostics/runnerVerdict';
import type { IncidentStatus, StatusRecord } from '../diagnostics/status';
import type { Machine } from '../host/machine';
import { toolRunner } from '../host/tool';
import { Monitor } from '../monitor/monitor';
import { defaultTimings } from '../monitor/timings';
import { Recovery } from '../monitor/recovery';
import { recoveryOff } from '../monitor/recoverySettings';
import { type LogLevel, Records } from '../monitor/records';
import { runPreflight } from '../preflight/preflight';
import type { LayerResult, PreflightReport } from '../preflight/report';
import { Alerts } from './alerts';
import type { AlertSource, SettingsBySource } from './alertSettings';
import type { DaemonArguments } from './daemonArguments';
import { defaultRefuseAfterMs, passGate } from './gate';
import { History } from './history';
import { endListed, listProcesses } from './processes';
import type {
  KillOutcome,
  KillProcessesParams,
  ListProcessesParams,
  ProcessListing,
  StartRunnerParams,
  StartRunnerResult,
  StopRunnerResult,
  TestParams,
} from './protocol';
import { RunnerClientIds } from './runnerClientIds';
import type { PlannedTimes } from './plannedTimes';
import { Runners } from './runners';
import { alertText, statusRecord } from './statusRecord';

/** How long the data layer of a test may take, in milliseconds; bars of a slow farm need seconds. */
const testDataMs = 10_000;
/**
 * How old the records may grow while nothing happens, in milliseconds. Whoever reads them takes
 * an old `timestamp` for a monitor that has died; the trader's own one wrote every 30 s.
 */
const heartbeatMs = 30_000;

export interface DaemonDependencies {
  /** Undefined: a loss is an outage whatever the time of day. */
  readonly planned?: PlannedTimes | undefined;
  readonly clock: Clock;
  readonly machine: Machine;
  readonly random: () => number;
}

/** Where a long request tells its progress. */
export interface RequestProgress {
  readonly onLayer: (layer: LayerResult) => void;
  readonly onEarlyWord: (finding: Finding) => void;
  readonly signal: AbortSignal;
}

/** One endpoint's watch: the monitor with its one session, the records, and the runners. */
export class Daemon implements Disposable {
  readonly runners: Runners;
  private readonly monitor: Monitor;
  private readonly recovery: Recovery;
  private readonly runnerIds = new RunnerClientIds();
  private readonly records: Records;
  private readonly history: History;
  private readonly alerts: Alerts;
  private readonly statusEmitter = new Emitter<StatusRecord>();
  private readonly startedAtMs: number;
  /** True at first: a dead daemon may have left one. */
  private isAlertOpen = true;
  private isPublishing = false;
  private isEnded = false;
  private heartbeat: Timer | undefined;

  readonly onDidChangeStatus = this.statusEmitter.event;

  constructor(
    private readonly args: DaemonArguments,
    private readonly paths: EndpointPaths,
    private readonly deps: DaemonDependencies,
  ) {
    this.startedAtMs = deps.clock.now();
    this.records = new Records(paths);
    this.history = this.openHistory();
    this.alerts = this.openAlerts();
    this.monitor = this.openMonitor();
    this.runners = new Runners(paths.runners, {
      clock: deps.clock,
      machine: deps.machine,
      marketOf: (symbols) => this.monitor.marketOf(symbols),
      log: (level, token, words) => {
        this.log(level, token, words);
      },
      builtIn: {
        execPath: process.execPath,
        script: args.runnerScript,
        environment: {
          IBKR_HOST: args.endpoint.host,
          IBKR_PORT: String(args.endpoint.port),
          ...(process.versions['electron'] === undefined ? {} : { ELECTRON_RUN_AS_NODE: '1' }),
        },
      },
    });
    this.recovery = this.openRecovery();
    this.monitor.onDidLog(({ level, token, words }) => {
      this.log(level, token, words);
    });
    this.monitor.onDidChange(() => {
      this.publish();
    });
    this.monitor.onDidChangeHealth((change) => {
      this.history.changeHealth(change);
    });
    this.runners.onDidChange(() => {
      this.publish();
    });
    this.runners.onFacts(({ workspace, facts }) => {
      this.history.hear(workspace, facts);
    });
  }

  /** Takes over the runners of a dead daemon. */
  async adopt(): Promise<void> {
    await this.runners.adoptAll();
  }

  /** Begins to watch; the first verdict clears or confirms the alert that a dead daemon has left. */
  watch(): void {
    this.monitor.ask();
    this.publishNow();
  }

  /** The present state, as it is told to clients and written into the records: one for both. */
  status(): StatusRecord {
    return { ...this.watched(), ...this.alerts.part };
  }

  /** The present state for a client that asks: the file says the same before the client knows it. */
  askedStatus(): StatusRecord {
    if (this.isPublishing) {
      this.publishNow();
    }
    const record = this.status();
    if (!this.isEnded) {
      this.records.writeStatus(record);
    }
    return record;
  }

  /** Marks open incidents as known; see Alerts. */
  acknowledge(keys: readonly string[] | undefined): readonly IncidentStatus[] {
    return this.alerts.acknowledge(keys);
  }

  /** Disturbs nobody until then; see Alerts. */
  quiet(until: string | null): StatusRecord {
    this.alerts.quiet(until);
    return this.askedStatus();
  }

  /** Takes settings of alerts; see Alerts. Null only asks what was said. */
  configureAlerts(source: AlertSource, settings: unknown): SettingsBySource {
    return settings === null ? this.alerts.said : this.alerts.configure(source, settings);
  }

  /** How many windows are connected; they tell alerts themselves. */
  setWindows(count: number): void {
    this.alerts.setWindows(count);
  }

  private watched(): StatusRecord {
    const { endpoint } = this.args;
    const nowMs = this.deps.clock.now();
    const { ownSession } = this.monitor;
    const record = statusRecord(
      this.monitor.snapshot,
      this.runners.status().map((runner) => withVerdict(runner, ownSession, nowMs)),
      {
        endpoint,
        clientId: this.monitor.clientId,
        startedAtMs: this.startedAtMs,
        recordsProblem: this.records.problem ?? this.history.problem,
      },
      nowMs,
    );
    return { ...record, recovery: this.recovery.attempts };
  }

  async test(params: TestParams, progress: RequestProgress): Promise<PreflightReport> {
    const report = await runPreflight(
      {
        symbols: params.symbols,
        withData: params.withData,
        mode: params.mode,
        timeoutMs: params.timeoutMs,
        dataTimeoutMs: () => Math.max(testDataMs, params.timeoutMs),
      },
      this.preflightDependencies(progress),
    );
    this.log(
      report.ok ? 'INFO' : 'WARN',
      report.ok ? 'test.passed' : 'test.failed',
      report.ok
        ? `in ${report.durationMs} ms`
        : (report.findings[0]?.message ?? `layer ${report.failedLayer ?? 'none'}`),
    );
    return report;
  }

  async startRunner(
    params: StartRunnerParams,
    progress: RequestProgress,
  ): Promise<StartRunnerResult> {
    const { signal } = progress;
    this.runnerIds.note(params.workspace, params.environment);
    return this.runners.start(params, signal, async (stillWanted) =>
      passGate(
        {
          symbols: params.symbols,
          mode: params.mode,
          refuseAfterMs: params.refuseAfterMs ?? defaultRefuseAfterMs,
        },
        {
          ...this.preflightDependencies({ ...progress, signal: stillWanted }),
          onEarlyWord: progress.onEarlyWord,
        },
      ),
    );
  }

  async stopRunner(workspace: string): Promise<StopRunnerResult> {
    return this.runners.stop(workspace);
  }

  async listProcesses(params: ListProcessesParams): Promise<ProcessListing> {
    return listProcesses(params, {
      machine: this.deps.machine,
      endpoint: this.args.endpoint,
      runnersDirectory: this.paths.runners,
    });
  }

  async killProcesses(params: KillProcessesParams): Promise<readonly KillOutcome[]> {
    const listing = await this.listProcesses(params);
    const outcomes = await endListed(params.targets, listing, this.deps);
    for (const { pid, outcome, why } of outcomes) {
      this.log('WARN', 'process.end', `pid ${pid}: ${outcome} (${why})`);
    }
    return outcomes;
  }

  reconnect(): StatusRecord {
    this.log('INFO', 'connection.asked', 'the user asked to reconnect');
    this.recovery.asked();
    this.monitor.ask();
    return this.status();
  }

  /** Ends the watch and says so in the records; runners go on. */
  async end(why: string): Promise<void> {
    this.log('INFO', 'daemon.ended', why);
    await this.runners.release();
    const last = this.status();
    this.isEnded = true;
    this.history.take(last, false);
    this.history.end(last.health, why);
    await Promise.all([this.monitor.end(), this.alerts.end()]);
    this.dispose();
    this.records.writeAlert(undefined);
    this.records.writeStatus({
      ...last,
      connected: false,
      health: 'unknown',
      since: last.timestamp,
      message: `Not watched since ${last.timestamp}: ${why}.`,
      findings: [],
      incidents: [],
      session: { ...last.session, state: 'idle', connectedAt: null, nextDialAt: null },
    });
  }

  /** Ends the watch without a word in the records, which are another daemon's by now. */
  async abandon(): Promise<void> {
    this.isEnded = true;
    this.history.dispose();
    await this.monitor.end();
    this.dispose();
  }

  dispose(): void {
    this.heartbeat?.cancel();
    this.history.dispose();
    this.alerts.dispose();
    this.recovery.dispose();
    this.monitor.dispose();
    this.runners.dispose();
    this.statusEmitter.dispose();
  }

  log(level: LogLevel, token: string, words: string): void {
    this.records.log(this.deps.clock.now(), level, token, words);
  }

  private openMonitor(): Monitor {
    const { args, deps } = this;
    return new Monitor(args.endpoint, args.clientId, {
      ...deps,
      timings: { ...defaultTimings, livenessIntervalMs: args.livenessIntervalMs },
      ...(deps.planned === undefined
        ? {}
        : { zone: deps.planned.machineZone, schedule: deps.planned }),
      advise: async (ended) => this.recovery.advise(ended),
    });
  }

  private openRecovery(): Recovery {
    const recovery = new Recovery(this.monitor, {
      clock: this.deps.clock,
      machine: this.deps.machine,
      settings: this.args.recovery ?? recoveryOff,
      runners: () => this.runners.status(),
      runnerClientId: (workspace) => this.runnerIds.of(workspace),
      log: (level, token, words) => {
        this.log(level, token, words);
      },
    });
    recovery.onDidChange(() => {
      this.publish();
    });
    return recovery;
  }

  private openAlerts(): Alerts {
    const alerts = new Alerts(this.paths, this.args.endpoint, {
      clock: this.deps.clock,
      platform: process.platform,
      environment: process.env,
      run: toolRunner(this.deps.clock),
      redact: redactHere,
      log: (level, token, words) => {
        this.log(level, token, words);
      },
      onChange: () => {
        this.publish();
      },
      isRehearsal: this.args.rehearsalOf !== undefined,
    });
    alerts.begin();
    return alerts;
  }

  private openHistory(): History {
    return new History(
      this.paths.database,
      { pid: process.pid, version, started_at: isoTime(this.startedAtMs) },
      {
        clock: this.deps.clock,
        redact: redactHere,
        onProblem: (problem) => {
          if (problem !== null) {
            this.log('WARN', 'history.problem', problem);
          }
          this.publish();
        },
      },
    );
  }

  private preflightDependencies(progress: RequestProgress): Parameters<typeof runPreflight>[1] {
    return {
      clock: this.deps.clock,
      machine: this.deps.machine,
      source: this.monitor,
      onLayer: progress.onLayer,
      signal: progress.signal,
    };
  }

  /** Changes come in bursts; the records and the clients get the state after each burst. */
  private publish(): void {
    if (!this.isPublishing) {
      this.isPublishing = true;
      this.deps.clock.setTimer(0, () => {
        this.isPublishing = false;
        this.publishNow();
      });
    }
  }

  private publishNow(): void {
    if (this.isEnded) {
      // A burst that was still under way would put the watch's end out of the records again.
      return;
    }
    const seen = this.status();
    const alert = alertText(seen);
    // While nothing is known, the alert stays as it was: the incident is neither over nor new.
    const isOver = this.isAlertOpen && seen.health !== 'unknown' && seen.health !== 'connecting';
    let isAlerted = false;
    if (alert !== undefined || isOver) {
      const isDone = this.records.writeAlert(alert);
      this.isAlertOpen = alert !== undefined || !isDone;
      isAlerted = alert !== undefined && isDone;
    }
    this.alerts.take(seen, this.history.take(seen, isAlerted));
    const record = { ...seen, ...this.alerts.part };
    this.records.writeStatus(record);
    this.statusEmitter.fire(record);
    this.heartbeat?.cancel();
    this.heartbeat = this.deps.clock.setTimer(heartbeatMs, () => {
      void this.monitor.lookAgain(record.runner.some(isConnectionInTrouble));
    });
  }
}

/** Takes accounts, secrets and the names of this machine and its user out of a text. */
function redactHere(text: string): string {
  return redact(text, {
    homeDirectory: homedir(),
    userName: userName(),
    hostName: hostname(),
  });
}

/** Empty where the system knows no name for our user id, as in some containers. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return '';
  }
}
