import * as vscode from 'vscode';
import type { Clock, Timer } from '../core/clock';
import { DisposableStore } from '../core/disposables';
import type { Event } from '../core/emitter';
import { errorText } from '../core/errors';
import { version } from '../core/version';
import type { DaemonClient } from '../daemon/client';
import type { ProcessListing } from '../daemon/protocol';
import { formatEndpoint } from '../ibkr/endpoint';
import { registerCommands } from './commands';
import { Consents } from './consent';
import { windowContexts } from './contexts';
import type { DaemonAccess } from './daemonAccess';
import { DashboardPanel } from './dashboardPanel';
import { Explanations } from './explanations';
import { fitIn } from './fitIn';
import { GateFindings } from './gateFindings';
import { editorCommands, settingsSection } from './ids';
import { isOfWindow, ownIncidents } from './incidents';
import { KillSwitchWatch } from './killSwitchWatch';
import { mention, type Speaker } from './messages';
import { Notifications } from './notifications';
import { LogDocuments } from './logDocuments';
import { logFileOf, troublesOf } from './logs';
import type { OnDemand } from './onDemand';
import { Problems } from './problems';
import { QuickFixes } from './quickFixes';
import { RunnerChoices } from './runnerChoice';
import { recognisableCommand } from './runnerCommands';
import type { Services } from './services';
import { ServicesView } from './servicesView';
import { StatusBar } from './statusBar';
import { ownRunner, type WindowState } from './statusBarView';
import { Toasts } from './toasts';
import { WalkthroughFacts } from './walkthroughFacts';
import { Watch } from './watch';
import { offerToWatch } from './watchCommands';
import type { WorkspaceSetup } from './workspaceSetup';

/** What the tests in the real editor need and VS Code offers no other way to see. */
export interface RoboApi {
  readonly state: WindowState;
  readonly onDidChangeState: Event<WindowState>;
}

export interface RoboDeps {
  readonly clock: Clock;
  /** What is loaded only when it is needed. */
  readonly onDemand: () => Promise<OnDemand>;
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
    vscode.languages.registerCodeActionsProvider({ scheme: 'file' }, new QuickFixes(services), {
      providedCodeActionKinds: QuickFixes.kinds,
    }),
  );
  store.add(fitIn(context, services, consents));
  store.add(services.dashboard.restoring(() => services));
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
  const { clock, onDemand } = deps;
  const onError = (error: unknown): void => {
    log.error(error instanceof Error ? (error.stack ?? error.message) : errorText(error));
  };
  const toasts = store.add(toastsOf(clock, onError));
  const access = daemonAccess(context, onDemand, { log, toasts, onError });
  const choices = new RunnerChoices(context.workspaceState);
  const watch = store.add(
    new Watch({ clock, consents, log, open: announced(access, { choices, log }) }),
  );
  const listProcesses = async (): Promise<ProcessListing | undefined> => listed(watch, choices);
  const tree = store.add(new ServicesView({ clock, listProcesses, onError }));
  const parts = {
    ...{ clock, log, watch, choices, toasts, onDemand, onError },
    gate: new GateFindings(),
    killSwitch: store.add(new KillSwitchWatch({ clock, onDemand, onError })),
    notifications: store.add(notificationsOf(context, { clock, log, toasts })),
    problems: store.add(new Problems(clock)),
    explanations: store.add(new Explanations()),
    dashboard: store.add(new DashboardPanel()),
    logs: store.add(
      new LogDocuments({
        clock,
        onDemand,
        onError,
        fileOf: async (kind) => logFileOf({ watch, clock }, kind),
        troublesOf: (kind) => troublesOf({ watch, clock }, kind),
      }),
    ),
    walkthrough: new WalkthroughFacts(setContext),
    extensionUri: context.extensionUri,
    storageUri: context.globalStorageUri,
  };
  const render = renderer({ ...parts, statusBar: store.add(new StatusBar(clock)), tree });
  parts.killSwitch.onDidChange(render);
  const refreshServices = (): void => {
    tree.refresh();
  };
  return { services: { ...parts, render, refreshServices }, watch };
}

function toastsOf(clock: Clock, onError: (error: unknown) => void): Toasts {
  const hide = (): PromiseLike<void> =>
    vscode.commands.executeCommand(editorCommands.hideToasts).then(() => undefined, onError);
  return new Toasts({ clock, hide });
}

function notificationsOf(
  context: vscode.ExtensionContext,
  deps: Pick<Services, 'clock' | 'log' | 'toasts'>,
): Notifications {
  return new Notifications({
    ...deps,
    memory: context.workspaceState,
    claimsDirectory: vscode.Uri.joinPath(context.globalStorageUri, 'told').fsPath,
  });
}

/** The way to the monitor, loaded with the first connection. */
function daemonAccess(
  context: vscode.ExtensionContext,
  load: () => Promise<OnDemand>,
  speaker: Speaker & Pick<Services, 'log'>,
): () => Promise<DaemonAccess> {
  let access: DaemonAccess | undefined;
  return async () => {
    const parts = await load();
    access ??= makeAccess(context, parts, speaker);
    return access;
  };
}

/** It says what is wrong with the settings that it is told. */
function makeAccess(
  context: vscode.ExtensionContext,
  parts: Pick<OnDemand, 'DaemonAccess' | 'connectToDaemon'>,
  speaker: Speaker & Pick<Services, 'log'>,
): DaemonAccess {
  const { log } = speaker;
  return new parts.DaemonAccess({
    connect: parts.connectToDaemon,
    extensionDirectory: context.extensionUri.fsPath,
    storageDirectory: context.globalStorageUri.fsPath,
    version: version,
    onWrongSetting: (sentence) => {
      log.warn(sentence);
      mention('warning', sentence, speaker);
    },
    onOverruled: (sentence) => {
      log.info(sentence);
    },
    onOldService: (endpoint, theirs) => {
      sayOnce(context, `${formatEndpoint(endpoint)} ${theirs} ${version}`, () => {
        log.warn(`The service that watches ${formatEndpoint(endpoint)} runs Robo ${theirs}`);
        const text = vscode.l10n.t(
          'The service that watches {0} runs Robo {1}, and this window {2}. Run "robo service install" in a terminal to update it.',
          formatEndpoint(endpoint),
          theirs,
          version,
        );
        mention('info', text, speaker);
      });
    },
  });
}

/** The monitor learns of each folder, and looks from then on whether its runner runs twice. */
function announced(
  access: () => Promise<DaemonAccess>,
  { choices, log }: Pick<Services, 'choices' | 'log'>,
): (setup: WorkspaceSetup) => Promise<DaemonClient> {
  return async (setup) => {
    const client = await (await access()).open(setup);
    const workspace = setup.folder?.uri.fsPath;
    if (workspace !== undefined) {
      const command = recognisableCommand(setup, choices);
      client.listProcesses(workspace, command).catch((error: unknown) => {
        log.debug(`The runners could not be listed: ${errorText(error)}`);
      });
    }
    return client;
  };
}

/** The processes as the monitor sees them; undefined while none is connected. */
async function listed(watch: Watch, choices: RunnerChoices): Promise<ProcessListing | undefined> {
  const { state, currentSetup: setup } = watch;
  if (state.kind !== 'watching' || setup === undefined) {
    return undefined;
  }
  const connection = await watch.requireConnection();
  const workspace = setup.folder?.uri.fsPath ?? null;
  return connection.listProcesses(workspace, recognisableCommand(setup, choices));
}

const saidKey = 'robo.said';

/** Says something once for all windows of this user. */
function sayOnce(context: vscode.ExtensionContext, what: string, tell: () => void): void {
  const said = context.globalState.get<readonly string[]>(saidKey, []);
  if (!said.includes(what)) {
    void context.globalState.update(saidKey, [...said, what].slice(-20));
    tell();
  }
}

/** Draws the present state: status bar, Problems, and a notification where an incident opens. */
function renderer(
  own: Pick<
    Services,
    'clock' | 'watch' | 'gate' | 'killSwitch' | 'notifications' | 'problems' | 'toasts'
  > & { readonly tree: ServicesView; readonly statusBar: StatusBar },
): () => void {
  const { clock, watch, gate, killSwitch, notifications, problems, statusBar, tree } = own;
  const showContext = contextSetter();
  return () => {
    const { state, currentSetup: setup } = watch;
    const model = { state, workspace: setup?.folder?.uri.fsPath };
    statusBar.update(model);
    tree.update(model);
    for (const [key, value] of Object.entries(windowContexts({ ...model, nowMs: clock.now() }))) {
      showContext(key, value);
    }
    const status = state.kind === 'watching' ? state.status : undefined;
    const findings = ownRunner({ ...model, nowMs: clock.now() })?.findings ?? [];
    const shown = gate
      .merge(status, findings)
      .filter(({ subject }) => isOfWindow(subject, model.workspace));
    killSwitch.follow(setup);
    problems.update(setup, [...shown, ...killSwitch.findings]);
    if (status !== undefined) {
      notifications.update(
        ownIncidents(status.incidents ?? [], model.workspace),
        [...status.findings, ...findings],
        (status.alerts?.quietUntil ?? null) !== null,
      );
    }
    own.toasts.recheck();
  };
}

/** Sets a context for `when` clauses, where it is another one than before. */
function contextSetter(): (key: string, value: string | boolean) => void {
  const known = new Map<string, string | boolean>();
  return (key, value) => {
    if (known.get(key) !== value) {
      known.set(key, value);
      setContext(key, value);
    }
  };
}

function setContext(key: string, value: string | boolean): void {
  void vscode.commands.executeCommand('setContext', key, value);
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
