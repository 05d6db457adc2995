// Bundles the dashboard's page for a browser and for a panel of VS Code.
import { build } from 'esbuild';
import { cpSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { HumanError, fromRoot, root } from './support/project.mjs';

/** The page and the two files that it loads. */
const pageFiles = ['index.html', 'dashboard.css', 'dashboard.js'];

/**
 * Builds the page.
 * @param outdir where its files go
 * @returns their texts by name
 */
export async function buildPage(outdir = fromRoot('dist/dashboard')) {
  await build({
    absWorkingDir: root,
    bundle: true,
    platform: 'browser',
    format: 'iife',
    target: 'es2022',
    entryPoints: [
      { in: fromRoot('src/dashboard/main.ts'), out: 'dashboard' },
      { in: fromRoot('src/dashboard/dashboard.css'), out: 'dashboard' },
    ],
    outdir,
    minify: true,
    legalComments: 'none',
    logLevel: 'warning',
  }).catch((error) => {
    // esbuild has printed each error with its place.
    throw new HumanError(`The dashboard's page failed: ${error.message.split('\n')[0]}`);
  });
  cpSync(fromRoot('src/dashboard/index.html'), path.join(outdir, 'index.html'));
  return Object.fromEntries(
    pageFiles.map((name) => [name, readFileSync(path.join(outdir, name), 'utf8')]),
  );
}
