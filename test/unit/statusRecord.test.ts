import assert from 'node:assert/strict';
import type { Health } from '../../src/diagnostics/status';
import { alertText } from '../../src/daemon/statusRecord';
import { farmStates } from '../../src/ibkr/messageCodes';
import { initialState, type MonitorState, type Phase } from '../../src/monitor/monitorState';
import { farmsAfter } from '../../src/monitor/farms';
import { explain } from '../../src/monitor/words';
import { ended, fin, waiting } from '../support/situations';
import { recordAtMs, statusRecordOf } from '../support/statusRecords';

const open = { kind: 'open', sinceMonotonicMs: 0, isVerified: true } as const;

function state(phase: Phase, change: Partial<MonitorState> = {}): MonitorState {
  return { ...initialState, phase, ...change };
}

describe('the status record', () => {
  it('has the keys that scripts read, first and in their order, and all of schema 1', () => {
    const record = statusRecordOf();
    assert.deepEqual(Object.keys(record), [
      ...['timestamp', 'connected', 'port', 'consecutive_failures', 'last_good_connection'],
      ...['message', 'schema', 'health', 'since', 'layer', 'findings', 'session', 'runner'],
      ...['monitor', 'until', 'planned', 'nextWindow'],
    ]);
    assert.deepEqual(Object.keys(record.session), [
      ...['state', 'host', 'port', 'clientId', 'product', 'mode', 'serverVersion', 'accounts'],
      ...['connectedAt', 'lastAnswerAt', 'roundTripMs', 'connectionsOpened', 'nextDialAt'],
      ...['farms', 'movedTo'],
    ]);
    assert.deepEqual(Object.keys(record.monitor), [
      'pid',
      'version',
      'startedAt',
      'recordsProblem',
    ]);
    assert.equal(record.schema, 1);
  });

  it('loses no key on its way into the file: what is not there is null', () => {
    const record = statusRecordOf();
    assert.deepEqual(JSON.parse(JSON.stringify(record)), record);
    assert.equal(record.last_good_connection, null);
    assert.equal(record.timestamp, '2026-11-20T15:00:00.000Z');
  });

  for (const [health, connected] of [
    ['unknown', false],
    ['connecting', false],
    ['healthy', true],
    ['degraded', true],
    ['down', false],
  ] as const satisfies readonly (readonly [Health, boolean])[]) {
    it(`is ${connected ? '' : 'not '}connected while ${health}`, () => {
      assert.equal(statusRecordOf({ health }).connected, connected);
    });
  }

  it('counts failures in a row, and none while a verified session answers', () => {
    const held: Phase = { kind: 'held', stage: 'hello', sinceMs: 0 };
    const failures = (phase: Phase, change: Partial<MonitorState>): number =>
      statusRecordOf({ state: state(phase, change) }).consecutive_failures;
    assert.equal(failures(held, { failures: 3 }), 3);
    assert.equal(failures(open, { failures: 3 }), 0);
    assert.equal(failures(open, { failures: 3, missedAnswers: 2 }), 2);
    assert.equal(failures({ ...open, isVerified: false }, { failures: 3 }), 3);
  });

  it('shortens account ids and tells since when the connection stands', () => {
    const accounts = ['DU1234567'];
    const progress = waiting('open', { accounts, serverVersion: 178 });
    const { session } = statusRecordOf({ state: state(open), progress, accounts });
    assert.deepEqual(session.accounts, ['DU…567']);
    assert.equal(session.state, 'ready');
    assert.equal(session.serverVersion, 178);
    assert.notEqual(session.connectedAt, null);
    const over = statusRecordOf({ progress: ended('open', fin) });
    assert.equal(over.session.connectedAt, null);
  });

  it('says when the next dial is due, only if one is', () => {
    const waits = (why: 'backing off' | 'for a change' | 'no listener'): string | null =>
      statusRecordOf({
        state: state({ kind: 'waiting', why, untilMs: recordAtMs + 1000, untilMonotonicMs: 1 }),
      }).session.nextDialAt;
    assert.equal(waits('backing off'), '2026-11-20T15:00:01.000Z');
    assert.equal(waits('for a change'), null);
    assert.equal(waits('no listener'), null);
  });

  it('makes an alert of down, and of nothing else', () => {
    for (const health of ['unknown', 'connecting', 'healthy', 'degraded', 'expected'] as const) {
      assert.equal(alertText(statusRecordOf({ health })), undefined);
    }
    const text = alertText(statusRecordOf({ health: 'down', message: 'It is silent.' })) ?? '';
    assert.match(text, /^CRITICAL ALERT: 2026-11-20T15:00:00\.000Z\nIt is silent\.\n/);
    assert.match(text, /ACTION REQUIRED: .+\n$/);
  });
});

describe('the state in words', () => {
  const at = 'TWS paper at 127.0.0.1:7497';
  const wait = (why: 'backing off' | 'no listener'): Phase => ({
    kind: 'waiting',
    why,
    untilMs: 0,
    untilMonotonicMs: 0,
  });
  for (const [says, of, health] of [
    [/^Not watching/, state({ kind: 'idle' }), 'unknown'],
    [/^Nobody listens/, state(wait('no listener')), 'down'],
    [/ended\.$/, state(wait('backing off')), 'down'],
    [/^Connecting/, state({ kind: 'dialling', stage: 'tcp' }), 'connecting'],
    [/does not answer/, state({ kind: 'held', stage: 'hello', sinceMs: 0 }), 'down'],
    [/lost its connection to IBKR/, state(open, { upstream: 'lost' }), 'down'],
    [/no longer answers/, state(open, { missedAnswers: 1 }), 'degraded'],
    [
      /farms are broken: ushmds/,
      state(open, { farms: farmsAfter(new Map(), farmStates(2105, 'x:ushmds')) }),
      'degraded',
    ],
    [/no market data/, state(open, { isDataInTrouble: true }), 'degraded'],
    [/waiting for the first answer/, state({ ...open, isVerified: false }), 'connecting'],
    [/TWS answers/, state(open), 'healthy'],
  ] as const) {
    it(`is one sentence about the endpoint: ${String(says)}`, () => {
      const words = explain(of, health, at, undefined);
      assert.match(words, says);
      assert.ok(words.includes(at));
      assert.match(words, /^[A-Z][^\n]*\.$/);
    });
  }
});
