import type { Clock, Timer } from '../core/clock';
import { type Disposable, DisposableStore } from '../core/disposables';
import { Emitter } from '../core/emitter';
import { type Finding, findingKey, type Layer } from '../diagnostics/finding';
import { noticeFinding } from '../diagnostics/notices';
import { diagnoseConnection } from '../diagnostics/rules';
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
import type { MarketData } from '../ibkr/marketData';
import { farmStates } from '../ibkr/messageCodes';
import { Session } from '../ibkr/session';
import { checkData, defaultDataSymbol } from '../preflight/dataLayer';
import type { SessionSource } from '../preflight/sessionSource';
import { ActiveMessages } from './activeMessages';
import {
  deriveHealth,
  initialState,
  type ListenerLook,
  type MonitorEffect,
  type MonitorEvent,
  type MonitorState,
  reduce,
} from './monitorState';
import type { MonitorTimings } from './timings';
import type { LogLevel } from './records';
import { explain } from './words';

export interface MonitorDependencies {
  readonly clock: Clock;
  readonly machine: Machine;
  readonly timings: MonitorTimings;
  /** In [0, 1); for jitter. */
  readonly random: () => number;
}

/** How long data may take when it is checked again, in milliseconds. */
const dataDeadlineMs = 10_000;

/** Farms and other things that TWS complains of at once; IBKR has about a dozen. */
const maxToldFindings = 30;

/** An event for the monitor log. */
export interface MonitorLogEntry {
  readonly level: LogLevel;
  readonly token: string;
  readonly words: string;
}

/** The connection's part of the status record. */
export interface MonitorSnapshot {
  readonly state: MonitorState;
  readonly health: Health;
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
  private readonly logEmitter = new Emitter<MonitorLogEntry>();
  private readonly active = new ActiveMessages();
  private readonly firstSeen = new Map<string, Pick<Finding, 'firstAt' | 'count'>>();
  private state: MonitorState = initialState;
  private healthSinceMs: number;
  private findings: readonly Finding[] = [];
  private connection: TwsConnection | undefined;
  private session: Session | undefined;
  private connectionStore = new DisposableStore();
  private roundTripMs: number | undefined;
  private accounts: readonly string[] = [];
  private isAsking = false;
  private askedAtMs: number | undefined;
  private isDisposed = false;
  private isCheckingData = false;
  private dataSymbols: readonly string[] = [defaultDataSymbol];
  private dataFindings: readonly Finding[] = [];
  private isRefreshing = false;
  private isRefreshDue = false;
  private waitTimer: Timer | undefined;
  private verdictTimer: Timer | undefined;
  private livenessTimer: Timer | undefined;

  /** After every change of state, findings or progress. */
  readonly onDidChange = this.changeEmitter.event;
  readonly onDidLog = this.logEmitter.event;

  constructor(
    readonly endpoint: Endpoint,
    readonly clientId: number,
    private readonly deps: MonitorDependencies,
  ) {
    this.healthSinceMs = deps.clock.now();
  }

  get progress(): ConnectionProgress | undefined {
    return this.connection?.progress;
  }

  get marketData(): MarketData | undefined {
    return this.session;
  }

  get snapshot(): MonitorSnapshot {
    const health = deriveHealth(this.state);
    return {
      state: this.state,
      health,
      healthSinceMs: this.healthSinceMs,
      layer: this.reachedLayer(),
      findings: this.findings,
      message: explain(this.state, health, describeEndpoint(this.endpoint), this.findings[0]),
      progress: this.progress,
      accounts: this.accounts,
      roundTripMs: this.roundTripMs,
    };
  }

  ask(): void {
    this.apply({ kind: 'asked' });
  }

  async askTime(deadlineMs: number): Promise<ServerTime | undefined> {
    const { connection } = this;
    const answer = await this.question(connection, deadlineMs);
    this.noteMiss(connection, answer);
    return answer;
  }

  get activeCodes(): readonly number[] {
    return this.active.list().map(({ code }) => code);
  }

  dataChecked(
    symbols: readonly string[],
    findings: readonly Finding[],
    isDelivered: boolean,
  ): void {
    this.dataSymbols = symbols;
    this.dataFindings = isDelivered ? [] : findings;
    if (isDelivered) {
      this.active.clearDataTrouble();
    }
    this.apply({ kind: 'data checked', isDelivered });
  }

  situation(os: PortObservation): ConnectionSituation {
    const nowMs = this.deps.clock.now();
    const { missedAnswers, lastAnswerAtMs } = this.state;
    return {
      endpoint: this.endpoint,
      connection: this.progress,
      messages: this.active.list(),
      os,
      nowMs,
      ...(missedAnswers > 0 && this.askedAtMs !== undefined
        ? { unansweredForMs: nowMs - this.askedAtMs }
        : {}),
      ...(lastAnswerAtMs === undefined ? {} : { lastReadyAtMs: lastAnswerAtMs }),
    };
  }

  /** Looks at the evidence again: trouble that stays may come to have another likely cause. */
  async lookAgain(): Promise<void> {
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
    for (const timer of [this.waitTimer, this.verdictTimer, this.livenessTimer]) {
      timer?.cancel();
    }
    this.session?.dispose();
    this.connectionStore.dispose();
    this.connection?.close('the watch ended');
    this.changeEmitter.dispose();
    this.logEmitter.dispose();
  }

  private apply(event: MonitorEvent): void {
    if (this.isDisposed) {
      return;
    }
    const { clock, timings, random } = this.deps;
    const before = this.state;
    const healthBefore = deriveHealth(before);
    const step = reduce(before, event, {
      nowMs: clock.now(),
      monotonicMs: clock.monotonicMs(),
      timings,
      random: random(),
    });
    this.state = step.state;
    const health = deriveHealth(this.state);
    if (health !== healthBefore) {
      this.healthSinceMs = clock.now();
      this.log(
        health === 'down' ? 'ERROR' : health === 'degraded' ? 'WARN' : 'INFO',
        `health.${health}`,
        `${healthBefore} -> ${health}: ${this.snapshot.message}`,
      );
    }
    step.effects.forEach((effect) => {
      this.run(effect);
    });
    if (this.state !== before) {
      void this.refreshFindings();
    }
  }

  private run(effect: MonitorEffect): void {
    const { clock, timings } = this.deps;
    switch (effect.kind) {
      case 'look':
        void this.look();
        return;
      case 'dial':
        this.dial();
        return;
      case 'wait':
        this.waitTimer?.cancel();
        this.waitTimer = clock.setTimer(effect.ms, () => {
          this.apply({ kind: 'wait over' });
        });
        return;
      case 'stop waiting':
        this.waitTimer?.cancel();
        return;
      case 'start verdict timer':
        this.verdictTimer?.cancel();
        this.verdictTimer = clock.setTimer(timings.verdictMs, () => {
          this.apply({ kind: 'verdict due' });
        });
        return;
      case 'stop verdict timer':
        this.verdictTimer?.cancel();
        return;
      case 'ask time':
        void this.checkAlive();
        return;
      case 'check data':
        void this.checkDataAgain();
        return;
      case 'schedule liveness':
        this.livenessTimer?.cancel();
        this.livenessTimer = clock.setTimer(effect.ms, () => {
          this.apply({ kind: 'liveness due' });
        });
        return;
      case 'stop liveness':
        this.livenessTimer?.cancel();
    }
  }

  private async look(): Promise<void> {
    const socketIds = await this.listenerIds();
    this.apply({ kind: 'looked', look: { socketIds, isChangeVisible: false } });
  }

  private async listenerIds(): Promise<readonly string[] | undefined> {
    if (!isLoopback(this.endpoint.host)) {
      return undefined;
    }
    const seen = await this.deps.machine.listeners(this.endpoint.port);
    return seen.known ? seen.value : undefined;
  }

  private async lookAfterEnd(os: PortObservation): Promise<ListenerLook> {
    const socketIds = await this.listenerIds();
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
    this.log('INFO', 'connection.dial', `connecting to ${describeEndpoint(this.endpoint)}`);
    const connection = new TwsConnection(this.endpoint, this.clientId, this.deps.clock);
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

  private onProgress(connection: TwsConnection, progress: ConnectionProgress): void {
    if (progress.stage === 'open' && this.session === undefined) {
      this.session = new Session(connection, this.deps.clock);
      this.accounts = progress.accounts;
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
    this.apply({ kind: 'stage', stage: progress.stage });
    this.changeEmitter.fire();
  }

  private async onEnded(progress: ConnectionProgress): Promise<void> {
    const { end } = progress;
    if (end === undefined) {
      return;
    }
    this.session?.dispose();
    this.session = undefined;
    this.log(
      'WARN',
      'connection.ended',
      `in stage ${progress.endedIn ?? 'tcp'}: ${end.kind}${'code' in end && end.code !== undefined ? ` (${end.code})` : ''}`,
    );
    const os = await this.observe();
    this.apply({ kind: 'ended', end, look: await this.lookAfterEnd(os) });
  }

  private onMessage(message: TwsMessage): void {
    const farms = farmStates(message.code, message.text);
    this.active.note(message, farms);
    if (message.requestId < 0) {
      this.log('INFO', `tws.${message.code}`, message.text);
    }
    this.apply({ kind: 'message', code: message.code, farms });
  }

  private async checkAlive(): Promise<void> {
    const { connection } = this;
    if (connection === undefined || this.isAsking) {
      return;
    }
    this.isAsking = true;
    const answer = await this.question(connection, this.deps.timings.answerDeadlineMs);
    if (connection === this.connection) {
      this.isAsking = false;
      this.noteMiss(connection, answer);
    }
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
      this.apply({ kind: 'missed' });
    }
  }

  /** Quiet when it works again; the finding goes with the trouble. */
  private async checkDataAgain(): Promise<void> {
    const { clock } = this.deps;
    if (!this.isCheckingData && this.session !== undefined) {
      this.isCheckingData = true;
      await checkData(this.dataSymbols, dataDeadlineMs, { clock, source: this });
      this.isCheckingData = false;
    }
  }

  private async observe(): Promise<PortObservation> {
    return observePort(this.deps.machine, this.endpoint.port, isLoopback(this.endpoint.host));
  }

  /**
   * Finds anew what is wrong, with fresh evidence: one round at a time, and one more when
   * something changed meanwhile, so that a burst of changes neither piles up nor starves it.
   */
  private async refreshFindings(): Promise<void> {
    if (!this.isInTrouble) {
      this.findings = [];
      this.firstSeen.clear();
      this.changeEmitter.fire();
      return;
    }
    this.changeEmitter.fire();
    if (this.isRefreshing) {
      this.isRefreshDue = true;
      return;
    }
    this.isRefreshing = true;
    this.isRefreshDue = false;
    this.showFindings(await this.find());
    this.isRefreshing = false;
    if (this.takeRefreshDue()) {
      await this.refreshFindings();
    }
  }

  /** The trouble may be over by the time that the evidence is there. */
  private showFindings(found: readonly Finding[]): void {
    if (this.isInTrouble && !this.isDisposed) {
      this.findings = found.map((finding) => this.withHistory(finding));
      this.changeEmitter.fire();
    }
  }

  private takeRefreshDue(): boolean {
    return this.isRefreshDue && !this.isDisposed;
  }

  private get isInTrouble(): boolean {
    const health = deriveHealth(this.state);
    return health === 'down' || health === 'degraded';
  }

  private async find(): Promise<readonly Finding[]> {
    const finding = diagnoseConnection(this.situation(await this.observe()));
    if (finding !== undefined) {
      return [finding];
    }
    const told = this.active.list().flatMap((message) => noticeFinding(message) ?? []);
    return [...told.slice(-maxToldFindings), ...this.dataFindings];
  }

  /** Keeps since when a finding has stood. */
  private withHistory(finding: Finding): Finding {
    const key = findingKey(finding);
    const seen = this.firstSeen.get(key);
    const history = { firstAt: seen?.firstAt ?? finding.firstAt, count: finding.count };
    this.firstSeen.set(key, history);
    return { ...finding, ...history };
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
    this.logEmitter.fire({ level, token, words });
  }
}
