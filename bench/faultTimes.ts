/**
 * Figure: the time from a fault, on real sockets, until the daemon's status file says so, by kind.
 * FIN, RST, a killed TWS and message 1100 at most 100 ms; a frozen TWS (SIGSTOP) and a half-open
 * connection (a relay that swallows everything, and where this machine has network namespaces a
 * cable that is cut) at most the interval between server-time questions and 12 s. The clock begins
 * before the fault is asked for and ends when the file is read, so that both ways count.
 *
 * The long form fails where one of these does not hold. A machine that does much else shows its
 * own times too, so that the middle is worth more than the maximum.
 */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { StatusRecord } from '../src/diagnostics/status';
import { BlackholeRelay } from '../test/support/blackholeRelay';
import { CutLink, farAddress } from '../test/support/cutLink';
import { SpawnedDaemon } from '../test/support/spawnedDaemon';
import { TwsProcess } from '../test/support/twsProcess';
import { type Bench, projectRoot, runBench } from './support/bench';
import { percentile, printTable } from './support/figures';

const quickLimitMs = 100;
/** Beyond the interval: two questions of 5 s each, and 2 s of grace. */
const slowGraceMs = 12_000;
/** The usual one is 30 s; a detection time less the interval is the same with any. */
const intervalMs = 2000;
const seenDeadlineMs = 60_000;
const dist = join(projectRoot, 'dist');

interface Setting {
  readonly tws: TwsProcess;
  readonly daemon: SpawnedDaemon;
}

interface Kind {
  readonly name: string;
  readonly limitMs: number;
  readonly times: readonly number[];
}

const isDown = ({ health }: StatusRecord): boolean => health === 'down';
const isHealthy = ({ health }: StatusRecord): boolean => health === 'healthy';

type Strike = (setting: Setting) => unknown;

/** What the simulator does at once when it is told to, and the death of its process. */
const quickFaults: readonly (readonly [name: string, strike: Strike])[] = [
  ['FIN', async ({ tws }) => tws.control('fault drop')],
  ['RST', async ({ tws }) => tws.control('fault drop_reset')],
  [
    'TWS killed (-9)',
    ({ tws }) => {
      tws.signal('SIGKILL');
    },
  ],
  ['message 1100', async ({ tws }) => tws.control('fault upstream_lost')],
];

runBench(async (bench) => {
  const quick = bench.isShort ? 2 : 25;
  const slow = bench.isShort ? 1 : 5;
  const kinds: Kind[] = [];
  for (const [name, strike] of quickFaults) {
    kinds.push({ name, limitMs: quickLimitMs, times: await repeat(bench, quick, strike) });
  }
  const limitMs = intervalMs + slowGraceMs;
  kinds.push({ name: 'frozen (SIGSTOP)', limitMs, times: await frozen(bench, slow) });
  kinds.push({ name: 'half-open, swallowed', limitMs, times: await swallowed(bench, slow) });
  const cut = await cutCable(bench, slow);
  if (typeof cut === 'string') {
    console.log(`half-open, cable cut: skipped: ${cut}`);
  } else {
    kinds.push({ name: 'half-open, cable cut', limitMs, times: cut });
  }
  show(kinds);
  const late = kinds.filter(({ times, limitMs: limit }) => Math.max(...times) > limit);
  if (late.length > 0 && !bench.isShort) {
    throw new Error(`later than promised: ${late.map(({ name }) => name).join(', ')}`);
  }
});

/** Each time with a TWS and a daemon of its own: no backoff of the time before is in it. */
async function repeat(bench: Bench, count: number, strike: Strike): Promise<readonly number[]> {
  const times: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const setting = await watched(bench);
    // Not together with the first question, which is answered in its own time.
    await delay(100 + Math.random() * 200);
    const from = performance.now();
    const [until] = await Promise.all([seen(setting.daemon, isDown), strike(setting)]);
    times.push(until - from);
    await end(setting);
  }
  return times;
}

async function frozen(bench: Bench, count: number): Promise<readonly number[]> {
  const setting = await watched(bench);
  const times = await again(setting, count, {
    strike: () => {
      setting.tws.signal('SIGSTOP');
    },
    heal: () => {
      setting.tws.signal('SIGCONT');
    },
  });
  await end(setting);
  return times;
}

async function swallowed(bench: Bench, count: number): Promise<readonly number[]> {
  const times: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const tws = await TwsProcess.start({ dist });
    bench.defer(async () => tws.end());
    const relay = await BlackholeRelay.start(tws.port);
    bench.defer(() => {
      relay.end();
    });
    const endpoint = { host: '127.0.0.1', port: relay.port };
    const daemon = await SpawnedDaemon.start({ dist, endpoint, intervalMs });
    bench.defer(async () => daemon.end());
    await delay(Math.random() * intervalMs);
    const from = performance.now();
    relay.swallow();
    times.push((await seen(daemon, isDown)) - from);
    await end({ tws, daemon });
    relay.end();
  }
  return times;
}

async function cutCable(bench: Bench, count: number): Promise<readonly number[] | string> {
  const link = process.platform === 'linux' ? await CutLink.lay() : 'namespaces are of Linux';
  if (typeof link === 'string') {
    return link;
  }
  bench.defer(() => {
    link.end();
  });
  const setting = await watched(bench, link);
  const times = await again(setting, count, {
    strike: async () => link.cut(),
    heal: async () => link.mend(),
  });
  await end(setting);
  return times;
}

/** On one session, which heals in between. */
async function again(
  { daemon }: Setting,
  count: number,
  { strike, heal }: { readonly strike: () => unknown; readonly heal: () => unknown },
): Promise<readonly number[]> {
  const times: number[] = [];
  for (let index = 0; index < count; index += 1) {
    await delay(Math.random() * intervalMs);
    const from = performance.now();
    await strike();
    times.push((await seen(daemon, isDown)) - from);
    await heal();
    await seen(daemon, isHealthy);
  }
  return times;
}

async function watched(bench: Bench, link?: CutLink): Promise<Setting> {
  const host = link === undefined ? '127.0.0.1' : farAddress;
  const tws = await TwsProcess.start({ dist, host, within: link?.on('far') ?? [] });
  bench.defer(async () => tws.end());
  const daemon = await SpawnedDaemon.start({
    dist,
    endpoint: { host, port: tws.port },
    intervalMs,
    within: link?.on('near') ?? [],
  });
  bench.defer(async () => daemon.end());
  return { tws, daemon };
}

async function end({ tws, daemon }: Setting): Promise<void> {
  await daemon.end();
  await tws.end();
}

async function seen(
  daemon: SpawnedDaemon,
  accept: (status: StatusRecord) => boolean,
): Promise<number> {
  await daemon.shows(accept, seenDeadlineMs);
  return performance.now();
}

function show(kinds: readonly Kind[]): void {
  console.log(`interval between server-time questions ${intervalMs / 1000} s`);
  printTable(
    ['from the fault to the status file', 'times', 'p50, ms', 'p95', 'max', 'promised'],
    kinds.map(({ name, times, limitMs }) => [
      name,
      String(times.length),
      ...[0.5, 0.95, 1].map((share) => percentile(times, share).toFixed(0)),
      String(limitMs),
    ]),
  );
}
