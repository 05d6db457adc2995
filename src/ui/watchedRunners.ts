import type { RunnerStatus } from '../diagnostics/status';

/** A runner that was started elsewhere and is on the list of those that Robo watches. */
export interface WatchedRunnerChoice {
  readonly pid: number;
  readonly workspace: string;
  readonly command: readonly string[];
  /** It has ended, and is shown until it is taken off the list. */
  readonly isGone: boolean;
}

/** Those that can be taken off the list; also the ones that have ended. */
export function watchedRunners(runners: readonly RunnerStatus[]): readonly WatchedRunnerChoice[] {
  return runners.flatMap((runner) => {
    const { state, workspace, command } = runner;
    const pid = runner.watchedPid ?? (state === 'external' ? runner.pid : null);
    return pid === null ? [] : [{ pid, workspace, command, isGone: state === 'exited' }];
  });
}
