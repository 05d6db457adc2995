import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { EndpointPaths } from '../../src/core/paths';
import { formatDaemonArguments } from '../../src/daemon/daemonArguments';
import { daemonPaths } from '../../src/daemon/launcher';
import type { StatusRecord } from '../../src/diagnostics/status';
import type { Endpoint } from '../../src/ibkr/endpoint';

export interface SpawnedDaemonOptions {
  /** Folder with the built bundles. */
  readonly dist: string;
  readonly endpoint: Endpoint;
  /** Between server-time questions, in milliseconds; 1000 at least. */
  readonly intervalMs: number;
  /** A command that runs another one in its place: in a network namespace, say. */
  readonly within?: readonly string[];
}

/** Between two looks at the status file: what a time of change may be late by. */
const lookMs = 1;

/**
 * A daemon as a service would start it, in a state directory of its own, seen by its status file
 * alone: no client is connected.
 */
export class SpawnedDaemon {
  private constructor(
    readonly child: ChildProcess,
    private readonly root: string,
    private readonly paths: EndpointPaths,
  ) {}

  /** Resolves when its first session is healthy. */
  static async start(options: SpawnedDaemonOptions): Promise<SpawnedDaemon> {
    const { dist, endpoint, intervalMs, within = [] } = options;
    const root = realpathSync(mkdtempSync(join(tmpdir(), 'robo-served-')));
    const args = formatDaemonArguments({
      endpoint,
      clientId: 9000,
      stateDirectory: join(root, 'state'),
      runnerScript: join(dist, 'runner.cjs'),
      livenessIntervalMs: intervalMs,
      isService: true,
    });
    const argv = [...within, process.execPath, join(dist, 'daemon.cjs'), ...args];
    const child = spawn(argv[0] ?? '', argv.slice(1), {
      stdio: ['ignore', 'ignore', 'inherit'],
      // No test depends on the time of day, and nobody's desktop hears of it.
      env: { PATH: process.env['PATH'], HOME: root, ROBO_RESET_WINDOWS: 'off' },
    });
    const paths = daemonPaths({ stateDirectory: join(root, 'state'), endpoint });
    const daemon = new SpawnedDaemon(child, root, paths);
    try {
      await daemon.shows(({ health }) => health === 'healthy', 15_000);
    } catch (error) {
      await daemon.end();
      throw error;
    }
    return daemon;
  }

  /** The status file; undefined while there is none. */
  get status(): StatusRecord | undefined {
    try {
      return JSON.parse(readFileSync(this.paths.status, 'utf8')) as StatusRecord;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
        return undefined;
      }
      throw error;
    }
  }

  /** Looks at the status file until it shows `accept`; bounded. @returns what it shows then */
  async shows(
    accept: (status: StatusRecord) => boolean,
    deadlineMs: number,
  ): Promise<StatusRecord> {
    const end = performance.now() + deadlineMs;
    for (;;) {
      const { status } = this;
      if (status !== undefined && accept(status)) {
        return status;
      }
      if (performance.now() > end || this.child.exitCode !== null) {
        const said = `${status?.health ?? 'no status'}: ${status?.message ?? ''}`;
        throw new Error(`the status file did not show it within ${deadlineMs} ms (${said})`);
      }
      await delay(lookMs);
    }
  }

  /** Ends it in order and resolves when it is gone. */
  async terminate(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const gone = once(this.child, 'exit');
      this.child.kill('SIGTERM');
      await gone;
    }
  }

  async end(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const gone = once(this.child, 'exit');
      this.child.kill('SIGKILL');
      await gone;
    }
    rmSync(this.root, { recursive: true, force: true });
  }
}
