import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { type Clock, delay, isoTime, type Timer } from '../core/clock';
import type { Disposable } from '../core/disposables';
import { errorText } from '../core/errors';
import type { Observed } from '../core/observed';
import type { Finding } from '../diagnostics/finding';
import type { HelperStatus } from '../diagnostics/status';
import { endOwnTree } from '../host/endProcess';
import type { Machine, ProcessIdentity, SocketRow } from '../host/machine';
import { classifyProcess } from '../host/processRoles';
import { isSameProcess } from '../host/processTree';
import { describeProgram } from '../host/program';
import { runnerEnvironment, runVariable } from './environment';
import type { HelperCommand } from './helperCommand';
import { type LaunchAttempt, launchFailure, launchFinding } from './launchFailure';
import { identitySchema, runNameSchema } from './lease';
import { endMarked } from './markedProcesses';
import { openForAppend, OutputFollower } from './output';
import { endInput, hasExited, spawnDetached } from './spawnDetached';
import { newRunName } from './startIntent';
import { readStateFile, removeStateFile, writeStateFile } from './stateFile';

export interface HelperDeps {
  readonly clock: Clock;
  readonly machine: Pick<
    Machine,
    'platform' | 'processes' | 'process' | 'background' | 'sockets' | 'listeners'
  >;
  readonly onChange: () => void;
  /** `process.kill`, replaced in tests. */
  readonly signal?: (pid: number, name: NodeJS.Signals) => void;
  /** How long TERM is given before KILL, in milliseconds. */
  readonly graceMs?: number;
}

/** What helpers share with the runner that they are started for. */
export interface HelperStart {
  readonly helpers: readonly HelperCommand[];
  readonly workspace: string;
  readonly workingDirectory: string;
  /** The runner's, of the window or shell that asks; a helper's own comes on top. */
  readonly environment: Readonly<Record<string, string>>;
}

interface Helper {
  readonly name: string;
  readonly port: number | null;
  /** Null where it could not be started. */
  readonly process: ProcessIdentity | null;
  /** What it and all that it starts carry as `ROBO_RUN`; unknown of what an older version started. */
  readonly run?: string | undefined;
  /** Undefined for one that an earlier monitor has started. */
  readonly child: ChildProcess | undefined;
  readonly follower: OutputFollower | undefined;
  /** Null while it runs. */
  ended: { readonly state: 'exited' | 'failed'; readonly why: string } | null;
}

const fileName = 'helpers.json';
const recordSchema = v.object({
  schema: v.literal(1),
  workspace: v.string(),
  helpers: v.array(
    v.object({
      ...identitySchema.entries,
      name: v.string(),
      port: v.nullable(v.number()),
      run: v.exactOptional(runNameSchema),
    }),
  ),
});

/** The workspace whose helpers a monitor has left in a folder; undefined where it left none. */
export async function helpersLeftIn(directory: string): Promise<string | undefined> {
  const record = await readRecord(directory);
  return record.known ? record.value?.workspace : undefined;
}

async function readRecord(
  directory: string,
): Promise<Observed<v.InferOutput<typeof recordSchema> | undefined>> {
  return await readStateFile(directory, fileName, {
    schema: recordSchema,
    what: 'list of helpers',
  });
}

/** How long the next program waits for a helper's port, in milliseconds; then it starts anyway. */
const portWaitMs = 5000;
const portLookMs = 100;
/** How often adopted ones are looked for: nobody tells us when they end. */
const lookMs = 2000;

/**
 * The helpers of one workspace's runner. They are started in order, before and after it, and
 * ended in reverse order when it is stopped or started anew by a person. When the runner ends by
 * itself they stay, for the diagnosis and for the next start; those that live then go on. A helper
 * that fails never keeps the runner from its work; a port that belongs to somebody else does, and
 * is told before anything is started.
 */
export class HelperProcesses implements Disposable {
  /** In the order of their starts. */
  private helpers: readonly Helper[] = [];
  private workspace = '';
  private lookTimer: Timer | undefined;
  private isDisposed = false;

  /** @param directory folder of the logs and of the list by which another monitor adopts them */
  constructor(
    private readonly directory: string,
    private readonly deps: HelperDeps,
  ) {}

  status(): readonly HelperStatus[] {
    return this.helpers.map(({ name, port, process, ended }) => ({
      name,
      state: ended?.state ?? 'running',
      pid: ended === null ? (process?.pid ?? null) : null,
      port,
      why: ended?.why ?? null,
    }));
  }

  /** Takes over those that an earlier monitor has left; who is gone is not listed any more. */
  async adopt(): Promise<void> {
    const record = await readRecord(this.directory);
    if (!record.known || record.value === undefined || this.helpers.length > 0) {
      return;
    }
    this.workspace = record.value.workspace;
    const adopted: Helper[] = [];
    for (const entry of record.value.helpers) {
      const { name, port, run, ...identity } = entry;
      const present = await this.deps.machine.process(identity.pid);
      if (
        !present.known ||
        (present.value !== undefined && isSameProcess(present.value, identity))
      ) {
        const follower = await this.follow(name);
        adopted.push({
          name,
          port,
          run,
          process: identity,
          child: undefined,
          follower,
          ended: null,
        });
      }
    }
    this.helpers = adopted;
    this.lookLater();
  }

  /**
   * The first port that a helper which is to be started needs and somebody else listens on.
   * Nobody is asked but the system, and the owner is left alone. A look that failed says nothing.
   */
  async takenPort(start: HelperStart): Promise<Finding | undefined> {
    const { machine, clock } = this.deps;
    for (const helper of start.helpers) {
      const owner = this.isAlive(helper.name) ? undefined : await this.ownerOf(helper.port);
      if (owner !== undefined) {
        return launchFinding(
          'helper_port_taken',
          `The runner was not started: port ${owner.port}, which its helper ${helper.name} needs, belongs to ${owner.words}; end that program if it is yours, or give the helper another port. Nothing was started, and nothing of that program was touched.`,
          { workspace: start.workspace, argv: helper.command, platform: machine.platform },
          isoTime(clock.now()),
        );
      }
    }
    return undefined;
  }

  /** Starts those of one side that do not live, one after the other. */
  async start(order: HelperCommand['order'], start: HelperStart): Promise<void> {
    this.workspace = start.workspace;
    for (const helper of start.helpers.filter((each) => each.order === order)) {
      if (this.isAlive(helper.name)) {
        continue;
      }
      const owner = await this.ownerOf(helper.port);
      const started =
        owner === undefined
          ? await this.startOne(helper, start)
          : failed(helper, `Port ${owner.port} belongs to ${owner.words}.`);
      this.helpers = [...this.helpers.filter(({ name }) => name !== helper.name), started];
      await this.keep();
      this.deps.onChange();
      await this.waitForPort(started);
    }
  }

  /** Ends all of them, the last one first, each with everything that it started. */
  async stop(): Promise<void> {
    for (const helper of this.helpers.toReversed()) {
      await this.end(helper);
    }
    // Who could not be ended stays listed, with the reason.
    this.helpers = this.helpers.filter(
      ({ process, ended }) => process && ended?.state === 'failed',
    );
    await this.keep();
    this.deps.onChange();
  }

  /** Lets them go on without us; the list names them to the next monitor. */
  release(): void {
    for (const { child } of this.helpers) {
      child?.unref();
    }
    this.dispose();
  }

  dispose(): void {
    this.isDisposed = true;
    this.lookTimer?.cancel();
    for (const { follower } of this.helpers) {
      follower?.dispose();
    }
  }

  private isAlive(name: string): boolean {
    return this.helpers.some((helper) => helper.name === name && helper.ended === null);
  }

  private async ownerOf(
    port: number | null,
  ): Promise<{ readonly port: number; readonly words: string } | undefined> {
    const rows = port === null ? undefined : await this.deps.machine.sockets([port]);
    const row =
      rows?.known === true ? rows.value.find((each) => isInTheWay(each, port)) : undefined;
    if (port === null || row === undefined) {
      return undefined;
    }
    const { ownerPid } = row;
    if (ownerPid === undefined) {
      return { port, words: 'a program of another user, whose name the system hides' };
    }
    const seen = await this.deps.machine.process(ownerPid);
    const info = seen.known ? seen.value : undefined;
    const program = info === undefined ? undefined : classifyProcess(info).program;
    const name = program === undefined ? (info?.name ?? 'a program') : describeProgram(program);
    return { port, words: `${name} (pid ${ownerPid})` };
  }

  private async startOne(helper: HelperCommand, start: HelperStart): Promise<Helper> {
    const { clock, machine } = this.deps;
    const environment = runnerEnvironment({ ...start.environment, ...helper.environment });
    const attempt: LaunchAttempt = {
      workspace: start.workspace,
      argv: helper.command,
      workingDirectory: start.workingDirectory,
      path: environment['PATH'] ?? environment['Path'],
      platform: machine.platform,
    };
    let log;
    try {
      await mkdir(this.directory, { recursive: true, mode: 0o700 });
      log = await openForAppend(this.logFile(helper.name));
    } catch (error) {
      return failed(helper, `Its log could not be opened: ${errorText(error)}`);
    }
    try {
      const run = newRunName();
      const child = await spawnDetached(attempt, {
        environment: { ...environment, [runVariable]: run },
        logFd: log.fd,
      });
      return await this.watched(helper, child, run);
    } catch (error) {
      return failed(helper, (await launchFailure(error, attempt, isoTime(clock.now()))).message);
    } finally {
      await log.close();
    }
  }

  private async watched(
    { name, port, command }: HelperCommand,
    child: ChildProcess,
    run: string,
  ): Promise<Helper> {
    const pid = child.pid ?? 0;
    const seen = await this.deps.machine.process(pid);
    const info = seen.known ? seen.value : undefined;
    const started: Helper = {
      name,
      port,
      run,
      process: { pid, startToken: info?.startToken ?? '', argv: info?.argv ?? command },
      child,
      follower: await this.follow(name),
      ended: null,
    };
    const onExit = (): void => {
      this.markEnded(started, `It ended with ${howOf(child)}; see ${this.logFile(name)}.`);
    };
    if (hasExited(child)) {
      onExit();
    } else {
      child.once('exit', onExit);
    }
    return started;
  }

  private markEnded(helper: Helper, why: string): void {
    if (helper.ended === null) {
      helper.ended = { state: 'exited', why };
      void helper.follower?.drain().finally(() => helper.follower?.dispose());
      if (!this.isDisposed) {
        this.deps.onChange();
      }
    }
  }

  private async end(helper: Helper): Promise<void> {
    const { process: identity, child, run } = helper;
    if (identity === null || (identity.startToken === '' && child === undefined)) {
      return;
    }
    const { clock, machine, graceMs } = this.deps;
    const isOwnAlive = (): boolean => child !== undefined && !hasExited(child);
    const deps = { clock, machine, ownPid: process.pid, signal: this.deps.signal ?? sendSignal };
    const tree = await endOwnTree(identity, deps, {
      isOwnAlive,
      askPolitely: () => endInput(child),
      ...(graceMs === undefined ? {} : { graceMs }),
    });
    if (tree.outcome === 'still alive') {
      helper.ended ??= { state: 'failed', why: tree.why ?? 'It could not be ended.' };
      return;
    }
    if (child !== undefined && isOwnAlive()) {
      await once(child, 'exit');
    }
    if (run !== undefined) {
      await endMarked({ run, sinceMs: 0 }, { ...deps, graceMs });
    }
    this.markEnded(helper, 'It was ended with the runner.');
  }

  /** A program that comes next may need what this one serves. */
  private async waitForPort(helper: Helper): Promise<void> {
    const { clock, machine } = this.deps;
    const deadline = clock.monotonicMs() + portWaitMs;
    while (helper.port !== null && helper.ended === null && clock.monotonicMs() < deadline) {
      const listeners = await machine.listeners(helper.port);
      if (!listeners.known || listeners.value.length > 0) {
        return;
      }
      await delay(clock, portLookMs);
    }
  }

  private async follow(name: string): Promise<OutputFollower> {
    const file = this.logFile(name);
    // Nobody hears the lines; what is wanted is the rotation, which bounds the file.
    const size = await stat(file).then(
      (entry) => entry.size,
      () => 0,
    );
    return new OutputFollower(file, size, { clock: this.deps.clock });
  }

  private logFile(name: string): string {
    return join(this.directory, `helper-${name.replaceAll(/[^\w.-]/g, '-').slice(0, 60)}.log`);
  }

  private async keep(): Promise<void> {
    const helpers = this.helpers.flatMap(({ name, port, run, process: identity, ended }) =>
      identity === null || identity.startToken === '' || ended?.state === 'exited'
        ? []
        : [
            {
              ...identity,
              argv: [...identity.argv],
              name,
              port,
              ...(run === undefined ? {} : { run }),
            },
          ],
    );
    await (
      helpers.length === 0
        ? removeStateFile(this.directory, fileName)
        : writeStateFile(this.directory, fileName, {
            schema: 1,
            workspace: this.workspace,
            helpers,
          })
    ).catch(() => undefined);
  }

  private lookLater(): void {
    const isAnyAdopted = this.helpers.some(({ child, ended }) => child === undefined && !ended);
    if (!this.isDisposed && isAnyAdopted) {
      this.lookTimer = this.deps.clock.setTimer(lookMs, () => {
        void this.look().then(() => {
          this.lookLater();
        });
      });
    }
  }

  private async look(): Promise<void> {
    for (const helper of this.helpers) {
      const { process: identity, child, ended } = helper;
      if (child === undefined && ended === null && identity !== null) {
        const present = await this.deps.machine.process(identity.pid);
        if (
          present.known &&
          (present.value === undefined || !isSameProcess(present.value, identity))
        ) {
          this.markEnded(helper, 'It has ended; how, nobody saw.');
        }
      }
    }
  }
}

function failed({ name, port }: HelperCommand, why: string): Helper {
  const ended = { state: 'failed', why } as const;
  return { name, port, process: null, child: undefined, follower: undefined, ended };
}

function howOf({ exitCode, signalCode }: ChildProcess): string {
  return signalCode ?? `exit code ${exitCode ?? 'unknown'}`;
}

/** A listener on another interface alone takes no port of 127.0.0.1. */
function isInTheWay({ state, local }: SocketRow, port: number | null): boolean {
  const isHere =
    /^(?:127\.|0\.0\.0\.0$|::$|::1$|::ffff:127\.)/.test(local.address) || local.address === '*';
  return state === 'LISTEN' && local.port === port && isHere;
}

function sendSignal(pid: number, name: NodeJS.Signals): void {
  process.kill(pid, name);
}
