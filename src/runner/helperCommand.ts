/** A program that is started and stopped with a runner: a feed server, a dashboard. */
export interface HelperCommand {
  /** Short, unique within one start, shown to people. */
  readonly name: string;
  /** Argument array; never seen by a shell. */
  readonly command: readonly string[];
  /** On top of the runner's environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** Helpers of one side are started in the order of the list, and stopped in reverse. */
  readonly order: 'before' | 'after';
  /** The port on 127.0.0.1 that it needs for itself; null where none is known. */
  readonly port: number | null;
}
