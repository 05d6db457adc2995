import { hostname, homedir, userInfo } from 'node:os';
import * as vscode from 'vscode';
import { toDisposable, type Disposable } from '../core/disposables';
import { healthToolName } from './ids';
import type { Services } from './services';

/**
 * Lets a language model read how it stands, before it advises anything. It only reads what this
 * window knows already: it dials, starts and ends nothing, and runs no command. Editors without
 * language-model tools get none.
 */
export function registerHealthTool({
  watch,
  clock,
  onDemand,
}: Pick<Services, 'watch' | 'clock' | 'onDemand'>): Disposable {
  // Forks of the editor may lack what the minimum version of the original has.
  const lm = vscode.lm as Partial<typeof vscode.lm> | undefined;
  if (typeof lm?.registerTool !== 'function') {
    return toDisposable(() => undefined);
  }
  return lm.registerTool(healthToolName, {
    prepareInvocation: () => ({
      invocationMessage: vscode.l10n.t('Reading the health of the broker connection'),
    }),
    invoke: async () => {
      const { healthText } = await onDemand();
      const model = {
        state: watch.state,
        workspace: watch.currentSetup?.folder?.uri.fsPath,
        nowMs: clock.now(),
      };
      const text = healthText(model, vscode.l10n, {
        homeDirectory: homedir(),
        hostName: hostname(),
        userName: userInfo().username,
      });
      return new vscode.LanguageModelToolResult([new vscode.LanguageModelTextPart(text)]);
    },
  });
}
