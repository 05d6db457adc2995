/**
 * Figure: `robo diagnose` on a file of mixed lines against a bare loop over its lines, in the
 * same run, in constant memory. The aim is 0.6 of its speed. The bare loop streams the file,
 * decodes it, finds each line, cuts it out and looks at one letter of it. Beside it the loop that
 * most people write (`readline`) and `grep -c`. Each run is a process of its own; the first one of
 * `robo` after a build keeps what V8 compiled, as a trader's first call does. The best of a few
 * counts, because others use the machine, and the median stands beside it. The bench fails where
 * speed has fallen far below what was measured when it was written, or where memory grows.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectRoot, runBench } from './support/bench';
import { median, printTable } from './support/figures';
import { writeMixedLog } from './support/mixedLog';

const aim = 0.6;
const slowest = 0.2;
/** Four times the log may cost this much more at its peak, for garbage not yet collected. MiB. */
const maxGrowthMiB = 60;
const seed = 7;

const bareLoop = `
const stream = require('fs').createReadStream(process.argv[1], { highWaterMark: 262144 });
stream.setEncoding('utf8');
(async () => {
  let rest = '';
  let seen = 0;
  for await (const chunk of stream) {
    const text = rest + chunk;
    let start = 0;
    for (let end = text.indexOf('\\n'); end !== -1; end = text.indexOf('\\n', start)) {
      const line = text.slice(start, end);
      seen += line.charCodeAt(line.length - 1);
      start = end + 1;
    }
    rest = text.slice(start);
  }
  process.stderr.write(seen < 0 ? '!' : '');
})();`;

const readlineLoop = `
const input = require('fs').createReadStream(process.argv[1], { highWaterMark: 262144 });
let seen = 0;
const lines = require('readline').createInterface({ input });
lines.on('line', (line) => { seen += line.charCodeAt(line.length - 1); });
lines.on('close', () => process.stderr.write(seen < 0 ? '!' : ''));`;

interface Run {
  readonly wallMs: number;
  readonly peakMiB: number;
}

/** The best of several runs. */
interface Best extends Run {
  readonly medianMs: number;
}

runBench(async (bench) => {
  const folder = mkdtempSync(join(tmpdir(), 'robo-bench-'));
  bench.defer(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const file = join(folder, 'mixed.log');
  await writeMixedLog(file, bench.isShort ? 40_000_000 : 200_000_000, seed);
  const small = join(folder, 'quarter.log');
  await writeMixedLog(small, statSync(file).size / 4, seed);
  const node = (code: string): readonly string[] => [process.execPath, '-e', code, file];
  const cli = (log: string): readonly string[] => [
    process.execPath,
    join(projectRoot, 'dist/cli.cjs'),
    'diagnose',
    log,
    '--json',
  ];
  const commands = {
    bare: node(bareLoop),
    diagnose: cli(file),
    readline: node(readlineLoop),
    grep: ['grep', '-c', 'Error 1100', file],
    quarter: cli(small),
  };
  const best = await measure(commands, bench.isShort ? 3 : 7);
  show(best, statSync(file).size);
});

/** In turns, so that a busy minute of the machine meets all of them. */
async function measure<Name extends string>(
  commands: Readonly<Record<Name, readonly string[]>>,
  rounds: number,
): Promise<Readonly<Record<Name, Best>>> {
  const names = Object.keys(commands) as Name[];
  const runs = names.map((name): [Name, Run[]] => [name, []]);
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, seen] of runs) {
      seen.push(await run(commands[name]));
    }
  }
  const best = runs.map(([name, seen]) => [
    name,
    {
      wallMs: Math.min(...seen.map(({ wallMs }) => wallMs)),
      medianMs: median(seen.map(({ wallMs }) => wallMs)),
      peakMiB: Math.max(...seen.map(({ peakMiB }) => peakMiB)),
    },
  ]);
  return Object.fromEntries(best) as Record<Name, Best>;
}

/** Runs a command, on one core where the system can pin it there. */
async function run(command: readonly string[]): Promise<Run> {
  const [file = '', ...args] = [...onOneCore(), ...command];
  const from = performance.now();
  const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = once(child, 'exit') as Promise<[number | null]>;
  let peakMiB = 0;
  const look = setInterval(() => {
    peakMiB = Math.max(peakMiB, peakOf(child.pid));
  }, 20);
  const [code] = await ended;
  clearInterval(look);
  // 1 says that there are findings, or that grep found nothing.
  if (code !== 0 && code !== 1) {
    throw new Error(`${command.join(' ').slice(0, 200)} ended with ${String(code)}`);
  }
  return { wallMs: performance.now() - from, peakMiB };
}

function onOneCore(): readonly string[] {
  return spawnSync('taskset', ['-V']).status === 0 ? ['taskset', '-c', '0'] : [];
}

/** The most that a process ever had in memory; 0 outside Linux, or when it is gone. */
function peakOf(pid: number | undefined): number {
  try {
    const status = readFileSync(`/proc/${pid ?? 0}/status`, 'utf8');
    return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

const missing: Best = { wallMs: Number.NaN, medianMs: Number.NaN, peakMiB: Number.NaN };

function show(best: Readonly<Record<string, Best>>, bytes: number): void {
  const { bare, diagnose, quarter } = best;
  if (bare === undefined || diagnose === undefined || quarter === undefined) {
    throw new Error('a run is missing');
  }
  console.log(`${(bytes / 1e6).toFixed(0)} MB of mixed lines (seed ${seed}), each run on one core`);
  const row = (name: string, key: string): string[] => {
    const { wallMs, medianMs, peakMiB } = best[key] ?? missing;
    return [
      name,
      wallMs.toFixed(0),
      medianMs.toFixed(0),
      (bytes / 1e3 / wallMs).toFixed(0),
      (bare.wallMs / wallMs).toFixed(2),
      peakMiB.toFixed(0),
    ];
  };
  printTable(
    ['', 'best ms', 'median ms', 'MB/s', 'of the bare loop', 'peak MiB'],
    [
      row('bare loop: stream, decode, find, cut, look', 'bare'),
      row('robo diagnose', 'diagnose'),
      row('readline', 'readline'),
      row('grep -c', 'grep'),
    ],
  );
  console.log(`  robo diagnose on a quarter of it: peak ${quarter.peakMiB.toFixed(0)} MiB`);
  const ratio = bare.wallMs / diagnose.wallMs;
  const usual = bare.medianMs / diagnose.medianMs;
  console.log(
    `  aim: ${aim} of the bare loop; ${ratio >= aim ? 'reached' : 'not reached'}: ` +
      `${ratio.toFixed(2)} by the best runs, ${usual.toFixed(2)} by the medians`,
  );
  if (ratio < slowest) {
    throw new Error(`robo diagnose has ${ratio.toFixed(2)} of the bare loop's speed`);
  }
  if (diagnose.peakMiB > quarter.peakMiB + maxGrowthMiB) {
    throw new Error(`memory grows with the log: ${diagnose.peakMiB.toFixed(0)} MiB at its peak`);
  }
}
