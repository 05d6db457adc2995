import * as vscode from 'vscode';
import { type Disposable, DisposableStore } from '../core/disposables';
import type { Consents } from './consent';
import { registerHealthTool } from './healthTool';
import { settingKeys, settingsSection } from './ids';
import type { Services } from './services';
import { taskType } from './taskArguments';
import { RoboTasks } from './tasks';
import { offerInTerminals } from './terminalPath';
import { factsOfState } from './walkthroughFacts';

/** What makes Robo part of the editor besides its own views: tasks, terminals, tools, first steps. */
export function fitIn(
  context: vscode.ExtensionContext,
  services: Services,
  consents: Consents,
): Disposable {
  const store = new DisposableStore();
  const { choices, extensionUri, log, watch } = services;
  const storageDirectory = context.globalStorageUri.fsPath;
  const tasks = new RoboTasks({ choices, consents, extensionUri, log, storageDirectory });
  store.add(vscode.tasks.registerTaskProvider(taskType, tasks));
  store.add(registerHealthTool(services));
  store.add(
    watch.onDidChange((state) => {
      const workspace = watch.currentSetup?.folder?.uri.fsPath;
      const model = { state, workspace, nowMs: services.clock.now() };
      services.walkthrough.note(factsOfState(model));
    }),
  );
  const offer = (): void => {
    offerInTerminals(context.environmentVariableCollection, services).catch(services.onError);
  };
  store.add(vscode.workspace.onDidGrantWorkspaceTrust(offer));
  store.add(
    vscode.workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration(`${settingsSection}.${settingKeys.nodePath}`)) {
        offer();
      }
    }),
  );
  offer();
  return store;
}
