/**
 * Figure: the sizes of the bundles and of the .vsix, and what weighs most in the bundle that
 * every window loads.
 */
import { build, type BuildOptions } from 'esbuild';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type Bench, loadScript, projectRoot, runBench } from './support/bench';
import { kib, printTable } from './support/figures';

const bundles = [
  'extension',
  'onDemand',
  'daemon',
  'runner',
  'cli',
  'commandLine',
  'uninstall',
] as const;
const heaviestShown = 12;

interface BuildScript {
  readonly optionsOf: (name: string) => BuildOptions;
}

interface PackageScript {
  readonly packageExtension: (file: string) => Promise<void>;
}

runBench(async (bench) => {
  const vsixBytes = await packagedBytes(bench);
  printTable(
    ['KiB', 'minified', 'and gzipped'],
    [...bundles.map(bundleRow), ['robo.vsix (all of it, zipped)', '', kib(vsixBytes)]],
  );
  const weights = await extensionWeights();
  const total = weights.reduce((sum, [, bytes]) => sum + bytes, 0);
  show('what the extension bundle consists of', grouped(weights), total);
  show(`its ${heaviestShown} heaviest inputs`, weights.slice(0, heaviestShown), total);
});

function bundleRow(name: string): string[] {
  const bytes = readFileSync(join(projectRoot, 'dist', `${name}.cjs`));
  return [`${name}.cjs`, kib(bytes.length), kib(gzipSync(bytes, { level: 9 }).length)];
}

/** Packages what lies in dist into a file of its own. */
async function packagedBytes(bench: Bench): Promise<number> {
  const { packageExtension } = await loadScript<PackageScript>('scripts/package.mjs');
  const folder = mkdtempSync(join(tmpdir(), 'robo-bench-'));
  bench.defer(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const file = join(folder, 'robo.vsix');
  await packageExtension(file);
  return statSync(file).size;
}

type Weights = readonly (readonly [name: string, bytes: number])[];

/** Bytes of each input in the output, by esbuild's own account, the heaviest first. */
async function extensionWeights(): Promise<Weights> {
  const { optionsOf } = await loadScript<BuildScript>('scripts/build.mjs');
  const { metafile } = await build({ ...optionsOf('extension'), metafile: true, write: false });
  const inputs = Object.values(metafile.outputs).flatMap((output) => Object.entries(output.inputs));
  return heaviestFirst(inputs.map(([name, { bytesInOutput }]) => [name, bytesInOutput]));
}

/** By package, and by room of our own. */
function grouped(weights: Weights): Weights {
  const sums = new Map<string, number>();
  for (const [name, bytes] of weights) {
    const [, group = name] =
      /^(?:.*node_modules\/)((?:@[^/]+\/)?[^/]+)/.exec(name) ?? /^(src\/[^/]+)\//.exec(name) ?? [];
    sums.set(group, (sums.get(group) ?? 0) + bytes);
  }
  return heaviestFirst([...sums]);
}

function heaviestFirst(weights: Weights): Weights {
  return [...weights].sort(([, one], [, other]) => other - one);
}

function show(title: string, weights: Weights, total: number): void {
  console.log(`${title}:`);
  printTable(
    ['', 'KiB', '%'],
    weights.map(([name, bytes]) => [name, kib(bytes), ((100 * bytes) / total).toFixed(0)]),
  );
}
