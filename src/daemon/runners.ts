import { readdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../core/clock';
import type { Disposable } from '../core/disposables';
import { Emitter } from '../core/emitter';
import { errorCode, HumanError } from '../core/errors';
import { workspaceFolderName } from '../core/paths';
import type { RunnerFact } from '../diagnostics/runnerFacts';
import type { RunnerStatus } from '../diagnostics/status';
import { createFactReader } from '../diagnostics/runnerReader';
import type { Machine } from '../host/machine';
import { classifyProcess, untouchableReason } from '../host/processRoles';
import type { MarketState } from '../ibkr/marketState';
import type { PreflightReport } from '../preflight/report';
import { readLease } from '../runner/lease';
import { type BuiltInRunner, RunnerSupervisor } from '../runner/supervisor';
import type {
  RunnerLogLines,
  StartRunnerParams,
  StartRunnerResult,
  StopRunnerResult,
} from './protocol';

/** A bypass needs a reason that says something (law 8). Characters. */
const leastReasonLength = 10;

export interface RunnersDependencies {
  readonly clock: Clock;
  readonly machine: Machine;
  readonly builtIn: BuiltInRunner;
  /** Whether the market of these symbols is open now (law 7). */
  readonly marketOf?: (symbols: readonly string[]) => MarketState;
  readonly log: (level: 'INFO' | 'WARN' | 'ERROR', token: string, words: string) => void;
}

/** What the runner of a workspace has said. */
export interface RunnerFacts {
  readonly workspace: string;
  readonly facts: readonly RunnerFact[];
}

/** A bypass has no report: it opens the gate by its reason. */
function isOpen(report: PreflightReport | null): boolean {
  return report === null || report.ok;
}

/** The runners of one endpoint, one a workspace. */
export class Runners implements Disposable {
  private readonly supervisors = new Map<string, RunnerSupervisor>();
  /** Starts that have not come to a process yet; a stop calls them off. */
  private readonly pendingStarts = new Map<AbortController, string>();
  private isReleased = false;
  private readonly changeEmitter = new Emitter<void>();
  private readonly linesEmitter = new Emitter<RunnerLogLines>();
  private readonly factsEmitter = new Emitter<RunnerFacts>();

  readonly onDidChange = this.changeEmitter.event;
  readonly onLines = this.linesEmitter.event;
  readonly onFacts = this.factsEmitter.event;

  constructor(
    /** Holds one folder a workspace. */
    private readonly directory: string,
    private readonly deps: RunnersDependencies,
  ) {}

  status(): readonly RunnerStatus[] {
    return [...this.supervisors.values()].flatMap((supervisor) => supervisor.status() ?? []);
  }

  get isAnyAlive(): boolean {
    return this.status().some(({ state }) => state !== 'exited');
  }

  /** Takes over the runners that an earlier daemon has left. */
  async adoptAll(): Promise<void> {
    for (const folder of this.folders()) {
      const lease = await readLease(join(this.directory, folder));
      if (!lease.known) {
        this.deps.log('WARN', 'runner.lease_unreadable', lease.why);
        continue;
      }
      if (lease.value === undefined) {
        continue;
      }
      const { workspace } = lease.value;
      const adopted = await this.supervisor(workspace).adopt();
      if (adopted.outcome === 'adopted') {
        this.deps.log('INFO', 'runner.adopted', `pid ${adopted.pid} of ${workspace} goes on`);
      } else if (adopted.outcome === 'gone') {
        this.deps.log(
          'WARN',
          'runner.gone',
          `the runner of ${workspace} ended while nobody watched`,
        );
      }
    }
  }

  /**
   * Starts a workspace's runner behind the gate. The gate comes before a restart's stop, so that
   * a living runner is not ended for one that may not start. Nothing is started for a caller that
   * has called it off or is gone, nor after a stop that came while the gate waited.
   */
  async start(
    params: StartRunnerParams,
    signal: AbortSignal,
    gate: (stillWanted: AbortSignal) => Promise<PreflightReport>,
  ): Promise<StartRunnerResult> {
    if (this.isReleased) {
      throw new HumanError('The monitor is ending; run the command again to start it anew.');
    }
    const living = this.living(params.workspace);
    if (living !== undefined && !params.restart) {
      return { outcome: 'already running', pid: living.pid };
    }
    const pending = new AbortController();
    this.pendingStarts.set(pending, params.workspace);
    try {
      return await this.startIfPassed(params, AbortSignal.any([signal, pending.signal]), gate);
    } finally {
      this.pendingStarts.delete(pending);
    }
  }

  private async startIfPassed(
    params: StartRunnerParams,
    stillWanted: AbortSignal,
    gate: (stillWanted: AbortSignal) => Promise<PreflightReport>,
  ): Promise<StartRunnerResult> {
    let report = params.bypassReason === undefined ? await gate(stillWanted) : this.bypass(params);
    const living = this.living(params.workspace);
    if (isOpen(report) && params.restart && living !== undefined && !stillWanted.aborted) {
      await living.supervisor.stop();
      // Ending it may have taken its time, and the gate holds for just now only.
      report = report === null ? null : await gate(stillWanted);
    }
    if (report !== null && !report.ok) {
      this.deps.log(
        'WARN',
        'gate.shut',
        `${params.workspace}: ${report.findings[0]?.message ?? `layer ${report.failedLayer ?? report.unknownLayer ?? 'unknown'}`}`,
      );
      return { outcome: 'refused', report };
    }
    if (stillWanted.aborted) {
      throw new HumanError('The start was called off; no runner was started.');
    }
    const left = this.living(params.workspace);
    if (left !== undefined) {
      return { outcome: 'already running', pid: left.pid };
    }
    const started = await this.supervisor(params.workspace).start({
      command: params.command,
      workingDirectory: params.workingDirectory,
      environment: params.environment,
      symbols: params.symbols,
      bypassReason: params.bypassReason ?? null,
    });
    if (started.outcome !== 'started') {
      return started;
    }
    this.deps.log('INFO', 'runner.started', `pid ${started.pid} of ${params.workspace}`);
    return { ...started, report };
  }

  async stop(workspace: string): Promise<StopRunnerResult> {
    this.callOff((of) => of === workspace);
    const supervisor = this.living(workspace)?.supervisor ?? this.supervisor(workspace);
    const { outcome, pid, wasKilled } = await supervisor.stop();
    this.deps.log(
      'INFO',
      `runner.${outcome.replaceAll(' ', '_')}`,
      `pid ${pid ?? 'none'} of ${workspace}`,
    );
    return { outcome, pid, wasKilled };
  }

  /** Lets every runner go on without us: the next daemon finds the leases. */
  async release(): Promise<void> {
    this.isReleased = true;
    this.callOff(() => true);
    await Promise.all([...this.supervisors.values()].map(async (each) => each.release()));
  }

  dispose(): void {
    this.changeEmitter.dispose();
    this.linesEmitter.dispose();
    this.factsEmitter.dispose();
    for (const supervisor of this.supervisors.values()) {
      supervisor.dispose();
    }
  }

  /** The runner that lives in a folder, also where it was started by another path, through a link. */
  private living(
    workspace: string,
  ): { readonly supervisor: RunnerSupervisor; readonly pid: number } | undefined {
    const folder = realFolder(workspace);
    for (const [other, supervisor] of this.supervisors) {
      const pid = supervisor.status()?.pid ?? null;
      if (pid !== null && (other === workspace || realFolder(other) === folder)) {
        return { supervisor, pid };
      }
    }
    return undefined;
  }

  private callOff(isMeant: (workspace: string) => boolean): void {
    for (const [pending, workspace] of this.pendingStarts) {
      if (isMeant(workspace)) {
        pending.abort();
      }
    }
  }

  /** The bypass serves once, is logged, and needs a reason. */
  private bypass(params: StartRunnerParams): null {
    const reason = params.bypassReason?.trim() ?? '';
    if (reason.length < leastReasonLength) {
      throw new HumanError(
        `A start without the gate needs a reason of at least ${leastReasonLength} characters; "${reason}" is too short.`,
      );
    }
    this.deps.log('WARN', 'gate.bypassed', `${params.workspace}: ${reason}`);
    return null;
  }

  private folders(): readonly string[] {
    try {
      return readdirSync(this.directory);
    } catch (error) {
      if (errorCode(error) === 'ENOENT') {
        return [];
      }
      throw error;
    }
  }

  private supervisor(workspace: string): RunnerSupervisor {
    const known = this.supervisors.get(workspace);
    if (known !== undefined) {
      return known;
    }
    const supervisor = new RunnerSupervisor(
      workspace,
      join(this.directory, workspaceFolderName(workspace)),
      {
        clock: this.deps.clock,
        machine: this.deps.machine,
        builtIn: this.deps.builtIn,
        ...(this.deps.marketOf === undefined ? {} : { marketOf: this.deps.marketOf }),
        createReader: createFactReader,
        isUntouchable: (process) => untouchableReason(classifyProcess(process), true) !== undefined,
      },
    );
    supervisor.onDidChange(() => {
      this.changeEmitter.fire();
    });
    supervisor.onLines((lines) => {
      this.linesEmitter.fire({ workspace, lines });
    });
    supervisor.onFacts((facts) => {
      this.factsEmitter.fire({ workspace, facts });
    });
    this.supervisors.set(workspace, supervisor);
    return supervisor;
  }
}

function realFolder(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
