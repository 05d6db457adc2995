import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import type { Health } from '../../src/diagnostics/status';
import { type CalmWindow, judgeHealth } from '../../src/monitor/health';
import { initialState, type Loss, type MonitorState } from '../../src/monitor/monitorState';
import { windowsAt } from '../../src/ibkr/resetWindows';
import { explainChange } from '../../src/monitor/words';

const minute = 60_000;
const hour = 60 * minute;
const open = { kind: 'open', sinceMonotonicMs: 0, isVerified: true } as const;
const closed = { kind: 'waiting', why: 'no listener', untilMs: 0, untilMonotonicMs: 0 } as const;

function lost(since: string, change: Partial<Loss> = {}): MonitorState {
  const kinds = change.kinds ?? ['upstream'];
  const loss: Loss = {
    sinceMs: Date.parse(since),
    kinds,
    hadWorked: true,
    overMonotonicMs: undefined,
    ...change,
  };
  return kinds[0] === 'upstream'
    ? { ...initialState, phase: open, upstream: 'lost', loss }
    : { ...initialState, phase: closed, failures: 1, loss };
}

function healthAfter(
  state: MonitorState,
  ms: number,
  zone: string,
  more: readonly CalmWindow[] = [],
): Health {
  const sinceMs = state.loss?.sinceMs ?? 0;
  return judgeHealth(state, sinceMs + ms, [...windowsAt(sinceMs, { zone }), ...more]).health;
}

describe('a loss in its time', () => {
  const zurich = 'Europe/Zurich';
  const gone: Partial<Loss> = { kinds: ['dropped', 'closed'] };
  // 15 July 2026 is a Wednesday, the 19th a Sunday; Zurich is two hours ahead of UTC.
  const cases: readonly [string, MonitorState, number, Health][] = [
    ['1100 in the nightly reset', lost('2026-07-15T04:30:00Z'), minute, 'expected'],
    ['until five minutes after it', lost('2026-07-15T04:30:00Z'), 79 * minute, 'expected'],
    ['which it has outlived then', lost('2026-07-15T04:30:00Z'), 80 * minute, 'down'],
    ['1100 a minute before it', lost('2026-07-15T03:44:00Z'), 30 * minute, 'down'],
    ['1100 at noon', lost('2026-07-15T12:00:00Z'), 0, 'down'],
    [
      'an end in the nightly reset that is still being looked into',
      lost('2026-07-15T04:30:00Z', { kinds: [] }),
      0,
      'expected',
    ],
    ['one at noon', lost('2026-07-15T12:00:00Z', { kinds: [] }), 0, 'down'],
    ['a port that closes in the nightly reset', lost('2026-07-15T04:30:00Z', gone), 0, 'down'],
    [
      'one that closes later in the same loss',
      lost('2026-07-15T04:30:00Z', { kinds: ['upstream', 'closed'] }),
      minute,
      'down',
    ],
    ['the daily restart', lost('2026-07-15T21:45:10Z', gone), 2 * minute, 'expected'],
    ['a restart that does not come back', lost('2026-07-15T21:45:10Z', gone), 15 * minute, 'down'],
    ['the weekly login', lost('2026-07-19T21:45:10Z', gone), 6 * hour, 'expected'],
    ['one that is late for work', lost('2026-07-19T21:45:10Z', gone), 14 * hour, 'down'],
    [
      'a port that closes on that Sunday',
      lost('2026-07-19T12:00:00Z', { kinds: ['closed'] }),
      hour,
      'expected',
    ],
    ['1100 on the Sunday', lost('2026-07-19T12:00:00Z'), minute, 'down'],
    ['a port that closes on Monday morning', lost('2026-07-20T08:00:00Z', gone), minute, 'down'],
    [
      'an end on Sunday whose port stays open',
      lost('2026-07-19T12:00:00Z', { kinds: ['dropped'] }),
      0,
      'down',
    ],
    [
      'a port that was closed all along',
      lost('2026-07-15T21:45:10Z', { kinds: ['closed'], hadWorked: false }),
      0,
      'down',
    ],
    [
      '1100 of a TWS that was never seen well',
      lost('2026-07-15T04:30:00Z', { hadWorked: false }),
      0,
      'expected',
    ],
    [
      'a stranger on the port',
      lost('2026-07-15T21:45:10Z', { kinds: ['dropped', 'stranger'] }),
      0,
      'down',
    ],
  ];
  for (const [what, state, ms, health] of cases) {
    it(`${what}: ${health}`, () => {
      assert.equal(healthAfter(state, ms, zurich), health);
    });
  }

  it('on waking up is expected for two minutes, unless TWS is gone', () => {
    const at = Date.parse('2026-07-15T12:00:00Z');
    const sleep: CalmWindow = {
      kind: 'sleep',
      name: 'a sleep',
      fromMs: at - hour,
      untilMs: at + 2 * minute,
    };
    const since = '2026-07-15T12:00:01Z';
    assert.equal(healthAfter(lost(since), minute, zurich, [sleep]), 'expected');
    assert.equal(healthAfter(lost(since), 2 * minute, zurich, [sleep]), 'down');
    assert.equal(healthAfter(lost(since, gone), 0, zurich, [sleep]), 'down');
  });

  it('is told with its time, in one sentence', () => {
    const state = lost('2026-07-15T04:30:00Z');
    const windows = windowsAt(Date.parse('2026-07-15T04:30:00Z'), { zone: zurich });
    const inside = judgeHealth(state, Date.parse('2026-07-15T04:31:00Z'), windows);
    assert.match(
      explainChange(state, inside, 'here'),
      /^TWS at here has lost .*; it is the time of the nightly reset of IBKR in Europe, expected until 2026-07-15 05:50:00 UTC\.$/,
    );
    const after = judgeHealth(state, Date.parse('2026-07-15T05:50:00Z'), windows);
    assert.match(
      explainChange(state, after, 'here'),
      /it began in the nightly reset .* outlived it\.$/,
    );
  });

  it('is nothing but what it is where no time is known', () => {
    assert.equal(judgeHealth(initialState, 0, []).health, 'unknown');
    assert.equal(judgeHealth({ ...initialState, phase: open }, 0, []).health, 'healthy');
  });
});
