import * as vscode from 'vscode';
import type { Finding } from '../diagnostics/finding';
import type { Blocker } from '../runner/blockers';
import { Cancelled } from './refusal';
import type { Services } from './services';
import { plain } from './words';
import { requireFolder, type WorkspaceSetup } from './workspaceSetup';

/**
 * Shows what in the folder will keep the program from trading. Against its kill switch a person
 * may start it after having been told: the program itself decides, and may be what resets it.
 * @returns what was found
 * @throws Cancelled when the person thought better of it
 */
export async function showBlockers(
  services: Services,
  setup: WorkspaceSetup,
  start: { readonly command: readonly string[]; readonly isAskedAlready: boolean },
): Promise<readonly Blocker[]> {
  const { findBlockers } = await services.onDemand();
  const blockers = await findBlockers({
    workspace: requireFolder(setup).uri.fsPath,
    command: start.command,
    environment: process.env,
    envFile: setup.files.env,
    nowMs: services.clock.now(),
  });
  await services.killSwitch.look();
  for (const { finding } of blockers) {
    services.log.warn(finding.message);
  }
  const killSwitch = blockers.find(({ kind }) => kind === 'kill switch');
  if (killSwitch !== undefined && !start.isAskedAlready) {
    await confirm(killSwitch.finding);
  }
  return blockers;
}

async function confirm(finding: Finding): Promise<void> {
  const start = vscode.l10n.t('Start Anyway');
  const chosen = await vscode.window.showWarningMessage(
    plain(finding.message, 900),
    { modal: true, detail: finding.remedy.map((step) => plain(step)).join('\n') },
    start,
  );
  if (chosen !== start) {
    throw new Cancelled();
  }
}
