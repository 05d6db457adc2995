// Pictures of the real workbench with the extension and a simulated TWS:
//   npm run screenshots -- FOLDER [--fault NAME] [--open FILE] [--command TITLE]... [--wait S]
//     [--pick ENTRY] [--hover] [--only light,narrow]
// --pick takes an entry of the list that the last command has opened, a walkthrough for instance:
//   --command 'Welcome: Open Walkthrough...' --pick Robo
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { writeSampleWorkspace } from '../test/host/sampleWorkspace.mjs';
import { openWorkbench, runCommand } from '../test/host/workbench.mjs';
import { buildBundles } from './build.mjs';
import { ensureHost } from './host.mjs';
import { packageExtension } from './package.mjs';
import { endTree } from './support/processes.mjs';
import { HumanError, main } from './support/project.mjs';
import { spawnSimulator } from './support/simulator.mjs';

const views = {
  light: { theme: 'light', width: 1280, height: 800 },
  dark: { theme: 'dark', width: 1280, height: 800 },
  hc: { theme: 'hc', width: 1280, height: 800 },
  narrow: { theme: 'light', width: 700, height: 800 },
};

/** A picture has no event to wait for: animations and toasts settle in this time. */
const settleMs = 4000;
const statusItem = '.statusbar-item[id^="robo.robo"]';

function parseOptions(args) {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      fault: { type: 'string' },
      command: { type: 'string', multiple: true, default: ['Robo: Test IBKR Connection'] },
      open: { type: 'string' },
      pick: { type: 'string' },
      wait: { type: 'string', default: '0' },
      hover: { type: 'boolean', default: false },
      only: { type: 'string', default: Object.keys(views).join(',') },
    },
  });
  const names = values.only.split(',');
  const unknown = names.find((name) => views[name] === undefined);
  if (unknown !== undefined || positionals.length !== 1) {
    throw new HumanError(
      `Usage: npm run screenshots -- FOLDER [--fault NAME] [--open FILE] [--command TITLE]... [--pick ENTRY] [--wait SECONDS] [--hover] [--only ${Object.keys(views).join(',')}]`,
    );
  }
  return { folder: path.resolve(positionals[0]), names, ...values };
}

/**
 * Opens the hover of the status item. The item may become narrower just then and slip away from
 * under the pointer, which stays on its neighbour: then once more.
 */
async function hoverStatus(page, attempts = 4) {
  await page.mouse.move(0, 0);
  await page.hover(statusItem);
  await delay(settleMs);
  const isOnIt = await page.locator(statusItem).evaluate((item) => item.matches(':hover'));
  if (isOnIt && (await page.locator('.workbench-hover-container').count()) > 0) return;
  if (attempts <= 1) throw new HumanError('The hover of the status item did not open.');
  await hoverStatus(page, attempts - 1);
}

async function takePicture(name, options, shared) {
  const home = mkdtempSync(path.join(tmpdir(), 'robo-view-'));
  const { child, endpoint } = await spawnSimulator({ fault: options.fault });
  let workbench;
  try {
    const workspace = writeSampleWorkspace(path.join(home, 'workspace'), { port: endpoint.port });
    workbench = await openWorkbench({
      host: shared.host,
      home,
      folder: workspace,
      extensions: [shared.vsix],
      ...views[name],
    });
    await delay(settleMs);
    if (options.open !== undefined) {
      const row = workbench.page.locator('.explorer-folders-view .monaco-list-row');
      await row.filter({ hasText: options.open }).dblclick();
    }
    for (const title of options.command) {
      await runCommand(workbench.page, title);
      await delay(settleMs);
    }
    if (options.pick !== undefined) {
      const row = workbench.page.locator('.quick-input-list .monaco-list-row');
      await row.filter({ hasText: options.pick }).first().click();
      await delay(settleMs);
    }
    await delay(Number(options.wait) * 1000);
    if (options.hover) {
      await hoverStatus(workbench.page);
    }
  } finally {
    // Also when a command could not be run: the picture shows why.
    const file = path.join(options.folder, `${name}.png`);
    await workbench?.page.screenshot({ path: file });
    console.log(file);
    await workbench?.close();
    await endTree(child);
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  }
}

await main(async (args) => {
  const options = parseOptions(args);
  mkdirSync(options.folder, { recursive: true });
  await buildBundles();
  const packages = mkdtempSync(path.join(tmpdir(), 'robo-view-'));
  try {
    const shared = { host: await ensureHost(), vsix: path.join(packages, 'robo.vsix') };
    await packageExtension(shared.vsix);
    for (const name of options.names) await takePicture(name, options, shared);
  } finally {
    rmSync(packages, { recursive: true, force: true });
  }
});
