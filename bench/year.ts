/**
 * Figure: a year at one endpoint, in the monitor's reducer and its judgement of the time of day:
 * nightly resets, restarts, weekly logins, sleeps of the machine, and real outages of every kind
 * whose truth is known. What it missed, what it paged for nothing, how long it took at the most.
 */
import { simulateYear, type YearResult } from '../test/support/simulatedYear';
import { runBench } from './support/bench';
import { printTable } from './support/figures';

const seed = 4;
const zones = ['America/New_York', 'Europe/Zurich', 'Asia/Hong_Kong'] as const;

runBench((bench) => {
  const days = bench.isShort ? 28 : 365;
  for (const zone of zones) {
    const result = simulateYear({ seed, days, zone });
    console.log(`\n${days} days of a TWS in ${zone}, seed ${seed}`);
    print(result);
  }
  const restartMinute = 4 * 60 + 10;
  const learned = simulateYear({
    seed,
    days: Math.min(days, 60),
    zone: 'America/New_York',
    outagesPerDay: 0,
    restartMinute,
  });
  console.log('\nTWS restarts itself at 04:10 every day and nobody has told Robo:');
  console.log(`  pages before it has learned that: ${learned.falsePages.length}`);
  return Promise.resolve();
});

function print(result: YearResult): void {
  const planned = Object.entries(result.planned).map(([kind, count]) => `${count} ${kind}`);
  console.log(`  planned: ${planned.join(', ')}`);
  console.log(
    `  real outages: ${result.outages}; began before a window and ran into it: ${result.ranIntoWindow}; began in one and outlived it: ${result.outlived}; over before its window: ${result.coveredByWindow}`,
  );
  console.log(
    `  outages missed: ${result.missed.length}, false pages: ${result.falsePages.length}, connections opened: ${result.connections}`,
  );
  for (const line of [...result.missed, ...result.falsePages].slice(0, 20)) {
    console.log(`    ${line}`);
  }
  printTable(
    ['real outage', 'paged', 'longest, s'],
    [...result.longestMs]
      .sort(([a], [b]) => a.localeCompare(b))
      .map(([kind, { count, longestMs }]) => [kind, String(count), (longestMs / 1000).toFixed(1)]),
  );
}
