import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, isoTime, type Timer } from '../core/clock';
import type { Disposable } from '../core/disposables';
import { Emitter, type Event } from '../core/emitter';
import { errorText } from '../core/errors';
import { known, type Observed, unknown } from '../core/observed';
import type { CauseId } from '../diagnostics/causeIds';
import type { Finding } from '../diagnostics/finding';
import { causeOfWriteProblem } from '../diagnostics/recordsFinding';
import type { RunnerFact } from '../diagnostics/runnerFacts';
import type { RunnerStatus } from '../diagnostics/status';
import { endOwnTree } from '../host/endProcess';
import { isSameProcess } from '../host/processTree';
import type { Machine, ProcessInfo } from '../host/machine';
import { type MarketState, marketState } from '../ibkr/marketState';
import { type Fall, fallsAfter } from './crashLoop';
import {
  afterExit,
  type DetachedDeps,
  endDetached,
  type LeftProcess,
  leftWords,
  type StopOutcome,
  withDetached,
} from './detached';
import { runnerEnvironment, runVariable } from './environment';
import { type LaunchAttempt, launchFailure, launchFinding } from './launchFailure';
import { type Lease, readLease, removeLease, writeLease } from './lease';
import { forgetLeft, leftBefore, noteLastRun } from './lastRun';
import type { MarkedEnd, RunMark } from './markedProcesses';
import { openForAppend, OutputFollower } from './output';
import { runnerStatus } from './runnerStatus';
import {
  isIdle,
  reduceRunner,
  type RunnerEvent,
  type RunnerPhase,
  type RunnerProcess,
} from './runnerState';
import { newerSource, type SourceFile } from './sourceAge';
import { removeUnfinished } from './stateFile';
import { endInput, hasExited, spawnDetached } from './spawnDetached';
import { newRunName, readIntent, removeIntent, startedBy, writeIntent } from './startIntent';
import { RunnerTranscript } from './transcript';

/** A wish to start a runner; the gate has been passed before. */
export interface RunnerRequest {
  /** Argument array, placeholders replaced, never seen by a shell. Empty: the built-in runner. */
  readonly command: readonly string[];
  readonly workingDirectory: string;
  /** The environment of the window or shell that asks. */
  readonly environment: Readonly<Record<string, string>>;
  readonly symbols: readonly string[];
  readonly bypassReason: string | null;
  /** What the start asks for; kept for whoever comes after us. */
  readonly restartsByItself?: boolean;
}

/** How the built-in runner is started. */
export interface BuiltInRunner {
  readonly execPath: string;
  /** Absolute path of `runner.cjs`. */
  readonly script: string;
  /** On top of the request's: endpoint, and `ELECTRON_RUN_AS_NODE=1` on an editor's runtime. */
  readonly environment: Readonly<Record<string, string>>;
}

export interface SupervisorDeps {
  readonly clock: Clock;
  readonly machine: Pick<Machine, 'platform' | 'processes' | 'process' | 'background'>;
  readonly builtIn: BuiltInRunner;
  /** A reader of one run's output: facts in a line, with what the lines before it said. */
  readonly createReader: () => (line: string) => readonly RunnerFact[];
  /** TWS, IB Gateway, IBC, any java: never signalled. */
  readonly isUntouchable: (process: ProcessInfo) => boolean;
  /** Whether the market of these symbols is open now; unknown where it is left out. */
  readonly marketOf?: (symbols: readonly string[]) => MarketState;
  /** `process.kill`, replaced in tests. */
  readonly signal?: (pid: number, name: NodeJS.Signals) => void;
  /** Says what became of processes that a run had detached from itself. */
  readonly onDetached?: (level: 'INFO' | 'WARN', words: string) => void;
  /** How long TERM is given before KILL, in milliseconds. */
  readonly graceMs?: number;
  /** How long the end of its input is given, where that is the only way to ask. Milliseconds. */
  readonly politeMs?: number;
}

export type StartOutcome =
  | { readonly outcome: 'started'; readonly pid: number }
  | { readonly outcome: 'already running'; readonly pid: number }
  | { readonly outcome: 'failed'; readonly finding: Finding };

export type AdoptOutcome =
  | { readonly outcome: 'none' | 'gone' }
  | { readonly outcome: 'adopted'; readonly pid: number }
  | { readonly outcome: 'unknown'; readonly why: string };

type ExitedPhase = Extract<RunnerPhase, { name: 'exited' }>;

/** How often an adopted runner is looked for: nobody tells us when it ends. */
const lookMs = 1000;
/** How often the lease and what time alone changes (`silent`) are brought up to date. */
const upkeepMs = 5000;
/** How often the files of the running program are looked at. */
const sourceLookMs = 60_000;

/** What was asked for, kept for status and lease. */
type RunFacts = Pick<RunnerRequest, 'command' | 'symbols' | 'bypassReason'> &
  Partial<Pick<RunnerRequest, 'restartsByItself' | 'workingDirectory'>> & {
    /** What its processes carry as `ROBO_RUN`; unknown of a run that an older version has started. */
    readonly run?: string;
  };

/**
 * Starts, watches, adopts and stops the runner of one workspace. It holds the runner by its
 * lease and its log file only, so that this process may die and another one go on.
 */
export class RunnerSupervisor implements Disposable {
  private readonly changeEmitter = new Emitter<RunnerStatus>();
  private readonly transcript: RunnerTranscript;
  private readonly logFile: string;
  private phase: RunnerPhase = { name: 'none' };
  private run: RunFacts = { command: [], symbols: [], bypassReason: null };
  private newerSource: SourceFile | null = null;
  private sourceLookAtMs = 0;
  private falls: readonly Fall[] = [];
  /** What a command that ended well has left running. */
  private leftBehind: readonly LeftProcess[] = [];
  private follower: OutputFollower | undefined;
  private child: ChildProcess | undefined;
  private recordsProblem: string | null = null;
  private leasedOffset = -1;
  private lookTimer: Timer | undefined;
  private upkeepTimer: Timer | undefined;
  private starting: Promise<StartOutcome> | undefined;
  private stopping: Promise<StopOutcome> | undefined;
  private closing: Promise<void> = Promise.resolve();
  private isClosing = false;
  private leasing: Promise<void> = Promise.resolve();
  private isDisposed = false;

  /** The status after every change. */
  readonly onDidChange = this.changeEmitter.event;
  /** New lines of output, one batch a look. */
  readonly onLines: Event<readonly string[]>;
  /** What the new lines say, one batch a look. */
  readonly onFacts: Event<readonly RunnerFact[]>;

  /**
   * @param workspace absolute path of the folder that the runner belongs to
   * @param directory folder of `runner.log` and the lease; made when needed, private
   */
  constructor(
    private readonly workspace: string,
    private readonly directory: string,
    private readonly deps: SupervisorDeps,
  ) {
    this.logFile = join(directory, 'runner.log');
    this.transcript = new RunnerTranscript(deps);
    this.onLines = this.transcript.onLines;
    this.onFacts = this.transcript.onFacts;
    this.transcript.onDidChange(() => {
      this.announce();
    });
  }

  /** What the start of the present or last run asked for; undefined where it left that open. */
  get restartsByItself(): boolean | undefined {
    return this.run.restartsByItself;
  }

  /** Null while there has been no runner of this workspace. */
  status(): RunnerStatus | null {
    const status = this.statusOfRun();
    return status === null || this.leftBehind.length === 0
      ? status
      : { ...status, warnings: [leftWords(this.leftBehind)] };
  }

  private statusOfRun(): RunnerStatus | null {
    return this.phase.name === 'none'
      ? null
      : runnerStatus({
          workspace: this.workspace,
          logFile: this.logFile,
          phase: this.phase,
          run: this.run,
          says: this.transcript.says,
          lastLines: this.transcript.lastLines,
          lastLineMs: this.transcript.lastLineMs,
          newerSource: this.newerSource,
          falls: this.falls,
          platform: this.deps.machine.platform,
          recordsProblem: this.recordsProblem,
          hasMoreToSay: this.isClosing,
          market: this.market,
          now: this.deps.clock.now(),
        });
  }

  /** By the symbols that it was started with, else by those that it speaks of. */
  private get market(): MarketState {
    const { symbols } = this.run;
    const { clock, marketOf } = this.deps;
    const traded = symbols.length > 0 ? symbols : [...this.transcript.says.symbols.keys()];
    return marketOf?.(traded) ?? marketState(clock.now(), undefined);
  }

  /** Starts the runner unless one of this workspace lives, also one that another daemon left. */
  async start(request: RunnerRequest): Promise<StartOutcome> {
    if (this.starting !== undefined) {
      const other = await this.starting;
      // Another one's wish was granted, not this one.
      return other.outcome === 'started'
        ? { outcome: 'already running', pid: other.pid }
        : await this.start(request);
    }
    this.starting = this.startOnce(request).finally(() => {
      this.starting = undefined;
    });
    return await this.starting;
  }

  /** Takes over what a lease says that another daemon has started. */
  async adopt(): Promise<AdoptOutcome> {
    const found = await this.left();
    if (!found.known) {
      return { outcome: 'unknown', why: found.why };
    }
    if (found.value === undefined || !isIdle(this.phase)) {
      return { outcome: 'none' };
    }
    const lease = found.value;
    const present = await this.deps.machine.process(lease.pid);
    if (!present.known) {
      const why = `Whether runner ${lease.pid} still runs could not be seen: ${present.why}`;
      return { outcome: 'unknown', why };
    }
    await removeUnfinished(this.directory);
    this.begin(lease);
    const startedAtMs = Date.parse(lease.startedAt);
    const process = { ...lease, startedAtMs, isOurChild: false };
    this.follow(Math.min(lease.offset, await this.logSize()));
    if (present.value === undefined || !isSameProcess(present.value, lease)) {
      this.dispatch({ kind: 'found gone', process });
      await this.closing;
      return { outcome: 'gone' };
    }
    // A program may replace itself (`exec`); the argv of now is what a signal is checked against.
    const adopted = { ...process, argv: present.value.argv };
    this.dispatch({ kind: 'adopted', process: adopted });
    await this.keepLease(adopted);
    return { outcome: 'adopted', pid: lease.pid };
  }

  /** The lease, or what a start that was cut off between spawn and lease has led to. */
  private async left(): Promise<Observed<Lease | undefined>> {
    const lease = await readLease(this.directory);
    if (!lease.known || lease.value !== undefined) {
      return lease;
    }
    const intent = await readIntent(this.directory);
    if (!intent.known || intent.value === undefined) {
      return intent.known ? known(undefined) : intent;
    }
    const started = await startedBy(intent.value, this.deps.machine);
    if (!started.known) {
      return unknown(
        `Whether the start of ${intent.value.askedAt} has led to a runner could not be seen: ${started.why}`,
      );
    }
    if (started.value === undefined) {
      // Should it stay, the next look comes to the same.
      await removeIntent(this.directory).catch(() => undefined);
      return known(undefined);
    }
    const { pid, startToken, argv, startedAtMs } = started.value;
    return known({
      ...intent.value,
      pid,
      startToken,
      argv: [...argv],
      startedAt: isoTime(startedAtMs),
    });
  }

  /**
   * Asks the whole tree to end, and who has left it, waits, KILL, verifies. Where the command has
   * ended and has left programs running, those, also of runs of a daemon before.
   */
  async stop(): Promise<StopOutcome> {
    if (this.starting !== undefined) {
      await this.starting;
    }
    if (this.phase.name === 'running') {
      this.stopping = new Promise((resolve) => {
        this.resolveStop = resolve;
      });
      this.dispatch({ kind: 'stop asked' });
    }
    const { phase } = this;
    const last = phase.name === 'exited' ? phase.process : undefined;
    const outcome = (await this.stopping) ?? withDetached(null, null, await this.endLeft(last));
    // Whoever asked may look at once, and would see it stopping, with a lease.
    await this.closing;
    return outcome;
  }

  /** Lets the runner go on without us: the next daemon finds the lease with the exact offset. */
  async release(): Promise<void> {
    // One that is just being started would be left without a lease.
    await this.starting?.catch(() => undefined);
    if (this.phase.name === 'running' || this.phase.name === 'stopping') {
      this.leasedOffset = -1;
      await this.keepLease(this.phase.process);
      this.child?.unref();
    }
    this.dispose();
  }

  dispose(): void {
    this.isDisposed = true;
    this.lookTimer?.cancel();
    this.upkeepTimer?.cancel();
    this.follower?.dispose();
    this.changeEmitter.dispose();
    this.transcript.dispose();
  }

  private resolveStop: (outcome: StopOutcome) => void = () => undefined;

  private async startOnce(request: RunnerRequest): Promise<StartOutcome> {
    await this.closing;
    if (this.phase.name === 'none') {
      const adopted = await this.adopt();
      if (adopted.outcome === 'unknown') {
        const message = `The runner was not started: ${adopted.why}. A second one must not be risked; end the first by hand if it runs, and delete ${this.directory}.`;
        return { outcome: 'failed', finding: this.failure('duplicate_runner', message, request) };
      }
    }
    if (this.phase.name === 'running' || this.phase.name === 'stopping') {
      return { outcome: 'already running', pid: this.phase.process.pid };
    }
    this.begin(request);
    this.dispatch({ kind: 'start asked' });
    const spawned = await this.spawn(request);
    if ('finding' in spawned) {
      // Should it stay, the next one finds no process of it.
      await removeIntent(this.directory).catch(() => undefined);
      this.follower?.dispose();
      this.dispatch({ kind: 'spawn failed', finding: spawned.finding });
      return { outcome: 'failed', finding: spawned.finding };
    }
    this.dispatch({ kind: 'spawned', process: spawned.process });
    await this.keepLease(spawned.process);
    this.forwardExit(spawned.child);
    return { outcome: 'started', pid: spawned.process.pid };
  }

  private failure(id: CauseId, message: string, request: RunnerRequest): Finding {
    const { platform } = this.deps.machine;
    const attempt = { workspace: this.workspace, argv: request.command, platform };
    return launchFinding(id, message, attempt, isoTime(this.deps.clock.now()));
  }

  /** A new run: nothing said yet, nothing printed yet. */
  private begin(run: RunFacts): void {
    const { command, symbols, bypassReason, restartsByItself, workingDirectory, run: name } = run;
    this.run = {
      command,
      symbols,
      bypassReason,
      ...(name === undefined ? {} : { run: name }),
      ...(restartsByItself === undefined ? {} : { restartsByItself }),
      ...(workingDirectory === undefined ? {} : { workingDirectory }),
    };
    this.transcript.restart(symbols);
    this.newerSource = null;
    this.sourceLookAtMs = 0;
    this.recordsProblem = null;
    this.leasedOffset = -1;
    this.leftBehind = [];
    this.child = undefined;
  }

  private async spawn(
    request: RunnerRequest,
  ): Promise<{ process: RunnerProcess; child: ChildProcess } | { finding: Finding }> {
    const plan = this.launch(request);
    const path = plan.environment['PATH'] ?? plan.environment['Path'];
    const { platform } = this.deps.machine;
    const attempt: LaunchAttempt = { workspace: this.workspace, ...plan, path, platform };
    let log;
    try {
      await mkdir(this.directory, { recursive: true, mode: 0o700 });
      log = await openForAppend(this.logFile);
    } catch (error) {
      const message = `The runner was not started: its log ${this.logFile} could not be opened (${errorText(error)}); free space or correct the permissions, or choose another folder with ROBO_STATE_DIR.`;
      return { finding: this.failure(causeOfWriteProblem(message), message, request) };
    }
    try {
      const { size } = await log.stat();
      this.follow(size);
      const run = newRunName();
      this.run = { ...this.run, run };
      const unwritten = await this.noteStart(run, plan.argv, size);
      if (unwritten !== undefined) {
        return { finding: this.failure(causeOfWriteProblem(unwritten), unwritten, request) };
      }
      const child = await spawnDetached(attempt, {
        environment: { ...plan.environment, [runVariable]: run },
        logFd: log.fd,
      });
      return { child, process: await this.identify(child, plan.argv) };
    } catch (error) {
      const at = isoTime(this.deps.clock.now());
      return { finding: await launchFailure(error, attempt, at) };
    } finally {
      await log.close();
    }
  }

  /** Says before the spawn what is going to run; why it could not, in words. */
  private async noteStart(
    run: string,
    argv: readonly string[],
    offset: number,
  ): Promise<string | undefined> {
    const { command, symbols, ...rest } = this.run;
    try {
      await writeIntent(this.directory, {
        ...rest,
        schema: 1,
        run,
        askedAt: isoTime(this.deps.clock.now()),
        argv: [...argv],
        workspace: this.workspace,
        command: [...command],
        symbols: [...symbols],
        offset,
      });
      return undefined;
    } catch (error) {
      return `The runner was not started: its start could not be noted in ${this.directory} (${errorText(error)}), so that another monitor would not know it; free space or correct the permissions, or choose another folder with ROBO_STATE_DIR.`;
    }
  }

  private launch(request: RunnerRequest): {
    readonly argv: readonly string[];
    readonly workingDirectory: string;
    readonly environment: Readonly<Record<string, string>>;
  } {
    const { workingDirectory, symbols } = request;
    const environment = runnerEnvironment(request.environment);
    if (request.command.length > 0) {
      return { argv: request.command, workingDirectory, environment };
    }
    const { builtIn } = this.deps;
    const list = symbols.length === 0 ? [] : ['--symbols', symbols.join(',')];
    return {
      argv: [builtIn.execPath, builtIn.script, ...list],
      workingDirectory,
      // Beside its log, whatever state directory this daemon was given.
      environment: {
        ROBO_PAPER_DB: join(this.directory, 'paper.db'),
        ...environment,
        ...builtIn.environment,
      },
    };
  }

  private async identify(child: ChildProcess, argv: readonly string[]): Promise<RunnerProcess> {
    const pid = child.pid ?? 0;
    const seen = await this.deps.machine.process(pid);
    const now = this.deps.clock.now();
    if (seen.known && seen.value !== undefined) {
      const { startToken, startedAtMs, argv: present } = seen.value;
      // While a script replaces itself (`exec`), the system shows no arguments for a moment.
      const known = present.length > 0 ? present : argv;
      return { pid, startToken, argv: known, startedAtMs, isOurChild: true };
    }
    // Ended already, or hidden: without a start time there is no identity to keep.
    if (!seen.known) {
      this.recordsProblem = `Another daemon would not know this runner, because its start time could not be read: ${seen.why}`;
    }
    return { pid, startToken: '', argv, startedAtMs: now, isOurChild: true };
  }

  private forwardExit(child: ChildProcess): void {
    this.child = child;
    const ended = (code: number | null, signal: NodeJS.Signals | null): void => {
      this.dispatch({ kind: 'ended', code, signal });
    };
    if (hasExited(child)) {
      ended(child.exitCode, child.signalCode);
    } else {
      child.once('exit', ended);
    }
  }

  private dispatch(event: RunnerEvent): void {
    const before = this.phase;
    const { phase, effects } = reduceRunner(before, event, this.deps.clock.now());
    this.phase = phase;
    for (const effect of effects) {
      switch (effect) {
        case 'watch':
          this.watch();
          break;
        case 'end tree':
          void this.endTree();
          break;
        case 'close':
          this.closing = this.close();
          break;
        default:
          effect satisfies never;
      }
    }
    if (phase !== before) {
      if (phase.name === 'exited') {
        this.falls = fallsAfter(this.falls, phase.exit, phase.process.startedAtMs);
      }
      this.announce();
    }
  }

  private announce(): void {
    const status = this.status();
    if (status !== null && !this.isDisposed) {
      this.changeEmitter.fire(status);
    }
  }

  private async endTree(): Promise<void> {
    if (this.phase.name !== 'stopping') {
      return;
    }
    const { process: leader } = this.phase;
    const child = this.child;
    const hasEnded = (): boolean => child === undefined || hasExited(child);
    const { clock, machine, isUntouchable, graceMs, politeMs } = this.deps;
    const tree = await endOwnTree(
      leader,
      { clock, machine, ownPid: process.pid, signal: this.deps.signal ?? sendSignal },
      {
        isUntouchable,
        isOwnAlive: () => !hasEnded(),
        askPolitely: () => endInput(child),
        ...(graceMs === undefined ? {} : { graceMs }),
        ...(politeMs === undefined ? {} : { politeMs }),
      },
    );
    if (tree.outcome !== 'still alive' && child !== undefined && !hasEnded()) {
      // The process table was quicker than the system's word to us, which says how it ended.
      await once(child, 'exit');
    }
    const isTreeGone = tree.outcome !== 'still alive';
    const detached = await endDetached(
      isTreeGone ? this.markOf(leader) : undefined,
      this.detachedDeps,
    );
    this.dispatch({ kind: 'tree ended', tree });
    await this.closing;
    this.stopping = undefined;
    this.resolveStop(withDetached(tree, leader.pid, detached));
  }

  /** How the processes of this run are known that have left its tree. */
  private markOf(leader: RunnerProcess | undefined): RunMark | undefined {
    const { run } = this.run;
    return leader === undefined || run === undefined
      ? undefined
      : { run, sinceMs: leader.startedAtMs };
  }

  private get detachedDeps(): DetachedDeps {
    const { clock, machine, graceMs, signal = sendSignal, onDetached } = this.deps;
    return { clock, machine, ownPid: process.pid, signal, graceMs, onDetached };
  }

  /** Where nothing runs any more: ends what this run, if any, and the runs before it have left. */
  private async endLeft(leader: RunnerProcess | undefined): Promise<MarkedEnd> {
    const own = this.markOf(leader);
    const before = (await leftBefore(this.directory)).filter(({ run }) => run !== own?.run);
    const marks = [...before, ...(own === undefined ? [] : [own])];
    const ends = await Promise.all(
      marks.map(async (mark) => ({ mark, end: await endDetached(mark, this.detachedDeps) })),
    );
    const isOver = ({ end }: (typeof ends)[number]): boolean => end.isSure && end.left.length === 0;
    await this.forget(ends.filter(isOver).map(({ mark }) => mark));
    if (this.leftBehind.length > 0) {
      this.leftBehind = [];
      this.announce();
    }
    return {
      isSure: ends.every(({ end }) => end.isSure),
      ended: ends.flatMap(({ end }) => end.ended),
      wasKilled: ends.some(({ end }) => end.wasKilled),
      left: ends.flatMap(({ end }) => end.left),
    };
  }

  /** Should it stay noted, the next look finds nothing of it. */
  private async forget(marks: readonly RunMark[]): Promise<void> {
    const runs = new Set(marks.map(({ run }) => run));
    await forgetLeft(this.directory, runs).catch(() => undefined);
  }

  /** Before the lease goes, so that no moment is without a word of what may be left. */
  private async noteEnd(): Promise<void> {
    const { phase } = this;
    if (phase.name === 'exited') {
      const mark = phase.exit.how === 'asked' ? undefined : this.markOf(phase.process);
      await noteLastRun(this.directory, this.run.command, mark);
    }
  }

  private follow(offset: number): void {
    this.follower?.dispose();
    const follower = new OutputFollower(this.logFile, offset, { clock: this.deps.clock });
    follower.onLines((lines) => {
      this.transcript.take(lines);
    });
    follower.onProblem((problem) => {
      this.recordsProblem = problem;
      this.announce();
    });
    this.follower = follower;
  }

  private watch(): void {
    this.lookTimer?.cancel();
    this.upkeepTimer?.cancel();
    if (this.phase.name === 'running' && !this.phase.process.isOurChild) {
      this.lookLater();
    }
    this.upkeepLater(this.mark());
  }

  private lookLater(): void {
    if (this.isDisposed) {
      return;
    }
    this.lookTimer = this.deps.clock.setTimer(lookMs, () => {
      void this.look();
    });
  }

  /** An adopted runner that is not there, or is another process now, has ended unseen. */
  private async look(): Promise<void> {
    if (this.phase.name !== 'running') {
      return;
    }
    const { process } = this.phase;
    const present = await this.deps.machine.process(process.pid);
    // A look that failed tells nothing (law 4).
    if (present.known && (present.value === undefined || !isSameProcess(present.value, process))) {
      this.dispatch({ kind: 'vanished' });
    } else {
      this.lookLater();
    }
  }

  private upkeepLater(mark: string): void {
    if (this.isDisposed) {
      return;
    }
    this.upkeepTimer = this.deps.clock.setTimer(upkeepMs, () => {
      void this.upkeep(mark);
    });
  }

  private async upkeep(markBefore: string): Promise<void> {
    if (this.phase.name !== 'running') {
      return;
    }
    const { process } = this.phase;
    await this.keepLease(process);
    await this.lookAtSource(process);
    const mark = this.mark();
    if (mark !== markBefore) {
      this.announce();
    }
    this.upkeepLater(mark);
  }

  /** What time alone changes: its work, and what is wrong with it. */
  private mark(): string {
    const status = this.status();
    const guides = status?.findings.map(({ guide }) => guide) ?? [];
    return [status?.work ?? '', ...guides].join(' ');
  }

  private async lookAtSource(process: RunnerProcess): Promise<void> {
    const now = this.deps.clock.now();
    if (now < this.sourceLookAtMs) {
      return;
    }
    this.sourceLookAtMs = now + sourceLookMs;
    const seen = await this.deps.machine.process(process.pid);
    const folder = (seen.known ? seen.value?.workingDirectory : undefined) ?? this.workspace;
    // What it runs now: at its start a wrapper (a shim of pyenv, `env`) may have stood there.
    const present = seen.known ? (seen.value?.argv ?? []) : [];
    const argv = present.length > 0 ? present : process.argv;
    this.newerSource = (await newerSource(argv, folder, process.startedAtMs)) ?? null;
  }

  /** Writes the lease where something changed; one write at a time. */
  private async keepLease(process: RunnerProcess): Promise<void> {
    this.leasing = this.leasing.then(async () => {
      const offset = this.follower?.offset ?? 0;
      const isOver = isIdle(this.phase) || this.isDisposed;
      if (!isOver && process.startToken !== '' && offset !== this.leasedOffset) {
        await this.writeLease(process, offset);
      }
    });
    await this.leasing;
  }

  private async writeLease(process: RunnerProcess, offset: number): Promise<void> {
    try {
      const { command, symbols, bypassReason, restartsByItself, workingDirectory, run } = this.run;
      await writeLease(this.directory, {
        schema: 1,
        pid: process.pid,
        startToken: process.startToken,
        argv: [...process.argv],
        workspace: this.workspace,
        command: [...command],
        symbols: [...symbols],
        bypassReason,
        startedAt: isoTime(process.startedAtMs),
        offset,
        ...(restartsByItself === undefined ? {} : { restartsByItself }),
        ...(workingDirectory === undefined ? {} : { workingDirectory }),
        ...(run === undefined ? {} : { run }),
      });
      const isFirst = this.leasedOffset < 0;
      this.leasedOffset = offset;
      if (isFirst) {
        // From now on the lease says it, and counts over the note of the start, should that stay.
        await removeIntent(this.directory).catch(() => undefined);
      }
    } catch (error) {
      this.recordsProblem = `The lease of the runner in ${this.directory} could not be written (${errorText(error)}), so another daemon would not know it; free space or correct the permissions.`;
    }
  }

  /** The run is over: its last lines are read, then the lease goes. */
  private async close(): Promise<void> {
    this.isClosing = true;
    this.lookTimer?.cancel();
    this.upkeepTimer?.cancel();
    await this.follower?.drain();
    this.transcript.finish();
    this.follower?.dispose();
    await this.leasing;
    // What the listing and a later stop know it by; without it they know less, and nothing wrong.
    await this.noteEnd().catch(() => undefined);
    await Promise.all([removeLease(this.directory), removeIntent(this.directory)]).catch(
      (error: unknown) => {
        this.recordsProblem = `The lease in ${this.directory} could not be removed: ${errorText(error)}`;
      },
    );
    const { phase } = this;
    const ended = phase.name === 'exited' && phase.exit.how === 'by itself' ? phase : undefined;
    // A look is told with the end; what has to be ended first may take its time.
    const isLookOnly = ended?.exit.code === 0;
    if (ended !== undefined && isLookOnly) {
      await this.seeToLeft(ended);
    }
    this.isClosing = false;
    this.announce();
    if (ended !== undefined && !isLookOnly) {
      await this.seeToLeft(ended);
    }
  }

  private async seeToLeft({ exit, process: leader }: ExitedPhase): Promise<void> {
    if (this.isDisposed) {
      return;
    }
    const mark = this.markOf(leader);
    const { living, isSure } = await afterExit(exit.code, mark, this.detachedDeps);
    this.leftBehind = exit.code === 0 ? living : [];
    if (mark !== undefined && isSure && living.length === 0) {
      await this.forget([mark]);
    }
  }

  private async logSize(): Promise<number> {
    return await stat(this.logFile).then(
      (entry) => entry.size,
      () => 0,
    );
  }
}

function sendSignal(pid: number, name: NodeJS.Signals): void {
  process.kill(pid, name);
}
