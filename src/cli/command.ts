/** What a command may touch. The entry fills it from the process; tests fill it by hand. */
export interface CommandContext {
  /** Arguments after the command's name. */
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly workingDirectory: string;
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  readonly isTerminal: boolean;
  /** Aborted by SIGINT or SIGTERM: the command ends what it started and returns. */
  readonly signal: AbortSignal;
}

/** Runs a command and returns its exit code (contracts: 64 for wrong usage). */
export type Command = (context: CommandContext) => Promise<number>;

/** Wrong usage: one line to stderr, exit 64. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** A value in `.env` or the environment cannot be used: the cause `bad_configuration`. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
}
