import path from 'node:path';
import * as vscode from 'vscode';
import { errorText } from '../core/errors';
import { version } from '../core/version';
import { settingKeys, settingsSection } from './ids';
import { isLauncherOf, launcherKey } from '../daemon/launcherKey';
import type { Services } from './services';

/** The editor's own launchers of `robo`, and what they depend on. */
export interface LauncherPlan {
  readonly folder: string;
  readonly script: string;
  readonly storageDirectory: string;
  readonly nodePath: string;
  readonly key: string;
}

/** Where the launchers lie: in the extension's storage, because its own folder goes with updates. */
export function launcherPlan(extension: vscode.Uri, storage: vscode.Uri): LauncherPlan {
  const nodePath = vscode.workspace
    .getConfiguration(settingsSection)
    .get<string>(settingKeys.nodePath, '');
  const script = path.join(extension.fsPath, 'dist', 'cli.cjs');
  const storageDirectory = storage.fsPath;
  const key = launcherKey([version, process.execPath, nodePath, script, storageDirectory]);
  return { folder: path.join(storageDirectory, 'bin'), script, storageDirectory, nodePath, key };
}

/** Puts `robo` on the PATH of the editor's terminals, in trusted workspaces only. */
export async function offerInTerminals(
  variables: vscode.EnvironmentVariableCollection,
  services: Pick<Services, 'extensionUri' | 'storageUri' | 'onDemand' | 'log'>,
): Promise<void> {
  if (!vscode.workspace.isTrusted) {
    variables.clear();
    return;
  }
  try {
    const plan = launcherPlan(services.extensionUri, services.storageUri);
    if (!(await isLauncherOf(plan.folder, plan.key))) {
      const { ensureLaunchers } = await services.onDemand();
      await ensureLaunchers(plan);
    }
    variables.description = vscode.l10n.t('Lets terminals find the command `robo`.');
    variables.prepend('PATH', plan.folder + path.delimiter, {
      applyAtProcessCreation: true,
      applyAtShellIntegration: true,
    });
  } catch (error) {
    variables.clear();
    services.log.warn(`"robo" is not on the PATH of terminals: ${errorText(error)}`);
  }
}
