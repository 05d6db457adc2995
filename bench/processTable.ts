/**
 * Figure: LinuxMachine.processes() over many processes against a bare loop that reads the same
 * files, in one run.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { LinuxMachine } from '../src/host/linux';
import { type Bench, processCount, runBench } from './support/bench';
import { median, ms, percentile, printTable, timed } from './support/figures';

/** The processes end by themselves after this many seconds, should nobody be left to end them. */
const longestLifeSec = 300;

runBench(async (bench) => {
  if (process.platform !== 'linux') {
    console.log('skipped: there is no /proc on this platform');
    return;
  }
  const rounds = bench.isShort ? 20 : 200;
  const own = bench.isShort ? 100 : 400;
  await startProcesses(bench, own);
  const machine = new LinuxMachine();
  const bare: number[] = [];
  const ours: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    bare.push(await timed(() => Promise.resolve(bareScan())));
    ours.push(await timed(() => machine.processes()));
  }
  await seesAll(machine, own);
  const count = processCount() ?? Number.NaN;
  console.log(`${count} processes, ${own} of them ours; ${rounds} rounds; milliseconds for all`);
  const row = (name: string, values: readonly number[]): string[] => [
    name,
    ms(median(values)),
    ms(percentile(values, 0.95)),
    ((1000 * median(values)) / count).toFixed(0),
    (median(values) / median(bare)).toFixed(2),
  ];
  printTable(
    ['', 'p50', 'p95', 'us a process', 'p50 / bare'],
    [row('bare loop', bare), row('LinuxMachine.processes', ours)],
  );
});

/** Starts them one by one, with an argument that nobody else's have. */
async function startProcesses(bench: Bench, count: number): Promise<void> {
  const children: ChildProcess[] = [];
  bench.defer(async () => {
    const gone = children.map((child) => once(child, 'exit'));
    children.forEach((child) => child.kill('SIGTERM'));
    await Promise.all(gone);
  });
  for (let index = 0; index < count; index += 1) {
    const child = spawn('sleep', [marker()], { stdio: 'ignore' });
    await once(child, 'spawn');
    children.push(child);
  }
}

function marker(): string {
  return `${longestLifeSec}.${process.pid}`;
}

/** The same reads, whose results nobody looks at. @returns how many could be read */
function bareScan(): number {
  let read = 0;
  for (const name of readdirSync('/proc')) {
    if (/^\d+$/.test(name)) {
      try {
        readFileSync(`/proc/${name}/stat`, 'utf8');
        readFileSync(`/proc/${name}/cmdline`, 'utf8');
        statSync(`/proc/${name}`);
        readlinkSync(`/proc/${name}/cwd`);
        read += 1;
      } catch {
        // Ended meanwhile, or a kernel thread, whose directory is hidden or none.
      }
    }
  }
  return read;
}

/** A quick scan that misses processes would be no figure. */
async function seesAll(machine: LinuxMachine, count: number): Promise<void> {
  const seen = await machine.processes();
  const found = seen.known ? seen.value.filter(({ argv }) => argv[1] === marker()).length : 0;
  if (found !== count) {
    throw new Error(`${found} of our ${count} processes are in the table`);
  }
}
