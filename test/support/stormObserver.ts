import { existsSync, openSync, readdirSync, readFileSync, readSync, closeSync } from 'node:fs';
import { join } from 'node:path';
import type { EndpointPaths } from '../../src/core/paths';
import type { StatusRecord } from '../../src/diagnostics/status';
import { kernelSockets } from './kernelSockets';

/** What one look at the machine has shown. */
export interface Sight {
  /** Living processes of the daemon's bundle, those included that will find the lock taken. */
  readonly daemons: readonly number[];
  /** Those that hold the lock of the endpoint, from the kernel's table of locks. */
  readonly holders: readonly number[];
  readonly runners: readonly number[];
  /** Undefined while there is no status file. */
  readonly status: StatusRecord | undefined;
  readonly hasAlert: boolean;
  /** The pid of each lease. */
  readonly leases: readonly number[];
}

/** An incident or a run that the status file of a living daemon has shown. */
export interface ShownRecord {
  readonly firstShownAtMs: number;
  readonly lastShownAtMs: number;
}

/** The byte of SQLite's lock file that an exclusive transaction begins with (os.h, PENDING_BYTE). */
const sqlitePendingByte = '1073741824';
const logLine =
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00 (?:INFO|WARN|ERROR) [a-z_]+\.[a-z0-9_]+ .*$/;

/**
 * Looks at the endpoint from the outside: the process table, the kernel's tables of locks, of
 * TCP and of unix sockets, and the files. It shares no code with what it watches, and what must
 * never be is written down with the time.
 */
export class StormObserver {
  readonly violations: string[] = [];
  readonly shownIncidents = new Map<string, ShownRecord>();
  readonly shownRuns = new Map<string, ShownRecord>();
  looks = 0;
  last: Sight = {
    daemons: [],
    holders: [],
    runners: [],
    status: undefined,
    hasAlert: false,
    leases: [],
  };
  private lastTimestamp = '';
  private readonly monitorLog: LineTail;
  private readonly runnerLogs = new Map<string, RunnerTail>();
  private readonly said = new Set<string>();

  constructor(
    private readonly paths: EndpointPaths,
    private readonly known: {
      readonly stateDirectory: string;
      readonly runnerScript: string;
      readonly port: number;
    },
  ) {
    this.monitorLog = new LineTail(paths.monitorLog, (line) => {
      if (!logLine.test(line)) {
        this.violate(`a torn line in the monitor log: ${JSON.stringify(line.slice(0, 200))}`);
      }
    });
  }

  look(): Sight {
    this.looks += 1;
    const processes = processTable();
    const daemons = processes.filter(({ argv }) =>
      argv.includes(`--state-dir=${this.known.stateDirectory}`),
    );
    // Only the script as the program: what merely names it is no runner.
    const runners = processes.filter(({ argv }) => argv[1] === this.known.runnerScript);
    const holders = lockHolders(new Set(daemons.map(({ pid }) => pid)));
    this.last = {
      daemons: daemons.map(({ pid }) => pid),
      holders,
      runners: runners.map(({ pid }) => pid),
      status: this.readStatus(holders),
      hasAlert: this.readAlert(),
      leases: this.readLeases(),
    };
    this.atMostOne('daemons hold the lock', this.last.holders);
    this.atMostOne('runners', this.last.runners);
    this.atMostOne('listeners at the socket', listenersAt(this.paths.socket));
    this.atMostOne('sessions at TWS', this.sessions());
    this.monitorLog.look();
    this.readJson(join(this.paths.directory, 'alerts.json'));
    this.runnerLogs.forEach((tail) => {
      tail.look();
    });
    return this.last;
  }

  /** Notes something once, with what the last look has shown. */
  violate(what: string): void {
    if (!this.said.has(what)) {
      this.said.add(what);
      const { daemons, holders, runners } = this.last;
      const seen = `daemons ${daemons.join(' ')}; lock ${holders.join(' ')}; runners ${runners.join(' ')}`;
      this.violations.push(`${new Date().toISOString()} ${what} (${seen})`);
    }
  }

  private atMostOne(what: string, found: readonly (number | string)[]): void {
    if (found.length > 1) {
      this.violate(`${found.length} ${what}: ${found.join(', ')}`);
    }
  }

  private sessions(): readonly number[] {
    return kernelSockets(new Set([this.known.port]))
      .filter(({ remotePort, state }) => remotePort === this.known.port && state === 'ESTABLISHED')
      .map(({ localPort }) => localPort);
  }

  private readStatus(holders: readonly number[]): StatusRecord | undefined {
    const status = this.readJson(this.paths.status) as StatusRecord | undefined;
    if (status === undefined) {
      if (this.lastTimestamp !== '') {
        this.violate('the status file is gone');
      }
      return undefined;
    }
    if (status.timestamp < this.lastTimestamp) {
      this.violate(`the status went back from ${this.lastTimestamp} to ${status.timestamp}`);
    }
    this.lastTimestamp = status.timestamp;
    if (!holders.includes(status.monitor.pid)) {
      // What a dead daemon has left: shown, but by nobody who could still write.
      return status;
    }
    for (const { key } of status.incidents ?? []) {
      this.shown(this.shownIncidents, key);
    }
    for (const { pid, startedAt } of status.runner) {
      if (pid !== null && startedAt !== null) {
        this.shown(this.shownRuns, startedAt);
      }
    }
    return status;
  }

  private shown(records: Map<string, ShownRecord>, key: string): void {
    const nowMs = performance.now();
    const firstShownAtMs = records.get(key)?.firstShownAtMs ?? nowMs;
    records.set(key, { firstShownAtMs, lastShownAtMs: nowMs });
  }

  private readAlert(): boolean {
    const text = readIfThere(this.paths.alert);
    if (text !== undefined && !/^CRITICAL ALERT: .*\n[^]*\nACTION REQUIRED: .*\n$/.test(text)) {
      this.violate(`a torn alert file: ${JSON.stringify(text)}`);
    }
    return text !== undefined;
  }

  private readLeases(): readonly number[] {
    const folders = existsSync(this.paths.runners) ? readdirSync(this.paths.runners) : [];
    return folders.flatMap((folder) => {
      const log = join(this.paths.runners, folder, 'runner.log');
      if (!this.runnerLogs.has(log)) {
        const tell = (what: string): void => {
          this.violate(what);
        };
        this.runnerLogs.set(log, new RunnerTail(log, tell));
      }
      const lease = this.readJson(join(this.paths.runners, folder, 'lease.json'));
      return lease === undefined ? [] : [(lease as { readonly pid: number }).pid];
    });
  }

  private readJson(file: string): unknown {
    const text = readIfThere(file);
    if (text === undefined) {
      return undefined;
    }
    try {
      return JSON.parse(text);
    } catch {
      this.violate(`a torn ${file}: ${JSON.stringify(text.slice(-200))}`);
      return undefined;
    }
  }
}

/** Reads what a file has grown by, and tells each whole line. */
class LineTail {
  private offset = 0;
  private rest = '';

  constructor(
    private readonly file: string,
    private readonly onLine: (line: string) => void,
  ) {}

  look(): void {
    if (!existsSync(this.file)) {
      return;
    }
    const descriptor = openSync(this.file, 'r');
    try {
      const buffer = Buffer.alloc(65_536);
      for (;;) {
        const length = readSync(descriptor, buffer, 0, buffer.length, this.offset);
        if (length === 0) {
          return;
        }
        this.offset += length;
        const lines = (this.rest + buffer.toString('latin1', 0, length)).split('\n');
        this.rest = lines.pop() ?? '';
        lines.forEach(this.onLine);
      }
    } finally {
      closeSync(descriptor);
    }
  }
}

/** The runner prints `tick PID N`: each one's lines stand together, and none is missing. */
class RunnerTail {
  private pid = '';
  private count = 0;
  private readonly over = new Set<string>();
  private readonly tail: LineTail;

  constructor(
    file: string,
    private readonly tell: (what: string) => void,
  ) {
    this.tail = new LineTail(file, (line) => {
      this.take(line);
    });
  }

  look(): void {
    this.tail.look();
  }

  private take(line: string): void {
    const [, pid = '', count = ''] = /^tick (\d+) (\d+)$/.exec(line) ?? [];
    if (pid === '') {
      this.tell(`a torn line in the runner's log: ${JSON.stringify(line.slice(0, 200))}`);
      return;
    }
    if (pid !== this.pid) {
      this.over.add(this.pid);
      this.pid = pid;
      this.count = 0;
    }
    if (this.over.has(pid)) {
      this.tell(`runner ${pid} prints between the lines of another`);
    }
    this.count += 1;
    if (Number(count) !== this.count) {
      this.tell(`runner ${pid} lost lines: ${count} instead of ${this.count}`);
      this.count = Number(count);
    }
  }
}

/** Processes that run; a zombie has no arguments any more. */
function processTable(): readonly { readonly pid: number; readonly argv: readonly string[] }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const text = readIfThere(`/proc/${name}/cmdline`) ?? '';
      return text === '' ? [] : [{ pid: Number(name), argv: text.split('\0') }];
    });
}

/**
 * Whose exclusive SQLite transaction stands, of these processes (proc_locks(5)). One process is
 * one holder: for a moment it may also hold `robo.db`, which it makes behind its lock.
 */
function lockHolders(pids: ReadonlySet<number>): readonly number[] {
  const holders = readFileSync('/proc/locks', 'latin1')
    .split('\n')
    .flatMap((line) => {
      const [, , , kind, pid = '', , start] = line.trim().split(/\s+/);
      const isHeld = kind === 'WRITE' && start === sqlitePendingByte && pids.has(Number(pid));
      return isHeld ? [Number(pid)] : [];
    });
  return [...new Set(holders)];
}

/** Inodes of the unix sockets that listen under this path, removed from the folder or not. */
function listenersAt(path: string): readonly string[] {
  const inodes = readFileSync('/proc/net/unix', 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [, , , flags, , , inode = '', ...rest] = line.split(/\s+/);
      // __SO_ACCEPTCON of include/linux/net.h
      return flags === '00010000' && rest.join(' ') === path ? [inode] : [];
    });
  // No snapshot either: the same one may be printed twice.
  return [...new Set(inodes)];
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
