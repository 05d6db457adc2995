import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { StockContract } from '../../src/ibkr/marketData';
import { MarketByMinute, marketOf } from '../../src/ibkr/symbolMarket';
import type { RunnerFact } from '../../src/diagnostics/runnerFacts';
import { runnerStatus } from '../../src/runner/runnerStatus';
import { quietLimitMs } from '../../src/runner/standstill';
import { living, said, startedAtMs } from '../support/runnerKnowledge';

const apple: StockContract = {
  conId: 1,
  symbol: 'AAPL',
  exchange: 'SMART',
  primaryExchange: 'NASDAQ',
  currency: 'USD',
  longName: 'APPLE INC',
  timeZoneId: 'US/Eastern',
  tradingHours: '',
  liquidHours: '20261123:0930-20261123:1600;20261124:0930-20261124:1200',
};
const none = new Map<string, StockContract>();
const told = new Map([[apple.symbol, apple]]);

function stateAt(at: string, symbols: readonly string[], contracts = none): string {
  return marketOf(symbols, contracts, Date.parse(at)).state;
}

describe('the market of some symbols', () => {
  it('is that of the US stock exchanges for what looks like their stocks', () => {
    assert.equal(stateAt('2026-11-23T15:00:00Z', ['AAPL', 'BRK B']), 'open');
    assert.equal(stateAt('2026-11-23T21:30:00Z', ['AAPL']), 'closed');
    assert.equal(stateAt('2026-11-26T15:00:00Z', ['AAPL']), 'closed', 'Thanksgiving');
    assert.equal(stateAt('2026-11-27T18:30:00Z', ['AAPL']), 'closed', 'an early close');
  });

  it('is unknown, never closed, for others and for none', () => {
    for (const symbols of [['ESZ6'], ['EUR.USD'], ['AAPL', '7203'], []]) {
      assert.equal(stateAt('2026-11-22T15:00:00Z', symbols), 'unknown');
    }
  });

  it("goes by TWS's own hours, and beyond them by the calendar", () => {
    assert.equal(stateAt('2026-11-24T17:30:00Z', ['AAPL'], told), 'closed');
    assert.equal(stateAt('2026-11-24T17:30:00Z', ['AAPL']), 'open');
    assert.equal(stateAt('2026-11-30T15:00:00Z', ['AAPL'], told), 'open');
  });

  it('is open where one of them is', () => {
    assert.equal(stateAt('2026-11-24T17:30:00Z', ['AAPL', 'MSFT'], told), 'open');
  });
});

describe('the market of some symbols, remembered', () => {
  /** Counts how often the contracts are looked at. */
  class Counted extends Map<string, StockContract> {
    looks = 0;

    override get(symbol: string): StockContract | undefined {
      this.looks += 1;
      return super.get(symbol);
    }
  }

  it('is read once a minute for each list, and anew when contracts have changed', () => {
    const contracts = new Counted();
    const market = new MarketByMinute();
    const noon = Date.parse('2026-11-24T17:30:00Z');
    const ask = (symbols: readonly string[], atMs: number) =>
      market.of(symbols, contracts, atMs).state;
    for (let second = 0; second < 60; second += 1) {
      assert.equal(ask(['AAPL'], noon + second * 1000), 'open');
      assert.equal(ask(['ESZ6'], noon + second * 1000), 'unknown');
    }
    assert.equal(contracts.looks, 2);
    contracts.set(apple.symbol, apple);
    market.forget();
    assert.equal(ask(['AAPL'], noon), 'closed', 'by its own hours');
    const close = Date.parse('2026-11-23T21:00:00Z');
    assert.equal(ask(['AAPL'], close - 1), 'open');
    assert.equal(ask(['AAPL'], close), 'closed', 'to the minute');
    assert.equal(ask(['AAPL'], close - 1), 'open', 'also when the clock goes back');
  });
});

describe('a runner that rests (law 7)', () => {
  // 20 November 2026 is a Friday; the runner has worked at 15:00 UTC, at ten in New York.
  const cycle: RunnerFact = { kind: 'cycle' };
  const restingAt = (now: number, symbols = ['AAPL']) => {
    const known = living({ says: said(cycle), lastLineMs: startedAtMs, now });
    const status = runnerStatus({ ...known, market: marketOf(symbols, none, now) });
    return [status.work, ...status.findings.map(({ guide }) => guide)];
  };
  const saturday = Date.parse('2026-11-21T15:00:00Z');
  const mondayOpen = Date.parse('2026-11-23T14:30:00Z');

  it('has stalled while its market is open', () => {
    assert.deepEqual(restingAt(startedAtMs + quietLimitMs + 60_000), ['stalled', 'runner_silent']);
  });

  it('is idle while its market is closed, and not where that is not known', () => {
    assert.deepEqual(restingAt(saturday), ['idle']);
    assert.deepEqual(restingAt(saturday, ['ESZ6']), ['stalled', 'runner_silent']);
  });

  it('is given the usual pause from the opening on', () => {
    assert.deepEqual(restingAt(mondayOpen + quietLimitMs), ['working']);
    assert.deepEqual(restingAt(mondayOpen + quietLimitMs + 1), ['stalled', 'runner_silent']);
  });
});
