/**
 * Figure: a runner that prints 50,000 mixed lines a second. The daemon must stay within bounded
 * memory, and a window (a process of its own here, joined as the extension joins) must not be
 * held up for more than 10 ms at the 99th percentile, beyond what this idle process beside it is
 * held up by the machine itself in the same seconds.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { connectToDaemon, type DaemonOptions } from '../src/daemon/launcher';
import { type Bench, projectRoot, runBench } from './support/bench';
import { printTable } from './support/figures';
import { MixedLog } from './support/mixedLog';
import { SimulatedTws } from './support/simulatedTws';
import type { WindowFigures } from './support/windowClient';

const linesPerSecond = 50_000;
const maxDelayMs = 10;
/** More than this after the first seconds is growth, not warming up. */
const maxGrowth = 1.5;

/** Prints its pool of lines over and over, at a steady rate, and says the time in between. */
const runner = `
const { readFileSync, writeSync } = require('fs');
const lines = readFileSync(process.argv[2], 'utf8').trimEnd().split('\\n');
const started = performance.now();
let printed = 0;
setInterval(() => {
  const due = Math.floor((performance.now() - started) * ${linesPerSecond / 1000});
  while (printed < due) {
    const from = printed % lines.length;
    const part = lines.slice(from, from + Math.min(2000, due - printed));
    printed += part.length;
    part.push(JSON.stringify({ robo: 1, event: 'cycle', time: new Date().toISOString() }));
    writeSync(1, part.join('\\n') + '\\n');
  }
}, 20);`;

runBench(async (bench) => {
  const seconds = bench.isShort ? 6 : 60;
  const folder = mkdtempSync(join(tmpdir(), 'robo-bench-'));
  bench.defer(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  cpSync(join(projectRoot, 'dist'), join(folder, 'dist'), { recursive: true });
  writeFileSync(join(folder, 'pool.log'), [...new MixedLog(3).chunks(10_000_000)].join(''));
  writeFileSync(join(folder, 'runner.cjs'), runner);
  const tws = await SimulatedTws.start(bench);
  const options: DaemonOptions = {
    stateDirectory: join(folder, 'state'),
    endpoint: tws.endpoint,
    clientId: 9000,
    kind: 'cli',
    runtime: { execPath: process.execPath, environment: {} },
    daemonScript: join(folder, 'dist/daemon.cjs'),
    runnerScript: join(folder, 'dist/runner.cjs'),
  };
  const client = await connectToDaemon(options);
  bench.defer(async () => {
    await client.stopRunner(folder).catch(() => undefined);
    await client.shutdown().catch(() => undefined);
    client.dispose();
  });
  const window = await openWindow(bench, { ...options, kind: 'window' });
  const started = await client.startRunner(
    {
      workspace: folder,
      command: [process.execPath, join(folder, 'runner.cjs'), join(folder, 'pool.log')],
      workingDirectory: folder,
      environment: { PATH: process.env['PATH'] ?? '' },
      symbols: [],
      restart: false,
      refuseAfterMs: 15_000,
    },
    () => undefined,
    new AbortController().signal,
  );
  if (started.outcome !== 'started') {
    throw new Error(`the runner was not started: ${JSON.stringify(started)}`);
  }
  await delay(3000);
  window.send('begin');
  const idle = monitorEventLoopDelay({ resolution: 1 });
  idle.enable();
  const memory = await watch(client.daemon.pid, seconds);
  window.send('end');
  const [figures] = (await once(window, 'message')) as [WindowFigures];
  idle.disable();
  show({ ...figures, idleP99Ms: idle.percentile(99) / 1e6 }, memory, seconds);
});

async function openWindow(bench: Bench, options: DaemonOptions): Promise<ChildProcess> {
  const script = join(projectRoot, 'bench/support/windowClient.ts');
  const window = fork(script, [JSON.stringify(options)], { execArgv: ['--import', 'tsx'] });
  bench.defer(() => {
    window.kill();
  });
  await once(window, 'message');
  return window;
}

interface Look {
  readonly residentMiB: number;
  readonly cpuMs: number;
}

async function watch(pid: number, seconds: number): Promise<readonly Look[]> {
  const looks: Look[] = [lookAt(pid)];
  for (let second = 0; second < seconds; second += 1) {
    await delay(1000);
    looks.push(lookAt(pid));
  }
  return looks;
}

/** What Linux says of a process; NaN elsewhere. */
function lookAt(pid: number): Look {
  if (process.platform !== 'linux') {
    return { residentMiB: Number.NaN, cpuMs: Number.NaN };
  }
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return {
    residentMiB: Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) / 1024,
    // Hundredths of a second of user and system time.
    cpuMs: (Number(fields[11]) + Number(fields[12])) * 10,
  };
}

interface Figures extends WindowFigures {
  /** How long this process, which does next to nothing, was held up. */
  readonly idleP99Ms: number;
}

function show(figures: Figures, memory: readonly Look[], seconds: number): void {
  const resident = memory.map(({ residentMiB }) => residentMiB);
  const half = Math.ceil(resident.length / 2);
  const [early, late] = [Math.max(...resident.slice(0, half)), Math.max(...resident.slice(half))];
  const cpuMs = (memory.at(-1)?.cpuMs ?? 0) - (memory[0]?.cpuMs ?? 0);
  console.log(`${linesPerSecond} lines a second for ${seconds} s`);
  printTable(
    ['', 'figure'],
    [
      ['event loop of the window held up, p50, ms', figures.delayP50Ms.toFixed(1)],
      ['  p99', figures.delayP99Ms.toFixed(1)],
      ['  longest', figures.delayMaxMs.toFixed(1)],
      ['an idle process beside it, p99', figures.idleP99Ms.toFixed(1)],
      ['statuses that it was sent, a second', (figures.statuses / seconds).toFixed(1)],
      ['age of the newest word of the runner, p50, ms', figures.lagP50Ms.toFixed(0)],
      ['  p99', figures.lagP99Ms.toFixed(0)],
      ['resident memory of the daemon, first half, MiB', early.toFixed(0)],
      ['  second half', late.toFixed(0)],
      ['CPU of the daemon, share of one core, %', (cpuMs / 10 / seconds).toFixed(0)],
    ],
  );
  const ownDelayMs = figures.delayP99Ms - figures.idleP99Ms;
  if (ownDelayMs > maxDelayMs) {
    throw new Error(`the window was held up for ${ownDelayMs.toFixed(1)} ms more than an idle one`);
  }
  if (late > maxGrowth * early) {
    throw new Error(`the daemon grew from ${early.toFixed(0)} to ${late.toFixed(0)} MiB`);
  }
}
