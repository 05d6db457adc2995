// Makes robo-<version>.vsix; .vscodeignore lists what goes in. With a file name it packages what
// lies in dist into that file.
import { createVSIX } from '@vscode/vsce';
import { execFile } from 'node:child_process';
import { readFileSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { buildBundles } from './build.mjs';
import { HumanError, fromRoot, isEntry, main, root } from './support/project.mjs';

/** What an installation may cost to download. */
const maxVsixBytes = 1_048_576;

async function packageInto(file) {
  await createVSIX({
    cwd: root,
    packagePath: file,
    dependencies: false,
    allowMissingRepository: true,
    skipLicense: true,
  }).catch((error) => {
    throw new HumanError(`The .vsix could not be made: ${error.message}`);
  });
  const { size } = statSync(file);
  if (size > maxVsixBytes) {
    rmSync(file);
    throw new HumanError(
      `The .vsix has ${size} bytes, and at most ${maxVsixBytes} are allowed: "npm run bench -- sizes" ` +
        'shows what weighs in it.',
    );
  }
}

/** Packages what lies in dist, and is heard only when that fails. */
export async function packageExtension(file) {
  const script = fileURLToPath(import.meta.url);
  try {
    await promisify(execFile)(process.execPath, [script, file], { timeout: 60_000 });
  } catch (error) {
    throw new HumanError(error.stderr?.trim() || error.message);
  }
}

if (isEntry(import.meta.url)) {
  await main(async ([file]) => {
    if (file !== undefined) return packageInto(path.resolve(file));
    const { name, version } = JSON.parse(readFileSync(fromRoot('package.json'), 'utf8'));
    console.log(`Built dist: ${(await buildBundles()).join(', ')}.`);
    await packageInto(fromRoot(`${name}-${version}.vsix`));
  });
}
