import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { RecoveryAttempt } from '../../src/diagnostics/status';
import { type IbcCommand, ibcCommands } from '../../src/ibkr/ibcCommands';
import {
  calmMs,
  climb,
  commandGapMs,
  initialLadder,
  type LadderContext,
  type LadderEffect,
  type LadderEvent,
} from '../../src/monitor/recoveryLadder';
import { recoveryOff, type RecoverySettings } from '../../src/monitor/recoverySettings';
import type { TroubleKind } from '../../src/monitor/recoveryTrouble';

const minuteMs = 60_000;
const startMs = Date.parse('2026-11-20T15:00:00Z');
const allAllowed: RecoverySettings = { ibcCommandPort: 7462, allow: new Set(ibcCommands) };
const idle = { works: 'no', why: '' } as const;
const atWork = { works: 'yes', why: 'a runner works' } as const;

/** Climbs the ladder by hand; timers are heeded, and IBC answers as the test says. */
class Climber {
  state = initialLadder;
  nowMs = 0;
  dueMs: number | undefined;
  effects: readonly LadderEffect[] = [];
  readonly sent: {
    readonly command: IbcCommand;
    readonly atMs: number;
    readonly wasSent: boolean;
  }[] = [];
  calls = 0;
  dials = 0;
  context: Omit<LadderContext, 'nowMs' | 'monotonicMs'> = {
    settings: allAllowed,
    mode: 'paper',
    runner: idle,
    isExpected: false,
  };
  reply: Pick<Extract<LadderEvent, { kind: 'replied' }>, 'outcome' | 'effect'> | undefined = {
    outcome: 'IBC has taken it',
    effect: 'possible',
  };

  on(event: LadderEvent): this {
    const context = { ...this.context, nowMs: startMs + this.nowMs, monotonicMs: this.nowMs };
    const { state, effects } = climb(this.state, event, context);
    this.state = state;
    this.effects = effects;
    for (const effect of effects) {
      this.take(effect);
    }
    return this;
  }

  see(
    kind: TroubleKind | undefined,
    tws: string | undefined = 'a',
    seen: Partial<Extract<LadderEvent, { kind: 'seen' }>> = {},
  ): this {
    const trouble = kind === undefined ? undefined : { kind, tws, evidence: `${kind} seen` };
    return this.on({
      kind: 'seen',
      trouble,
      isHeld: false,
      isWedgeGone: false,
      dials: 0,
      lastEnd: undefined,
      ...seen,
    });
  }

  /** Lets time pass, and every wait come due. */
  later(ms: number): this {
    const end = this.nowMs + ms;
    while (this.dueMs !== undefined && this.dueMs <= end) {
      this.nowMs = Math.max(this.nowMs, this.dueMs);
      this.dueMs = undefined;
      this.on({ kind: 'due' });
    }
    this.nowMs = end;
    return this;
  }

  get commands(): readonly IbcCommand[] {
    return this.sent.map(({ command }) => command);
  }

  outcomes(step: RecoveryAttempt['step']): readonly string[] {
    return this.state.attempts.filter((each) => each.step === step).map(({ outcome }) => outcome);
  }

  private take(effect: LadderEffect): void {
    switch (effect.kind) {
      case 'send':
        this.sent.push({
          command: effect.command,
          atMs: this.nowMs,
          wasSent: this.reply?.effect !== 'nothing',
        });
        if (this.reply !== undefined) {
          this.on({ kind: 'replied', command: effect.command, ...this.reply });
        }
        return;
      case 'call':
        this.calls += 1;
        return;
      case 'dial':
        this.dials += 1;
        return;
      case 'wait':
        this.dueMs = this.nowMs + effect.ms;
        return;
      case 'stop waiting':
        this.dueMs = undefined;
    }
  }
}

describe('the ladder of recovery', () => {
  it('does nothing while all is well', () => {
    const climber = new Climber().see(undefined).later(86_400_000).on({ kind: 'asked' });
    assert.deepEqual(climber.effects, []);
    assert.deepEqual(climber.state.attempts, []);
  });

  const steps: readonly (readonly [TroubleKind, readonly IbcCommand[], number])[] = [
    ['connection', [], minuteMs],
    ['client id', [], 5 * minuteMs],
    ['api off', ['ENABLEAPI'], minuteMs / 2],
    ['data', ['RECONNECTDATA'], 5 * minuteMs],
    ['upstream', ['RECONNECTACCOUNT'], 10 * minuteMs],
    ['wedged', ['RESTART'], minuteMs],
  ];
  for (const [kind, commands, firstMs] of steps) {
    it(`tries ${commands.join(', ') || 'no command'} at "${kind}", then calls a person, once`, () => {
      const climber = new Climber().see(kind).later(firstMs - 1);
      assert.deepEqual([climber.sent.length, climber.calls], [0, 0]);
      climber.later(1);
      assert.equal(climber.sent.length, Math.min(1, commands.length));
      climber.later(86_400_000).see(kind).later(86_400_000);
      assert.deepEqual(climber.commands, commands);
      assert.equal(climber.calls, 1);
      assert.equal(climber.state.attempts.at(-1)?.step, 'call');
    });
  }

  it('leaves alone what only time or a person ends', () => {
    const climber = new Climber().see('other').later(86_400_000).see('other');
    assert.deepEqual([climber.sent, climber.calls], [[], 0]);
  });

  it('sends nothing and speaks of nothing that was never set up', () => {
    for (const kind of ['api off', 'data', 'upstream', 'wedged'] as const) {
      const climber = new Climber();
      climber.context = { ...climber.context, settings: recoveryOff };
      climber.see(kind).later(86_400_000);
      assert.deepEqual(climber.sent, []);
      assert.deepEqual(
        climber.state.attempts.map(({ step }) => step),
        ['call'],
      );
    }
  });

  it('says why a step was left out, and goes on to the next', () => {
    const climber = new Climber();
    climber.context = {
      ...climber.context,
      settings: { ibcCommandPort: 7462, allow: new Set(['RECONNECTDATA']) },
    };
    climber.see('wedged').later(minuteMs);
    assert.deepEqual(climber.outcomes('RESTART'), ['not done: it is not among the allowed steps']);
    assert.equal(climber.calls, 1);
  });

  for (const [what, mode, allow, isSent] of [
    ['paper, allowed', 'paper', ['RESTART'], true],
    ['live, allowed for paper', 'live', ['RESTART'], false],
    ['a mode that nobody knows', undefined, ['RESTART'], false],
    ['live, allowed by name', 'live', ['RESTART_LIVE'], true],
    ['paper, allowed for live', 'paper', ['RESTART_LIVE'], true],
  ] as const) {
    it(`restarts on ${what}: ${isSent ? 'yes' : 'no'}`, () => {
      const climber = new Climber();
      climber.context = {
        ...climber.context,
        mode,
        settings: { ibcCommandPort: 7462, allow: new Set(allow) },
      };
      climber.see('wedged').later(minuteMs);
      assert.equal(climber.sent.length, isSent ? 1 : 0);
    });
  }

  for (const works of ['yes', 'unknown'] as const) {
    it(`interrupts no runner that works: ${works}`, () => {
      for (const kind of ['wedged', 'upstream'] as const) {
        const climber = new Climber();
        climber.context = { ...climber.context, runner: { works, why: 'a runner works' } };
        climber.see(kind).later(86_400_000);
        assert.deepEqual(climber.sent, []);
        assert.equal(climber.state.attempts[0]?.outcome, 'not done: a runner works');
        assert.equal(climber.calls, 1);
      }
    });
  }

  it('reconnects data and switches the API on beside a runner', () => {
    for (const kind of ['data', 'api off'] as const) {
      const climber = new Climber();
      climber.context = { ...climber.context, runner: atWork };
      assert.equal(climber.see(kind).later(6 * minuteMs).sent.length, 1);
    }
  });

  it('goes on at once when IBC has not taken a command', () => {
    const climber = new Climber();
    climber.reply = { outcome: 'IBC refused it: no', effect: 'not taken' };
    climber.see('upstream').later(10 * minuteMs);
    assert.deepEqual([climber.sent.length, climber.calls], [1, 1]);
    assert.deepEqual(climber.outcomes('RECONNECTACCOUNT'), ['IBC refused it: no']);
  });

  it('may send again what was not sent at all', () => {
    const climber = new Climber();
    climber.reply = { outcome: 'not done: nobody listens', effect: 'nothing' };
    climber.see('wedged', 'a').later(minuteMs).see('wedged', 'b').later(minuteMs);
    assert.equal(climber.sent.length, 2);
  });

  it('waits for a reply before anything else', () => {
    const climber = new Climber();
    climber.reply = undefined;
    climber.see('wedged').later(86_400_000).see('wedged').on({ kind: 'asked' });
    assert.deepEqual([climber.sent.length, climber.calls], [1, 0]);
    assert.deepEqual(climber.outcomes('RESTART'), ['sent']);
  });

  it('gives another trouble its whole plan, also when it comes while IBC has not replied', () => {
    const climber = new Climber();
    climber.reply = undefined;
    climber.see('api off').later(minuteMs).see('data');
    climber.on({ kind: 'replied', command: 'ENABLEAPI', outcome: 'x', effect: 'possible' });
    climber.later(7 * minuteMs);
    assert.deepEqual(climber.commands, ['ENABLEAPI', 'RECONNECTDATA']);
  });

  it('takes the trouble of a TWS that restarts for no other one', () => {
    const climber = new Climber().see('wedged', 'a').later(minuteMs);
    assert.deepEqual(climber.commands, ['RESTART']);
    climber
      .see('connection', '')
      .later(2 * minuteMs)
      .see('connection', 'b');
    climber.later(3.5 * minuteMs);
    assert.equal(climber.calls, 0, 'it starts and logs in');
    climber.later(minuteMs);
    assert.equal(climber.calls, 1);
  });

  it('does nothing inside a known window, and counts from its end', () => {
    const climber = new Climber();
    climber.context = { ...climber.context, isExpected: true };
    climber.see('upstream').later(60 * minuteMs);
    assert.deepEqual([climber.sent.length, climber.calls], [0, 0]);
    climber.context = { ...climber.context, isExpected: false };
    climber.see('upstream').later(9 * minuteMs);
    assert.equal(climber.sent.length, 0);
    assert.equal(climber.later(2 * minuteMs).sent.length, 1);
  });

  it('restarts once per incident, however often TWS is another one', () => {
    const climber = new Climber();
    for (let tws = 0; tws < 20; tws += 1) {
      climber.see('wedged', `${tws}`).later(commandGapMs.RESTART);
    }
    assert.equal(climber.sent.length, 1);
    assert.equal(climber.calls, 1);
    assert.match(climber.outcomes('RESTART').at(-1) ?? '', /restarted once in this incident/);
  });

  it('tries again when the evidence has changed', () => {
    const climber = new Climber().see('api off', 'a').later(86_400_000);
    climber.see('api off', 'a').later(86_400_000);
    assert.equal(climber.sent.length, 1);
    climber.see('api off', 'b').later(minuteMs);
    assert.equal(climber.sent.length, 2);
    climber.later(86_400_000);
    assert.equal(climber.calls, 1, 'a person was called already');
  });

  it('takes a TWS that was not seen before for the same one', () => {
    const climber = new Climber().see('api off', undefined).later(86_400_000);
    climber.see('api off', 'a').later(86_400_000).see('api off', undefined).see('api off', 'a');
    climber.later(86_400_000);
    assert.deepEqual([climber.sent.length, climber.calls], [1, 1]);
  });

  it('takes trouble that soon comes back for the same incident', () => {
    const climber = new Climber().see('wedged').later(2 * minuteMs);
    assert.equal(climber.sent.length, 1);
    climber
      .see(undefined)
      .later(calmMs - 1)
      .see('wedged')
      .later(86_400_000);
    assert.equal(climber.sent.length, 1);
    climber
      .see(undefined)
      .later(calmMs)
      .see('wedged')
      .later(2 * minuteMs);
    assert.equal(climber.sent.length, 2, 'another incident');
  });

  it('says with the last step that all is well again', () => {
    const climber = new Climber()
      .see('data')
      .later(6 * minuteMs)
      .see(undefined);
    assert.deepEqual(climber.outcomes('RECONNECTDATA'), [
      'IBC has taken it; all was well at 2026-11-20T15:06:00.000Z',
    ]);
    assert.equal(climber.dueMs, undefined);
    climber.later(calmMs).see('connection');
    assert.deepEqual(climber.state.attempts, []);
  });

  it('notes holding and dialling once each, with how they went', () => {
    const climber = new Climber().see('connection', 'a', { isHeld: true, dials: 1 });
    climber.see('connection', 'a', { isHeld: true, dials: 1 });
    climber.see('connection', 'a', { dials: 3, lastEnd: 'fin' });
    climber.see('connection', 'a', { isHeld: true, dials: 4 });
    assert.equal(climber.outcomes('hold').length, 1);
    assert.deepEqual(climber.outcomes('dial'), ['4 connections, the last one lives']);
    climber.see('connection', 'a', { dials: 4, lastEnd: 'reset' });
    assert.deepEqual(climber.outcomes('dial'), ['4 connections, the last one: reset']);
  });

  it('dials again when the wedge is gone, and at most every five minutes', () => {
    const climber = new Climber().see('wedged').later(1000);
    climber.see('connection');
    assert.equal(climber.dials, 0, 'still to be seen');
    climber.see('connection', 'a', { isWedgeGone: true });
    climber.see('connection', 'a', { isWedgeGone: true });
    assert.equal(climber.dials, 1);
    climber.see('wedged').see('connection', 'a', { isWedgeGone: true });
    assert.equal(climber.dials, 1);
    climber.later(5 * minuteMs).see('connection', 'a', { isWedgeGone: true });
    assert.equal(climber.dials, 2);
  });

  it('skips waiting when the trader asks, but not for a restart', () => {
    const data = new Climber().see('data').on({ kind: 'asked' });
    assert.deepEqual(data.commands, ['RECONNECTDATA']);
    data.on({ kind: 'asked' }).on({ kind: 'asked' });
    assert.equal(data.sent.length, 1, 'the gap between commands holds');
    const wedged = new Climber().see('wedged').on({ kind: 'asked' });
    assert.deepEqual(wedged.commands, []);
    wedged.later(86_400_000).on({ kind: 'asked' }).later(86_400_000);
    assert.equal(wedged.sent.length, 1);
  });

  it('keeps its promises whatever happens', () => {
    const kind = fc.constantFrom<TroubleKind | undefined>(
      'connection',
      'wedged',
      'api off',
      'data',
      'upstream',
      'client id',
      'other',
      undefined,
    );
    const step = fc.record({
      kind,
      tws: fc.constantFrom('a', 'b', undefined),
      laterMs: fc.integer({ min: 0, max: 3_600_000 }),
      works: fc.constantFrom('yes', 'no', 'unknown' as const),
      mode: fc.constantFrom('paper', 'live', undefined),
      isExpected: fc.boolean(),
      effect: fc.constantFrom('nothing', 'not taken', 'possible' as const),
      isAsked: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (story) => {
        const climber = new Climber();
        let calls = 0;
        for (const { kind: trouble, tws, laterMs, works, mode, isExpected, ...rest } of story) {
          climber.context = {
            ...climber.context,
            mode,
            isExpected,
            runner: { works, why: 'a runner works' },
          };
          climber.reply = { outcome: 'x', effect: rest.effect };
          const before = climber.sent.length;
          climber.see(trouble, tws).later(laterMs);
          if (rest.isAsked) {
            climber.on({ kind: 'asked' });
          }
          const news = climber.sent.slice(before).map(({ command }) => command);
          const interrupts = news.some((each) => each === 'RESTART' || each === 'RECONNECTACCOUNT');
          assert.ok(!interrupts || works === 'no', 'a runner was interrupted');
          assert.ok(!news.includes('RESTART') || mode === 'paper', 'a live TWS was restarted');
          assert.ok(!isExpected || news.length === 0, 'something was sent inside a window');
          assert.ok(climber.calls - calls <= 1);
          calls = climber.calls;
        }
        for (const command of ibcCommands) {
          const times = climber.sent.filter((each) => each.command === command && each.wasSent);
          times.slice(1).forEach(({ atMs }, index) => {
            assert.ok(atMs - (times[index]?.atMs ?? 0) >= commandGapMs[command], command);
          });
        }
        assert.ok(climber.state.attempts.length <= 30);
      }),
      { numRuns: 300 },
    );
  });

  it('tries nothing after the call until the evidence changes', () => {
    const kinds = ['connection', 'wedged', 'api off', 'data', 'upstream', 'client id'] as const;
    fc.assert(
      fc.property(
        fc.constantFrom(...kinds),
        fc.array(fc.integer({ min: 0, max: 3 * 86_400_000 }), { maxLength: 30 }),
        (kind, waits) => {
          const climber = new Climber().see(kind).later(2 * 86_400_000);
          assert.equal(climber.calls, 1);
          const sent = climber.sent.length;
          for (const ms of waits) {
            climber.see(kind).later(ms);
          }
          assert.deepEqual([climber.sent.length, climber.calls], [sent, 1]);
        },
      ),
    );
  });
});
