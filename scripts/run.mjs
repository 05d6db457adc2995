// Entry of every npm script: node scripts/run.mjs TASK [ARGUMENTS]. Runs on any Node from 20 on
// and without installed packages; the task itself runs on the project's own Node.
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { endWithParent, run } from './support/processes.mjs';
import { HumanError, fromRoot, main } from './support/project.mjs';
import { ensureModules, findNode } from './support/toolchain.mjs';

function taskFile(task) {
  const file = fromRoot('scripts', `${task}.mjs`);
  if (/^[a-z][a-z-]*$/.test(task ?? '') && task !== 'run' && existsSync(file)) return file;
  const tasks = readdirSync(fromRoot('scripts'))
    .filter((name) => name.endsWith('.mjs') && name !== 'run.mjs')
    .map((name) => path.basename(name, '.mjs'));
  throw new HumanError(`There is no task "${task ?? ''}". Tasks: ${tasks.join(', ')}.`);
}

await main(async ([task, ...args]) => {
  const file = taskFile(task);
  endWithParent();
  await ensureModules();
  const node = findNode();
  const search = [path.dirname(node), fromRoot('node_modules/.bin'), process.env.PATH ?? ''];
  const env = { ...process.env, PATH: search.join(path.delimiter) };
  return run(node, [file, ...args], { cwd: process.cwd(), env });
});
