import { type Context, createContext, Script } from 'node:vm';
import { errorCode } from '../core/errors';

/** Code that did not come back in time; it was stopped where it stood. */
export class TookTooLong extends Error {
  override readonly name = 'TookTooLong';
}

/**
 * Runs somebody else's code with a deadline. JavaScript that loops for ever would stop the runner,
 * its stop signal included; only the engine itself can end it, and offers that for scripts, so
 * the call is wrapped in one.
 */
export class Watchdog {
  private readonly context: Context = createContext({ call: undefined });
  private readonly script = new Script('call()');

  /**
   * @throws TookTooLong after `deadlineMs` milliseconds, and whatever `call` throws
   */
  run(call: () => unknown, deadlineMs: number): unknown {
    this.context['call'] = call;
    try {
      return this.script.runInContext(this.context, { timeout: deadlineMs });
    } catch (error) {
      if (errorCode(error) === 'ERR_SCRIPT_EXECUTION_TIMEOUT') {
        throw new TookTooLong(`did not come back within ${deadlineMs / 1000} s`);
      }
      throw error;
    } finally {
      this.context['call'] = undefined;
    }
  }
}
