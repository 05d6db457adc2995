/**
 * Figure: `kill -9` of the daemon, the runner, a window and TWS at random moments, 500 times, one
 * to three in a row. What must never be (two daemons, two runners, two sessions, a lost or torn
 * record) is looked for from the outside every 10 ms, and how long it takes after the restart
 * until everything is right is measured. The bench fails on any of the former, and in its long
 * form where the latter takes longer than 2 s. `ROBO_BENCH_SEED` plays another storm.
 */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KillStorm, type Victim } from '../test/support/killStorm';
import { type Bench, projectRoot, runBench } from './support/bench';
import { ms, percentile, printTable } from './support/figures';

const maxRightMs = 2000;

runBench(async (bench) => {
  if (process.platform !== 'linux') {
    console.log('skipped: the outside view comes from /proc, which this system does not have');
    return;
  }
  const kills = bench.isShort ? 4 : 500;
  const seed = Number(process.env['ROBO_BENCH_SEED'] ?? '4');
  const storm = await KillStorm.start(seed, distCopy(bench));
  bench.defer(async () => storm.end());
  while (storm.killCount < kills) {
    await storm.round();
  }
  await storm.judgeRecords();
  show(storm, seed);
  const late = storm.rounds.filter(({ rightAfterMs }) => rightAfterMs > maxRightMs);
  const { violations } = storm.observer;
  if (violations.length > 0 || (late.length > 0 && !bench.isShort)) {
    throw new Error(`${violations.length} violations, ${late.length} rounds later than 2 s`);
  }
});

/** A build in these minutes must not change what is measured. */
function distCopy(bench: Bench): string {
  const folder = mkdtempSync(join(tmpdir(), 'robo-bench-'));
  bench.defer(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  cpSync(join(projectRoot, 'dist'), folder, { recursive: true });
  return folder;
}

function show(storm: KillStorm, seed: number): void {
  const { kills, rounds, observer } = storm;
  const counts = Object.entries(kills).map(([victim, count]) => `${count} ${victim}`);
  console.log(`${storm.killCount} kills (${counts.join(', ')}), seed ${seed}`);
  console.log(`${observer.looks} looks from the outside, ${observer.violations.length} violations`);
  observer.violations.forEach((violation) => {
    console.log(`    ${violation}`);
  });
  const { shownIncidents, shownRuns } = observer;
  console.log(`${shownIncidents.size} incidents and ${shownRuns.size} runs were shown`);
  printTable(
    ['killed', 'rounds', 'right after p50, ms', 'p95', 'max'],
    [...groups(rounds)].map(([name, times]) => [
      name,
      String(times.length),
      ...[0.5, 0.95, 1].map((share) => ms(percentile(times, share))),
    ]),
  );
}

/** One kind alone, several in a row, and all. */
function groups(rounds: KillStorm['rounds']): ReadonlyMap<string, readonly number[]> {
  const alone: readonly Victim[] = ['daemon', 'runner', 'window', 'simulator'];
  const of = (accept: (victims: readonly Victim[]) => boolean): readonly number[] =>
    rounds.filter(({ victims }) => accept(victims)).map(({ rightAfterMs }) => rightAfterMs);
  return new Map([
    ...alone.map(
      (victim) =>
        [victim, of(([first, ...more]) => first === victim && more.length === 0)] as const,
    ),
    ['several in a row', of(({ length }) => length > 1)],
    ['all', of(() => true)],
  ]);
}
