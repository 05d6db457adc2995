import { HumanError } from '../core/errors';
import type { HelperCommand } from './helperCommand';
import type { Preset } from './preset';

/** What the placeholders of `robo.runner.command` stand for. */
export interface LaunchContext {
  readonly workspaceFolder: string;
  readonly symbols: readonly string[];
}

/**
 * Turns `robo.runner.command` into the argument array that is spawned as it is, without a shell.
 * `${workspaceFolder}` and `${symbols}` (joined with commas) are replaced, also inside an
 * argument; what they stand for is not looked at again. An empty command stays empty: the
 * built-in runner.
 * @throws HumanError for an unknown placeholder, no program, or `${symbols}` without symbols.
 */
export function planLaunch(command: readonly string[], context: LaunchContext): readonly string[] {
  if (command.length === 0) {
    return [];
  }
  const argv = command.map((argument) => expand(argument, context));
  if (argv[0]?.trim() === '') {
    throw new HumanError(
      'robo.runner.command begins with an empty argument, so there is no program to start. Put the program first, for example "python3".',
    );
  }
  if (argv.some((argument) => argument.includes('\0'))) {
    throw new HumanError(
      'robo.runner.command contains a NUL character, which no program can be given. Remove it.',
    );
  }
  return argv;
}

/** A preset, or parts like its, with every placeholder replaced. */
export function planPreset(
  { command, environment, helpers }: Pick<Preset, 'command' | 'environment' | 'helpers'>,
  context: LaunchContext,
): {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly helpers: readonly HelperCommand[];
} {
  return {
    command: planLaunch(command, context),
    environment,
    helpers: helpers.map((helper) => ({
      ...helper,
      command: planLaunch(helper.command, context),
    })),
  };
}

function expand(argument: string, context: LaunchContext): string {
  return argument.replace(/\$\{([^}]*)\}/g, (whole, name: string) => {
    if (name === 'workspaceFolder') {
      return context.workspaceFolder;
    }
    if (name !== 'symbols') {
      throw new HumanError(
        `robo.runner.command contains ${whole}, which Robo does not know. Use \${workspaceFolder} or \${symbols}.`,
      );
    }
    if (context.symbols.length === 0) {
      throw new HumanError(
        'robo.runner.command contains ${symbols}, but no symbols are set. Add a line such as SYMBOLS=AAPL,NVDA to .env, or set robo.symbols.',
      );
    }
    return context.symbols.join(',');
  });
}
