import { readdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../core/clock';
import { Coalescer } from '../core/coalescer';
import type { Disposable } from '../core/disposables';
import { errorCode, HumanError } from '../core/errors';
import { workspaceFolderName } from '../core/paths';
import type { RunnerStatus } from '../diagnostics/status';
import { createFactReader } from '../diagnostics/runnerReader';
import type { KillOutcome } from '../host/endProcess';
import type { Machine, ProcessIdentity } from '../host/machine';
import { classifyProcess, untouchableReason } from '../host/processRoles';
import type { Mode } from '../ibkr/endpoint';
import type { MarketState } from '../ibkr/marketState';
import type { PreflightReport } from '../preflight/report';
import type { StopOutcome } from '../runner/detached';
import { readLease } from '../runner/lease';
import { readIntent, type StartIntent } from '../runner/startIntent';
import { HelperProcesses, helpersLeftIn, type HelperStart } from '../runner/helperProcesses';
import type { RestartSettings } from '../runner/restartPolicy';
import { type BuiltInRunner, RunnerSupervisor, type StartOutcome } from '../runner/supervisor';
import { AutomaticRestart, type ConnectionReadiness, leftRestart } from './automaticRestart';
import { OneAtATime } from './oneAtATime';
import { type OpenRun, Orphans } from './orphans';
import type { StartRunnerParams, StartRunnerResult, StopRunnerResult } from './protocol';
import { RunnerEvents } from './runnerEvents';

/** A bypass needs a reason that says something (law 8). Characters. */
const leastReasonLength = 10;

export interface RunnersDependencies {
  readonly clock: Clock;
  readonly machine: Machine;
  readonly builtIn: BuiltInRunner;
  /** Whether the market of these symbols is open now (law 7). */
  readonly marketOf?: (symbols: readonly string[]) => MarketState;
  readonly log: (level: 'INFO' | 'WARN' | 'ERROR', token: string, words: string) => void;
  /** The runs that an earlier daemon has noted and that nobody has seen end. */
  readonly openRuns?: () => Promise<readonly OpenRun[]>;
  /** The mode of the accounts; undefined, or left out, where nobody knows: that counts as live. */
  readonly mode?: () => Mode | undefined;
  readonly connection?: ConnectionReadiness;
  /** The gate of an automatic start; without it the one that the trader's start has passed. */
  readonly gate?: (params: StartRunnerParams, stillWanted: AbortSignal) => Promise<PreflightReport>;
  readonly random?: () => number;
  readonly restartSettings?: RestartSettings;
  /**
   * The pid of a runner that a start would double, whoever has started that one. Asked with the
   * command that is really started, also for the built-in runner.
   */
  readonly doubledBy?: (params: StartRunnerParams) => Promise<number | undefined>;
  /** What the trader should know of this system before relying on a runner in it. */
  readonly warnings?: () => Promise<readonly string[]>;
}

type Gate = (stillWanted: AbortSignal) => Promise<PreflightReport>;

/** One who wants the runner started anew. */
interface RestartWish {
  readonly params: StartRunnerParams;
  readonly gate: Gate;
  readonly signal: AbortSignal;
}

/** What belongs to one workspace besides its supervisor. */
interface Companions {
  readonly helpers: HelperProcesses;
  readonly restart: AutomaticRestart;
  readonly restarts: Coalescer<RestartWish, StartRunnerResult>;
  /** Starts and stops of the processes themselves; no gate is waited for in it. */
  readonly turns: OneAtATime;
  /** How it was started last, by a person. */
  lastStart: { readonly params: StartRunnerParams; readonly gate: Gate } | undefined;
  /** The runner that an earlier monitor was to start again, as it had ended. */
  left: RunnerStatus | undefined;
}

/** A bypass has no report: it opens the gate by its reason. */
function isOpen(report: PreflightReport | null): boolean {
  return report === null || report.ok;
}

/** The runners of one endpoint, one a workspace. */
export class Runners implements Disposable {
  private readonly supervisors = new Map<string, RunnerSupervisor>();
  private readonly companions = new Map<string, Companions>();
  private warnings: readonly string[] | undefined;
  /** Starts that have not come to a process yet; a stop calls them off. */
  private readonly pendingStarts = new Map<AbortController, string>();
  private readonly orphans: Orphans;
  private isReleased = false;
  private readonly events = new RunnerEvents();

  readonly onDidChange = this.events.onDidChange;
  readonly onLines = this.events.onLines;
  readonly onFacts = this.events.onFacts;

  constructor(
    /** Holds one folder a workspace. */
    private readonly directory: string,
    private readonly deps: RunnersDependencies,
  ) {
    this.orphans = new Orphans(directory, deps, () => {
      this.events.changed();
    });
  }

  status(): readonly RunnerStatus[] {
    const supervised = [...this.supervisors].flatMap(([workspace, each]) => {
      const companions = this.companions.get(workspace);
      const status = each.status() ?? companions?.left;
      return status === undefined ? [] : [this.withCompanions(status, companions)];
    });
    return [...supervised, ...this.orphans.status()];
  }

  get isAnyAlive(): boolean {
    const isPending = [...this.companions.values()].some(({ restart }) => restart.isPending);
    return isPending || this.status().some(({ state }) => state !== 'exited');
  }

  /** Takes over the runners that an earlier daemon has left. */
  async adoptAll(): Promise<void> {
    for (const folder of this.folders()) {
      const lease = await readLease(join(this.directory, folder));
      if (!lease.known) {
        this.deps.log('WARN', 'runner.lease_unreadable', lease.why);
        continue;
      }
      const left = lease.value ?? (await this.startLeftIn(folder));
      if (left === undefined) {
        await this.adoptLeft(folder);
        continue;
      }
      const { workspace } = left;
      const supervisor = this.supervisor(workspace);
      const { helpers, restart } = this.companion(workspace);
      await helpers.adopt();
      restart.adopted(left.restartsByItself);
      const adopted = await supervisor.adopt();
      if (adopted.outcome === 'adopted') {
        await this.learnWarnings();
      }
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
    const known = new Set(this.status().map(({ workspace }) => workspace));
    await this.orphans.find((await this.deps.openRuns?.()) ?? [], known);
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
    if (this.orphans.status().length > 0) {
      await this.orphans.look();
    }
    const orphan = this.orphans.of(params.workspace);
    if (orphan !== undefined) {
      return { outcome: 'already running', pid: orphan };
    }
    // Before the gate, which takes its time; asked again just before the start.
    const doubled = living === undefined ? await this.doubledBy(params) : undefined;
    if (doubled !== undefined) {
      return { outcome: 'already running', pid: doubled };
    }
    const pending = new AbortController();
    this.pendingStarts.set(pending, params.workspace);
    const stillWanted = AbortSignal.any([signal, pending.signal]);
    try {
      return params.restart
        ? await this.restartsOf(params.workspace).run({ params, gate, signal: stillWanted })
        : await this.startByPerson(params, stillWanted, gate);
    } finally {
      this.pendingStarts.delete(pending);
    }
  }

  /** Grants wishes that came together with one new runner: as the newest who still waits has it. */
  private async restartOnce(wishes: readonly RestartWish[]): Promise<StartRunnerResult> {
    const wanted = wishes.findLast(({ signal }) => !signal.aborted) ?? wishes.at(-1);
    if (wanted === undefined) {
      throw new HumanError('Nobody asked for a restart.');
    }
    const whenAllGone = new AbortController();
    const consider = (): void => {
      if (wishes.every(({ signal }) => signal.aborted)) {
        whenAllGone.abort();
      }
    };
    wishes.forEach(({ signal }) => {
      signal.addEventListener('abort', consider, { once: true });
    });
    consider();
    return await this.startByPerson(wanted.params, whenAllGone.signal, wanted.gate);
  }

  private async startByPerson(
    params: StartRunnerParams,
    stillWanted: AbortSignal,
    gate: Gate,
  ): Promise<StartRunnerResult> {
    const result = await this.startIfPassed(params, stillWanted, gate, () => {
      const companions = this.companion(params.workspace);
      companions.lastStart = { params, gate };
      companions.left = undefined;
      companions.restart.startedByPerson(params.restartsByItself, params.workingDirectory);
    });
    if (result.outcome === 'started') {
      await this.learnWarnings();
    }
    return result;
  }

  /** Starts the runner as a person has started it last, through the gate, and never by a bypass. */
  private async startAgain(workspace: string): Promise<StartRunnerResult> {
    const { lastStart } = this.companion(workspace);
    if (lastStart === undefined || this.isReleased) {
      throw new HumanError('Nobody of this monitor has started it; start it once yourself.');
    }
    const params = { ...lastStart.params, restart: false };
    delete params.bypassReason;
    const { gate } = this.deps;
    const pending = new AbortController();
    this.pendingStarts.set(pending, workspace);
    try {
      return await this.startIfPassed(
        params,
        pending.signal,
        gate === undefined ? lastStart.gate : async (signal) => gate(params, signal),
      );
    } finally {
      this.pendingStarts.delete(pending);
    }
  }

  private async startIfPassed(
    params: StartRunnerParams,
    stillWanted: AbortSignal,
    gate: Gate,
    onPersonsStart?: () => void,
  ): Promise<StartRunnerResult> {
    let report = params.bypassReason === undefined ? await gate(stillWanted) : this.bypass(params);
    const living = this.living(params.workspace);
    if (isOpen(report) && params.restart && living !== undefined && !stillWanted.aborted) {
      const taken = await this.companion(living.workspace).helpers.takenPort(helpersOf(params));
      if (taken !== undefined) {
        return { outcome: 'failed', finding: taken };
      }
      await this.end(living.workspace);
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
    const started = await this.companion(params.workspace).turns.run(async () => {
      // A restart has ended the one that it replaces, and makes nothing double that was not.
      const isReplaced = params.restart && living !== undefined;
      const left =
        this.living(params.workspace)?.pid ??
        (isReplaced ? undefined : await this.doubledBy(params));
      return left === undefined
        ? this.startWithHelpers(params, stillWanted, onPersonsStart)
        : { outcome: 'already running' as const, pid: left };
    });
    if (started.outcome !== 'started') {
      return started;
    }
    this.deps.log('INFO', 'runner.started', `pid ${started.pid} of ${params.workspace}`);
    return { ...started, report };
  }

  private async startWithHelpers(
    params: StartRunnerParams,
    stillWanted: AbortSignal,
    onPersonsStart: (() => void) | undefined,
  ): Promise<StartOutcome> {
    const { helpers } = this.companion(params.workspace);
    const start = helpersOf(params);
    if (onPersonsStart !== undefined) {
      // Those that a runner which ended by itself has left are of the start before.
      await helpers.stop();
      const taken = await helpers.takenPort(start);
      if (taken !== undefined) {
        return { outcome: 'failed', finding: taken };
      }
    }
    await helpers.start('before', start);
    if (stillWanted.aborted) {
      await helpers.stop();
      throw new HumanError('The start was called off; no runner was started.');
    }
    onPersonsStart?.();
    const { restartsByItself } = params;
    const started = await this.supervisor(params.workspace).start({
      command: params.command,
      workingDirectory: params.workingDirectory,
      environment: params.environment,
      symbols: params.symbols,
      bypassReason: params.bypassReason ?? null,
      ...(restartsByItself === undefined ? {} : { restartsByItself }),
    });
    if (started.outcome === 'started') {
      await helpers.start('after', start);
    } else if (started.outcome === 'failed') {
      await helpers.stop();
    }
    return started;
  }

  async stop(workspace: string): Promise<StopRunnerResult> {
    this.callOff((of) => of === workspace);
    const { outcome, pid, how, wasKilled, why } = await this.end(
      this.living(workspace)?.workspace ?? workspace,
    );
    this.deps.log(
      'INFO',
      `runner.${outcome.replaceAll(' ', '_')}`,
      `pid ${pid ?? 'none'} of ${workspace}`,
    );
    const way = how === null ? {} : { how, isGraceful: how === 'TERM' || how === 'end of input' };
    return { outcome, pid, wasKilled, ...way, ...(why === null ? {} : { why }) };
  }

  private async end(workspace: string): Promise<StopOutcome> {
    const { restart, helpers, turns } = this.companion(workspace);
    restart.stoppedByPerson();
    return await turns.run(async () => {
      // The runner first: what serves it is there until it has ended.
      const stopped = await this.supervisor(workspace).stop();
      await helpers.stop();
      return stopped;
    });
  }

  /**
   * Stops those of our runners that are among the targets, as a person's stop does: that is no
   * crash, its helpers end with it, and whoever looks sees that it was asked for.
   */
  async stopAmong(targets: readonly ProcessIdentity[]): Promise<readonly KillOutcome[]> {
    const ours = [...this.supervisors].flatMap(([workspace, supervisor]) => {
      const pid = supervisor.status()?.pid ?? null;
      return pid !== null && targets.some((target) => target.pid === pid)
        ? [{ workspace, pid }]
        : [];
    });
    return await Promise.all(
      ours.map(async ({ workspace, pid }) => {
        this.callOff((of) => of === workspace);
        return killOutcome(pid, await this.end(workspace));
      }),
    );
  }

  /** Lets every runner go on without us: the next daemon finds the leases. */
  async release(): Promise<void> {
    this.isReleased = true;
    this.callOff(() => true);
    await Promise.all([...this.supervisors.values()].map(async (each) => each.release()));
    for (const { restart, helpers } of this.companions.values()) {
      await restart.kept();
      restart.dispose();
      helpers.release();
    }
  }

  dispose(): void {
    this.orphans.dispose();
    this.events.dispose();
    for (const supervisor of this.supervisors.values()) {
      supervisor.dispose();
    }
    for (const { restart, helpers } of this.companions.values()) {
      restart.dispose();
      helpers.dispose();
    }
  }

  /** The runner that lives in a folder, also where it was started by another path, through a link. */
  private living(workspace: string):
    | {
        readonly workspace: string;
        readonly supervisor: RunnerSupervisor;
        readonly pid: number;
      }
    | undefined {
    const folder = realFolder(workspace);
    for (const [other, supervisor] of this.supervisors) {
      const pid = supervisor.status()?.pid ?? null;
      if (pid !== null && (other === workspace || realFolder(other) === folder)) {
        return { workspace: other, supervisor, pid };
      }
    }
    return undefined;
  }

  private async doubledBy(params: StartRunnerParams): Promise<number | undefined> {
    const { builtIn, doubledBy } = this.deps;
    const command = params.command.length > 0 ? params.command : [builtIn.execPath, builtIn.script];
    return await doubledBy?.({ ...params, command });
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
        onDetached: (level, words) => {
          this.deps.log(level, 'runner.detached', `${workspace}: ${words}`);
        },
        isUntouchable: (process) => untouchableReason(classifyProcess(process), true) !== undefined,
      },
    );
    const { restart } = this.companion(workspace);
    supervisor.onDidChange((status) => {
      restart.seen(status);
      this.events.changed();
    });
    this.events.forward(workspace, supervisor);
    this.supervisors.set(workspace, supervisor);
    return supervisor;
  }

  private companion(workspace: string): Companions {
    const known = this.companions.get(workspace);
    if (known !== undefined) {
      return known;
    }
    const { clock, machine, mode, connection, random, restartSettings, log } = this.deps;
    const directory = join(this.directory, workspaceFolderName(workspace));
    const onChange = (): void => {
      this.events.changed();
    };
    const made: Companions = {
      helpers: new HelperProcesses(directory, { clock, machine, onChange }),
      restart: new AutomaticRestart(directory, {
        clock,
        log,
        onChange,
        random: random ?? Math.random,
        mode: mode ?? ((): undefined => undefined),
        start: async () => this.startAgain(workspace),
        ...(connection === undefined ? {} : { connection }),
        ...(restartSettings === undefined ? {} : { settings: restartSettings }),
      }),
      turns: new OneAtATime(),
      restarts: new Coalescer(async (wishes) => this.restartOnce(wishes)),
      lastStart: undefined,
      left: undefined,
    };
    this.companions.set(workspace, made);
    return made;
  }

  /** The queue of a folder, by whatever path it is called. */
  private restartsOf(workspace: string): Companions['restarts'] {
    return this.companion(this.living(workspace)?.workspace ?? workspace).restarts;
  }

  private withCompanions(status: RunnerStatus, companions: Companions | undefined): RunnerStatus {
    if (companions === undefined) {
      return status;
    }
    const { restart, helpers } = companions;
    return {
      ...status,
      // Whoever waits for the end leaves then, and would miss that it is started again.
      state: status.state === 'exited' && restart.isDeciding ? 'stopping' : status.state,
      restart: restart.now,
      helpers: helpers.status(),
      warnings: [...(status.warnings ?? []), ...(this.warnings ?? [])],
    };
  }

  /** A folder without a lease: a runner that was to be started again, or helpers that live on. */
  /** A start that the death of a daemon has cut off before there was a lease. */
  private async startLeftIn(folder: string): Promise<StartIntent | undefined> {
    const intent = await readIntent(join(this.directory, folder));
    if (!intent.known) {
      this.deps.log('WARN', 'runner.start_unreadable', intent.why);
    }
    return intent.known ? intent.value : undefined;
  }

  private async adoptLeft(folder: string): Promise<void> {
    const directory = join(this.directory, folder);
    const left = await leftRestart(directory);
    const workspace = left?.status.workspace ?? (await helpersLeftIn(directory));
    if (workspace === undefined) {
      return;
    }
    this.supervisor(workspace);
    const companions = this.companion(workspace);
    await companions.helpers.adopt();
    if (left !== undefined) {
      companions.left = left.status;
      companions.restart.giveUpLeft(left);
      this.deps.log('WARN', 'runner.restart_lost', companions.restart.now.why);
    }
  }

  private async learnWarnings(): Promise<void> {
    if (this.warnings === undefined) {
      this.warnings = (await this.deps.warnings?.()) ?? [];
      for (const warning of this.warnings) {
        this.deps.log('WARN', 'runner.lifetime', warning);
      }
      this.events.changed();
    }
  }
}

function killOutcome(pid: number, { outcome, wasKilled, why }: StopOutcome): KillOutcome {
  switch (outcome) {
    case 'stopped':
      return wasKilled
        ? { pid, outcome: 'killed', why: 'it was ended without waiting any longer for its own end' }
        : { pid, outcome: 'ended', why: 'it ended when it was asked to' };
    case 'not running':
      return { pid, outcome: 'already gone', why: 'it had ended before' };
    case 'still alive':
      return { pid, outcome: 'still alive', why: why ?? 'it could not be ended' };
  }
}

function helpersOf(params: StartRunnerParams): HelperStart {
  const { helpers = [], workspace, workingDirectory, environment } = params;
  return { helpers, workspace, workingDirectory, environment };
}

function realFolder(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
