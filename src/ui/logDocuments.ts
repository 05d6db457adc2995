import * as vscode from 'vscode';
import { type Disposable, DisposableStore } from '../core/disposables';
import { logScheme } from './ids';
import type { LogView, LogViewDeps } from './logView';
import type { OnDemand } from './onDemand';

export interface LogDocumentsDeps extends Omit<LogViewDeps, 'onNewText'> {
  readonly onDemand: () => Promise<OnDemand>;
}

/**
 * Logs as read-only files of the scheme `robo-log`, not as texts of a content provider: of those
 * the editor replaces the whole text when it is long, and scrolls to its begin. What shows them is
 * loaded with the first one.
 */
export class LogDocuments implements vscode.FileSystemProvider, Disposable {
  private readonly store = new DisposableStore();
  private readonly changed = this.store.add(new vscode.EventEmitter<vscode.FileChangeEvent[]>());
  private view: Promise<LogView> | undefined;

  readonly onDidChangeFile = this.changed.event;
  readonly readDirectory = refuse;
  readonly createDirectory = refuse;
  readonly writeFile = refuse;
  readonly delete = refuse;
  readonly rename = refuse;

  constructor(private readonly deps: LogDocumentsDeps) {
    this.store.add(
      vscode.workspace.registerFileSystemProvider(logScheme, this, {
        isReadonly: true,
        isCaseSensitive: true,
      }),
    );
  }

  /** What shows the logs; after a failure it is tried again. */
  async load(): Promise<LogView> {
    this.view ??= this.open();
    try {
      return await this.view;
    } catch (error) {
      this.view = undefined;
      throw error;
    }
  }

  async stat(uri: vscode.Uri): Promise<vscode.FileStat> {
    return (await this.load()).stat(uri);
  }

  async readFile(uri: vscode.Uri): Promise<Uint8Array> {
    return (await this.load()).readFile(uri);
  }

  watch(): Disposable {
    // Whether an editor shows it tells more than who asked.
    return new vscode.Disposable(() => undefined);
  }

  dispose(): void {
    this.store.dispose();
  }

  private async open(): Promise<LogView> {
    const { LogView: View } = await this.deps.onDemand();
    const onNewText = (uri: vscode.Uri): void => {
      this.changed.fire([{ type: vscode.FileChangeType.Changed, uri }]);
    };
    return this.store.add(new View({ ...this.deps, onNewText }));
  }
}

function refuse(uri: vscode.Uri): never {
  throw vscode.FileSystemError.NoPermissions(uri);
}
