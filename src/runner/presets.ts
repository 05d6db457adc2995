import { builtInPreset, type Preset, type PresetContext } from './preset';
import { roboTraderPresets } from './presetRoboTrader';
import { makePresets, nodePresets, pythonPresets } from './presetScripts';

/**
 * What can be run in a workspace, best first. The built-in runner is always there, and the last:
 * a program of the trader's own comes before it.
 */
export async function recognisePresets(context: PresetContext): Promise<readonly Preset[]> {
  const system = await roboTraderPresets(context);
  // Beside that system lie dozens of scripts that connect; none of them is another runner.
  const others =
    system.length > 0 ? [] : [...(await pythonPresets(context)), ...(await nodePresets(context))];
  const own = [...system, ...others];
  return [...own, ...(await makePresets(context, own)), builtIn];
}

const builtIn: Preset = {
  id: builtInPreset,
  title: "Robo's built-in runner",
  why: 'It fetches bars, follows an SMA 10/20 crossover and trades on paper only, without any order.',
  command: [],
  environment: {},
  helpers: [],
  warnings: [],
};
