import { isLoopback } from '../ibkr/endpoint';
import { planLaunch } from '../runner/launchPlan';
import type { RunnerChoice } from './runnerChoice';
import type { WorkspaceSetup } from './workspaceSetup';

/** The `type` of our tasks in tasks.json. */
export const taskType = 'robo';

export const taskNames = ['test', 'run'] as const;
export type TaskName = (typeof taskNames)[number];

/** One of our tasks as tasks.json has it. */
export interface RoboTask {
  readonly task: TaskName;
  /** Handed to the command line after what the settings say, so that they count over it. */
  readonly args: readonly string[];
}

/** Reads a definition; undefined for what is none of ours. */
export function readTask(definition: Readonly<Record<string, unknown>>): RoboTask | undefined {
  const task = taskNames.find((name) => name === definition['task']);
  const args = definition['args'] ?? [];
  if (definition['type'] !== taskType || task === undefined || !isTextList(args)) {
    return undefined;
  }
  return { task, args };
}

function isTextList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

/** What a task is made of besides its own words. */
export interface TaskSurroundings {
  readonly setup: WorkspaceSetup;
  /** What the trader has chosen to run in this folder. */
  readonly choice: RunnerChoice | undefined;
  /** Whether this workspace may watch the endpoint. */
  readonly isConsented: boolean;
}

/** How the command line is called: without a shell, so that nothing in here can be more than text. */
export interface TaskCall {
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * The arguments of `robo` for a task. Only what the settings say is said: the command line reads
 * `.env` itself and can then name its line.
 * @throws HumanError where robo.runner.command cannot be used
 */
export function taskCall(task: RoboTask, about: TaskSurroundings): TaskCall {
  const { setup, isConsented } = about;
  const { endpoint, clientId, symbols, origins } = setup.configuration;
  const isOurs = (key: keyof typeof origins): boolean => origins[key] === 'setting';
  const isRemote = !isLoopback(endpoint.host);
  const flags = [
    ...((isRemote ? isConsented : isOurs('host')) ? [`--host=${endpoint.host}`] : []),
    ...(isOurs('port') ? [`--port=${endpoint.port}`] : []),
    ...(isOurs('clientId') ? [`--client-id=${clientId}`] : []),
    ...(isOurs('symbols')
      ? [`--${task.task === 'test' ? 'symbol' : 'symbols'}=${symbols.join(',')}`]
      : []),
    `--state-dir=${setup.stateDirectory}`,
    '--format=problem',
  ];
  return {
    args: [task.task, ...flags, ...task.args, ...(task.task === 'run' ? program(task, about) : [])],
    // Unconsented the command line sees it as .env's word, refuses, and says how it is meant.
    environment: isRemote && !isConsented ? { IBKR_HOST: endpoint.host } : {},
  };
}

/** What *Robo: Start Runner* would start; a task cannot ask. */
function program(task: RoboTask, { setup, choice }: TaskSurroundings): readonly string[] {
  if (task.args.includes('--')) {
    // Behind `--` everything belongs to the program.
    return [];
  }
  const isSaid = (flag: string): boolean =>
    task.args.some((argument) => argument === flag || argument.startsWith(`${flag}=`));
  const wishes = [
    ...(setup.restartsByItself === undefined || isSaid('--restart')
      ? []
      : [`--restart=${setup.restartsByItself ? 'on' : 'off'}`]),
    ...(setup.withHelpers || isSaid('--no-helpers') ? [] : ['--no-helpers']),
  ];
  if (isSaid('--preset') || isSaid('--presets')) {
    return wishes;
  }
  const command = planLaunch(setup.runnerCommand, {
    workspaceFolder: setup.folder?.uri.fsPath ?? '',
    symbols: setup.configuration.symbols,
  });
  const preset = choice === undefined ? [] : [`--preset=${choice.id}`];
  return [...wishes, ...(command.length > 0 ? ['--', ...command] : preset)];
}
