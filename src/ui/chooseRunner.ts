import { homedir } from 'node:os';
import * as vscode from 'vscode';
import type { HelperCommand } from '../runner/helperCommand';
import { planLaunch, planPreset } from '../runner/launchPlan';
import { builtInPreset, type Preset, type PresetContext } from '../runner/preset';
import { commandIds, settingKeys, settingsSection } from './ids';
import { say } from './messages';
import { pythonOfEditor } from './pythonOfEditor';
import { Cancelled } from './refusal';
import type { Services } from './services';
import { plain } from './words';
import { requireFolder, type WorkspaceSetup } from './workspaceSetup';

/** What is to be started, placeholders replaced. */
export interface RunnerLaunch {
  /** Empty for the built-in runner. */
  readonly command: readonly string[];
  /** On top of the window's. */
  readonly environment: Readonly<Record<string, string>>;
  readonly helpers: readonly HelperCommand[];
  readonly warnings: readonly string[];
}

/**
 * What this folder's runner is: the setting, else the remembered choice, else the trader is asked
 * once where there is more than the built-in runner to choose from.
 */
export async function runnerLaunch(
  services: Services,
  setup: WorkspaceSetup,
): Promise<RunnerLaunch> {
  const folder = requireFolder(setup).uri.fsPath;
  const { symbols } = setup.configuration;
  const launch = { workspaceFolder: folder, symbols };
  const { extrasOf, recognisePresets } = await services.onDemand();
  const context = await contextOf(services, setup);
  if (setup.runnerCommand.length > 0) {
    const command = planLaunch(setup.runnerCommand, launch);
    const { environment, helpers, warnings } = await extrasOf(command, context);
    return withWishes({ command, environment, helpers, warnings }, setup);
  }
  const presets = await recognisePresets(context);
  const remembered = services.choices.get(folder)?.id;
  const preset =
    presets.find(({ id }) => id === remembered) ??
    (presets.length > 1 ? await ask(services, setup, presets) : presets[0]);
  return preset === undefined
    ? { command: [], environment: {}, helpers: [], warnings: [] }
    : withWishes({ ...planPreset(preset, launch), warnings: preset.warnings }, setup);
}

function withWishes(launch: RunnerLaunch, setup: WorkspaceSetup): RunnerLaunch {
  return setup.withHelpers ? launch : { ...launch, helpers: [] };
}

/** *Robo: Choose Runner*: the same question at any time. With `write` the choice becomes a setting. */
export async function chooseRunner(services: Services, argument: unknown): Promise<string> {
  const setup = await services.watch.requireSetup();
  const folder = requireFolder(setup);
  if (argument === writeWord) {
    const choice = services.choices.get(folder.uri.fsPath);
    await vscode.workspace
      .getConfiguration(settingsSection, folder.uri)
      .update(
        settingKeys.runnerCommand,
        choice?.command ?? [],
        vscode.ConfigurationTarget.WorkspaceFolder,
      );
    return choice?.id ?? builtInPreset;
  }
  const { recognisePresets } = await services.onDemand();
  const presets = await recognisePresets(await contextOf(services, setup));
  return (await ask(services, setup, presets)).id;
}

const writeWord = 'write';

async function contextOf(services: Services, setup: WorkspaceSetup): Promise<PresetContext> {
  const folder = requireFolder(setup);
  const { lookAt } = await services.onDemand();
  return {
    look: lookAt(folder.uri.fsPath),
    platform: process.platform,
    environment: process.env,
    homeDirectory: homedir(),
    envFile: setup.files.env,
    symbols: setup.configuration.symbols,
    chosenPython: await pythonOfEditor(folder.uri),
  };
}

type Item = vscode.QuickPickItem & { readonly preset: Preset };

async function ask(
  services: Services,
  setup: WorkspaceSetup,
  presets: readonly Preset[],
): Promise<Preset> {
  const folder = requireFolder(setup).uri.fsPath;
  const present = services.choices.get(folder)?.id;
  const chosen = await vscode.window.showQuickPick(
    presets.map((preset) => itemOf(preset, preset.id === present)),
    {
      title: vscode.l10n.t('Which program is the runner of this folder?'),
      placeHolder: vscode.l10n.t('The best guess comes first; the answer is remembered'),
      matchOnDescription: true,
      matchOnDetail: true,
      ignoreFocusOut: true,
    },
  );
  if (chosen === undefined) {
    throw new Cancelled();
  }
  await services.choices.set(folder, chosen.preset);
  services.log.info(`The runner of ${folder} is ${chosen.preset.id}`);
  offerToWrite(services, chosen.preset, setup.runnerCommand.length > 0);
  return chosen.preset;
}

function itemOf(preset: Preset, isPresent: boolean): Item {
  const helpers = preset.helpers.map(({ name }) => name).join(', ');
  const parts = [
    preset.why,
    ...(helpers === '' ? [] : [vscode.l10n.t('Started and stopped with it: {0}.', helpers)]),
    ...preset.warnings,
  ];
  return {
    label: plain(preset.title),
    ...(isPresent ? { description: vscode.l10n.t('chosen before') } : {}),
    detail: plain(parts.join(' ')),
    preset,
  };
}

function offerToWrite(services: Services, preset: Preset, isOverruled: boolean): void {
  if (preset.command.length === 0 && !isOverruled) {
    return;
  }
  const write = {
    title: vscode.l10n.t('Write to Settings'),
    command: commandIds.chooseRunner,
    arguments: [writeWord],
  };
  const title = plain(preset.title);
  const text = isOverruled
    ? vscode.l10n.t(
        'The setting robo.runner.command says otherwise and counts over the choice of {0}, until you write it there.',
        title,
      )
    : vscode.l10n.t(
        'From now on this folder is run by: {0}. "Robo: Choose Runner" changes it.',
        title,
      );
  say(isOverruled ? 'warning' : 'info', text, [write], services);
}
