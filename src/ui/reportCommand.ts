import * as vscode from 'vscode';
import { settingKeys, settingsSection } from './ids';
import { say } from './messages';
import type { Services } from './services';

/** Settings whose values are words of Robo's own, numbers or switches; of others only that they are set. */
const shownValues: ReadonlySet<string> = new Set([
  settingKeys.runnerRestart,
  settingKeys.runnerHelpers,
  settingKeys.refuseAfterSeconds,
  settingKeys.problemsSilenced,
]);
/** The monitor and the endpoint's configuration tell these. */
const toldElsewhere: ReadonlySet<string> = new Set([
  settingKeys.host,
  settingKeys.port,
  settingKeys.clientId,
  settingKeys.symbols,
  settingKeys.alertsDesktop,
  settingKeys.alertsCommand,
  settingKeys.alertsHeartbeatUrl,
  settingKeys.recoveryIbcCommandPort,
  settingKeys.recoveryAllow,
  settingKeys.monitorIntervalSeconds,
  settingKeys.twsTimeZone,
  settingKeys.twsRestartTime,
  settingKeys.recordsAlsoAt,
]);

/** Puts the redacted report into the clipboard, and shows it first: it is going to leave this machine. */
export async function copyReport(services: Services): Promise<void> {
  const { watch, clock, onDemand } = services;
  const setup = await watch.requireSetup();
  const { gatherReport } = await onDemand();
  const text = await gatherReport(watch.paths(setup), setup.configuration, {
    madeAtMs: clock.now(),
    editor: `${vscode.env.appName} ${vscode.version}`,
    settings: explicitSettings(setup.folder?.uri),
  });
  await vscode.env.clipboard.writeText(text);
  const document = await vscode.workspace.openTextDocument({ language: 'markdown', content: text });
  await vscode.window.showTextDocument(document, { preview: true });
  const words = vscode.l10n.t('The report is in the clipboard. Read it here before you paste it.');
  say('info', words, [], services);
}

/** What somebody has set and no record tells. */
function explicitSettings(folder: vscode.Uri | undefined): readonly string[] {
  const section = vscode.workspace.getConfiguration(settingsSection, folder);
  return Object.values(settingKeys)
    .filter((key) => !toldElsewhere.has(key))
    .flatMap((key) => {
      const found = section.inspect<unknown>(key);
      const value = found?.workspaceFolderValue ?? found?.workspaceValue ?? found?.globalValue;
      if (value === undefined) {
        return [];
      }
      const words = shownValues.has(key) ? JSON.stringify(value) : 'set';
      return [`${settingsSection}.${key}: ${words} (setting)`];
    });
}
