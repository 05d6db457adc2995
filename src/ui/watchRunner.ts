import * as vscode from 'vscode';
import type { UnwatchRunnerResult, WatchRunnerResult } from '../daemon/protocol';
import type { ListedProcess } from '../runner/listedProcess';
import { commandIds } from './ids';
import { say } from './messages';
import { Cancelled, Refusal } from './refusal';
import { recognisableCommand } from './runnerCommands';
import type { Services } from './services';
import { type WatchedRunnerChoice, watchedRunners } from './watchedRunners';
import { plain } from './words';
import { requireFolder } from './workspaceSetup';

/** Asks which of the runners that were started elsewhere to watch, and watches it. */
export async function watchRunner(services: Services): Promise<WatchRunnerResult> {
  const setup = await services.watch.requireSetup();
  const connection = await services.watch.requireConnection();
  const workspace = requireFolder(setup).uri.fsPath;
  const listing = await connection.listProcesses(
    workspace,
    recognisableCommand(setup, services.choices),
  );
  if (listing.unknownWhy !== null) {
    throw new Refusal(vscode.l10n.t('The processes could not be listed: {0}', listing.unknownWhy));
  }
  const { folderOf, watchCandidates } = await services.onDemand();
  const { runner } = await connection.status();
  const { pid, startToken, argv, workingDirectory } = await choose(
    watchCandidates(listing.processes, runner),
  );
  const result = await connection.watchRunner({
    pid,
    startToken,
    argv,
    workspace: folderOf(workingDirectory, workspace),
  });
  tell(services, result);
  return result;
}

async function choose(candidates: readonly ListedProcess[]): Promise<ListedProcess> {
  if (candidates.length === 0) {
    throw new Refusal(
      vscode.l10n.t(
        'No runner was found that Robo does not know already. Start it where you usually do, then run this again.',
      ),
    );
  }
  const items = candidates.map((process) => ({
    label: vscode.l10n.t('pid {0}', process.pid),
    description: plain(process.argv.join(' '), 160),
    detail: plain(`${process.why} ${process.startedAt} ${process.workingDirectory ?? ''}`, 300),
    process,
  }));
  const picked = await vscode.window.showQuickPick(items, {
    ignoreFocusOut: true,
    matchOnDescription: true,
    title: vscode.l10n.t('Watch which runner?'),
    placeHolder: vscode.l10n.t('Robo only watches it and never stops it'),
  });
  if (picked === undefined) {
    throw new Cancelled();
  }
  return picked.process;
}

function tell(services: Services, result: WatchRunnerResult): void {
  if (result.outcome === 'refused') {
    throw new Refusal(vscode.l10n.t('Not watched: {0}.', plain(result.why)));
  }
  const { pid, logFile, warnings = [] } = result.runner;
  const [warning] = warnings;
  if (warning !== undefined) {
    say(
      'warning',
      vscode.l10n.t('Watching pid {0}. {1}', pid ?? '?', plain(warning)),
      [],
      services,
    );
    return;
  }
  const text = vscode.l10n.t('Watching pid {0}; its log is {1}.', pid ?? '?', plain(logFile));
  const action = {
    title: vscode.l10n.t('Runner Log'),
    command: commandIds.openRunnerLog,
    arguments: [],
  };
  say('info', text, [action], services);
}

/**
 * Watches a runner no more that was started elsewhere, and forgets one that has ended; the process
 * is left alone. `argument` may be its pid.
 */
export async function unwatchRunner(
  services: Services,
  argument?: unknown,
): Promise<UnwatchRunnerResult> {
  const connection = await services.watch.requireConnection();
  const { runner } = await connection.status();
  const { pid, isGone } = await chooseWatched(watchedRunners(runner), argument);
  const result = await connection.unwatchRunner(pid);
  if (result.outcome === 'not watched') {
    throw new Refusal(vscode.l10n.t('Pid {0} is not watched on request.', pid));
  }
  const done = isGone
    ? vscode.l10n.t('The runner with pid {0}, which has ended, is off the list.', pid)
    : vscode.l10n.t('Pid {0} is watched no more. It was left alone.', pid);
  say('info', done, [], services);
  return result;
}

async function chooseWatched(
  watched: readonly WatchedRunnerChoice[],
  argument: unknown,
): Promise<WatchedRunnerChoice> {
  const named = watched.find(({ pid }) => String(pid) === argument);
  const [first, ...others] = named === undefined ? watched : [named];
  if (first === undefined) {
    throw new Refusal(vscode.l10n.t('No runner is watched that was started elsewhere.'));
  }
  if (others.length === 0) {
    return first;
  }
  const items = watched.map((choice) => ({
    label: choice.isGone
      ? vscode.l10n.t('pid {0}, has ended', choice.pid)
      : vscode.l10n.t('pid {0}', choice.pid),
    description: plain(choice.command.join(' '), 160),
    detail: plain(choice.workspace),
    choice,
  }));
  const picked = await vscode.window.showQuickPick(items, {
    title: vscode.l10n.t('Watch which runner no more?'),
  });
  if (picked === undefined) {
    throw new Cancelled();
  }
  return picked.choice;
}
