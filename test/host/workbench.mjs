// The real VS Code: a code-server on 127.0.0.1, and a Chromium page that shows its workbench.
import { chromium } from 'playwright-core';
import { execFile, spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { endTree } from '../../scripts/support/processes.mjs';
import { HumanError } from '../../scripts/support/project.mjs';

const themes = {
  light: 'Default Light Modern',
  dark: 'Default Dark Modern',
  hc: 'Default High Contrast',
};

/** A window without first-day noise. */
const quietSettings = {
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'chat.disableAIFeatures': true,
  'extensions.ignoreRecommendations': true,
  'git.openRepositoryInParentFolders': 'never',
};

const chromiumFlags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** The folders of one window's private world, so that nothing on this machine can leak in. */
function makeHome(home) {
  const folders = {
    userData: path.join(home, 'user-data'),
    extensions: path.join(home, 'extensions'),
    data: path.join(home, 'xdg-data'),
    config: path.join(home, 'xdg-config'),
    state: path.join(home, 'state'),
    runtime: path.join(home, 'run'),
  };
  for (const folder of Object.values(folders)) mkdirSync(folder, { recursive: true, mode: 0o700 });
  return folders;
}

/** The environment without what would configure a real trading session on this machine. */
export function withoutTradingKeys(environment) {
  const keys = /^(IBKR_.*|SYMBOLS|TRADING_MODE|EXECUTION_MODE|LOG_FILE)$/;
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !keys.test(name)));
}

function serverEnvironment(folders, extra) {
  const environment = {
    ...process.env,
    XDG_DATA_HOME: folders.data,
    XDG_CONFIG_HOME: folders.config,
    XDG_RUNTIME_DIR: folders.runtime,
    ROBO_STATE_DIR: folders.state,
    ...extra,
  };
  for (const name of Object.keys(environment)) {
    if (/^(npm_|VSCODE_|ELECTRON_|NODE_V8_COVERAGE$|NODE_OPTIONS$)/.test(name)) {
      delete environment[name];
    }
  }
  return withoutTradingKeys(environment);
}

/** Writes the user settings of a new home; an old home keeps its own. */
export function writeUserSettings(userData, settings = {}) {
  const file = path.join(userData, 'User/settings.json');
  if (existsSync(file)) return;
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify({ ...quietSettings, ...settings }, null, 2));
}

/** Waits for the server's own word about the port that it got. */
async function listeningPort(child, deadlineMs) {
  let output = '';
  let timer;
  const port = new Promise((resolve, reject) => {
    const fail = (what) => reject(new HumanError(`code-server ${what}: ${output.slice(-2000)}`));
    const read = (chunk) => {
      output = (output + chunk).slice(-20_000);
      const found = /listening on http:\/\/127\.0\.0\.1:(\d+)/.exec(output);
      if (found !== null) resolve(Number(found[1]));
    };
    timer = setTimeout(() => fail('did not listen in time'), deadlineMs);
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('error', (error) => fail(`could not be started (${error.message})`));
    child.once('exit', (code) => fail(`ended with exit code ${code}`));
  });
  return port.finally(() => clearTimeout(timer));
}

/**
 * Starts a workbench server in a process group of its own on a free port of 127.0.0.1. close()
 * ends it, and the daemon that its window started, unless the caller gave a ROBO_STATE_DIR.
 *
 * @param options.host what ensureHost() returned
 * @param options.home folder for user data, extensions, XDG folders and Robo's records; kept by
 *   the caller. Without it a temporary one, removed by close()
 * @param options.extensions .vsix files to install first
 * @param options.settings user settings on top of the quiet ones
 * @param options.env additional environment of the server and of its extension host
 * @param options.trust false opens folders in Restricted Mode
 * @param options.testDriver makes the workbench obey the test keys of its address
 * @returns {Promise<{origin: string, authority: string, home: string, folders: object,
 *   close: () => Promise<void>}>}
 */
export async function startServer(options) {
  const { host, extensions = [], settings = {}, env = {}, trust = true } = options;
  const home = options.home ?? mkdtempSync(path.join(tmpdir(), 'robo-host-'));
  const folders = makeHome(home);
  writeUserSettings(folders.userData, settings);
  const environment = serverEnvironment(folders, env);
  const common = [
    host.entry,
    ...['--user-data-dir', folders.userData, '--extensions-dir', folders.extensions],
    ...['--config', path.join(folders.config, 'code-server.yaml')],
  ];
  for (const file of extensions) {
    await promisify(execFile)(host.node, [...common, '--install-extension', file, '--force'], {
      env: environment,
      timeout: 60_000,
    });
  }
  const child = spawn(
    host.node,
    [
      ...common,
      ...['--auth', 'none', '--bind-addr', '127.0.0.1:0'],
      ...['--disable-telemetry', '--disable-update-check', '--ignore-last-opened'],
      ...(trust ? ['--disable-workspace-trust'] : []),
      ...(options.testDriver ? ['--vscode-option', 'enable-smoke-test-driver'] : []),
    ],
    { env: environment, detached: true, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const close = async () => {
    await endTree(child);
    if (env.ROBO_STATE_DIR === undefined) await endProcessesOf(folders.state);
    if (options.home === undefined) rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    const authority = `127.0.0.1:${await listeningPort(child, 30_000)}`;
    return { origin: `http://${authority}`, authority, home, folders, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The address of a folder in the workbench; payload keys are the workbench's own. */
export function addressOf(server, folder, payload = {}) {
  const entries = Object.entries({ skipWelcome: 'true', ...payload });
  const query = new URLSearchParams({ folder, payload: JSON.stringify(entries) });
  return `${server.origin}/?${query}`;
}

/**
 * Opens the workbench in Chromium and waits until it is drawn.
 *
 * @param options everything that startServer() takes, and
 * @param options.folder the workspace folder
 * @param options.theme 'light', 'dark' or 'hc'
 * @param options.width and options.height of the window, in CSS pixels
 * @param options.payload keys for the workbench, such as extensionDevelopmentPath
 * @param options.expose functions by name that the page may call
 * @returns {Promise<{page: import('playwright-core').Page, server: object,
 *   close: () => Promise<void>}>}
 */
export async function openWorkbench(options) {
  const { host, folder, theme = 'light', width = 1280, height = 800, expose = {} } = options;
  const server = await startServer({
    ...options,
    settings: { 'workbench.colorTheme': themes[theme], ...options.settings },
  });
  let browser;
  const close = async () => {
    await browser?.close();
    await server.close();
  };
  try {
    browser = await chromium.launch({
      executablePath: host.chromium,
      args: chromiumFlags,
      handleSIGINT: false,
      handleSIGTERM: false,
      handleSIGHUP: false,
    });
    const context = await browser.newContext({ viewport: { width, height } });
    const page = await context.newPage();
    for (const [name, action] of Object.entries(expose)) await page.exposeFunction(name, action);
    await page.goto(addressOf(server, folder, options.payload?.(server)));
    await page.locator('.monaco-workbench .statusbar').waitFor({ timeout: 60_000 });
    return { page, server, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * Runs a command by its title through the palette, as a user would. A palette that opened before
 * the extensions were known stays without their commands, and is opened again.
 */
export async function runCommand(page, title, attempts = 6) {
  await page.keyboard.press('F1');
  const input = page.locator('.quick-input-widget input.input');
  await input.waitFor();
  await input.fill(`>${title}`);
  const row = page.locator('.quick-input-list .monaco-list-row', { hasText: title }).first();
  try {
    await row.waitFor({ timeout: 5000 });
  } catch (error) {
    await page.keyboard.press('Escape');
    if (attempts <= 1) throw error;
    return runCommand(page, title, attempts - 1);
  }
  await row.click();
}

/**
 * Ends what was started with a records folder and is still there, in whatever process group: a
 * window's daemon and runners. TERM, a grace, KILL.
 * @returns the pids that were found
 */
export async function endProcessesOf(stateFolder, graceMs = 5000) {
  const find = () => processesWith('ROBO_STATE_DIR', stateFolder);
  const signalAll = (signal) => {
    for (const pid of find()) {
      try {
        process.kill(pid, signal);
      } catch (error) {
        if (error.code !== 'ESRCH') throw error;
      }
    }
  };
  const found = find();
  signalAll('SIGTERM');
  const until = performance.now() + graceMs;
  while (find().length > 0 && performance.now() < until) await delay(50);
  signalAll('SIGKILL');
  return found;
}

/**
 * Processes that were started with a value in their environment, such as the records folder of
 * one window: what a window leaves behind in process groups of its own. Linux only.
 */
function processesWith(name, value) {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'utf8')
          .split('\0')
          .includes(`${name}=${value}`);
      } catch {
        return false;
      }
    })
    .map(Number);
}
