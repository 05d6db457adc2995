import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { binOf, run } from './processes.mjs';
import { fromRoot, root } from './project.mjs';

/** The tiers that mocha runs in a process of its own, lightest first. */
export const mochaTiers = ['unit', 'process', 'wire', 'cli'];

/** A tier that hangs is ended and counts as failed. */
const deadlineMs = 8 * 60_000;

const nothing = { passed: 0, failed: 0, skipped: [] };

function failure(why) {
  return { ...nothing, failed: 1, why };
}

/** What mocha counted and how its process ended, as one result; a tier without tests has failed. */
export function judge(counted, exitCode) {
  if (counted === undefined) {
    return failure(`the tests ended with exit code ${exitCode} before they were done`);
  }
  if (counted.passed + counted.failed === 0) return { ...counted, failed: 1, why: 'no test ran' };
  if (exitCode !== 0 && counted.failed === 0) {
    return { ...counted, failed: 1, why: `exit code ${exitCode} without a failed test` };
  }
  return counted;
}

export function readResult(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

/**
 * Runs one tier under mocha.
 * @param coverage measure with c8 and hold the floor of .c8rc.json
 * @returns the counts, and `why` when the tier failed as a whole
 */
export async function runMochaTier(tier, { coverage = false } = {}) {
  const files = globSync(`test/${tier}/**/*.test.ts`, { cwd: root });
  if (files.length === 0) return failure(`no test file in test/${tier}`);
  const folder = mkdtempSync(path.join(tmpdir(), 'robo-tier-'));
  const resultFile = path.join(folder, 'result.json');
  const args = [
    ...(coverage ? [binOf('c8'), process.execPath] : []),
    binOf('mocha'),
    `--reporter=${fromRoot('scripts/support/tierReporter.mjs')}`,
    ...files.sort(),
  ];
  const env = { ...process.env, ROBO_TIER_RESULT: resultFile };
  try {
    const code = await run(process.execPath, args, { env, deadlineMs, detached: true });
    return judge(readResult(resultFile), code);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** `unit: 120 passed, 0 failed, 1 skipped in 3.2 s`, and below it why and what was skipped. */
export function describeTier(tier, result, durationMs) {
  const seconds = (durationMs / 1000).toFixed(1);
  const counts = `${result.passed} passed, ${result.failed} failed, ${result.skipped.length} skipped`;
  const lines = [`${tier}: ${counts} in ${seconds} s`];
  if (result.why !== undefined) lines.push(`  failed: ${result.why}`);
  for (const title of result.skipped) lines.push(`  skipped: ${title}`);
  return lines.join('\n');
}
