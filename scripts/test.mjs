// Builds, checks, and runs every tier, the suite inside the real VS Code and the short form of
// every bench included.
// `npm test -- unit wire` builds and runs only those tiers.
import { runBenches } from './bench.mjs';
import { buildBundles } from './build.mjs';
import { checkStatically } from './check.mjs';
import { runHostTier } from './support/hostTier.mjs';
import { HumanError, main } from './support/project.mjs';
import { describeTier, mochaTiers, runMochaTier } from './support/tiers.mjs';

const allTiers = [...mochaTiers, 'host', 'bench'];

const failedAsAWhole = (error) => ({ passed: 0, failed: 1, skipped: [], why: error.message });

/** A bench that ends with an error has failed; its figures are judged by people. */
async function runBenchTier() {
  const { worked, failed } = await runBenches({ isShort: true });
  const why = failed.length > 0 ? { why: `failed: ${failed.join(', ')}` } : {};
  return { passed: worked.length, failed: failed.length, skipped: [], ...why };
}

function runTier(tier) {
  if (tier === 'host') return runHostTier();
  if (tier === 'bench') return runBenchTier();
  return runMochaTier(tier, { coverage: tier === 'unit' });
}

async function timed(tier, action) {
  const startedAt = performance.now();
  const result = await action().catch(failedAsAWhole);
  return { tier, result, durationMs: performance.now() - startedAt };
}

async function prepare(isWhole) {
  const failed = isWhole ? await checkStatically() : [];
  console.log(`Built dist: ${(await buildBundles()).join(', ')}.`);
  return failed;
}

await main(async (names) => {
  const unknown = names.find((name) => !allTiers.includes(name));
  if (unknown !== undefined) {
    throw new HumanError(`There is no tier "${unknown}". Tiers: ${allTiers.join(', ')}.`);
  }
  const failures = await prepare(names.length === 0).catch((error) => [`build (${error.message})`]);
  const outcomes = [];
  for (const tier of names.length > 0 ? names : allTiers) {
    outcomes.push(await timed(tier, () => runTier(tier)));
  }
  const total = { passed: 0, failed: failures.length, skipped: 0 };
  console.log('');
  // Once more at the end: what scrolled by is lost where only the end of a log is kept.
  for (const { tier, result } of outcomes) {
    for (const text of result.failures ?? []) console.log(`${tier}: failed: ${text}\n`);
  }
  for (const name of failures) console.log(`check failed: ${name}`);
  for (const { tier, result, durationMs } of outcomes) {
    console.log(describeTier(tier, result, durationMs));
    total.passed += result.passed;
    total.failed += result.failed;
    total.skipped += result.skipped.length;
  }
  console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  return total.failed > 0 ? 1 : 0;
});
