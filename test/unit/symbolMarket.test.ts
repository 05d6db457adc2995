import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { StockContract } from '../../src/ibkr/marketData';
import { marketOf } from '../../src/ibkr/symbolMarket';
import type { RunnerFact } from '../../src/diagnostics/runnerFacts';
import { runnerStatus } from '../../src/runner/runnerStatus';
import { quietLimitMs } from '../../src/runner/says';
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

  it('is silent while its market is open', () => {
    assert.deepEqual(restingAt(startedAtMs + quietLimitMs + 60_000), ['silent', 'runner_silent']);
  });

  it('is idle while its market is closed, and not where that is not known', () => {
    assert.deepEqual(restingAt(saturday), ['idle']);
    assert.deepEqual(restingAt(saturday, ['ESZ6']), ['silent', 'runner_silent']);
  });

  it('is given the usual pause from the opening on', () => {
    assert.deepEqual(restingAt(mondayOpen + quietLimitMs), ['working']);
    assert.deepEqual(restingAt(mondayOpen + quietLimitMs + 1), ['silent', 'runner_silent']);
  });
});
