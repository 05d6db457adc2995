import * as v from 'valibot';
import type { Clock, Timer } from '../core/clock';
import type { Disposable } from '../core/disposables';
import type { Event } from '../core/emitter';
import { errorText } from '../core/errors';
import type { RestartStatus, RunnerStatus } from '../diagnostics/status';
import type { Mode } from '../ibkr/endpoint';
import { readExitAudit } from '../runner/exitAudit';
import {
  defaultRestartSettings,
  noRestarts,
  reduceRestart,
  type RestartContext,
  type RestartEvent,
  type RestartSettings,
  type RestartState,
  restartStatus,
  restartSwitch,
} from '../runner/restartPolicy';
import { hasWorked, runEndOf } from '../runner/runEnd';
import { readStateFile, removeStateFile, writeStateFile } from '../runner/stateFile';
import type { StartRunnerResult } from './protocol';

/** The session with TWS, as far as a restart waits for it. */
export interface ConnectionReadiness {
  readonly isReady: () => boolean;
  readonly onDidChange: Event<unknown>;
}

export interface AutomaticRestartDeps {
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly settings?: RestartSettings;
  /** Undefined where nobody knows, which counts as live. */
  readonly mode: () => Mode | undefined;
  readonly connection?: ConnectionReadiness;
  /** Starts the runner as it was started last, through the gate like any start. */
  readonly start: () => Promise<StartRunnerResult>;
  readonly log: (level: 'INFO' | 'WARN', token: string, words: string) => void;
  readonly onChange: () => void;
}

const fileName = 'restart.json';
const recordSchema = v.object({
  schema: v.literal(1),
  decision: v.string(),
  /** The runner as it ended, while it was to be started again. */
  waiting: v.custom<RunnerStatus>((value) => typeof value === 'object' && value !== null),
});

/** What an earlier monitor had planned and could not carry out. */
export interface LeftRestart {
  readonly decision: string;
  /** The runner as it had ended. */
  readonly status: RunnerStatus;
}

/** The restart that was planned for the runner of a folder; undefined where none was. */
export async function leftRestart(directory: string): Promise<LeftRestart | undefined> {
  const record = await readStateFile(directory, fileName, {
    schema: recordSchema,
    what: 'plan of a restart',
  });
  if (!record.known || record.value === undefined) {
    return undefined;
  }
  const { decision, waiting } = record.value;
  // Without its start it is no run of this monitor's books.
  return { decision, status: { ...waiting, startedAt: null, pid: null, state: 'exited' } };
}

/** At least so long between two questions to the gate, in milliseconds. */
const leastBetweenGatesMs = 15_000;

/**
 * Carries out the restart policy for the runner of one workspace. It asks the gate only while the
 * session with TWS is ready, so that an outage of a night costs not one question.
 */
export class AutomaticRestart implements Disposable {
  private state: RestartState = noRestarts;
  private asked: boolean | undefined;
  private isAdopted = false;
  private status: RunnerStatus | undefined;
  private pid: number | null = null;
  private workingDirectory = '';
  /** Whatever ends it now, a person wanted it. */
  private isEndExpected = false;
  private handledEnd: string | undefined;
  /** When the present run may count as having come up; undefined where nobody waits for that. */
  private verifyAtMs: number | undefined;
  private timer: Timer | undefined;
  private verifyTimer: Timer | undefined;
  /** Raised by whatever a person does: what was under way before is no longer wanted. */
  private generation = 0;
  private lastGateMs = Number.NEGATIVE_INFINITY;
  private trying: Promise<void> | undefined;
  private endsUndecided = 0;
  private isDisposed = false;
  private keeping: Promise<void> = Promise.resolve();
  private readonly subscription: Disposable | undefined;

  /** @param directory folder of the file by which a later monitor knows what was planned */
  constructor(
    private readonly directory: string,
    private readonly deps: AutomaticRestartDeps,
  ) {
    this.subscription = deps.connection?.onDidChange(() => {
      this.connectionChanged();
    });
  }

  get now(): RestartStatus {
    return restartStatus(this.state, this.context);
  }

  /** True while another start is planned, or waits for the gate. */
  get isPending(): boolean {
    return this.state.plan.kind !== 'none' || this.trying !== undefined;
  }

  /** True while an end has been seen and what follows from it is not decided yet. */
  get isDeciding(): boolean {
    return this.endsUndecided > 0;
  }

  /** A person has started the runner. */
  startedByPerson(asked: boolean | undefined, workingDirectory: string): void {
    this.asked = asked;
    this.workingDirectory = workingDirectory;
    this.isAdopted = false;
    this.isEndExpected = false;
    this.personActed({ kind: 'started by a person' });
  }

  /** A runner that an earlier monitor has started goes on. */
  adopted(asked: boolean | undefined): void {
    this.asked = asked;
    this.isAdopted = true;
  }

  /** A person has stopped the runner, or is about to end it otherwise. */
  stoppedByPerson(): void {
    this.isEndExpected = true;
    this.personActed({ kind: 'stopped by a person' });
  }

  /** The runner's own status after every change. */
  seen(status: RunnerStatus): void {
    this.status = status;
    this.pid = status.pid ?? this.pid;
    if (status.state === 'exited' && status.exit !== null) {
      const end = `${this.pid ?? ''} ${status.exit.at}`;
      if (this.handledEnd !== end) {
        this.handledEnd = end;
        void this.ended(status);
      }
    } else {
      this.considerCameUp();
    }
  }

  /** Takes over a plan that cannot be carried out: nobody but its monitor knew the environment. */
  giveUpLeft({ decision }: LeftRestart): void {
    this.isAdopted = true;
    this.apply({
      kind: 'given up',
      why: `The monitor that was to start it again has ended, and the environment that it needs is gone with it: start it yourself. Before: ${decision}`,
      isPersonNeeded: true,
    });
  }

  /** Waits until what was decided lies on the disk. */
  async kept(): Promise<void> {
    await this.keeping;
  }

  dispose(): void {
    this.isDisposed = true;
    this.generation += 1;
    this.timer?.cancel();
    this.verifyTimer?.cancel();
    this.subscription?.dispose();
  }

  private get context(): RestartContext {
    const { clock, settings, mode, random } = this.deps;
    return {
      settings: settings ?? defaultRestartSettings,
      switch: { asked: this.asked, mode: mode(), isAdopted: this.isAdopted },
      nowMs: clock.now(),
      random: random(),
    };
  }

  private get isReady(): boolean {
    return this.deps.connection?.isReady() ?? true;
  }

  private personActed(event: RestartEvent): void {
    this.generation += 1;
    this.verifyAtMs = undefined;
    this.apply(event);
  }

  private async ended(status: RunnerStatus): Promise<void> {
    const { generation } = this;
    const isConnected = this.isReady;
    this.verifyAtMs = undefined;
    this.endsUndecided += 1;
    const audit = await readExitAudit(this.workingDirectory, this.pid, this.deps.clock.now());
    // An end may be seen before the start that it belongs to has come back to us.
    await this.trying;
    this.endsUndecided -= 1;
    const end = runEndOf(status, audit);
    if (end !== undefined && generation === this.generation) {
      this.apply(
        this.isEndExpected ? { kind: 'stopped by a person' } : { kind: 'ended', end, isConnected },
      );
      const { decision, isPersonCalled } = this.state;
      this.deps.log(isPersonCalled ? 'WARN' : 'INFO', 'runner.restart', decision);
    } else if (!this.isDisposed) {
      this.deps.onChange();
    }
  }

  private apply(event: RestartEvent): void {
    this.state = reduceRestart(this.state, event, this.context);
    this.arm();
    this.keep();
    this.deps.onChange();
  }

  private arm(): void {
    this.timer?.cancel();
    const { plan } = this.state;
    if (plan.kind !== 'none' && !this.isDisposed) {
      this.tryAt(plan.atMs);
    }
  }

  private tryAt(atMs: number): void {
    this.timer?.cancel();
    this.timer = this.deps.clock.setTimer(Math.max(0, atMs - this.deps.clock.now()), () => {
      this.trying ??= this.attempt().finally(() => {
        this.trying = undefined;
      });
    });
  }

  private connectionChanged(): void {
    if (this.state.plan.kind === 'gate' && this.isReady && !this.isDisposed) {
      this.tryAt(Math.max(this.deps.clock.now(), this.lastGateMs + leastBetweenGatesMs));
    }
  }

  private async attempt(): Promise<void> {
    if (this.state.plan.kind === 'none' || this.isDisposed) {
      return;
    }
    const { isAutomatic, why } = restartSwitch(this.context.switch);
    if (!isAutomatic) {
      this.apply({
        kind: 'given up',
        why: `It is not started again: ${why}`,
        isPersonNeeded: true,
      });
      return;
    }
    if (!this.isReady) {
      this.apply({ kind: 'gate shut', why: 'the connection to TWS is not ready.' });
      return;
    }
    const { generation } = this;
    this.lastGateMs = this.deps.clock.now();
    const event = await this.deps.start().then(eventOf, givenUp);
    if (generation === this.generation) {
      this.apply(event);
      this.deps.log('INFO', 'runner.restart', this.state.decision);
      if (event.kind === 'started by itself') {
        this.watchForSuccess();
      }
    }
  }

  private watchForSuccess(): void {
    const { settings, nowMs } = this.context;
    this.verifyAtMs = nowMs + settings.verifyMs;
    this.verifyTimer?.cancel();
    this.verifyTimer = this.deps.clock.setTimer(settings.verifyMs, () => {
      this.considerCameUp();
    });
  }

  private considerCameUp(): void {
    const { status, verifyAtMs } = this;
    if (verifyAtMs === undefined || this.deps.clock.now() < verifyAtMs) {
      return;
    }
    if (status?.state === 'running' && hasWorked(status)) {
      this.verifyAtMs = undefined;
      this.apply({ kind: 'came up' });
    }
  }

  /** Written only while another start is due: then this monitor's end is what a trader must know. */
  private keep(): void {
    const { status } = this;
    const { plan, decision } = this.state;
    this.keeping = this.keeping
      .then(async () =>
        plan.kind === 'none' || status === undefined
          ? removeStateFile(this.directory, fileName)
          : writeStateFile(this.directory, fileName, { schema: 1, decision, waiting: status }),
      )
      .catch((error: unknown) => {
        this.deps.log('WARN', 'runner.restart_unkept', errorText(error));
      });
  }
}

function eventOf(result: StartRunnerResult): RestartEvent {
  switch (result.outcome) {
    case 'started':
      return { kind: 'started by itself' };
    case 'refused': {
      const { findings, failedLayer, unknownLayer } = result.report;
      const layer = failedLayer ?? unknownLayer ?? 'unknown';
      return { kind: 'gate shut', why: findings[0]?.message ?? `layer ${layer} did not pass.` };
    }
    case 'already running':
      return {
        kind: 'given up',
        why: `It runs already, pid ${result.pid}.`,
        isPersonNeeded: false,
      };
    case 'failed':
      return { kind: 'given up', why: result.finding.message, isPersonNeeded: true };
  }
}

function givenUp(error: unknown): RestartEvent {
  return { kind: 'given up', why: errorText(error), isPersonNeeded: true };
}
