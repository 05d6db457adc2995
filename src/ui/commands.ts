import * as vscode from 'vscode';
import { HumanError } from '../core/errors';
import { acknowledge, doNotDisturb } from './alertCommands';
import { openGuide } from './guide';
import { type CommandId, commandIds } from './ids';
import { killDuplicates } from './killDuplicates';
import { openMonitorLog, openRunnerLog } from './logs';
import { say } from './messages';
import { Cancelled, Refusal } from './refusal';
import { rehearse } from './rehearse';
import { startRunner, startWithoutGate, stopRunner } from './runnerCommands';
import type { Services } from './services';
import { showStatus } from './showStatus';
import { testConnection } from './testConnection';
import { reconnect, startWatching, stopWatching } from './watchCommands';

type Run = (services: Services, argument: unknown) => Promise<unknown>;

const table: Readonly<Record<CommandId, Run>> = {
  [commandIds.test]: testConnection,
  [commandIds.reconnect]: reconnect,
  [commandIds.startRunner]: (services) => startRunner(services, { restart: false }),
  [commandIds.stopRunner]: stopRunner,
  [commandIds.restartRunner]: (services) => startRunner(services, { restart: true }),
  [commandIds.bypassGate]: startWithoutGate,
  [commandIds.killDuplicates]: killDuplicates,
  [commandIds.openMonitorLog]: openMonitorLog,
  [commandIds.openRunnerLog]: openRunnerLog,
  [commandIds.openGuide]: openGuide,
  [commandIds.showStatus]: showStatus,
  [commandIds.showReport]: async ({ log }) => {
    log.show(true);
    return Promise.resolve();
  },
  [commandIds.rehearse]: rehearse,
  [commandIds.acknowledge]: acknowledge,
  [commandIds.doNotDisturb]: doNotDisturb,
  [commandIds.startWatching]: startWatching,
  [commandIds.stopWatching]: stopWatching,
};

/** Registers every command; each works from every state or says why not and what to do. */
export function registerCommands(services: Services): vscode.Disposable {
  const registrations = Object.values(commandIds).map((id) =>
    vscode.commands.registerCommand(id, async (argument: unknown) => {
      try {
        return await table[id](services, argument);
      } catch (error) {
        explain(services, id, error);
        return undefined;
      }
    }),
  );
  return vscode.Disposable.from(...registrations);
}

function explain(services: Services, id: CommandId, error: unknown): void {
  if (error instanceof Cancelled) {
    services.log.info(`${id}: cancelled`);
  } else if (error instanceof Refusal) {
    services.log.warn(`${id}: ${error.message}`);
    say('warning', error.message, error.actions, services.onError);
  } else if (error instanceof HumanError) {
    services.log.error(`${id}: ${error.message}`);
    say('error', error.message, [], services.onError);
  } else {
    services.onError(error);
    const text = vscode.l10n.t('{0} failed unexpectedly. The log has the details.', id);
    const action = {
      title: vscode.l10n.t('Show Log'),
      command: commandIds.showReport,
      arguments: [],
    };
    say('error', text, [action], services.onError);
  }
}
