import path from 'node:path';
import { errorText } from '../core/errors';
import { parseAlertSettings } from '../daemon/alertSettings';
import type { DaemonClient } from '../daemon/client';
import { type DaemonFiles, installDaemonFiles } from '../daemon/daemonFiles';
import type { DaemonOptions } from '../daemon/launcher';
import type { Runtime } from '../daemon/nodeProbe';
import { findRuntime } from './runtime';
import type { WorkspaceSetup } from './workspaceSetup';

export interface DaemonAccessDeps {
  readonly connect: (options: DaemonOptions) => Promise<DaemonClient>;
  readonly extensionDirectory: string;
  readonly storageDirectory: string;
  readonly version: string;
  /** A setting of the alerts is wrong; the sentence says which and how it is right. */
  readonly onWrongSetting: (sentence: string) => void;
}

/** Joins or starts the daemon of a setup, with a probed Node and the bundles in our own storage. */
export class DaemonAccess {
  private files: Promise<DaemonFiles> | undefined;
  private runtime: { readonly nodePath: string; readonly found: Promise<Runtime> } | undefined;

  constructor(private readonly deps: DaemonAccessDeps) {}

  async open(setup: WorkspaceSetup): Promise<DaemonClient> {
    const [files, runtime] = await Promise.all([this.installed(), this.probed(setup.nodePath)]);
    const { endpoint, clientId } = setup.configuration;
    const client = await this.deps.connect({
      stateDirectory: setup.stateDirectory,
      endpoint,
      clientId,
      kind: 'window',
      runtime,
      recovery: setup.recovery,
      ...files,
    });
    await this.sendAlertSettings(client, setup.alerts);
    return client;
  }

  /** The monitor keeps them, also while no window is open. Wrong ones leave what was said before. */
  private async sendAlertSettings(client: DaemonClient, alerts: unknown): Promise<void> {
    try {
      await client.configureAlerts('window', parseAlertSettings(alerts));
    } catch (error) {
      this.deps.onWrongSetting(errorText(error));
    }
  }

  /** Once per window; after a failure it is tried again. */
  private async installed(): Promise<DaemonFiles> {
    const { extensionDirectory, storageDirectory, version } = this.deps;
    const dist = path.join(extensionDirectory, 'dist');
    this.files ??= installDaemonFiles(dist, storageDirectory, version);
    try {
      return await this.files;
    } catch (error) {
      this.files = undefined;
      throw error;
    }
  }

  private async probed(nodePath: string): Promise<Runtime> {
    if (this.runtime?.nodePath !== nodePath) {
      this.runtime = { nodePath, found: findRuntime(nodePath) };
    }
    try {
      return await this.runtime.found;
    } catch (error) {
      this.runtime = undefined;
      throw error;
    }
  }
}
