import { type ChildProcess, spawn } from 'node:child_process';
import type { LaunchAttempt } from './launchFailure';

export interface SpawnOptions {
  readonly environment: Readonly<Record<string, string>>;
  /** Both stdout and stderr go there. */
  readonly logFd: number;
}

/**
 * Starts a program that outlives us: without a shell, in a process group of its own, printing
 * into a file. Resolves when the system has taken it; rejects with the system's error.
 */
export async function spawnDetached(
  attempt: LaunchAttempt,
  { environment, logFd }: SpawnOptions,
): Promise<ChildProcess> {
  const [file = '', ...args] = attempt.argv;
  // On Windows no signal asks a program to end, and without a console (which `detached` takes)
  // no CTRL_BREAK reaches it; the end of its input is the one word that is left.
  const input = attempt.platform === 'win32' ? 'pipe' : 'ignore';
  const child = spawn(file, args, {
    cwd: attempt.workingDirectory,
    env: environment,
    // A process group of its own: it outlives us and can be ended as a whole.
    detached: true,
    stdio: [input, logFd, logFd],
    windowsHide: true,
  });
  // It may have closed its input, or be gone.
  child.stdin?.on('error', () => undefined);
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  return child;
}

/** True once the system has told how it ended. */
export function hasExited(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/** Ends the input of a program; false where it has none that we hold. */
export function endInput(child: ChildProcess | undefined): boolean {
  const input = child?.stdin;
  if (input === null || input === undefined || input.destroyed) {
    return false;
  }
  input.end();
  return true;
}
