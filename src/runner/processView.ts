import { dirname, isAbsolute, join } from 'node:path';
import type { ProcessInfo, SocketAddress, SocketRow } from '../host/machine';
import { type ProcessClass, classifyProcess } from '../host/processRoles';
import {
  type Program,
  baseName,
  describeProgram,
  isInside,
  isSameProgram,
  programOf,
} from '../host/program';
import { type Endpoint, isLoopback } from '../ibkr/endpoint';
import type { ListRunnersInput } from './listedProcess';

/** A process and what it is by the program that it runs. */
export interface Entry {
  readonly info: ProcessInfo;
  readonly processClass: ProcessClass;
}

/** The table of processes with what is asked of it again and again. */
export class ProcessView {
  readonly all: readonly Entry[];
  private readonly byPid: ReadonlyMap<number, Entry>;
  private readonly parentPids: ReadonlySet<number>;
  private readonly command: Program | undefined;

  constructor(readonly input: ListRunnersInput) {
    this.all = input.processes
      .filter((info) => info.pid !== input.ownPid)
      .map((info) => ({ info, processClass: this.withRealFolder(classifyProcess(info)) }));
    this.byPid = new Map(this.all.map((entry) => [entry.info.pid, entry]));
    this.parentPids = new Set(input.processes.map(({ parentPid }) => parentPid));
    this.command = this.inRealFolder(programOf(input.runnerCommand, input.workspace ?? undefined));
  }

  private withRealFolder(of: ProcessClass): ProcessClass {
    const program = this.inRealFolder(of.program);
    return program === of.program ? of : { ...of, program };
  }

  /** The file itself may be a link too; one that behaves by its name is another program then. */
  private inRealFolder(program: Program | undefined): Program | undefined {
    const folder = program === undefined ? undefined : folderOfProgram(program);
    const real = folder === undefined ? undefined : this.input.realFolders?.get(folder);
    return program === undefined || real === undefined
      ? program
      : { ...program, name: join(real, baseName(program.name)) };
  }

  /** The parents of a process, nearest first. */
  parentsOf(entry: Entry): readonly Entry[] {
    const parents: Entry[] = [];
    const seen = new Set([entry.info.pid]);
    for (
      let next = this.byPid.get(entry.info.parentPid);
      next !== undefined && !seen.has(next.info.pid);
      next = this.byPid.get(next.info.parentPid)
    ) {
      seen.add(next.info.pid);
      parents.push(next);
    }
    return parents;
  }

  isSupervised({ info }: Entry): boolean {
    const { supervised } = this.input;
    return supervised?.pid === info.pid && supervised.startToken === info.startToken;
  }

  isWatched({ info }: Entry): boolean {
    const { watched = [] } = this.input;
    return watched.some((one) => one.pid === info.pid && one.startToken === info.startToken);
  }

  isLeft({ info }: Entry): boolean {
    const { left = [] } = this.input;
    return left.some((one) => one.pid === info.pid && one.startToken === info.startToken);
  }

  /**
   * Known by name, by the user's command, by `programs`, or because the daemon started it. A
   * wrapper that has started nothing (`sudo` that waits for a password) only names its program.
   */
  isRunner(entry: Entry, programs: readonly Program[] = []): boolean {
    const { kind, program } = entry.processClass;
    if (this.isSupervised(entry) || this.isWatched(entry)) {
      return true;
    }
    if (program === undefined || this.isIdleWrapper(entry)) {
      return false;
    }
    const isOpen = kind === 'other' || kind === 'java' || kind === 'helper';
    return (
      kind === 'runner' ||
      (isOpen &&
        [...(this.command === undefined ? [] : [this.command]), ...programs].some((one) =>
          isSameProgram(program, one),
        ))
    );
  }

  isIdleWrapper({ info, processClass }: Entry): boolean {
    return processClass.program?.wrapper !== undefined && !this.parentPids.has(info.pid);
  }

  /** The variable that a process was started with; undefined where unset or unknown. */
  variable({ info }: Entry, name: string): string | undefined {
    return this.input.background?.get(info.pid)?.environment?.get(name);
  }

  /** Connections and attempts of these processes that have `matches` at the other end. */
  connections(
    pids: ReadonlySet<number>,
    matches: (remote: SocketAddress) => boolean,
  ): readonly SocketRow[] {
    return (this.input.sockets ?? []).filter(
      (row) =>
        row.state !== 'LISTEN' &&
        row.ownerPid !== undefined &&
        pids.has(row.ownerPid) &&
        matches(row.remote),
    );
  }
}

/** The folder that the path of a script or executable names; undefined where it names none. */
export function folderOfProgram({ kind, name }: Program): string | undefined {
  return (kind === 'script' || kind === 'binary') && isAbsolute(name) ? dirname(name) : undefined;
}

/** True where a connection goes to this endpoint. */
export function isEndpoint(remote: SocketAddress, endpoint: Endpoint): boolean {
  if (remote.port !== endpoint.port) {
    return false;
  }
  const isHere = isLoopback(remote.address);
  // A host name stays a name here: its port is all that can be compared.
  const isAddress = /^[\d.]+$|:/.test(endpoint.host);
  return isLoopback(endpoint.host)
    ? isHere
    : !isHere && (!isAddress || remote.address === endpoint.host);
}

/** Why a process works elsewhere than in the workspace; undefined where it works there. */
export function otherFolderReason(
  { info, processClass: { program } }: Entry,
  workspace: string,
): string | undefined {
  // The interpreter may lie in a shared environment; it speaks only where nothing else does.
  const paths = [info.workingDirectory ?? info.argv[0] ?? ''];
  if (program?.kind === 'script' || program?.kind === 'binary') {
    paths.push(program.name);
  }
  if (paths.some((path) => isInside(path, workspace))) {
    return undefined;
  }
  if (info.workingDirectory === undefined) {
    return 'its working directory is hidden, so that it may belong to another workspace';
  }
  // So Linux marks a folder that was deleted under a running process.
  const deleted = ' (deleted)';
  return info.workingDirectory.endsWith(deleted)
    ? `the folder that it works in was deleted (${info.workingDirectory.slice(0, -deleted.length)})`
    : `it works in ${info.workingDirectory}, another workspace`;
}

/** The program of a process in a few words. */
export function programWords({ info, processClass: { program } }: Entry): string {
  return program === undefined ? info.name : describeProgram(program);
}
