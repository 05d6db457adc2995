import { stat } from 'node:fs/promises';
import path from 'node:path';
import * as vscode from 'vscode';
import { workspaceFolderName } from '../core/paths';
import { commandIds } from './ids';
import { Refusal } from './refusal';
import { requireFolder } from './runnerCommands';
import type { Services } from './services';
import { ownRunner } from './statusBarView';

/** Opens the monitor's log of the present endpoint at its end. */
export async function openMonitorLog({ watch }: Services): Promise<void> {
  const setup = await watch.requireSetup();
  await openAtEnd(watch.paths(setup).monitorLog, {
    message: vscode.l10n.t(
      'There is no monitor log yet: the monitor writes it when it first runs.',
    ),
    title: vscode.l10n.t('Test Connection'),
    command: commandIds.test,
  });
}

/** Opens the log of this folder's runner at its end. */
export async function openRunnerLog({ watch, clock }: Services): Promise<void> {
  const setup = await watch.requireSetup();
  const workspace = requireFolder(setup).uri.fsPath;
  const runner = ownRunner({ state: watch.state, workspace, nowMs: clock.now() });
  const usual = path.join(watch.paths(setup).runners, workspaceFolderName(workspace), 'runner.log');
  await openAtEnd(runner?.logFile ?? usual, {
    message: vscode.l10n.t('There is no runner log yet: no runner of this folder was started.'),
    title: vscode.l10n.t('Start Runner'),
    command: commandIds.startRunner,
  });
}

async function openAtEnd(
  file: string,
  missing: { readonly message: string; readonly title: string; readonly command: string },
): Promise<void> {
  const isThere = await stat(file).then(
    (found) => found.isFile(),
    () => false,
  );
  if (!isThere) {
    throw new Refusal(`${missing.message} (${file})`, [{ ...missing, arguments: [] }]);
  }
  const uri = vscode.Uri.file(file);
  let document: vscode.TextDocument;
  try {
    document = await vscode.workspace.openTextDocument(uri);
  } catch {
    // Extensions cannot read documents above 50 MB; the editor itself still opens them.
    await vscode.commands.executeCommand('vscode.open', uri);
    return;
  }
  const end = document.lineAt(document.lineCount - 1).range.end;
  await vscode.window.showTextDocument(document, {
    preview: false,
    selection: new vscode.Range(end, end),
  });
}
