import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { endTree } from './processes.mjs';
import { HumanError, fromRoot } from './project.mjs';

/** The built command line. */
export const cli = fromRoot('dist/cli.cjs');

const listenDeadlineMs = 15_000;

/** The address in the first line that names one. */
async function listeningAddress(child, log) {
  const { promise, resolve, reject } = Promise.withResolvers();
  const timer = setTimeout(
    () => reject(new HumanError('The simulator did not say where it listens within 15 s.')),
    listenDeadlineMs,
  );
  createInterface({ input: child.stdout }).on('line', (line) => {
    log?.write(`${line}\n`);
    const port = /127\.0\.0\.1:(\d+)/.exec(line)?.[1];
    if (port !== undefined) resolve({ host: '127.0.0.1', port: Number(port) });
  });
  child.once('error', (error) => reject(new HumanError(`No simulator: ${error.message}.`)));
  child.once('exit', (code) =>
    reject(
      new HumanError(
        `The simulator ended with exit code ${code}; node dist/cli.cjs simulate --list names its faults.`,
      ),
    ),
  );
  return promise.finally(() => clearTimeout(timer));
}

/**
 * Starts `robo simulate` in a process group of its own on a free port; the caller ends the child.
 * @param options.fault name of the fault that it begins with
 * @param options.logFile gets what it says
 */
export async function spawnSimulator({ env = process.env, fault, logFile }) {
  const flags = fault === undefined ? [] : ['--fault', fault];
  const child = spawn(process.execPath, [cli, 'simulate', '--port', '0', ...flags], {
    env,
    detached: true,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.on('error', () => undefined);
  const log = logFile === undefined ? undefined : createWriteStream(logFile);
  try {
    return { child, endpoint: await listeningAddress(child, log) };
  } catch (error) {
    await endTree(child);
    throw error;
  }
}
