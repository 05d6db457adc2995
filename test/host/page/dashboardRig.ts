import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from 'playwright-core';
import { systemClock } from '../../../src/core/clock';
import { Emitter } from '../../../src/core/emitter';
import { FeedServer } from '../../../src/daemon/feed/feedServer';
import type { PageAssets } from '../../../src/daemon/feed/pageAssets';
import type { DashboardMessage, DashboardSnapshot } from '../../../src/diagnostics/dashboard';
import { dashboardHtml, type DashboardParts } from '../../../src/ui/dashboardHtml';

interface PageScript {
  readonly buildPage: (outdir: string) => Promise<PageAssets>;
}

interface HostScript {
  readonly findChromium: () => string | undefined;
}

async function script(name: string): Promise<unknown> {
  return import(pathToFileURL(join(__dirname, '../../../scripts', name)).href);
}

/** The page as the daemon serves it, with what a test says, in a browser. */
export class DashboardRig {
  private readonly emitter = new Emitter<DashboardMessage>();
  private server: FeedServer;
  /** What the pages have complained of: errors, and what their policy has forbidden. */
  readonly complaints: string[] = [];
  snapshot: DashboardSnapshot | undefined;

  private constructor(
    readonly browser: Browser,
    readonly assets: PageAssets,
  ) {
    this.server = this.newServer();
  }

  static async start(): Promise<DashboardRig> {
    // Modules that await at their top; they cannot be required.
    const { buildPage } = (await script('buildPage.mjs')) as PageScript;
    const { findChromium } = (await script('host.mjs')) as HostScript;
    const folder = mkdtempSync(join(tmpdir(), 'robo-page-'));
    const assets = await buildPage(folder);
    rmSync(folder, { recursive: true, force: true });
    const executablePath = findChromium();
    if (executablePath === undefined) {
      throw new Error('There is no Chromium here; "node scripts/host.mjs" installs one.');
    }
    const browser = await chromium.launch({
      executablePath,
      args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
    });
    const rig = new DashboardRig(browser, assets);
    await rig.serve(0);
    return rig;
  }

  get port(): number {
    return this.server.port;
  }

  get token(): string {
    return this.server.token;
  }

  ticket(): string {
    return this.server.ticket();
  }

  async serve(port: number): Promise<void> {
    this.server = this.newServer();
    await this.server.listen(port);
  }

  async stopServing(): Promise<void> {
    await this.server.close();
  }

  say(message: DashboardMessage): void {
    this.emitter.fire(message);
  }

  async open(
    options: BrowserContextOptions = {},
    fragment = `#token=${this.token}`,
  ): Promise<Page> {
    const context = await this.browser.newContext({
      viewport: { width: 1280, height: 900 },
      timezoneId: 'UTC',
      locale: 'en-GB',
      ...options,
    });
    // A test may close the connection of a page from within.
    await context.addInitScript(`
      globalThis.sockets = [];
      globalThis.WebSocket = class extends WebSocket {
        constructor(...args) {
          super(...args);
          globalThis.sockets.push(this);
        }
      };
    `);
    return this.goto(context, `/${fragment}`);
  }

  /** The page as it is in a panel of VS Code, whose part the test plays. */
  async openPanel(
    parts: Pick<DashboardParts, 'language' | 'title' | 'translations'>,
  ): Promise<Page> {
    const context = await this.browser.newContext({ timezoneId: 'UTC', locale: 'en-GB' });
    await context.addInitScript(`
      globalThis.acquireVsCodeApi = () => ({
        postMessage() {},
        getState() {},
        setState() {},
      });
    `);
    const source = `http://127.0.0.1:${this.port}`;
    const body = dashboardHtml({
      ...parts,
      ...{ script: '/dashboard.js', style: '/dashboard.css', source, nonce: 'abc' },
    });
    await context.route('**/panel', async (route) =>
      route.fulfill({ contentType: 'text/html', body }),
    );
    return this.goto(context, '/panel');
  }

  private async goto(context: BrowserContext, address: string): Promise<Page> {
    const page = await context.newPage();
    page.on('pageerror', (error) => this.complaints.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') {
        this.complaints.push(message.text());
      }
    });
    await page.goto(`http://127.0.0.1:${this.port}${address}`);
    return page;
  }

  private newServer(): FeedServer {
    return new FeedServer({
      clock: systemClock,
      assets: this.assets,
      sources: {
        '/dashboard': (send) => {
          if (this.snapshot !== undefined) {
            send({ type: 'snapshot', snapshot: this.snapshot } satisfies DashboardMessage);
          }
          return this.emitter.event(send);
        },
      },
      status: () => ({}),
      onClients: () => undefined,
    });
  }

  async end(): Promise<void> {
    await this.browser.close();
    await this.server.close();
  }
}
