import * as vscode from 'vscode';
import { isHumanError } from '../core/errors';
import { chooseRunner } from './chooseRunner';
import { openGuide } from './guide';
import { type CommandId, commandIds } from './ids';
import {
  filterLog,
  followLog,
  openLogFile,
  openMonitorLog,
  openRunnerLog,
  pauseLog,
  showInLog,
} from './logs';
import { say } from './messages';
import type { OnDemand } from './onDemand';
import { isCancelled, isRefusal } from './refusal';
import { copyReport } from './reportCommand';
import { startRunner, startWithoutGate, stopRunner } from './runnerCommands';
import type { Services } from './services';
import { showStatus } from './showStatus';
import { testConnection } from './testConnection';
import { reconnect, startWatching, stopWatching } from './watchCommands';

type Run = (services: Services, argument: unknown) => Promise<unknown>;

type LateCommand = {
  [K in keyof OnDemand]: OnDemand[K] extends Run ? K : never;
}[keyof OnDemand];

/** A command whose code is loaded when it is first run. */
function late(name: LateCommand): Run {
  return async (services, argument) => {
    const command: Run = (await services.onDemand())[name];
    return command(services, argument);
  };
}

const table: Readonly<Record<CommandId, Run>> = {
  [commandIds.test]: testConnection,
  [commandIds.reconnect]: reconnect,
  [commandIds.startRunner]: (services) => startRunner(services, { restart: false }),
  [commandIds.stopRunner]: stopRunner,
  [commandIds.restartRunner]: (services) => startRunner(services, { restart: true }),
  [commandIds.watchRunner]: late('watchRunner'),
  [commandIds.unwatchRunner]: late('unwatchRunner'),
  [commandIds.bypassGate]: startWithoutGate,
  [commandIds.chooseRunner]: chooseRunner,
  [commandIds.killDuplicates]: late('killDuplicates'),
  [commandIds.openMonitorLog]: openMonitorLog,
  [commandIds.openRunnerLog]: openRunnerLog,
  [commandIds.followLog]: followLog,
  [commandIds.pauseLog]: pauseLog,
  [commandIds.filterLog]: filterLog,
  [commandIds.openLogFile]: openLogFile,
  [commandIds.showInLog]: showInLog,
  [commandIds.copyReport]: copyReport,
  [commandIds.openGuide]: openGuide,
  [commandIds.showStatus]: showStatus,
  [commandIds.showReport]: async ({ log }) => {
    log.show(true);
    return Promise.resolve();
  },
  [commandIds.rehearse]: late('rehearse'),
  [commandIds.cure]: late('cureFinding'),
  [commandIds.explain]: late('explainFinding'),
  [commandIds.silence]: late('silenceCause'),
  [commandIds.acknowledge]: late('acknowledge'),
  [commandIds.doNotDisturb]: late('doNotDisturb'),
  [commandIds.openDashboard]: async (services) => services.dashboard.open(services),
  [commandIds.startWatching]: startWatching,
  [commandIds.stopWatching]: stopWatching,
  [commandIds.installCommand]: late('installRoboCommand'),
  [commandIds.removeCommand]: late('removeRoboCommand'),
  [commandIds.refreshServices]: async ({ refreshServices }) => {
    refreshServices();
    return Promise.resolve();
  },
};

/** Registers every command; each works from every state or says why not and what to do. */
export function registerCommands(services: Services): vscode.Disposable {
  const registrations = Object.values(commandIds).map((id) =>
    vscode.commands.registerCommand(id, async (argument: unknown) => {
      try {
        return await table[id](services, argumentOf(argument));
      } catch (error) {
        explain(services, id, error);
        return undefined;
      }
    }),
  );
  return vscode.Disposable.from(...registrations);
}

/** From the menus of the services tree a command gets the node: what it is about stands there. */
function argumentOf(argument: unknown): unknown {
  const isNode = typeof argument === 'object' && argument !== null && 'contextValue' in argument;
  return isNode ? ('argument' in argument ? argument.argument : undefined) : argument;
}

function explain(services: Services, id: CommandId, error: unknown): void {
  if (isCancelled(error)) {
    services.log.info(`${id}: cancelled`);
  } else if (isRefusal(error)) {
    services.log.warn(`${id}: ${error.message}`);
    say('warning', error.message, error.actions, services);
  } else if (isHumanError(error)) {
    services.log.error(`${id}: ${error.message}`);
    say('error', error.message, [], services);
  } else {
    services.onError(error);
    const text = vscode.l10n.t('{0} failed unexpectedly. The log has the details.', id);
    const action = {
      title: vscode.l10n.t('Show Log'),
      command: commandIds.showReport,
      arguments: [],
    };
    say('error', text, [action], services);
  }
}
