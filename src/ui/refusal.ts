import { HumanError } from '../core/errors';
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
