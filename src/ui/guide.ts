import * as vscode from 'vscode';
import { isCauseId } from '../diagnostics/causeTitles';
import { guideFragment } from './guideAnchor';
import { editorCommands } from './ids';
import { Refusal } from './refusal';
import type { Services } from './services';

/** Opens the setup guide beside the editor, at a cause where one is named. */
export async function openGuide(services: Services, cause?: unknown): Promise<void> {
  const guide = vscode.Uri.joinPath(services.extensionUri, 'media', 'guide', 'setup.md');
  const text = await readGuide(guide);
  // The argument may come from a link: only names of our own catalogue are followed.
  const id = typeof cause === 'string' && isCauseId(cause) ? cause : undefined;
  const fragment = id === undefined ? undefined : guideFragment(text, id);
  const uri = fragment === undefined ? guide : guide.with({ fragment });
  try {
    await vscode.commands.executeCommand(editorCommands.markdownPreview, uri);
    return;
  } catch {
    // The editor's own Markdown extension is switched off: the text does as well.
  }
  const document = await vscode.workspace.openTextDocument(guide);
  const offset = id === undefined ? 0 : Math.max(0, text.indexOf(id));
  const start = document.positionAt(offset);
  await vscode.window.showTextDocument(document, { selection: new vscode.Range(start, start) });
}

async function readGuide(guide: vscode.Uri): Promise<string> {
  try {
    return new TextDecoder().decode(await vscode.workspace.fs.readFile(guide));
  } catch {
    throw new Refusal(
      vscode.l10n.t('The setup guide is missing from the extension: install the extension again.'),
    );
  }
}
