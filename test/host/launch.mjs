// Runs the host suite inside the real VS Code of .host, driven by Chromium.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { holdSignals } from '../../scripts/support/processes.mjs';
import { root } from '../../scripts/support/project.mjs';
import { writeSampleWorkspace } from './sampleWorkspace.mjs';
import { openWorkbench } from './workbench.mjs';

const deadlineMs = 5 * 60_000;

/** Reads the suite's result file into counts; `isDone` is false when the run was cut short. */
export function readHostResult(file) {
  const result = { passed: 0, failed: 0, skipped: [], failures: [], isDone: false };
  let text = '';
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
  for (const line of text.split('\n').filter(Boolean)) {
    const { event, title, error } = JSON.parse(line);
    if (event === 'passed') result.passed += 1;
    if (event === 'skipped') result.skipped.push(title);
    if (event === 'done') result.isDone = true;
    if (event === 'failed') {
      result.failed += 1;
      result.failures.push(`${title}\n${error}`);
    }
  }
  return result;
}

/**
 * @param host what ensureHost() returned
 * @param suite path of the compiled suite's index
 * @returns counts as readHostResult() gives them, with `why` when the run failed as a whole
 */
export async function launchInWorkbench(host, suite) {
  const home = mkdtempSync(path.join(tmpdir(), 'robo-host-'));
  const resultFile = path.join(home, 'result.jsonl');
  const folder = writeSampleWorkspace(path.join(home, 'workspace'));
  const words = [];
  let exited;
  const exit = new Promise((resolve) => (exited = resolve));
  const release = holdSignals(() => exited('interrupted'));
  const remote = (server, file) => `vscode-remote://${server.authority}${file}`;
  let workbench;
  let timer;
  try {
    workbench = await openWorkbench({
      host,
      home,
      folder,
      testDriver: true,
      // An outage of the suite must be one on every day and at every hour.
      env: { ROBO_HOST_RESULT: resultFile, ROBO_RESET_WINDOWS: 'off' },
      payload: (server) => ({
        extensionDevelopmentPath: remote(server, root),
        extensionTestsPath: remote(server, suite),
      }),
      expose: {
        codeAutomationLog: (type, args) => words.push(`${type}: ${JSON.stringify(args)}`),
        codeAutomationExit: (code) => exited(code),
      },
    });
    const deadline = new Promise(
      (resolve) => (timer = setTimeout(resolve, deadlineMs, 'deadline')),
    );
    const code = await Promise.race([exit, deadline]);
    const result = readHostResult(resultFile);
    if (code === 'interrupted') return withWhy(result, 'it was interrupted', []);
    if (code === 'deadline') return withWhy(result, 'the suite did not end in 5 minutes', words);
    if (!result.isDone)
      return withWhy(result, `the suite ended early with exit code ${code}`, words);
    if (code !== 0 && result.failed === 0) {
      return withWhy(result, `exit code ${code} without a failed test`, words);
    }
    return result;
  } finally {
    clearTimeout(timer);
    await workbench?.close();
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
    release();
  }
}

function withWhy(result, why, words) {
  const tail = words.slice(-20).join('\n').slice(-4000);
  return {
    ...result,
    failed: result.failed + 1,
    why: tail === '' ? why : `${why}; it said:\n${tail}`,
  };
}
