import path from 'node:path';
import { errorText } from '../core/errors';
import { parseAlertSettings } from '../daemon/alertSettings';
import type { DaemonClient } from '../daemon/client';
import { isOldService } from '../daemon/launcher';
import { parseWatchSettings, storedRecovery, type WatchSettings } from '../daemon/watchSettings';
import { type DaemonFiles, installDaemonFiles } from '../daemon/daemonFiles';
import type { DaemonOptions } from '../daemon/launcher';
import type { Runtime } from '../daemon/nodeProbe';
import type { Endpoint } from '../ibkr/endpoint';
import { settingKeys, settingsSection } from './ids';
import { findRuntime } from './runtime';
import type { WorkspaceSetup } from './workspaceSetup';

export interface DaemonAccessDeps {
  readonly connect: (options: DaemonOptions) => Promise<DaemonClient>;
  readonly extensionDirectory: string;
  readonly storageDirectory: string;
  readonly version: string;
  /** A setting is wrong; the sentence says which and how it is right. */
  readonly onWrongSetting: (sentence: string) => void;
  /** The endpoint is watched by a service that an older version has installed. */
  readonly onOldService: (endpoint: Endpoint, version: string) => void;
  /** Settings that say nothing, because the command line has said otherwise. */
  readonly onOverruled: (sentence: string) => void;
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
      ...files,
    });
    await this.sendAlertSettings(client, setup.alerts);
    if (isOldService(client.daemon, this.deps.version)) {
      this.deps.onOldService(endpoint, client.daemon.version);
    }
    await this.sendWatchSettings(client, setup);
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

  /** They count at once, and are kept like those of the alerts. */
  private async sendWatchSettings(client: DaemonClient, setup: WorkspaceSetup): Promise<void> {
    const { configuration, watch, recovery } = setup;
    try {
      const settings = parseWatchSettings(
        { ...watch, recovery: storedRecovery(recovery) },
        configuration.endpoint,
      );
      const { cli } = await client.configureWatch('window', settings);
      const overruled = overruledBy(cli, settings);
      if (overruled.length > 0) {
        this.deps.onOverruled(
          `The command line of the running monitor counts over these settings: ${overruled.join(', ')}.`,
        );
      }
    } catch (error) {
      // An older service knows no such request; the window says that it is old.
      if (!isOldService(client.daemon, this.deps.version)) {
        this.deps.onWrongSetting(errorText(error));
      }
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

const settingsOf: Readonly<Record<keyof WatchSettings, string>> = {
  intervalSeconds: settingKeys.monitorIntervalSeconds,
  twsZone: settingKeys.twsTimeZone,
  twsRestart: settingKeys.twsRestartTime,
  alsoAt: settingKeys.recordsAlsoAt,
  feed: settingKeys.feedEnabled,
  recovery: settingKeys.recoveryIbcCommandPort,
};

/** The explicit settings of the window that do not count. */
function overruledBy(cli: WatchSettings, said: WatchSettings): readonly string[] {
  return Object.entries(settingsOf).flatMap(([key, setting]) => {
    const name = key as keyof WatchSettings;
    const isOverruled = cli[name] !== undefined && said[name] !== undefined;
    return isOverruled && JSON.stringify(cli[name]) !== JSON.stringify(said[name])
      ? [`${settingsSection}.${setting}`]
      : [];
  });
}
