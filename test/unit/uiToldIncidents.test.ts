import assert from 'node:assert/strict';
import type { Telling } from '../../src/daemon/alertPolicy';
import { alertWords } from '../../src/daemon/alertWords';
import { causeTitles } from '../../src/diagnostics/causeTitles';
import { defaultEndpoint } from '../../src/ibkr/endpoint';
import { foldsOf, type LogRow, type LogSnapshot, logDocument } from '../../src/ui/logDocument';
import { pastLenses, toldIncidents } from '../../src/ui/toldIncidents';
import { english } from '../support/uiFixtures';

type Incident = Telling['incident'];

const incident: Incident = {
  key: 'connection 1',
  subject: { kind: 'connection' },
  severity: 'error',
  cause: 'silent_accept_dialog',
  layer: 'hello',
  message: 'TCP accepted, no answer. It lasted 3 s.',
  since: '2026-11-20T10:00:00.000Z',
  ...{ gravity: 2, toldAt: null, toldGravity: 0, acknowledgedAt: null, acknowledgedGravity: 0 },
  ...{ seenAtMs: 0, isConfirmed: true, end: null },
};

/** A line as the monitor writes it. */
function row(what: Telling['what'], change: Partial<Incident> = {}): LogRow {
  const words = alertWords(
    { what, incident: { ...incident, ...change } },
    defaultEndpoint,
    (t) => t,
  );
  const level = what === 'end' ? 'INFO' : 'WARN';
  return {
    text: `2026-11-20T10:00:00.000+00:00 ${level} alert.${what} ${words.title}. ${words.body}`,
    level: what === 'end' ? 'info' : 'warning',
  };
}

const end = {
  end: { until: '2026-11-20T10:02:00.000Z', durationMs: 120_000 },
} as Partial<Incident>;
const runner = { subject: { kind: 'runner', name: '/home/me/trading' } } as const;
const other: LogRow = { text: '2026-11-20T10:00:00.000+00:00 INFO health.down x', level: 'info' };

function snapshot(...rows: readonly LogRow[]): LogSnapshot {
  return { file: '/state/ibkr_monitor.log', rows, first: 100, isWhole: true };
}

describe('incidents that the log of the monitor tells to their end', () => {
  it('begin where they began last: an earlier one may have ended while nobody watched', () => {
    const told = toldIncidents(snapshot(row('begin'), other, row('begin'), row('end', end)));
    assert.deepEqual(
      told.map(({ from, to }) => [from, to]),
      [[102, 103]],
    );
  });

  it('span the lines from the first word to the last, each with its cause', () => {
    const told = toldIncidents(
      snapshot(
        ...[other, row('begin'), row('begin', { ...runner, cause: null, gravity: 1 })],
        ...[row('worse'), other, row('end', end), row('end', { ...runner, ...end, cause: null })],
        ...[row('begin'), other],
      ),
    );
    assert.deepEqual(
      told.map(({ from, to, lasted, cause }) => [from, to, lasted, cause]),
      [
        [101, 105, '2 min', 'silent_accept_dialog'],
        [102, 106, '2 min', undefined],
      ],
    );
    assert.equal(told[1]?.about, 'runner trading');
  });

  it('are named above their first line that is shown, and fold', () => {
    const whole = snapshot(other, row('begin'), other, other, row('end', end));
    const told = toldIncidents(whole);
    const all = logDocument(whole, 'all');
    assert.deepEqual(
      pastLenses(all, told, english).map(({ line, title, cause }) => [line, title, cause]),
      [
        [
          1,
          `$(history) Over after 2 min: ${causeTitles.silent_accept_dialog}`,
          'silent_accept_dialog',
        ],
      ],
    );
    assert.deepEqual(foldsOf(all, told), [{ start: 1, end: 4 }]);
    assert.deepEqual(
      pastLenses(logDocument(whole, 'warning'), told, english).map(({ line }) => line),
      [0],
    );
    assert.deepEqual(pastLenses(logDocument(whole, 'error'), told, english), []);
  });

  it('begin with their end where older lines are not shown, and take foreign words for nothing', () => {
    const [told] = toldIncidents(snapshot(row('end', end)));
    assert.deepEqual([told?.from, told?.to], [100, 100]);
    const name = 'x](command:evil) $(bug). It lasted 1 s. Cause: y';
    const strange = { subject: { kind: 'symbol', name }, cause: null } as const;
    const whole = snapshot(row('begin', strange), row('end', { ...strange, ...end }));
    const [lens] = pastLenses(logDocument(whole, 'all'), toldIncidents(whole), english);
    assert.ok(lens);
    assert.doesNotMatch(lens.title.slice('$(history)'.length), /\$\(|\]\(/);
    assert.equal(lens.cause, undefined);
  });
});
