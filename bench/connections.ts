/**
 * Figure: the TCP connections that TWS saw in ten healthy minutes with three windows and a
 * command line attached and no runner. Law 2 says 1, and the bench fails on any other number.
 * Beside it what the daemon costs meanwhile.
 */
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { DaemonClient } from '../src/daemon/client';
import { connectToDaemon, type DaemonOptions } from '../src/daemon/launcher';
import { type Bench, projectRoot, runBench } from './support/bench';
import { printTable } from './support/figures';
import { SimulatedTws } from './support/simulatedTws';

/** How often a focused window asks for the status, so that the ages that it shows are true. */
const windowRefreshMs = 15_000;
/** Clock ticks a second in `/proc/<pid>/stat`. */
const ticksPerSecond = 100;

runBench(async (bench) => {
  const durationMs = bench.isShort ? 8_000 : 600_000;
  const tws = await SimulatedTws.start(bench);
  const folder = mkdtempSync(join(tmpdir(), 'robo-bench-'));
  bench.defer(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  // A copy: a build in these ten minutes must not change what is measured.
  cpSync(join(projectRoot, 'dist'), join(folder, 'dist'), { recursive: true });
  const { clients, pid } = await attach(bench, tws, folder);
  const healths = new Set<string>();
  await healthy(clients[0]);
  clients[0]?.onDidChangeStatus(({ health }) => healths.add(health));
  const start = cost(pid);
  const commands = await watch(clients, durationMs, async () => cli(tws, folder));
  const end = cost(pid);
  const saw = await tws.control('status');
  console.log(`${durationMs / 1000} s, health meanwhile: ${[...healths].join(', ') || 'healthy'}`);
  console.log(`TWS says: ${saw}`);
  show({ start, end, durationMs, commands, connections: accepted(saw) });
});

/** Three windows at the same instant, one of which starts the daemon, then a command line. */
async function attach(
  bench: Bench,
  tws: SimulatedTws,
  folder: string,
): Promise<{ readonly clients: readonly DaemonClient[]; readonly pid: number }> {
  const connect = async (kind: DaemonOptions['kind']): Promise<DaemonClient> =>
    connectToDaemon({
      stateDirectory: folder,
      endpoint: tws.endpoint,
      clientId: 9000,
      kind,
      runtime: { execPath: process.execPath, environment: {} },
      daemonScript: join(folder, 'dist/daemon.cjs'),
      runnerScript: join(folder, 'dist/runner.cjs'),
    });
  const windows = await Promise.all([connect('window'), connect('window'), connect('window')]);
  const clients = [...windows, await connect('cli')];
  const pids = [...new Set(clients.map(({ daemon }) => daemon.pid))];
  const [pid] = pids;
  bench.defer(async () => {
    await endDaemon(clients);
  });
  if (pid === undefined || pids.length > 1) {
    throw new Error(`there should be one daemon; clients met ${pids.join(', ')}`);
  }
  return { clients, pid };
}

async function endDaemon(clients: readonly DaemonClient[]): Promise<void> {
  const [first] = clients;
  const closed = new Promise<void>((resolve) => {
    first?.onDidClose(() => {
      resolve();
    });
  });
  await first?.shutdown();
  await closed;
  for (const client of clients) {
    client.dispose();
  }
}

async function healthy(client: DaemonClient | undefined): Promise<void> {
  if (client === undefined || (await client.status()).health === 'healthy') {
    return;
  }
  await new Promise<void>((resolve) => {
    client.onDidChangeStatus(({ health }) => {
      if (health === 'healthy') {
        resolve();
      }
    });
  });
}

/** Lets the windows do what windows do, with a `robo test` and a `robo status` every minute. */
async function watch(
  clients: readonly DaemonClient[],
  durationMs: number,
  command: () => Promise<void>,
): Promise<number> {
  const until = performance.now() + durationMs;
  let commands = 0;
  for (let round = 0; performance.now() < until; round += 1) {
    await Promise.all(clients.map(async (client) => client.status()));
    if (round % 4 === 0) {
      await command();
      commands += 2;
    }
    await delay(Math.max(0, Math.min(windowRefreshMs, until - performance.now())));
  }
  return commands;
}

async function cli(tws: SimulatedTws, folder: string): Promise<void> {
  const flags = [`--port=${tws.endpoint.port}`, `--state-dir=${folder}`, '--json'];
  for (const command of ['test', 'status']) {
    // Exits 0 only when the test passed and the health is good; anything else ends the bench.
    await promisify(execFile)(process.execPath, [join(folder, 'dist/cli.cjs'), command, ...flags], {
      cwd: folder,
      env: { PATH: process.env['PATH'], HOME: folder },
      timeout: 30_000,
    });
  }
}

interface Cost {
  readonly cpuMs: number;
  readonly residentMiB: number;
  readonly peakMiB: number;
}

/** What the system says of the daemon; NaN outside Linux. */
function cost(pid: number): Cost {
  if (process.platform !== 'linux') {
    return { cpuMs: Number.NaN, residentMiB: Number.NaN, peakMiB: Number.NaN };
  }
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // Behind the name: state is the first field here, user and system time are 12 and 13.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const mib = (key: string): number =>
    Number(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1024;
  return {
    cpuMs: ((Number(fields[11]) + Number(fields[12])) * 1000) / ticksPerSecond,
    residentMiB: mib('VmRSS'),
    peakMiB: mib('VmHWM'),
  };
}

function accepted(status: string): number {
  return Number(/connections (\d+) accepted/.exec(status)?.[1]);
}

function show(result: {
  readonly start: Cost;
  readonly end: Cost;
  readonly durationMs: number;
  readonly commands: number;
  readonly connections: number;
}): void {
  const { start, end, durationMs, commands, connections } = result;
  const cpuMs = end.cpuMs - start.cpuMs;
  printTable(
    ['', 'figure'],
    [
      ['connections that TWS saw', String(connections)],
      ['commands (robo test, robo status) run meanwhile', String(commands)],
      ['CPU of the daemon until healthy, ms', start.cpuMs.toFixed(0)],
      ['CPU of the daemon meanwhile, ms', cpuMs.toFixed(0)],
      ['  share of one core, %', ((100 * cpuMs) / durationMs).toFixed(2)],
      ['resident memory of the daemon at the start, MiB', start.residentMiB.toFixed(0)],
      ['  at the end, MiB', end.residentMiB.toFixed(0)],
      ['  at its peak, MiB', end.peakMiB.toFixed(0)],
    ],
  );
  if (connections !== 1) {
    throw new Error(`TWS saw ${connections} connections; law 2 allows 1`);
  }
}
