// Runs bench/*.ts in order, each a figure. `npm run bench -- bundles` runs only those named;
// `--short` runs the short form of each.
import { globSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { buildBundles } from './build.mjs';
import { run } from './support/processes.mjs';
import { HumanError, main, root } from './support/project.mjs';

await main(async (args) => {
  const isShort = args.includes('--short');
  const names = args.filter((arg) => arg !== '--short');
  const all = globSync('bench/*.ts', { cwd: root }).sort();
  const unknown = names.find((name) => !all.includes(path.join('bench', `${name}.ts`)));
  if (unknown !== undefined) {
    const known = all.map((file) => path.basename(file, '.ts'));
    throw new HumanError(`There is no bench "${unknown}". Benches: ${known.join(', ')}.`);
  }
  await buildBundles();
  let failed = 0;
  for (const file of all) {
    if (names.length > 0 && !names.includes(path.basename(file, '.ts'))) continue;
    console.log(`\n${path.basename(file, '.ts')}`);
    const env = { ...process.env, ...(isShort ? { ROBO_BENCH_SHORT: '1' } : {}) };
    if ((await run(process.execPath, ['--import', 'tsx', file], { env })) !== 0) failed += 1;
  }
  return failed === 0 ? 0 : 1;
});
