import * as vscode from 'vscode';
import type { Clock } from '../core/clock';
import type { Disposable } from '../core/disposables';
import { commandIds, editorCommands } from './ids';
import { type StatusModel, statusBarView } from './statusBarView';

/** What a link in the hover may run, whatever text found its way there. */
const linkable = [
  ...Object.values(commandIds),
  editorCommands.manageTrust,
  editorCommands.openSettings,
];

const backgrounds = {
  none: undefined,
  warning: new vscode.ThemeColor('statusBarItem.warningBackground'),
  error: new vscode.ThemeColor('statusBarItem.errorBackground'),
} as const;

/** The one status bar item. */
export class StatusBar implements Disposable {
  private readonly item = vscode.window.createStatusBarItem(
    'health',
    vscode.StatusBarAlignment.Left,
    50,
  );

  constructor(private readonly clock: Clock) {
    this.item.name = vscode.l10n.t('Robo: broker health');
  }

  update(model: Omit<StatusModel, 'nowMs'>): void {
    const view = statusBarView({ ...model, nowMs: this.clock.now() }, vscode.l10n);
    const tooltip = new vscode.MarkdownString(view.tooltip);
    tooltip.isTrusted = { enabledCommands: linkable };
    this.item.text = view.text;
    this.item.tooltip = tooltip;
    this.item.backgroundColor = backgrounds[view.background];
    this.item.accessibilityInformation = { label: view.label };
    this.item.command = { ...view.command, arguments: [...view.command.arguments] };
    this.item.show();
  }

  dispose(): void {
    this.item.dispose();
  }
}
