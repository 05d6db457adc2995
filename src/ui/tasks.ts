import path from 'node:path';
import * as vscode from 'vscode';
import { errorText, HumanError } from '../core/errors';
import { programStorageVariable } from '../daemon/daemonFiles';
import type { Runtime } from '../daemon/nodeProbe';
import type { Consents } from './consent';
import { problemMatcher } from './ids';
import { findRuntime } from './runtime';
import type { Services } from './services';
import { readTask, type RoboTask, taskCall, taskNames, taskType } from './taskArguments';
import { readFolder } from './workspaceSetup';

export interface RoboTasksDeps extends Pick<Services, 'choices' | 'extensionUri' | 'log'> {
  readonly consents: Consents;
  /** Where the monitor's programs are put. */
  readonly storageDirectory: string;
}

/**
 * `robo: test` and `robo: run` of each folder: the command line in a terminal, started without a
 * shell on the editor's Node. The editor runs no tasks in Restricted Mode, and here none are made.
 */
export class RoboTasks implements vscode.TaskProvider {
  private runtime: { readonly nodePath: string; readonly found: Promise<Runtime> } | undefined;

  constructor(private readonly deps: RoboTasksDeps) {}

  async provideTasks(): Promise<vscode.Task[]> {
    const folders = (vscode.workspace.workspaceFolders ?? []).filter(isOnDisk);
    if (!vscode.workspace.isTrusted) {
      return [];
    }
    const made = await Promise.all(
      folders.flatMap((folder) =>
        taskNames.map(async (name) => {
          const definition = { type: taskType, task: name };
          return this.make({ definition, folder, name }, { task: name, args: [] });
        }),
      ),
    );
    return made.filter((task) => task !== undefined);
  }

  /** Fills in a task of tasks.json; the editor wants the same definition back. */
  async resolveTask(task: vscode.Task): Promise<vscode.Task | undefined> {
    const { definition, scope } = task;
    const wanted = readTask(definition);
    const folder =
      typeof scope === 'object' ? scope : vscode.workspace.workspaceFolders?.find(isOnDisk);
    if (!vscode.workspace.isTrusted || wanted === undefined || folder === undefined) {
      return undefined;
    }
    return this.make({ definition, folder, name: wanted.task }, wanted);
  }

  private async make(
    about: {
      readonly definition: vscode.TaskDefinition;
      readonly folder: vscode.WorkspaceFolder;
      readonly name: string;
    },
    wanted: RoboTask,
  ): Promise<vscode.Task | undefined> {
    const { definition, folder, name } = about;
    try {
      const task = new vscode.Task(
        definition,
        folder,
        name,
        taskType,
        await this.execution(folder, wanted),
        problemMatcher,
      );
      task.detail =
        wanted.task === 'test'
          ? vscode.l10n.t('Tests the connection to TWS layer by layer; fails where it is not ready')
          : vscode.l10n.t('Passes the gate, then runs the runner of this folder under supervision');
      task.presentationOptions = { focus: false, panel: vscode.TaskPanelKind.Dedicated };
      return task;
    } catch (error) {
      this.deps.log.warn(`The task "${name}" of ${folder.name}: ${errorText(error)}`);
      return undefined;
    }
  }

  private async execution(
    folder: vscode.WorkspaceFolder,
    wanted: RoboTask,
  ): Promise<vscode.ProcessExecution> {
    const setup = await readFolder(folder);
    // What `.env` has wrong the command line says, at its line; of settings it knows nothing.
    const wrong = setup.configuration.problems.find(({ origin }) => origin === 'setting');
    if (wrong !== undefined) {
      throw new HumanError(wrong.sentence);
    }
    const { choices, consents, extensionUri } = this.deps;
    const { args, environment } = taskCall(wanted, {
      setup,
      choice: choices.get(folder.uri.fsPath),
      isConsented: consents.isGranted(setup.configuration.endpoint),
    });
    const runtime = await this.probed(setup.nodePath);
    return new vscode.ProcessExecution(
      runtime.execPath,
      [path.join(extensionUri.fsPath, 'dist', 'cli.cjs'), ...args],
      {
        cwd: folder.uri.fsPath,
        env: {
          ...runtime.environment,
          ...environment,
          [programStorageVariable]: this.deps.storageDirectory,
        },
      },
    );
  }

  /** Lists of tasks are asked for often. */
  private async probed(nodePath: string): Promise<Runtime> {
    if (this.runtime?.nodePath !== nodePath) {
      this.runtime = { nodePath, found: findRuntime(nodePath) };
    }
    try {
      return await this.runtime.found;
    } catch (error) {
      this.runtime = undefined;
      throw error;
    }
  }
}

function isOnDisk({ uri }: vscode.WorkspaceFolder): boolean {
  return uri.scheme === 'file';
}
