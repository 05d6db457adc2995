/**
 * Figure: how honest the confidences are. Cases are drawn from a model of what goes wrong and what
 * a machine shows of it (test/support/situationModel.ts, with its sources), diagnosed, and sorted
 * by the confidence of the answer: of the answers with about p, about p should be right.
 */
import { inconclusiveLimit } from '../src/diagnostics/ranking';
import { diagnoseConnection } from '../src/diagnostics/rules';
import { type Bin, calibrate } from '../test/support/calibration';
import { drawCases } from '../test/support/situationModel';
import { runBench } from './support/bench';
import { printTable } from './support/figures';

const seed = 3;

runBench((bench) => {
  const cases = drawCases(bench.isShort ? 4000 : 40_000, seed);
  const result = calibrate(cases, diagnoseConnection);
  console.log(`${cases.length} drawn cases, seed ${seed}`);
  console.log('\nthe first cause, where it names one');
  printBins(result.first);
  console.log(
    `\nthe same, held at ${inconclusiveLimit} because nothing proves it: claimed is the least`,
  );
  printBins(result.held);
  console.log('\nthe first cause, where it is an umbrella: claimed is its family as a whole');
  printBins(result.umbrella);
  console.log('\nevery cause that is listed');
  printBins(result.listed);
  console.log(
    `\nfirst cause right: ${percent(result.firstRight)}; mean distance of claim and truth: ${percent(result.error)}`,
  );
  console.log(
    `confident (0.7 or more): ${result.confident}, wrong: ${result.confidentWrong.length}`,
  );
  const kinds = new Map<string, number>();
  for (const wrong of result.confidentWrong) {
    const kind = wrong.replace(/ \d\.\d+/, '');
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  for (const [kind, count] of [...kinds].sort(([, a], [, b]) => b - a)) {
    console.log(`  ${count} x ${kind}`);
  }
  return Promise.resolve();
});

function printBins(bins: readonly Bin[]): void {
  printTable(
    ['confidence', 'answers', 'claimed', 'right'],
    bins.map(({ from, count, claimed, right }) => [
      `${from.toFixed(1)} to ${(from + 0.1).toFixed(1)}`,
      String(count),
      percent(claimed),
      percent(right),
    ]),
  );
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
