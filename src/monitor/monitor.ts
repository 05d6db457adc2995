import type { Clock } from '../core/clock';
import { Coalescer } from '../core/coalescer';
import { type Disposable, DisposableStore } from '../core/disposables';
import { Emitter } from '../core/emitter';
import { NamedTimers } from '../core/namedTimers';
import type { Finding, Layer } from '../diagnostics/finding';
import { describeDuration } from '../diagnostics/notices';
import { isOutage, type Outage } from '../diagnostics/outage';
import { diagnoseConnection } from '../diagnostics/rules';
import type { OwnSession } from '../diagnostics/runnerVerdict';
import type { ConnectionSituation } from '../diagnostics/situation';
import type { Health } from '../diagnostics/status';
import type { Machine } from '../host/machine';
import { observePort, type PortObservation } from '../host/portObservation';
import {
  type ConnectionProgress,
  type ServerTime,
  TwsConnection,
  type TwsMessage,
} from '../ibkr/connection';
import { describeEndpoint, type Endpoint, isLoopback } from '../ibkr/endpoint';
import type { MarketData, StockContract } from '../ibkr/marketData';
import { farmStates } from '../ibkr/messageCodes';
import type { MarketState } from '../ibkr/marketState';
import type { ResetWindow } from '../ibkr/resetWindows';
import { Session } from '../ibkr/session';
import { MarketByMinute } from '../ibkr/symbolMarket';
import { checkData, defaultDataSymbol } from '../preflight/dataLayer';
import type { DataOutcome, SessionSource } from '../preflight/sessionSource';
import { ActiveMessages } from './activeMessages';
import { Agenda } from './agenda';
import type { DialAdvice, EndedConnection } from './dialAdvice';
import { FindingHistory } from './findingHistory';
import { type HealthJudgement, judgeHealth } from './health';
import { LogBudget, type MonitorLogEntry } from './logBudget';
import { LoginWatch } from './loginWatch';
import { messageFindings } from './messageFindings';
import {
  initialState,
  type ListenerLook,
  type MonitorEffect,
  type MonitorEvent,
  type MonitorState,
  reduce,
} from './monitorState';
import { MovedPort } from './movedPort';
import type { PlannedEvent } from './planned';
import type { LogLevel } from './records';
import { type SeenRestart, timeOfDay } from './restartTimes';
import { Schedule, type ScheduleOptions } from './schedule';
import { type Jump, pulseMs, SleepWatch } from './sleep';
import type { MonitorTimings } from './timings';
import { explain, explainChange, inItsTime } from './words';

type MonitorTimer = 'wait' | 'verdict' | 'liveness' | 'pulse' | 'expectation';

export interface MonitorDependencies {
  readonly clock: Clock;
  readonly machine: Machine;
  readonly timings: MonitorTimings;
  /** In [0, 1); for jitter. */
  readonly random: () => number;
  /** What is known about the next dial when a connection has ended; the usual without it. */
  readonly advise?: (ended: EndedConnection) => Promise<DialAdvice>;
  /** IANA time zone of this machine; without it, no planned interruption is taken into account. */
  readonly zone?: string;
  /** The trader's word on TWS's clock and restart, where there is one, and what was seen of it. */
  readonly schedule?: Pick<ScheduleOptions, 'zone' | 'restartMinute' | 'restarts'>;
  /** Another restart of TWS was seen; these are all that still teach something. */
  readonly onRestarts?: (seen: readonly SeenRestart[]) => void;
}

/** How long data may take when it is checked again, in milliseconds. */
const dataDeadlineMs = 10_000;

/** Between two questions of our own, in milliseconds: TWS cuts off who sends 50 messages a second. */
const askGapMs = 250;

/** An older look at the machine says nothing about now. Milliseconds. */
const freshLookMs = 60_000;

/** A change of health, each one, with its reason in one sentence. */
export interface HealthChange {
  readonly was: Health;
  readonly health: Health;
  readonly layer: Layer | null;
  readonly reason: string;
}

/** The connection's part of the status record. */
export interface MonitorSnapshot {
  readonly state: MonitorState;
  readonly health: Health;
  /** When an expected loss becomes an outage, milliseconds since the epoch. */
  readonly expectedUntilMs: number | undefined;
  /** What is going to happen and needs a person, the soonest first. */
  readonly planned: readonly PlannedEvent[];
  /** The next planned interruption within a day; undefined where none is known. */
  readonly nextWindow: ResetWindow | undefined;
  /** Milliseconds since the epoch at which the health became what it is. */
  readonly healthSinceMs: number;
  readonly layer: Layer | null;
  readonly findings: readonly Finding[];
  readonly message: string;
  readonly progress: ConnectionProgress | undefined;
  /** Account ids of the present session, or of the last one. */
  readonly accounts: readonly string[];
  /** The last round trip of a server-time question, in milliseconds. */
  readonly roundTripMs: number | undefined;
}

/**
 * Watches one endpoint: drives the pure reducer with a real connection, the machine's tables
 * and time. It owns the endpoint's only connection (law 2).
 */
export class Monitor implements SessionSource, Disposable {
  private readonly changeEmitter = new Emitter<void>();
  private readonly healthEmitter = new Emitter<HealthChange>();
  private readonly logEmitter = new Emitter<MonitorLogEntry>();
  private readonly active = new ActiveMessages();
  private readonly history = new FindingHistory();
  private readonly agenda: Agenda;
  private readonly movedPort: MovedPort;
  private readonly login: LoginWatch;
  private readonly sleepWatch: SleepWatch;
  private readonly timers: NamedTimers<MonitorTimer>;
  private readonly logBudget: LogBudget;
  private readonly refreshes = new Coalescer<undefined, void>(() => this.findAnew());
  private state: MonitorState = initialState;
  private judged: HealthJudgement = {
    health: 'unknown',
    expectation: undefined,
    outlived: undefined,
  };
  private healthSinceMs: number;
  private findings: readonly Finding[] = [];
  private connection: TwsConnection | undefined;
  private session: Session | undefined;
  private connectionStore = new DisposableStore();
  private roundTripMs: number | undefined;
  private accounts: readonly string[] = [];
  private isAsking = false;
  /** By the monotonic clock. */
  private mayAskMonotonicMs = Number.NEGATIVE_INFINITY;
  private presentClientId: number;
  private askedAtMs: number | undefined;
  private isDisposed = false;
  private isCheckingData = false;
  private dataSymbols: readonly string[] = [defaultDataSymbol];
  private readonly market = new MarketByMinute();
  private contracts: ReadonlyMap<string, StockContract> = new Map();
  private dataFindings: readonly Finding[] = [];
  private lastDataAtMs: number | undefined;
  private lastLook: { readonly os: PortObservation; readonly atMs: number } | undefined;

  /** After every change of state, findings or progress. */
  readonly onDidChange = this.changeEmitter.event;
  readonly onDidChangeHealth = this.healthEmitter.event;
  readonly onDidLog = this.logEmitter.event;

  constructor(
    readonly endpoint: Endpoint,
    clientId: number,
    private readonly deps: MonitorDependencies,
  ) {
    this.presentClientId = clientId;
    const { clock, zone } = deps;
    const isLocal = isLoopback(endpoint.host);
    this.healthSinceMs = clock.now();
    this.sleepWatch = new SleepWatch(clock);
    this.timers = new NamedTimers(clock);
    this.logBudget = new LogBudget(clock, (entry) => {
      this.logEmitter.fire(entry);
    });
    this.movedPort = new MovedPort(endpoint);
    this.login = new LoginWatch(endpoint);
    const schedule =
      zone === undefined
        ? undefined
        : new Schedule({ ...deps.schedule, machineZone: zone, isLocal });
    this.agenda = new Agenda(clock, schedule);
  }

  /** The id of the next connection, and of the present one: Robo's own, or one in its stead. */
  get clientId(): number {
    return this.presentClientId;
  }

  get progress(): ConnectionProgress | undefined {
    return this.connection?.progress;
  }

  get marketData(): MarketData | undefined {
    return this.session;
  }

  get snapshot(): MonitorSnapshot {
    const { health, expectation } = this.judged;
    const words = explain(this.state, health, describeEndpoint(this.endpoint), this.findings[0]);
    return {
      state: this.state,
      health,
      expectedUntilMs: expectation?.untilMs,
      planned: this.agenda.planned,
      nextWindow: this.agenda.nextWindow,
      healthSinceMs: this.healthSinceMs,
      layer: this.reachedLayer(),
      findings: this.findings,
      message: inItsTime(words, this.judged),
      progress: this.progress,
      accounts: this.accounts,
      roundTripMs: this.roundTripMs,
    };
  }

  /** Whether the market of these symbols is open, by TWS's own hours where known; to the minute. */
  marketOf(symbols: readonly string[]): MarketState {
    return this.market.of(symbols, this.contracts, this.deps.clock.now());
  }

  /** When TWS restarts itself, minutes after midnight of its clock: as set, else as it was seen. */
  get restartMinute(): number | undefined {
    return this.agenda.restartMinute;
  }

  /** Takes other settings of TWS's clock and restart; a loss under way is judged by them. */
  configure(schedule: Pick<ScheduleOptions, 'zone' | 'restartMinute'>): void {
    this.agenda.configure(schedule);
    this.judge();
    void this.refreshFindings();
  }

  /** Asks TWS the time now, so that another interval counts from here on. */
  askSoon(): void {
    this.apply({ kind: 'liveness due' });
  }

  ask(): void {
    if (!this.timers.has('pulse')) {
      this.pulse();
    }
    this.apply({ kind: 'asked' });
  }

  /** The trader asks for a connection now: whoever is logged in has been looked at. */
  askAnew(): void {
    this.acceptLogin();
    this.ask();
  }

  acceptLogin(): void {
    this.login.accept(this.deps.clock.now());
    this.apply({ kind: 'login', isOther: this.login.finding !== undefined });
  }

  get loginFinding(): Finding | undefined {
    return this.login.finding;
  }

  async askTime(deadlineMs: number): Promise<ServerTime | undefined> {
    const { connection } = this;
    const { jumps } = this.sleepWatch;
    const answer = await this.question(connection, deadlineMs);
    if (!this.hasJumpedSince(jumps)) {
      this.noteMiss(connection, answer);
    }
    return answer;
  }

  get activeCodes(): readonly number[] {
    return this.active.list().map(({ code }) => code);
  }

  get outage(): Outage | undefined {
    const { lostAtMs } = this.active;
    const message = this.active.list().find(({ code }) => isOutage(code));
    if (message === undefined || lostAtMs === undefined) {
      return undefined;
    }
    const windows = this.agenda.since(lostAtMs);
    return { message, nowMs: this.deps.clock.now(), sinceMs: lostAtMs, windows };
  }

  dataChecked(
    symbols: readonly string[],
    findings: readonly Finding[],
    { isDelivered, contracts, isOwn }: DataOutcome,
  ): void {
    this.dataSymbols = symbols;
    this.dataFindings = isDelivered ? [] : findings;
    this.market.forget();
    this.contracts = new Map([
      ...this.contracts,
      ...contracts.map((contract) => [contract.symbol, contract] as const),
    ]);
    if (isDelivered) {
      this.lastDataAtMs = this.deps.clock.now();
      this.active.clearDataTrouble();
    }
    this.apply({ kind: 'data checked', isDelivered, isOwn });
  }

  situation(os: PortObservation): ConnectionSituation {
    // A session at the port that TWS has moved to says nothing about this one.
    return this.situationOf(this.state.movedTo === undefined ? this.progress : undefined, os);
  }

  private situationOf(
    connection: ConnectionProgress | undefined,
    os: PortObservation,
  ): ConnectionSituation {
    const nowMs = this.deps.clock.now();
    const { missedAnswers, lastAnswerAtMs } = this.state;
    return {
      endpoint: this.endpoint,
      connection,
      messages: this.active.list(),
      os,
      nowMs,
      ...(missedAnswers > 0 && this.askedAtMs !== undefined
        ? { unansweredForMs: nowMs - this.askedAtMs }
        : {}),
      ...(lastAnswerAtMs === undefined ? {} : { lastReadyAtMs: lastAnswerAtMs }),
      ...(this.isInTrouble ? { troubleSinceMs: this.troubleSinceMs } : {}),
      windows: this.agenda.since(this.isInTrouble ? this.troubleSinceMs : nowMs),
    };
  }

  private get troubleSinceMs(): number {
    const { loss } = this.state;
    const isLost = loss !== undefined && loss.overMonotonicMs === undefined;
    return isLost ? loss.sinceMs : this.healthSinceMs;
  }

  /** The kept session for the comparison with a runner's; the machine's tables where fresh. */
  get ownSession(): OwnSession {
    const { progress, lastLook } = this;
    const isFresh = lastLook !== undefined && this.deps.clock.now() - lastLook.atMs < freshLookMs;
    return {
      openAtMs: progress?.stage === 'open' ? progress.openAtMs : undefined,
      lastAnswerAtMs: this.state.lastAnswerAtMs,
      lastDataAtMs: this.lastDataAtMs,
      os: isFresh ? lastLook.os : undefined,
    };
  }

  /**
   * Looks at the evidence again: trouble that stays may come to have another likely cause.
   * @param isWanted true for a look at the machine also where the own session is well, because a
   *   runner's is not
   */
  async lookAgain(isWanted = false): Promise<void> {
    if (isWanted && !this.isInTrouble) {
      await this.observe();
    }
    await this.refreshFindings();
  }

  /**
   * Ends the watch and waits until the socket is gone, about a second at most: a process that ends
   * before leaves a frozen TWS with a connection in CLOSE_WAIT (law 3).
   */
  async end(): Promise<void> {
    const { connection } = this;
    const gone = new Promise<void>((resolve) => {
      if (connection === undefined || connection.progress.stage === 'ended') {
        resolve();
        return;
      }
      connection.onDidProgress(({ stage }) => {
        if (stage === 'ended') {
          resolve();
        }
      });
    });
    this.dispose();
    await gone;
  }

  /** Ends the watch: an open session in order, an unanswered socket by reset. */
  dispose(): void {
    this.isDisposed = true;
    this.timers.dispose();
    this.logBudget.dispose();
    this.session?.dispose();
    this.connectionStore.dispose();
    this.connection?.close('the watch ended');
    this.changeEmitter.dispose();
    this.healthEmitter.dispose();
    this.logEmitter.dispose();
  }

  private apply(event: MonitorEvent): void {
    if (this.isDisposed) {
      return;
    }
    this.noteJump();
    const { clock, timings, random } = this.deps;
    const before = this.state;
    const step = reduce(before, event, {
      nowMs: clock.now(),
      monotonicMs: clock.monotonicMs(),
      timings,
      random: random(),
    });
    this.state = step.state;
    this.judge();
    step.effects.forEach((effect) => {
      this.run(effect);
    });
    if (event.kind === 'closed') {
      // The machine is being looked at already; findings come with `ended`.
      this.changeEmitter.fire();
    } else if (this.state !== before) {
      void this.refreshFindings();
    }
  }

  /** Health follows from the state and the time; of a change everybody is told. */
  private judge(): void {
    const { loss } = this.state;
    const nowMs = this.deps.clock.now();
    const windows = loss === undefined ? [] : this.agenda.at(loss.sinceMs);
    const sleep = this.sleepWatch.lastSleep;
    const was = this.judged.health;
    this.judged = judgeHealth(this.state, nowMs, [
      ...windows,
      ...(sleep === undefined ? [] : [sleep]),
    ]);
    const { health, expectation } = this.judged;
    if (expectation === undefined) {
      this.timers.cancel('expectation');
    } else {
      this.timers.set('expectation', expectation.untilMs - nowMs, () => {
        this.judge();
        void this.refreshFindings();
      });
    }
    if (health === 'healthy') {
      this.noteReturn();
    }
    if (health !== was) {
      this.healthSinceMs = nowMs;
      // They say why it was as it was; whoever reads them now would take them for the reason.
      this.findings = [];
      this.tellHealth(was, health);
    }
  }

  private tellHealth(was: Health, health: Health): void {
    // Without findings, which come later.
    const reason = explainChange(this.state, this.judged, describeEndpoint(this.endpoint));
    const level = health === 'down' ? 'ERROR' : health === 'degraded' ? 'WARN' : 'INFO';
    this.log(level, `health.${health}`, `${was} -> ${health}: ${reason}`);
    this.healthEmitter.fire({ was, health, layer: this.reachedLayer(), reason });
  }

  /** A session that TWS had ended in order is back: so its restart time is learned. */
  private noteReturn(): void {
    // Who only drops a connection has not restarted.
    const wasClosed = this.state.loss?.kinds.includes('closed') === true;
    const seen = this.agenda.noteReturn(wasClosed);
    if (seen === undefined) {
      return;
    }
    this.deps.onRestarts?.(seen.restarts);
    if (seen.learnedMinute !== undefined) {
      const words = `TWS restarts itself at ${timeOfDay(seen.learnedMinute)} of its clock`;
      this.log('INFO', 'schedule.learned', words);
    }
  }

  private pulse(): void {
    this.noteJump();
    this.timers.set('pulse', pulseMs, () => {
      this.pulse();
    });
  }

  /** Time that passed without us is told, and everything is asked anew before it is judged. */
  private noteJump(): void {
    const jump = this.sleepWatch.look();
    if (jump === undefined || this.isDisposed) {
      return;
    }
    this.log('INFO', `clock.${jump.kind.replace(' ', '_')}`, jumpWords(jump));
    this.apply({ kind: 'woke' });
  }

  private run(effect: MonitorEffect): void {
    const { timers } = this;
    switch (effect.kind) {
      case 'look':
        void this.look();
        return;
      case 'dial':
        this.dial();
        return;
      case 'wait':
        timers.set('wait', effect.ms, () => {
          this.apply({ kind: 'wait over' });
        });
        return;
      case 'stop waiting':
        timers.cancel('wait');
        return;
      case 'start verdict timer':
        timers.set('verdict', this.deps.timings.verdictMs, () => {
          this.apply({ kind: 'verdict due' });
        });
        return;
      case 'stop verdict timer':
        timers.cancel('verdict');
        return;
      case 'ask time':
        void this.checkAlive();
        return;
      case 'check data':
        void this.checkDataAgain();
        return;
      case 'schedule liveness':
        timers.set('liveness', effect.ms, () => {
          this.apply({ kind: 'liveness due' });
        });
        return;
      case 'stop liveness':
        timers.cancel('liveness');
    }
  }

  private async look(): Promise<void> {
    this.apply({ kind: 'looked', look: { ...(await this.listeners()), isChangeVisible: false } });
  }

  /** Who listens at the endpoint; where nobody does, at the port that TWS has moved to. */
  private async listeners(): Promise<Pick<ListenerLook, 'socketIds' | 'movedTo'>> {
    const here = await this.listenerIds(this.endpoint.port);
    const movedTo = this.movedPort.followed;
    if (movedTo === undefined || here?.length !== 0) {
      return { socketIds: here };
    }
    const there = await this.listenerIds(movedTo);
    return there === undefined || there.length === 0
      ? { socketIds: here }
      : { socketIds: there, movedTo };
  }

  private async listenerIds(port: number): Promise<readonly string[] | undefined> {
    if (!isLoopback(this.endpoint.host)) {
      return undefined;
    }
    const seen = await this.deps.machine.listeners(port);
    return seen.known ? seen.value : undefined;
  }

  private async lookAfterEnd(os: PortObservation): Promise<ListenerLook> {
    const { socketIds } = await this.listeners();
    const isTws =
      os.listeners.known &&
      os.listeners.value.length > 0 &&
      os.listeners.value.every(({ role }) => role === 'tws' || role === 'java');
    return { socketIds, isChangeVisible: socketIds !== undefined && isTws };
  }

  private dial(): void {
    this.session?.dispose();
    this.session = undefined;
    this.connectionStore.dispose();
    this.connectionStore = new DisposableStore();
    this.active.clear();
    this.isAsking = false;
    this.mayAskMonotonicMs = Number.NEGATIVE_INFINITY;
    const target = { ...this.endpoint, port: this.watchedPort };
    this.log('INFO', 'connection.dial', `connecting to ${describeEndpoint(target)}`);
    const connection = new TwsConnection(target, this.clientId, this.deps.clock);
    this.connection = connection;
    this.connectionStore.add(
      connection.onDidProgress((progress) => {
        this.onProgress(connection, progress);
      }),
    );
    this.connectionStore.add(
      connection.onMessage((message) => {
        this.onMessage(message);
      }),
    );
    this.connectionStore.add(
      connection.onServerTime(({ atMs }) => {
        this.apply({ kind: 'answered', atMs });
      }),
    );
  }

  private get watchedPort(): number {
    return this.state.movedTo ?? this.endpoint.port;
  }

  private onProgress(connection: TwsConnection, progress: ConnectionProgress): void {
    if (progress.stage === 'ready' && progress.serverTimeText !== undefined) {
      this.agenda.hear(progress.serverTimeText, progress.helloAtMs ?? this.deps.clock.now());
    }
    if (progress.stage === 'open' && this.session === undefined) {
      if (this.isStranger(progress)) {
        this.turnBack(connection);
        return;
      }
      this.session = new Session(connection, this.deps.clock);
      this.log(
        'INFO',
        'connection.ready',
        `server version ${progress.serverVersion ?? 0}, ${progress.accounts.length} account(s)`,
      );
    }
    if (progress.stage === 'ended') {
      void this.onEnded(progress);
      return;
    }
    if (progress.stage === 'open' && this.accounts !== progress.accounts) {
      this.noteLogin(progress.accounts);
    }
    this.apply({ kind: 'stage', stage: progress.stage });
    this.changeEmitter.fire();
  }

  /** TWS names its accounts at the start of a session, and again when they change. */
  private noteLogin(accounts: readonly string[]): void {
    const before = this.login.finding;
    this.accounts = accounts;
    this.login.hear(accounts, this.deps.clock.now());
    const { finding } = this.login;
    if (finding !== undefined && finding.message !== before?.message) {
      this.log('ERROR', 'connection.other_login', finding.message);
    }
    this.apply({ kind: 'login', isOther: finding !== undefined });
  }

  /** Another login at the port that TWS has moved to is not the one that is watched (law 9). */
  private isStranger({ accounts }: ConnectionProgress): boolean {
    const sorted = (ids: readonly string[]): string => ids.toSorted().join(',');
    return this.state.movedTo !== undefined && sorted(accounts) !== sorted(this.accounts);
  }

  private turnBack(connection: TwsConnection): void {
    const words = `port ${this.watchedPort} belongs to other accounts; it is not followed`;
    this.log('ERROR', 'connection.turned_back', words);
    this.movedPort.turnBack();
    connection.close('it belongs to other accounts');
  }

  private async onEnded(progress: ConnectionProgress): Promise<void> {
    const { end } = progress;
    if (end === undefined) {
      return;
    }
    this.session?.dispose();
    this.session = undefined;
    if (end.kind === 'fin' && progress.endedIn === 'open') {
      this.agenda.noteEndInOrder();
    }
    this.log(
      'WARN',
      'connection.ended',
      `in stage ${progress.endedIn ?? 'tcp'}: ${end.kind}${'code' in end && end.code !== undefined ? ` (${end.code})` : ''}`,
    );
    if (end.kind !== 'by us') {
      // Told at once: a look at the machine takes tens of milliseconds, on Windows a second.
      this.apply({ kind: 'closed', end });
    }
    const os = await this.observe();
    const look = await this.lookAfterEnd(os);
    this.apply({ kind: 'ended', end, look, advice: await this.advice(progress, os) });
    if (end.kind === 'by us') {
      // We only ever turn back from another port; the watch of the endpoint goes on.
      this.apply({ kind: 'asked' });
    }
  }

  private async advice(progress: ConnectionProgress, os: PortObservation): Promise<DialAdvice> {
    const finding = diagnoseConnection(this.situation(os));
    const advice = await this.deps.advise?.({ progress, os, finding });
    if (advice?.kind === 'wait') {
      this.presentClientId = advice.clientId;
    }
    return advice ?? { kind: 'usual' };
  }

  private onMessage(message: TwsMessage): void {
    const farms = farmStates(message.code, message.text);
    this.active.note(message, farms);
    if (message.requestId < 0) {
      this.log('INFO', `tws.${message.code}`, message.text);
    }
    if (message.code === 1300) {
      this.noteMove(message);
    } else if (message.code === 2172) {
      this.agenda.noteUpgrade(message);
      this.tellPlans();
    }
    this.apply({ kind: 'message', code: message.code, farms });
  }

  private noteMove(message: TwsMessage): void {
    const words = this.movedPort.hear(message, this.accounts);
    if (words !== undefined) {
      this.log('WARN', 'tws.moved', words);
    }
  }

  /** Each plan is worth one line. */
  private tellPlans(): void {
    for (const { kind, words } of this.agenda.takeUntold()) {
      this.log('INFO', `planned.${kind.replace(' ', '_')}`, words);
    }
  }

  private async checkAlive(): Promise<void> {
    const { connection } = this;
    if (connection === undefined || this.isAsking) {
      return;
    }
    const nowMs = this.deps.clock.monotonicMs();
    const earlyMs = this.mayAskMonotonicMs - nowMs;
    if (earlyMs > 0) {
      this.timers.set('liveness', earlyMs, () => {
        this.apply({ kind: 'liveness due' });
      });
      return;
    }
    this.mayAskMonotonicMs = nowMs + askGapMs;
    this.isAsking = true;
    const { jumps } = this.sleepWatch;
    const answer = await this.question(connection, this.deps.timings.answerDeadlineMs);
    if (connection !== this.connection) {
      return;
    }
    this.isAsking = false;
    if (answer === undefined && this.hasJumpedSince(jumps)) {
      await this.checkAlive();
    } else {
      this.noteMiss(connection, answer);
      this.tellPlans();
    }
  }

  private hasJumpedSince(jumps: number): boolean {
    this.noteJump();
    return this.sleepWatch.jumps !== jumps;
  }

  private async question(
    connection: TwsConnection | undefined,
    deadlineMs: number,
  ): Promise<ServerTime | undefined> {
    if (this.state.missedAnswers === 0) {
      this.askedAtMs = this.deps.clock.now();
    }
    const answer = await connection?.askTime(deadlineMs);
    this.roundTripMs = answer?.roundTripMs ?? this.roundTripMs;
    return answer;
  }

  /** Whoever asked: no answer on an open session is a sign. The end of a session is told apart. */
  private noteMiss(connection: TwsConnection | undefined, answer: ServerTime | undefined): void {
    if (answer === undefined && connection?.isOpen === true && connection === this.connection) {
      this.apply({ kind: 'missed', unreadBytes: connection.unsentBytes });
    }
  }

  /** Quiet when it works again; the finding goes with the trouble. */
  private async checkDataAgain(): Promise<void> {
    const { clock } = this.deps;
    const isQuiet = this.agenda.isDataAway && !this.state.isDataInTrouble;
    if (this.isCheckingData || this.session === undefined || isQuiet) {
      return;
    }
    this.isCheckingData = true;
    await checkData(this.dataSymbols, dataDeadlineMs, { clock, source: this, isOwn: true });
    this.isCheckingData = false;
  }

  private async observe(): Promise<PortObservation> {
    const { machine, clock } = this.deps;
    const os = await observePort(machine, this.watchedPort, isLoopback(this.endpoint.host));
    this.lastLook = { os, atMs: clock.now() };
    if (os.twsFiles.known) {
      this.agenda.read(os.twsFiles.value);
    }
    return os;
  }

  /**
   * Finds anew what is wrong, with fresh evidence: one round at a time, and one more when
   * something changed meanwhile, so that a burst of changes neither piles up nor starves it.
   */
  private async refreshFindings(): Promise<void> {
    if (!this.isInTrouble) {
      this.findings = [];
      this.history.forget();
      this.changeEmitter.fire();
      return;
    }
    this.changeEmitter.fire();
    await this.refreshes.run(undefined);
  }

  private async findAnew(): Promise<void> {
    const found = this.isToBeExplained ? await this.find() : [];
    // The trouble may be over by the time that the evidence is there.
    if (this.isToBeExplained) {
      this.findings = found.map((finding) => this.inItsTime(this.history.date(finding)));
      this.changeEmitter.fire();
    }
  }

  /** An attempt that is under way proves nothing yet: until its verdict the last one's counts. */
  private get isToBeExplained(): boolean {
    return this.isInTrouble && !this.isDisposed && this.state.phase.kind !== 'dialling';
  }

  /** Inside a planned interruption nothing turns red. */
  private inItsTime(finding: Finding): Finding {
    return this.judged.health === 'expected' ? { ...finding, severity: 'info' } : finding;
  }

  private get isInTrouble(): boolean {
    const { health } = this.judged;
    return health === 'down' || health === 'degraded' || health === 'expected';
  }

  private async find(): Promise<readonly Finding[]> {
    const os = await this.observe();
    // The progress of now: the connection may have ended while the machine was being looked at.
    const finding = diagnoseConnection(this.situationOf(this.progress, os));
    if (finding !== undefined) {
      return [finding];
    }
    const { state, movedPort, active, outage } = this;
    const told = messageFindings(active, { isUnverified: state.upstream === 'restored', outage });
    const moved = state.movedTo === undefined ? [] : movedPort.findings;
    // The first one is the headline: without IBKR it matters little by which port TWS is reached.
    const login = this.login.finding === undefined ? [] : [this.login.finding];
    const own = [...login, ...moved];
    const connection = outage === undefined ? [...own, ...told] : [...told, ...own];
    return [...connection, ...this.dataFindings];
  }

  private reachedLayer(): Layer | null {
    switch (this.state.phase.kind) {
      case 'open':
        return this.state.phase.isVerified ? 'clock' : 'ready';
      case 'dialling':
      case 'held': {
        const before = { tcp: 'port', hello: 'tcp', ready: 'hello' } as const;
        return before[this.state.phase.stage];
      }
      case 'waiting':
        return this.state.phase.why === 'no listener' ? 'process' : 'port';
      case 'idle':
        return null;
    }
  }

  private log(level: LogLevel, token: string, words: string): void {
    this.logBudget.log({ level, token, words });
  }
}

function jumpWords({ kind, ms }: Jump): string {
  const long = describeDuration(ms);
  return kind === 'slept'
    ? `${long} have passed without this process: the machine slept, or its clock was set; everything is asked anew`
    : `the clock of this machine was set back by ${long}; everything is asked anew`;
}
