import assert from 'node:assert/strict';
import type { IncidentRow } from '../../src/daemon/historyRows';
import { IncidentLedger } from '../../src/daemon/incidentLedger';
import type { Finding } from '../../src/diagnostics/finding';
import { findingOf, runnerOf, stateOf } from '../support/historyFixtures';

const only = (rows: readonly IncidentRow[]): IncidentRow => {
  const [row, ...more] = rows;
  assert.ok(row !== undefined && more.length === 0, JSON.stringify(rows));
  return row;
};

describe('the ledger of incidents', () => {
  let ledger: IncidentLedger;

  beforeEach(() => {
    ledger = new IncidentLedger();
  });

  it('opens one the moment that health is down, before anybody knows why', () => {
    const row = only(ledger.take(stateOf('down', 1000), false));
    assert.equal(row.since, '2026-11-20T15:00:01.000Z');
    assert.equal(row.until, null);
    assert.equal(row.cause, null);
    assert.equal(row.notified_at, null);
  });

  it('is one row through every diagnosis until health is back, with its duration', () => {
    const opened = only(ledger.take(stateOf('down', 0), true));
    assert.equal(opened.notified_at, '2026-11-20T15:00:00.000Z');
    const named = only(ledger.take(stateOf('down', 10, [findingOf('silent_handshake')]), true));
    assert.equal(named.cause, 'silent_handshake');
    assert.equal(named.layer, 'hello');
    assert.equal(named.notified_at, opened.notified_at);
    const other = only(ledger.take(stateOf('down', 20, [findingOf('silent_accept_dialog')]), true));
    assert.equal(other.cause, 'silent_accept_dialog');
    assert.deepEqual(ledger.take(stateOf('connecting', 30), false), []);
    assert.deepEqual(ledger.take(stateOf('degraded', 40), false), []);
    const over = only(ledger.take(stateOf('healthy', 60_000), false));
    for (const row of [named, other, over]) {
      assert.equal(row.incident_key, opened.incident_key);
    }
    assert.deepEqual(
      [over.until, over.ending, over.duration_ms, over.cause],
      ['2026-11-20T15:01:00.000Z', 'seen', 60_000, 'silent_accept_dialog'],
    );
  });

  it('writes nothing for the same diagnosis again', () => {
    ledger.take(stateOf('down', 0, [findingOf('port_refused')]), true);
    const again = { ...findingOf('port_refused'), message: 'For 30 s now.', count: 2 };
    assert.deepEqual(ledger.take(stateOf('down', 30_000, [again]), true), []);
  });

  it('opens another one for an outage after a recovery', () => {
    const first = only(ledger.take(stateOf('down', 0), true));
    ledger.take(stateOf('healthy', 1000), false);
    const second = only(ledger.take(stateOf('down', 2000), true));
    assert.notEqual(second.incident_key, first.incident_key);
  });

  it('leaves warnings, symbols and known windows alone', () => {
    const warning = findingOf('farm_broken_2103', { kind: 'connection' }, 'warning');
    const symbol = findingOf('no_secdef_200', { kind: 'symbol', name: 'ABCD' });
    assert.deepEqual(ledger.take(stateOf('degraded', 0, [warning, symbol]), false), []);
    assert.deepEqual(
      ledger.take(stateOf('expected', 0, [findingOf('upstream_lost_1100')]), false),
      [],
    );
    assert.equal(
      only(ledger.take(stateOf('down', 10, [findingOf('upstream_lost_1100')]), true)).until,
      null,
    );
  });

  it('keeps runner and connection apart, and ends that of a runner when it is no more', () => {
    const fall = findingOf('runner_exited', { kind: 'runner', name: '/ws' });
    const both = ledger.take(stateOf('down', 0, [], [runnerOf({ findings: [fall] })]), true);
    assert.deepEqual(
      both.map((row) => [row.subject_kind, row.subject_name]),
      [
        ['connection', null],
        ['runner', '/ws'],
      ],
    );
    const over = only(ledger.take(stateOf('down', 5000, [], [runnerOf()]), true));
    assert.deepEqual([over.subject_kind, over.ending], ['runner', 'seen']);
  });

  it("takes a runner's trouble with the connection as one with the connection's own", () => {
    const told = findingOf('silent_handshake');
    const first = only(
      ledger.take(stateOf('healthy', 0, [], [runnerOf({ findings: [told] })]), false),
    );
    assert.equal(first.subject_kind, 'connection');
    const same = ledger.take(stateOf('down', 10, [told], [runnerOf({ findings: [told] })]), true);
    assert.equal(only(same).incident_key, first.incident_key);
    const over = only(ledger.take(stateOf('healthy', 90), false));
    assert.equal(over.duration_ms, 90);
  });

  it('keeps of a diagnosis what is bounded, as JSON', () => {
    const evidence = Array.from({ length: 100 }, () => ({
      kind: 'log' as const,
      source: 'TWS',
      at: '2026-11-20T15:00:00.000Z',
      text: 'x'.repeat(10_000),
    }));
    const flood = Array.from({ length: 50 }, () => ({ ...findingOf('port_refused'), evidence }));
    const row = only(ledger.take(stateOf('down', 0, flood), true));
    assert.ok(row.findings.length < 20_000, String(row.findings.length));
    const [kept] = JSON.parse(row.findings) as Finding[];
    assert.equal(kept?.causes[0]?.id, 'port_refused');
  });
});

describe('an incident that a dead daemon left open', () => {
  const lastSeenAt = '2026-11-20T14:50:00.000Z';
  const left: IncidentRow = {
    ...only(
      new IncidentLedger().take(stateOf('down', -3_600_000, [findingOf('silent_handshake')]), true),
    ),
  };
  let ledger: IncidentLedger;

  beforeEach(() => {
    ledger = new IncidentLedger();
    ledger.adopt({ incidents: [left], lastSeenAt });
    assert.deepEqual(ledger.take(stateOf('connecting', 0), false), []);
  });

  it('goes on where the same trouble is still there, and says how long nobody watched', () => {
    assert.deepEqual(ledger.take(stateOf('down', 3000), true), [], 'not before it has a name');
    const on = only(ledger.take(stateOf('down', 3010, [findingOf('silent_accept_dialog')]), true));
    assert.equal(on.incident_key, left.incident_key);
    assert.equal(on.unwatched_ms, 600_000);
    assert.equal(on.notified_at, left.notified_at);
    const over = only(ledger.take(stateOf('healthy', 60_000), false));
    assert.deepEqual([over.ending, over.duration_ms], ['seen', 3_660_000]);
  });

  it('is closed with an end that nobody saw where all is well', () => {
    const over = only(ledger.take(stateOf('healthy', 100), false));
    assert.equal(over.incident_key, left.incident_key);
    assert.deepEqual([over.ending, over.until], ['not seen', lastSeenAt]);
    assert.deepEqual(ledger.take(stateOf('healthy', 200), false), []);
  });

  it('goes on under another name behind a gap that is short', () => {
    ledger = new IncidentLedger();
    // The daemon of `stateOf` began at 15:00.
    ledger.adopt({ incidents: [left], lastSeenAt: '2026-11-20T14:59:30.000Z' });
    const on = only(ledger.take(stateOf('down', 100, [findingOf('port_refused')]), true));
    assert.deepEqual(
      [on.incident_key, on.cause, on.unwatched_ms],
      [left.incident_key, 'port_refused', 30_000],
    );
  });

  it('is closed, and another one opened, where the trouble is another one', () => {
    const rows = ledger.take(stateOf('down', 100, [findingOf('port_refused')]), true);
    assert.deepEqual(
      rows.map(({ incident_key, ending }) => [incident_key === left.incident_key, ending]),
      [
        [true, 'not seen'],
        [false, null],
      ],
    );
  });
});
