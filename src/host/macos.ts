import { type Observed, known, unknown } from '../core/observed';
import { parseLsofDirectories, parseLsofSockets, type LsofSocket } from './lsofText';
import type { Machine, ProcessIdentity, ProcessInfo, SocketRow } from './machine';
import { joinSockets, socketIdOf } from './macosSockets';
import { type ListenQueue, type NetstatRow, parseListenQueues, parseNetstat } from './netstatText';
import { type ProcessBackground, parseLaunchdJobs } from './processBackground';
import { type PsProcess, parsePs, psColumns, psNameColumns } from './psText';
import { SharedLook } from './sharedLook';
import { type RunTool, type ToolCall, successfulOutput } from './tool';
import type { TwsFiles } from './twsFiles';
import { TwsFilesMemory, type TwsSurroundings, readTwsFiles } from './twsFilesReader';

const netstat = '/usr/sbin/netstat';
const socketTable: ToolCall = { file: netstat, args: ['-anv', '-p', 'tcp'] };
const launchdJobs: ToolCall = { file: '/bin/launchctl', args: ['list'] };
const queueTable: ToolCall = { file: netstat, args: ['-Lan', '-p', 'tcp'] };

/**
 * In the C locale ps writes bytes above 127 as `M-C`; this keeps paths readable, and the names of
 * months English.
 */
const psEnvironment = { LC_ALL: '', LC_CTYPE: 'en_US.UTF-8', LC_TIME: 'C' } as const;

/** Where the system keeps its own programs: none of them is anybody's runner. */
const systemProgram = /^\/(?:System|usr\/libexec|usr\/sbin|sbin|Library\/Apple)\//;

/** A command line has its limit; nobody runs as many programs of his own. */
const maxDirectoryPids = 1_000;

export interface MacosDeps {
  readonly run: RunTool;
  /** Whose processes lsof can look into: one's own, or everybody's for root. */
  readonly userId: number | undefined;
  readonly surroundings: TwsSurroundings;
}

/**
 * Reads macOS through its own tools, without rights. What a look costs, roughly: netstat 10 ms,
 * ps (asked twice) 30 ms, lsof 50 ms; `listeners` is one netstat. Arguments are a best effort
 * (see `parsePs`). Tested on captured text of the tools, never yet on a Mac.
 */
export class MacosMachine implements Machine {
  readonly platform = 'darwin';
  private readonly allProcesses = new SharedLook(() => this.lookAtProcesses());
  private readonly socketText = new SharedLook(() => this.output(socketTable));
  private readonly twsMemory = new TwsFilesMemory();

  constructor(private readonly deps: MacosDeps) {}

  processes(): Promise<Observed<readonly ProcessInfo[]>> {
    return this.allProcesses.ask();
  }

  async process(pid: number): Promise<Observed<ProcessInfo | undefined>> {
    if (!Number.isInteger(pid) || pid <= 0) {
      return known(undefined);
    }
    // Never shared: it is the look before a signal.
    const found = await this.list(['-ww', '-p', String(pid)]);
    if (!found.known) {
      return unknown(`process ${pid} could not be looked at: ${found.why}`);
    }
    const infos = await this.withDirectories(found.value);
    return known(infos.find((info) => info.pid === pid));
  }

  /** Environments stay hidden; the jobs are those of the user's own session, or of root. */
  async background(
    processes: readonly Pick<ProcessIdentity, 'pid' | 'startToken'>[],
  ): Promise<ReadonlyMap<number, ProcessBackground>> {
    const text = await this.output(launchdJobs);
    const jobs = text.known ? parseLaunchdJobs(text.value) : new Map<number, string>();
    return new Map(
      processes.map(({ pid }) => [
        pid,
        { environment: undefined, controlGroup: undefined, launchdLabel: jobs.get(pid) },
      ]),
    );
  }

  async sockets(ports: readonly number[]): Promise<Observed<readonly SocketRow[]>> {
    const rows = await this.rows(new Set(ports));
    if (!rows.known) {
      return rows;
    }
    // After the table: what is not among the files of its process by now has not been accepted.
    const [queues, held] =
      rows.value.length === 0
        ? [undefined, undefined]
        : await Promise.all([this.queues(), this.held(ports)]);
    return known(joinSockets(rows.value, queues, held));
  }

  async listeners(port: number): Promise<Observed<readonly string[]>> {
    const rows = await this.rows(new Set([port]));
    const isListener = (row: NetstatRow): boolean =>
      row.state === 'LISTEN' && row.local.port === port;
    return rows.known ? known(rows.value.filter(isListener).map(socketIdOf)) : rows;
  }

  twsFiles(running: readonly ProcessInfo[]): Promise<Observed<TwsFiles>> {
    return readTwsFiles(running, this.deps.surroundings, this.twsMemory);
  }

  private async output(call: ToolCall): Promise<Observed<string>> {
    return successfulOutput(call, await this.deps.run(call));
  }

  private async lookAtProcesses(): Promise<Observed<readonly ProcessInfo[]>> {
    const found = await this.list(['-axww']);
    if (!found.known || found.value.length === 0) {
      const why = found.known ? 'ps lists no process at all' : found.why;
      return unknown(`the process table could not be read: ${why}`);
    }
    return known(await this.withDirectories(found.value));
  }

  private async list(selection: readonly string[]): Promise<Observed<readonly PsProcess[]>> {
    const texts: string[] = [];
    for (const columns of [psColumns, psNameColumns]) {
      const text = await this.ps([...selection, '-o', columns]);
      if (!text.known) {
        return text;
      }
      texts.push(text.value);
    }
    const [list = '', names = ''] = texts;
    const parsed = parsePs(list, names);
    return parsed === undefined ? unknown('the list of ps has an unknown form') : known(parsed);
  }

  private async ps(args: readonly string[]): Promise<Observed<string>> {
    const call: ToolCall = { file: '/bin/ps', args, environment: psEnvironment };
    return outputOrNothing(call, await this.deps.run(call));
  }

  private async withDirectories(list: readonly PsProcess[]): Promise<readonly ProcessInfo[]> {
    const { userId } = this.deps;
    const pids = list
      .filter((one) => userId === 0 || one.userId === userId)
      .filter(({ argv }) => argv[0] !== undefined && !systemProgram.test(argv[0]))
      .map(({ pid }) => pid)
      .slice(0, maxDirectoryPids);
    const text =
      pids.length === 0
        ? known('')
        : await this.lsof(['-a', '-d', 'cwd', '-p', pids.join(','), '-Fpn']);
    // Where lsof does not answer, the directories are hidden and the processes are known.
    const directories = parseLsofDirectories(text.known ? text.value : '');
    return list.map((one) => ({
      pid: one.pid,
      startToken: one.started,
      argv: one.argv,
      parentPid: one.parentPid,
      processGroup: one.processGroup,
      startedAtMs: one.startedAtMs,
      workingDirectory: directories.get(one.pid),
      name: one.name,
      userId: one.userId,
      isStopped: one.state.startsWith('T'),
    }));
  }

  private async lsof(args: readonly string[]): Promise<Observed<string>> {
    const call: ToolCall = { file: '/usr/sbin/lsof', args: ['-nP', '-w', ...args] };
    return outputOrNothing(call, await this.deps.run(call));
  }

  private async rows(ports: ReadonlySet<number>): Promise<Observed<readonly NetstatRow[]>> {
    const text = await this.socketText.ask();
    if (!text.known) {
      return unknown(`the TCP table could not be read: ${text.why}`);
    }
    const rows = parseNetstat(text.value, ports);
    return rows === undefined
      ? unknown('the TCP table could not be read: the output of netstat has an unknown form')
      : known(rows);
  }

  /** Undefined where they cannot be read: the queues are then unknown, the rows are not. */
  private async queues(): Promise<readonly ListenQueue[] | undefined> {
    const text = await this.output(queueTable);
    return text.known ? parseListenQueues(text.value) : undefined;
  }

  private async held(ports: readonly number[]): Promise<readonly LsofSocket[] | undefined> {
    const text = await this.lsof([`-iTCP:${ports.join(',')}`, '-FpftPn']);
    return text.known ? parseLsofSockets(text.value) : undefined;
  }
}

/**
 * ps and lsof end with exit code 1 and say nothing where nothing matches. lsof does so too where
 * only a part of what was asked for is there, and prints that part.
 */
function outputOrNothing(call: ToolCall, ran: Awaited<ReturnType<RunTool>>): Observed<string> {
  const isFine =
    ran.known && ran.value.exitCode === 1 && (ran.value.stdout !== '' || ran.value.stderr === '');
  return isFine ? known(ran.value.stdout) : successfulOutput(call, ran);
}
