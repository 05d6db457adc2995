import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Clock, delay } from '../../core/clock';
import { errorText, HumanError } from '../../core/errors';
import { known, type Observed, unknown } from '../../core/observed';
import type { Machine } from '../../host/machine';
import { type RunTool, successfulOutput } from '../../host/tool';
import { type Endpoint, formatEndpoint } from '../../ibkr/endpoint';
import { ensureOwnDirectory } from '../../monitor/records';
import { type DaemonArguments, formatDaemonArguments } from '../daemonArguments';
import { installDaemonFiles } from '../daemonFiles';
import { endDaemon, isOlder, joinDaemon } from '../launcher';
import {
  type Definition,
  programVersion,
  readDefinition,
  removeDefinition,
  removePrograms,
  writeDefinition,
} from './serviceFiles';
import type { ServiceRecord, ServiceSpec } from './serviceSpec';
import type { ServiceStep, ServiceSystem, SystemLook } from './serviceSystem';

/** What a trader asks a service to do; of how it watches, only what flags have said. */
export interface ServiceRequest extends Pick<
  DaemonArguments,
  'livenessIntervalMs' | 'twsZone' | 'twsRestart' | 'alsoAt' | 'recovery'
> {
  readonly endpoint: Endpoint;
  readonly clientId: number;
  readonly stateDirectory: string;
  /** Absolute path of a Node of the service's own. */
  readonly node: string;
}

/** What an installation would do. */
export interface ServicePlan {
  readonly spec: ServiceSpec;
  readonly text: string;
  readonly programFolder: string;
  readonly steps: readonly ServiceStep[];
}

/** `robo service status --json`; null is *unknown*. */
export interface ServiceStatus {
  readonly schema: 1;
  readonly name: string;
  /** `systemd user service` and the like. */
  readonly system: string;
  readonly endpoint: string;
  readonly file: string;
  readonly installed: boolean;
  readonly enabled: boolean | null;
  readonly running: boolean | null;
  readonly pid: number | null;
  /** The system's own words. */
  readonly state: string | null;
  readonly version: string | null;
  readonly stateDirectory: string | null;
  readonly node: string | null;
  /** What keeps it from running, in one sentence. */
  readonly problem: string | null;
}

export interface InstallOutcome {
  readonly outcome: 'installed' | 'updated' | 'unchanged';
  readonly status: ServiceStatus;
}

export interface ServiceDependencies {
  readonly run: RunTool;
  readonly clock: Clock;
  readonly machine: Pick<Machine, 'process'>;
  /** Where this program's bundles lie now. */
  readonly distDirectory: string;
  /** The service's own folder for copies of them. */
  readonly programDirectory: string;
  readonly version: string;
}

/** Between two tries of a tool, in milliseconds. */
const stepPauseMs = 500;
/** Between two looks at a monitor that starts or ends, in milliseconds. */
const lookMs = 100;
/** How long a monitor may take to start or to end, in milliseconds. */
const changeDeadlineMs = 15_000;

/** The monitor of one endpoint as a service of the system. */
export class Service {
  constructor(
    private readonly system: ServiceSystem,
    private readonly endpoint: Endpoint,
    private readonly deps: ServiceDependencies,
  ) {}

  /**
   * What `install` would write and call; changes nothing.
   * @throws HumanError when a bundle is missing or a value cannot be written
   */
  plan(request: ServiceRequest): ServicePlan {
    const { distDirectory, programDirectory, version } = this.deps;
    const programFolder = programVersion(distDirectory, version);
    const folder = join(programDirectory, programFolder);
    const spec: ServiceSpec = {
      endpoint: request.endpoint,
      stateDirectory: request.stateDirectory,
      node: request.node,
      daemonScript: join(folder, 'daemon.cjs'),
      args: formatDaemonArguments({
        ...request,
        runnerScript: join(folder, 'runner.cjs'),
        isService: true,
      }),
      version,
    };
    const steps = [...this.system.register, ...this.system.start];
    return { spec, text: this.system.text(spec), programFolder, steps };
  }

  /**
   * Installs the service, or brings an installed one up to date, and starts it. A monitor that
   * holds the endpoint makes room; its runner goes on. When the system refuses, everything is
   * as it was before.
   * @throws HumanError that says what refused and what to do
   */
  async install(request: ServiceRequest): Promise<InstallOutcome> {
    const plan = this.plan(request);
    await this.reach('Nothing was changed.');
    const before = readDefinition(this.system);
    const status = await this.status();
    if (before?.text === plan.text && status.running === true && status.enabled === true) {
      return { outcome: 'unchanged', status };
    }
    const { programDirectory, distDirectory } = this.deps;
    try {
      ensureOwnDirectory(programDirectory);
      await installDaemonFiles(distDirectory, programDirectory, plan.programFolder);
      writeDefinition(this.system, plan.text);
      await this.perform(this.system.register);
      await this.makeRoom(before === undefined ? [] : [before.record.stateDirectory]);
      await this.makeRoom([request.stateDirectory]);
      await this.perform(this.system.start);
    } catch (error) {
      await this.rollBack(before);
      throw this.refusal(error, before);
    }
    removePrograms(programDirectory, plan.programFolder);
    return {
      outcome: before === undefined ? 'installed' : 'updated',
      status: await this.settled(),
    };
  }

  /**
   * Stops the service and removes what `install` wrote; records and runner stay.
   * @returns false where there was nothing to remove
   * @throws HumanError when the system refuses; nothing is removed then
   */
  async uninstall(): Promise<boolean> {
    const definition = readDefinition(this.system);
    if (definition === undefined) {
      return false;
    }
    await this.reach('Nothing was removed.');
    const status = await this.status();
    if (status.running === true) {
      await this.makeRoom([definition.record.stateDirectory], status.pid);
    }
    await this.perform(this.system.unregister);
    removeDefinition(this.system);
    removePrograms(this.deps.programDirectory);
    await this.perform(this.system.forget);
    return true;
  }

  /** Asks the system and the monitor itself. */
  async status(): Promise<ServiceStatus> {
    const nothing = this.notInstalled();
    let definition: Definition | undefined;
    try {
      definition = readDefinition(this.system);
    } catch (error) {
      return { ...nothing, problem: errorText(error) };
    }
    if (definition === undefined) {
      return nothing;
    }
    const { record } = definition;
    const [look, holder] = await Promise.all([this.system.look(), this.holder(record)]);
    const isOurs = holder.known && holder.value?.isService === true;
    const isActive = look.known ? (look.value.isActive ?? false) : null;
    return {
      ...nothing,
      installed: true,
      enabled: look.known ? look.value.isEnabled : null,
      running: isOurs ? true : isActive,
      pid: (isOurs ? holder.value.pid : look.known ? look.value.pid : null) ?? null,
      state: look.known ? look.value.state : null,
      version: record.version,
      stateDirectory: record.stateDirectory,
      node: record.node,
      problem: problemOf(record, look, holder) ?? this.oldVersion(record),
    };
  }

  /** What newer windows leave alone, and only an installation renews. */
  private oldVersion(record: ServiceRecord): string | null {
    const { version } = this.deps;
    return isOlder(record.version, version)
      ? `The service runs version ${record.version}, and this is ${version}; run "robo service install" to update it.`
      : null;
  }

  private notInstalled(): ServiceStatus {
    return {
      schema: 1,
      name: this.system.name,
      system: this.system.title,
      endpoint: formatEndpoint(this.endpoint),
      file: this.system.file,
      installed: false,
      enabled: false,
      running: false,
      pid: null,
      state: null,
      version: null,
      stateDirectory: null,
      node: null,
      problem: null,
    };
  }

  private async reach(sofar: string): Promise<void> {
    const answer = await this.once(this.system.check);
    if (!answer.known) {
      throw new HumanError(
        `The ${this.system.title} cannot be reached: ${answer.why}. ${sofar} ${this.system.whenUnreachable}`,
      );
    }
  }

  private refusal(error: unknown, before: Definition | undefined): HumanError {
    const state =
      before === undefined ? 'Nothing is installed.' : 'The service is as it was before.';
    return new HumanError(
      `The ${this.system.title} ${this.system.name} could not be installed: ${errorText(error)}. ${state}`,
    );
  }

  /** Whatever fails here has failed before; the first refusal is the one that is told. */
  private async rollBack(before: Definition | undefined): Promise<void> {
    const leniently = (steps: readonly ServiceStep[]): readonly ServiceStep[] =>
      steps.map((step) => ({ ...step, mayFail: true }));
    if (before === undefined) {
      await this.perform(leniently(this.system.unregister));
      removeDefinition(this.system);
      removePrograms(this.deps.programDirectory);
      await this.perform(leniently(this.system.forget));
    } else {
      writeDefinition(this.system, before.text);
      await this.perform(leniently([...this.system.register, ...this.system.start]));
    }
  }

  private async perform(steps: readonly ServiceStep[]): Promise<void> {
    for (const step of steps) {
      const ran = await this.once(step);
      if (!ran.known && step.mayFail !== true) {
        throw new HumanError(ran.why);
      }
    }
  }

  private async once(step: ServiceStep): Promise<Observed<string>> {
    for (let left = step.attempts ?? 1; ; left -= 1) {
      const output = successfulOutput(step.call, await this.deps.run(step.call));
      if (output.known || left <= 1) {
        return output;
      }
      await delay(this.deps.clock, stepPauseMs);
    }
  }

  /**
   * Asks the monitor that holds the endpoint to end, and waits until its process has gone and with
   * it the lock.
   * @param onlyPid leaves any other monitor alone
   */
  private async makeRoom(
    stateDirectories: readonly string[],
    onlyPid?: number | null,
  ): Promise<void> {
    for (const stateDirectory of stateDirectories) {
      const client = await joinDaemon({ stateDirectory, endpoint: this.endpoint, kind: 'cli' });
      const pid = client?.daemon.pid;
      if (client === undefined || pid === undefined) {
        continue;
      }
      if (onlyPid !== undefined && onlyPid !== pid) {
        client.dispose();
        continue;
      }
      await endDaemon(client);
      await this.gone(pid);
    }
  }

  private async gone(pid: number): Promise<void> {
    const { clock, machine } = this.deps;
    const deadline = clock.monotonicMs() + changeDeadlineMs;
    while (clock.monotonicMs() < deadline) {
      const found = await machine.process(pid);
      if (!found.known || found.value === undefined) {
        return;
      }
      await delay(clock, lookMs);
    }
  }

  /** The status once the monitor has come up, or has had its time. */
  private async settled(): Promise<ServiceStatus> {
    const { clock } = this.deps;
    const deadline = clock.monotonicMs() + changeDeadlineMs;
    for (;;) {
      const status = await this.status();
      const isUp = status.running === true && status.problem === null;
      if (isUp || clock.monotonicMs() >= deadline) {
        return status;
      }
      await delay(clock, lookMs);
    }
  }

  /** Who holds the endpoint, and whether it is this service's own process. */
  private async holder(record: ServiceRecord): Promise<Observed<Holder | undefined>> {
    const { stateDirectory } = record;
    try {
      const client = await joinDaemon({ stateDirectory, endpoint: this.endpoint, kind: 'cli' });
      if (client === undefined) {
        return known(undefined);
      }
      const { pid } = client.daemon;
      client.dispose();
      const found = await this.deps.machine.process(pid);
      // Joined: some systems tell arguments with blanks in several parts.
      const command = found.known ? (found.value?.argv.join(' ') ?? '') : '';
      return known({ pid, isService: command.includes(record.daemonScript) });
    } catch (error) {
      return unknown(errorText(error));
    }
  }
}

interface Holder {
  readonly pid: number;
  readonly isService: boolean;
}

function problemOf(
  record: ServiceRecord,
  look: Observed<SystemLook>,
  holder: Observed<Holder | undefined>,
): string | null {
  const lost = [record.node, record.daemonScript].find((file) => !existsSync(file));
  if (lost !== undefined) {
    return `${lost} is no longer there; run "robo service install" again.`;
  }
  if (!holder.known) {
    return holder.why;
  }
  if (holder.value?.isService === false) {
    return `Another monitor, pid ${holder.value.pid}, holds the endpoint; "robo service install" takes it over.`;
  }
  if (!look.known) {
    return `The system could not be asked: ${look.why}.`;
  }
  if (holder.value === undefined) {
    return look.value.isActive === true
      ? 'It runs and does not answer yet; see "robo log".'
      : `It does not run: ${look.value.state}; "robo monitor" in a terminal says why, "robo service install" starts it again.`;
  }
  return look.value.isEnabled ? null : 'It is not started by itself; run "robo service install".';
}
