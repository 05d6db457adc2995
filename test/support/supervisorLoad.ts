import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../src/core/clock';
import { machineFor } from '../../src/host/thisMachine';
import { type RunnerRequest, RunnerSupervisor } from '../../src/runner/supervisor';
import { eventually, isThere } from './eventually';
import { until } from './until';

/** What a process holds; compared before and after. */
export interface Held {
  /** Undefined where the system does not show them. */
  readonly descriptors: number | undefined;
  readonly resources: number;
  readonly children: number;
  readonly files: readonly string[];
}

/** A supervisor of real processes in a folder of its own. */
export class SupervisorLoad {
  private readonly machine = machineFor(process.platform);
  private readonly directory: string;
  private supervisor: RunnerSupervisor;

  /** @param folder an empty one, which the caller removes */
  constructor(private readonly folder: string) {
    this.directory = join(folder, 'state');
    mkdirSync(this.directory);
    this.supervisor = this.open();
  }

  async held(): Promise<Held> {
    const table = await this.machine.processes();
    assert.ok(table.known);
    return {
      descriptors: process.platform === 'linux' ? readdirSync('/proc/self/fd').length : undefined,
      resources: process.getActiveResourcesInfo().filter((kind) => kind !== 'TTYWrap').length,
      children: table.value.filter(
        ({ parentPid, workingDirectory }) =>
          parentPid === process.pid && workingDirectory === this.folder,
      ).length,
      files: readdirSync(this.directory).filter((name) => name !== 'runner.log'),
    };
  }

  /**
   * Starts and stops a runner `count` times, each of them with a child of its own. Every tenth is
   * let go and adopted by another supervisor in between.
   */
  async startAndStop(count: number): Promise<void> {
    for (let round = 1; round <= count; round += 1) {
      const pid = await this.start(['sh', '-c', 'sleep 60 & exec sleep 60']);
      if (round % 10 === 0) {
        await this.supervisor.release();
        this.supervisor = this.open();
        assert.deepEqual(await this.supervisor.adopt(), { outcome: 'adopted', pid });
      }
      const stopped = await this.supervisor.stop();
      assert.deepEqual([stopped.outcome, stopped.how], ['stopped', 'TERM'], `round ${round}`);
      assert.ok(!isThere(pid) || round % 10 === 0, `process ${pid} is left`);
    }
  }

  /** Waits until what is closed in the background is closed, and says what is held then. */
  async settled(before: Held): Promise<Held> {
    let now = await this.held();
    await eventually(async () => {
      now = await this.held();
      return JSON.stringify(now) === JSON.stringify(before);
    }, 'nothing is left').catch(() => undefined);
    return now;
  }

  /** Lets a child print `megabytesPerSecond` for some seconds, and measures both sides. */
  async flood(megabytesPerSecond: number, seconds: number): Promise<FloodFigures> {
    const code = `
      const { writeSync } = require('node:fs');
      const chunk = Buffer.alloc(1e6, 'a flood of output that nobody can read this fast enough\\n');
      const begun = performance.now();
      let sent = 0, longest = 0;
      const turn = () => {
        const due = (performance.now() - begun) / 1000 * ${megabytesPerSecond};
        while (sent < Math.min(due, ${megabytesPerSecond * seconds})) {
          const before = performance.now();
          let at = 0;
          while (at < chunk.length) at += writeSync(1, chunk, at);
          longest = Math.max(longest, performance.now() - before);
          sent += 1;
        }
        if (sent < ${megabytesPerSecond * seconds}) return setTimeout(turn, 5);
        console.log('\\nFLOOD ' + JSON.stringify({ sent, longest, took: performance.now() - begun }));
      };
      turn();`;
    const exited = until(
      this.supervisor.onDidChange,
      ({ state }) => state === 'exited',
      seconds * 10_000 + 10_000,
    );
    const residentBefore = process.memoryUsage.rss();
    let diskPeak = 0;
    let residentPeak = residentBefore;
    const watch = setInterval(() => {
      const sizes = readdirSync(this.directory)
        .filter((name) => name.startsWith('runner.log'))
        .map((name) => statSync(join(this.directory, name), { throwIfNoEntry: false })?.size ?? 0);
      diskPeak = Math.max(
        diskPeak,
        sizes.reduce((sum, size) => sum + size, 0),
      );
      residentPeak = Math.max(residentPeak, process.memoryUsage.rss());
    }, 20);
    try {
      await this.start([process.execPath, '-e', code]);
      const { exit } = await exited;
      const last = exit?.lastLines.find((line) => line.startsWith('FLOOD '));
      assert.ok(last !== undefined, `its last word was lost: ${exit?.lastLines.at(-1) ?? ''}`);
      const { sent, longest, took } = JSON.parse(last.slice(6)) as Record<string, number>;
      return {
        megabytes: sent ?? 0,
        tookMs: took ?? 0,
        longestWriteMs: longest ?? 0,
        diskPeakMb: diskPeak / 1e6,
        grownMiB: (residentPeak - residentBefore) / 1_048_576,
      };
    } finally {
      clearInterval(watch);
    }
  }

  async end(): Promise<void> {
    await this.supervisor.stop();
    this.supervisor.dispose();
  }

  private open(): RunnerSupervisor {
    return new RunnerSupervisor(this.folder, this.directory, {
      clock: systemClock,
      machine: this.machine,
      builtIn: { execPath: process.execPath, script: '', environment: {} },
      createReader: () => () => [],
      isUntouchable: () => false,
    });
  }

  private async start(command: readonly string[]): Promise<number> {
    const request: RunnerRequest = {
      command,
      workingDirectory: this.folder,
      environment: { PATH: process.env['PATH'] ?? '' },
      symbols: [],
      bypassReason: null,
    };
    const outcome = await this.supervisor.start(request);
    assert.equal(outcome.outcome, 'started');
    return outcome.pid;
  }
}

export interface FloodFigures {
  readonly megabytes: number;
  readonly tookMs: number;
  /** The longest that one write of a megabyte held the child up. */
  readonly longestWriteMs: number;
  /** The most that the log and its rotated part ever took on disk. */
  readonly diskPeakMb: number;
  /** How much larger our own memory ever was than before. */
  readonly grownMiB: number;
}

/**
 * The log, its rotated part and the copy under way: each at most twice the limit of 10 MB, and
 * what is printed while a busy machine copies (measured: 76 MB at 100 MB/s under full load).
 */
export const maxDiskMb = 120;
/** A few chunks of 256 KiB and what they turn into before they are collected. */
export const maxGrownMiB = 96;
