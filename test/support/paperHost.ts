/**
 * Trades on a paper book without a pause, until it is killed: `FILE SEED`. Prints one letter when
 * the book is open, and a line for each fill after it was said.
 */
import { BookStore } from '../../src/trading/bookStore';
import { PaperBook } from '../../src/trading/paperBook';
import { FakeClock } from './fakeClock';
import { barsUpTo, paperRules, seeded } from './paper';
import { printSync } from './printSync';

const [, , file = '', seed = '1'] = process.argv;
const random = seeded(Number(seed));
// Each life begins later than the one before, as lives do.
const clock = new FakeClock(Date.parse('2026-11-20T15:00:00Z') + Number(seed) * 86_400_000 * 400);
const opening = { kind: 'opened', atMs: clock.now(), cash: 100_000_000_000 } as const;
const paper = new PaperBook(BookStore.open(file, opening), paperRules, {
  clock,
  say: (event) => {
    if (event.event === 'fill') {
      printSync(`${JSON.stringify([event.symbol, event.side, event.quantity, event.cash])}\n`);
    }
  },
});
printSync('open\n');
for (;;) {
  paper.beginCycle();
  for (const symbol of ['A', 'B', 'C', 'D', 'E', 'F']) {
    const price = 50 + Math.round(random() * 400) / 100;
    const signal = random() < 0.5 ? 1 : -1;
    const bars = barsUpTo(clock.now(), paperRules.barMs, [price, price]);
    paper.take({ symbol, bars, signal, reason: 'told', isMarketClosed: false });
  }
  paper.endCycle();
  clock.jumpWall(paperRules.barMs);
}
