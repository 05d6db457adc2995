// Bundles the four entries into dist. `npm run build -- cli daemon` builds only those.
import { build } from 'esbuild';
import { chmodSync, existsSync, readFileSync, statSync } from 'node:fs';
import { HumanError, fromRoot, isEntry, main, root } from './support/project.mjs';

const entries = {
  extension: { external: ['vscode'], forbidden: /node_modules\/(@stoqey\/ib|rxjs)\// },
  daemon: {},
  runner: {},
  cli: { banner: { js: '#!/usr/bin/env node' } },
};

/** What every bundle of our code has in common, the host suite's too. */
export function commonOptions() {
  const { version } = JSON.parse(readFileSync(fromRoot('package.json'), 'utf8'));
  return {
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    // ES modules first: jsonc-parser's `main` is UMD, whose inner requires no bundler can follow.
    mainFields: ['module', 'main'],
    define: { __ROBO_VERSION__: JSON.stringify(version) },
    logLevel: 'warning',
  };
}

function refuseForbidden(name, forbidden, metafile) {
  const found = Object.keys(metafile.inputs).find((input) => forbidden.test(input));
  if (found === undefined) return;
  throw new HumanError(
    `The ${name} bundle contains ${found}, which only the daemon, the runner and the CLI may load: ` +
      `look for the import that reaches it from src/${name}.ts.`,
  );
}

async function buildEntry(name) {
  const { forbidden, ...options } = entries[name];
  const outfile = fromRoot('dist', `${name}.cjs`);
  const { metafile } = await build({
    ...commonOptions(),
    ...options,
    entryPoints: [fromRoot('src', `${name}.ts`)],
    outfile,
    minify: true,
    legalComments: 'none',
    metafile: true,
  }).catch((error) => {
    // esbuild has printed each error with its place.
    throw new HumanError(`The ${name} bundle failed: ${error.message.split('\n')[0]}`);
  });
  if (forbidden !== undefined) refuseForbidden(name, forbidden, metafile);
  if (name === 'cli') chmodSync(outfile, 0o755);
  return `${name} ${(statSync(outfile).size / 1024).toFixed(0)} KiB`;
}

/**
 * Builds the named bundles, all four by default.
 * @throws HumanError for an entry that does not exist and for a bundle that contains too much
 */
export async function buildBundles(names = Object.keys(entries)) {
  for (const name of names) {
    if (entries[name] === undefined || !existsSync(fromRoot('src', `${name}.ts`))) {
      throw new HumanError(
        `There is no entry src/${name}.ts to build; entries: ${Object.keys(entries).join(', ')}.`,
      );
    }
  }
  return Promise.all(names.map(buildEntry));
}

if (isEntry(import.meta.url)) {
  await main(async (names) => {
    const sizes = await buildBundles(names.length > 0 ? names : undefined);
    console.log(`Built dist: ${sizes.join(', ')}.`);
  });
}
