import { type Clock, delay } from '../core/clock';
import { errorText, HumanError } from '../core/errors';
import type { DaemonClient, StartRequest } from '../daemon/client';
import { connectToDaemon, type DaemonOptions, daemonPaths } from '../daemon/launcher';
import type { StartRunnerResult } from '../daemon/protocol';
import { endProcess } from '../host/endProcess';
import type { Machine, ProcessInfo } from '../host/machine';
import type { FaultResult } from '../monitor/drillRecord';
import type { PreflightReport } from '../preflight/report';
import { Simulator } from '../simulator/simulator';
import { Audience, CalledOff, causeOfAlert } from './audience';
import type { Expectation } from './expectations';
import { judge, type Observation, type RunnerObservation } from './judge';
import type { Stage } from './stage';

/**
 * What differs from a usual monitor and gate, so that a drill takes a minute or two and not half
 * an hour. Every other deadline is the real one. Milliseconds.
 */
export const drillTimings = { livenessIntervalMs: 1000, refuseAfterMs: 5000 } as const;

/** Liveness twice missed takes 11 s, a slow machine some more. */
const seenMs = 25_000;
/** The cause becomes known with the evidence; that is read again after each change. */
const namedMs = 8000;
/** The longest wait for a dial after a few failures is 8 s, for lost data 10 s more. */
const healedMs = 30_000;
/** A fault that raises no alert gets the time of two liveness questions to do so wrongly. */
const quietMs = 2500;
/** How long a daemon may take to end when it is asked to. */
const endMs = 5000;
/** How long after that a TERM is given before KILL. */
const killAfterMs = 1000;
/** The runner prints five cycles a second; a quarter of a minute of silence is too long. */
const cycleMs = 15_000;

export interface RehearsalDeps {
  readonly stage: Stage;
  readonly clock: Clock;
  readonly machine: Machine;
  readonly signal: AbortSignal;
  /** How a daemon is started; place, endpoint and runner are the rehearsal's own. */
  readonly launch: Pick<DaemonOptions, 'runtime' | 'daemonScript'>;
}

interface Cast {
  readonly simulator: Simulator;
  readonly client: DaemonClient;
  readonly audience: Audience;
  readonly runner: Started;
}

interface Started {
  readonly pid: number;
  readonly identity: ProcessInfo | undefined;
}

/** One fault from healthy to healthy again, with a TWS, a daemon and a runner of its own. */
export class Rehearsal {
  private readonly simulator = new Simulator();
  private client: DaemonClient | undefined;
  /** Daemon and runner, by what identifies them. */
  private readonly started: ProcessInfo[] = [];

  constructor(
    private readonly fault: string,
    private readonly expected: Expectation,
    private readonly deps: RehearsalDeps,
  ) {}

  /**
   * Never leaves anything behind; what went wrong with the rehearsal itself stands in the result.
   * @throws CalledOff
   */
  async run(): Promise<FaultResult> {
    const { clock, signal } = this.deps;
    const from = clock.monotonicMs();
    const result = { fault: this.fault, why: this.expected.why };
    const durationMs = (): number => Math.round(clock.monotonicMs() - from);
    try {
      const checks = judge(this.expected, await this.observe());
      const held = checks.every((check) => check.held);
      return { ...result, held, durationMs: durationMs(), checks };
    } catch (error) {
      if (signal.aborted || error instanceof CalledOff) {
        throw new CalledOff();
      }
      const problem = errorText(error);
      return { ...result, held: false, durationMs: durationMs(), checks: [], problem };
    } finally {
      await this.clear();
    }
  }

  private async observe(): Promise<Observation> {
    const cast = await this.begin();
    const { audience, simulator } = cast;
    audience.forget();
    await this.strike(simulator);
    if (this.expected.alert === 'none') {
      await audience.until(() => audience.hasSeenAlert, quietMs);
    } else {
      await audience.until(() => audience.hasSeenAlert, seenMs);
    }
    const second = await this.startSecond(cast);
    const answer = gateOf(second);
    await audience.until(() => this.isTold(audience, answer.namedByGate), namedMs);
    const during = {
      ...answer,
      namedByAlert: causeOfAlert(audience.alert),
      namedInStatus: audience.namedInStatus,
      wasAlertSeen: audience.hasSeenAlert,
      isAlertBeforeHealing: audience.alert !== undefined,
    };
    await this.heal(simulator);
    await audience.until(() => this.isOver(audience), healedMs);
    return {
      ...during,
      isAlertAfterwards: audience.alert !== undefined,
      healthAfterwards: audience.status?.health,
      runner: await this.look(cast),
    };
  }

  /** A healthy TWS, a daemon that watches it, and a runner that passed the gate. */
  private async begin(): Promise<Cast> {
    const { stage, clock, signal, launch } = this.deps;
    const endpoint = await this.simulator.start();
    stage.admit(endpoint);
    const options: DaemonOptions = {
      ...launch,
      stateDirectory: stage.stateDirectory,
      endpoint,
      clientId: 9000,
      kind: 'cli',
      runnerScript: stage.runnerScript,
      rehearsal: { pid: process.pid, livenessIntervalMs: drillTimings.livenessIntervalMs },
    };
    const client = await connectToDaemon(options);
    this.client = client;
    await this.identify(client.daemon.pid);
    const audience = new Audience(client, {
      alertFile: daemonPaths(options).alert,
      runnerWorkspace: this.workspace('first'),
      clock,
      signal,
    });
    const first = await this.start(client, 'first');
    if (first.outcome !== 'started') {
      throw new HumanError(
        `With a healthy TWS the gate did not open (${first.outcome}${'report' in first ? `, ${reportWords(first.report)}` : ''}), so the fault was not rehearsed.`,
      );
    }
    const runner = { pid: first.pid, identity: await this.identify(first.pid) };
    const isUp = await audience.until(
      () => audience.status?.health === 'healthy' && audience.cycles > 0,
      seenMs,
    );
    if (!isUp) {
      throw new HumanError(
        `With a healthy TWS the monitor said "${audience.status?.health ?? 'nothing'}" and the runner finished ${audience.cycles} cycles, so the fault was not rehearsed.`,
      );
    }
    return { simulator: this.simulator, client, audience, runner };
  }

  private async strike(simulator: Simulator): Promise<void> {
    if (this.expected.meets === 'new session') {
      await simulator.setFault('refused');
    }
    await simulator.setFault(this.fault);
  }

  private async heal(simulator: Simulator): Promise<void> {
    if (this.expected.heals === 'with a restart of TWS') {
      await simulator.setFault('refused');
    }
    await simulator.setFault('none');
  }

  /** Another runner asks for the gate; where it opens, that runner is ended again at once. */
  private async startSecond({ client }: Cast): Promise<StartRunnerResult> {
    const result = await this.start(client, 'second');
    if (result.outcome === 'started') {
      await client.stopRunner(this.workspace('second'));
    }
    return result;
  }

  /** The built-in runner's place is taken by the rehearsal's own (see `begin`). */
  private async start(client: DaemonClient, name: string): Promise<StartRunnerResult> {
    const workspace = this.workspace(name);
    const request: StartRequest = {
      workspace,
      command: [],
      workingDirectory: workspace,
      environment: {},
      symbols: ['AAPL', 'MSFT'],
      mode: 'paper',
      restart: false,
      refuseAfterMs: drillTimings.refuseAfterMs,
    };
    return client.startRunner(request, () => undefined, this.deps.signal);
  }

  private workspace(name: string): string {
    return this.deps.stage.workspace(`${this.fault}-${name}`);
  }

  /** True when alert and status say what is right; they may need another look at the evidence. */
  private isTold(audience: Audience, namedByGate: string | undefined): boolean {
    const { alert, causes } = this.expected;
    const isRight = (id: string | undefined): boolean => causes.some((cause) => cause === id);
    switch (alert) {
      case 'until healed':
        return isRight(causeOfAlert(audience.alert));
      case 'passing':
        return audience.alert === undefined;
      case 'none':
        return causes.length === 0 || isRight(namedByGate) || audience.namedInStatus.some(isRight);
    }
  }

  private isOver(audience: Audience): boolean {
    return audience.alert === undefined && audience.status?.health === this.expected.afterwards;
  }

  private async look({ audience, runner }: Cast): Promise<RunnerObservation> {
    const { pid, identity } = runner;
    const before = audience.cycles;
    const goesOn = await audience.until(() => audience.cycles > before, cycleMs);
    const now = await this.presentProcess(pid);
    const isSame = identity?.startToken === now?.startToken;
    const trouble =
      audience.signalled ??
      (isSame ? undefined : `pid ${pid} is gone or another process`) ??
      (goesOn ? undefined : `pid ${pid} finished no cycle for ${cycleMs / 1000} s`);
    return { pid, trouble };
  }

  /** Notes who was started, for the end. */
  private async identify(pid: number): Promise<ProcessInfo | undefined> {
    const process = await this.presentProcess(pid);
    this.started.push(...(process === undefined ? [] : [process]));
    return process;
  }

  private async presentProcess(pid: number): Promise<ProcessInfo | undefined> {
    const seen = await this.deps.machine.process(pid);
    return seen.known ? seen.value : undefined;
  }

  /** Ends runner, daemon and TWS: asks first, and then by identity what did not listen. */
  private async clear(): Promise<void> {
    const { client } = this;
    const { clock, machine } = this.deps;
    if (client !== undefined) {
      await Promise.race([this.askToEnd(client), delay(clock, endMs)]);
      client.dispose();
    }
    for (const identity of this.started) {
      const now = await this.presentProcess(identity.pid);
      if (now?.startToken === identity.startToken) {
        const signal = (pid: number, name: NodeJS.Signals): void => {
          process.kill(pid, name);
        };
        const deps = { machine, clock, signal, ownPid: process.pid };
        await endProcess(identity, deps, { graceMs: killAfterMs, startedByUs: true });
      }
    }
    await this.simulator.stop();
  }

  private async askToEnd(client: DaemonClient): Promise<void> {
    const gone = new Promise<void>((resolve) => {
      client.onDidClose(() => {
        resolve();
      });
    });
    try {
      await client.stopRunner(this.workspace('second'));
      await client.stopRunner(this.workspace('first'));
      await client.shutdown();
      await gone;
    } catch {
      // A daemon that has died is ended already; its runner is ended by identity.
    }
  }
}

function gateOf(result: StartRunnerResult): Pick<Observation, 'gate' | 'namedByGate'> {
  switch (result.outcome) {
    case 'started':
      return { gate: 'open', namedByGate: leadingCause(result.report) };
    case 'refused':
      return { gate: 'shut', namedByGate: leadingCause(result.report) };
    case 'already running':
    case 'failed':
      return { gate: 'failed', namedByGate: undefined };
  }
}

function leadingCause(report: PreflightReport | null): string | undefined {
  const findings = report?.findings ?? [];
  const leading = findings.find(({ severity }) => severity === 'error') ?? findings[0];
  return leading?.causes[0]?.id;
}

function reportWords(report: PreflightReport | null): string {
  return (
    report?.findings[0]?.message ??
    `stopped at ${report?.failedLayer ?? report?.unknownLayer ?? 'an unknown layer'}`
  );
}
