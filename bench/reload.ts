/**
 * Figure: the window of the real VS Code, the .vsix installed, is reloaded 100 times while a runner
 * works (`ROBO_BENCH_COUNT` for another number). The monitor, the runner and the one connection
 * must be the same all the time, by the process table, the records and TWS's own count; the bench
 * fails where they are not. Measured is how long a reload takes until the status bar says again
 * how TWS is, the longest pause of the runner, and what the monitor's memory comes to.
 */
import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { TraderWindow } from '../test/host/window/traderWindow';
import { runBench } from './support/bench';
import { ms, percentile, printTable, timed } from './support/figures';

runBench(async (bench) => {
  const count = Number(process.env['ROBO_BENCH_COUNT'] ?? (bench.isShort ? 1 : 100));
  const trader = await TraderWindow.open();
  bench.defer(() => trader.close());
  await trader.startTrading();
  const before = await trader.sight();
  const memoryBefore = residentMib(before.daemons[0]);
  const times: number[] = [];
  for (let index = 1; index <= count; index += 1) {
    times.push(await timed(() => trader.reload()));
    const now = await trader.sight();
    if (!isDeepStrictEqual(now, before)) {
      const [was, is] = [JSON.stringify(before), JSON.stringify(now)];
      throw new Error(`reload ${index} changed something: it was ${was}, it is ${is}`);
    }
  }
  console.log(
    `${count} reloads: monitor ${before.daemons.join()}, runner ${before.runners.join()}, ` +
      `${before.accepted} connection accepted, ${before.open} open, all the time`,
  );
  printTable(
    ['', 'p50', 'p95', 'max'],
    [
      ['until the status bar says it again, ms', ...figures(times)],
      ['between two cycles of the runner, ms', ...figures(pauses(trader.runnerLog))],
    ],
  );
  const memoryAfter = residentMib(before.daemons[0]);
  if (memoryBefore !== undefined && memoryAfter !== undefined) {
    console.log(`the monitor's memory: ${ms(memoryBefore)} MiB before, ${ms(memoryAfter)} after`);
  }
});

function figures(values: readonly number[]): readonly string[] {
  return [0.5, 0.95, 1].map((share) => ms(percentile(values, share)));
}

/** Milliseconds between the cycles that the runner has written down. */
function pauses(log: string): readonly number[] {
  const times = [...log.matchAll(/"cycle","at":(\d+)/g)].map(([, at]) => Number(at));
  return times.slice(1).map((at, index) => at - (times[index] ?? at));
}

/** Undefined where there is no /proc. */
function residentMib(pid: number | undefined): number | undefined {
  if (process.platform !== 'linux' || pid === undefined) {
    return undefined;
  }
  const kib = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kib) / 1024;
}
