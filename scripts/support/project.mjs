import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the project, whatever the working directory is. */
export const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/[\\/]$/, '');

export const fromRoot = (...parts) => path.join(root, ...parts);

/** A failure that the user can act on: shown as one sentence, without a stack. */
export class HumanError extends Error {
  name = 'HumanError';
}

/** Runs a task's main function and turns its outcome into the exit code. */
export async function main(task) {
  try {
    process.exitCode = (await task(process.argv.slice(2))) ?? 0;
  } catch (error) {
    process.stderr.write(`${error instanceof HumanError ? error.message : error.stack}\n`);
    process.exitCode = 1;
  }
}

/** True when the module is the one that Node was started with. */
export function isEntry(moduleUrl) {
  return (
    process.argv[1] !== undefined && fileURLToPath(moduleUrl) === path.resolve(process.argv[1])
  );
}
