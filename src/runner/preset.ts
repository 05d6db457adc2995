import type { EnvEntry } from '../core/envFile';
import type { HelperCommand } from './helperCommand';
import type { PythonContext } from './workspacePython';

/** The id of the runner that comes with Robo. */
export const builtInPreset = 'built-in';

/** A way to run a program, recognised in a workspace. Texts are for people. */
export interface Preset {
  /** Stable: remembered, and named by `robo run --preset`. */
  readonly id: string;
  readonly title: string;
  /** What was seen that speaks for it. */
  readonly why: string;
  /** As `robo.runner.command`, placeholders included; empty for the built-in runner. */
  readonly command: readonly string[];
  /** On top of the environment of who asks. */
  readonly environment: Readonly<Record<string, string>>;
  /** Commands with placeholders, too. */
  readonly helpers: readonly HelperCommand[];
  /** What should be known before it is started. */
  readonly warnings: readonly string[];
}

/** What presets are recognised by. Nothing is started and nothing is changed. */
export interface PresetContext extends PythonContext {
  /** The workspace's `.env`, read as text. */
  readonly envFile: ReadonlyMap<string, EnvEntry>;
  readonly symbols: readonly string[];
}

/** A variable as a program of this workspace will see it: the environment, else `.env`. */
export function variable(
  { environment, envFile }: Pick<PresetContext, 'environment' | 'envFile'>,
  name: string,
): string {
  const set = environment[name];
  return (set ?? envFile.get(name)?.value ?? '').trim();
}
