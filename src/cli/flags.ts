import { parseArgs, type ParseArgsConfig } from 'node:util';
import { errorText } from '../core/errors';
import { type CommandContext, UsageError } from './command';

export type OptionsConfig = NonNullable<ParseArgsConfig['options']>;

/** A command's flags, read. */
export interface ParsedCommand {
  readonly flags: Readonly<Record<string, string | boolean | undefined>>;
  readonly positionals: readonly string[];
}

/**
 * Reads flags.
 * @throws UsageError at an unknown flag, a missing value, or an argument too many.
 */
export function parseFlags(
  context: CommandContext,
  options: OptionsConfig,
  maxPositionals = 0,
): ParsedCommand {
  try {
    const { values, positionals } = parseArgs({
      args: [...context.args],
      options,
      allowPositionals: maxPositionals > 0,
    });
    if (positionals.length > maxPositionals) {
      throw new UsageError(`Unexpected argument "${positionals[maxPositionals] ?? ''}".`);
    }
    return { flags: values as ParsedCommand['flags'], positionals };
  } catch (error) {
    // Node adds sentences and lines about `--` that help nobody here.
    throw error instanceof UsageError
      ? error
      : new UsageError(errorText(error).split(/\.?\n|\. /)[0] ?? '');
  }
}
