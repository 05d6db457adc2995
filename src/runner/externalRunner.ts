import { open } from 'node:fs/promises';
import path from 'node:path';
import { type Clock, isoTime, type Timer } from '../core/clock';
import type { Disposable } from '../core/disposables';
import { Emitter, type Event } from '../core/emitter';
import { errorCode, errorText } from '../core/errors';
import type { Finding } from '../diagnostics/finding';
import { makeFinding } from '../diagnostics/makeFinding';
import { describeDuration } from '../diagnostics/notices';
import type { RunnerFact } from '../diagnostics/runnerFacts';
import type { RunnerStatus } from '../diagnostics/status';
import type { Machine, ProcessIdentity, ProcessInfo, SocketRow } from '../host/machine';
import { type Endpoint, formatEndpoint, isLoopback } from '../ibkr/endpoint';
import { type MarketState, marketState } from '../ibkr/marketState';
import { findRunnerLog, type FoundLog, type LogOwner, symbolsOf } from './externalLog';
import { LineSplitter } from './lines';
import { LogFollower } from './logFollower';
import { runnerStatus } from './runnerStatus';
import type { RunnerExit } from './runnerState';
import { newerSource, type SourceFile } from './sourceAge';
import { RunnerTranscript } from './transcript';

/** A runner that somebody else has started and Robo was asked to watch. */
export interface WatchedRunner extends ProcessIdentity {
  /** Absolute path of the folder that it belongs to. */
  readonly workspace: string;
  /** Milliseconds since the epoch. */
  readonly startedAtMs: number;
  /** Its log as it was named; null: found by Robo. */
  readonly logFile: string | null;
}

export interface ExternalRunnerDeps {
  readonly clock: Clock;
  readonly machine: Pick<Machine, 'platform' | 'processes' | 'process' | 'sockets'> &
    Partial<Pick<Machine, 'background'>>;
  /** Where it is expected to have a session. */
  readonly endpoint: Endpoint;
  /** A reader of its log: facts in a line, with what the lines before it said. */
  readonly createReader: () => (line: string) => readonly RunnerFact[];
  /** Whether the market of these symbols is open now; unknown where it is left out. */
  readonly marketOf?: (symbols: readonly string[]) => MarketState;
  /** Where procfs is mounted; tests give a folder of their own. */
  readonly procRoot?: string;
}

/** Whether a process of it is connected with the endpoint, and since when that is so. */
interface Session {
  readonly state: 'yes' | 'no' | 'unknown';
  readonly sinceMs: number;
}

/** Linux tells of a process without starting another one; elsewhere each look costs a tool. */
const lookMs = { linux: 1000, other: 5000 } as const;
/** How often sockets, a missing log and what time alone changes are looked at. */
const upkeepMs = { linux: 5000, other: 30_000 } as const;
/** For how long after the first look a missing log is looked for at each look. */
const newMs = 30_000;
/** How often its children and its source are looked at. */
const familyLookMs = 60_000;
/** The end of its log that is read at first, in bytes: what it has said lately, with its own times. */
const tailBytes = 64 * 1024;
/** A runner may connect anew for each cycle; for longer without a session it is not trading here. */
const sessionGraceMs = 2 * 60_000;

/**
 * Watches a runner that Robo has not started: it lives (its identity, law 9), its log, its
 * connection. It only looks: nothing is written into its files, nothing is signalled.
 */
export class ExternalRunner implements Disposable {
  private readonly changeEmitter = new Emitter<RunnerStatus>();
  private readonly transcript: RunnerTranscript;
  private symbols: readonly string[] = [];
  private log: FoundLog | undefined;
  private logProblem: string | null = null;
  private follower: LogFollower | undefined;
  private newer: SourceFile | null = null;
  private family: readonly ProcessInfo[] = [];
  private familyLookAtMs = 0;
  private workingDirectory: string | undefined;
  private isStopped = false;
  private session: Session;
  private exit: RunnerExit | null = null;
  private lookTimer: Timer | undefined;
  private upkeepTimer: Timer | undefined;
  private isDisposed = false;

  /** The status after every change. */
  readonly onDidChange = this.changeEmitter.event;
  /** New lines of its log, one batch a look. */
  readonly onLines: Event<readonly string[]>;
  /** What the new lines say, one batch a look. */
  readonly onFacts: Event<readonly RunnerFact[]>;

  constructor(
    readonly watched: WatchedRunner,
    private readonly deps: ExternalRunnerDeps,
  ) {
    this.transcript = new RunnerTranscript(deps);
    this.onLines = this.transcript.onLines;
    this.onFacts = this.transcript.onFacts;
    this.transcript.onDidChange(() => {
      this.announce();
    });
    this.session = { state: 'unknown', sinceMs: deps.clock.now() };
  }

  /** False once it is known to be gone. */
  get isAlive(): boolean {
    return this.exit === null;
  }

  /** Looks for the first time and begins to follow; a process that is gone has ended unseen. */
  async begin(): Promise<void> {
    const present = await this.present();
    if (present === 'gone') {
      // What its log said before is not read: who finds it dead has not watched it.
      this.end();
      return;
    }
    await this.upkeep();
    this.lookLater();
    this.upkeepLater();
  }

  status(): RunnerStatus {
    const { watched, exit } = this;
    const { pid, startToken, argv, startedAtMs } = watched;
    const process = { pid, startToken, argv, startedAtMs, isOurChild: false };
    const status = runnerStatus({
      workspace: watched.workspace,
      logFile: this.log?.file ?? '',
      phase: exit === null ? { name: 'running', process } : { name: 'exited', process, exit },
      run: { command: argv, symbols: this.symbols, bypassReason: null },
      says: this.transcript.says,
      lastLines: this.transcript.lastLines,
      lastLineMs: this.transcript.lastLineMs,
      newerSource: this.newer,
      falls: [],
      platform: this.deps.machine.platform,
      recordsProblem: null,
      hasMoreToSay: false,
      market: this.market,
      now: this.deps.clock.now(),
      isExternal: true,
    });
    return {
      ...status,
      watchedPid: pid,
      findings: [
        ...status.findings.map((each) => this.placed(each)),
        ...this.sessionFindings(status),
      ],
      warnings:
        exit === null
          ? this.warnings()
          : [`"robo unwatch ${pid}" takes it off the list of runners.`],
    };
  }

  dispose(): void {
    this.isDisposed = true;
    this.lookTimer?.cancel();
    this.upkeepTimer?.cancel();
    this.follower?.dispose();
    this.changeEmitter.dispose();
    this.transcript.dispose();
  }

  private get market(): MarketState {
    const { clock, marketOf } = this.deps;
    const traded =
      this.symbols.length > 0 ? this.symbols : [...this.transcript.says.symbols.keys()];
    return marketOf?.(traded) ?? marketState(clock.now(), undefined);
  }

  private get isLinux(): boolean {
    return this.deps.machine.platform === 'linux';
  }

  private async present(): Promise<ProcessInfo | 'gone' | 'unknown'> {
    const { pid, startToken, argv } = this.watched;
    const seen = await this.deps.machine.process(pid);
    if (!seen.known) {
      // A look that failed tells nothing (law 4).
      return 'unknown';
    }
    const { value } = seen;
    // Ended and not collected, a process has no arguments; hidden ones it never had.
    const isEnded = value?.argv.length === 0 && argv.length > 0;
    return value?.startToken !== startToken || isEnded ? 'gone' : value;
  }

  private lookLater(): void {
    if (!this.isDisposed && this.isAlive) {
      this.lookTimer = this.deps.clock.setTimer(lookMs[this.isLinux ? 'linux' : 'other'], () => {
        void this.look();
      });
    }
  }

  private async look(): Promise<void> {
    const present = await this.present();
    if (present !== 'gone') {
      this.lookLater();
      return;
    }
    await this.follower?.drain();
    this.transcript.finish();
    this.end();
  }

  private end(): void {
    if (this.isDisposed || !this.isAlive) {
      return;
    }
    this.exit = { atMs: this.deps.clock.now(), code: null, signal: null, how: 'unseen' };
    this.upkeepTimer?.cancel();
    this.follower?.dispose();
    this.announce();
  }

  private upkeepLater(): void {
    if (this.isDisposed || !this.isAlive) {
      return;
    }
    const { clock } = this.deps;
    const system = this.isLinux ? 'linux' : 'other';
    // One that was started just now opens its log in a moment.
    const isNew = this.log === undefined && clock.now() - this.transcript.says.heardSinceMs < newMs;
    this.upkeepTimer = clock.setTimer((isNew ? lookMs : upkeepMs)[system], () => {
      const before = this.mark();
      void this.upkeep().then(() => {
        if (this.mark() !== before) {
          this.announce();
        }
        this.upkeepLater();
      });
    });
  }

  private async upkeep(): Promise<void> {
    const present = await this.present();
    if (present === 'gone' || this.isDisposed) {
      return;
    }
    if (present !== 'unknown') {
      this.workingDirectory = present.workingDirectory;
      this.isStopped = present.isStopped;
      await this.lookAround(present);
    }
    await this.lookAtSession();
  }

  /** What changes seldom: its children, its source, and its log while it has none. */
  private async lookAround(info: ProcessInfo): Promise<void> {
    const now = this.deps.clock.now();
    const isDue = now >= this.familyLookAtMs;
    if (isDue) {
      this.familyLookAtMs = now + familyLookMs;
      const table = await this.deps.machine.processes();
      this.family = table.known ? below(info.pid, table.value) : this.family;
      const { argv, startedAtMs, workspace } = this.watched;
      const folder = this.workingDirectory ?? workspace;
      this.newer = (await newerSource(argv, folder, startedAtMs)) ?? null;
    }
    const { workspace, logFile } = this.watched;
    const owner: LogOwner = { info, below: this.family, workspace, explicit: logFile };
    if (isDue && this.symbols.length === 0) {
      this.symbols = await symbolsOf(owner, this.deps);
      this.transcript.expect(this.symbols);
    }
    if (this.log === undefined) {
      const found = await findRunnerLog(owner, this.deps);
      if (found !== undefined && !this.isDisposed) {
        await this.follow(found);
      }
    }
  }

  private async follow(log: FoundLog): Promise<void> {
    this.log = log;
    const offset = await this.readTail(log.file);
    if (this.isDisposed) {
      return;
    }
    const follower = new LogFollower(log.file, offset, { clock: this.deps.clock });
    follower.onLines((lines) => {
      this.logProblem = null;
      this.transcript.take(lines);
    });
    follower.onProblem((problem) => {
      this.logProblem = problem;
      this.announce();
    });
    this.follower = follower;
  }

  /**
   * Takes from the end of the log what it has said lately: facts with a time of their own since its
   * start, because what has none may be of yesterday or of an earlier run.
   * @returns where the follower begins
   */
  private async readTail(file: string): Promise<number> {
    const { startedAtMs } = this.watched;
    const tail = await tailOf(file).catch((error: unknown) => {
      this.logProblem =
        errorCode(error) === 'ENOENT'
          ? null
          : `Its log ${file} cannot be read: ${errorText(error)}.`;
      return undefined;
    });
    if (tail === undefined) {
      return 0;
    }
    const now = this.deps.clock.now();
    this.transcript.recall(tail.lines, ({ at }) => {
      const atMs = at === undefined ? Number.NaN : Date.parse(at);
      return atMs >= startedAtMs && atMs <= now;
    });
    if (tail.modifiedAtMs >= startedAtMs) {
      this.transcript.note(tail.lines, tail.modifiedAtMs);
    }
    return tail.offset;
  }

  private async lookAtSession(): Promise<void> {
    const { endpoint, machine, clock } = this.deps;
    const rows = await machine.sockets([endpoint.port]);
    const pids = new Set([this.watched.pid, ...this.family.map(({ pid }) => pid)]);
    const state = rows.known ? sessionOf(rows.value, pids, endpoint) : 'unknown';
    if (state !== this.session.state) {
      this.session = { state, sinceMs: clock.now() };
    }
  }

  /** Without a word of work its connection is all that tells: none, in trading hours, is a fault. */
  private sessionFindings({ work, workspace }: RunnerStatus): readonly Finding[] {
    const { session, market, deps } = this;
    const now = deps.clock.now();
    const isTold = work === 'working' || work === 'failing' || work === 'stalled';
    const isLost = session.state === 'no' && now - session.sinceMs >= sessionGraceMs;
    if (!this.isAlive || isTold || market.state === 'closed' || !isLost) {
      return [];
    }
    const endpoint = formatEndpoint(deps.endpoint);
    const why = `it has had no connection to ${endpoint} for ${describeDuration(now - session.sinceMs)}`;
    const finding = makeFinding({
      subject: { kind: 'runner', name: workspace },
      causes: [
        { id: 'runner_stalled', confidence: 0.5, why },
        { id: 'bad_configuration', confidence: 0.25, why: `${why}: it may ask at another place` },
      ],
      message: `The runner (pid ${this.watched.pid}) lives, but ${why}, and nothing in a log tells of its work.`,
      nowMs: now,
      severity: 'warning',
      evidence: [
        {
          kind: 'socket',
          source: 'TCP table',
          at: isoTime(now),
          text: `no connection to ${endpoint}`,
        },
      ],
      setup: { platform: deps.machine.platform },
    });
    return [{ ...finding, firstAt: isoTime(session.sinceMs) }];
  }

  private warnings(): readonly string[] {
    const { pid } = this.watched;
    return [
      ...(this.isStopped ? ['It is stopped by a debugger or a signal now.'] : []),
      ...(this.log === undefined
        ? [
            `No log of it was found, so that its connection alone tells of its health; name one with "robo watch ${pid} --log FILE".`,
          ]
        : []),
      ...(this.logProblem === null ? [] : [this.logProblem]),
    ];
  }

  /** Its lines are in its own log, whatever ours are called. */
  private placed(finding: Finding): Finding {
    const source = path.basename(this.log?.file ?? '');
    return {
      ...finding,
      evidence: finding.evidence.map((each) =>
        each.source === 'runner.log' ? { ...each, source } : each,
      ),
    };
  }

  /** What time and looks alone change. */
  private mark(): string {
    const { work, findings, warnings, logFile } = this.status();
    return JSON.stringify([work, logFile, warnings, findings.map(({ guide }) => guide)]);
  }

  private announce(): void {
    if (!this.isDisposed) {
      this.changeEmitter.fire(this.status());
    }
  }
}

/** All processes below one, however deep. */
function below(pid: number, table: readonly ProcessInfo[]): readonly ProcessInfo[] {
  const found = new Map<number, ProcessInfo>();
  const parents = new Set([pid]);
  for (let size = 0; size !== parents.size;) {
    size = parents.size;
    for (const info of table) {
      if (parents.has(info.parentPid) && !parents.has(info.pid)) {
        parents.add(info.pid);
        found.set(info.pid, info);
      }
    }
  }
  return [...found.values()];
}

function sessionOf(
  rows: readonly SocketRow[],
  pids: ReadonlySet<number>,
  endpoint: Endpoint,
): Session['state'] {
  const open = rows.filter(
    ({ state, remote }) =>
      state === 'ESTABLISHED' &&
      remote.port === endpoint.port &&
      isLoopback(remote.address) === isLoopback(endpoint.host),
  );
  if (open.some(({ ownerPid }) => ownerPid !== undefined && pids.has(ownerPid))) {
    return 'yes';
  }
  // One whose owner is hidden may be its own.
  return open.some(({ ownerPid }) => ownerPid === undefined) ? 'unknown' : 'no';
}

interface Tail {
  readonly lines: readonly string[];
  /** Behind its last complete line, in bytes. */
  readonly offset: number;
  readonly modifiedAtMs: number;
}

async function tailOf(file: string): Promise<Tail> {
  const handle = await open(file, 'r');
  try {
    const { size, mtimeMs } = await handle.stat();
    const start = Math.max(0, size - tailBytes);
    const { buffer, bytesRead } = await handle.read(
      Buffer.alloc(size - start),
      0,
      size - start,
      start,
    );
    const splitter = new LineSplitter();
    if (start > 0) {
      splitter.skipToNextLine();
    }
    const lines = splitter.push(buffer.subarray(0, bytesRead));
    return { lines, offset: start + bytesRead - splitter.pendingBytes, modifiedAtMs: mtimeMs };
  } finally {
    await handle.close();
  }
}
