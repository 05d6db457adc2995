import { readFileSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import { endianness, homedir } from 'node:os';
import { scheduler } from 'node:timers/promises';
import { errorCode, errorText } from '../core/errors';
import { type Observed, known, unknown } from '../core/observed';
import type { Machine, ProcessIdentity, ProcessInfo, SocketRow } from './machine';
import { type ProcessBackground, parseControlGroup, parseEnvironment } from './processBackground';
import {
  type ProcSocket,
  parseBootTime,
  parseCommandLine,
  parseProcStat,
  parseTcpTable,
} from './procText';
import type { TwsFiles } from './twsFiles';
import { readTwsFiles, TwsFilesMemory, type TwsSurroundings } from './twsFilesReader';

/**
 * Clock ticks a second in `/proc/<pid>/stat`. The kernel shows user space USER_HZ, which is 100
 * on every architecture that Node.js is built for (include/asm-generic/param.h); asking
 * sysconf(_SC_CLK_TCK) would mean to start `getconf`.
 */
const ticksPerSecond = 100;

/**
 * How many small reads happen before other work gets its turn: about 4 ms at 20 µs each.
 * Reads of /proc never wait for a disk, so that the thread pool would only make them dearer.
 */
const readsPerTurn = 200;

/** Reads that mean "the process ended while we looked" (ESRCH comes from reads of /proc). */
const vanishedCodes: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ESRCH']);

/** Reads that mean "another user's". Any other failure (no free handle) makes a look unknown. */
const forbiddenCodes: ReadonlySet<string | undefined> = new Set(['EACCES', 'EPERM']);

/** Reads `/proc` and starts no process. */
export class LinuxMachine implements Machine {
  readonly platform = 'linux';
  /** Where the last wanted sockets were found: looked at first, to spare the long walk. */
  private lastOwners: readonly number[] = [];

  private readonly twsMemory = new TwsFilesMemory();

  /**
   * @param root where procfs is mounted; tests give a folder of their own
   * @param surroundings whose files of TWS are read
   */
  constructor(
    private readonly root = '/proc',
    private readonly surroundings: TwsSurroundings = {
      platform: 'linux',
      home: homedir(),
      environment: process.env,
    },
  ) {}

  async processes(): Promise<Observed<readonly ProcessInfo[]>> {
    try {
      const boot = this.readBoot();
      const found: ProcessInfo[] = [];
      const turns = new Turns();
      for (const pid of this.pids()) {
        const info = this.readProcess(pid, boot, 'skip');
        if (info !== undefined) {
          found.push(info);
        }
        if (turns.isOver(4)) {
          await scheduler.yield();
        }
      }
      return known(found);
    } catch (error) {
      return this.unknownBecause('the process table', error);
    }
  }

  process(pid: number): Promise<Observed<ProcessInfo | undefined>> {
    try {
      const isPid = Number.isInteger(pid) && pid > 0;
      const boot = this.readBoot();
      return Promise.resolve(known(isPid ? this.readProcess(pid, boot, 'throw') : undefined));
    } catch (error) {
      return Promise.resolve(this.unknownBecause(`process ${pid}`, error));
    }
  }

  /** Process 1 is there in every namespace; only procfs mounted with `hidepid` hides it. */
  hiddenProcesses(): string | undefined {
    try {
      readFileSync(`${this.root}/1/stat`, 'latin1');
      return undefined;
    } catch {
      return `the programs of other users are hidden: ${this.root} does not show process 1 (hidepid)`;
    }
  }

  async background(
    processes: readonly Pick<ProcessIdentity, 'pid' | 'startToken'>[],
    variables: readonly string[],
  ): Promise<ReadonlyMap<number, ProcessBackground>> {
    const wanted = new Set(variables);
    const found = new Map<number, ProcessBackground>();
    for (const { pid, startToken } of processes) {
      const environment = readText(`${this.root}/${pid}/environ`);
      const groups = readText(`${this.root}/${pid}/cgroup`);
      // Looked at last: what was read before belongs to the process that has the pid still.
      const now = await this.process(pid);
      if (now.known && now.value?.startToken === startToken) {
        found.set(pid, {
          environment:
            environment === undefined ? undefined : parseEnvironment(environment, wanted),
          controlGroup: groups === undefined ? undefined : parseControlGroup(groups),
          launchdLabel: undefined,
        });
      }
    }
    return found;
  }

  async sockets(ports: readonly number[]): Promise<Observed<readonly SocketRow[]>> {
    try {
      const rows = this.readTcp(new Set(ports));
      const owners = await this.findOwners(new Set(rows.map((row) => row.inode)));
      return known(
        rows.map(({ inode, ...row }) => ({
          ...row,
          ownerPid: owners.get(inode),
          socketId: inode,
        })),
      );
    } catch (error) {
      return this.unknownBecause('the TCP table', error);
    }
  }

  twsFiles(running: readonly ProcessInfo[]): Promise<Observed<TwsFiles>> {
    return readTwsFiles(running, this.surroundings, this.twsMemory);
  }

  listeners(port: number): Promise<Observed<readonly string[]>> {
    try {
      const rows = this.readTcp(new Set([port]));
      const listening = rows.filter((row) => row.state === 'LISTEN' && row.local.port === port);
      return Promise.resolve(known(listening.map((row) => row.inode)));
    } catch (error) {
      return Promise.resolve(this.unknownBecause('the TCP table', error));
    }
  }

  private unknownBecause(what: string, error: unknown): ReturnType<typeof unknown> {
    return unknown(`${what} could not be read from ${this.root}: ${errorText(error)}`);
  }

  private pids(): readonly number[] {
    const pids = readdirSync(this.root)
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
    if (pids.length === 0) {
      throw new Error('it lists no process at all, so procfs is not mounted there');
    }
    return pids;
  }

  private readBoot(): Boot {
    const seconds = parseBootTime(readFileSync(`${this.root}/stat`, 'latin1'));
    if (seconds === undefined) {
      throw new Error(`${this.root}/stat does not tell when the system started`);
    }
    let id = '';
    try {
      id = readFileSync(`${this.root}/sys/kernel/random/boot_id`, 'latin1').trim();
    } catch {
      // Hidden in some containers. Ticks, pid and argv still tell processes of one boot apart.
    }
    return { id, epochMs: seconds * 1000 };
  }

  /** Undefined when the process is gone, is a zombie, or (with `skip`) may not be read. */
  private readProcess(
    pid: number,
    boot: Boot,
    whenForbidden: 'skip' | 'throw',
  ): ProcessInfo | undefined {
    const directory = `${this.root}/${pid}`;
    try {
      const stat = parseProcStat(readFileSync(`${directory}/stat`, 'utf8'));
      if (stat === undefined) {
        throw new Error(`${directory}/stat has an unknown form`);
      }
      // Z: ended, waits for its parent. X, x: being removed.
      if (stat.state === 'Z' || stat.state === 'X' || stat.state === 'x') {
        return undefined;
      }
      return {
        pid,
        startToken: `${boot.id}:${stat.startTicks}`,
        argv: parseCommandLine(readFileSync(`${directory}/cmdline`, 'utf8')),
        parentPid: stat.parentPid,
        processGroup: stat.processGroup,
        startedAtMs: boot.epochMs + (Number(stat.startTicks) * 1000) / ticksPerSecond,
        workingDirectory: readLink(`${directory}/cwd`),
        name: stat.name,
        userId: statSync(directory, { throwIfNoEntry: false })?.uid,
        isStopped: stat.state === 'T' || stat.state === 't',
      };
    } catch (error) {
      const code = errorCode(error);
      if (vanishedCodes.has(code) || (whenForbidden === 'skip' && forbiddenCodes.has(code))) {
        return undefined;
      }
      throw error;
    }
  }

  private readTcp(ports: ReadonlySet<number>): readonly ProcSocket[] {
    const isLittleEndian = endianness() === 'LE';
    const rows: ProcSocket[] = [];
    const seen = new Set<string>();
    for (const table of ['tcp', 'tcp6']) {
      const parsed = parseTcpTable(this.readTable(table), ports, isLittleEndian);
      if (parsed === undefined) {
        throw new Error(`${this.root}/net/${table} has an unknown form`);
      }
      for (const row of parsed) {
        // The kernel hands the table out in pages and may show a row on two of them.
        if (row.inode === '0' || !seen.has(row.inode)) {
          seen.add(row.inode);
          rows.push(row);
        }
      }
    }
    return rows;
  }

  private readTable(table: string): string {
    try {
      return readFileSync(`${this.root}/net/${table}`, 'latin1');
    } catch (error) {
      // No tcp6 means that the kernel runs without IPv6, and nothing listens there.
      if (table === 'tcp6' && errorCode(error) === 'ENOENT') {
        return 'local_address';
      }
      throw error;
    }
  }

  /** The processes that hold these sockets; a socket whose owner is hidden stays out. */
  private async findOwners(inodes: ReadonlySet<string>): Promise<ReadonlyMap<string, number>> {
    const wanted = new Map([...inodes].map((inode) => [`socket:[${inode}]`, inode]));
    wanted.delete('socket:[0]');
    const owners = new Map<string, number>();
    if (wanted.size === 0) {
      return owners;
    }
    const turns = new Turns();
    for (const pid of new Set([...this.lastOwners, ...this.pids()])) {
      for (const fd of readDirectory(`${this.root}/${pid}/fd`)) {
        const link = readLink(`${this.root}/${pid}/fd/${fd}`);
        const inode = link === undefined ? undefined : wanted.get(link);
        if (link !== undefined && inode !== undefined) {
          owners.set(inode, pid);
          wanted.delete(link);
        }
        if (turns.isOver(1)) {
          await scheduler.yield();
        }
      }
      if (wanted.size === 0) {
        break;
      }
      if (turns.isOver(1)) {
        await scheduler.yield();
      }
    }
    this.lastOwners = [...new Set(owners.values())];
    return owners;
  }
}

interface Boot {
  readonly id: string;
  readonly epochMs: number;
}

/** Says when other work should get its turn. */
class Turns {
  private reads = 0;

  isOver(reads: number): boolean {
    this.reads += reads;
    if (this.reads < readsPerTurn) {
      return false;
    }
    this.reads = 0;
    return true;
  }
}

/** Undefined for what has vanished and for what is another user's. */
function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

/** Empty for what has vanished and what is another user's: its sockets have no owner for us. */
function readDirectory(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    const code = errorCode(error);
    if (vanishedCodes.has(code) || forbiddenCodes.has(code)) {
      return [];
    }
    throw error;
  }
}
