import { lstat } from 'node:fs/promises';
import path from 'node:path';
import * as vscode from 'vscode';
import type { Clock } from '../core/clock';
import type { Disposable } from '../core/disposables';
import { Emitter } from '../core/emitter';
import { errorCode } from '../core/errors';
import type { Finding } from '../diagnostics/finding';
import type { OnDemand } from './onDemand';
import type { WorkspaceSetup } from './workspaceSetup';

const files = ['data/kill_switch_state.json', 'data/kill_switch.lock'] as const;

export interface KillSwitchDeps {
  readonly clock: Clock;
  readonly onDemand: () => Promise<OnDemand>;
  readonly onError: (error: unknown) => void;
}

/** Knows while this folder's kill switch is set: a Problem at its file, gone when it is reset. */
export class KillSwitchWatch implements Disposable {
  private readonly changed = new Emitter<void>();
  private folder: string | undefined;
  private watcher: vscode.FileSystemWatcher | undefined;
  private finding: Finding | undefined;

  readonly onDidChange = this.changed.event;

  constructor(private readonly deps: KillSwitchDeps) {}

  get findings(): readonly Finding[] {
    return this.finding === undefined ? [] : [this.finding];
  }

  /** Follows the folder of this setup; without one, and in Restricted Mode, none. */
  follow(setup: WorkspaceSetup | undefined): void {
    const uri = setup?.folder?.uri.scheme === 'file' ? setup.folder.uri : undefined;
    if (uri?.fsPath === this.folder) {
      return;
    }
    this.folder = uri?.fsPath;
    this.watcher?.dispose();
    this.watcher = undefined;
    this.finding = undefined;
    if (uri !== undefined) {
      const look = (): void => {
        this.look().catch(this.deps.onError);
      };
      this.watcher = vscode.workspace.createFileSystemWatcher(
        new vscode.RelativePattern(uri, `{${files.join(',')}}`),
      );
      this.watcher.onDidCreate(look);
      this.watcher.onDidChange(look);
      this.watcher.onDidDelete(look);
      look();
    }
  }

  /** Looks now: a file that was written over a network may raise no event. */
  async look(): Promise<void> {
    const { folder } = this;
    const finding = folder === undefined ? undefined : await this.find(folder);
    if (folder === this.folder && finding?.message !== this.finding?.message) {
      this.finding = finding;
      this.changed.fire();
    }
  }

  dispose(): void {
    this.watcher?.dispose();
    this.changed.dispose();
    this.folder = undefined;
  }

  private async find(folder: string): Promise<Finding | undefined> {
    // Most folders have no such file, and need nothing loaded to know so.
    const mayBeSet = await Promise.all(files.map((file) => mayExist(path.join(folder, file))));
    if (!mayBeSet.includes(true)) {
      return undefined;
    }
    const { findKillSwitch } = await this.deps.onDemand();
    return findKillSwitch(folder, this.deps.clock.now());
  }
}

/** False only where it is known not to be there. */
async function mayExist(file: string): Promise<boolean> {
  try {
    await lstat(file);
    return true;
  } catch (error) {
    return errorCode(error) !== 'ENOENT' && errorCode(error) !== 'ENOTDIR';
  }
}
