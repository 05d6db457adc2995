import { homedir } from 'node:os';
import { systemClock } from '../core/clock';
import { parseEnvFile } from '../core/envFile';
import { type Blocker, findBlockers } from '../runner/blockers';
import type { HelperCommand } from '../runner/helperCommand';
import { planPreset } from '../runner/launchPlan';
import { builtInPreset, type Preset, type PresetContext } from '../runner/preset';
import { extrasOf } from '../runner/presetRoboTrader';
import { recognisePresets } from '../runner/presets';
import { lookAt } from '../runner/workspaceLook';
import { type CommandContext, UsageError } from './command';
import { printable, type Style } from './style';

/** What `robo run` starts. */
export interface RunPlan {
  /** Empty for the built-in runner. */
  readonly command: readonly string[];
  /** On top of the shell's. */
  readonly environment: Readonly<Record<string, string>>;
  readonly helpers: readonly HelperCommand[];
  /** What the trader should know first, one sentence each. */
  readonly notes: readonly string[];
}

/** What the folder of the shell is recognised by. */
export async function presetContext(
  context: CommandContext,
  symbols: readonly string[],
): Promise<PresetContext> {
  const look = lookAt(context.workingDirectory);
  return {
    look,
    platform: process.platform,
    environment: context.environment,
    homeDirectory: homedir(),
    envFile: parseEnvFile((await look.read('.env')) ?? ''),
    symbols,
  };
}

/**
 * The command after `--`, the named preset, or the built-in runner. A command after `--` gets the
 * variables that its program needs, but no helpers: it is what was asked for, whole.
 * @throws UsageError for a preset that was not recognised here.
 */
export async function planRun(
  wish: { readonly argv: readonly string[]; readonly preset: string | undefined },
  context: PresetContext,
): Promise<RunPlan> {
  if (wish.argv.length > 0) {
    const { environment, warnings } = await extrasOf(wish.argv, context);
    return { command: wish.argv, environment, helpers: [], notes: warnings };
  }
  if (wish.preset === builtInPreset) {
    return builtInPlan([]);
  }
  const presets = await recognisePresets(context);
  const [best] = presets;
  if (wish.preset === undefined) {
    const isOwn = best !== undefined && best.id !== builtInPreset;
    return builtInPlan(
      isOwn
        ? [
            `This is the built-in runner. To run your own (${best.title}): robo run --preset ${best.id}`,
          ]
        : [],
    );
  }
  const chosen = wish.preset === 'auto' ? best : presets.find(({ id }) => id === wish.preset);
  if (chosen === undefined) {
    throw new UsageError(
      `There is no preset "${printable(wish.preset)}" for this folder; it has ${presets.map(({ id }) => id).join(', ')}.`,
    );
  }
  const planned = planPreset(chosen, {
    workspaceFolder: context.look.root,
    symbols: context.symbols,
  });
  return { ...planned, notes: chosen.warnings };
}

function builtInPlan(notes: readonly string[]): RunPlan {
  return { command: [], environment: {}, helpers: [], notes };
}

/** What in the workspace will keep this program from trading. */
export async function blockersOf(
  plan: RunPlan,
  context: PresetContext,
): Promise<readonly Blocker[]> {
  return await findBlockers({
    workspace: context.look.root,
    command: plan.command,
    environment: context.environment,
    envFile: context.envFile,
    nowMs: systemClock.now(),
  });
}

/** `robo run --presets --json`: what each would start, placeholders replaced. */
export function presetsJson(presets: readonly Preset[], context: PresetContext): string {
  const launch = { workspaceFolder: context.look.root, symbols: context.symbols };
  return JSON.stringify({
    schema: 1,
    presets: presets.map((preset) => ({ ...preset, ...planPreset(preset, launch) })),
  });
}

/** `robo run --presets` for people, best first. */
export function presetsText(
  presets: readonly Preset[],
  context: PresetContext,
  style: Style,
): string {
  const launch = { workspaceFolder: context.look.root, symbols: context.symbols };
  const blocks = presets.map((preset) => {
    const { command, environment, helpers } = planPreset(preset, launch);
    const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
    const lines = [
      `${style.bold(preset.id)}  ${preset.title}`,
      `    ${preset.why}`,
      ...(command.length === 0 ? [] : [`    ${style.dim([...variables, ...command].join(' '))}`]),
      ...helpers.map((helper) => `    ${helperWords(helper)}`),
      ...preset.warnings.map((warning) => `    ${style.warn('Note:')} ${warning}`),
    ];
    return lines.map(printable).join('\n');
  });
  return `${blocks.join('\n\n')}\n\nStart one with: robo run --preset ${presets[0]?.id ?? builtInPreset}\n`;
}

function helperWords({ name, order, port }: HelperCommand): string {
  const where = port === null ? '' : ` on port ${port}`;
  return `with ${name}${where}, started ${order} it and stopped with it`;
}
