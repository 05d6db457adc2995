import { build } from 'esbuild';
import { globSync, rmSync } from 'node:fs';
import path from 'node:path';
import { commonOptions } from '../../scripts/build.mjs';
import { fromRoot, root } from '../../scripts/support/project.mjs';

/**
 * Bundles the host suite, one file per test file beside its index.
 * @returns the path of the index, for `extensionTestsPath`
 */
export async function buildSuite() {
  const outdir = fromRoot('dist-test/host');
  rmSync(outdir, { recursive: true, force: true });
  await build({
    ...commonOptions(),
    entryPoints: globSync('test/host/suite/{index,*.test}.ts', { cwd: root }),
    outdir,
    outExtension: { '.js': '.cjs' },
    external: ['vscode', 'mocha'],
    // An ES module is loaded by import(); the bundler must not make a require of it.
    supported: { 'dynamic-import': true },
    sourcemap: 'inline',
  });
  return path.join(outdir, 'index.cjs');
}
