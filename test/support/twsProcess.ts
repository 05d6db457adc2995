import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';

export interface TwsProcessOptions {
  /** Folder with the built command line. */
  readonly dist: string;
  readonly host?: string;
  /** A free one where it is left out. */
  readonly port?: number;
  /** A command that runs another one in its place: in a network namespace, say. */
  readonly within?: readonly string[];
}

/** The port of a process that was killed just now may take a moment. */
const attempts = 20;
const againMs = 100;

/** `robo simulate` in a process of its own, to be stopped, killed and started again. */
export class TwsProcess {
  private constructor(
    readonly child: ChildProcessByStdio<Writable, Readable, null>,
    readonly port: number,
  ) {}

  /** Resolves when it listens. */
  static async start({
    dist,
    host = '127.0.0.1',
    port = 0,
    within = [],
  }: TwsProcessOptions): Promise<TwsProcess> {
    const flags = ['--host', host, '--port', String(port)];
    const argv = [...within, process.execPath, join(dist, 'cli.cjs'), 'simulate', ...flags];
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      const child = spawn(argv[0] ?? '', argv.slice(1), { stdio: ['pipe', 'pipe', 'ignore'] });
      child.stdin.on('error', () => undefined);
      const said = await Promise.race([
        once(child.stdout, 'data').then(([chunk]) => String(chunk)),
        once(child, 'exit').then(() => ''),
      ]);
      const listening = / at [\d.]+:(\d+), fault/.exec(said)?.[1];
      if (listening !== undefined) {
        return new TwsProcess(child, Number(listening));
      }
      child.kill('SIGKILL');
      await delay(againMs);
    }
    throw new Error(`no simulated TWS came up at ${host}:${port}`);
  }

  get isAlive(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Types a control line. @returns what it answers */
  async control(line: string): Promise<string> {
    const answer = once(this.child.stdout, 'data');
    this.child.stdin.write(`${line}\n`);
    const [chunk] = (await answer) as [Buffer];
    return chunk.toString().trim();
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  /** KILL, which a stopped process hears too; resolves when it is gone. */
  async end(): Promise<void> {
    if (this.isAlive) {
      const gone = once(this.child, 'exit');
      this.child.kill('SIGKILL');
      await gone;
    }
  }
}
