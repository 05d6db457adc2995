/**
 * Figure: LinuxMachine.processes() over 5,000 processes against a bare loop that reads the same
 * files, in one run (<= 1.3). Where the system does not let so many run, over files of the same
 * form in a folder, and besides over as many as it lets run without getting into others' way.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LinuxMachine } from '../src/host/linux';
import { type Bench, runBench } from './support/bench';
import { median, ms, percentile, printTable, timed } from './support/figures';

/** The processes end by themselves after this many seconds, should nobody be left to end them. */
const longestLifeSec = 300;

runBench(async (bench) => {
  if (process.platform !== 'linux') {
    console.log('skipped: there is no /proc on this platform');
    return;
  }
  const wanted = bench.isShort ? 100 : 5000;
  const possible = Math.min(wanted, Math.floor(freeProcesses() / 2));
  await startProcesses(bench, possible);
  await compare('real ones', '/proc', { isShort: bench.isShort, own: possible });
  if (possible < wanted) {
    const root = writeProcesses(bench, wanted);
    const kind = `files in ${root}, because so many processes may not run here`;
    await compare(kind, root, { isShort: bench.isShort, own: wanted });
  }
});

async function compare(
  kind: string,
  root: string,
  { isShort, own }: { readonly isShort: boolean; readonly own: number },
): Promise<void> {
  const rounds = isShort ? 20 : 40;
  const machine = new LinuxMachine(root);
  const bare: number[] = [];
  const ours: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    bare.push(await timed(() => Promise.resolve(bareScan(root))));
    ours.push(await timed(() => machine.processes()));
  }
  await seesAll(machine, own);
  const count = readdirSync(root).filter((name) => /^\d+$/.test(name)).length;
  console.log(`${count} processes, ${own} of them ours (${kind}); ${rounds} rounds; milliseconds`);
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
}

/** How many more processes the control groups above us let run; the limit of the system else. */
function freeProcesses(): number {
  let free = Number(readFileSync('/proc/sys/kernel/pid_max', 'utf8'));
  for (const line of readFileSync('/proc/self/cgroup', 'utf8').split('\n')) {
    const match = /^\d+:(pids|):(\/.*)$/.exec(line);
    const [, controller = '', group = ''] = match ?? [];
    for (let path = match === null ? '' : group; path !== ''; path = path.replace(/\/[^/]*$/, '')) {
      const directory = join('/sys/fs/cgroup', controller, path);
      const limit = numberIn(join(directory, 'pids.max'));
      const present = numberIn(join(directory, 'pids.current'));
      free = Math.min(free, (limit ?? free) - (present ?? 0));
    }
  }
  return free;
}

/** Undefined where there is no such file, and where it says `max`. */
function numberIn(file: string): number | undefined {
  try {
    const value = Number(readFileSync(file, 'utf8'));
    return Number.isNaN(value) ? undefined : value;
  } catch {
    return undefined;
  }
}

/**
 * Starts sleepers below one shell, with an argument that nobody else's have, in a group of their
 * own by which they are ended.
 */
async function startProcesses(bench: Bench, count: number): Promise<void> {
  const code = `i=0; while [ $i -lt ${count} ]; do sleep ${marker()} & i=$((i+1)); done; echo ready; wait`;
  const shell: ChildProcess = spawn('sh', ['-c', code], {
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  await once(shell, 'spawn');
  const { pid, stdout } = shell;
  const exited = once(shell, 'exit');
  bench.defer(async () => {
    if (pid !== undefined) {
      endGroup(pid);
    }
    await exited;
  });
  const ready = stdout === null ? exited : once(stdout, 'data');
  const isReady = await Promise.race([ready.then(() => true), exited.then(() => false)]);
  if (!isReady) {
    throw new Error(`the system let no ${count} processes run`);
  }
}

/** The group is there as long as one of the sleepers is. */
function endGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGTERM');
  } catch {
    // All of them have ended.
  }
}

/** A folder in the form of procfs. */
function writeProcesses(bench: Bench, count: number): string {
  const root = mkdtempSync(join(tmpdir(), 'robo-proc-'));
  bench.defer(() => {
    rmSync(root, { recursive: true });
  });
  writeFileSync(join(root, 'stat'), 'btime 1795333413\n');
  for (let pid = 2; pid < count + 2; pid += 1) {
    const directory = join(root, String(pid));
    mkdirSync(directory);
    const fields = `${pid} (sleep) S 1 ${pid} 1${' 0'.repeat(15)} 4242 0 0\n`;
    writeFileSync(join(directory, 'stat'), fields);
    writeFileSync(join(directory, 'cmdline'), `sleep\0${marker()}\0`);
    symlinkSync('/', join(directory, 'cwd'));
  }
  return root;
}

function marker(): string {
  return `${longestLifeSec}.${process.pid}`;
}

/** The same reads, whose results nobody looks at. @returns how many could be read */
function bareScan(root: string): number {
  let read = 0;
  for (const name of readdirSync(root)) {
    if (/^\d+$/.test(name)) {
      try {
        readFileSync(`${root}/${name}/stat`, 'utf8');
        readFileSync(`${root}/${name}/cmdline`, 'utf8');
        statSync(`${root}/${name}`);
        readlinkSync(`${root}/${name}/cwd`);
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
