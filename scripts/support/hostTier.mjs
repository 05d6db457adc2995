import { buildSuite } from '../../test/host/buildSuite.mjs';
import { launchInWorkbench } from '../../test/host/launch.mjs';
import { ensureHost } from '../host.mjs';

/** Runs the suite inside the real VS Code, after installing it when it is not there yet. */
export async function runHostTier() {
  const [host, suite] = [await ensureHost(), await buildSuite()];
  const result = await launchInWorkbench(host, suite);
  for (const failure of result.failures) console.error(`\n${failure}`);
  const { passed, failed, skipped, why } = result;
  if (passed + failed === 0) return { passed, failed: 1, skipped, why: 'no test ran' };
  return { passed, failed, skipped, ...(why === undefined ? {} : { why }) };
}
