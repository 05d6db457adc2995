/**
 * Figure: the time from asking for a pre-flight to its verdict, for each way in which TWS is not
 * there or does not answer. Where nothing answers, the 3 s deadline decides (law 3).
 */
import type { Machine } from '../src/host/machine';
import { machineFor } from '../src/host/thisMachine';
import type { PreflightReport } from '../src/preflight/report';
import { type Bench, runBench } from './support/bench';
import { median, ms, percentile, printTable } from './support/figures';
import { newMonitor, preflightOf } from './support/preflightRun';
import { SimulatedTws } from './support/simulatedTws';

interface Case {
  readonly name: string;
  readonly fault: string;
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
  const tws = await SimulatedTws.start(bench, fault);
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
