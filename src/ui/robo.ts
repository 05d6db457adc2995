import * as vscode from 'vscode';
import type { Clock, Timer } from '../core/clock';
import { DisposableStore } from '../core/disposables';
import type { Event } from '../core/emitter';
import { errorText } from '../core/errors';
import { version } from '../core/version';
import type { DaemonClient } from '../daemon/client';
import type { DaemonOptions } from '../daemon/launcher';
import { registerCommands } from './commands';
import { Consents } from './consent';
import { DaemonAccess } from './daemonAccess';
import { GateFindings } from './gateFindings';
import { settingsSection } from './ids';
import { ownIncidents } from './incidents';
import { Notifications } from './notifications';
import { Problems } from './problems';
import { QuickFixes } from './quickFixes';
import type { Services } from './services';
import { StatusBar } from './statusBar';
import { ownRunner, type WindowState } from './statusBarView';
import { Watch } from './watch';
import { offerToWatch } from './watchCommands';
import { plain } from './words';

/** What the tests in the real editor need and VS Code offers no other way to see. */
export interface RoboApi {
  readonly state: WindowState;
  readonly onDidChangeState: Event<WindowState>;
}

export interface RoboDeps {
  readonly clock: Clock;
  readonly connect: (options: DaemonOptions) => Promise<DaemonClient>;
}

const ageRefreshMs = 15_000;
const fileSettleMs = 300;

/** Puts the window's parts together; reads settings and records, and dials nothing by itself. */
export function openRobo(context: vscode.ExtensionContext, deps: RoboDeps): RoboApi {
  const store = new DisposableStore();
  context.subscriptions.push(store);
  const log = store.add(vscode.window.createOutputChannel('Robo', { log: true }));
  const consents = new Consents(context.workspaceState);
  const parts = createParts(context, deps, { store, log, consents });
  const { services, watch } = parts;
  store.add(registerCommands(services));
  store.add(
    vscode.languages.registerCodeActionsProvider({ scheme: 'file' }, new QuickFixes(), {
      providedCodeActionKinds: QuickFixes.kinds,
    }),
  );
  watch.onDidChange(services.render);
  services.render();
  const follow = (): void => {
    watch
      .refresh()
      .then(() => offerToWatch(services, consents))
      .catch(services.onError);
  };
  followWorkspace(store, deps.clock, follow);
  keepAgesTrue(store, deps.clock, services);
  log.info(`Robo ${version}`);
  follow();
  return {
    get state() {
      return watch.state;
    },
    onDidChangeState: watch.onDidChange,
  };
}

function createParts(
  context: vscode.ExtensionContext,
  deps: RoboDeps,
  own: {
    readonly store: DisposableStore;
    readonly log: vscode.LogOutputChannel;
    readonly consents: Consents;
  },
): { readonly services: Services; readonly watch: Watch } {
  const { store, log, consents } = own;
  const { clock } = deps;
  const access = new DaemonAccess({
    connect: deps.connect,
    extensionDirectory: context.extensionUri.fsPath,
    storageDirectory: context.globalStorageUri.fsPath,
    version: version,
    onWrongSetting: (sentence) => {
      log.warn(sentence);
      void vscode.window.showWarningMessage(plain(sentence));
    },
  });
  const watch = store.add(new Watch({ clock, consents, log, open: (setup) => access.open(setup) }));
  const gate = new GateFindings();
  const notifications = store.add(
    new Notifications({
      clock,
      log,
      memory: context.workspaceState,
      claimsDirectory: vscode.Uri.joinPath(context.globalStorageUri, 'told').fsPath,
    }),
  );
  const render = renderer({ store, clock, watch, gate, notifications });
  const services: Services = {
    clock,
    log,
    watch,
    gate,
    notifications,
    extensionUri: context.extensionUri,
    render,
    onError: (error) => {
      log.error(error instanceof Error ? (error.stack ?? error.message) : errorText(error));
    },
  };
  return { services, watch };
}

/** Draws the present state: status bar, Problems, and a notification where an incident opens. */
function renderer(own: {
  readonly store: DisposableStore;
  readonly clock: Clock;
  readonly watch: Watch;
  readonly gate: GateFindings;
  readonly notifications: Notifications;
}): () => void {
  const { clock, watch, gate, notifications } = own;
  const statusBar = own.store.add(new StatusBar(clock));
  const problems = own.store.add(new Problems());
  return () => {
    const { state, currentSetup: setup } = watch;
    const model = { state, workspace: setup?.folder?.uri.fsPath };
    statusBar.update(model);
    const status = state.kind === 'watching' ? state.status : undefined;
    const findings = ownRunner({ ...model, nowMs: clock.now() })?.findings ?? [];
    problems.update(setup, gate.merge(status, findings));
    if (status !== undefined) {
      notifications.update(
        ownIncidents(status.incidents ?? [], model.workspace),
        [...status.findings, ...findings],
        (status.alerts?.quietUntil ?? null) !== null,
      );
    }
  };
}

/** Reads anew when trust, settings, folders or the two files change. */
function followWorkspace(store: DisposableStore, clock: Clock, follow: () => void): void {
  let timer: Timer | undefined;
  // Editors write a file in several steps, and one save raises several events.
  const soon = (): void => {
    timer?.cancel();
    timer = clock.setTimer(fileSettleMs, follow);
  };
  store.add({ dispose: () => timer?.cancel() });
  const watcher = store.add(
    vscode.workspace.createFileSystemWatcher('**/{.env,.vscode/settings.json}'),
  );
  store.add(watcher.onDidCreate(soon));
  store.add(watcher.onDidChange(soon));
  store.add(watcher.onDidDelete(soon));
  store.add(vscode.workspace.onDidGrantWorkspaceTrust(soon));
  store.add(vscode.workspace.onDidChangeWorkspaceFolders(soon));
  store.add(
    vscode.workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration(settingsSection)) {
        soon();
      }
    }),
  );
}

/** While somebody may look, the ages in the hover grow and the last answer is asked for. */
function keepAgesTrue(store: DisposableStore, clock: Clock, services: Services): void {
  let timer: Timer | undefined;
  const tick = (): void => {
    timer = undefined;
    if (vscode.window.state.focused) {
      services.watch.refreshStatus().catch(services.onError);
      services.render();
      timer = clock.setTimer(ageRefreshMs, tick);
    }
  };
  store.add({ dispose: () => timer?.cancel() });
  store.add(
    vscode.window.onDidChangeWindowState((state) => {
      if (state.focused && timer === undefined) {
        tick();
      }
    }),
  );
  timer = clock.setTimer(ageRefreshMs, tick);
}
