// The README's animated picture, made from the real workbench with a simulated TWS:
//   npm run film -- FILE
import { chromium } from 'playwright-core';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { writeSampleWorkspace } from '../test/host/sampleWorkspace.mjs';
import { openWorkbench, runCommand } from '../test/host/workbench.mjs';
import { buildBundles } from './build.mjs';
import { ensureHost } from './host.mjs';
import { packageExtension } from './package.mjs';
import { animatedPng } from './support/apng.mjs';
import { composeFrames } from './support/frames.mjs';
import { endTree } from './support/processes.mjs';
import { HumanError, main } from './support/project.mjs';
import { spawnSimulator } from './support/simulator.mjs';

const size = { width: 1120, height: 680 };
/** Animations and toasts settle in this time; they have no event to wait for. */
const settleMs = 2500;
const patienceMs = 60_000;
/** Long enough to read the caption and to find what it speaks of. */
const sceneMs = 3500;

/** What is done in the window, and what the reader is told about it. */
const scenes = [
  {
    caption: 'A morning like any other: TWS runs, its port is open, your program is ready',
    async play({ open, shows }) {
      await open('.env');
      await shows('not watched');
    },
  },
  {
    caption: 'Start it: TCP connects, the API never answers, so nothing is started',
    async play({ run, toast }) {
      await run('Robo: Start Runner');
      await toast('Open Guide').waitFor({ timeout: patienceMs });
      await run('Problems: Focus on Problems View');
    },
  },
  {
    caption: 'One click: the guide, at the cause that fits the evidence',
    async play({ toast, inside }) {
      await toast('Open Guide').click();
      await inside('h2').first().waitFor({ timeout: patienceMs });
    },
  },
  {
    caption: 'The dialog in TWS is answered: the connection that was held is well at once',
    async play({ heal, shows }) {
      heal();
      await shows('healthy');
    },
  },
  {
    caption: 'Now it starts, behind a connection that was verified a moment ago',
    async play({ run, page }) {
      await run('View: Close All Editors');
      await run('View: Hide Panel');
      await run('Robo: Start Runner');
      await run('Robo: Focus on Services View');
      const working = page.locator('.pane-body .monaco-list-row').filter({ hasText: 'working' });
      await working.first().waitFor({ timeout: patienceMs });
    },
  },
  {
    caption: 'And the day at a glance, for a second screen as well',
    async play({ run, inside }) {
      await run('Notifications: Clear All Notifications');
      await run('Robo: Open Dashboard');
      await inside('canvas').first().waitFor({ timeout: patienceMs });
    },
  },
];

/** The hands of whoever plays a scene. */
function handsOf({ page }, child) {
  const statusItem = page.locator('.statusbar-item[id="robo.robo.health"]');
  return {
    page,
    heal: () => child.stdin.write('fault none\n'),
    run: (title) => runCommand(page, title),
    shows: (words) => statusItem.filter({ hasText: words }).waitFor({ timeout: patienceMs }),
    open: (file) =>
      page
        .locator('.explorer-folders-view .monaco-list-row')
        .filter({ hasText: file })
        .dblclick({ timeout: patienceMs }),
    toast: (name) =>
      page.locator('.notifications-toasts').getByRole('button', { name, exact: true }),
    inside: (selector) =>
      page.frameLocator('iframe.webview').frameLocator('iframe#active-frame').locator(selector),
  };
}

async function film(workbench, child) {
  const hands = handsOf(workbench, child);
  const shots = [];
  for (const { caption, play } of scenes) {
    await play(hands);
    await delay(settleMs);
    shots.push({ caption, png: await workbench.page.screenshot() });
    console.log(caption);
  }
  return shots;
}

async function shoot(host, vsix) {
  const home = mkdtempSync(path.join(tmpdir(), 'robo-film-'));
  const { child, endpoint } = await spawnSimulator({ fault: 'silent_handshake' });
  let workbench;
  try {
    const folder = writeSampleWorkspace(path.join(home, 'workspace'), { port: endpoint.port });
    workbench = await openWorkbench({
      host,
      home,
      folder,
      extensions: [vsix],
      theme: 'dark',
      // The outage shall be one at whatever hour the picture is made.
      env: { ROBO_RESET_WINDOWS: 'off' },
      ...size,
    });
    await delay(settleMs);
    return await film(workbench, child);
  } finally {
    await workbench?.close();
    await endTree(child);
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  }
}

await main(async ([file, ...rest]) => {
  if (file === undefined || rest.length > 0) {
    throw new HumanError('Usage: npm run film -- FILE');
  }
  await buildBundles();
  const packages = mkdtempSync(path.join(tmpdir(), 'robo-film-'));
  try {
    const host = await ensureHost();
    const vsix = path.join(packages, 'robo.vsix');
    await packageExtension(vsix);
    const browser = await chromium.launch({
      executablePath: host.chromium,
      args: ['--no-sandbox'],
    });
    try {
      const frames = await composeFrames(browser, await shoot(host, vsix));
      const animated = animatedPng(frames.map((frame) => ({ ...frame, delayMs: sceneMs })));
      writeFileSync(path.resolve(file), animated);
      console.log(`${file}: ${frames.length} frames, ${Math.round(animated.length / 1024)} KiB`);
    } finally {
      await browser.close();
    }
  } finally {
    rmSync(packages, { recursive: true, force: true });
  }
});
