import { constants } from 'node:os';
import type { DaemonClient } from '../daemon/client';
import type { StopRunnerResult } from '../daemon/protocol';
import type { RunnerStatus, StatusRecord } from '../diagnostics/status';
import type { CommandContext } from './command';
import { printable } from './style';

/** Exit codes of `robo run` besides the runner's own. */
export const runExits = { shut: 1, alreadyRunning: 75, lost: 1 } as const;

/** The part of the monitor's client that following needs. */
export type FollowedClient = Pick<
  DaemonClient,
  'status' | 'stopRunner' | 'onDidChangeStatus' | 'onDidClose'
>;

/**
 * Waits for the runner's end and returns its code. While an automatic restart is due the wait
 * goes on, and says so. A signal stops the runner, or the restart, first.
 */
export async function followRunner(
  client: FollowedClient,
  workspace: string,
  context: Pick<CommandContext, 'stderr' | 'signal'>,
): Promise<number> {
  const teller = new RunnerTeller(context);
  return new Promise((resolve, reject) => {
    let isStopped = false;
    const take = (status: StatusRecord): void => {
      const runner = status.runner.find((entry) => entry.workspace === workspace);
      if (runner === undefined) {
        return;
      }
      teller.tell(runner);
      const isDue = (runner.restart?.nextAt ?? null) !== null;
      // Before the stop has come back, what is told of the next start is the state before it.
      if (runner.state === 'exited' && (isStopped || !isDue)) {
        context.signal.removeEventListener('abort', stop);
        resolve(teller.end(runner));
      }
    };
    const stop = (): void => {
      client
        .stopRunner(workspace)
        .then(async (stopped) => {
          const { outcome, pid } = stopped;
          if (outcome === 'still alive') {
            teller.goesOn(pid);
            resolve(runExits.lost);
          } else {
            isStopped = true;
            teller.stopped(stopped);
            // One that waited for its next start has ended before: no further word may come.
            take(await client.status());
          }
        })
        .catch(reject);
    };
    client.onDidChangeStatus(take);
    client.onDidClose((why) => {
      context.stderr(`${why} The runner goes on by itself; "robo ps" shows it.\n`);
      resolve(runExits.lost);
    });
    // The status of the moment, in case the runner ended before we listened.
    client.status().then(take, reject);
    if (context.signal.aborted) {
      stop();
    } else {
      context.signal.addEventListener('abort', stop, { once: true });
    }
  });
}

/** Says what happens to the runner and its helpers, each thing once. */
class RunnerTeller {
  private readonly told = new Set<string>();
  private isWaiting = false;
  private hasEnded = false;

  constructor(private readonly context: Pick<CommandContext, 'stderr'>) {}

  tell(runner: RunnerStatus): void {
    for (const warning of runner.warnings ?? []) {
      this.once(`Note: ${warning}`);
    }
    // With the runner its helpers end, too.
    const isAtWork = runner.state === 'starting' || runner.state === 'running';
    for (const { name, state, pid, why } of runner.helpers ?? []) {
      if (isAtWork && state !== 'running') {
        this.once(`Helper ${name} (pid ${pid ?? 'none'}) does not run: ${why ?? 'it has ended'}`);
      }
    }
    const { restart } = runner;
    if (runner.state === 'exited' && restart !== undefined && restart.nextAt !== null) {
      this.isWaiting = true;
      const { why, nextAt } = restart;
      const when = why.includes(nextAt) ? '' : ` It is to be started again at ${nextAt}.`;
      this.once(
        `Runner ended by itself: ${endOf(runner)}.${when} ${restart.why} Ctrl-C calls the next start off.`,
        // A gate that stays shut moves the time again and again.
        `${runner.exit?.at ?? ''} ${restart.why}`,
      );
    } else if (runner.state === 'running' && this.isWaiting) {
      this.isWaiting = false;
      this.once(`Runner started again, pid ${runner.pid ?? 'unknown'}.`);
    }
  }

  goesOn(pid: number | null): void {
    this.once(`The runner (pid ${pid ?? 'unknown'}) could not be ended and goes on.`);
  }

  /** Where asking was not enough. */
  stopped({ wasKilled, how }: Pick<StopRunnerResult, 'wasKilled' | 'how'>): void {
    if (wasKilled) {
      this.once(
        how === 'not graceful'
          ? 'The runner was ended without being asked: this system has no signal that asks, and it did not read its input. Look at open orders and positions.'
          : 'The runner did not end when it was asked to and was killed; what it had not finished is lost. Look at open orders and positions.',
      );
    }
  }

  /** The runner's own code; for a signal 128 and its number, as a shell has it. */
  end(runner: RunnerStatus): number {
    const { exit, restart } = runner;
    if (!this.hasEnded) {
      this.hasEnded = true;
      const isAsked = exit?.how === 'asked';
      this.once(isAsked ? 'Runner stopped.' : `Runner ended by itself: ${endOf(runner)}.`);
      if (!isAsked && restart !== undefined) {
        this.once(restart.why);
      }
      const left = (runner.helpers ?? []).filter(({ state }) => state === 'running');
      if (!isAsked && left.length > 0) {
        const names = left.map(({ name, pid }) => `${name} (pid ${pid ?? 'unknown'})`).join(', ');
        this.once(`Its helpers go on until its next start or stop: ${names}.`);
      }
    }
    return exit?.how === 'asked' ? (exit.code ?? 0) : (exit?.code ?? codeOfSignal(exit?.signal));
  }

  private once(sentence: string, what = sentence): void {
    if (!this.told.has(what)) {
      this.told.add(what);
      this.context.stderr(`${printable(sentence)}\n`);
    }
  }
}

/** Of an end that nobody saw nothing is known; a name without a number is of another system. */
function codeOfSignal(signal: string | null | undefined): number {
  const numbers: Readonly<Record<string, number>> = constants.signals;
  const number = signal === null || signal === undefined ? undefined : numbers[signal];
  return number === undefined ? runExits.lost : 128 + number;
}

function endOf({ exit }: RunnerStatus): string {
  return exit?.signal ?? `exit ${exit?.code ?? 'unknown'}`;
}
