import type { Clock, Timer } from '../core/clock';
import type { Disposable } from '../core/disposables';
import { Emitter, type Event } from '../core/emitter';
import type { RecoveryAttempt, RunnerStatus } from '../diagnostics/status';
import { triedText } from '../diagnostics/tried';
import type { Machine } from '../host/machine';
import { observePort, type PortObservation } from '../host/portObservation';
import type { ConnectionEnd } from '../ibkr/connection';
import { type Endpoint, isLoopback } from '../ibkr/endpoint';
import {
  describeIbcReply,
  type IbcCommand,
  type IbcReply,
  sendIbcCommand,
} from '../ibkr/ibcCommands';
import type { DialAdvice, EndedConnection } from './dialAdvice';
import type { MonitorSnapshot } from './monitor';
import {
  type ClientIdState,
  freshClientId,
  holderOf,
  type KnownClient,
  onIdAccepted,
  onIdTaken,
  otherClients,
} from './recoveryClientId';
import { modeOf, runnerAtWork, serverProblem } from './recoveryEvidence';
import {
  climb,
  forbidden,
  initialLadder,
  type LadderContext,
  type LadderEffect,
  type LadderEvent,
  type LadderState,
} from './recoveryLadder';
import type { RecoverySettings } from './recoverySettings';
import { isWedged, showsWedge, troubleOf } from './recoveryTrouble';
import type { LogLevel } from './records';

/** What recovery needs of the watch that it serves. */
export interface WatchedConnection {
  readonly endpoint: Endpoint;
  /** The id that was configured. */
  readonly clientId: number;
  readonly snapshot: Pick<MonitorSnapshot, 'state' | 'health' | 'findings' | 'accounts'>;
  readonly onDidChange: Event<void>;
  /** What the machine showed lately; undefined where that is too old. */
  readonly ownSession: { readonly os: PortObservation | undefined };
  /** Dials again within the laws: never beside a connection that lives. */
  ask(): void;
}

export interface RecoveryDependencies {
  readonly clock: Clock;
  readonly machine: Machine;
  readonly settings: RecoverySettings;
  readonly runners: () => readonly RunnerStatus[];
  /** The client id that a workspace's runner is known to use. */
  readonly runnerClientId: (workspace: string) => number | undefined;
  readonly log: (level: LogLevel, token: string, words: string) => void;
  readonly send?: (port: number, command: IbcCommand) => Promise<IbcReply>;
}

/** As often as law 3 dials where nothing shows a change. Milliseconds. */
const slowDialMs = 300_000;

/**
 * Heals what can be healed: drives the ladder with the monitor's findings, the machine's tables
 * and IBC. It ends no process and has no way to.
 */
export class Recovery implements Disposable {
  private ladder: LadderState = initialLadder;
  private ids: ClientIdState;
  private timer: Timer | undefined;
  private isDisposed = false;
  private readonly subscription: Disposable;
  private readonly changeEmitter = new Emitter<void>();

  /** After every change of what was tried. */
  readonly onDidChange = this.changeEmitter.event;

  constructor(
    private readonly watched: WatchedConnection,
    private readonly deps: RecoveryDependencies,
  ) {
    this.ids = freshClientId(watched.clientId);
    this.subscription = watched.onDidChange(() => {
      this.look();
    });
  }

  /** What was tried in the present trouble, or in the last one. Oldest first. */
  get attempts(): readonly RecoveryAttempt[] {
    return this.ladder.attempts;
  }

  /** The trader's *Reconnect now*, before the dial: skips waiting, never the laws. */
  asked(): void {
    if (this.ladder.incident?.trouble?.kind === 'wedged') {
      this.deps.log(
        'WARN',
        'recovery.wedged',
        'TWS takes no connections: this one attempt is made because it was asked for, and each can make it worse; restart TWS by hand',
      );
    }
    this.apply({ kind: 'asked' });
  }

  /** When the next dial may come, and under which client id. */
  async advise(ended: EndedConnection): Promise<DialAdvice> {
    if (isIdTaken(ended)) {
      return this.afterTakenId(ended.os);
    }
    const wasWedged = this.ladder.incident?.isDiallingStopped === true;
    if (!isWedged(ended.finding) && !wasWedged) {
      return { kind: 'usual' };
    }
    const shown = showsWedge(ended.os);
    if (!shown.known) {
      return { kind: 'wait', ms: slowDialMs, clientId: this.ids.id };
    }
    return shown.value ? { kind: 'for a change' } : { kind: 'usual' };
  }

  dispose(): void {
    this.isDisposed = true;
    this.subscription.dispose();
    this.changeEmitter.dispose();
    this.timer?.cancel();
  }

  private async afterTakenId(os: PortObservation): Promise<DialAdvice> {
    const { clock, log, runners, runnerClientId } = this.deps;
    const known = await this.knownClients(os);
    const holder = holderOf(this.ids.id, os, { ownPid: process.pid, known });
    const reserved = runners().flatMap(({ workspace }) => runnerClientId(workspace) ?? []);
    const step = onIdTaken(this.ids, holder, { monotonicMs: clock.monotonicMs(), reserved });
    this.ids = step.state;
    log('WARN', 'recovery.client_id', step.words);
    this.apply({ kind: 'noted', step: 'clientId', outcome: step.words });
    return { kind: 'wait', ms: step.waitMs, clientId: step.state.id };
  }

  /** The other clients whose ids we know: our own programs by their arguments, and runners. */
  private async knownClients(os: PortObservation): Promise<readonly KnownClient[]> {
    const { machine, runners, runnerClientId } = this.deps;
    const ofRunners = runners().flatMap(({ pid, workspace }) =>
      pid === null ? [] : [{ pid, clientId: runnerClientId(workspace), isMonitor: false }],
    );
    const robos = (otherClients(os, process.pid) ?? []).filter(
      ({ clientRole }) => clientRole === 'robo',
    );
    const ofRobos = await Promise.all(
      robos.map(async ({ clientPid }) => {
        const seen = await machine.process(clientPid);
        const flag = seen.known
          ? seen.value?.argv.find((word) => word.startsWith('--client-id='))
          : undefined;
        const clientId = flag === undefined ? undefined : Number(flag.slice(12));
        return { pid: clientPid, clientId, isMonitor: true };
      }),
    );
    return [...ofRunners, ...ofRobos];
  }

  private look(): void {
    const { snapshot, ownSession } = this.watched;
    const { health, findings, state } = snapshot;
    if (state.phase.kind === 'open' && state.phase.isVerified) {
      this.ids = onIdAccepted(this.ids);
    }
    if (health === 'unknown' || health === 'connecting') {
      // Neither well nor ill: what is under way shows first what becomes of it.
      return;
    }
    const { os } = ownSession;
    const shown = os === undefined ? undefined : showsWedge(os);
    this.apply({
      kind: 'seen',
      trouble: troubleOf({ health, findings, os, nowMs: this.deps.clock.now() }),
      isHeld: state.phase.kind === 'held',
      isWedgeGone: shown?.known === true && !shown.value,
      dials: state.connectionsOpened,
      lastEnd: state.phase.kind === 'waiting' ? describeEnd(state.lastEnd) : undefined,
    });
  }

  private apply(event: LadderEvent): void {
    if (this.isDisposed) {
      return;
    }
    const { state, effects } = climb(this.ladder, event, this.context(this.watched.ownSession.os));
    const hasChanged = state.attempts !== this.ladder.attempts;
    this.ladder = state;
    if (hasChanged) {
      this.changeEmitter.fire();
    }
    for (const effect of effects) {
      this.run(effect);
    }
  }

  private context(os: PortObservation | undefined): LadderContext {
    const { clock, settings, runners } = this.deps;
    const { snapshot, endpoint } = this.watched;
    return {
      nowMs: clock.now(),
      monotonicMs: clock.monotonicMs(),
      settings,
      mode: modeOf(snapshot.accounts, endpoint),
      runner: runnerAtWork(runners(), os, process.pid),
      isExpected: snapshot.health === 'expected',
    };
  }

  private run(effect: LadderEffect): void {
    switch (effect.kind) {
      case 'send':
        void this.send(effect.command, effect.evidence);
        return;
      case 'call':
        this.deps.log(
          'ERROR',
          'recovery.call',
          `a person must look: ${effect.evidence}; ${triedText(this.attempts) ?? 'nothing could be tried'}`,
        );
        return;
      case 'dial':
        this.deps.log('INFO', 'recovery.dial', 'TWS seems to take connections again');
        this.watched.ask();
        return;
      case 'wait':
        this.timer?.cancel();
        this.timer = this.deps.clock.setTimer(effect.ms, () => {
          this.apply({ kind: 'due' });
        });
        return;
      case 'stop waiting':
        this.timer?.cancel();
    }
  }

  private async send(command: IbcCommand, evidence: string): Promise<void> {
    const why = await this.whyNotNow(command);
    if (why !== undefined) {
      this.replied(command, `not done: ${why}`, 'nothing');
      return;
    }
    const port = this.deps.settings.ibcCommandPort ?? 0;
    this.deps.log('WARN', 'recovery.command', `${command} to IBC on port ${port}: ${evidence}`);
    const reply = await this.deliver(port, command);
    const isRestart = command === 'RESTART' && reply.kind === 'done';
    const warning = isRestart ? '; TWS may now wait for a login with a second factor' : '';
    this.replied(command, `${describeIbcReply(reply)}${warning}`, effectOf(reply));
  }

  /** Looked at once more, just before it is sent: a runner may have come meanwhile. */
  private async whyNotNow(command: IbcCommand): Promise<string | undefined> {
    const { machine, settings } = this.deps;
    const { host } = this.watched.endpoint;
    const port = this.watched.snapshot.state.movedTo ?? this.watched.endpoint.port;
    const api = await observePort(machine, port, isLoopback(host));
    const server = await observePort(machine, settings.ibcCommandPort ?? 0, isLoopback(host));
    const context = this.context(api);
    if (this.ladder.incident?.sending !== command || this.isDisposed) {
      return 'the trouble was over';
    }
    return forbidden(command, context) ?? serverProblem(command, server, api);
  }

  private async deliver(port: number, command: IbcCommand): Promise<IbcReply> {
    const { clock, send } = this.deps;
    return send === undefined ? sendIbcCommand(port, command, { clock }) : send(port, command);
  }

  private replied(command: IbcCommand, outcome: string, effect: CommandEffect): void {
    this.deps.log('INFO', 'recovery.outcome', `${command}: ${outcome}`);
    this.apply({ kind: 'replied', command, outcome, effect });
  }
}

type CommandEffect = Extract<LadderEvent, { kind: 'replied' }>['effect'];

/** In any doubt IBC has acted, and the cure gets its time. */
function effectOf(reply: IbcReply): CommandEffect {
  switch (reply.kind) {
    case 'done':
    case 'no answer':
    case 'closed':
      return 'possible';
    case 'refused':
    case 'not understood':
      return 'not taken';
    case 'not connected':
      return 'nothing';
  }
}

function isIdTaken({ progress, finding }: EndedConnection): boolean {
  return (
    progress.startupMessages.some(({ code }) => code === 326) ||
    finding?.causes[0]?.id === 'client_id_in_use_326'
  );
}

function describeEnd(end: ConnectionEnd | undefined): string | undefined {
  if (end === undefined) {
    return undefined;
  }
  const code = 'code' in end && end.code !== undefined ? ` (${end.code})` : '';
  return `${end.kind}${code}`;
}
