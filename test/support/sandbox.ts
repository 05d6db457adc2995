import { type ChildProcess, spawn } from 'node:child_process';
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StatusRecord } from '../../src/diagnostics/status';
import { Simulator, type SimulatorOptions } from '../../src/simulator/simulator';
import { eventually, isThere } from './eventually';

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command line that still runs. */
export interface RunningCli {
  readonly child: ChildProcess;
  readonly stdout: () => string;
  readonly stderr: () => string;
  readonly done: Promise<CliResult>;
}

const cliScript = join(__dirname, '..', '..', 'dist', 'cli.cjs');

/**
 * A state directory, a workspace and a simulated TWS of a test's own. `end` ends the daemon and
 * every process that the test started.
 */
export class Sandbox {
  readonly stateDirectory: string;
  readonly workspace: string;
  private readonly root: string;
  private readonly children = new Set<ChildProcess>();
  private readonly pids = new Set<number>();

  private constructor(
    readonly simulator: Simulator,
    readonly port: number,
  ) {
    this.root = realpathSync(mkdtempSync(join(tmpdir(), 'robo-')));
    this.stateDirectory = join(this.root, 'state');
    this.workspace = realpathSync(mkdtempSync(join(this.root, 'ws-')));
  }

  static async start(options: SimulatorOptions = {}): Promise<Sandbox> {
    const simulator = new Simulator(options);
    const { port } = await simulator.start();
    return new Sandbox(simulator, port);
  }

  get endpointDirectory(): string {
    return join(this.stateDirectory, `127.0.0.1_${this.port}`);
  }

  /** The status file; undefined while there is none. */
  get status(): StatusRecord | undefined {
    const file = join(this.endpointDirectory, 'ibkr_monitor_status.json');
    if (!existsSync(file)) {
      return undefined;
    }
    return JSON.parse(readFileSync(file, 'utf8')) as StatusRecord;
  }

  write(name: string, text: string): string {
    const file = join(this.workspace, name);
    writeFileSync(file, text);
    return file;
  }

  /** Runs a command to its end; killed after `deadlineMs`. */
  async robo(args: readonly string[], deadlineMs = 20_000): Promise<CliResult> {
    return this.spawnRobo(args, deadlineMs).done;
  }

  /** @param folder where the shell stands; the workspace where it is left out */
  spawnRobo(args: readonly string[], deadlineMs = 20_000, folder = this.workspace): RunningCli {
    const child = spawn(process.execPath, [cliScript, ...args], {
      cwd: folder,
      env: {
        PATH: process.env['PATH'],
        HOME: this.root,
        ROBO_STATE_DIR: this.stateDirectory,
        IBKR_PORT: String(this.port),
        // No test depends on the time of day.
        ROBO_RESET_WINDOWS: 'off',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.children.add(child);
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const timer = setTimeout(() => child.kill('SIGKILL'), deadlineMs);
    const done = new Promise<CliResult>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => {
        clearTimeout(timer);
        this.children.delete(child);
        resolve({ code, stdout, stderr });
      });
    });
    return { child, stdout: () => stdout, stderr: () => stderr, done };
  }

  /** Starts a script in the workspace that nobody supervises; ended with the rest. */
  spawnStray(script: string): number {
    const child = spawn(process.execPath, [script], { cwd: this.workspace, stdio: 'ignore' });
    this.children.add(child);
    return child.pid ?? 0;
  }

  /** A process that a daemon started, by pid, to be ended with the rest. */
  watchPid(pid: number): number {
    this.pids.add(pid);
    return pid;
  }

  async end(): Promise<void> {
    await this.robo(['shutdown']);
    for (const child of this.children) {
      child.kill('SIGKILL');
    }
    for (const pid of this.pids) {
      if (isThere(pid)) {
        process.kill(pid, 'SIGKILL');
      }
    }
    await eventually(() => [...this.pids].every((pid) => !isThere(pid)), 'the processes end');
    await this.simulator.stop();
    rmSync(this.root, { recursive: true, force: true });
  }
}
