import { stat } from 'node:fs/promises';
import path from 'node:path';
import * as vscode from 'vscode';
import { workspaceFolderName } from '../core/paths';
import type { Finding, Subject } from '../diagnostics/finding';
import type { LogFilter } from '../diagnostics/logLevels';
import { commandIds } from './ids';
import type { PresentTrouble } from './logDocument';
import { kindOf, type LogKind } from './logUris';
import { Cancelled, Refusal } from './refusal';
import type { Services } from './services';
import { ownRunner } from './statusBarView';
import { plain } from './words';
import { requireFolder } from './workspaceSetup';

/** Shows the live log of the monitor of the present endpoint. */
export async function openMonitorLog(services: Services): Promise<void> {
  await requireLog(services, 'monitor');
  await (await services.logs.load()).show('monitor');
}

/** Shows the live log of this folder's runner. */
export async function openRunnerLog(services: Services): Promise<void> {
  await requireLog(services, 'runner');
  await (await services.logs.load()).show('runner');
}

/** Where a log of this window is. */
export async function logFileOf(
  { watch, clock }: Pick<Services, 'watch' | 'clock'>,
  kind: LogKind,
): Promise<string> {
  const setup = await watch.requireSetup();
  const paths = watch.paths(setup);
  if (kind === 'monitor') {
    return paths.monitorLog;
  }
  const workspace = requireFolder(setup).uri.fsPath;
  const runner = ownRunner({ state: watch.state, workspace, nowMs: clock.now() });
  const usual = path.join(paths.runners, workspaceFolderName(workspace), 'runner.log');
  return runner === undefined || runner.logFile === '' ? usual : runner.logFile;
}

/** Follows the log in front again. */
export async function followLog({ logs }: Services, argument: unknown): Promise<void> {
  await (await logs.load()).setFollowing(logInFront(argument), true);
}

/** Lets the log in front stand still. */
export async function pauseLog({ logs }: Services, argument: unknown): Promise<void> {
  await (await logs.load()).setFollowing(logInFront(argument), false);
}

type LevelItem = vscode.QuickPickItem & { readonly filter: LogFilter };

/** Asks which lines of the log in front are to be shown. */
export async function filterLog({ logs }: Services, argument: unknown): Promise<void> {
  const kind = logInFront(argument);
  const { l10n } = vscode;
  const view = await logs.load();
  const now = view.filterOf(kind);
  const item = (filter: LogFilter, label: string): LevelItem => ({
    filter,
    label,
    ...(filter === now ? { description: l10n.t('shown now') } : {}),
  });
  const chosen = await vscode.window.showQuickPick(
    [
      item('all', l10n.t('All lines')),
      item('warning', l10n.t('Warnings and errors')),
      item('error', l10n.t('Errors only')),
    ],
    {
      title: l10n.t('Lines of the Log'),
      placeHolder: l10n.t(
        'What TWS says counts by its code, not by the word that it is printed with',
      ),
    },
  );
  if (chosen === undefined) {
    throw new Cancelled();
  }
  await view.filter(kind, chosen.filter);
}

/** Opens the file itself, with all that stands before the end. */
export async function openLogFile(services: Services, argument: unknown): Promise<void> {
  const file = await logFileOf(services, logInFront(argument));
  // By the editor itself: extensions cannot read documents above 50 MB.
  await vscode.commands.executeCommand('vscode.open', vscode.Uri.file(file));
}

/**
 * Shows the lines where an incident or finding began.
 * @param argument key of an incident, or id of a cause of a present finding; asks without
 */
export async function showInLog(services: Services, argument: unknown): Promise<void> {
  const all = troubles(services);
  const trouble =
    all.find(({ keys }) => typeof argument === 'string' && keys.includes(argument)) ??
    (await chooseTrouble(all));
  const kind = logOf(trouble.subject);
  await requireLog(services, kind);
  const wanted = { atMs: Date.parse(trouble.since), cause: trouble.cause };
  const view = await services.logs.load();
  if (!(await view.showAt(kind, wanted))) {
    throw new Refusal(
      vscode.l10n.t(
        'It began at {0}; the lines of that time are not in the end of the log that is shown here.',
        new Date(trouble.since).toLocaleString(vscode.env.language),
      ),
      [{ title: vscode.l10n.t('Open File'), command: commandIds.openLogFile, arguments: [] }],
    );
  }
}

/** Something that is wrong now, by what it is asked for. */
interface Trouble extends PresentTrouble {
  readonly subject: Subject;
  readonly keys: readonly string[];
}

/** What is wrong now and stands in that log. */
export function troublesOf(
  services: Pick<Services, 'watch' | 'clock'>,
  kind: LogKind,
): readonly PresentTrouble[] {
  return troubles(services).filter(({ subject }) => logOf(subject) === kind);
}

function troubles({ watch, clock }: Pick<Services, 'watch' | 'clock'>): readonly Trouble[] {
  const { state } = watch;
  if (state.kind !== 'watching') {
    return [];
  }
  const workspace = watch.currentSetup?.folder?.uri.fsPath;
  const runner = ownRunner({ state, workspace, nowMs: clock.now() });
  const findings = [...(runner?.findings ?? []), ...state.status.findings].map(
    ({ subject, severity, firstAt, message, guide, causes }: Finding) => ({
      subject,
      severity,
      since: firstAt,
      message,
      cause: guide,
      keys: [guide, ...causes.map(({ id }) => id)],
    }),
  );
  const incidents = (state.status.incidents ?? []).map(
    ({ subject, severity, since, message, cause, key }) => ({
      subject,
      severity,
      since,
      message,
      cause: cause ?? undefined,
      keys: [key],
    }),
  );
  return [...findings, ...incidents];
}

async function chooseTrouble(all: readonly Trouble[]): Promise<Trouble> {
  if (all.length === 0) {
    throw new Refusal(vscode.l10n.t('Nothing is wrong now, so there are no lines to show.'));
  }
  const chosen = await vscode.window.showQuickPick(
    all.map((trouble) => ({ label: plain(trouble.message, 200), trouble })),
    { title: vscode.l10n.t('Show in Log'), placeHolder: vscode.l10n.t('Which one?') },
  );
  if (chosen === undefined) {
    throw new Cancelled();
  }
  return chosen.trouble;
}

/** What a runner and its symbols do stands in its own log. */
function logOf({ kind }: Subject): LogKind {
  return kind === 'runner' || kind === 'symbol' ? 'runner' : 'monitor';
}

/** The log that a command is about: of the editor that it came from, else of the one in front. */
function logInFront(argument: unknown): LogKind {
  const uri =
    argument instanceof vscode.Uri ? argument : vscode.window.activeTextEditor?.document.uri;
  const kind = uri === undefined ? undefined : kindOf(uri);
  if (kind === undefined) {
    throw new Refusal(vscode.l10n.t('No log is in front: open one first.'), [
      { title: vscode.l10n.t('Monitor Log'), command: commandIds.openMonitorLog, arguments: [] },
      { title: vscode.l10n.t('Runner Log'), command: commandIds.openRunnerLog, arguments: [] },
    ]);
  }
  return kind;
}

async function requireLog(services: Services, kind: LogKind): Promise<void> {
  const file = await logFileOf(services, kind);
  const isThere = await stat(file).then(
    (found) => found.isFile(),
    () => false,
  );
  if (!isThere) {
    const { l10n } = vscode;
    const [message, action] =
      kind === 'monitor'
        ? ([
            l10n.t('There is no monitor log yet: the monitor writes it when it first runs.'),
            { title: l10n.t('Test Connection'), command: commandIds.test, arguments: [] },
          ] as const)
        : ([
            l10n.t('There is no runner log yet: no runner of this folder was started.'),
            { title: l10n.t('Start Runner'), command: commandIds.startRunner, arguments: [] },
          ] as const);
    throw new Refusal(`${message} (${file})`, [action]);
  }
}
