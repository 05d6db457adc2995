import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { HumanError, fromRoot, root } from './project.mjs';

/** What asks us to end. */
export const endingSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/**
 * Ends us when the process that started us is gone. npm passes TERM to a shell that dies of it
 * without a word to its child; whoever runs outside of npm keeps running.
 */
export function endWithParent() {
  if (process.env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    process.kill(process.pid, 'SIGTERM');
  }, 250);
  timer.unref();
}

/**
 * Keeps signals from ending us while something runs that must be ended in order.
 * @returns a function that lets them: one that came meanwhile takes effect then
 */
export function holdSignals(onSignal) {
  let received;
  const listener = (signal) => {
    received = signal;
    onSignal(signal);
  };
  for (const signal of endingSignals) process.on(signal, listener);
  return () => {
    for (const signal of endingSignals) process.off(signal, listener);
    const isOthersBusiness = received === undefined || process.listenerCount(received) > 0;
    if (!isOthersBusiness) process.kill(process.pid, received);
  };
}

/**
 * Runs a command to its end with our own terminal. Signals that we get are passed on, so that
 * Ctrl-C ends the command first and us after it. With `detached` the command has a process group
 * of its own, which gets the signals; `deadlineMs` ends it.
 * @returns the exit code; 128 + the signal's number when a signal ended it, as a shell would say
 */
export function run(command, args, options = {}) {
  const { deadlineMs, ...spawnOptions } = options;
  const child = spawn(command, args, { cwd: root, stdio: 'inherit', ...spawnOptions });
  const release = holdSignals((signal) => signalGroup(child, signal));
  const stop = deadlineMs && setTimeout(() => void endTree(child), deadlineMs);
  return new Promise((resolve, reject) => {
    child.on('error', (error) =>
      reject(new HumanError(`${command} could not be started: ${error.message}.`)),
    );
    child.on('close', (code, signal) => resolve(code ?? 128 + (constants.signals[signal] ?? 0)));
  }).finally(() => {
    clearTimeout(stop);
    release();
  });
}

/** Like run, for steps that must succeed. */
export async function mustRun(what, command, args, options) {
  const code = await run(command, args, options);
  if (code !== 0) throw new HumanError(`${what} failed: ${command} ended with exit code ${code}.`);
}

/** The arguments that run a command of an installed package with this Node, on every platform. */
export function binOf(packageName, name = packageName) {
  const folder = fromRoot('node_modules', packageName);
  const { bin } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
  return path.join(folder, typeof bin === 'string' ? bin : bin[name]);
}

/** The first executable of that name on PATH, or undefined. */
export function onPath(name, environment = process.env) {
  const suffixes = process.platform === 'win32' ? ['.cmd', '.exe', ''] : [''];
  for (const folder of (environment.PATH ?? environment.Path ?? '').split(path.delimiter)) {
    for (const suffix of suffixes) {
      const candidate = path.join(folder, name + suffix);
      if (folder !== '' && existsSync(candidate)) return candidate;
    }
  }
  return undefined;
}

/** Signals the child's process group, or the child alone where it has none of its own. */
function signalGroup(child, signal) {
  try {
    if (process.platform !== 'win32' && child.pid !== undefined) {
      return process.kill(-child.pid, signal);
    }
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
  return child.kill(signal);
}

/**
 * Ends a child that was spawned `detached`, with everything in its process group: TERM, a
 * grace, KILL. Resolves when the child is gone.
 */
export async function endTree(child, graceMs = 5000) {
  if (child.pid === undefined) return;
  const gone =
    child.exitCode !== null || child.signalCode !== null
      ? Promise.resolve()
      : new Promise((resolve) => child.once('exit', resolve));
  signalGroup(child, 'SIGTERM');
  let timer;
  const grace = new Promise((resolve) => (timer = setTimeout(resolve, graceMs)));
  await Promise.race([gone, grace]);
  clearTimeout(timer);
  signalGroup(child, 'SIGKILL');
  await gone;
}
