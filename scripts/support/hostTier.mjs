import { buildSuite } from '../../test/host/buildSuite.mjs';
import { launchInWorkbench } from '../../test/host/launch.mjs';
import { ensureHost } from '../host.mjs';
import { runMochaTier } from './tiers.mjs';

/** What several runs of one tier have come to. */
function joined(results) {
  const sum = (pick) => results.reduce((total, result) => total + pick(result), 0);
  const why = results.map((result) => result.why).filter(Boolean);
  return {
    passed: sum(({ passed }) => passed),
    failed: sum(({ failed }) => failed),
    skipped: results.flatMap(({ skipped }) => skipped),
    failures: results.flatMap(({ failures = [] }) => failures),
    ...(why.length === 0 ? {} : { why: why.join('; ') }),
  };
}

/**
 * Runs the dashboard's page in a browser, the installed .vsix in the real VS Code as a user would,
 * and the suite inside its extension host, after installing the editor when it is not there yet.
 */
export async function runHostTier() {
  const [host, suite] = [await ensureHost(), await buildSuite()];
  const results = [
    await runMochaTier('host/page'),
    await runMochaTier('host/window'),
    await launchInWorkbench(host, suite),
  ];
  const result = joined(results);
  if (result.passed + result.failed === 0) return { ...result, failed: 1, why: 'no test ran' };
  return result;
}
