import * as vscode from 'vscode';
import { Cancelled } from './refusal';
import type { Services } from './services';

/**
 * Runs a task with a cancellable notification, beside which no other one stands. Cancelling ends the wait at once, even if the other
 * side never answers.
 * @throws Cancelled
 */
export async function withCancellableProgress<T>(
  { toasts }: Pick<Services, 'toasts'>,
  title: string,
  task: (report: (message: string, increment?: number) => void, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const options = { location: vscode.ProgressLocation.Notification, title, cancellable: true };
  return toasts.during(() =>
    vscode.window.withProgress(options, async (progress, token) => {
      const controller = new AbortController();
      const cancelled = new Promise<never>((_resolve, reject) => {
        token.onCancellationRequested(() => {
          controller.abort();
          reject(new Cancelled());
        });
      });
      const report = (message: string, increment?: number): void => {
        progress.report(increment === undefined ? { message } : { message, increment });
      };
      return Promise.race([task(report, controller.signal), cancelled]);
    }),
  );
}
