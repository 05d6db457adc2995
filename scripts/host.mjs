// Installs what the real VS Code needs: Debian packages, code-server and, for tests, Chromium.
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { mustRun, onPath } from './support/processes.mjs';
import { HumanError, fromRoot, isEntry, main } from './support/project.mjs';
import { environmentForNpm, npmCommand, ownNodeFolder } from './support/toolchain.mjs';

/** The npm package that carries a built workbench and server, Code 1.139. */
export const codeServerVersion = '4.139.1';

const hostFolder = fromRoot('.host');
const serverFolder = path.join(hostFolder, 'code-server');
const stampFile = path.join(hostFolder, 'stamp.json');
const entryBelow = 'node_modules/code-server/out/node/entry.js';

/** What code-server's native modules compile against. */
const buildPackages = [
  'g++',
  'libkrb5-dev',
  'libsecret-1-dev',
  'libx11-dev',
  'libxkbfile-dev',
  'make',
  'pkg-config',
  'python3',
];

function isInstalled(debianPackage) {
  try {
    const query = ['-W', '-f=${Status}', debianPackage];
    const quiet = { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] };
    return execFileSync('dpkg-query', query, quiet).endsWith('ok installed');
  } catch {
    return false;
  }
}

/** The Chromium or Chrome on this machine, or undefined. `ROBO_CHROMIUM` names another one. */
export function findChromium() {
  const mac = '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome';
  return (
    process.env.ROBO_CHROMIUM ??
    ['chromium', 'chromium-browser', 'google-chrome'].map((name) => onPath(name)).find(Boolean) ??
    (existsSync(mac) ? mac : undefined)
  );
}

async function ensureDebianPackages(names) {
  const missing = names.filter((name) => !isInstalled(name));
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0) {
    throw new HumanError(
      `System packages are missing. Install them with this one command, then run again:\n` +
        `  sudo apt-get update && sudo apt-get install -y --no-install-recommends ${missing.join(' ')}`,
    );
  }
  console.log(`Installing Debian packages with apt-get: ${missing.join(' ')}.`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  await mustRun('Reading the package lists', 'apt-get', ['update', '-qq'], { env });
  const flags = ['install', '-y', '-qq', '--no-install-recommends'];
  await mustRun('Installing Debian packages', 'apt-get', [...flags, ...missing], {
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

async function ensureSystem(withBrowser, withCompiler) {
  const wanted = withCompiler ? [...buildPackages] : [];
  if (withBrowser && findChromium() === undefined) wanted.push('chromium');
  if (wanted.length === 0) return;
  if (onPath('dpkg-query') !== undefined) return ensureDebianPackages(wanted);
  if (withBrowser && findChromium() === undefined) {
    throw new HumanError(
      'The suite inside VS Code needs Chromium or Chrome, and none was found: install one, or ' +
        'name it in ROBO_CHROMIUM.',
    );
  }
}

/** Node 24 and its headers: code-server accepts no other major. */
function nodeForServer() {
  const folder = ownNodeFolder();
  if (process.platform === 'win32' || !existsSync(path.join(folder ?? '', 'include/node/node.h'))) {
    throw new HumanError(
      `The code-server workbench does not install on ${process.platform}-${process.arch}: open the ` +
        'project in a desktop VS Code, and run its suite with npm run test:electron.',
    );
  }
  return folder;
}

function stamp() {
  const { modules } = process.versions;
  return JSON.stringify({ codeServer: codeServerVersion, abi: modules, arch: process.arch });
}

function isServerInstalled() {
  return (
    existsSync(path.join(serverFolder, entryBelow)) &&
    existsSync(stampFile) &&
    readFileSync(stampFile, 'utf8') === stamp()
  );
}

async function installServer() {
  const nodeFolder = nodeForServer();
  const fresh = `${serverFolder}.new`;
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { recursive: true });
  writeFileSync(path.join(fresh, 'package.json'), '{ "private": true }\n');
  console.log(
    `Installing code-server ${codeServerVersion} (the VS Code workbench) into .host: about 1 GB, 2 to 4 minutes.`,
  );
  const env = environmentForNpm({
    PATH: `${path.join(nodeFolder, 'bin')}${path.delimiter}${process.env.PATH ?? ''}`,
    npm_config_nodedir: nodeFolder,
  });
  const [npm, ...before] = npmCommand(process.execPath);
  const flags = ['--no-audit', '--no-fund', '--loglevel=error', '--prefix', fresh];
  const args = [...before, 'install', ...flags, `code-server@${codeServerVersion}`];
  await mustRun('Installing code-server', npm, args, { env, cwd: fresh });
  const words = execFileSync(process.execPath, [path.join(fresh, entryBelow), '--version'], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  if (!words.includes(codeServerVersion)) {
    throw new HumanError(
      `code-server was installed and does not start: it said "${words.trim()}".`,
    );
  }
  rmSync(stampFile, { force: true });
  rmSync(serverFolder, { recursive: true, force: true });
  renameSync(fresh, serverFolder);
  writeFileSync(stampFile, stamp());
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** The process that holds the lock; 'dead' too where nobody wrote a pid within seconds. */
function readHolder(file) {
  try {
    const pid = Number(readFileSync(file, 'utf8'));
    if (pid > 0) return isAlive(pid) ? pid : 'dead';
    return Date.now() - statSync(file).mtimeMs > 5000 ? 'dead' : 'unknown';
  } catch {
    return 'unknown';
  }
}

/** Two terminals may install at once: the second waits, and a dead holder's lock is taken over. */
async function withInstallLock(action) {
  mkdirSync(hostFolder, { recursive: true });
  const file = path.join(hostFolder, 'install.lock');
  for (let said = false; ; said = true) {
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      const holder = readHolder(file);
      if (holder === 'dead') {
        rmSync(file, { force: true });
        continue;
      }
      if (!said) console.log(`Waiting for the installation that process ${holder} is doing.`);
      await delay(500);
    }
  }
  try {
    return await action();
  } finally {
    rmSync(file, { force: true });
  }
}

/**
 * Makes sure that the workbench can be started here, and with `browser` that it can be driven.
 * @returns Node 24, code-server's entry script, and Chromium when it was asked for
 * @throws HumanError with the one command to run when only the user can install what is missing
 */
export async function ensureHost({ browser = true } = {}) {
  nodeForServer();
  await ensureSystem(browser, !isServerInstalled());
  if (!isServerInstalled()) {
    await withInstallLock(async () => {
      if (!isServerInstalled()) await installServer();
    });
  }
  return {
    node: process.execPath,
    entry: path.join(serverFolder, entryBelow),
    chromium: browser ? findChromium() : undefined,
  };
}

if (isEntry(import.meta.url)) {
  await main(async () => {
    const host = await ensureHost();
    console.log(`VS Code workbench: ${host.entry}\nChromium: ${host.chromium}`);
  });
}
