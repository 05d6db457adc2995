import type { Clock, Timer } from '../core/clock';
import type { Disposable } from '../core/disposables';
import { Emitter } from '../core/emitter';
import type { EndpointPaths } from '../core/paths';
import type { Finding } from '../diagnostics/finding';
import type { StatusRecord } from '../diagnostics/status';
import type { Machine } from '../host/machine';
import { Monitor } from '../monitor/monitor';
import { defaultTimings } from '../monitor/timings';
import { type LogLevel, Records } from '../monitor/records';
import { runPreflight } from '../preflight/preflight';
import type { LayerResult, PreflightReport } from '../preflight/report';
import type { DaemonArguments } from './daemonArguments';
import { defaultRefuseAfterMs, passGate } from './gate';
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
  private readonly records: Records;
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
    this.monitor = new Monitor(args.endpoint, args.clientId, {
      ...deps,
      timings: { ...defaultTimings, livenessIntervalMs: args.livenessIntervalMs },
    });
    this.runners = new Runners(paths.runners, {
      clock: deps.clock,
      machine: deps.machine,
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
    this.monitor.onDidLog(({ level, token, words }) => {
      this.log(level, token, words);
    });
    this.monitor.onDidChange(() => {
      this.publish();
    });
    this.runners.onDidChange(() => {
      this.publish();
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

  status(): StatusRecord {
    const { endpoint, clientId } = this.args;
    return statusRecord(
      this.monitor.snapshot,
      this.runners.status(),
      {
        endpoint,
        clientId,
        startedAtMs: this.startedAtMs,
        recordsProblem: this.records.problem,
      },
      this.deps.clock.now(),
    );
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
    this.monitor.ask();
    return this.status();
  }

  /** Ends the watch and says so in the records; runners go on. */
  async end(why: string): Promise<void> {
    this.log('INFO', 'daemon.ended', why);
    await this.runners.release();
    const last = this.status();
    this.isEnded = true;
    await this.monitor.end();
    this.dispose();
    this.records.writeAlert(undefined);
    this.records.writeStatus({
      ...last,
      connected: false,
      health: 'unknown',
      since: last.timestamp,
      message: `Not watched since ${last.timestamp}: ${why}.`,
      findings: [],
      session: { ...last.session, state: 'idle', connectedAt: null, nextDialAt: null },
    });
  }

  /** Ends the watch without a word in the records, which are another daemon's by now. */
  async abandon(): Promise<void> {
    this.isEnded = true;
    await this.monitor.end();
    this.dispose();
  }

  dispose(): void {
    this.heartbeat?.cancel();
    this.monitor.dispose();
    this.runners.dispose();
    this.statusEmitter.dispose();
  }

  log(level: LogLevel, token: string, words: string): void {
    this.records.log(this.deps.clock.now(), level, token, words);
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
    const record = this.status();
    this.records.writeStatus(record);
    const alert = alertText(record);
    // While nothing is known, the alert stays as it was: the incident is neither over nor new.
    const isOver =
      this.isAlertOpen && record.health !== 'unknown' && record.health !== 'connecting';
    if (alert !== undefined || isOver) {
      const isDone = this.records.writeAlert(alert);
      this.isAlertOpen = alert !== undefined || !isDone;
    }
    this.statusEmitter.fire(record);
    this.heartbeat?.cancel();
    this.heartbeat = this.deps.clock.setTimer(heartbeatMs, () => {
      void this.monitor.lookAgain();
    });
  }
}
