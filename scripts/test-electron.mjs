// The host suite in a desktop VS Code, which @vscode/test-electron downloads. Versions may be
// named: `npm run test:electron -- 1.101.0 stable`. The suite is the one that npm test runs.
import { downloadAndUnzipVSCode, runTests } from '@vscode/test-electron';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { buildSuite } from '../test/host/buildSuite.mjs';
import { readHostResult } from '../test/host/launch.mjs';
import { writeSampleWorkspace } from '../test/host/sampleWorkspace.mjs';
import { buildBundles } from './build.mjs';
import { HumanError, main, root } from './support/project.mjs';
import { describeTier } from './support/tiers.mjs';

async function download(version) {
  try {
    return await downloadAndUnzipVSCode({ version });
  } catch (error) {
    throw new HumanError(
      `VS Code ${version} could not be downloaded (${error.message}): this suite needs ` +
        'update.code.visualstudio.com; without the internet, npm test runs it in code-server.',
    );
  }
}

async function runIn(version, suite) {
  const vscodeExecutablePath = await download(version);
  const home = mkdtempSync(path.join(tmpdir(), 'robo-host-'));
  const resultFile = path.join(home, 'result.jsonl');
  const startedAt = performance.now();
  let why;
  try {
    const folder = writeSampleWorkspace(path.join(home, 'workspace'));
    await runTests({
      vscodeExecutablePath,
      extensionDevelopmentPath: root,
      extensionTestsPath: suite,
      extensionTestsEnv: {
        ROBO_HOST_RESULT: resultFile,
        ROBO_STATE_DIR: path.join(home, 'state'),
      },
      launchArgs: [
        folder,
        `--user-data-dir=${path.join(home, 'user-data')}`,
        `--extensions-dir=${path.join(home, 'extensions')}`,
        '--disable-workspace-trust',
        '--skip-welcome',
      ],
    });
  } catch (error) {
    why = error.message;
  }
  const result = readHostResult(resultFile);
  if (!result.isDone) why ??= 'the suite did not report its end';
  for (const failure of result.failures) console.error(`\n${failure}`);
  rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  const judged = why === undefined ? result : { ...result, why };
  console.log(describeTier(`VS Code ${version}`, judged, performance.now() - startedAt));
  return why === undefined && result.failed === 0 && result.passed > 0;
}

await main(async (versions) => {
  if (process.platform === 'linux' && !process.env.DISPLAY && !process.env.WAYLAND_DISPLAY) {
    throw new HumanError(
      'A desktop VS Code needs a display and there is none: run it with xvfb-run -a, or use ' +
        'npm test, which runs the same suite in code-server.',
    );
  }
  await buildBundles();
  const suite = await buildSuite();
  let ok = true;
  for (const version of versions.length > 0 ? versions : ['stable']) {
    ok = (await runIn(version, suite)) && ok;
  }
  return ok ? 0 : 1;
});
