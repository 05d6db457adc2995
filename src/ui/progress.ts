import * as vscode from 'vscode';
import { Cancelled } from './refusal';

/**
 * Runs a task with a cancellable notification. Cancelling ends the wait at once, even if the other
 * side never answers.
 * @throws Cancelled
 */
export async function withCancellableProgress<T>(
  title: string,
  task: (report: (message: string, increment?: number) => void, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const options = { location: vscode.ProgressLocation.Notification, title, cancellable: true };
  return vscode.window.withProgress(options, async (progress, token) => {
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
  });
}
