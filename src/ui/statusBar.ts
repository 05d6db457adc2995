import * as vscode from 'vscode';
import type { Clock } from '../core/clock';
import type { Disposable } from '../core/disposables';
import { commandIds, editorCommands } from './ids';
import { type StatusBarView, type StatusModel, statusBarView } from './statusBarView';
import { withoutAges } from './words';

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

/** How old an age in a sentence of the monitor's may be, in milliseconds. */
const ageRefreshMs = 60_000;

/**
 * The one status bar item. Whatever is set in it, be it the same, closes its hover while somebody
 * reads it: nothing is set that says nothing new.
 */
export class StatusBar implements Disposable {
  private readonly item = vscode.window.createStatusBarItem(
    'health',
    vscode.StatusBarAlignment.Left,
    50,
  );

  private shown = '';
  private drawnAtMs = 0;

  constructor(private readonly clock: Clock) {
    this.item.name = vscode.l10n.t('Robo: broker health');
  }

  update(model: Omit<StatusModel, 'nowMs'>): void {
    const { l10n, env } = vscode;
    const view = statusBarView({ ...model, nowMs: this.clock.now() }, l10n, env.language);
    const exact = JSON.stringify(view);
    const nowMs = this.clock.monotonicMs();
    const isOld = nowMs - this.drawnAtMs >= ageRefreshMs;
    if (exact === this.shown || (!isOld && withoutAges(exact) === withoutAges(this.shown))) {
      return;
    }
    this.shown = exact;
    this.drawnAtMs = nowMs;
    this.draw(view);
  }

  dispose(): void {
    this.item.dispose();
  }

  private draw(view: StatusBarView): void {
    const tooltip = new vscode.MarkdownString(view.tooltip);
    tooltip.isTrusted = { enabledCommands: linkable };
    this.item.text = view.text;
    this.item.tooltip = tooltip;
    this.item.backgroundColor = backgrounds[view.background];
    this.item.accessibilityInformation = { label: view.label };
    this.item.command = { ...view.command, arguments: [...view.command.arguments] };
    this.item.show();
  }
}
