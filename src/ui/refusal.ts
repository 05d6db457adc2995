import { HumanError, isHumanError } from '../core/errors';
import type { ActionLink } from './statusBarView';

/** A command that cannot do its work now: why, and the steps that are offered with it. */
export class Refusal extends HumanError {
  constructor(
    message: string,
    readonly actions: readonly ActionLink[] = [],
  ) {
    super(message);
  }
}

/** The person closed a question or cancelled: nothing needs to be said. */
export class Cancelled extends Error {
  override readonly name = 'Cancelled';
}

/** True also for one of the window's other bundle, whose class is not this one. */
export function isRefusal(error: unknown): error is Refusal {
  return isHumanError(error) && 'actions' in error && Array.isArray(error.actions);
}

/** The same for what was cancelled. */
export function isCancelled(error: unknown): error is Cancelled {
  return error instanceof Error && error.name === 'Cancelled';
}
