/**
 * Figure: an hour of a healthy connection at real speed, with one window attached that asks as a
 * focused one does. 1 connection, CPU of the daemon at most 0.1 % of a core, resident memory at
 * most 100 MiB and flat, and nothing half closed in the kernel's table at any look. The bench
 * fails where one of these does not hold. `ROBO_BENCH_SECONDS` is another length than an hour;
 * memory is judged from ten minutes on, because a heap settles first.
 */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { DaemonClient } from '../src/daemon/client';
import { connectToDaemon } from '../src/daemon/launcher';
import {
  describeSockets,
  hasKernelTable,
  kernelSockets,
  unfinishedSockets,
} from '../test/support/kernelSockets';
import { type Bench, projectRoot, runBench } from './support/bench';
import { median, printTable } from './support/figures';
import { type ProcessCost, processCost } from './support/processCost';
import { SimulatedTws } from './support/simulatedTws';

/** How often a focused window asks for the status, so that the ages that it shows are true. */
const windowRefreshMs = 15_000;
const socketLookMs = 1000;
const memoryLookMs = 10_000;
/** A heap settles in the first minutes; what grows after them is a leak. */
const settlingMs = 300_000;
const shortestForMemoryMs = 600_000;
const limits = { cpuPercent: 0.1, residentMiB: 100, growthMiB: 3 };

interface Hour {
  readonly start: ProcessCost;
  readonly end: ProcessCost;
  readonly durationMs: number;
  readonly residentMiB: readonly number[];
  readonly looks: number;
  readonly unfinished: ReadonlySet<string>;
  readonly mostConnections: number;
  readonly accepted: number;
  readonly otherHealths: readonly string[];
}

runBench(async (bench) => {
  if (!hasKernelTable) {
    console.log('skipped: the figures come from /proc, which this system does not have');
    return;
  }
  const seconds = bench.isShort ? 10 : Number(process.env['ROBO_BENCH_SECONDS'] ?? '3600');
  const tws = await SimulatedTws.start(bench);
  const client = await window(bench, tws);
  await healthy(client);
  show(await hour(client, tws, seconds * 1000));
});

async function window(bench: Bench, tws: SimulatedTws): Promise<DaemonClient> {
  const folder = mkdtempSync(join(tmpdir(), 'robo-bench-'));
  bench.defer(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  // A copy: a build in this hour must not change what is measured.
  cpSync(join(projectRoot, 'dist'), join(folder, 'dist'), { recursive: true });
  const client = await connectToDaemon({
    stateDirectory: join(folder, 'state'),
    endpoint: tws.endpoint,
    clientId: 9000,
    kind: 'window',
    // An hour may hold a planned time of the machine's zone; this one is to be healthy.
    runtime: { execPath: process.execPath, environment: { ROBO_RESET_WINDOWS: 'off' } },
    daemonScript: join(folder, 'dist/daemon.cjs'),
    runnerScript: join(folder, 'dist/runner.cjs'),
  });
  bench.defer(async () => {
    const closed = new Promise<void>((resolve) => {
      client.onDidClose(() => {
        resolve();
      });
    });
    await client.shutdown();
    await closed;
    client.dispose();
  });
  return client;
}

async function healthy(client: DaemonClient): Promise<void> {
  if ((await client.status()).health !== 'healthy') {
    await new Promise<void>((resolve) => {
      client.onDidChangeStatus(({ health }) => {
        if (health === 'healthy') {
          resolve();
        }
      });
    });
  }
}

async function hour(client: DaemonClient, tws: SimulatedTws, durationMs: number): Promise<Hour> {
  const { pid } = client.daemon;
  const ports = new Set([tws.endpoint.port]);
  const residentMiB: number[] = [];
  const unfinished = new Set<string>();
  const otherHealths = new Set<string>();
  client.onDidChangeStatus(({ health }) => {
    if (health !== 'healthy') {
      otherHealths.add(health);
    }
  });
  const start = processCost(pid);
  const begun = performance.now();
  let mostConnections = 0;
  let looks = 0;
  for (; performance.now() - begun < durationMs; looks += 1) {
    // Both ends of a connection over loopback stand in the same table.
    const sockets = kernelSockets(ports);
    unfinishedSockets(sockets).forEach((socket) => unfinished.add(describeSockets([socket])));
    const dialled = sockets.filter(({ remotePort }) => ports.has(remotePort));
    mostConnections = Math.max(mostConnections, dialled.length);
    if (looks % (windowRefreshMs / socketLookMs) === 0) {
      await client.status();
    }
    if (looks % (memoryLookMs / socketLookMs) === 0) {
      residentMiB.push(processCost(pid).residentMiB);
    }
    await delay(socketLookMs);
  }
  const end = processCost(pid);
  const elapsedMs = performance.now() - begun;
  const accepted = Number(/connections (\d+) accepted/.exec(await tws.control('status'))?.[1]);
  return {
    ...{ start, end, durationMs: elapsedMs, residentMiB, looks, unfinished, mostConnections },
    ...{ accepted, otherHealths: [...otherHealths] },
  };
}

function show(hour: Hour): void {
  const cpuMs = hour.end.cpuMs - hour.start.cpuMs;
  const cpuPercent = (100 * cpuMs) / hour.durationMs;
  const settled = hour.residentMiB.slice(settlingMs / memoryLookMs);
  const third = Math.floor(settled.length / 3);
  const growthMiB = median(settled.slice(-third)) - median(settled.slice(0, third));
  const judgesMemory = hour.durationMs >= shortestForMemoryMs;
  printTable(
    ['', 'figure'],
    [
      ['length, s', (hour.durationMs / 1000).toFixed(0)],
      ['health other than healthy meanwhile', hour.otherHealths.join(', ') || 'none'],
      ['connections that TWS accepted', String(hour.accepted)],
      ['most connections in the table at once', String(hour.mostConnections)],
      ['looks at the table', String(hour.looks)],
      ['half closed sockets in any of them', [...hour.unfinished].join(', ') || 'none'],
      ['CPU of the daemon until healthy, ms', hour.start.cpuMs.toFixed(0)],
      ['CPU of the daemon meanwhile, ms', cpuMs.toFixed(0)],
      ['  share of one core, %', cpuPercent.toFixed(3)],
      ['resident memory at the start, MiB', hour.start.residentMiB.toFixed(1)],
      ['  at the end, MiB', hour.end.residentMiB.toFixed(1)],
      ['  at its peak, MiB', hour.end.peakMiB.toFixed(1)],
      ...(judgesMemory
        ? [
            ['  slope from minute 5 on, MiB an hour', slopePerHour(settled).toFixed(2)],
            ['  last third less first third of that, MiB', growthMiB.toFixed(2)],
          ]
        : []),
    ],
  );
  const broken = [
    ...(hour.accepted === 1 && hour.mostConnections === 1 ? [] : ['more than one connection']),
    ...(hour.unfinished.size === 0 ? [] : ['sockets left half closed']),
    ...(hour.otherHealths.length === 0 ? [] : ['it was not healthy all the time']),
    ...(judgesMemory && cpuPercent > limits.cpuPercent ? ['CPU'] : []),
    ...(hour.end.peakMiB > limits.residentMiB ? ['memory'] : []),
    ...(judgesMemory && growthMiB > limits.growthMiB ? ['memory that grows'] : []),
  ];
  if (broken.length > 0) {
    throw new Error(`a healthy hour must not show: ${broken.join(', ')}`);
  }
}

/** Least squares through the looks at the memory, in MiB an hour. */
function slopePerHour(values: readonly number[]): number {
  const middle = (values.length - 1) / 2;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const rise = values.reduce((sum, value, index) => sum + (index - middle) * (value - mean), 0);
  const spread = values.reduce((sum, _, index) => sum + (index - middle) ** 2, 0);
  return (rise / spread) * (3_600_000 / memoryLookMs);
}
