import * as vscode from 'vscode';
import type { StartRunnerParams, StartRunnerResult, StopRunnerResult } from '../daemon/protocol';
import type { Finding } from '../diagnostics/finding';
import { describeEndpoint } from '../ibkr/endpoint';
import { runnerEnvironment } from '../runner/environment';
import type { Blocker } from '../runner/blockers';
import { planLaunch } from '../runner/launchPlan';
import { type RunnerLaunch, runnerLaunch } from './chooseRunner';
import { commandIds, editorCommands, settingKeys, settingsSection } from './ids';
import { say } from './messages';
import { withCancellableProgress } from './progress';
import { Cancelled, Refusal } from './refusal';
import { verdict } from './report';
import type { RunnerChoices } from './runnerChoice';
import type { Services } from './services';
import { showBlockers } from './startBlockers';
import type { ActionLink } from './statusBarView';
import { failureActions, logReport } from './testConnection';
import { factsOfReport } from './walkthroughFacts';
import { definedOnly, plain } from './words';
import { requireFolder, type WorkspaceSetup } from './workspaceSetup';

const minReasonLength = 10;

/** Gate, then runner. With `restart` a runner of this folder is ended after the gate passed. */
export async function startRunner(
  services: Services,
  options: { readonly restart: boolean; readonly bypassReason?: string },
): Promise<StartRunnerResult> {
  const held = services.notifications.hold();
  let hasTold = false;
  try {
    const setup = await services.watch.requireSetup();
    const launch = await runnerLaunch(services, setup);
    const blockers = await showBlockers(services, setup, {
      command: launch.command,
      isAskedAlready: options.bypassReason !== undefined,
    });
    const params = startParams(setup, launch, { ...options, blockers });
    const connection = await services.watch.requireConnection();
    const title = vscode.l10n.t(
      'Starting the runner: checking {0} first',
      describeEndpoint(setup.configuration.endpoint),
    );
    const result = await withCancellableProgress(services, title, (progress, signal) =>
      connection.startRunner(
        params,
        (finding) => {
          progress(plain(finding.message));
          noteFindings(services, [finding]);
        },
        signal,
      ),
    );
    tell(services, result, { launch, blockers, isBypass: options.bypassReason !== undefined });
    hasTold = result.outcome === 'refused' || result.outcome === 'failed';
    return result;
  } finally {
    held.release(hasTold);
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
  const result = await withCancellableProgress(services, vscode.l10n.t('Stopping the runner'), () =>
    connection.stopRunner(folder.uri.fsPath),
  );
  const pid = result.pid ?? '?';
  switch (result.outcome) {
    case 'stopped':
      say(
        'info',
        result.wasKilled
          ? vscode.l10n.t(
              'The runner (pid {0}) did not end when asked and was killed: not graceful.',
              pid,
            )
          : vscode.l10n.t('The runner (pid {0}) has ended.', pid),
        [runnerLog()],
        services,
      );
      break;
    case 'not running':
      say(
        'info',
        vscode.l10n.t('No runner of this folder is running.'),
        [link(vscode.l10n.t('Start Runner'), commandIds.startRunner)],
        services,
      );
      break;
    case 'still alive':
      say(
        'error',
        [
          vscode.l10n.t(
            'The runner (pid {0}) is still alive. End it by hand, then try again.',
            pid,
          ),
          plain(result.why ?? ''),
        ]
          .join(' ')
          .trim(),
        [runnerLog()],
        services,
      );
  }
  return result;
}

function startParams(
  setup: WorkspaceSetup,
  launch: RunnerLaunch,
  options: {
    readonly restart: boolean;
    readonly bypassReason?: string;
    readonly blockers: readonly Blocker[];
  },
): Omit<StartRunnerParams, 'token'> {
  const folder = requireFolder(setup);
  const { symbols, mode } = setup.configuration;
  if (launch.command.length === 0 && symbols.length === 0) {
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
  // The kill switch is the trader's word: a person may start against it, a machine may not.
  const isStopped = options.blockers.some(({ kind }) => kind === 'kill switch');
  const restartsByItself = isStopped ? false : setup.restartsByItself;
  return {
    workspace,
    command: launch.command,
    workingDirectory: workspace,
    environment: environmentFor(setup, launch),
    symbols,
    helpers: launch.helpers,
    restart: options.restart,
    refuseAfterMs: setup.refuseAfterMs,
    ...(mode === undefined ? {} : { mode }),
    ...(options.bypassReason === undefined ? {} : { bypassReason: options.bypassReason }),
    ...(restartsByItself === undefined ? {} : { restartsByItself }),
  };
}

/** The command line to recognise this folder's runner by; empty where none can be made of the settings. */
export function recognisableCommand(
  setup: WorkspaceSetup,
  choices: RunnerChoices,
): readonly string[] {
  try {
    const workspaceFolder = setup.folder?.uri.fsPath ?? '';
    const { runnerCommand } = setup;
    const chosen = choices.get(workspaceFolder)?.command ?? [];
    return planLaunch(runnerCommand.length > 0 ? runnerCommand : chosen, {
      workspaceFolder,
      symbols: setup.configuration.symbols,
    });
  } catch {
    return [];
  }
}

function environmentFor(
  setup: WorkspaceSetup,
  launch: RunnerLaunch,
): Readonly<Record<string, string>> {
  const environment = runnerEnvironment({ ...definedOnly(process.env), ...launch.environment });
  if (launch.command.length > 0) {
    return environment;
  }
  // The built-in runner reads these: it must dial what the gate has tested, also where settings decide.
  const { endpoint, symbols } = setup.configuration;
  return {
    ...environment,
    IBKR_HOST: endpoint.host,
    IBKR_PORT: String(endpoint.port),
    SYMBOLS: symbols.join(','),
    ...(setup.strategyFile === '' ? {} : { ROBO_STRATEGY: setup.strategyFile }),
  };
}

interface Start {
  readonly launch: RunnerLaunch;
  readonly blockers: readonly Blocker[];
  readonly isBypass: boolean;
}

function tell(services: Services, result: StartRunnerResult, start: Start): void {
  switch (result.outcome) {
    case 'started':
      noteFindings(services, gatesOf(start.blockers));
      if (result.report !== null) {
        services.walkthrough.note(factsOfReport(result.report));
        logReport(services, result.report);
      }
      sayStarted(services, result.pid, start);
      break;
    case 'refused': {
      noteFindings(services, result.report.findings);
      logReport(services, result.report);
      const why = verdict(result.report, vscode.l10n);
      const text = vscode.l10n.t('The runner was not started. {0}', why);
      say('error', text, failureActions(result.report), services);
      break;
    }
    case 'already running':
      say(
        'info',
        vscode.l10n.t('The runner of this folder is already running (pid {0}).', result.pid),
        [link(vscode.l10n.t('Restart Runner'), commandIds.restartRunner), runnerLog()],
        services,
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
        services,
      );
    }
  }
}

function sayStarted(services: Services, pid: number, { launch, blockers, isBypass }: Start): void {
  const started = isBypass
    ? vscode.l10n.t('The runner was started without the gate (pid {0}).', pid)
    : vscode.l10n.t('The runner was started (pid {0}).', pid);
  for (const warning of launch.warnings) {
    services.log.warn(warning);
  }
  const known = gatesOf(blockers).map(({ message }) => message);
  say(
    isBypass || known.length > 0 ? 'warning' : 'info',
    [started, ...known].join(' '),
    [runnerLog()],
    services,
  );
}

/** The program's own gates; its kill switch has a Problem of its own, which lasts as long as it. */
function gatesOf(blockers: readonly Blocker[]): readonly Finding[] {
  return blockers.filter(({ kind }) => kind !== 'kill switch').map(({ finding }) => finding);
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
