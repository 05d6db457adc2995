/**
 * Figure: the time from asking for a pre-flight to its verdict, for each way in which TWS is not
 * there or does not answer. Where nothing answers, the 3 s deadline decides (law 3).
 */
import type { Machine } from '../src/host/machine';
import { machineFor } from '../src/host/thisMachine';
import type { Endpoint } from '../src/ibkr/endpoint';
import type { PreflightReport } from '../src/preflight/report';
import { type Bench, runBench } from './support/bench';
import { median, ms, percentile, printTable } from './support/figures';
import { newMonitor, preflightOf } from './support/preflightRun';
import { SimulatedTws } from './support/simulatedTws';
import {
  type Guise,
  startStrangeServer,
  type StrangeConduct,
} from '../test/support/strangeServers';

interface Case {
  readonly name: string;
  /** A fault of the simulator, or what a server of another kind does. */
  readonly fault: string | { readonly conduct: StrangeConduct; readonly guise?: Guise };
  readonly isStopped?: boolean;
  /** True where the deadline decides: fewer runs do. */
  readonly waits: boolean;
}

const cases: readonly Case[] = [
  { name: 'refused', fault: 'refused', waits: false },
  { name: 'closed at once (FIN)', fault: 'close_on_accept', waits: false },
  { name: 'closed at once (RST)', fault: 'reset_on_accept', waits: false },
  { name: 'wrong service: http', fault: 'http_server', waits: false },
  { name: 'wrong service: ssh', fault: 'ssh_server', waits: false },
  { name: 'silent', fault: 'silent_handshake', waits: true },
  { name: 'process stopped (SIGSTOP)', fault: 'none', isStopped: true, waits: true },
  { name: 'a web server in node', fault: { conduct: 'http' }, waits: false },
  { name: 'a TLS server in node', fault: { conduct: 'tls' }, waits: false },
  { name: 'an SSH server', fault: { conduct: 'ssh' }, waits: false },
  {
    name: 'a native server that hangs up',
    fault: { conduct: 'closes when spoken to', guise: { argv0: '/opt/thing/thingd' } },
    waits: false,
  },
  {
    name: 'nc -l, which says nothing',
    fault: { conduct: 'silent', guise: { argv0: 'nc', args: ['-l'] } },
    waits: true,
  },
  {
    name: 'socat, nothing behind it',
    fault: { conduct: 'closes at once', guise: { argv0: 'socat' } },
    waits: false,
  },
  {
    name: 'socat, a black hole behind it',
    fault: { conduct: 'silent', guise: { argv0: 'socat' } },
    waits: true,
  },
];

interface Verdict {
  readonly durationMs: number;
  readonly report: PreflightReport;
}

runBench(async (bench) => {
  const machine = machineFor(process.platform);
  const rows: string[][] = [];
  for (const each of cases) {
    const runs = each.waits ? (bench.isShort ? 1 : 7) : bench.isShort ? 5 : 50;
    rows.push(row(each.name, await verdicts(bench, each, { machine, runs })));
  }
  console.log('pre-flight with the 3 s deadline of robo test; milliseconds to the verdict');
  printTable(['', 'runs', 'p50', 'p95', 'failed layer', 'first cause'], rows);
});

async function verdicts(
  bench: Bench,
  { fault, isStopped }: Case,
  { machine, runs }: { readonly machine: Machine; readonly runs: number },
): Promise<readonly Verdict[]> {
  const tws = await startServer(bench, fault);
  if (isStopped === true) {
    tws.signal('SIGSTOP');
  }
  const seen: Verdict[] = [];
  for (let run = 0; run < runs; run += 1) {
    const monitor = newMonitor(tws.endpoint, 9000 + run, machine);
    const from = performance.now();
    const report = await preflightOf(monitor, machine);
    seen.push({ durationMs: performance.now() - from, report });
    monitor.dispose();
  }
  await tws.end();
  return seen;
}

interface Server {
  readonly endpoint: Endpoint;
  signal(signal: NodeJS.Signals): void;
  end(): Promise<void>;
}

async function startServer(bench: Bench, fault: Case['fault']): Promise<Server> {
  if (typeof fault === 'string') {
    return SimulatedTws.start(bench, fault);
  }
  const server = await startStrangeServer(fault.conduct, fault.guise);
  bench.defer(() => server.end());
  return {
    endpoint: { host: '127.0.0.1', port: server.port },
    signal: (signal) => server.child.kill(signal),
    end: () => server.end(),
  };
}

function row(name: string, seen: readonly Verdict[]): string[] {
  const durations = seen.map(({ durationMs }) => durationMs);
  return [
    name,
    String(seen.length),
    ms(median(durations)),
    ms(percentile(durations, 0.95)),
    unanimous(seen.map(({ report }) => report.failedLayer)),
    unanimous(seen.map(({ report }) => report.findings[0]?.causes[0]?.id)),
  ];
}

/** What all runs said, or each of the different answers. */
function unanimous(answers: readonly (string | undefined)[]): string {
  return [...new Set(answers.map((answer) => answer ?? 'none'))].join(' | ');
}
