/**
 * Figures: a cycle of the built-in runner over 500 symbols costs at most 50 ms of CPU beyond
 * waiting for TWS, and memory stays flat over 10,000 cycles. The cycle is the real one, with the
 * real paper book on the disk and every event written as its line; only the bars come from memory
 * and time is made up. Beside it, without an aim: the same cycles against a simulated TWS, with all
 * that it costs to ask, receive and decode: the first one, which asks for whole bars, and later
 * ones, which ask for their end. And a bare socket that asks for the same and throws it away, which
 * is what no client can do without.
 */
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { devNull, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { type Clock, systemClock } from '../src/core/clock';
import type { Bar, BarRequest, MarketData, StockContract } from '../src/ibkr/marketData';
import { BookStore } from '../src/trading/bookStore';
import { type CycleDeps, runCycle } from '../src/trading/cycle';
import { eventLine } from '../src/trading/events';
import { KeptBars } from '../src/trading/keptBars';
import { marketHoursOf } from '../src/trading/marketHours';
import { openSession } from '../src/trading/openSession';
import { Pacer } from '../src/trading/pacer';
import { PaperBook } from '../src/trading/paperBook';
import type { PaperRules } from '../src/trading/paperRules';
import { smaCrossover } from '../src/trading/strategy';
import { StrategyRun } from '../src/trading/strategyRun';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { stockContract } from '../test/support/contracts';
import { bareBars } from './support/bareBars';
import { type Bench, runBench } from './support/bench';
import { median, ms, percentile, printTable } from './support/figures';
import { SimulatedTws } from './support/simulatedTws';

const symbolCount = 500;
/** The simulated market never closes: three days have as many half hours as ten of a real one. */
const simulatedDuration = '3 D';
/** Ten days of half hours. */
const barCount = 130;
const barMs = 1_800_000;
const intervalMs = 300_000;
const aimMs = 50;
/** Pacing makes a cycle last 12 s of the made-up time. */
const longestCycleMs = 60_000;
/** How often the heap is looked at. */
const samples = 50;
/** More than this after the first tenth is growth, not warming up. MiB. */
const maxGrowthMiB = 20;
const request = { duration: '10 D', barSize: '30 mins', regularHoursOnly: true };
const rules: PaperRules = {
  slippagePpm: 100,
  maxPositionPpm: 20_000,
  maxDailyLossPpm: 5_000,
  maxOpenPositions: 20,
  freshMs: intervalMs,
  barMs,
};

/** Begins on a Friday morning in New York. */
class BenchClock implements Clock {
  private elapsedMs = 0;
  private readonly startMs = Date.parse('2026-11-20T15:00:00Z');

  now(): number {
    return this.startMs + this.elapsedMs;
  }

  monotonicMs(): number {
    return this.elapsedMs;
  }

  /** Nobody waits: whoever sets a timer is called on the next turn, at that time. */
  setTimer(delayMs: number, action: () => void): { cancel(): void } {
    const due = this.elapsedMs + delayMs;
    const handle = setImmediate(() => {
      this.elapsedMs = Math.max(this.elapsedMs, due);
      action();
    });
    return { cancel: () => clearImmediate(handle) };
  }

  advance(byMs: number): void {
    this.elapsedMs += byMs;
  }
}

/** Slow waves, another one for each symbol, so that averages cross now and then. */
function price(symbol: number, bar: number): number {
  const wave = Math.sin((bar + symbol * 7) / (9 + (symbol % 13)));
  return Math.round((50 + (symbol % 90) + wave * 3) * 100) / 100;
}

class MemoryMarket implements MarketData {
  private series: readonly (readonly Bar[])[] = [];

  /** Makes the bars that all symbols have at a time; the newest one is still running. */
  prepare(nowMs: number): void {
    const last = Math.floor(nowMs / barMs);
    this.series = Array.from({ length: symbolCount }, (_, symbol) =>
      Array.from({ length: barCount }, (__, index) => {
        const bar = last - barCount + 1 + index;
        const at = index === barCount - 1 ? nowMs / barMs : bar + 1;
        const close = price(symbol, at);
        return { timeMs: bar * barMs, open: close, high: close, low: close, close, volume: 1 };
      }),
    );
  }

  stockContract(symbol: string): ReturnType<MarketData['stockContract']> {
    const value = stockContract(symbol, Number(symbol.slice(1)));
    return Promise.resolve({ ok: true, value, roundTripMs: 1 });
  }

  bars({ conId }: StockContract, { duration }: BarRequest): ReturnType<MarketData['bars']> {
    const bars = this.series[conId] ?? [];
    const seconds = duration.endsWith(' S') ? Number.parseInt(duration, 10) : undefined;
    const value = seconds === undefined ? bars : bars.slice(-1 - (seconds * 1000) / barMs);
    return Promise.resolve({ ok: true, value, roundTripMs: 1 });
  }
}

interface Desk {
  readonly paper: PaperBook;
  readonly deps: CycleDeps;
  readonly said: Map<string, number>;
}

function openDesk(bench: Bench, marketData: MarketData, clock: Clock, asking: BarRequest): Desk {
  const folder = mkdtempSync(join(tmpdir(), 'robo-bench-'));
  const sink = openSync(devNull, 'w');
  const said = new Map<string, number>();
  const say: CycleDeps['say'] = (event) => {
    said.set(event.event, (said.get(event.event) ?? 0) + 1);
    writeSync(sink, eventLine(event, clock.now()));
  };
  const opening = { kind: 'opened', atMs: clock.now(), cash: 100_000_000_000 } as const;
  const paper = new PaperBook(BookStore.open(join(folder, 'paper.db'), opening), rules, {
    clock,
    say,
  });
  bench.defer(() => {
    paper.close();
    closeSync(sink);
    rmSync(folder, { recursive: true, force: true });
  });
  const deps: CycleDeps = {
    marketData,
    pacer: new Pacer(clock),
    say,
    strategy: new StrategyRun((bars) => smaCrossover(bars), say, clock),
    paper,
    market: marketHoursOf(),
    now: () => clock.now(),
    isOnce: false,
    contracts: new Map(),
    request: asking,
    kept: new KeptBars(asking),
    signal: new AbortController().signal,
  };
  return { paper, deps, said };
}

async function cpuOfCycle(desk: Desk, symbols: readonly string[]): Promise<number> {
  const before = process.cpuUsage();
  const { failed, closed } = await runCycle(symbols, desk.deps);
  desk.paper.endCycle();
  const { user, system } = process.cpuUsage(before);
  if (failed + closed > 0) {
    throw new Error(`${failed} symbols failed, ${closed} were closed`);
  }
  return (user + system) / 1000;
}

runBench(async (bench) => {
  const cycles = bench.isShort ? 300 : 10_000;
  const collectGarbage = garbageCollector();
  const clock = new BenchClock();
  const market = new MemoryMarket();
  const desk = openDesk(bench, market, clock, request);
  const symbols = Array.from({ length: symbolCount }, (_, index) => `S${index}`);
  const cpu: number[] = [];
  const heap: number[] = [];
  for (let cycle = 0; cycle < cycles; cycle += 1) {
    market.prepare(clock.now());
    cpu.push(await cpuOfCycle(desk, symbols));
    nextCycle(clock, desk.deps);
    if (cycle % Math.ceil(cycles / samples) === 0) {
      await turn();
      collectGarbage();
      heap.push(process.memoryUsage().heapUsed / 1_048_576);
    }
  }
  // The first ones compile the code and ask for the contracts.
  const warm = cpu.slice(20);
  console.log(
    `${cycles} cycles over ${symbolCount} symbols, ${barCount} bars each; CPU ms a cycle`,
  );
  printTable(
    ['', 'p50', 'p95', 'first'],
    [['cycle, book and events', ms(median(warm)), ms(percentile(warm, 0.95)), ms(cpu[0] ?? 0)]],
  );
  console.log(`  said: ${[...desk.said].map(([name, count]) => `${name} ${count}`).join(', ')}`);
  const growth = growthOf(heap);
  console.log(
    `  aim: ${aimMs} ms; ${median(warm) <= aimMs ? 'reached' : 'not reached'}. Heap after the first tenth and at the end: ${growth.map((value) => value.toFixed(1)).join(' and ')} MiB, ${(slopeOf(heap) * samples).toFixed(2)} MiB more by a line through all of it`,
  );
  await showWithTws(bench);
  if (median(warm) > aimMs) {
    throw new Error(`a cycle costs ${ms(median(warm))} ms of CPU`);
  }
  const [early = 0, late = 0] = growth;
  if (late > early + maxGrowthMiB) {
    throw new Error('memory grows with the cycles');
  }
});

/** Empties the heap of what nobody holds: what is left is what is kept. */
function garbageCollector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}

/** By how much a line through the values after the first tenth rises from one to the next. */
function slopeOf(values: readonly number[]): number {
  const kept = values.slice(Math.ceil(values.length / 10));
  const middle = (kept.length - 1) / 2;
  const mean = kept.reduce((sum, value) => sum + value, 0) / kept.length;
  const rise = kept.reduce((sum, value, index) => sum + (index - middle) * (value - mean), 0);
  const run = kept.reduce((sum, _, index) => sum + (index - middle) ** 2, 0);
  return rise / run;
}

/** Five minutes on; from a close, or shortly before, to the next opening at once. */
function nextCycle(clock: BenchClock, { market, contracts }: CycleDeps): void {
  const isClosed = (atMs: number): boolean => market('S0', contracts, atMs) === 'closed';
  do {
    clock.advance(intervalMs);
  } while (isClosed(clock.now() + longestCycleMs) || isClosed(clock.now()));
}

/** The least that the heap held in the second tenth and in the last one: garbage comes on top. */
function growthOf(heap: readonly number[]): readonly number[] {
  const tenth = Math.max(1, Math.floor(heap.length / 10));
  return [Math.min(...heap.slice(tenth, 2 * tenth + 1)), Math.min(...heap.slice(-tenth - 1))];
}

async function showWithTws(bench: Bench): Promise<void> {
  const tws = await SimulatedTws.start(bench);
  const signal = new AbortController().signal;
  const opened = await openSession({ endpoint: tws.endpoint, clientId: 123 }, systemClock, signal);
  if (!opened.ok) {
    throw new Error(opened.sentence);
  }
  bench.defer(() => {
    opened.session.close();
  });
  // One cycle of each when short: IBKR's pacing holds the same question back for 15 s.
  const count = bench.isShort ? 60 : symbolCount;
  const asking = { ...request, duration: simulatedDuration };
  const desk = openDesk(bench, opened.session.marketData, systemClock, asking);
  const withTws = { ...desk, deps: { ...desk.deps, isOnce: true } };
  const symbols = Array.from({ length: count }, (_, index) => symbolOf(index));
  const whole: number[] = [];
  for (let cycle = 0; cycle < (bench.isShort ? 1 : 3); cycle += 1) {
    desk.deps.kept.forgetAll();
    whole.push(await cpuOfCycle(withTws, symbols));
  }
  const tails: number[] = [];
  const seconds: number[] = [];
  for (let cycle = 0; cycle < (bench.isShort ? 1 : 8); cycle += 1) {
    const from = performance.now();
    tails.push(await cpuOfCycle(withTws, symbols));
    seconds.push((performance.now() - from) / 1000);
  }
  const contract = desk.deps.contracts.get(symbols[0] ?? '');
  const tail = contract && desk.deps.kept.tailFor(contract, systemClock.now());
  const floors = [
    await bareBars(tws.endpoint, count, simulatedDuration),
    await bareBars(tws.endpoint, count, tail?.duration ?? simulatedDuration),
  ];
  console.log(
    `  ${count} symbols with TWS simulated in another process; CPU ms a cycle, asking, receiving and decoding included`,
  );
  printTable(
    ['', 'asked', 'CPU', 'bare socket', 'seconds'],
    [
      ['first', simulatedDuration, ms(median(whole.slice(-2))), ms(floors[0] ?? 0), ''],
      [
        'later',
        tail?.duration ?? '',
        ms(median(tails)),
        ms(floors[1] ?? 0),
        median(seconds).toFixed(1),
      ],
    ],
  );
}

/** `SAA`, `SAB` …: none that the simulator does not know. */
function symbolOf(index: number): string {
  const letter = (value: number): string => String.fromCharCode(65 + (value % 26));
  return `S${letter(Math.floor(index / 26))}${letter(index)}`;
}
