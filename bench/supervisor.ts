/**
 * Figure: 1,000 starts and stops of a runner with a child of its own, every tenth adopted by
 * another supervisor in between, must leave no process, no descriptor, no handle and no file. A
 * runner that prints 100 MB/s for 20 s must never be held up by us, our memory must not grow with
 * it, and its log must stay bounded on disk.
 */
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { maxDiskMb, maxGrownMiB, SupervisorLoad } from '../test/support/supervisorLoad';
import { runBench } from './support/bench';
import { printTable } from './support/figures';

const megabytesPerSecond = 100;

runBench(async (bench) => {
  if (process.platform === 'win32') {
    console.log('skipped: the runners of this bench are started by a POSIX shell');
    return;
  }
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'robo-bench-')));
  const load = new SupervisorLoad(folder);
  bench.defer(async () => {
    await load.end();
    rmSync(folder, { recursive: true, force: true });
  });
  const rounds = bench.isShort ? 30 : 1000;
  // The first rounds load what is loaded once.
  await load.startAndStop(10);
  const before = await load.held();
  const begun = performance.now();
  await load.startAndStop(rounds);
  const eachMs = (performance.now() - begun) / rounds;
  const after = await load.settled(before);
  const seconds = bench.isShort ? 3 : 20;
  const flood = await load.flood(megabytesPerSecond, seconds);
  printTable(
    ['', 'figure'],
    [
      [`${rounds} starts and stops, each, ms`, eachMs.toFixed(0)],
      ['descriptors before and after', `${before.descriptors ?? '-'} ${after.descriptors ?? '-'}`],
      ['handles and timers before and after', `${before.resources} ${after.resources}`],
      ['processes left', String(after.children)],
      ['files left', after.files.join(' ') || 'none'],
      ['flood, MB/s', ((flood.megabytes / flood.tookMs) * 1000).toFixed(0)],
      ['  longest write of 1 MB, ms', flood.longestWriteMs.toFixed(0)],
      ['  most on disk, MB', flood.diskPeakMb.toFixed(0)],
      ['  growth of our memory, MiB', flood.grownMiB.toFixed(0)],
    ],
  );
  if (JSON.stringify(after) !== JSON.stringify(before)) {
    throw new Error(`left over: ${JSON.stringify(after)}, before: ${JSON.stringify(before)}`);
  }
  if (flood.diskPeakMb > maxDiskMb || flood.grownMiB > maxGrownMiB) {
    throw new Error(`the flood took ${flood.diskPeakMb} MB on disk, ${flood.grownMiB} MiB here`);
  }
  if (flood.tookMs > 1500 * seconds) {
    throw new Error(`the flood was held up: ${seconds} s of output took ${flood.tookMs} ms`);
  }
});
