/**
 * Figure: a healthy pre-flight through `clock` on loopback, each time over a fresh connection,
 * against a bare `net` exchange of the same bytes, and where the difference goes.
 */
import { systemClock } from '../src/core/clock';
import type { Machine } from '../src/host/machine';
import { observePort, twsPorts } from '../src/host/portObservation';
import { machineFor } from '../src/host/thisMachine';
import { TwsConnection } from '../src/ibkr/connection';
import type { Endpoint } from '../src/ibkr/endpoint';
import type { Monitor } from '../src/monitor/monitor';
import { bareExchange, closed } from './support/bareExchange';
import { type Bench, runBench } from './support/bench';
import { median, ms, percentile, printTable, timed } from './support/figures';
import { endOf, newMonitor, preflightOf } from './support/preflightRun';
import { SimulatedTws } from './support/simulatedTws';

/** One way to spend time; its connection, where it makes one, is reset outside of the timing. */
interface Way {
  readonly name: string;
  readonly run: (clientId: number) => Promise<number>;
}

runBench(async (bench) => {
  const rounds = bench.isShort ? 20 : 300;
  const tws = await SimulatedTws.start(bench);
  const machine = machineFor(process.platform);
  const ways = [...connectingWays(tws, machine), ...lookingWays(tws.endpoint, machine)];
  const results = new Map<string, number[]>(ways.map(({ name }) => [name, []]));
  let clientId = 1;
  for (let round = 0; round < rounds; round += 1) {
    for (const { name, run } of shuffled(ways)) {
      clientId += 1;
      results.get(name)?.push(await run(clientId));
    }
  }
  results.set('pre-flight on the kept session', await keptSession(bench, tws, machine, rounds));
  show(results, rounds);
});

/** Any order, so that none always pays for its predecessor: a server that has slept wakes slowly. */
function shuffled(ways: readonly Way[]): readonly Way[] {
  return ways
    .map((way) => ({ way, place: Math.random() }))
    .sort((one, other) => one.place - other.place)
    .map(({ way }) => way);
}

function connectingWays(tws: SimulatedTws, machine: Machine): readonly Way[] {
  return [
    {
      name: 'bare net exchange',
      run: async (clientId) => {
        const from = performance.now();
        const socket = await bareExchange(tws.endpoint, clientId);
        const durationMs = performance.now() - from;
        socket.removeAllListeners('close');
        await Promise.all([closed(socket), tws.resetAll()]);
        return durationMs;
      },
    },
    { name: 'TwsConnection, tcp to clock', run: async (clientId) => connection(tws, clientId) },
    { name: 'pre-flight, process to clock', run: async (id) => preflight(tws, machine, id) },
  ];
}

/** The parts of the pre-flight's look at the machine, which touches no port. */
function lookingWays({ port }: Endpoint, machine: Machine): readonly Way[] {
  const ports = [port, ...twsPorts];
  return [
    { name: 'its look at the machine', run: () => timed(() => observePort(machine, port, true)) },
    { name: '  of that TCP table and owners', run: () => timed(() => machine.sockets(ports)) },
    { name: '  of that process table', run: () => timed(() => machine.processes()) },
    { name: 'its look before it dials', run: () => timed(() => machine.listeners(port)) },
  ];
}

async function connection(tws: SimulatedTws, clientId: number): Promise<number> {
  const from = performance.now();
  const session = new TwsConnection(tws.endpoint, clientId, systemClock);
  await stage(session, 'open');
  if ((await session.askTime(5000)) === undefined) {
    throw new Error('no answer to a server-time question');
  }
  const durationMs = performance.now() - from;
  await Promise.all([stage(session, 'ended'), tws.resetAll()]);
  return durationMs;
}

async function stage(session: TwsConnection, wanted: 'open' | 'ended'): Promise<void> {
  if (session.progress.stage === wanted) {
    return;
  }
  await new Promise<void>((resolve) => {
    const subscription = session.onDidProgress((progress) => {
      if (progress.stage === wanted) {
        subscription.dispose();
        resolve();
      }
    });
  });
}

async function preflight(tws: SimulatedTws, machine: Machine, clientId: number): Promise<number> {
  const monitor = newMonitor(tws.endpoint, clientId, machine);
  const durationMs = await timed(() => passing(monitor, machine));
  await Promise.all([endOf(monitor), tws.resetAll()]);
  monitor.dispose();
  // The monitor has begun to look why its connection ended: let that be over, too.
  await observePort(machine, tws.endpoint.port, true);
  return durationMs;
}

async function keptSession(
  bench: Bench,
  tws: SimulatedTws,
  machine: Machine,
  rounds: number,
): Promise<number[]> {
  const monitor = newMonitor(tws.endpoint, 9000, machine);
  bench.defer(() => {
    monitor.dispose();
  });
  await passing(monitor, machine);
  const durations: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    durations.push(await timed(() => passing(monitor, machine)));
  }
  return durations;
}

async function passing(monitor: Monitor, machine: Machine): Promise<void> {
  const report = await preflightOf(monitor, machine);
  if (!report.ok) {
    throw new Error(`the pre-flight did not pass: ${JSON.stringify(report)}`);
  }
}

function show(results: ReadonlyMap<string, readonly number[]>, rounds: number): void {
  const floor = median(results.get('bare net exchange') ?? []);
  console.log(`${rounds} runs of each, interleaved; milliseconds; first = cold, not yet compiled`);
  printTable(
    ['', 'p50', 'p95', 'first', 'p50 / bare'],
    [...results].map(([name, values]) => [
      name,
      ms(median(values)),
      ms(percentile(values, 0.95)),
      ms(values[0] ?? Number.NaN),
      (median(values) / floor).toFixed(2),
    ]),
  );
}
