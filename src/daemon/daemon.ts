import { homedir, hostname, userInfo } from 'node:os';
import { type Clock, isoTime, type Timer } from '../core/clock';
import type { Disposable } from '../core/disposables';
import { Emitter } from '../core/emitter';
import { HumanError } from '../core/errors';
import type { EndpointPaths } from '../core/paths';
import { redact } from '../core/redaction';
import { version } from '../core/version';
import type { Finding } from '../diagnostics/finding';
import { isConnectionInTrouble, withVerdict } from '../diagnostics/runnerVerdict';
import type { IncidentStatus, RunnerStatus, StatusRecord } from '../diagnostics/status';
import type { Machine } from '../host/machine';
import { toolRunner } from '../host/tool';
import { lifetimeWarnings, readLifetimeFacts } from '../host/lifetime';
import { Monitor } from '../monitor/monitor';
import { RecordCopies } from '../monitor/recordCopies';
import { timeOfDay } from '../monitor/restartTimes';
import { defaultTimings, type MonitorTimings } from '../monitor/timings';
import { Recovery } from '../monitor/recovery';
import { modeOf } from '../monitor/recoveryEvidence';
import { type LogLevel, Records } from '../monitor/records';
import { runPreflight } from '../preflight/preflight';
import type { LayerResult, PreflightReport } from '../preflight/report';
import { Alerts } from './alerts';
import type { AlertSource, SettingsBySource } from './alertSettings';
import type { DaemonArguments } from './daemonArguments';
import { ExternalRunners } from './externalRunners';
import { defaultRefuseAfterMs, passGate } from './gate';
import { DashboardData } from './dashboardData';
import { DuplicateWatch } from './duplicateWatch';
import { Feed } from './feed/feed';
import { FeedTalk } from './feed/feedTalk';
import { pageDirectory } from './feed/pageAssets';
import { History } from './history';
import { readOpenRuns } from './historyReader';
import type { OpenRun } from './orphans';
import { writeLastTest } from './lastTest';
import { endListed, listProcesses, type ProcessesDependencies, runnerDoubledBy } from './processes';
import type {
  KillOutcome,
  KillProcessesParams,
  ListProcessesParams,
  OpenFeedResult,
  ProcessListing,
  StartRunnerParams,
  StartRunnerResult,
  StopRunnerResult,
  TestParams,
  UnwatchRunnerResult,
  WatchRunnerParams,
  WatchRunnerResult,
} from './protocol';
import { RunnerClientIds } from './runnerClientIds';
import type { PlannedTimes } from './plannedTimes';
import { Runners, type RunnersDependencies } from './runners';
import { alertText, statusRecord } from './statusRecord';
import { WatchSetup } from './watchSetup';
import {
  checkFeedPort,
  describeWatch,
  type EffectiveWatch,
  scheduleOf,
  type WatchSettingsBySource,
} from './watchSettings';

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
  readonly dashboard: DashboardData;
  private readonly feed: Feed;
  private readonly talk: FeedTalk;
  private readonly external: ExternalRunners;
  private readonly monitor: Monitor;
  private readonly recovery: Recovery;
  private readonly runnerIds = new RunnerClientIds();
  private readonly records: Records;
  private readonly setup: WatchSetup;
  private readonly history: History;
  private readonly alerts: Alerts;
  private readonly duplicates: DuplicateWatch;
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
    this.setup = this.openSetup();
    this.followCopies();
    this.history = this.openHistory();
    this.alerts = this.openAlerts();
    this.monitor = this.openMonitor();
    this.runners = new Runners(paths.runners, {
      clock: deps.clock,
      machine: deps.machine,
      marketOf: (symbols) => this.monitor.marketOf(symbols),
      ...this.restartDependencies(),
      openRuns: async () => this.openRuns(),
      doubledBy: async (params) => runnerDoubledBy(params, this.processesDependencies()),
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
    this.external = this.openExternal();
    this.recovery = this.openRecovery();
    this.duplicates = this.openDuplicates();
    this.dashboard = this.openDashboard();
    this.talk = new FeedTalk({ clock: deps.clock, status: () => this.status() });
    this.feed = this.openFeedServer();
    this.follow();
  }

  private follow(): void {
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
    for (const source of [this.runners, this.external]) {
      source.onFacts(({ workspace, facts }) => {
        this.history.hear(workspace, facts);
        this.dashboard.hear(workspace, facts);
        this.talk.hear(workspace, facts);
      });
      source.onLines(({ workspace, lines }) => {
        this.talk.hearLines(workspace, lines);
      });
    }
  }

  /** Takes over the runners of a dead daemon. */
  async adopt(): Promise<void> {
    await this.external.adoptAll();
    await this.runners.adoptAll();
  }

  /** Begins to watch; the first verdict clears or confirms the alert that a dead daemon has left. */
  watch(): void {
    const { restartMinute } = this.monitor;
    if (restartMinute !== undefined) {
      const words = `TWS restarts itself at ${timeOfDay(restartMinute)} of its clock`;
      this.log('INFO', 'schedule.known', words);
    }
    this.monitor.ask();
    void this.feed.configure(this.setup.effective.feed);
    this.duplicates.begin();
    this.publishNow();
  }

  /** A runner that lives, its own or one that is watched, keeps the daemon. */
  get isAnyRunnerAlive(): boolean {
    return this.runners.isAnyAlive || this.external.isAnyAlive;
  }

  /** Pages and programs that listen to the feed; they keep the daemon too. */
  get feedClients(): number {
    return this.feed.clients;
  }

  /**
   * Turns the feed on for as long as this daemon lives; see Feed.
   * @throws HumanError when it cannot be opened
   */
  async openFeed(port: number | undefined): Promise<OpenFeedResult> {
    checkFeedPort(port ?? 0, this.args.endpoint);
    const address = await this.feed.open(port);
    // Who asked for it may read the port in the status file.
    this.askedStatus();
    return address;
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

  /**
   * Takes settings of the watch as a source says them; they count from now on. Null only asks
   * what was said.
   * @throws HumanError when one of them is wrong; then nothing is changed.
   */
  configureWatch(source: AlertSource, settings: unknown): WatchSettingsBySource {
    if (settings !== null) {
      const before = this.setup.effective;
      this.setup.configure(source, settings);
      this.followSettings(before);
    }
    return this.setup.said;
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
      this.allRunners().map((runner) => withVerdict(runner, ownSession, nowMs)),
      {
        endpoint,
        clientId: this.monitor.clientId,
        startedAtMs: this.startedAtMs,
        recordsProblem: this.recordsProblem,
      },
      nowMs,
    );
    return {
      ...record,
      findings: [...record.findings, ...this.duplicates.findings],
      duplicates: this.duplicates.status,
      recovery: this.recovery.attempts,
      feed: this.feed.status,
    };
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
    writeLastTest(this.paths, report);
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
    const watched = this.external.livingIn(params.workspace);
    if (watched !== undefined) {
      return { outcome: 'already running', pid: watched };
    }
    this.runnerIds.note(params.workspace, params.environment);
    const result = await this.runners.start(params, signal, async (stillWanted) =>
      this.passGate(params, { ...progress, signal: stillWanted }),
    );
    if (result.outcome === 'started') {
      this.external.forget(params.workspace);
    }
    return result;
  }

  /** The gate of every start, also of those that nobody sits before. */
  private async passGate(
    { symbols, mode, refuseAfterMs = defaultRefuseAfterMs, workspace }: StartRunnerParams,
    progress: RequestProgress,
  ): Promise<PreflightReport> {
    const report = await passGate(
      { symbols, mode, refuseAfterMs },
      { ...this.preflightDependencies(progress), onEarlyWord: progress.onEarlyWord },
    );
    writeLastTest(this.paths, report);
    this.refuseDouble(workspace);
    return report;
  }

  /** Somebody may have asked to watch a runner of this folder while the gate waited. */
  private refuseDouble(workspace: string): void {
    const pid = this.external.livingIn(workspace);
    if (pid !== undefined) {
      throw new HumanError(
        `A runner of ${workspace} (pid ${pid}), started elsewhere, is watched by now; no second one was started.`,
      );
    }
  }

  async stopRunner(workspace: string): Promise<StopRunnerResult> {
    const pid = this.external.livingIn(workspace);
    if (pid !== undefined) {
      throw new HumanError(
        `The runner of ${workspace} (pid ${pid}) was started elsewhere and is only watched; end it where it was started, or "robo unwatch ${pid}" to watch it no more.`,
      );
    }
    return this.runners.stop(workspace);
  }

  /** Watches a runner that somebody else has started; see ExternalRunners. */
  async watchRunner(params: WatchRunnerParams): Promise<WatchRunnerResult> {
    return this.external.watch(params);
  }

  async unwatchRunner(pid: number): Promise<UnwatchRunnerResult> {
    return { outcome: (await this.external.unwatch(pid)) ? 'unwatched' : 'not watched' };
  }

  async listProcesses(params: ListProcessesParams): Promise<ProcessListing> {
    if (params.workspace !== null) {
      this.duplicates.note({ workspace: params.workspace, command: params.command ?? [] });
    }
    return listProcesses(params, this.processesDependencies());
  }

  async killProcesses(params: KillProcessesParams): Promise<readonly KillOutcome[]> {
    const listing = await this.listProcesses(params);
    const outcomes = await endListed(params.targets, listing, {
      ...this.deps,
      look: async () => this.listProcesses(params),
      stopOwn: async (targets) => this.runners.stopAmong(targets),
    });
    await this.duplicates.ended();
    for (const { pid, outcome, why } of outcomes) {
      this.log('WARN', 'process.end', `pid ${pid}: ${outcome} (${why})`);
    }
    return outcomes;
  }

  reconnect(): StatusRecord {
    this.log('INFO', 'connection.asked', 'the user asked to reconnect');
    this.recovery.asked();
    this.monitor.askAnew();
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
    await Promise.all([
      this.monitor.end(),
      this.alerts.end(),
      this.feed.end(),
      this.external.end(),
    ]);
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
      feed: null,
    });
  }

  /** Ends the watch without a word in the records, which are another daemon's by now. */
  async abandon(): Promise<void> {
    this.isEnded = true;
    this.history.dispose();
    await Promise.all([this.monitor.end(), this.feed.end(), this.external.end()]);
    this.dispose();
  }

  dispose(): void {
    this.heartbeat?.cancel();
    this.history.dispose();
    this.alerts.dispose();
    this.recovery.dispose();
    this.duplicates.dispose();
    this.monitor.dispose();
    this.external.dispose();
    void this.feed.end();
    this.talk.dispose();
    this.dashboard.dispose();
    this.runners.dispose();
    this.statusEmitter.dispose();
  }

  log(level: LogLevel, token: string, words: string): void {
    this.records.log(this.deps.clock.now(), level, token, words);
  }

  /** Why something of the records cannot be written, the most important first. */
  private get recordsProblem(): string | null {
    return (
      this.records.problem ??
      this.history.problem ??
      this.setup.problem ??
      this.alerts.recordsProblem
    );
  }

  /** What automatic restarts need to know of the watch. */
  private restartDependencies(): Partial<RunnersDependencies> {
    const quiet = { onLayer: () => undefined, onEarlyWord: () => undefined };
    return {
      random: this.deps.random,
      // A rehearsal's runner ends when its scene says so.
      mode: () =>
        this.args.rehearsalOf === undefined
          ? modeOf(this.monitor.snapshot.accounts, this.args.endpoint)
          : undefined,
      connection: {
        isReady: () => ['healthy', 'degraded'].includes(this.monitor.snapshot.health),
        onDidChange: this.monitor.onDidChangeHealth,
      },
      gate: async (params, signal) => this.passGate(params, { ...quiet, signal }),
      warnings: async () =>
        lifetimeWarnings(
          await readLifetimeFacts({
            platform: process.platform,
            environment: process.env,
            userName: userName(),
          }),
        ),
    };
  }

  private openSetup(): WatchSetup {
    const { args, deps } = this;
    return new WatchSetup(this.paths, {
      args,
      planned: deps.planned,
      nowMs: this.startedAtMs,
      log: (level, token, words) => {
        this.log(level, token, words);
      },
    });
  }

  /** Lets the parts of the watch know of other settings. Recovery asks for its own at each step. */
  private followSettings(before: EffectiveWatch): void {
    const { effective } = this.setup;
    if (describeWatch(before) === describeWatch(effective)) {
      return;
    }
    this.log('INFO', 'settings.changed', describeWatch(effective));
    this.monitor.configure(scheduleOf(effective));
    if (before.livenessIntervalMs !== effective.livenessIntervalMs) {
      this.monitor.askSoon();
    }
    if (before.alsoAt !== effective.alsoAt) {
      this.followCopies();
    }
    void this.feed.configure(effective.feed);
    this.publish();
  }

  private followCopies(): void {
    const { alsoAt } = this.setup.effective;
    const owner = { ...this.args.endpoint, now: () => this.deps.clock.now() };
    this.records.copyTo(
      alsoAt === undefined ? undefined : new RecordCopies(this.paths, alsoAt, owner),
    );
  }

  private openMonitor(): Monitor {
    const { args, deps, setup } = this;
    const timings: MonitorTimings = {
      ...defaultTimings,
      get livenessIntervalMs() {
        return setup.effective.livenessIntervalMs;
      },
    };
    const schedule = { ...scheduleOf(setup.effective), restarts: setup.restarts };
    return new Monitor(args.endpoint, args.clientId, {
      ...deps,
      timings,
      ...(deps.planned === undefined ? {} : { zone: deps.planned.machineZone, schedule }),
      onRestarts: (seen) => {
        setup.keepRestarts(seen);
      },
      advise: async (ended) => this.recovery.advise(ended),
    });
  }

  private openRecovery(): Recovery {
    const { setup } = this;
    const recovery = new Recovery(this.monitor, {
      clock: this.deps.clock,
      machine: this.deps.machine,
      get settings() {
        return setup.effective.recovery;
      },
      runners: () => this.allRunners(),
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

  /** Without those that somebody else has started, which have no lease. */
  private async openRuns(): Promise<readonly OpenRun[]> {
    const runs = await readOpenRuns(this.paths.database);
    const watched = this.external.status().map(({ pid }) => pid);
    return runs.known ? runs.value.filter(({ pid }) => !watched.includes(pid)) : [];
  }

  private openExternal(): ExternalRunners {
    const external = new ExternalRunners(this.paths.directory, {
      clock: this.deps.clock,
      machine: this.deps.machine,
      endpoint: this.args.endpoint,
      marketOf: (symbols) => this.monitor.marketOf(symbols),
      supervised: () => this.runners.status(),
      log: (level, token, words) => {
        this.log(level, token, words);
      },
    });
    external.onDidChange(() => {
      this.publish();
    });
    return external;
  }

  private allRunners(): readonly RunnerStatus[] {
    return this.external.with(this.runners.status());
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

  private openDuplicates(): DuplicateWatch {
    const duplicates = new DuplicateWatch({
      ...this.processesDependencies(),
      clock: this.deps.clock,
      runners: () => this.allRunners(),
      onProblem: (why) => {
        this.log('WARN', 'duplicates.unknown', why);
      },
    });
    duplicates.onDidChange(() => {
      for (const { message } of duplicates.findings) {
        this.log('WARN', 'runner.duplicate', message);
      }
      this.publish();
    });
    return duplicates;
  }

  private openDashboard(): DashboardData {
    return new DashboardData({
      clock: this.deps.clock,
      paths: this.paths,
      status: () => this.status(),
      marketOf: (symbols) => this.monitor.marketOf(symbols),
      startedAtMs: this.startedAtMs,
    });
  }

  private openFeedServer(): Feed {
    return new Feed({
      clock: this.deps.clock,
      machine: this.deps.machine,
      directory: this.paths.directory,
      pageDirectory,
      sources: {
        '/feed': (send) => this.talk.subscribe(send),
        '/dashboard': (send) => this.dashboard.subscribe(send),
      },
      status: () => this.status(),
      log: (level, token, words) => {
        this.log(level, token, words);
      },
      onChange: () => {
        this.publish();
      },
      onClients: () => {
        this.publish();
      },
    });
  }

  private processesDependencies(): ProcessesDependencies {
    return {
      machine: this.deps.machine,
      endpoint: this.args.endpoint,
      runnersDirectory: this.paths.runners,
      mode: () => this.status().session.mode ?? undefined,
    };
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
    this.setup.retry();
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
    const changed = this.history.take(seen, isAlerted);
    this.alerts.take(seen, changed);
    const record = { ...seen, ...this.alerts.part };
    this.dashboard.takeStatus(record);
    this.dashboard.takeIncidents(changed);
    this.talk.stateChanged();
    this.records.writeStatus(record);
    this.statusEmitter.fire(record);
    if (this.recordsProblem !== record.monitor.recordsProblem) {
      // What this very write has shown must not wait for the next one.
      this.publish();
    }
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
