import * as vscode from 'vscode';
import type { KillOutcome, ListedProcess } from '../daemon/protocol';
import { type Choice, confirmedOf, killView, type KillView } from './duplicatesView';
import { say } from './messages';
import { withCancellableProgress } from './progress';
import { Cancelled, Refusal } from './refusal';
import { recognisableCommand } from './runnerCommands';
import type { Services } from './services';
import { plain } from './words';

type Item = vscode.QuickPickItem & { readonly choice?: Choice };

/** Shows the runners that were found and why, and ends the chosen ones. */
export async function killDuplicates(services: Services): Promise<readonly KillOutcome[]> {
  const setup = await services.watch.requireSetup();
  const connection = await services.watch.requireConnection();
  const workspace = setup.folder?.uri.fsPath ?? null;
  const command = recognisableCommand(setup, services.choices);
  const listing = await connection.listProcesses(workspace, command);
  if (listing.unknownWhy !== null) {
    throw new Refusal(
      vscode.l10n.t(
        'The processes could not be listed, so nothing was ended: {0}',
        listing.unknownWhy,
      ),
    );
  }
  const view = killView(listing, vscode.l10n);
  const kept =
    view.kept === undefined
      ? vscode.l10n.t('no rightful runner was found')
      : vscode.l10n.t('pid {0} is kept', view.kept.pid);
  if (view.duplicates.length + view.others.length === 0) {
    say('info', vscode.l10n.t('No duplicate runners: {0}.', kept), [], services);
    return [];
  }
  const chosen = await confirmedOf(await choose(view, kept), confirmLive);
  if (chosen.length === 0) {
    throw new Cancelled();
  }
  const targets = chosen.map(({ process: { pid, startToken, argv } }) => ({
    pid,
    startToken,
    argv,
  }));
  const outcomes = await withCancellableProgress(
    services,
    vscode.l10n.t('Ending duplicate runners'),
    () => connection.killProcesses({ workspace, command, targets }),
  );
  tell(services, outcomes);
  return outcomes;
}

/** On a live account each one is asked for by itself. */
async function confirmLive({ pid, why, argv }: ListedProcess): Promise<boolean> {
  const end = vscode.l10n.t('End Pid {0}', pid);
  const answer = await vscode.window.showWarningMessage(
    vscode.l10n.t('Pid {0} runs on a LIVE account. End it?', pid),
    { modal: true, detail: plain(`${argv.join(' ')}\n${why}`, 600) },
    end,
  );
  return answer === end;
}

async function choose(
  { duplicates, others, first }: KillView,
  kept: string,
): Promise<readonly Choice[]> {
  const separator = (label: string): Item => ({ label, kind: vscode.QuickPickItemKind.Separator });
  const item = (choice: Choice): Item => ({
    label: choice.label,
    description: choice.description,
    detail: choice.detail,
    picked: choice.picked,
    choice,
  });
  const items = [
    ...first.map(separator),
    separator(vscode.l10n.t('Duplicates')),
    ...duplicates.map(item),
    ...(others.length === 0
      ? []
      : [separator(vscode.l10n.t('Other runners (not duplicates)')), ...others.map(item)]),
  ];
  const picked = await vscode.window.showQuickPick<Item>(items, {
    canPickMany: true,
    ignoreFocusOut: true,
    matchOnDescription: true,
    title: vscode.l10n.t('End which runners? ({0})', kept),
    placeHolder: vscode.l10n.t('The ticked processes are ended'),
  });
  return (picked ?? []).flatMap((each) => each.choice ?? []);
}

function tell(services: Services, outcomes: readonly KillOutcome[]): void {
  for (const outcome of outcomes) {
    services.log.info(`pid ${outcome.pid}: ${outcome.outcome}. ${plain(outcome.why)}`);
  }
  const isGone = (outcome: KillOutcome): boolean =>
    ['ended', 'killed', 'already gone'].includes(outcome.outcome);
  const left = outcomes.filter((outcome) => !isGone(outcome));
  const gone = outcomes.filter(isGone).map((outcome) => outcome.pid);
  if (left.length === 0) {
    say('info', vscode.l10n.t('Gone: pid {0}.', gone.join(', ')), [], services);
    return;
  }
  const why = left.map((outcome) => `pid ${outcome.pid}: ${plain(outcome.why)}`).join(' ');
  const isBack = left.some(({ outcome }) => outcome === 'came back');
  say(
    'warning',
    isBack
      ? vscode.l10n.t('Something was started again. {0}', why)
      : vscode.l10n.t('Not all are gone. {0}', why),
    [],
    services,
  );
}
