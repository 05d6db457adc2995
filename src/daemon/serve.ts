import { statSync } from 'node:fs';
import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { delay, systemClock } from '../core/clock';
import { errorCode, errorText, HumanError } from '../core/errors';
import { known, type Observed, unknown } from '../core/observed';
import { confinedMachine } from '../host/confinedMachine';
import type { Machine } from '../host/machine';
import { machineFor } from '../host/thisMachine';
import { formatEndpoint } from '../ibkr/endpoint';
import { ensureOwnDirectory, ensurePrivateDirectory } from '../monitor/records';
import { Daemon } from './daemon';
import type { DaemonArguments } from './daemonArguments';
import { removeUnfinished } from './alertStore';
import { daemonExit } from './daemonExit';
import { daemonPaths } from './launcher';
import { takeLock } from './lock';
import { plannedTimes } from './plannedTimes';
import { DaemonServer } from './server';

/**
 * Runs the daemon of one endpoint until it is asked to end, is no longer needed, or `signal` is
 * aborted.
 * @returns the exit code; 75 when another process holds the endpoint.
 * @throws HumanError when the records directory, the lock or the socket cannot be used.
 */
export async function serveEndpoint(asked: DaemonArguments, signal: AbortSignal): Promise<number> {
  const args = { ...asked, stateDirectory: resolve(asked.stateDirectory) };
  const paths = daemonPaths(args);
  ensureOwnDirectory(args.stateDirectory);
  ensurePrivateDirectory(paths.directory);
  leaveFolder();
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  // A rehearsal's outages are outages, whatever the time of day.
  const planned = args.rehearsalOf === undefined ? plannedTimes(process.env, zone) : undefined;
  const lock = openLock(paths.lock);
  if (lock === undefined) {
    return daemonExit.alreadyHeld;
  }
  removeUnfinished(paths);
  const daemon = new Daemon(args, paths, {
    clock: systemClock,
    machine: machineOf(args),
    random: Math.random,
    planned,
  });
  const server = new DaemonServer(daemon, paths, {
    clock: systemClock,
    isService: args.isService,
  });
  try {
    daemon.log('INFO', 'daemon.started', `pid ${process.pid} for ${formatEndpoint(args.endpoint)}`);
    await daemon.adopt();
    // Before TWS is dialled: a monitor that nobody can reach would connect, and end at once.
    await server.listen();
    daemon.watch();
    const why = await Promise.race([
      server.ended,
      aborted(signal),
      displaced(paths.lock),
      ...(args.rehearsalOf === undefined ? [] : [rehearsed(args.rehearsalOf)]),
    ]);
    if (why === undefined) {
      // What lies in the folder now is another daemon's: no record is written, and nothing is
      // closed in order, because that would remove the socket of that name.
      await daemon.abandon();
      return daemonExit.failed;
    }
    await daemon.end(why);
    await server.close();
    return daemonExit.asked;
  } finally {
    lock.release();
  }
}

/** Between looks whether the lock file is still ours, or a rehearsal still there, in milliseconds. */
const lookMs = 2000;

function machineOf({ rehearsalOf, endpoint }: DaemonArguments): Machine {
  const machine = machineFor(process.platform);
  return rehearsalOf === undefined
    ? machine
    : confinedMachine(machine, { pid: rehearsalOf, port: endpoint.port });
}

/** Resolves when the process of a rehearsal is gone, however it ended. */
async function rehearsed(pid: number): Promise<string> {
  for (;;) {
    try {
      process.kill(pid, 0);
    } catch {
      return 'its rehearsal is over';
    }
    await delay(systemClock, lookMs);
  }
}

/** The daemon outlives the folder it was started from; staying there would pin it. */
function leaveFolder(): void {
  try {
    process.chdir(homedir());
  } catch {
    // A service's user may have no home; the root is always there.
    process.chdir('/');
  }
}

function openLock(file: string): ReturnType<typeof takeLock> {
  try {
    return takeLock(file);
  } catch (error) {
    throw new HumanError(
      `The lock ${file} cannot be taken (${errorCode(error) ?? errorText(error)}); free some space or make the directory writable, or choose another place with --state-dir or ROBO_STATE_DIR.`,
    );
  }
}

/**
 * Resolves when the lock file is no longer the one that we hold: somebody has removed the state
 * folder, and the next client starts a second daemon that knows nothing of us.
 */
async function displaced(lock: string): Promise<undefined> {
  const ours = inodeOf(lock);
  for (;;) {
    await delay(systemClock, lookMs);
    const present = inodeOf(lock);
    if (present.known && ours.known && present.value !== ours.value) {
      return;
    }
  }
}

/** Known(undefined) where there is no such file; a look that fails says nothing (law 4). */
function inodeOf(file: string): Observed<number | undefined> {
  try {
    return known(statSync(file, { throwIfNoEntry: false })?.ino);
  } catch (error) {
    return unknown(errorText(error));
  }
}

async function aborted(signal: AbortSignal): Promise<string> {
  return new Promise((resolve) => {
    const end = (): void => {
      resolve('it was told to end by a signal');
    };
    if (signal.aborted) {
      end();
    } else {
      signal.addEventListener('abort', end, { once: true });
    }
  });
}
