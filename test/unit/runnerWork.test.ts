import assert from 'node:assert/strict';
import { createFactReader } from '../../src/diagnostics/runnerReader';
import type { RunnerFact } from '../../src/diagnostics/runnerFacts';
import { workText } from '../../src/diagnostics/runnerWork';
import { marketOf } from '../../src/ibkr/symbolMarket';
import type { StockContract } from '../../src/ibkr/marketData';
import { runnerStatus } from '../../src/runner/runnerStatus';
import { hear } from '../../src/runner/says';
import { type Says, saysNothing } from '../../src/runner/saysState';
import { FakeClock } from '../support/fakeClock';
import { living } from '../support/runnerKnowledge';

const minute = 60_000;
const none = new Map<string, StockContract>();

/** A runner's life by a fake clock: what it prints, and how it is judged after each step. */
class Life {
  readonly clock: FakeClock;
  private readonly startedAtMs: number;
  private readonly read = createFactReader();
  private says: Says;
  private lastLineMs: number | null = null;

  /** @param startedAt ISO 8601 */
  constructor(
    startedAt: string,
    private readonly symbols: readonly string[] = ['AAPL', 'NVDA'],
  ) {
    this.startedAtMs = Date.parse(startedAt);
    this.clock = new FakeClock(this.startedAtMs);
    this.says = saysNothing(symbols);
  }

  async wait(ms: number): Promise<this> {
    await this.clock.advance(ms);
    return this;
  }

  print(...lines: readonly string[]): this {
    this.lastLineMs = this.clock.now();
    return this.hear(...lines.flatMap((line) => this.read(line)));
  }

  event(event: string, fields: Readonly<Record<string, unknown>> = {}): this {
    return this.print(JSON.stringify({ robo: 1, event, ...fields }));
  }

  cycle(nextInMs?: number, fields: Readonly<Record<string, unknown>> = {}): this {
    for (const symbol of this.symbols) {
      this.event('fetch', { symbol, ok: true, price: 10 });
    }
    return this.event('cycle', { ...fields, ...(nextInMs === undefined ? {} : { nextInMs }) });
  }

  get status() {
    const now = this.clock.now();
    const argv = ['python3', 'bot.py'];
    const { startedAtMs } = this;
    return runnerStatus(
      living({
        phase: {
          name: 'running',
          process: { pid: 1, startToken: 'b:1', argv, startedAtMs, isOurChild: true },
        },
        says: this.says,
        lastLineMs: this.lastLineMs,
        market: marketOf(this.symbols, none, now),
        now,
      }),
    );
  }

  get work(): string {
    return workText(this.status);
  }

  get guides(): readonly string[] {
    return this.status.findings.map(({ guide }) => guide);
  }

  private hear(...facts: readonly RunnerFact[]): this {
    this.says = facts.reduce((says, fact) => hear(says, fact, this.clock.now()), this.says);
    return this;
  }
}

// 23 November 2026 is a Monday; New York opens at 14:30 UTC and closes at 21:00.
const open = '2026-11-23T15:00:00Z';
const unknownMarket = ['ESZ6'];

describe('a runner is known to be working', () => {
  it('by the time that its last cycle gave for the next one, and a grace', async () => {
    const life = new Life(open).cycle(15_000);
    assert.equal((await life.wait(2 * minute + 15_000)).work, 'working');
    await life.wait(1);
    assert.equal(life.work, 'stalled');
    assert.deepEqual(life.guides, ['runner_silent'], 'its log stands');
    const slow = new Life(open).cycle(300_000);
    assert.equal((await slow.wait(7.5 * minute)).work, 'working');
    assert.equal((await slow.wait(1)).work, 'stalled');
    const heavy = new Life(open).cycle(15_000, { durationMs: 10 * minute });
    assert.equal((await heavy.wait(20 * minute)).work, 'working', 'its cycles take long');
    assert.equal((await heavy.wait(minute)).work, 'stalled');
  });

  it('by the rhythm of its cycles, else by the rule of five minutes', async () => {
    const once = new Life(open).cycle();
    assert.equal((await once.wait(5 * minute)).work, 'working');
    assert.equal((await once.wait(1)).work, 'stalled');
    const often = new Life(open);
    for (let cycle = 0; cycle < 4; cycle += 1) {
      (await often.wait(8 * minute)).cycle();
    }
    assert.equal((await often.wait(16 * minute)).work, 'working');
    assert.equal((await often.wait(1)).work, 'stalled');
    const [finding] = often.status.findings;
    assert.match(
      finding?.message ?? '',
      /16 min, longer than its cycles take, while its market is/,
    );
    assert.equal(finding?.severity, 'error');
  });

  it('by the pause that it announced, in the words of the trader too', async () => {
    const life = new Life(open)
      .print('Trading cycle complete. Equity: $100,000.00')
      .print('Waiting 5 minutes before next iteration...');
    assert.equal((await life.wait(10 * minute)).work, 'working');
    assert.equal((await life.wait(1)).work, 'stalled');
    const woken = new Life(open).event('waiting', { forMs: 60 * minute });
    await woken.wait(minute);
    woken.cycle();
    assert.equal((await woken.wait(6 * minute)).work, 'stalled', 'the pause was over');
  });

  it('not by its log: one that prints and finishes no cycle has stalled', async () => {
    const life = new Life(open).cycle(15_000);
    for (let at = 0; at < 6; at += 1) {
      (await life.wait(minute)).print('heartbeat', '2026-11-23 15:01 INFO still here');
    }
    assert.equal(life.work, 'stalled');
    assert.deepEqual(life.guides, ['runner_stalled']);
  });

  it('not by its fetches: one that fetches the same again and finishes no cycle has stalled', async () => {
    for (const first of [true, false]) {
      const life = new Life(open);
      if (!first) {
        life.cycle(15_000);
      }
      for (let at = 0; at < 10; at += 1) {
        (await life.wait(minute)).event('fetch', { symbol: 'AAPL', ok: true, price: 10 });
      }
      assert.equal(life.work, 'stalled');
      const [finding] = life.status.findings;
      assert.equal(finding?.guide, 'runner_stalled');
      assert.match(
        finding.message,
        first ? /no cycle since its start/ : /fetches, but has finished/,
      );
    }
  });

  it('by the symbols that a long cycle still comes to', async () => {
    const symbols = Array.from({ length: 26 }, (_, at) => `S${String.fromCharCode(65 + at)}`);
    const life = new Life(open, symbols);
    for (const symbol of symbols) {
      (await life.wait(minute / 2)).event('fetch', { symbol, ok: true, price: 10 });
      assert.equal(life.work, 'working');
    }
    assert.equal((await life.wait(6 * minute)).work, 'stalled');
  });

  it('not while it opens one connection after another', async () => {
    const life = new Life(open).cycle(15_000);
    const works: string[] = [];
    for (let round = 0; round < 8; round += 1) {
      await life.wait(minute);
      life.event('disconnected', { message: 'Peer closed connection.' });
      works.push(life.work);
      life.event('connected');
      works.push(life.work);
    }
    assert.deepEqual(works.slice(0, 2), ['failing', 'working']);
    assert.deepEqual([...new Set(works.slice(-6))], ['stalled']);
  });

  it('not at all where it says nothing that is understood, after the time of a start', async () => {
    const life = new Life(open).print('hello', 'buying lots of things');
    assert.equal(life.work, 'unknown');
    await life.wait(6 * minute);
    life.print('still buying');
    assert.equal(life.work, 'silent (says nothing that Robo understands)');
    assert.deepEqual(life.guides, []);
    const connected = new Life(open).event('connected');
    assert.match((await connected.wait(6 * minute)).work, /^silent/, 'a connection is no work');
  });
});

describe('a runner and the hours of its market', () => {
  const cases: readonly (readonly [string, string, string, string])[] = [
    // What, its last cycle, now, work
    ['the night', '2026-11-23T20:59:00Z', '2026-11-24T03:00:00Z', 'idle (market closed)'],
    ['the weekend', '2026-11-20T20:59:00Z', '2026-11-22T15:00:00Z', 'idle (market closed)'],
    ['Thanksgiving', '2026-11-25T20:59:00Z', '2026-11-26T16:00:00Z', 'idle (market closed)'],
    ['an early close', '2026-11-27T17:59:00Z', '2026-11-27T19:00:00Z', 'idle (market closed)'],
    ['before an early close', '2026-11-27T17:30:00Z', '2026-11-27T17:45:00Z', 'stalled'],
    ['pre-open', '2026-11-20T20:59:00Z', '2026-11-23T14:29:59Z', 'idle (market closed)'],
    ['just opened', '2026-11-20T20:59:00Z', '2026-11-23T14:31:00Z', 'working'],
    ['opened, it may sleep', '2026-11-20T20:59:00Z', '2026-11-23T15:05:00Z', 'working'],
    ['opened, it sleeps no more', '2026-11-20T20:59:00Z', '2026-11-23T15:06:00Z', 'stalled'],
    ['after the close', '2026-11-23T20:50:00Z', '2026-11-23T21:00:01Z', 'idle (market closed)'],
    ['in summer time', '2026-07-06T13:31:00Z', '2026-07-06T13:40:00Z', 'stalled'],
  ];
  for (const [what, last, now, work] of cases) {
    it(`${work}: ${what}`, async () => {
      const life = new Life(last).cycle();
      await life.wait(Date.parse(now) - Date.parse(last));
      assert.equal(life.work, work);
      assert.deepEqual(life.guides, work === 'stalled' ? ['runner_silent'] : []);
    });
  }

  it('wakes when it said it would: five minutes from the opening are enough then', async () => {
    const life = new Life('2026-11-20T20:59:00Z').cycle(300_000);
    await life.wait(Date.parse('2026-11-23T14:35:00Z') - Date.parse('2026-11-20T20:59:00Z'));
    assert.equal(life.work, 'working');
    assert.equal((await life.wait(1)).work, 'stalled');
  });

  it('works through a closed market where it does, and rests where it says so', async () => {
    const life = new Life('2026-11-22T15:00:00Z').cycle(300_000);
    assert.equal((await life.wait(minute)).work, 'working');
    life.print('Market is closed');
    assert.equal(life.work, 'idle (market closed)');
  });

  it('has no fault without data in a closed market, and one in an open one', async () => {
    const empty = ['AAPL', 'NVDA'].map(
      (name) => `${name}: Signal=0, Price=$0.00, No data available`,
    );
    const night = new Life('2026-11-22T15:00:00Z').print(...empty, ...empty, 'Cycle complete');
    assert.deepEqual(night.guides, []);
    assert.equal(night.work, 'working');
    const day = new Life(open).print(...empty, 'Cycle complete');
    assert.equal(day.work, 'working', 'once is no fault yet');
    (await day.wait(minute)).print(...empty, 'Cycle complete');
    assert.equal(day.work, 'failing (2 of 2 symbols)');
    assert.equal(day.status.findings[0]?.subject.kind, 'connection');
    day.print('AAPL: Signal=1, Price=$12.00, crossover');
    assert.equal(day.work, 'working (1 of 2 symbols failing)');
    assert.deepEqual(
      day.status.findings.map(({ subject }) => subject.name),
      ['NVDA'],
    );
  });

  it('has one bad ticker at night as by day, and rests when none has data then', () => {
    const noData = (symbol: string) => ({
      symbol,
      ok: false,
      error: 'TwsMessage',
      code: 162,
      message: 'HMDS query returned no data',
    });
    const night = new Life('2026-11-22T15:00:00Z').cycle().event('fetch', noData('NVDA'));
    assert.deepEqual(
      night.status.findings.map(({ subject, guide }) => [subject.name, guide]),
      [['NVDA', 'hist_no_data_162']],
    );
    assert.equal(night.work, 'working (1 of 2 symbols failing)');
    night.event('fetch', noData('AAPL'));
    assert.deepEqual([night.work, night.guides.length], ['working', 0]);
    const day = new Life(open).event('fetch', noData('AAPL')).event('fetch', noData('NVDA'));
    assert.equal(day.work, 'failing (2 of 2 symbols)');
  });

  it('may sleep where its hours are not known, unless it says when it goes on', async () => {
    const life = new Life(open, unknownMarket).cycle();
    assert.equal((await life.wait(35 * minute)).work, 'working');
    assert.equal((await life.wait(1)).work, 'stalled');
    const said = new Life(open, unknownMarket).cycle(15_000);
    assert.equal((await said.wait(3 * minute)).work, 'stalled');
  });
});

describe('the failures of a runner', () => {
  const symbols = Array.from({ length: 24 }, (_, at) => `S${String.fromCharCode(65 + at)}`);
  const failed = (symbol: string) => ({
    symbol,
    ok: false,
    error: 'TimeoutError',
    message: 'no answer within 30 s',
  });

  it('are counted in words, and a few of them are those of their symbols', () => {
    const life = new Life(open, symbols).cycle(15_000);
    life.event('fetch', failed('SB'));
    assert.equal(life.work, 'working (1 of 24 symbols failing)');
    assert.deepEqual(
      life.status.findings.map(({ subject }) => `${subject.kind} ${subject.name ?? ''}`),
      ['symbol SB'],
    );
    for (const symbol of symbols.slice(1, 14)) {
      life.event('fetch', failed(symbol));
    }
    assert.equal(life.work, 'failing (13 of 24 symbols)');
  });

  it('are the connection when every symbol fails, once, with a count', () => {
    const life = new Life(open, symbols).event('connected');
    for (let round = 0; round < 1000 / 24; round += 1) {
      for (const symbol of symbols) {
        life.event('fetch', failed(symbol));
      }
    }
    assert.equal(life.work, 'failing (24 of 24 symbols)');
    const [finding, ...others] = life.status.findings;
    assert.deepEqual(others, []);
    assert.equal(finding?.subject.kind, 'connection');
    assert.equal(finding.count, 42 * 24);
  });

  it('are one finding with a count for the same line a thousand times, and two for two', () => {
    const life = new Life(open);
    for (let at = 0; at < 1000; at += 1) {
      life.event('error', { message: `order book ${at} is empty` });
    }
    life.event('error', { message: 'disk quota' });
    assert.deepEqual(
      life.status.findings.map(({ count }) => count),
      [1000, 1],
    );
  });

  it('go stale: one that named its fault and then says nothing has stalled', async () => {
    const life = new Life(open).cycle(15_000).event('disconnected', { message: 'gone' });
    assert.equal((await life.wait(9 * minute)).work, 'failing');
    assert.equal((await life.wait(2 * minute)).work, 'stalled');
  });
});
