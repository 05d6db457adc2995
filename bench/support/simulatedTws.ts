import type { ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import type { Endpoint } from '../../src/ibkr/endpoint';
import { type Bench, loadScript } from './bench';

type Child = ChildProcessByStdio<Writable, Readable, null>;

interface SimulatorScript {
  readonly spawnSimulator: (options: {
    readonly fault?: string;
  }) => Promise<{ readonly child: Child; readonly endpoint: Endpoint }>;
}

interface ProcessScript {
  readonly endTree: (child: Child) => Promise<void>;
}

/** `robo simulate` in a process of its own, so that its work does not count as the client's. */
export class SimulatedTws {
  private constructor(
    private readonly child: Child,
    readonly endpoint: Endpoint,
    private readonly endTree: ProcessScript['endTree'],
  ) {}

  /** Starts one with a fault, or a healthy one; it ends with the bench at the latest. */
  static async start(bench: Bench, fault?: string): Promise<SimulatedTws> {
    const { spawnSimulator } = await loadScript<SimulatorScript>('scripts/support/simulator.mjs');
    const { endTree } = await loadScript<ProcessScript>('scripts/support/processes.mjs');
    const { child, endpoint } = await spawnSimulator(fault === undefined ? {} : { fault });
    const tws = new SimulatedTws(child, endpoint, endTree);
    bench.defer(() => tws.end());
    return tws;
  }

  /** Resets every open connection: neither side keeps a TIME_WAIT that later looks would read. */
  async resetAll(): Promise<void> {
    await this.control('fault drop_reset');
  }

  /** Types a control line. @returns what it answers */
  async control(line: string): Promise<string> {
    this.child.stdin.write(`${line}\n`);
    const [answer] = (await once(this.child.stdout, 'data')) as [Buffer];
    return answer.toString().trim();
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  async end(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) {
      return;
    }
    // A stopped process would not hear TERM.
    this.child.kill('SIGCONT');
    await this.endTree(this.child);
  }
}
