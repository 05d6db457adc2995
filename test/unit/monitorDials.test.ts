import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { DialAdvice } from '../../src/monitor/dialAdvice';
import { dialBudget } from '../../src/monitor/dialBudget';
import { dialPolicy, slowDialMs } from '../../src/monitor/dialPolicy';
import {
  initialState,
  type MonitorEffect,
  type MonitorEvent,
  type MonitorState,
  reduce,
} from '../../src/monitor/monitorState';
import { defaultTimings } from '../../src/monitor/timings';

const hourMs = 3_600_000;

/** A TWS that ends every connection at once; the monitor's waits come due as it asked for them. */
class Dialler {
  state: MonitorState = initialState;
  nowMs = 0;
  random = 0;
  effects: readonly MonitorEffect[] = [];
  readonly dials: number[] = [];
  advice: DialAdvice | undefined;
  listener = '1';

  on(event: MonitorEvent): this {
    const { state, effects } = reduce(this.state, event, {
      nowMs: this.nowMs,
      monotonicMs: this.nowMs,
      timings: defaultTimings,
      random: this.random,
    });
    this.state = state;
    this.effects = effects;
    if (effects.some(({ kind }) => kind === 'dial')) {
      this.dials.push(this.nowMs);
    }
    return this;
  }

  ask(): this {
    return this.on({ kind: 'asked' }).look();
  }

  look(): this {
    return this.on({
      kind: 'looked',
      look: { socketIds: [this.listener], isChangeVisible: false },
    });
  }

  fail(): this {
    return this.on({
      kind: 'ended',
      end: { kind: 'fin', code: undefined },
      look: { socketIds: [this.listener], isChangeVisible: true },
      ...(this.advice === undefined ? {} : { advice: this.advice }),
    });
  }

  /** Offers one TWS after the other until the next one has to wait. */
  spend(): this {
    for (let restart = 0; this.dials.length < dialBudget.burst; restart += 1) {
      this.listener = `spent ${restart}`;
      this.pass(2000);
    }
    this.listener = 'too much';
    return this.pass(5000);
  }

  /** Lets time pass; each dial fails at once. */
  pass(ms: number): this {
    const end = this.nowMs + ms;
    while (this.nowMs < end) {
      if (this.state.phase.kind === 'dialling') {
        this.fail();
      }
      const wait = this.effects.find((effect) => effect.kind === 'wait');
      assert.ok(wait !== undefined && wait.ms > 0, 'somebody looks again, and not without a pause');
      this.nowMs += wait.ms;
      this.on({ kind: 'wait over' }).look();
    }
    return this;
  }
}

describe('how often the monitor dials', () => {
  it('never more than 30 times in an hour, though TWS is another one each time', () => {
    const dialler = new Dialler().ask();
    for (let restart = 0; restart < 2000; restart += 1) {
      dialler.listener = `${restart}`;
      dialler.pass(5000);
    }
    for (const from of dialler.dials) {
      const inHour = dialler.dials.filter((atMs) => atMs >= from && atMs - from < hourMs);
      assert.ok(inHour.length <= 30, `${inHour.length} dials`);
    }
    assert.ok(dialler.dials.length > 50, 'and it does not give up');
  });

  it('never more than 30 times, whatever happens and nobody asks', () => {
    const step = fc.record({
      laterMs: fc.integer({ min: 1, max: 900_000 }),
      listener: fc.constantFrom('1', '2', '3'),
      advice: fc.constantFrom<DialAdvice | undefined>(
        undefined,
        { kind: 'usual' },
        { kind: 'wait', ms: 1000, clientId: 9001 },
        { kind: 'for a change' },
      ),
      random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (story) => {
        const dialler = new Dialler().ask();
        for (const { laterMs, ...now } of story) {
          Object.assign(dialler, now);
          dialler.pass(laterMs);
        }
        for (const from of dialler.dials) {
          const inHour = dialler.dials.filter((atMs) => atMs >= from && atMs - from < hourMs);
          assert.ok(inHour.length <= 30);
        }
      }),
      { numRuns: 100 },
    );
  });

  it('once more for each time that the trader asks', () => {
    const dialler = new Dialler().ask().spend();
    const before = dialler.dials.length;
    assert.equal(dialler.state.phase.kind, 'waiting');
    dialler.ask();
    assert.equal(dialler.dials.length, before + 1);
    dialler.listener = 'another';
    dialler.pass(60_000);
    assert.equal(dialler.dials.length, before + 1);
  });

  it('as its own timer says while the budget is spent, without a change of state in between', () => {
    const dialler = new Dialler().ask().spend();
    const { state } = dialler;
    dialler.pass(30_000);
    assert.equal(dialler.state, state);
  });

  it('slowly, never sooner than law 3 says, and not in step', () => {
    assert.equal(slowDialMs(0), dialPolicy.slowDialMs);
    assert.equal(slowDialMs(0.999), 329_970);
  });
});

describe('the advice of recovery', () => {
  it('decides when the next dial comes', () => {
    const dialler = new Dialler().ask();
    dialler.advice = { kind: 'wait', ms: 30_000, clientId: 9000 };
    dialler.pass(29_000);
    assert.equal(dialler.dials.length, 1);
    dialler.pass(2000);
    assert.deepEqual(dialler.dials, [0, 30_000]);
  });

  it('stops the dialling until somebody else listens', () => {
    const dialler = new Dialler().ask();
    dialler.advice = { kind: 'for a change' };
    dialler.pass(24 * hourMs);
    assert.equal(dialler.dials.length, 1);
    dialler.listener = '2';
    dialler.pass(2000);
    assert.equal(dialler.dials.length, 2);
  });

  it('lets the trader dial a wedged TWS once for each time that he asks', () => {
    const dialler = new Dialler().ask();
    dialler.advice = { kind: 'for a change' };
    for (let asked = 1; asked <= 5; asked += 1) {
      dialler.pass(hourMs).ask().pass(hourMs);
      assert.equal(dialler.dials.length, 1 + asked);
    }
  });
});
