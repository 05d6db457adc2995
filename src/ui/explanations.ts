import * as vscode from 'vscode';
import { type Disposable, DisposableStore } from '../core/disposables';
import { editorCommands } from './ids';

const scheme = 'robo-explanation';

/** Explanations as documents that nobody has to save, shown as Markdown beside the editor. */
export class Explanations implements vscode.TextDocumentContentProvider, Disposable {
  private readonly store = new DisposableStore();
  private readonly changed = this.store.add(new vscode.EventEmitter<vscode.Uri>());
  private readonly texts = new Map<string, string>();

  readonly onDidChange = this.changed.event;

  constructor() {
    this.store.add(vscode.workspace.registerTextDocumentContentProvider(scheme, this));
  }

  /** @param name one of our own: it becomes the title of the tab */
  async show(name: string, markdown: string): Promise<void> {
    const uri = vscode.Uri.from({ scheme, path: `/${name}.md` });
    this.texts.set(uri.path, markdown);
    this.changed.fire(uri);
    try {
      await vscode.commands.executeCommand(editorCommands.markdownPreview, uri);
    } catch {
      // The editor's own Markdown extension is switched off: the text does as well.
      await vscode.window.showTextDocument(uri, { preview: true });
    }
  }

  provideTextDocumentContent({ path }: vscode.Uri): string {
    return this.texts.get(path) ?? '';
  }

  dispose(): void {
    this.store.dispose();
  }
}
