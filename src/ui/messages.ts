import * as vscode from 'vscode';
import type { ActionLink } from './statusBarView';
import type { Toasts } from './toasts';
import { plain } from './words';

export type MessageKind = 'info' | 'warning' | 'error';

/** What a message needs: the window's one queue of toasts, and where failures go. */
export interface Speaker {
  readonly toasts: Toasts;
  readonly onError: (error: unknown) => void;
}

/**
 * Shows a message with buttons and runs the chosen action. Nobody waits for the answer: a command
 * is done when its work is done, not when its message is closed.
 */
export function say(
  kind: MessageKind,
  text: string,
  actions: readonly ActionLink[],
  { toasts, onError }: Speaker,
): void {
  const titles = actions.map((action) => action.title);
  toasts
    .ask({ importance: 'answer', show: () => showMessage(kind, text, titles) })
    .then(async (chosen) => {
      const action = actions.find((each) => each.title === chosen);
      if (action !== undefined) {
        await vscode.commands.executeCommand(action.command, ...action.arguments);
      }
    })
    .catch(onError);
}

/** Says something that nobody has asked for, when nothing else is to be said. */
export function mention(kind: MessageKind, text: string, { toasts, onError }: Speaker): void {
  toasts.ask({ importance: 'offer', show: () => showMessage(kind, text, []) }).catch(onError);
}

/** Shows a message; to be called by the queue of toasts only. */
export function showMessage(
  kind: MessageKind,
  text: string,
  titles: readonly string[],
): Thenable<string | undefined> {
  const { showInformationMessage, showWarningMessage, showErrorMessage } = vscode.window;
  const show = {
    info: showInformationMessage,
    warning: showWarningMessage,
    error: showErrorMessage,
  };
  return show[kind](plain(text, 900), ...titles);
}
