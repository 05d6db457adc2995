// Runs bench/*.ts in order, each a figure. `npm run bench -- sizes` runs only those named;
// `--short` runs the short form of each.
import { globSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { buildBundles } from './build.mjs';
import { run } from './support/processes.mjs';
import { HumanError, isEntry, main, root } from './support/project.mjs';

/**
 * Runs the named benches, or all.
 * @returns the names of those that worked and of those that did not
 * @throws HumanError at a name that is none
 */
export async function runBenches({ names = [], isShort = false } = {}) {
  const all = globSync('bench/*.ts', { cwd: root }).map((file) => path.basename(file, '.ts'));
  const unknown = names.find((name) => !all.includes(name));
  if (unknown !== undefined) {
    throw new HumanError(`There is no bench "${unknown}". Benches: ${all.sort().join(', ')}.`);
  }
  const outcome = { worked: [], failed: [] };
  const env = { ...process.env, ...(isShort ? { ROBO_BENCH_SHORT: '1' } : {}) };
  for (const name of all.sort()) {
    if (names.length > 0 && !names.includes(name)) continue;
    console.log(`\n${name}`);
    const args = ['--import', 'tsx', path.join('bench', `${name}.ts`)];
    const startedAt = performance.now();
    const code = await run(process.execPath, args, { env, cwd: root });
    console.log(`  (${((performance.now() - startedAt) / 1000).toFixed(1)} s)`);
    outcome[code === 0 ? 'worked' : 'failed'].push(name);
  }
  return outcome;
}

if (isEntry(import.meta.url)) {
  await main(async (args) => {
    const isShort = args.includes('--short');
    await buildBundles();
    const { failed } = await runBenches({
      names: args.filter((arg) => arg !== '--short'),
      isShort,
    });
    return failed.length === 0 ? 0 : 1;
  });
}
