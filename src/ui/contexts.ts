import { contextKeys } from './ids';
import { viewState } from './servicesTree';
import { ownRunner, type StatusModel } from './statusBarView';
import { watchedRunners } from './watchedRunners';

/** What this folder's runner is, for menus: `external` was started elsewhere and is watched. */
type RunnerContext = 'none' | 'alive' | 'external';

/** The contexts of `when` clauses, so that nothing shows which could only explain itself. */
export function windowContexts(model: StatusModel): Readonly<Record<string, string | boolean>> {
  const status = model.state.kind === 'watching' ? model.state.status : undefined;
  const news = (status?.incidents ?? []).some(({ acknowledgedAt }) => acknowledgedAt === null);
  return {
    [contextKeys.state]: viewState(model),
    [contextKeys.runner]: runnerContext(model),
    [contextKeys.watchesOthers]: watchedRunners(status?.runner ?? []).length > 0,
    [contextKeys.news]: news,
  };
}

function runnerContext(model: StatusModel): RunnerContext {
  const runner = ownRunner(model);
  if (runner === undefined || runner.state === 'exited') {
    return 'none';
  }
  return runner.state === 'external' ? 'external' : 'alive';
}
