import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Health } from '../../src/diagnostics/status';
import type { ConnectionEnd, ConnectionStage } from '../../src/ibkr/connection';
import { farmStates } from '../../src/ibkr/messageCodes';
import { backoffMs, dialPolicy } from '../../src/monitor/dialPolicy';
import {
  bareHealth,
  initialState,
  type ListenerLook,
  type MonitorEffect,
  type MonitorEvent,
  type MonitorState,
  reduce,
} from '../../src/monitor/monitorState';
import { defaultTimings } from '../../src/monitor/timings';

const startMs = Date.parse('2026-11-20T15:00:00Z');
const reset: ConnectionEnd = { kind: 'reset', code: 'ECONNRESET' };
const fin: ConnectionEnd = { kind: 'fin', code: undefined };

/** Drives the reducer by hand: time moves and chance falls only as the test says. */
class Driver {
  state: MonitorState = initialState;
  monotonicMs = 0;
  wallMs = startMs;
  random = 0;
  effects: readonly MonitorEffect[] = [];
  dials = 0;

  on(event: MonitorEvent): this {
    const step = reduce(this.state, event, {
      nowMs: this.wallMs,
      monotonicMs: this.monotonicMs,
      timings: defaultTimings,
      random: this.random,
    });
    this.state = step.state;
    this.effects = step.effects;
    this.dials += step.effects.filter(({ kind }) => kind === 'dial').length;
    return this;
  }

  later(ms: number): this {
    this.monotonicMs += ms;
    this.wallMs += ms;
    return this;
  }

  get health(): Health {
    return bareHealth(this.state);
  }

  get kinds(): readonly string[] {
    return this.effects.map(({ kind }) => kind);
  }

  ask(): this {
    return this.on({ kind: 'asked' });
  }

  look(socketIds: readonly string[] | undefined): this {
    return this.on({ kind: 'looked', look: { socketIds, isChangeVisible: false } });
  }

  stage(...stages: readonly ConnectionStage[]): this {
    stages.forEach((stage) => this.on({ kind: 'stage', stage }));
    return this;
  }

  end(end: ConnectionEnd = reset, look: Partial<ListenerLook> = {}): this {
    return this.on({
      kind: 'ended',
      end,
      look: { socketIds: ['1'], isChangeVisible: true, ...look },
    });
  }

  answer(): this {
    return this.on({ kind: 'answered', atMs: this.wallMs });
  }

  message(code: number, text = ''): this {
    return this.on({ kind: 'message', code, farms: farmStates(code, text) });
  }

  dialled(): this {
    return this.ask().look(['1']);
  }

  opened(): this {
    return this.dialled().stage('hello', 'ready', 'open');
  }

  healthy(): this {
    return this.opened().answer();
  }

  /** Lets looks come as they were asked for, for so long; the same listeners stay. */
  watch(ms: number, socketIds: readonly string[] | undefined): this {
    const until = this.monotonicMs + ms;
    while (this.state.phase.kind === 'waiting' && this.monotonicMs < until) {
      const wait = this.effects.find((effect) => effect.kind === 'wait');
      assert.ok(wait !== undefined && wait.ms > 0, 'somebody looks again, and not without a pause');
      this.later(wait.ms).on({ kind: 'wait over' });
      assert.deepEqual(this.kinds, ['look']);
      this.look(socketIds);
    }
    return this;
  }

  /** Fails to connect once more, against the same listeners. */
  failed(look: Partial<ListenerLook> = {}, end: ConnectionEnd = fin): this {
    assert.equal(this.state.phase.kind, 'dialling');
    return this.later(10).stage('hello').end(end, look);
  }
}

describe('the monitor, when nobody asked', () => {
  it('does nothing', () => {
    const monitor = new Driver();
    assert.equal(monitor.health, 'unknown');
    for (const event of [
      { kind: 'wait over' },
      { kind: 'verdict due' },
      { kind: 'liveness due' },
      { kind: 'missed', unreadBytes: 0 },
      { kind: 'answered', atMs: startMs },
      { kind: 'stage', stage: 'open' },
    ] as const) {
      monitor.on(event);
      assert.deepEqual(monitor.effects, []);
      assert.equal(monitor.health, 'unknown');
    }
  });
});

describe('the way to a session (laws 1, 3, 6)', () => {
  it('looks before it dials', () => {
    const monitor = new Driver().ask();
    assert.deepEqual(monitor.kinds, ['look']);
    assert.equal(monitor.dials, 0);
    monitor.look(['1']);
    assert.deepEqual(monitor.kinds, ['dial', 'start verdict timer']);
    assert.equal(monitor.health, 'connecting');
  });

  it('dials where the listeners cannot be seen', () => {
    assert.equal(new Driver().ask().look(undefined).dials, 1);
  });

  it('touches no port that nobody listens on, and dials when somebody does', () => {
    const monitor = new Driver().ask().look([]).watch(3_600_000, []);
    assert.equal(monitor.dials, 0);
    assert.equal(monitor.health, 'down');
    monitor.later(1000).on({ kind: 'wait over' }).look(['7']);
    assert.equal(monitor.dials, 1);
  });

  it('gives each stage its own time', () => {
    const monitor = new Driver().dialled();
    for (const stage of ['hello', 'ready'] as const) {
      monitor.stage(stage);
      assert.deepEqual(monitor.kinds, ['start verdict timer']);
    }
    monitor.stage('ready');
    assert.deepEqual(monitor.kinds, []);
  });

  it('is healthy only when a question has been answered', () => {
    const monitor = new Driver().opened();
    assert.deepEqual(monitor.kinds, ['stop verdict timer', 'ask time']);
    assert.equal(monitor.health, 'connecting');
    assert.equal(monitor.answer().health, 'healthy');
  });

  it('does not take the answer of an earlier session for one of this', () => {
    const monitor = new Driver().healthy().later(90_000).end();
    monitor.watch(60_000, ['1']).stage('hello', 'ready', 'open');
    assert.equal(monitor.health, 'down');
    assert.equal(monitor.answer().health, 'healthy');
  });

  it('stays healthy when somebody sets the clock back', () => {
    const monitor = new Driver().healthy().later(60_000);
    monitor.wallMs -= 3_600_000;
    assert.equal(monitor.answer().health, 'healthy');
    assert.equal(monitor.later(30_000).answer().health, 'healthy');
  });
});

describe('a silent handshake (law 3)', () => {
  for (const [what, stages] of [
    ['tcp', []],
    ['hello', ['hello']],
    ['ready', ['hello', 'ready']],
  ] as const) {
    it(`is down and held in ${what}, and never dialled anew`, () => {
      const monitor = new Driver()
        .dialled()
        .stage(...stages)
        .later(3000);
      monitor.on({ kind: 'verdict due' });
      assert.deepEqual(monitor.effects, []);
      assert.equal(monitor.health, 'down');
      assert.equal(monitor.state.phase.kind, 'held');
      for (let round = 0; round < 50; round += 1) {
        monitor.later(86_400_000).ask().look(['1']).look(['2']).look(undefined).look([]);
        monitor.on({ kind: 'wait over' }).on({ kind: 'verdict due' });
      }
      assert.equal(monitor.dials, 1);
      assert.equal(monitor.state.phase.kind, 'held');
    });
  }

  it('heals on the same socket', () => {
    const monitor = new Driver().dialled().stage('hello').on({ kind: 'verdict due' });
    monitor.later(3_600_000).stage('ready');
    assert.deepEqual(monitor.kinds, ['start verdict timer']);
    monitor.stage('open').answer();
    assert.equal(monitor.health, 'healthy');
    assert.equal(monitor.dials, 1);
  });

  it('is down at once when the peer closed, and dialled when the machine was looked at', () => {
    const monitor = new Driver().healthy().on({ kind: 'closed', end: fin });
    assert.equal(monitor.health, 'down');
    assert.deepEqual(monitor.kinds, ['stop verdict timer', 'stop liveness']);
    assert.deepEqual(monitor.state.loss?.kinds, []);
    // Nothing that comes meanwhile may dial past what recovery has to say.
    monitor.on({ kind: 'woke' }).look(['1']);
    assert.deepEqual(monitor.effects, []);
    assert.equal(monitor.end(fin).state.failures, 1);
    assert.deepEqual(monitor.state.loss.kinds, ['dropped']);
    assert.equal(monitor.watch(5000, ['1']).dials, 2);
  });

  it('is dialled at once where the user asked while the machine was looked at', () => {
    const monitor = new Driver().healthy().on({ kind: 'closed', end: fin }).ask();
    assert.equal(monitor.look(['1']).dials, 1);
    assert.ok(monitor.end(fin).kinds.includes('look'));
    assert.equal(monitor.look(['1']).dials, 2);
  });

  it('is dialled anew only after the peer closed', () => {
    const monitor = new Driver().dialled().stage('hello').on({ kind: 'verdict due' });
    monitor.end(fin);
    assert.equal(monitor.state.phase.kind, 'waiting');
    assert.ok(monitor.kinds.includes('stop verdict timer'));
    monitor.watch(5000, ['1']);
    assert.equal(monitor.dials, 2);
  });
});

describe('dialling again (law 3)', () => {
  it('waits longer from one failure to the next', () => {
    const monitor = new Driver().dialled();
    const waits: number[] = [];
    for (let attempt = 1; attempt < dialPolicy.freeAttempts; attempt += 1) {
      monitor.failed();
      const from = monitor.monotonicMs;
      monitor.watch(60_000, ['1']);
      waits.push(monitor.monotonicMs - from);
    }
    assert.deepEqual(waits, [1000, 2000, 4000, 8000]);
  });

  it('jitters only towards earlier, by a fifth at most', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (failures, random) => {
          const full = backoffMs(failures, 0);
          const short = backoffMs(failures, random);
          assert.ok(short <= full && short >= Math.floor(full * 0.8));
          assert.ok(full <= dialPolicy.capMs);
        },
      ),
    );
    const monitor = new Driver();
    monitor.random = 0.999;
    monitor.healthy();
    const { livenessIntervalMs } = defaultTimings;
    const [next] = monitor.effects;
    assert.ok(next?.kind === 'schedule liveness');
    assert.ok(next.ms < livenessIntervalMs && next.ms >= livenessIntervalMs * 0.8);
  });

  it('takes five attempts, and then nothing but a change of TWS', () => {
    const monitor = new Driver().dialled();
    const timedOut = { kind: 'not connected', code: 'ETIMEDOUT', text: 'timed out' } as const;
    for (let attempt = 0; attempt < 20 && monitor.state.phase.kind === 'dialling'; attempt += 1) {
      monitor.failed({}, timedOut).watch(60_000, ['1']);
    }
    assert.equal(monitor.dials, 5);
    monitor.watch(3_600_000, ['1']);
    assert.equal(monitor.dials, 5);
    assert.equal(monitor.health, 'down');
    monitor.later(1000).on({ kind: 'wait over' }).look(['2']);
    assert.equal(monitor.dials, 6);
  });

  it('dials once in five minutes where TWS accepts and closes: its cure shows in no table', () => {
    const monitor = new Driver().dialled();
    while (monitor.dials < 5) {
      monitor.failed().watch(60_000, ['1']);
    }
    for (let round = 1; round <= 3; round += 1) {
      monitor.failed();
      const from = monitor.monotonicMs;
      monitor.watch(3_600_000, ['1']);
      assert.equal(monitor.monotonicMs - from, dialPolicy.slowDialMs);
      assert.equal(monitor.dials, 5 + round);
    }
  });

  it('has five attempts again after a change', () => {
    const monitor = new Driver().dialled();
    for (let attempt = 0; attempt < 20 && monitor.state.phase.kind === 'dialling'; attempt += 1) {
      monitor.failed().watch(60_000, ['1']);
    }
    monitor.on({ kind: 'wait over' }).look(['1', '2']);
    for (let attempt = 0; attempt < 20 && monitor.state.phase.kind === 'dialling'; attempt += 1) {
      monitor.failed({ socketIds: ['1', '2'] }).watch(60_000, ['1', '2']);
    }
    assert.equal(monitor.dials, 10);
  });

  for (const [what, look] of [
    ['behind a proxy or a container', { isChangeVisible: false }],
    ['on another machine', { socketIds: undefined, isChangeVisible: false }],
  ] as const) {
    it(`dials once in five minutes where no change can be seen: ${what}`, () => {
      const monitor = new Driver().dialled();
      const seen = 'socketIds' in look ? undefined : ['1'];
      while (monitor.dials < 5) {
        monitor.failed(look).watch(60_000, seen);
      }
      for (let round = 1; round <= 3; round += 1) {
        monitor.failed(look);
        const from = monitor.monotonicMs;
        monitor.watch(3_600_000, seen);
        assert.equal(monitor.monotonicMs - from, dialPolicy.slowDialMs);
        assert.equal(monitor.dials, 5 + round);
      }
    });
  }

  it('falls back to five minutes when the tables can no longer be read', () => {
    const monitor = new Driver().dialled();
    while (monitor.dials < 5) {
      monitor.failed().watch(60_000, ['1']);
    }
    monitor.failed();
    const from = monitor.monotonicMs;
    monitor.watch(3_600_000, undefined);
    assert.equal(monitor.dials, 6);
    assert.equal(monitor.monotonicMs - from, dialPolicy.slowDialMs);
  });

  it('does not come to a halt when somebody sets the clock back', () => {
    const monitor = new Driver().dialled().failed();
    monitor.wallMs -= 86_400_000;
    assert.equal(monitor.watch(5000, ['1']).dials, 2);
  });

  it('dials at once at a new listener, however long the wait was to be', () => {
    const monitor = new Driver().dialled().failed().watch(60_000, ['1']).failed();
    monitor.on({ kind: 'wait over' }).look(['2']);
    assert.equal(monitor.dials, 3);
    assert.equal(monitor.state.failures, 0);
  });

  it('waits for a listener when TWS is gone, and dials when it is back', () => {
    const monitor = new Driver().healthy().later(90_000).end(reset, { socketIds: [] });
    monitor.watch(3_600_000, []);
    assert.equal(monitor.dials, 1);
    assert.equal(monitor.on({ kind: 'wait over' }).look(['2']).dials, 2);
  });

  it('skips the wait when the user asks, and never while something is held or open', () => {
    const monitor = new Driver().dialled();
    for (let attempt = 0; attempt < 20 && monitor.state.phase.kind === 'dialling'; attempt += 1) {
      monitor.failed().watch(60_000, ['1']);
    }
    monitor.ask();
    assert.deepEqual(monitor.kinds, ['stop waiting', 'look']);
    assert.equal(monitor.look(['1']).dials, 6);
    assert.deepEqual(monitor.ask().effects, []);
    monitor.stage('hello').on({ kind: 'verdict due' });
    assert.deepEqual(monitor.ask().effects, []);
    monitor.stage('ready', 'open');
    assert.deepEqual(monitor.ask().kinds, ['ask time']);
    assert.equal(monitor.dials, 6);
  });

  for (const end of [
    { kind: 'not tws', firstBytes: Buffer.from('SSH'), why: 'x' },
    { kind: 'unsupported version', serverVersion: 220 },
  ] as const) {
    it(`does not ask a stranger twice (${end.kind})`, () => {
      const visible = new Driver().dialled().failed({}, end).watch(3_600_000, ['1']);
      assert.equal(visible.dials, 1);
      const hidden = new Driver().dialled().failed({ isChangeVisible: false }, end);
      const from = hidden.monotonicMs;
      assert.equal(hidden.watch(3_600_000, ['1']).dials, 2);
      assert.equal(hidden.monotonicMs - from, dialPolicy.slowDialMs);
    });
  }

  it('counts a TWS that answers once and drops us, again and again, as a failure', () => {
    const monitor = new Driver().dialled();
    for (let round = 0; round < 20 && monitor.state.phase.kind === 'dialling'; round += 1) {
      monitor.stage('hello', 'ready', 'open').answer();
      assert.equal(monitor.health, 'healthy');
      monitor.later(1000).end().watch(60_000, ['1']);
    }
    assert.equal(monitor.dials, dialPolicy.freeAttempts);
  });

  it('starts the count anew after a session that was of use', () => {
    const monitor = new Driver().dialled().failed().watch(60_000, ['1']).failed();
    monitor.watch(60_000, ['1']).stage('hello', 'ready', 'open').answer();
    monitor.later(dialPolicy.stableMs).answer();
    assert.equal(monitor.state.failures, 0);
    assert.equal(monitor.end().state.failures, 1);
  });

  it('is idle, and not in trouble, after it closed the connection itself', () => {
    const monitor = new Driver().healthy().end({ kind: 'by us', why: 'x' });
    assert.equal(monitor.health, 'unknown');
    assert.equal(monitor.dials, 1);
  });
});

describe('a session under watch', () => {
  it('is asked again at once after a missed answer, and is down after the second', () => {
    const monitor = new Driver().healthy().on({ kind: 'liveness due' });
    assert.deepEqual(monitor.kinds, ['ask time']);
    monitor.on({ kind: 'missed', unreadBytes: 0 });
    assert.deepEqual(monitor.kinds, ['ask time']);
    assert.equal(monitor.health, 'degraded');
    monitor.on({ kind: 'missed', unreadBytes: 0 });
    assert.deepEqual(monitor.effects, [
      { kind: 'schedule liveness', ms: defaultTimings.livenessIntervalMs },
    ]);
    assert.equal(monitor.health, 'down');
    assert.equal(monitor.dials, 1);
  });

  it('is well again on the same socket when TWS goes on, however late', () => {
    const monitor = new Driver()
      .healthy()
      .on({ kind: 'missed', unreadBytes: 0 })
      .on({ kind: 'missed', unreadBytes: 0 });
    monitor.later(86_400_000).answer();
    assert.equal(monitor.health, 'healthy');
    assert.equal(monitor.dials, 1);
  });

  it('asks no more once it has ended', () => {
    const monitor = new Driver().healthy().end();
    assert.ok(monitor.kinds.includes('stop liveness'));
    assert.deepEqual(monitor.on({ kind: 'liveness due' }).effects, []);
  });

  for (const code of [1100, 2110]) {
    it(`is down on ${code}, whatever TWS itself still answers`, () => {
      const monitor = new Driver().healthy().message(code).answer();
      assert.equal(monitor.health, 'down');
      assert.equal(monitor.dials, 1);
    });
  }

  for (const code of [1101, 1102]) {
    it(`is healthy after ${code} only when that has been verified`, () => {
      const monitor = new Driver().healthy().message(1100).message(code);
      assert.deepEqual(monitor.kinds, ['ask time']);
      assert.equal(monitor.health, 'degraded');
      assert.equal(monitor.answer().health, 'healthy');
    });
  }

  it('is healthy after 2110 when a farm is back and that has been verified', () => {
    const monitor = new Driver().healthy().message(2110).message(2108, 'x on demand.somefarm');
    assert.equal(monitor.health, 'down');
    monitor.message(2104, 'Market data farm connection is OK:usfarm');
    assert.deepEqual(monitor.kinds, ['ask time']);
    assert.equal(monitor.health, 'degraded');
    assert.equal(monitor.answer().health, 'healthy');
  });

  it('takes a farm that is back for no end of 1100', () => {
    const monitor = new Driver().healthy().message(2110).message(1100);
    assert.equal(monitor.message(2104, 'x is OK:usfarm').answer().health, 'down');
  });

  it('does not forget a loss that was told before it was ready', () => {
    const monitor = new Driver().dialled().stage('hello', 'ready').message(1100);
    monitor.stage('open').answer();
    assert.equal(monitor.health, 'down');
  });

  for (const [brokenCode, okCodes] of [
    [2103, [2104, 2108]],
    [2105, [2106, 2107]],
    [2157, [2158]],
  ] as const) {
    for (const okCode of okCodes) {
      it(`is degraded from ${brokenCode} to ${okCode} of the same farm`, () => {
        const end = okCode === 2107 || okCode === 2108 ? 'should be available upon demand.' : ':';
        const monitor = new Driver().healthy().message(brokenCode, 'x is broken:somefarm');
        assert.equal(monitor.health, 'degraded');
        assert.equal(monitor.message(okCode, `x${end}otherfarm`).health, 'degraded');
        assert.equal(monitor.message(okCode, `x${end}somefarm`).health, 'healthy');
      });
    }
  }

  it('is degraded while 1102 names farms that did not come back', () => {
    const text = 'Restored - data maintained. The following farms are not connected: ushmds; cash.';
    const monitor = new Driver().healthy().message(1100).message(1102, text).answer();
    assert.equal(monitor.health, 'degraded');
    monitor.message(2106, 'HMDS data farm connection is OK:ushmds');
    assert.equal(monitor.health, 'degraded');
    monitor.message(2104, 'Market data farm connection is OK:cash');
    assert.equal(monitor.health, 'healthy');
  });

  it('does not take a farm that only connects for one that is well', () => {
    const monitor = new Driver().healthy().message(2103, 'x is broken:somefarm');
    monitor.message(2119, 'Market data farm is connecting:somefarm');
    assert.deepEqual(monitor.kinds, ['ask time']);
    assert.equal(monitor.answer().health, 'degraded');
  });

  it('does not take the recovery of one nameless farm for that of another kind', () => {
    const monitor = new Driver().healthy().message(2105, 'x').message(2104, 'x');
    assert.equal(monitor.health, 'degraded');
    assert.equal(monitor.message(2106, 'x').health, 'healthy');
  });

  it('is degraded on 10197 until data has come, and looks for data at every answer', () => {
    const monitor = new Driver().healthy().message(10197);
    assert.equal(monitor.health, 'degraded');
    monitor.answer();
    assert.deepEqual(monitor.kinds, ['schedule liveness', 'check data']);
    assert.equal(
      monitor.on({ kind: 'data checked', isDelivered: false, isOwn: false }).health,
      'degraded',
    );
    assert.equal(
      monitor.on({ kind: 'data checked', isDelivered: true, isOwn: false }).health,
      'healthy',
    );
    assert.deepEqual(monitor.answer().kinds, ['schedule liveness']);
  });

  for (const code of [200, 162, 321, 354, 10167, 2176, 2100, 9999]) {
    it(`is not judged by ${code}, which is about a request`, () => {
      const monitor = new Driver().healthy().message(code);
      assert.equal(monitor.health, 'healthy');
      assert.deepEqual(monitor.effects, []);
    });
  }

  it('begins without the messages of the session before', () => {
    const monitor = new Driver().healthy().message(1100).message(2103, 'x:somefarm').end();
    monitor.watch(60_000, ['1']).stage('hello', 'ready', 'open').answer();
    assert.equal(monitor.health, 'healthy');
  });
});

const ids = fc.option(fc.subarray(['1', '2', '3']), { nil: undefined });
const look = fc.record({ socketIds: ids, isChangeVisible: fc.boolean() });
const anyEnd = fc.constantFrom<ConnectionEnd>(
  fin,
  reset,
  { kind: 'not connected', code: 'ECONNREFUSED', text: 'x' },
  { kind: 'not tws', firstBytes: Buffer.alloc(0), why: 'x' },
  { kind: 'malformed', why: 'x' },
  { kind: 'unsupported version', serverVersion: 1 },
);
const anyEvent: fc.Arbitrary<MonitorEvent> = fc.oneof(
  fc.constantFrom<MonitorEvent>(
    { kind: 'asked' },
    { kind: 'wait over' },
    { kind: 'verdict due' },
    { kind: 'missed', unreadBytes: 0 },
    { kind: 'liveness due' },
    { kind: 'answered', atMs: startMs },
    { kind: 'data checked', isDelivered: false, isOwn: false },
    { kind: 'data checked', isDelivered: true, isOwn: false },
  ),
  fc.constantFrom<ConnectionStage>('hello', 'ready', 'open').map((stage) => ({
    kind: 'stage' as const,
    stage,
  })),
  look.map((seen) => ({ kind: 'looked' as const, look: seen })),
  anyEnd.map((end) => ({ kind: 'closed' as const, end })),
  fc.tuple(anyEnd, look).map(([end, seen]) => ({ kind: 'ended' as const, end, look: seen })),
  fc
    .tuple(
      fc.constantFrom(1100, 1101, 1102, 1300, 2103, 2104, 2105, 2106, 2110, 2157, 10197, 200),
      fc.constantFrom('', 'x:farm', 'x. The following farms are not connected: farm.'),
    )
    .map(([code, text]) => ({ kind: 'message' as const, code, farms: farmStates(code, text) })),
);

describe('the monitor under any sequence of events', () => {
  const times = fc.array(
    fc.tuple(
      anyEvent,
      fc.constantFrom(0, 1, 1000, 30_000, 400_000),
      fc.constantFrom(0, -3_600_000),
    ),
    { maxLength: 60 },
  );

  it('never dials while a connection is under way, held or open, and always has a health', () => {
    fc.assert(
      fc.property(times, (events) => {
        const monitor = new Driver();
        for (const [event, ms, jump] of events) {
          const before = monitor.state.phase.kind;
          monitor.later(ms).wallMs += jump;
          monitor.on(event);
          if (monitor.kinds.includes('dial')) {
            assert.ok(before === 'idle' || before === 'waiting', `dialled while ${before}`);
            assert.equal(monitor.state.phase.kind, 'dialling');
          }
          assert.ok(
            ['unknown', 'connecting', 'healthy', 'degraded', 'down'].includes(monitor.health),
          );
          if (monitor.health === 'healthy') {
            assert.equal(monitor.state.phase.kind, 'open');
          }
        }
        assert.equal(monitor.dials, monitor.state.connectionsOpened);
      }),
      { numRuns: 500 },
    );
  });

  it('always has somebody who will look again while it waits', () => {
    fc.assert(
      fc.property(times, (events) => {
        const monitor = new Driver();
        for (const [event] of events) {
          const before = monitor.state.phase;
          monitor.on(event);
          const { phase } = monitor.state;
          // Whoever tells `closed` is looking at the machine and tells `ended` next.
          const isLooking = phase.kind === 'waiting' && phase.why === 'for evidence';
          if (phase.kind === 'waiting' && phase !== before && !isLooking) {
            if (monitor.kinds.includes('look')) {
              continue;
            }
            const wait = monitor.effects.find((effect) => effect.kind === 'wait');
            assert.ok(
              wait !== undefined && wait.ms > 0 && wait.ms <= defaultTimings.listenerLookMs,
            );
          }
        }
      }),
    );
  });

  it('spends five attempts on one TWS that does not change, whatever else happens', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(anyEvent, fc.nat({ max: 5000 })), { maxLength: 200 }),
        (events) => {
          const monitor = new Driver().dialled();
          for (const [event, ms] of events) {
            monitor.later(ms);
            if (event.kind === 'looked') {
              monitor.look(['1']);
            } else if (event.kind === 'ended') {
              if (monitor.state.phase.kind !== 'waiting') {
                monitor.end();
              }
            } else if (event.kind !== 'asked') {
              monitor.on(event);
            }
            // A session of a minute and more is of use, and begins the count anew.
            if (monitor.state.failures === 0 && monitor.dials > 1) {
              return;
            }
          }
          assert.ok(monitor.dials <= dialPolicy.freeAttempts, `${monitor.dials} dials`);
        },
      ),
      { numRuns: 300 },
    );
  });
});
