// Bundles the entries into dist. `npm run build -- cli daemon` builds only those.
import { build } from 'esbuild';
import { chmodSync, existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { buildPage } from './buildPage.mjs';
import { HumanError, fromRoot, isEntry, main, root } from './support/project.mjs';

/** What the bundle that every window loads may have. */
export const maxExtensionBytes = 122_880;
const brokerLibrary = /node_modules\/(@stoqey\/ib|rxjs|ws|lightweight-charts)\//;

/** In the window's bundle `import('./onDemand')` is another bundle beside it. */
const onDemandBeside = {
  name: 'on-demand-beside',
  setup({ onResolve }) {
    onResolve({ filter: /\/onDemand$/ }, ({ kind }) =>
      kind === 'dynamic-import' ? { path: './onDemand.cjs', external: true } : undefined,
    );
  },
};

const entries = {
  extension: {
    options: {
      external: ['vscode'],
      plugins: [onDemandBeside],
      // An extension host loads what is required, also where `import()` goes other ways.
      supported: { 'dynamic-import': false },
    },
    forbidden: brokerLibrary,
    // Every window loads it, also those that have nothing to do with trading.
    maxBytes: maxExtensionBytes,
  },
  onDemand: {
    source: 'src/ui/onDemand.ts',
    options: { external: ['vscode'] },
    forbidden: brokerLibrary,
  },
  daemon: {},
  runner: {},
  cli: { options: { banner: { js: '#!/usr/bin/env node' } } },
  commandLine: { source: 'src/cli/commandLine.ts' },
  uninstall: {},
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

/** The bundle that every window loads stays small. */
export function refuseTooLarge(name, bytes, maxBytes) {
  if (bytes <= maxBytes) return;
  throw new HumanError(
    `The ${name} bundle has ${bytes} bytes, and at most ${maxBytes} are allowed: "npm run bench -- ` +
      'sizes" shows what weighs in it; what is needed only later belongs into src/ui/onDemand.ts.',
  );
}

function sourceOf(name) {
  return fromRoot(entries[name].source ?? path.join('src', `${name}.ts`));
}

function outputOf(name) {
  return fromRoot('dist', `${name}.cjs`);
}

/** esbuild's options of one entry's bundle. */
export function optionsOf(name) {
  return {
    ...commonOptions(),
    ...entries[name].options,
    entryPoints: [sourceOf(name)],
    outfile: outputOf(name),
    minify: true,
    legalComments: 'none',
    metafile: true,
  };
}

async function buildEntry(name) {
  const { forbidden, maxBytes = Infinity } = entries[name];
  const outfile = outputOf(name);
  // The daemon serves it from beside its bundle.
  if (name === 'daemon') await buildPage();
  const { metafile } = await build(optionsOf(name)).catch((error) => {
    // esbuild has printed each error with its place.
    throw new HumanError(`The ${name} bundle failed: ${error.message.split('\n')[0]}`);
  });
  if (forbidden !== undefined) refuseForbidden(name, forbidden, metafile);
  if (name === 'cli') chmodSync(outfile, 0o755);
  const { size } = statSync(outfile);
  refuseTooLarge(name, size, maxBytes);
  return `${name} ${(size / 1024).toFixed(0)} KiB`;
}

/**
 * Builds the named bundles, all by default.
 * @throws HumanError for an entry that does not exist and for a bundle that contains too much
 */
export async function buildBundles(names = Object.keys(entries)) {
  for (const name of names) {
    if (entries[name] === undefined || !existsSync(sourceOf(name))) {
      throw new HumanError(
        `There is no entry ${name} to build; entries: ${Object.keys(entries).join(', ')}.`,
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
