import * as vscode from 'vscode';
import type { StartRunnerParams, StartRunnerResult, StopRunnerResult } from '../daemon/protocol';
import type { Finding } from '../diagnostics/finding';
import { describeEndpoint } from '../ibkr/endpoint';
import { runnerEnvironment } from '../runner/environment';
import { planLaunch } from '../runner/launchPlan';
import { commandIds, editorCommands, settingKeys, settingsSection } from './ids';
import { say } from './messages';
import { withCancellableProgress } from './progress';
import { Cancelled, Refusal } from './refusal';
import { verdict } from './report';
import type { Services } from './services';
import type { ActionLink } from './statusBarView';
import { failureActions, logReport } from './testConnection';
import { definedOnly, plain } from './words';
import type { WorkspaceSetup } from './workspaceSetup';

const minReasonLength = 10;

/** Gate, then runner. With `restart` a runner of this folder is ended after the gate passed. */
export async function startRunner(
  services: Services,
  options: { readonly restart: boolean; readonly bypassReason?: string },
): Promise<StartRunnerResult> {
  const held = services.notifications.hold();
  try {
    const setup = await services.watch.requireSetup();
    const params = startParams(setup, options);
    const connection = await services.watch.requireConnection();
    const title = vscode.l10n.t(
      'Starting the runner: checking {0} first',
      describeEndpoint(setup.configuration.endpoint),
    );
    const result = await withCancellableProgress(title, (progress, signal) =>
      connection.startRunner(
        params,
        (finding) => {
          progress(plain(finding.message));
          noteFindings(services, [finding]);
        },
        signal,
      ),
    );
    tell(services, result, options.bypassReason !== undefined);
    return result;
  } finally {
    held.dispose();
  }
}

/** Asks why the gate is passed over, then starts once without it. */
export async function startWithoutGate(services: Services): Promise<StartRunnerResult> {
  await services.watch.requireSetup();
  const reason = await vscode.window.showInputBox({
    title: vscode.l10n.t('Start the runner without the gate'),
    prompt: vscode.l10n.t(
      'Why? The reason is logged, and the gate is passed over once. The connection may be dead: the runner may not be able to trade or to close positions.',
    ),
    placeHolder: vscode.l10n.t('At least {0} characters', minReasonLength),
    ignoreFocusOut: true,
    validateInput: (text) =>
      text.trim().length >= minReasonLength
        ? undefined
        : vscode.l10n.t('Write at least {0} characters.', minReasonLength),
  });
  if (reason === undefined) {
    throw new Cancelled();
  }
  return startRunner(services, { restart: false, bypassReason: reason.trim() });
}

/** Ends the runner of this folder. */
export async function stopRunner(services: Services): Promise<StopRunnerResult> {
  const folder = requireFolder(await services.watch.requireSetup());
  const connection = await services.watch.requireConnection();
  const result = await withCancellableProgress(vscode.l10n.t('Stopping the runner'), () =>
    connection.stopRunner(folder.uri.fsPath),
  );
  const pid = result.pid ?? '?';
  switch (result.outcome) {
    case 'stopped':
      say(
        'info',
        result.wasKilled
          ? vscode.l10n.t('The runner (pid {0}) did not end when asked and was killed.', pid)
          : vscode.l10n.t('The runner (pid {0}) has ended.', pid),
        [runnerLog()],
        services.onError,
      );
      break;
    case 'not running':
      say(
        'info',
        vscode.l10n.t('No runner of this folder is running.'),
        [link(vscode.l10n.t('Start Runner'), commandIds.startRunner)],
        services.onError,
      );
      break;
    case 'still alive':
      say(
        'error',
        vscode.l10n.t('The runner (pid {0}) is still alive. End it by hand, then try again.', pid),
        [runnerLog()],
        services.onError,
      );
  }
  return result;
}

function startParams(
  setup: WorkspaceSetup,
  options: { readonly restart: boolean; readonly bypassReason?: string },
): Omit<StartRunnerParams, 'token'> {
  const folder = requireFolder(setup);
  const { symbols, mode } = setup.configuration;
  if (setup.runnerCommand.length === 0 && symbols.length === 0) {
    throw new Refusal(
      vscode.l10n.t(
        'There is nothing to trade: no symbols are set. Add a line such as SYMBOLS=AAPL,NVDA,TSLA to .env, or set robo.symbols.',
      ),
      [
        link(
          vscode.l10n.t('Open Settings'),
          editorCommands.openSettings,
          `${settingsSection}.${settingKeys.symbols}`,
        ),
      ],
    );
  }
  const workspace = folder.uri.fsPath;
  return {
    workspace,
    command: planLaunch(setup.runnerCommand, { workspaceFolder: workspace, symbols }),
    workingDirectory: workspace,
    environment: environmentFor(setup),
    symbols,
    restart: options.restart,
    refuseAfterMs: setup.refuseAfterMs,
    ...(mode === undefined ? {} : { mode }),
    ...(options.bypassReason === undefined ? {} : { bypassReason: options.bypassReason }),
  };
}

/** The command line to recognise this folder's runner by; empty where none can be made of the settings. */
export function recognisableCommand(setup: WorkspaceSetup): readonly string[] {
  try {
    const workspaceFolder = setup.folder?.uri.fsPath ?? '';
    return planLaunch(setup.runnerCommand, {
      workspaceFolder,
      symbols: setup.configuration.symbols,
    });
  } catch {
    return [];
  }
}

function environmentFor(setup: WorkspaceSetup): Readonly<Record<string, string>> {
  const environment = runnerEnvironment(definedOnly(process.env));
  if (setup.runnerCommand.length > 0) {
    return environment;
  }
  // The built-in runner reads these: it must dial what the gate has tested, also where settings decide.
  const { endpoint, symbols } = setup.configuration;
  return {
    ...environment,
    IBKR_HOST: endpoint.host,
    IBKR_PORT: String(endpoint.port),
    SYMBOLS: symbols.join(','),
  };
}

/** The folder that a runner belongs to. */
export function requireFolder(setup: WorkspaceSetup): vscode.WorkspaceFolder {
  if (setup.folder?.uri.scheme !== 'file') {
    throw new Refusal(
      vscode.l10n.t('A runner belongs to a folder on disk: open your trading folder first.'),
      [link(vscode.l10n.t('Open Folder'), editorCommands.openFolder)],
    );
  }
  return setup.folder;
}

function tell(services: Services, result: StartRunnerResult, isBypass: boolean): void {
  switch (result.outcome) {
    case 'started':
      noteFindings(services, []);
      if (result.report !== null) {
        logReport(services, result.report);
      }
      say(
        isBypass ? 'warning' : 'info',
        isBypass
          ? vscode.l10n.t('The runner was started without the gate (pid {0}).', result.pid)
          : vscode.l10n.t('The runner was started (pid {0}).', result.pid),
        [runnerLog()],
        services.onError,
      );
      break;
    case 'refused': {
      noteFindings(services, result.report.findings);
      logReport(services, result.report);
      const why = verdict(result.report, vscode.l10n);
      const text = vscode.l10n.t('The runner was not started. {0}', why);
      say('error', text, failureActions(result.report), services.onError);
      break;
    }
    case 'already running':
      say(
        'info',
        vscode.l10n.t('The runner of this folder is already running (pid {0}).', result.pid),
        [link(vscode.l10n.t('Restart Runner'), commandIds.restartRunner), runnerLog()],
        services.onError,
      );
      break;
    case 'failed': {
      noteFindings(services, [result.finding]);
      const [step = ''] = result.finding.remedy;
      say(
        'error',
        `${result.finding.message} ${step}`,
        [
          link(vscode.l10n.t('Open Guide'), commandIds.openGuide, result.finding.guide),
          runnerLog(),
        ],
        services.onError,
      );
    }
  }
}

function noteFindings(services: Services, findings: readonly Finding[]): void {
  services.gate.note(findings, services.clock.now());
  services.render();
}

function link(title: string, command: string, ...args: string[]): ActionLink {
  return { title, command, arguments: args };
}

function runnerLog(): ActionLink {
  return link(vscode.l10n.t('Runner Log'), commandIds.openRunnerLog);
}
