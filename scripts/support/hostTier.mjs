import { buildSuite } from '../../test/host/buildSuite.mjs';
import { launchInWorkbench } from '../../test/host/launch.mjs';
import { ensureHost } from '../host.mjs';
import { runMochaTier } from './tiers.mjs';

/** What two runs of one tier have come to. */
function joined(suite, page) {
  const why = [suite.why, page.why].filter(Boolean).join('; ');
  return {
    passed: suite.passed + page.passed,
    failed: suite.failed + page.failed,
    skipped: [...suite.skipped, ...page.skipped],
    failures: suite.failures,
    ...(why === '' ? {} : { why }),
  };
}

/** Runs the dashboard's page in a browser, and the suite inside the real VS Code, after installing it when it is not there yet. */
export async function runHostTier() {
  const [host, suite] = [await ensureHost(), await buildSuite()];
  const page = await runMochaTier('host/page');
  const result = joined(await launchInWorkbench(host, suite), page);
  for (const failure of result.failures) console.error(`\n${failure}`);
  const { passed, failed, skipped, why } = result;
  if (passed + failed === 0) return { passed, failed: 1, skipped, why: 'no test ran' };
  return { passed, failed, skipped, ...(why === undefined ? {} : { why }) };
}
