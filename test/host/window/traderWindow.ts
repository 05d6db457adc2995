import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Locator, Page } from 'playwright-core';
import { endpointPaths } from '../../../src/core/paths';
import type { RunnerStatus, StatusRecord } from '../../../src/diagnostics/status';
import type { ProcessInfo } from '../../../src/host/machine';
import { machineFor } from '../../../src/host/thisMachine';
import { Simulator } from '../../../src/simulator/simulator';
import { eventually } from '../../support/eventually';

interface Workbench {
  readonly page: Page;
  readonly server: {
    readonly folders: { readonly state: string; readonly extensions: string };
  };
  readonly close: () => Promise<void>;
}

interface WorkbenchScript {
  readonly openWorkbench: (options: object) => Promise<Workbench>;
  readonly runCommand: (page: Page, title: string) => Promise<void>;
}

interface WorkspaceScript {
  readonly writeSampleWorkspace: (folder: string, options: object) => string;
}

interface HostScript {
  readonly ensureHost: () => Promise<object>;
}

interface PackageScript {
  readonly packageExtension: (file: string) => Promise<void>;
}

/** A stand-in for the trader's program: works through its symbols ten times a second. */
const runnerScript = `
const say = (event) => console.log(JSON.stringify({ robo: 1, ...event }));
setInterval(() => {
  for (const symbol of process.argv[2].split(',')) say({ event: 'fetch', symbol, ok: true });
  say({ event: 'cycle', at: Date.now() });
}, 100);
process.on('SIGTERM', () => process.exit(0));
`;

/** A Node that notes what it is started for, and is that Node from then on. */
function writeNotedNode(home: string): string {
  const file = join(home, 'node');
  const starts = join(home, 'node-starts');
  const line = `printf '%s\\n' "$(printf '%s ' "$@" | tr '\\n' ' ')" >> '${starts}'`;
  writeFileSync(file, `#!/bin/sh\n${line}\nexec '${process.execPath}' "$@"\n`, { mode: 0o755 });
  return file;
}

const patienceMs = 45_000;

/** Who is there, and what they say of each other. */
interface Sight {
  readonly daemons: readonly number[];
  readonly runners: readonly number[];
  /** Connections that the monitor says it has opened. */
  readonly connectionsOpened: number;
  /** Connections that TWS has accepted, and that are open now. */
  readonly accepted: number;
  readonly open: number;
  /** Pids, states and starts as the records tell them. */
  readonly told: readonly (number | string | null)[];
}

/** Modules that await at their top; they cannot be required. */
async function script<T>(name: string): Promise<T> {
  return (await import(pathToFileURL(join(__dirname, '../../..', name)).href)) as T;
}

/**
 * A trader's editor: the real VS Code with the packaged .vsix installed, a folder with `.env` and
 * a runner, and a simulated TWS in this process. It is driven through the page alone.
 */
export class TraderWindow {
  private constructor(
    readonly simulator: Simulator,
    private readonly workbench: Workbench,
    private readonly places: {
      readonly home: string;
      readonly workspace: string;
      readonly port: number;
      readonly run: WorkbenchScript['runCommand'];
    },
  ) {}

  /**
   * Packages what lies in `dist`, installs that file, and opens the folder.
   * @param options.trust false: in Restricted Mode, where the folder is a stranger's
   */
  static async open({ trust = true } = {}): Promise<TraderWindow> {
    const { openWorkbench, runCommand } = await script<WorkbenchScript>('test/host/workbench.mjs');
    const { writeSampleWorkspace } = await script<WorkspaceScript>('test/host/sampleWorkspace.mjs');
    const { ensureHost } = await script<HostScript>('scripts/host.mjs');
    const { packageExtension } = await script<PackageScript>('scripts/package.mjs');
    const home = mkdtempSync(join(tmpdir(), 'robo-window-'));
    const simulator = new Simulator();
    try {
      const vsix = join(home, 'robo.vsix');
      await packageExtension(vsix);
      const { port } = await simulator.start();
      const command = [process.execPath, '${workspaceFolder}/trader.js', '${symbols}'];
      const workspace = writeSampleWorkspace(join(home, 'workspace'), {
        port,
        settings: { 'robo.runner.command': command },
      });
      writeFileSync(join(workspace, 'trader.js'), runnerScript);
      const node = writeNotedNode(home);
      const workbench = await openWorkbench({
        host: await ensureHost(),
        home,
        folder: workspace,
        extensions: [vsix],
        trust,
        settings: {
          'robo.nodePath': node,
          'security.workspace.trust.startupPrompt': 'never',
          // What stands over the window would be in the way of everything after it.
          'workbench.editor.useModal': 'off',
        },
        // An outage must be one on every day and at every hour.
        env: { ROBO_RESET_WINDOWS: 'off' },
      });
      return new TraderWindow(simulator, workbench, { home, workspace, port, run: runCommand });
    } catch (error) {
      await simulator.stop();
      rmSync(home, { recursive: true, force: true, maxRetries: 5 });
      throw error;
    }
  }

  get page(): Page {
    return this.workbench.page;
  }

  get workspace(): string {
    return this.places.workspace;
  }

  /** Where the editor keeps what was installed. */
  get extensions(): string {
    return this.workbench.server.folders.extensions;
  }

  get statusItem(): Locator {
    return this.page.locator('.statusbar-item[id="robo.robo.health"]');
  }

  /** What was run on the Node of the setting `robo.nodePath`: the arguments of each start. */
  get nodeStarts(): readonly string[] {
    const file = join(this.places.home, 'node-starts');
    return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : [];
  }

  /** What the records folder of this window's user holds. */
  get records(): readonly string[] {
    return readdirSync(this.workbench.server.folders.state);
  }

  /** What the monitor has written last. */
  get status(): StatusRecord {
    const { status } = endpointPaths(
      this.workbench.server.folders.state,
      { host: '127.0.0.1', port: this.places.port },
      { platform: process.platform, userId: process.getuid?.() },
    );
    return JSON.parse(readFileSync(status, 'utf8')) as StatusRecord;
  }

  /** The runner of the folder as the monitor sees it. */
  get runner(): RunnerStatus | undefined {
    return this.status.runner[0];
  }

  /** All that the runner has printed. */
  get runnerLog(): string {
    return readFileSync(this.runner?.logFile ?? '', 'utf8');
  }

  /** Runs a command of Robo's through the palette. */
  async run(title: string): Promise<void> {
    await this.places.run(this.page, title);
  }

  /** Waits until the status bar says it. */
  async shows(words: string): Promise<void> {
    await this.statusItem.filter({ hasText: words }).waitFor({ timeout: patienceMs });
  }

  async button(name: string): Promise<void> {
    await this.page
      .locator('.notifications-toasts')
      .getByRole('button', { name, exact: true })
      .click({ timeout: patienceMs });
  }

  /** Watches and starts the runner, as on any morning. */
  async startTrading(): Promise<void> {
    await this.button('Watch');
    await this.shows('healthy');
    await this.run('Robo: Start Runner');
    await eventually(() => this.runner?.work === 'working', 'the runner works', patienceMs);
  }

  /** Reloads the window, and waits until the new one shows how TWS is. */
  async reload(): Promise<void> {
    const gone = this.page.waitForEvent('load', { timeout: patienceMs });
    await this.run('Developer: Reload Window');
    await gone;
    await this.shows('healthy');
  }

  /** Everything that runs with the folder's runner or for this window's records. */
  async processes(): Promise<{
    readonly daemons: readonly ProcessInfo[];
    readonly runners: readonly ProcessInfo[];
  }> {
    const table = await machineFor(process.platform).processes();
    if (!table.known) {
      throw new Error(table.why);
    }
    const { state } = this.workbench.server.folders;
    const program = join(this.workspace, 'trader.js');
    return {
      daemons: table.value.filter(({ argv }) => argv.some((one) => one.includes(state))),
      runners: table.value.filter(({ argv }) => argv[1] === program),
    };
  }

  /** What a reload must leave as it is, by the process table, the records and TWS itself. */
  async sight(): Promise<Sight> {
    const { daemons, runners } = await this.processes();
    const { monitor, runner, session } = this.status;
    const { connectionsAccepted, connectionsOpen } = this.simulator.statistics;
    return {
      daemons: daemons.map(({ pid }) => pid),
      runners: runners.map(({ pid }) => pid),
      connectionsOpened: session.connectionsOpened,
      accepted: connectionsAccepted,
      open: connectionsOpen,
      told: [monitor.pid, ...runner.flatMap((one) => [one.pid, one.state, one.startedAt])],
    };
  }

  async close(): Promise<void> {
    await this.workbench.close();
    await this.simulator.stop();
    rmSync(this.places.home, { recursive: true, force: true, maxRetries: 5 });
  }
}
