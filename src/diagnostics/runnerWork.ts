import type { RunnerStatus, RunnerWork } from './status';

/** How many of a runner's symbols fail now. */
export interface FailingSymbols {
  readonly failing: number;
  readonly all: number;
}

/** Counted from the status, so that everybody says the same numbers. */
export function failingSymbols({
  symbolStatus,
}: Pick<RunnerStatus, 'symbolStatus'>): FailingSymbols {
  return {
    failing: symbolStatus.filter(({ failures }) => failures > 0).length,
    all: symbolStatus.length,
  };
}

const words: Readonly<Record<RunnerWork, string>> = {
  unknown: 'unknown',
  working: 'working',
  failing: 'failing',
  silent: 'silent (says nothing that Robo understands)',
  idle: 'idle (market closed)',
  stalled: 'stalled',
};

/** `failing (3 of 24 symbols)`; a runner that fails by its connection alone counts no symbols. */
export function workText(runner: Pick<RunnerStatus, 'work' | 'symbolStatus'>): string {
  const { failing, all } = failingSymbols(runner);
  const isCounted = failing > 0 && (runner.work === 'failing' || runner.work === 'working');
  if (!isCounted) {
    return words[runner.work];
  }
  return runner.work === 'failing'
    ? `failing (${failing} of ${all} symbols)`
    : `working (${failing} of ${all} symbols failing)`;
}
