import assert from 'node:assert/strict';
import fc from 'fast-check';
import { noAudit } from '../../src/runner/exitAudit';
import {
  defaultRestartSettings,
  noRestarts,
  reduceRestart,
  type RestartContext,
  type RestartEvent,
  type RestartState,
  restartStatus,
  restartSwitch,
} from '../../src/runner/restartPolicy';
import { readRunEnd, type RunEnd } from '../../src/runner/runEnd';

const startMs = Date.parse('2026-11-20T15:00:00Z');
const theirs = ['python3', '-m', 'robo_trader.runner_async', '--symbols', 'AAPL'];
const launcher = ['./START_TRADER.sh', 'AAPL'];

function end(change: Partial<RunEnd> = {}): RunEnd {
  return {
    atMs: startMs,
    livedMs: 3_600_000,
    code: 1,
    signal: null,
    how: 'by itself',
    lastLines: [],
    command: ['./bot'],
    isWorkSeen: true,
    hasWorked: true,
    named: [],
    audit: noAudit,
    ...change,
  };
}

function note(reason: string, code: number): Partial<RunEnd> {
  return { command: theirs, code, audit: { note: { reason, code }, killSwitch: null } };
}

describe('what the end of a run allows', () => {
  const table: readonly (readonly [string, boolean, Partial<RunEnd>])[] = [
    ['an ordinary failure', true, {}],
    ['a fall of the interpreter', true, { code: null, signal: 'SIGSEGV' }],
    ['the system’s memory killer', true, { code: null, signal: 'SIGKILL' }],
    ['a program that was done', false, { code: 0 }],
    ['somebody’s TERM', false, { code: null, signal: 'SIGTERM' }],
    ['somebody’s TERM to what a shell waits for', false, { code: 143 }],
    ['somebody’s Ctrl-C, as a program says it', false, { code: 130 }],
    ['a KILL of what a shell waits for', true, { code: 137 }],
    ['an end that nobody saw', false, { code: null, how: 'unseen' }],
    ['a command that was not found', false, { code: 127 }],
    ['a command that may not be executed', false, { code: 126 }],
    [
      'a module that is missing',
      false,
      { lastLines: ["ModuleNotFoundError: No module named 'x'"] },
    ],
    ['a full disk', false, { lastLines: ['OSError: [Errno 28] No space left on device'] }],
    ['a kill switch in its words', false, { code: 0, named: ['kill_switch_triggered'] }],
    ['a kill switch on disk', false, { audit: { note: null, killSwitch: 'loss limit' } }],
    ['the built-in runner that lost its connection', true, { command: [] }],
    ['the built-in runner whose check failed', false, { command: [], isWorkSeen: false }],
    ['the built-in runner without a configuration', false, { command: [], code: 2 }],
    ['the built-in runner that was done', false, { command: [], code: 0 }],
    ['the trader’s runner without a Gateway', true, { command: theirs, code: 1 }],
    ['the trader’s runner after an exception', true, { command: theirs, code: 2 }],
    ['the trader’s runner at 0 without a note', false, { command: theirs, code: 0 }],
    ['their start script whose check failed', false, { command: launcher, code: 1 }],
    ['their start script whose lock is held', false, { command: launcher, code: 75 }],
    ['the note clean_shutdown', true, note('clean_shutdown', 0)],
    ['the note keyboard_interrupt', true, note('keyboard_interrupt', 0)],
    ['the note sigterm', true, note('sigterm', 0)],
    ['the note pre_flight_gateway_unreachable', true, note('pre_flight_gateway_unreachable', 1)],
    ['the note unhandled_exception', true, note('unhandled_exception', 2)],
    ['a note with another code', false, note('clean_shutdown', 1)],
    ['the note kill_switch', false, note('kill_switch', 0)],
    ['the note recovery_exhausted', false, note('recovery_exhausted', 0)],
    ['a name of the object’s own', false, note('constructor', 0)],
  ];
  for (const [what, mayRestart, change] of table) {
    it(`${mayRestart ? 'may be followed by a start' : 'forbids a start'}: ${what}`, () => {
      const reading = readRunEnd(end(change));
      assert.equal(reading.mayRestart, mayRestart, reading.why);
      assert.match(reading.why, /^\S.{10,}[^.]$/);
    });
  }

  for (const code of [4, 5, 6, 7, 8, 9]) {
    it(`forbids a start: code ${code} of the trader’s runner, whatever its note says`, () => {
      assert.equal(readRunEnd(end({ command: theirs, code })).mayRestart, false);
      const contradicted = { ...note('clean_shutdown', 0), code };
      assert.equal(readRunEnd(end(contradicted)).mayRestart, false);
    });
  }
});

describe('whether restarts are automatic', () => {
  const table = [
    [undefined, 'paper', false, true],
    [undefined, 'live', false, false],
    [undefined, undefined, false, false],
    [true, 'live', false, true],
    [true, undefined, false, true],
    [false, 'paper', false, false],
    [true, 'paper', true, false],
  ] as const;
  for (const [asked, mode, isAdopted, isAutomatic] of table) {
    it(`${isAutomatic ? 'yes' : 'no'}: asked ${asked ?? 'nothing'}, ${mode ?? 'mode unknown'}${isAdopted ? ', adopted' : ''}`, () => {
      assert.equal(restartSwitch({ asked, mode, isAdopted }).isAutomatic, isAutomatic);
    });
  }
});

describe('restart policy', () => {
  function context(nowMs: number, change: Partial<RestartContext> = {}): RestartContext {
    return {
      settings: defaultRestartSettings,
      switch: { asked: undefined, mode: 'paper', isAdopted: false },
      nowMs,
      random: 0,
      ...change,
    };
  }

  function fall(atMs: number, change: Partial<RunEnd> = {}, isConnected = true): RestartEvent {
    const short = { atMs, livedMs: 1000, isWorkSeen: false, hasWorked: false };
    return { kind: 'ended', isConnected, end: end({ ...short, ...change }) };
  }

  it('plans one start, and lengthens the delay each time, by chance only upwards', () => {
    const delays = [0, 1].map((random) => {
      let state: RestartState = noRestarts;
      const seen: number[] = [];
      for (let round = 0; round < defaultRestartSettings.budget; round += 1) {
        const nowMs = startMs + round * 1_800_000;
        state = reduceRestart(
          state,
          fall(nowMs, { ...end(), atMs: nowMs }),
          context(nowMs, { random }),
        );
        assert.equal(state.plan.kind, 'due');
        seen.push(state.plan.atMs - nowMs);
        state = reduceRestart(state, { kind: 'started by itself' }, context(nowMs + 60_000));
      }
      return seen;
    });
    assert.deepEqual(delays[0], [10_000, 30_000, 90_000, 270_000, 300_000, 300_000]);
    assert.deepEqual(delays[1], [12_000, 36_000, 108_000, 324_000, 360_000, 360_000]);
  });

  it('calls a person after three runs that did not come up, once, and then leaves it', () => {
    let state: RestartState = noRestarts;
    const called: boolean[] = [];
    for (let round = 0; round < 3; round += 1) {
      const nowMs = startMs + round * 600_000;
      state = reduceRestart(state, fall(nowMs), context(nowMs));
      called.push(state.isPersonCalled);
      state = reduceRestart(state, { kind: 'started by itself' }, context(nowMs));
    }
    assert.deepEqual(called, [false, false, true]);
    const status = restartStatus(
      reduceRestart(state, fall(startMs), context(startMs)),
      context(startMs),
    );
    assert.equal(status.nextAt, null);
    assert.match(status.why, /3 runs|4 runs/);
  });

  it('counts a run that came up as no failure, but the budget all the same', () => {
    let state: RestartState = noRestarts;
    let starts = 0;
    for (let hour = 0; hour < 12 && !state.isPersonCalled; hour += 0.25) {
      const nowMs = startMs + hour * 3_600_000;
      state = reduceRestart(state, fall(nowMs, { ...end(), atMs: nowMs }), context(nowMs));
      if (state.plan.kind === 'due') {
        starts += 1;
        state = reduceRestart(state, { kind: 'started by itself' }, context(state.plan.atMs));
        state = reduceRestart(state, { kind: 'came up' }, context(nowMs));
      }
    }
    assert.equal(starts, defaultRestartSettings.budget);
    assert.match(state.decision, /6 times by itself within 6 hours/);
  });

  it('takes back an end that the gate shows to be the connection’s, and asks ever more rarely', () => {
    let state = reduceRestart(noRestarts, fall(startMs), context(startMs));
    assert.equal(state.failures, 1);
    const waits: number[] = [];
    for (let nowMs = startMs, round = 0; round < 5; round += 1) {
      state = reduceRestart(state, { kind: 'gate shut', why: 'no answer.' }, context(nowMs));
      assert.equal(state.failures, 0);
      assert.equal(state.plan.kind, 'gate');
      const next = state.plan.atMs;
      waits.push(next - nowMs);
      nowMs = next;
    }
    assert.deepEqual(waits, [60_000, 120_000, 240_000, 300_000, 300_000]);
  });

  it('is no crash loop when TWS’s outage has ended it again and again', () => {
    let state: RestartState = noRestarts;
    for (let round = 0; round < 5; round += 1) {
      const nowMs = startMs + round * 60_000;
      state = reduceRestart(state, fall(nowMs, {}, false), context(nowMs));
      assert.equal(state.plan.kind, 'due', `round ${round}`);
      state = reduceRestart(state, { kind: 'gate shut', why: 'down.' }, context(nowMs));
    }
    assert.equal(state.isPersonCalled, false);
  });

  it('forgets everything when a person starts or stops it', () => {
    const used = reduceRestart(noRestarts, fall(startMs), context(startMs));
    assert.deepEqual(reduceRestart(used, { kind: 'started by a person' }, context(0)), noRestarts);
    const stopped = reduceRestart(used, { kind: 'stopped by a person' }, context(0));
    assert.equal(stopped.plan.kind, 'none');
    assert.equal(stopped.isPersonCalled, false);
    assert.match(stopped.decision, /next start was called off on request/);
    const asked = reduceRestart(used, fall(startMs, { how: 'asked' }), context(startMs));
    assert.deepEqual(asked, stopped);
    const running = reduceRestart(noRestarts, { kind: 'stopped by a person' }, context(0));
    assert.match(running.decision, /stopped on request, which is no crash/);
  });

  it('plans nothing while it is off, and says which rule that is', () => {
    const off = context(startMs, { switch: { asked: undefined, mode: 'live', isAdopted: false } });
    const state = reduceRestart(noRestarts, fall(startMs), off);
    const status = restartStatus(state, off);
    assert.deepEqual(
      [status.nextAt, status.isAutomatic, status.isPersonCalled],
      [null, false, false],
    );
    assert.match(status.why, /exit code 1.*off for live accounts/);
  });

  it('starts at most twelve times in any night, whatever the runner does', () => {
    const event = fc.record({
      livedMs: fc.integer({ min: 0, max: 4 * 3_600_000 }),
      hasWorked: fc.boolean(),
      isConnected: fc.boolean(),
      isShut: fc.boolean(),
      random: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(event, { minLength: 400, maxLength: 400 }), (events) => {
        let nowMs = startMs;
        let state: RestartState = noRestarts;
        const starts: number[] = [];
        for (const { livedMs, hasWorked, isConnected, isShut, random } of events) {
          nowMs += livedMs;
          const ended = fall(nowMs, { livedMs, hasWorked }, isConnected);
          state = reduceRestart(state, ended, context(nowMs, { random }));
          if (state.plan.kind === 'none') {
            assert.ok(state.isPersonCalled);
            break;
          }
          assert.ok(state.plan.atMs >= nowMs + defaultRestartSettings.firstDelayMs);
          nowMs = state.plan.atMs;
          if (isShut) {
            state = reduceRestart(state, { kind: 'gate shut', why: '-' }, context(nowMs));
            nowMs += 60_000;
          }
          state = reduceRestart(state, { kind: 'started by itself' }, context(nowMs));
          starts.push(nowMs);
          if (hasWorked) {
            state = reduceRestart(state, { kind: 'came up' }, context(nowMs));
          }
        }
        const night = 12 * 3_600_000;
        for (const first of starts) {
          const within = starts.filter((atMs) => atMs >= first && atMs < first + night).length;
          assert.ok(within <= 2 * defaultRestartSettings.budget, `${within} starts`);
        }
      }),
      { numRuns: 200 },
    );
  });
});
