import { readFile } from 'node:fs/promises';
import * as vscode from 'vscode';
import type { Clock } from '../core/clock';
import type { Disposable } from '../core/disposables';
import { Emitter } from '../core/emitter';
import { errorText } from '../core/errors';
import { endpointPaths, type EndpointPaths } from '../core/paths';
import type { StatusRecord } from '../diagnostics/status';
import { type Endpoint, formatEndpoint, isLoopback } from '../ibkr/endpoint';
import type { Consents } from './consent';
import type { DaemonConnection } from './daemonConnection';
import { commandIds, editorCommands, settingsSection } from './ids';
import { MonitorLink } from './monitorLink';
import { Cancelled, Refusal } from './refusal';
import type { WindowState } from './statusBarView';
import { parseStatusRecord } from './statusRecord';
import { readWorkspaceSetup, type WorkspaceSetup } from './workspaceSetup';

export interface WatchDeps {
  readonly clock: Clock;
  readonly consents: Consents;
  /** Connects to the daemon of this setup, starting it if none runs. */
  readonly open: (setup: WorkspaceSetup) => Promise<DaemonConnection>;
  readonly log: Pick<vscode.LogOutputChannel, 'info' | 'warn' | 'error'>;
}

interface Link {
  readonly key: string;
  readonly link: MonitorLink<DaemonConnection>;
}

/**
 * What this window watches: reads the setup, keeps the link to the daemon while the trader
 * consents, and derives the window's state. Opens nothing in an untrusted workspace.
 */
export class Watch implements Disposable {
  private readonly changed = new Emitter<WindowState>();
  private setup: WorkspaceSetup | undefined;
  private problem: string | undefined;
  private record: StatusRecord | undefined;
  private link: Link | undefined;
  private queue: Promise<void> = Promise.resolve();
  private isDisposed = false;

  /** Fires after each change of the state. */
  readonly onDidChange = this.changed.event;

  constructor(private readonly deps: WatchDeps) {}

  get state(): WindowState {
    if (!vscode.workspace.isTrusted) {
      return { kind: 'restricted' };
    }
    if (this.problem !== undefined) {
      return { kind: 'misconfigured', sentences: [this.problem] };
    }
    if (this.setup === undefined) {
      return { kind: 'reading' };
    }
    const { endpoint, problems } = this.setup.configuration;
    if (problems.length > 0) {
      return { kind: 'misconfigured', sentences: problems.map((each) => each.sentence) };
    }
    return this.link === undefined
      ? { kind: 'notWatched', endpoint, record: this.record }
      : { ...this.link.link.state, endpoint };
  }

  /** The setup as last read; undefined before the first reading and in Restricted Mode. */
  get currentSetup(): WorkspaceSetup | undefined {
    return this.setup;
  }

  /** Reads settings and files anew and follows what changed. Calls queue up. */
  async refresh(): Promise<void> {
    this.queue = this.queue.then(() => this.readAndFollow());
    await this.queue;
  }

  /** Brings the ages of an open connection up to date. */
  async refreshStatus(): Promise<void> {
    await this.link?.link.refresh();
  }

  /**
   * The setup that a command works with.
   * @throws Refusal when the workspace is not trusted or its settings are wrong
   */
  async requireSetup(): Promise<WorkspaceSetup> {
    requireTrust();
    await this.refresh();
    const setup = this.setup;
    const [sentence] =
      this.problem === undefined
        ? (setup?.configuration.problems.map((each) => each.sentence) ?? [])
        : [this.problem];
    if (setup === undefined || sentence !== undefined) {
      throw new Refusal(sentence ?? vscode.l10n.t('The settings could not be read.'), [
        {
          title: vscode.l10n.t('Open Settings'),
          command: editorCommands.openSettings,
          arguments: [settingsSection],
        },
      ]);
    }
    return setup;
  }

  /**
   * The connection to the daemon for a command. Running a command on this machine's TWS is consent;
   * another host is asked for.
   * @throws Refusal with the reason, Cancelled when the question was declined
   */
  async requireConnection(): Promise<DaemonConnection> {
    const { configuration } = await this.requireSetup();
    const { endpoint } = configuration;
    if (!this.deps.consents.isGranted(endpoint)) {
      if (!isLoopback(endpoint.host)) {
        await confirmRemote(endpoint);
      }
      await this.consent(endpoint);
    }
    const { link } = this;
    if (link === undefined) {
      throw new Refusal(
        vscode.l10n.t('The settings changed while the command began; run it again.'),
      );
    }
    try {
      return await link.link.connection();
    } catch (error) {
      throw new Refusal(errorText(error), [
        {
          title: vscode.l10n.t('Monitor Log'),
          command: commandIds.openMonitorLog,
          arguments: [],
        },
      ]);
    }
  }

  /** Remembers that this endpoint may be watched, and begins. */
  async consent(endpoint: Endpoint): Promise<void> {
    await this.deps.consents.grant(endpoint);
    this.deps.log.info(`Consent to watch ${formatEndpoint(endpoint)}`);
    await this.refresh();
  }

  /** Takes the consent back and lets the daemon go; it ends by itself when nothing needs it. */
  async withdraw(endpoint: Endpoint): Promise<void> {
    await this.deps.consents.rememberAsked(endpoint);
    await this.refresh();
  }

  /** The record files of the present endpoint. */
  paths(setup: WorkspaceSetup): EndpointPaths {
    return endpointPaths(setup.stateDirectory, setup.configuration.endpoint, {
      platform: process.platform,
      userId: process.getuid?.(),
    });
  }

  dispose(): void {
    this.isDisposed = true;
    this.link?.link.dispose();
    this.changed.dispose();
  }

  private async readAndFollow(): Promise<void> {
    if (this.isDisposed) {
      return;
    }
    // What was read before counts until then: the state does not say "reading" in between.
    const { setup, problem } = await readSetup();
    this.setup = setup;
    this.problem = problem;
    this.follow(this.setup);
    this.record =
      this.setup === undefined || this.link !== undefined
        ? undefined
        : await readRecord(this.paths(this.setup).status);
    this.changed.fire(this.state);
  }

  private follow(setup: WorkspaceSetup | undefined): void {
    const wanted =
      setup?.configuration.problems.length === 0 &&
      this.deps.consents.isGranted(setup.configuration.endpoint)
        ? setup
        : undefined;
    const key = wanted === undefined ? undefined : linkKey(wanted);
    if (this.link?.key === key) {
      return;
    }
    this.link?.link.dispose();
    this.link = undefined;
    if (wanted !== undefined && key !== undefined) {
      const link = new MonitorLink(() => this.deps.open(wanted), this.deps.clock);
      link.onDidChange((state) => {
        if (state.kind === 'noMonitor') {
          this.deps.log.warn(`No monitor: ${state.why}`);
        }
        this.changed.fire(this.state);
      });
      this.link = { key, link };
      link.start();
    }
  }
}

/** Reads the setup where the folder may be read, or says why it could not be. */
async function readSetup(): Promise<{
  readonly setup: WorkspaceSetup | undefined;
  readonly problem: string | undefined;
}> {
  if (!vscode.workspace.isTrusted) {
    return { setup: undefined, problem: undefined };
  }
  try {
    return { setup: await readWorkspaceSetup(), problem: undefined };
  } catch (error) {
    const problem = vscode.l10n.t(
      'The settings of this workspace could not be read ({0}). Make its .env and .vscode/settings.json readable.',
      errorText(error),
    );
    return { setup: undefined, problem };
  }
}

/** @throws Refusal in Restricted Mode */
export function requireTrust(): void {
  if (!vscode.workspace.isTrusted) {
    throw new Refusal(
      vscode.l10n.t(
        'This workspace is not trusted, so Robo starts nothing and opens no socket here. Trust it first if it is yours.',
      ),
      [
        {
          title: vscode.l10n.t('Manage Workspace Trust'),
          command: editorCommands.manageTrust,
          arguments: [],
        },
      ],
    );
  }
}

async function confirmRemote(endpoint: Endpoint): Promise<void> {
  const watch = vscode.l10n.t('Watch');
  const chosen = await vscode.window.showWarningMessage(
    vscode.l10n.t('Watch {0}?', formatEndpoint(endpoint)),
    {
      modal: true,
      detail: vscode.l10n.t(
        'This host is not this machine. Robo would open an API connection to it and keep it. The answer is remembered for this workspace.',
      ),
    },
    watch,
  );
  if (chosen !== watch) {
    throw new Cancelled();
  }
}

function linkKey(setup: WorkspaceSetup): string {
  const { endpoint, clientId } = setup.configuration;
  return JSON.stringify([
    endpoint.host,
    endpoint.port,
    clientId,
    setup.stateDirectory,
    setup.nodePath,
    setup.alerts,
    setup.watch,
    setup.recovery.ibcCommandPort,
    [...setup.recovery.allow],
  ]);
}

async function readRecord(file: string): Promise<StatusRecord | undefined> {
  try {
    return parseStatusRecord(await readFile(file, 'utf8'));
  } catch {
    // No record, or one that we may not read: the window then simply knows nothing yet.
    return undefined;
  }
}
