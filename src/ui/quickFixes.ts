import * as vscode from 'vscode';
import type { Cure } from './cures';
import { commandIds, problemSource } from './ids';
import { causeOf } from './problems';
import type { Services } from './services';
import { placementUri } from './workspaceSetup';

/** The quick fixes of our Problems; *All Cures…* offers the same where no file is open. */
export class QuickFixes implements vscode.CodeActionProvider {
  static readonly kinds = [vscode.CodeActionKind.QuickFix];

  constructor(private readonly services: Services) {}

  async provideCodeActions(
    document: vscode.TextDocument,
    _range: vscode.Range,
    context: vscode.CodeActionContext,
  ): Promise<vscode.CodeAction[]> {
    const ours = context.diagnostics.filter(({ source }) => source === problemSource);
    const actions = await Promise.all(ours.map((each) => this.fixesFor(document, each)));
    return actions.flat();
  }

  private async fixesFor(
    document: vscode.TextDocument,
    diagnostic: vscode.Diagnostic,
  ): Promise<readonly vscode.CodeAction[]> {
    const finding = this.services.problems.findingAt(document.uri, diagnostic);
    const cause = causeOf(diagnostic.code);
    if (finding !== undefined) {
      const { curesOf } = await this.services.onDemand();
      const cures = curesOf(this.services, finding);
      return cures.map((cure) => this.action(cure, diagnostic));
    }
    const title = vscode.l10n.t('Open the TWS setup guide');
    const action = {
      title,
      command: commandIds.openGuide,
      arguments: cause === undefined ? [] : [cause],
    };
    return [this.action({ title, isPreferred: true, action }, diagnostic)];
  }

  private action(cure: Cure, diagnostic: vscode.Diagnostic): vscode.CodeAction {
    const { title, isPreferred, edit, action } = cure;
    const fix = new vscode.CodeAction(title, vscode.CodeActionKind.QuickFix);
    fix.diagnostics = [diagnostic];
    fix.isPreferred = isPreferred;
    const folder = this.services.watch.currentSetup?.folder;
    if (edit !== undefined && folder !== undefined) {
      const range = new vscode.Range(...edit.from, ...edit.to);
      fix.edit = new vscode.WorkspaceEdit();
      fix.edit.replace(placementUri(folder, edit.file), range, edit.text);
    } else if (action !== undefined) {
      fix.command = { title, command: action.command, arguments: [...action.arguments] };
    }
    return fix;
  }
}
