import assert from 'node:assert/strict';
import { isoTime } from '../../src/core/clock';
import type { RunRow } from '../../src/daemon/historyRows';
import { RunLedger } from '../../src/daemon/runLedger';
import type { ExitEvidence } from '../../src/diagnostics/status';
import { runnerOf, stateOf } from '../support/historyFixtures';
import { recordAtMs } from '../support/statusRecords';

const exit: ExitEvidence = {
  at: isoTime(recordAtMs + 5000),
  code: 1,
  signal: null,
  how: 'by itself',
  lastLines: ['account DU1234567', 'y'.repeat(10_000)],
};
const redact = (text: string): string => text.replaceAll('DU1234567', '<account>');
const cycle = (afterMs: number): { kind: 'cycle'; at: string } => ({
  kind: 'cycle',
  at: isoTime(recordAtMs + afterMs),
});

const only = (rows: readonly RunRow[]): RunRow => {
  const [row, ...more] = rows;
  assert.ok(row !== undefined && more.length === 0, JSON.stringify(rows));
  return row;
};

describe('the ledger of runs', () => {
  let ledger: RunLedger;

  beforeEach(() => {
    ledger = new RunLedger(redact);
  });

  it('has one row a run, with the evidence of its end, redacted and cut', () => {
    const begun = only(ledger.take(stateOf('healthy', 0, [], [runnerOf()])));
    assert.deepEqual(JSON.parse(begun.command), ['python3', 'bot.py']);
    assert.deepEqual([begun.pid, begun.ended_at], [4711, null]);
    assert.deepEqual(ledger.take(stateOf('healthy', 10, [], [runnerOf()])), []);
    ledger.hear('/ws', [cycle(1000), cycle(2000)], recordAtMs + 3000);
    const gone = runnerOf({ state: 'exited', pid: null, exit });
    const ended = only(ledger.take(stateOf('healthy', 5000, [], [gone])));
    assert.deepEqual(
      [ended.pid, ended.cycles, ended.last_cycle_at, ended.ended_at, ended.exit_code, ended.how],
      [4711, 2, isoTime(recordAtMs + 2000), exit.at, 1, 'by itself'],
    );
    const lines = JSON.parse(ended.last_lines ?? '') as string[];
    assert.equal(lines[0], 'account <account>');
    assert.ok((lines[1] ?? '').length <= 300);
    assert.deepEqual(ledger.take(stateOf('healthy', 6000, [], [gone])), []);
  });

  it('has no end while the last lines are still being read', () => {
    const row = only(
      ledger.take(stateOf('healthy', 0, [], [runnerOf({ state: 'stopping', exit })])),
    );
    assert.equal(row.ended_at, null);
  });

  it('makes no run of a start that came to no process', () => {
    const failed = runnerOf({ state: 'exited', pid: null, startedAt: null });
    assert.deepEqual(ledger.take(stateOf('healthy', 0, [], [failed])), []);
  });

  it('turns signals into rows, at their own time where that is credible', () => {
    const rows = ledger.hear(
      '/ws',
      [
        { kind: 'signal', symbol: 'AAPL', signal: 'buy', price: 190.5, at: isoTime(recordAtMs) },
        { kind: 'signal', symbol: 'S'.repeat(500), signal: 'hold', at: '2126-01-01T00:00:00Z' },
      ],
      recordAtMs + 9,
    );
    assert.deepEqual(rows[0], {
      at: isoTime(recordAtMs),
      workspace: '/ws',
      symbol: 'AAPL',
      signal: 'buy',
      price: 190.5,
    });
    assert.equal(rows[1]?.at, isoTime(recordAtMs + 9));
    assert.equal(rows[1].price, null);
    assert.ok(rows[1].symbol.length <= 40);
  });

  it('closes a run as unseen when another one stands in its place', () => {
    ledger.take(stateOf('healthy', 0, [], [runnerOf()]));
    const next = runnerOf({ startedAt: isoTime(recordAtMs + 100), pid: 4712 });
    const rows = ledger.take(stateOf('healthy', 100, [], [next]));
    assert.deepEqual(
      rows.map(({ pid, how }) => [pid, how]),
      [
        [4711, 'unseen'],
        [4712, null],
      ],
    );
  });

  describe('that a dead daemon left open', () => {
    let left: RunRow;

    beforeEach(() => {
      const before = new RunLedger(redact);
      before.hear('/ws', [cycle(1000)], recordAtMs + 2000);
      left = only(before.take(stateOf('healthy', 2000, [], [runnerOf()])));
      ledger.adopt({ runs: [left], lastSeenAt: isoTime(recordAtMs + 2500) });
    });

    it('goes on, and counts no cycle twice that is read again', () => {
      assert.deepEqual(ledger.take(stateOf('unknown', 3000, [], [runnerOf()])), []);
      ledger.hear('/ws', [cycle(1000), cycle(3000)], recordAtMs + 3100);
      assert.equal(only(ledger.take(stateOf('healthy', 3100, [], [runnerOf()]))).cycles, 2);
    });

    it('ends unseen where nobody knows it any more, once the new daemon can tell', () => {
      assert.deepEqual(ledger.take(stateOf('connecting', 3000)), []);
      const over = only(ledger.take(stateOf('down', 3000)));
      assert.deepEqual([over.how, over.ended_at], ['unseen', isoTime(recordAtMs + 2500)]);
    });
  });
});
