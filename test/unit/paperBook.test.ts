import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { compacted, equityOf, replay } from '../../src/trading/book';
import { BookStore } from '../../src/trading/bookStore';
import type { TradingEvent } from '../../src/trading/events';
import { scaled, toDollars, toMicros } from '../../src/trading/money';
import { PaperBook } from '../../src/trading/paperBook';
import { judgePrice, type PaperRules } from '../../src/trading/paperRules';
import { FakeClock } from '../support/fakeClock';
import { barsUpTo, MemoryKeeper, paperRules } from '../support/paper';

const noon = Date.parse('2026-11-20T17:00:00Z');
const { barMs } = paperRules;

class Desk {
  readonly clock = new FakeClock(noon);
  readonly events: TradingEvent[] = [];
  readonly keeper = new MemoryKeeper();
  readonly paper: PaperBook;

  constructor(rules: Partial<PaperRules> = {}) {
    this.paper = new PaperBook(
      this.keeper,
      { ...paperRules, ...rules },
      { clock: this.clock, say: (event) => this.events.push(event) },
    );
    this.paper.beginCycle();
  }

  /** Takes bars of which the last begins `ago` milliseconds ago. @returns why nothing was filled */
  take(
    symbol: string,
    signal: 1 | 0 | -1,
    closes: readonly number[],
    { ago = 0, isMarketClosed = false } = {},
  ): string | undefined {
    const bars = barsUpTo(this.clock.now() - ago, barMs, closes);
    return this.paper.take({ symbol, bars, signal, reason: 'told', isMarketClosed });
  }

  get fills(): readonly TradingEvent[] {
    return this.events.filter(({ event }) => event === 'fill');
  }
}

describe('money of the paper book', () => {
  it('keeps every price of TWS exactly, in millionths', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9_000_000_000 }), (tenThousandths) => {
        const micros = toMicros(tenThousandths / 10_000);
        assert.equal(micros, tenThousandths * 100);
        assert.equal(toDollars(micros), tenThousandths / 10_000);
      }),
    );
    for (const bad of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1e12, 1e-9]) {
      assert.equal(toMicros(bad), undefined);
    }
  });

  it('scales without losing a digit, down for both signs', () => {
    assert.equal(scaled(9_007_199_254_740_991, 999_999, 1_000_000), 9_007_190_247_541_736);
    assert.equal(scaled(-10, 1, 3), -4);
    assert.equal(scaled(10, 1, 3), 3);
  });
});

describe('what the paper book believes', () => {
  const judge = (closes: readonly number[], last?: { barAtMs: number; price: number }): boolean =>
    judgePrice({ bars: barsUpTo(noon, barMs, closes), nowMs: noon }, last).ok;

  it('is a price near the last one, or one that a second bar confirms', () => {
    const last = { barAtMs: noon - barMs, price: 100_000_000 };
    assert.ok(judge([100, 110], last));
    assert.ok(!judge([100, 110.01], last));
    assert.ok(!judge([100, 89.99], last));
    // The bar before is the last one itself: no second witness.
    assert.ok(!judge([120, 120], last));
    const older = { ...last, barAtMs: noon - 2 * barMs };
    assert.ok(judge([120, 121], older));
    assert.ok(!judge([150, 120], older));
  });

  it('compares the first price of all with the bar before it', () => {
    assert.ok(judge([100]));
    assert.ok(judge([100, 105]));
    assert.ok(!judge([100, 50]));
  });

  it('is no price that is none, from the past or from the future', () => {
    for (const bad of [0, -5, Number.NaN, Number.POSITIVE_INFINITY]) {
      assert.ok(!judge([100, bad]));
    }
    assert.ok(!judgePrice({ bars: [], nowMs: noon }, undefined).ok);
    assert.ok(!judge([100, 100], { barAtMs: noon + 1, price: 100_000_000 }));
    const [bar = assert.fail()] = barsUpTo(noon, barMs, [100]);
    for (const impossible of [
      { ...bar, high: 99 },
      { ...bar, low: 101 },
    ]) {
      assert.ok(!judgePrice({ bars: [impossible], nowMs: noon }, undefined).ok);
    }
    const bars = barsUpTo(noon + 61_000, barMs, [100, 100]);
    assert.ok(!judgePrice({ bars, nowMs: noon }, undefined).ok);
  });
});

describe('the paper book', () => {
  it('buys 2 % of equity, sells the whole, and gives slippage to the market', () => {
    const desk = new Desk({ slippagePpm: 1000 });
    assert.equal(desk.take('AAPL', 1, [200, 200]), undefined);
    const { book } = desk.keeper;
    assert.deepEqual(book.positions.get('AAPL'), {
      quantity: 9,
      cost: 9 * 200_200_000,
      openedAtMs: noon,
    });
    desk.clock.jumpWall(barMs);
    assert.equal(desk.take('AAPL', -1, [200, 210]), undefined);
    assert.equal(desk.keeper.book.positions.size, 0);
    assert.equal(desk.keeper.book.realised, 9 * (209_790_000 - 200_200_000));
    assert.equal(desk.fills.length, 2);
  });

  it('trades a symbol once on a bar, whatever the strategy says', () => {
    const desk = new Desk();
    desk.take('AAPL', 1, [100, 100]);
    const why = desk.take('AAPL', -1, [100, 101]);
    assert.match(why ?? '', /traded on this bar already/);
    assert.equal(desk.take('AAPL', 1, [100, 101]), undefined);
    assert.equal(desk.fills.length, 1);
  });

  it('sells nothing short and buys nothing twice', () => {
    const desk = new Desk();
    assert.equal(desk.take('AAPL', -1, [100, 100]), undefined);
    desk.take('AAPL', 1, [100, 100]);
    desk.clock.jumpWall(barMs);
    assert.equal(desk.take('AAPL', 1, [100, 100]), undefined);
    assert.equal(desk.fills.length, 1);
  });

  it('fills on no stale, closed or impossible price', () => {
    const desk = new Desk();
    const ended = { ago: barMs + 300_001 };
    assert.match(desk.take('AAPL', 1, [100, 100], ended) ?? '', /ended 300 s ago/);
    assert.match(desk.take('AAPL', 1, [100, 100], { isMarketClosed: true }) ?? '', /closed/);
    assert.match(desk.take('AAPL', 1, [100, 150]) ?? '', /no second bar confirms/);
    assert.match(desk.take('AAPL', 1, [100, Number.NaN]) ?? '', /impossible/);
    assert.equal(desk.fills.length, 0);
    const other = new Desk();
    assert.equal(other.take('AAPL', 1, [100, 100], { ago: barMs + 300_000 }), undefined);
    assert.equal(other.fills.length, 1);
  });

  it('keeps its limits, which never keep a position from being sold', () => {
    const desk = new Desk({ maxOpenPositions: 2 });
    desk.take('A', 1, [100, 100]);
    desk.take('B', 1, [100, 100]);
    assert.match(desk.take('C', 1, [100, 100]) ?? '', /2 positions are open/);
    assert.match(new Desk().take('BRK', 1, [700_000, 700_000]) ?? '', /one share costs more/);
    desk.clock.jumpWall(barMs);
    desk.take('A', 0, [100, 91]);
    desk.take('B', 0, [100, 91]);
    desk.clock.jumpWall(barMs);
    desk.take('A', 0, [91, 82]);
    desk.take('B', 0, [91, 82]);
    // 40 shares that have lost 18 dollars each: 0.72 % of 100,000.
    assert.equal(desk.take('A', -1, [91, 82]), undefined);
    assert.match(desk.take('C', 1, [100, 100]) ?? '', /loss of the day has reached 0.5 %/);
    desk.clock.jumpWall(86_400_000);
    desk.paper.beginCycle();
    assert.equal(desk.take('C', 1, [100, 100]), undefined);
  });

  it('says no fill that is not kept, and says a broken disk once', () => {
    const desk = new Desk();
    desk.keeper.isBroken = true;
    assert.match(desk.take('AAPL', 1, [100, 100]) ?? '', /could not be written/);
    desk.paper.endCycle();
    assert.equal(desk.fills.length, 0);
    assert.equal(desk.keeper.book.positions.size, 0);
    const errors = desk.events.filter(({ event }) => event === 'error');
    assert.match(JSON.stringify(errors), /cannot be written \(no space left/);
    assert.equal(errors.length, 1);
    desk.keeper.isBroken = false;
    assert.equal(desk.take('AAPL', 1, [100, 100]), undefined);
    assert.equal(desk.fills.length, 1);
  });
});

describe('the journal', () => {
  const step = fc.record({
    symbol: fc.constantFrom('A', 'B', 'C', 'D'),
    signal: fc.constantFrom<(1 | 0 | -1)[]>(1, 0, -1),
    cents: fc.integer({ min: 1, max: 100_000 }),
    isSmooth: fc.boolean(),
    jumpMs: fc.constantFrom(0, 0, barMs, 3 * barMs, 86_400_000),
    endsCycle: fc.boolean(),
  });

  it('tells the same book exactly, whatever happened, also when it is compacted', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 120 }),
        fc.integer({ min: 0, max: 5000 }),
        (steps, slippagePpm) => {
          const desk = new Desk({ slippagePpm, maxPositionPpm: 300_000, maxOpenPositions: 3 });
          const { keeper, clock } = desk;
          for (const { symbol, signal, cents, isSmooth, jumpMs, endsCycle } of steps) {
            clock.jumpWall(jumpMs);
            const close = isSmooth ? (cents % 11) / 10 + 50 : cents / 100;
            desk.take(symbol, signal, [close, close]);
            if (endsCycle) {
              desk.paper.endCycle();
              desk.paper.beginCycle();
            }
            const { book } = keeper;
            assert.deepEqual(replay(keeper.journal), book);
            assert.ok(book.cash >= 0 && book.positions.size <= 3);
            assert.ok(Number.isSafeInteger(book.cash) && Number.isSafeInteger(equityOf(book)));
          }
          const { journal, book } = keeper;
          assert.deepEqual(replay(compacted(journal, book, clock.now())), book);
          const trades = journal.flatMap((entry) =>
            entry.kind === 'filled' ? [`${entry.symbol} ${entry.barAtMs}`] : [],
          );
          assert.equal(new Set(trades).size, trades.length, 'two fills on one bar');
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('paper.db', () => {
  const opening = { kind: 'opened', atMs: noon, cash: 100_000_000_000 } as const;
  let folder: string;
  let file: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'robo-paper-'));
    file = join(folder, 'deep', 'paper.db');
  });

  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  const withStore = <T>(use: (store: BookStore) => T): T => {
    const store = BookStore.open(file, opening);
    try {
      return use(store);
    } finally {
      store.close();
    }
  };

  const trade = (store: BookStore, clock = new FakeClock(noon)): TradingEvent[] => {
    const events: TradingEvent[] = [];
    const say = (event: TradingEvent): void => void events.push(event);
    const paper = new PaperBook(store, paperRules, { clock, say });
    paper.beginCycle();
    const bars = barsUpTo(clock.now(), barMs, [100, 100]);
    paper.take({ symbol: 'AAPL', bars, signal: 1, reason: 'told', isMarketClosed: false });
    paper.endCycle();
    return events;
  };

  it('is found again by the next run, which buys nothing twice', () => {
    const before = withStore((store) => {
      assert.ok(trade(store).some(({ event }) => event === 'fill'));
      return store.book;
    });
    withStore((store) => {
      assert.deepEqual(store.book, before);
      assert.deepEqual(replay(store.journal()), before);
      assert.ok(!trade(store).some(({ event }) => event === 'fill'));
    });
    const database = new DatabaseSync(file, { readOnly: true });
    const [fill] = database.prepare('SELECT symbol, side, quantity, price FROM fills').all();
    assert.deepEqual(
      { ...fill },
      { symbol: 'AAPL', side: 'buy', quantity: 20, price: 100_000_000 },
    );
    assert.equal(database.prepare('SELECT count(*) AS n FROM positions').get()?.['n'], 1);
    database.close();
  });

  it('keeps the cash that it was opened with', () => {
    withStore(trade);
    const store = BookStore.open(file, { ...opening, cash: 1 });
    assert.ok(store.book.cash > 1);
    store.close();
  });

  it('has one writer, and readers beside it', () => {
    withStore((store) => {
      trade(store);
      assert.throws(() => BookStore.open(file, opening), /in use by another runner.*robo ps/);
      const reader = new DatabaseSync(file, { readOnly: true });
      assert.equal(reader.prepare('SELECT count(*) AS n FROM fills').get()?.['n'], 1);
      reader.close();
    });
    withStore(() => undefined);
  });

  it('refuses a book that disagrees with its journal, is damaged or newer, and names the cure', () => {
    const cases: readonly (readonly [string, RegExp])[] = [
      ['UPDATE book SET cash = cash + 1', /does not agree with its own journal/],
      ['UPDATE positions SET quantity = 999', /does not agree with its own journal/],
      ["DELETE FROM journal WHERE kind = 'opened'", /does not agree with its own journal/],
      ["UPDATE journal SET entry = '{' WHERE kind = 'filled'", /does not agree/],
      ['PRAGMA user_version = 99', /newer Robo \(schema 99/],
    ];
    for (const [sql, words] of cases) {
      rmSync(join(folder, 'deep'), { recursive: true, force: true });
      withStore(trade);
      const database = new DatabaseSync(file);
      database.exec(sql);
      database.close();
      assert.throws(() => BookStore.open(file, opening), words);
      assert.throws(() => BookStore.open(file, opening), /--paper-db/, 'the lock was let go');
    }
    writeFileSync(file, 'no database at all, but long enough to be looked at '.repeat(40));
    assert.throws(() => BookStore.open(file, opening), /cannot be used/);
  });

  it('writes through no link', () => {
    withStore(trade);
    const link = join(folder, 'link.db');
    symlinkSync(file, link);
    assert.throws(() => BookStore.open(link, opening), /link or no file/);
  });

  it('leaves replaced prices out of a long journal, and stays the same book', () => {
    const clock = new FakeClock(noon);
    const last = withStore((store) => {
      trade(store, clock);
      const paper = new PaperBook(store, paperRules, { clock, say: () => undefined });
      for (let cycle = 1; cycle <= 2100; cycle += 1) {
        const bars = barsUpTo(noon, barMs, [100, 100 + (cycle % 50) / 100]);
        paper.take({ symbol: 'AAPL', bars, signal: 0, reason: 'told', isMarketClosed: false });
        paper.endCycle();
      }
      const journal = store.journal();
      assert.ok(journal.length < 200, `${journal.length} entries`);
      assert.deepEqual(replay(journal), store.book);
      return store.book;
    });
    withStore((store) => {
      assert.deepEqual(store.book, last);
      assert.equal(store.book.positions.get('AAPL')?.quantity, 20);
    });
  }).timeout(60_000);
});
