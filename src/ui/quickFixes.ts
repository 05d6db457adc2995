import * as vscode from 'vscode';
import { catalogue, isCauseId } from '../diagnostics/catalogue';
import { commandIds, problemSource } from './ids';

/** The quick fixes of our Problems: the guide first, then what helps to find out or to mend. */
export class QuickFixes implements vscode.CodeActionProvider {
  static readonly kinds = [vscode.CodeActionKind.QuickFix];

  provideCodeActions(
    _document: vscode.TextDocument,
    _range: vscode.Range,
    context: vscode.CodeActionContext,
  ): vscode.CodeAction[] {
    return context.diagnostics.flatMap((diagnostic) => {
      const cause = causeOf(diagnostic);
      return cause === undefined ? [] : fixesFor(cause, diagnostic);
    });
  }
}

function causeOf(diagnostic: vscode.Diagnostic): string | undefined {
  if (diagnostic.source !== problemSource || typeof diagnostic.code !== 'object') {
    return undefined;
  }
  return String(diagnostic.code.value);
}

function fixesFor(cause: string, diagnostic: vscode.Diagnostic): vscode.CodeAction[] {
  const title = isCauseId(cause) ? catalogue[cause].title : cause;
  const guide = fix(
    vscode.l10n.t('Open the TWS setup guide at "{0}"', title),
    commandIds.openGuide,
    diagnostic,
    [cause],
  );
  const isDuplicate = cause === 'duplicate_runner' || cause === 'client_id_in_use_326';
  const kill = fix(
    vscode.l10n.t('Show and end duplicate runners'),
    commandIds.killDuplicates,
    diagnostic,
  );
  (cause === 'duplicate_runner' ? kill : guide).isPreferred = true;
  const test = fix(vscode.l10n.t('Test the IBKR connection'), commandIds.test, diagnostic);
  return isDuplicate ? [kill, guide, test] : [guide, test];
}

function fix(
  title: string,
  command: string,
  diagnostic: vscode.Diagnostic,
  args: readonly string[] = [],
): vscode.CodeAction {
  const action = new vscode.CodeAction(title, vscode.CodeActionKind.QuickFix);
  action.command = { title, command, arguments: [...args] };
  action.diagnostics = [diagnostic];
  return action;
}
