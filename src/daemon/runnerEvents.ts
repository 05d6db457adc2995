import type { Disposable } from '../core/disposables';
import { Emitter, type Event } from '../core/emitter';
import type { RunnerFact } from '../diagnostics/runnerFacts';
import type { RunnerLogLines } from './protocol';

/** What the runner of a workspace has said. */
export interface RunnerFacts {
  readonly workspace: string;
  readonly facts: readonly RunnerFact[];
}

/** The events of several runners, each with the workspace that it is about. */
export class RunnerEvents implements Disposable {
  private readonly changeEmitter = new Emitter<void>();
  private readonly linesEmitter = new Emitter<RunnerLogLines>();
  private readonly factsEmitter = new Emitter<RunnerFacts>();

  readonly onDidChange = this.changeEmitter.event;
  readonly onLines = this.linesEmitter.event;
  readonly onFacts = this.factsEmitter.event;

  changed(): void {
    this.changeEmitter.fire();
  }

  /** Passes on what one runner prints and says. */
  forward(
    workspace: string,
    runner: {
      readonly onLines: Event<readonly string[]>;
      readonly onFacts: Event<readonly RunnerFact[]>;
    },
  ): void {
    runner.onLines((lines) => {
      this.linesEmitter.fire({ workspace, lines });
    });
    runner.onFacts((facts) => {
      this.factsEmitter.fire({ workspace, facts });
    });
  }

  dispose(): void {
    this.changeEmitter.dispose();
    this.linesEmitter.dispose();
    this.factsEmitter.dispose();
  }
}
