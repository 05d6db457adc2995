import path from 'node:path';
import type { DaemonClient } from '../daemon/client';
import type { DaemonOptions } from '../daemon/launcher';
import { type DaemonFiles, installDaemonFiles } from './daemonFiles';
import { findRuntime, type Runtime } from './runtime';
import type { WorkspaceSetup } from './workspaceSetup';

export interface DaemonAccessDeps {
  readonly connect: (options: DaemonOptions) => Promise<DaemonClient>;
  readonly extensionDirectory: string;
  readonly storageDirectory: string;
  readonly version: string;
}

/** Joins or starts the daemon of a setup, with a probed Node and the bundles in our own storage. */
export class DaemonAccess {
  private files: Promise<DaemonFiles> | undefined;
  private runtime: { readonly nodePath: string; readonly found: Promise<Runtime> } | undefined;

  constructor(private readonly deps: DaemonAccessDeps) {}

  async open(setup: WorkspaceSetup): Promise<DaemonClient> {
    const [files, runtime] = await Promise.all([this.installed(), this.probed(setup.nodePath)]);
    const { endpoint, clientId } = setup.configuration;
    return this.deps.connect({
      stateDirectory: setup.stateDirectory,
      endpoint,
      clientId,
      kind: 'window',
      runtime,
      ...files,
    });
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
