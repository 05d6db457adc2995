import * as vscode from 'vscode';
import { lastDrillWords } from './drillReport';
import type { Services } from './services';
import {
  type ActionLink,
  nextActions,
  otherActions,
  statusBarView,
  statusFacts,
} from './statusBarView';
import { plain } from './words';

type Item = vscode.QuickPickItem & { readonly action?: ActionLink };

/** The present state as a list that can be read with the keyboard, the next actions first. */
export async function showStatus(services: Services): Promise<void> {
  await services.watch.refresh();
  const { readLastDrill } = await services.onDemand();
  const setup = services.watch.currentSetup;
  const model = {
    state: services.watch.state,
    workspace: setup?.folder?.uri.fsPath,
    nowMs: services.clock.now(),
  };
  const separator = (label: string): Item => ({ label, kind: vscode.QuickPickItemKind.Separator });
  const items: Item[] = [
    separator(vscode.l10n.t('Next')),
    ...nextActions(model, vscode.l10n).map((action) => ({ label: action.title, action })),
    separator(vscode.l10n.t('State')),
    ...statusFacts(model, vscode.l10n).map((fact) => ({
      label: fact.label,
      detail: plain(fact.value),
    })),
    ...(setup === undefined
      ? []
      : [
          {
            label: vscode.l10n.t('Last rehearsal'),
            detail: lastDrillWords(readLastDrill(services.watch.paths(setup)), vscode.l10n),
          },
        ]),
  ];
  const others = otherActions(model, vscode.l10n);
  if (others.length > 0) {
    items.push(separator(vscode.l10n.t('More')));
    items.push(...others.map((action) => ({ label: action.title, action })));
  }
  const words = statusBarView(model, vscode.l10n).text.replace(/^\$\([^)]*\) /, '');
  const picked = await vscode.window.showQuickPick(items, {
    title: words,
    placeHolder: vscode.l10n.t('Choose what to do'),
  });
  if (picked?.action !== undefined) {
    await vscode.commands.executeCommand(picked.action.command, ...picked.action.arguments);
  }
}
