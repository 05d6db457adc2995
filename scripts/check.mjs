// Everything that can be said about the code without running it, then the unit tests with
// coverage. `npm run check -- tsc eslint` runs only those steps.
import process from 'node:process';
import { binOf, run } from './support/processes.mjs';
import { HumanError, isEntry, main } from './support/project.mjs';
import { describeTier, runMochaTier } from './support/tiers.mjs';

const steps = {
  tsc: ['typescript', 'tsc', '--noEmit'],
  // The page runs in a browser, with another library.
  page: ['typescript', 'tsc', '--noEmit', '--project', 'src/dashboard'],
  eslint: ['eslint', 'eslint', '--max-warnings', '0', '.'],
  prettier: ['prettier', 'prettier', '--check', '--log-level', 'warn', '.'],
  depcruise: ['dependency-cruiser', 'depcruise', '--output-type', 'err', 'src', 'test', 'bench'],
  knip: ['knip', 'knip'],
};

/** @returns the names of the static steps that failed; all of them run, whatever fails */
export async function checkStatically(names = Object.keys(steps)) {
  const failed = [];
  for (const name of names) {
    if (steps[name] === undefined) {
      throw new HumanError(`There is no step "${name}": ${Object.keys(steps).join(', ')}.`);
    }
    const [packageName, bin, ...args] = steps[name];
    const startedAt = performance.now();
    const code = await run(process.execPath, [binOf(packageName, bin), ...args]);
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    console.log(`check ${name}: ${code === 0 ? 'passed' : 'failed'} in ${seconds} s`);
    if (code !== 0) failed.push(name);
  }
  return failed;
}

if (isEntry(import.meta.url)) {
  await main(async (names) => {
    const failed = await checkStatically(names.length > 0 ? names : undefined);
    if (names.length > 0) return failed.length;
    const startedAt = performance.now();
    const unit = await runMochaTier('unit', { coverage: true });
    console.log(describeTier('unit', unit, performance.now() - startedAt));
    return failed.length + unit.failed > 0 ? 1 : 0;
  });
}
