import * as vscode from 'vscode';
import type { ActionLink } from './statusBarView';
import { plain } from './words';

export type MessageKind = 'info' | 'warning' | 'error';

/**
 * Shows a message with buttons and runs the chosen action. Nobody waits for the answer: a command
 * is done when its work is done, not when its message is closed.
 */
export function say(
  kind: MessageKind,
  text: string,
  actions: readonly ActionLink[],
  onError: (error: unknown) => void,
): void {
  void ask(kind, text, actions).then(undefined, onError);
}

async function ask(kind: MessageKind, text: string, actions: readonly ActionLink[]): Promise<void> {
  const { showInformationMessage, showWarningMessage, showErrorMessage } = vscode.window;
  const show = {
    info: showInformationMessage,
    warning: showWarningMessage,
    error: showErrorMessage,
  };
  const chosen = await show[kind](plain(text, 900), ...actions.map((action) => action.title));
  const action = actions.find((each) => each.title === chosen);
  if (action !== undefined) {
    await vscode.commands.executeCommand(action.command, ...action.arguments);
  }
}
