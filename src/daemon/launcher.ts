import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { delay, systemClock } from '../core/clock';
import { errorText, HumanError } from '../core/errors';
import { type EndpointPaths, endpointPaths } from '../core/paths';
import { version } from '../core/version';
import { type Endpoint, formatEndpoint } from '../ibkr/endpoint';
import { withoutEditorVariables } from '../runner/environment';
import { DaemonClient } from './client';
import { formatDaemonArguments } from './daemonArguments';
import type { Hello } from './protocol';

/** Which daemon is wanted, and how one is to be started. */
export interface DaemonOptions {
  readonly stateDirectory: string;
  readonly endpoint: Endpoint;
  readonly clientId: number;
  readonly kind: Hello['kind'];
  readonly runtime: {
    /** A Node.js with `node:sqlite` (22.13 or newer), or the editor's own. */
    readonly execPath: string;
    /** Added to the daemon's environment (`ELECTRON_RUN_AS_NODE`). */
    readonly environment: Readonly<Record<string, string>>;
  };
  readonly daemonScript: string;
  readonly runnerScript: string;
  /** For a daemon that only rehearses: the process it belongs to, and how often it asks TWS. */
  readonly rehearsal?: { readonly pid: number; readonly livenessIntervalMs: number };
}

/** How long a new daemon may take until it can be spoken to, in milliseconds. */
const startDeadlineMs = 10_000;
const retryMs = 40;
/** How long the other one that holds the endpoint may take to answer; it may be about to end. */
const takenMs = 1000;

/**
 * The socket and records of the endpoint's daemon on this machine, the same ones by whatever links
 * a folder above them is reached: the name of the socket may follow from the path.
 */
export function daemonPaths(
  options: Pick<DaemonOptions, 'stateDirectory' | 'endpoint'>,
): EndpointPaths {
  return endpointPaths(belowRealFolder(resolve(options.stateDirectory)), options.endpoint, {
    platform: process.platform,
    userId: process.getuid?.(),
  });
}

/** Without links above the last part, which must not be one; what does not exist yet will be none. */
function belowRealFolder(directory: string): string {
  const above = dirname(directory);
  if (above === directory) {
    return directory;
  }
  try {
    return join(realpathSync.native(above), basename(directory));
  } catch {
    return join(belowRealFolder(above), basename(directory));
  }
}

/**
 * Joins a daemon that runs already.
 * @returns undefined when none runs.
 * @throws HumanError when it cannot be spoken to.
 */
export async function joinDaemon(
  options: Pick<DaemonOptions, 'stateDirectory' | 'endpoint' | 'kind'>,
): Promise<DaemonClient | undefined> {
  return DaemonClient.connect(daemonPaths(options).socket, options.kind);
}

/**
 * Joins the daemon of an endpoint, or starts one. Any number of callers may do so at the same
 * instant: all but one of the daemons find the lock taken and end. A newer client asks an older
 * daemon to make room; its runner goes on and is adopted. A service is asked for nothing: what
 * would take its place would end with the login, and the system would start the old one again.
 * @throws HumanError when it cannot be started or spoken to.
 */
export async function connectToDaemon(options: DaemonOptions): Promise<DaemonClient> {
  const running = await joinDaemon(options);
  if (running === undefined) {
    return startDaemon(options);
  }
  if (!isOlder(running.daemon.version, version) || isService(running.daemon)) {
    return running;
  }
  await endDaemon(running);
  return startDaemon(options);
}

/** Asks a daemon to end and waits until it has closed the connection; its runner goes on. */
export async function endDaemon(client: DaemonClient): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    client.onDidClose(() => {
      resolve();
    });
  });
  await client.shutdown();
  await closed;
  client.dispose();
}

function isService(daemon: Hello): boolean {
  return daemon.isService === true;
}

/** A service older than `ours`, a version; only `robo service install` may renew it. */
export function isOldService(daemon: Hello, ours: string): boolean {
  return isService(daemon) && isOlder(daemon.version, ours);
}

/** Compares the numbers of two versions; anything that is no version is not older. */
export function isOlder(one: string, other: string): boolean {
  const numbers = (text: string): readonly number[] =>
    /^\d+(\.\d+){0,2}(-.*)?$/.test(text)
      ? text.split(/[.-]/).slice(0, 3).map(Number)
      : [Number.NaN];
  const [a, b] = [numbers(one), numbers(other)];
  for (let index = 0; index < 3; index += 1) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0);
    if (difference !== 0) {
      return difference < 0;
    }
  }
  return false;
}

async function startDaemon(options: DaemonOptions): Promise<DaemonClient> {
  const paths = daemonPaths(options);
  let start = spawnDaemon(options);
  const deadline = systemClock.monotonicMs() + startDeadlineMs;
  try {
    while (systemClock.monotonicMs() < deadline) {
      const client = await DaemonClient.connect(paths.socket, options.kind);
      if (client !== undefined) {
        return client;
      }
      const failure = start.failure();
      if (failure !== undefined) {
        throw new HumanError(failure);
      }
      const lostAtMs = start.lostAtMs();
      if (lostAtMs !== undefined && systemClock.monotonicMs() - lostAtMs > takenMs) {
        start.release();
        start = spawnDaemon(options);
      }
      await delay(systemClock, retryMs);
    }
    throw new HumanError(
      `The monitor process for ${formatEndpoint(options.endpoint)} did not come up within ${startDeadlineMs / 1000} s; see ${paths.monitorLog}.`,
    );
  } finally {
    start.release();
  }
}

/** A daemon that is coming up. */
interface DaemonStart {
  /** Its own sentence once it has ended for good. */
  readonly failure: () => string | undefined;
  /** When it ended because another one holds the endpoint, by the monotonic clock. */
  readonly lostAtMs: () => number | undefined;
  /** Lets it go on without us. */
  readonly release: () => void;
}

function spawnDaemon(options: DaemonOptions): DaemonStart {
  const { runtime } = options;
  const args = formatDaemonArguments({
    endpoint: options.endpoint,
    clientId: options.clientId,
    stateDirectory: options.stateDirectory,
    runnerScript: options.runnerScript,
    isService: false,
    ...(options.rehearsal === undefined
      ? {}
      : {
          rehearsalOf: options.rehearsal.pid,
          livenessIntervalMs: options.rehearsal.livenessIntervalMs,
        }),
  });
  const child = spawn(runtime.execPath, [options.daemonScript, ...args], {
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...withoutEditorVariables(process.env), ...runtime.environment },
    windowsHide: true,
  });
  return watchStart(child);
}

function watchStart(child: ChildProcessByStdio<null, null, Readable>): DaemonStart {
  let said = '';
  let failure: string | undefined;
  let lostAtMs: number | undefined;
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-4000);
  });
  child.once('error', (error) => {
    failure = `The monitor process could not be started: ${errorText(error)}`;
  });
  child.once('close', (code) => {
    if (code === 75) {
      lostAtMs = systemClock.monotonicMs();
    } else {
      failure ??= said.trim() || `The monitor process ended at once (exit ${code ?? 'by signal'}).`;
    }
  });
  return {
    failure: () => failure,
    lostAtMs: () => lostAtMs,
    release: () => {
      child.stderr.destroy();
      child.unref();
    },
  };
}
