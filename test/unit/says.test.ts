import assert from 'node:assert/strict';
import type { RunnerFact } from '../../src/diagnostics/runnerFacts';
import { hear, saysFindings, saysSymbols, saysWork } from '../../src/runner/says';
import { type Says, saysNothing } from '../../src/runner/saysState';
import { quietLimitMs, stallMs } from '../../src/runner/standstill';

const start = Date.parse('2026-11-20T15:00:00Z');
const many = Array.from({ length: 24 }, (_, index) => `S${String.fromCharCode(65 + index)}`);

function timedOut(symbol: string): RunnerFact {
  const text = `Failed to fetch data for ${symbol}: RetryError[<Future at 0x7f3 state=finished raised TimeoutError>]`;
  return { kind: 'fetch failed', symbol, errorClass: 'TimeoutError', text };
}

function refused(symbol: string): RunnerFact {
  const text = `Failed to fetch data for ${symbol}: RetryError[<Future at 0x7f3 state=finished raised RuntimeError>]`;
  return { kind: 'fetch failed', symbol, errorClass: 'RuntimeError', text };
}

function told(configured: readonly string[], ...facts: readonly RunnerFact[]): Says {
  return facts.reduce(
    (says, fact, index) => hear(says, fact, start + index),
    saysNothing(configured),
  );
}

function subjects(says: Says): readonly string[] {
  return saysFindings(says).map(({ subject }) => `${subject.kind}:${subject.name ?? ''}`);
}

describe('what a runner says', () => {
  it('makes one connection finding of 24 failing symbols', () => {
    const says = told(many, ...many.map(timedOut), ...many.map(timedOut));
    const [finding, ...others] = saysFindings(says);
    assert.deepEqual(others, []);
    assert.equal(finding?.subject.kind, 'connection');
    assert.equal(finding.count, 48);
    assert.match(finding.message, /all 24 symbols/);
    assert.equal(finding.guide, 'silent_handshake');
    assert.ok(finding.causes.reduce((sum, cause) => sum + cause.confidence, 0) <= 1);
    assert.equal(saysWork(says, start + 1000), 'failing');
  });

  it('keeps symbol findings while one symbol still works, and fails by the most', () => {
    const says = told(
      ['A', 'B', 'C'],
      { kind: 'fetch ok', symbol: 'A' },
      timedOut('B'),
      refused('C'),
    );
    assert.deepEqual(subjects(says), ['symbol:B', 'symbol:C']);
    assert.deepEqual(
      saysFindings(says).map(({ guide }) => guide),
      ['hist_timeout', 'no_secdef_200'],
    );
    assert.equal(saysWork(says, start + 1000), 'failing');
    const better = hear(says, { kind: 'fetch ok', symbol: 'B' }, start + 10);
    assert.equal(saysWork(better, start + 1000), 'working');
  });

  it('does not blame the connection while symbols have not been tried', () => {
    assert.deepEqual(subjects(told(['A', 'B', 'C'], timedOut('A'), timedOut('B'))), [
      'symbol:A',
      'symbol:B',
    ]);
  });

  it('judges an only symbol by how it failed', () => {
    assert.deepEqual(subjects(told(['A'], timedOut('A'))), ['connection:']);
    assert.deepEqual(subjects(told(['A'], refused('A'))), ['symbol:A']);
    assert.deepEqual(subjects(told([], timedOut('A'))), ['symbol:A'], 'nobody knows the others');
    assert.deepEqual(subjects(told([], timedOut('A'), timedOut('B'))), ['connection:']);
  });

  it('clears by success, counts since the last one, and takes a priced signal for one', () => {
    let says = told(['A', 'B'], timedOut('A'), timedOut('B'), timedOut('A'));
    says = hear(says, { kind: 'signal', symbol: 'B', signal: 'buy', price: 12.5 }, start + 100);
    assert.deepEqual(subjects(says), ['symbol:A']);
    assert.equal(saysFindings(says)[0]?.count, 2);
    says = hear(says, { kind: 'fetch ok', symbol: 'A', price: 3 }, start + 200);
    assert.deepEqual(subjects(says), []);
    assert.deepEqual(saysSymbols(says), [
      {
        symbol: 'A',
        lastFetchAt: '2026-11-20T15:00:00.200Z',
        lastFailureAt: '2026-11-20T15:00:00.002Z',
        failures: 0,
        price: 3,
        signal: null,
      },
      {
        symbol: 'B',
        lastFetchAt: '2026-11-20T15:00:00.100Z',
        lastFailureAt: '2026-11-20T15:00:00.001Z',
        failures: 0,
        price: 12.5,
        signal: 'buy',
      },
    ]);
  });

  it('takes a signal without a price for no success', () => {
    const says = told(['A'], timedOut('A'), {
      kind: 'signal',
      symbol: 'A',
      signal: 'hold',
      price: 0,
    });
    assert.deepEqual(subjects(says), ['connection:']);
  });

  it('blames data, not the handshake, after data has come', () => {
    const says = told(['A', 'B'], { kind: 'fetch ok', symbol: 'A' }, timedOut('A'), timedOut('B'));
    const [finding] = saysFindings(says);
    assert.equal(finding?.layer, 'data');
    assert.ok(finding.causes.every(({ id }) => !id.startsWith('silent')));
  });

  it('is one finding for a refused connection and its failing symbols, healed by ready', () => {
    const failed: RunnerFact = {
      kind: 'connection failed',
      errorClass: 'TimeoutError',
      text: 'API connection failed: TimeoutError()',
    };
    const says = told(['A'], failed, failed, timedOut('A'));
    assert.deepEqual(subjects(says), ['connection:']);
    assert.deepEqual(subjects(told(['A'], failed, failed, { kind: 'connected' })), []);
  });

  it('reads messages of TWS by their code', () => {
    const say = (code: number, text: string, symbol?: string): RunnerFact => ({
      kind: 'tws message',
      code,
      requestId: -1,
      text,
      ...(symbol === undefined ? {} : { symbol }),
    });
    const inUse = told(['A'], say(326, 'client id is already in use'), say(326, 'again'));
    assert.deepEqual(subjects(inUse), ['connection:']);
    assert.deepEqual(
      [saysFindings(inUse)[0]?.guide, saysFindings(inUse)[0]?.count],
      ['client_id_in_use_326', 2],
    );
    const good = told(['A'], say(2104, 'Market data farm connection is OK:usfarm'));
    assert.deepEqual(subjects(good), []);
    assert.equal(saysWork(good, start + 9), 'unknown');
    const cut = told(['A', 'B'], say(1100, 'lost'), timedOut('A'), timedOut('B'));
    assert.deepEqual(
      saysFindings(cut).map(({ guide }) => guide),
      ['upstream_lost_1100'],
    );
    assert.equal(saysWork(cut, start + 9), 'failing');
    const restored = hear(cut, say(1102, 'restored - data maintained.'), start + 20);
    assert.equal(saysWork(restored, start + 21), 'failing', 'restored is not verified');
    const verified = hear(restored, { kind: 'fetch ok', symbol: 'A' }, start + 30);
    assert.deepEqual(subjects(verified), ['symbol:B']);
    const unknownSymbol = told(['A', 'B'], say(200, 'No security definition', 'A'));
    assert.deepEqual(subjects(unknownSymbol), ['symbol:A']);
    assert.equal(saysFindings(unknownSymbol)[0]?.guide, 'no_secdef_200');
  });

  it('keeps an error until a cycle went by without one', () => {
    const error: RunnerFact = {
      kind: 'error',
      text: 'ZeroDivisionError',
      source: { file: 'a.py', line: 7 },
    };
    const once = told(['A'], error, error);
    assert.deepEqual(saysFindings(once)[0]?.source, { file: 'a.py', line: 7 });
    assert.equal(saysFindings(once)[0]?.count, 2);
    const cycle: RunnerFact = { kind: 'cycle' };
    assert.equal(saysFindings(told(['A'], error, cycle)).length, 1);
    assert.equal(saysFindings(told(['A'], error, cycle, cycle)).length, 0);
  });

  it('remembers a bounded number of troubles', () => {
    const errors = Array.from({ length: 500 }, (_, line): RunnerFact => {
      return { kind: 'error', text: 'x', source: { file: 'a.py', line } };
    });
    assert.ok(saysFindings(told([], ...errors)).length <= 20);
  });

  it('does not know of work before the runner has spoken of it', () => {
    assert.equal(saysWork(saysNothing(['A']), start), 'unknown');
    assert.equal(saysWork(told(['A'], { kind: 'tcp connected' }), start + 1), 'unknown');
  });

  it('has stalled only after the longest sleep that runners are known to take', () => {
    const worked = told(['A'], { kind: 'cycle' });
    assert.equal(saysWork(worked, start + quietLimitMs), 'working');
    assert.equal(saysWork(worked, start + quietLimitMs + 1), 'stalled');
    const asleep = hear(worked, { kind: 'waiting', forMs: 3_600_000, text: '' }, start + 5);
    assert.equal(saysWork(asleep, start + 5 + 3_600_000 + stallMs), 'working');
    assert.equal(saysWork(asleep, start + 5 + 3_600_000 + stallMs + 1), 'stalled');
  });

  it('believes a stated time, but none that lies ahead', () => {
    const late = told(['A'], { kind: 'cycle', at: '2026-11-20T14:00:00Z' });
    assert.equal(late.lastCycleMs, Date.parse('2026-11-20T14:00:00Z'));
    assert.equal(told(['A'], { kind: 'cycle', at: '2027-01-01T00:00:00Z' }).lastCycleMs, start);
  });
});
