import { farmStates } from '../../src/ibkr/messageCodes';
import { type HealthJudgement, judgeHealth, wakeGraceMs } from '../../src/monitor/health';
import {
  initialState,
  type MonitorEffect,
  type MonitorEvent,
  type MonitorState,
  reduce,
} from '../../src/monitor/monitorState';
import type { Schedule } from '../../src/monitor/schedule';
import { defaultTimings } from '../../src/monitor/timings';
import type { Health } from '../../src/diagnostics/status';
import type { Timeline } from './timeline';

/** How TWS meets who connects: as it should, with silence, or by closing at once. */
export type Welcome = 'ready' | 'silent' | 'closes';

export interface HealthStep {
  readonly atMs: number;
  readonly was: Health;
  readonly health: Health;
}

/**
 * A TWS that does what it is told to, with the monitor's reducer in front of it: in place of
 * sockets, events that come as sockets would bring them. Time is a timeline's.
 */
export class WatchedWorld {
  readonly steps: HealthStep[] = [];
  /** Set where the program is stopped or the other end is gone without a word. */
  private isFrozen = false;
  private isListening = true;
  private listener = 1;
  private isLinked = true;
  private hasData = true;
  private welcome: Welcome = 'ready';
  private monitor: MonitorState = initialState;
  private judged: HealthJudgement = {
    health: 'unknown',
    expectation: undefined,
    outlived: undefined,
  };
  private connection = 0;
  private isAsking = false;
  private isCheckingData = false;
  private isAsleep = false;
  private readonly missedWhileAsleep: (() => void)[] = [];
  private sleepFromMs = 0;
  private sleep: Parameters<typeof judgeHealth>[2] = [];
  private finAtMs: number | undefined;
  private readonly timers = new Map<string, number>();
  private jumps = 0;

  constructor(
    private readonly time: Timeline,
    private readonly schedule: Schedule,
    private readonly random: () => number,
  ) {}

  get state(): MonitorState {
    return this.monitor;
  }

  get health(): Health {
    return this.judged.health;
  }

  watch(): void {
    this.apply({ kind: 'asked' });
  }

  /** TWS says something on an open session. */
  say(code: number, text = ''): void {
    this.whenAwake(() => {
      if (this.isOpen && !this.isFrozen) {
        this.apply({ kind: 'message', code, farms: farmStates(code, text) });
      }
    });
  }

  loseLink(code: 1100 | 2110): void {
    this.isLinked = false;
    this.hasData = false;
    this.say(code);
  }

  restoreLink(code: 1101 | 1102): void {
    this.isLinked = true;
    this.hasData = true;
    this.say(code);
  }

  setData(isThere: boolean): void {
    this.hasData = isThere;
  }

  /** TWS ends the session; who connects anew is met like this. */
  drop(kind: 'fin' | 'reset', welcome: Welcome = 'ready'): void {
    this.welcome = welcome;
    this.endSession(kind);
  }

  /** TWS ends, and nobody listens. */
  quit(kind: 'fin' | 'reset'): void {
    this.isListening = false;
    this.isFrozen = false;
    this.endSession(kind);
  }

  /** TWS is back, another process. */
  launch(welcome: Welcome = 'ready'): void {
    this.isListening = true;
    this.listener += 1;
    this.isLinked = true;
    this.hasData = true;
    this.setWelcome(welcome);
  }

  setWelcome(welcome: Welcome): void {
    this.welcome = welcome;
    const { phase } = this.monitor;
    if (welcome === 'ready' && (phase.kind === 'held' || phase.kind === 'dialling')) {
      this.completeHandshake(this.connection);
    }
  }

  freeze(): void {
    this.isFrozen = true;
  }

  thaw(): void {
    this.isFrozen = false;
    const connection = this.connection;
    this.whenAwake(() => {
      if (connection === this.connection && this.isOpen) {
        this.apply({ kind: 'answered', atMs: this.time.now });
      }
    });
  }

  fallAsleep(): void {
    this.isAsleep = true;
    this.sleepFromMs = this.time.now;
  }

  wake(): void {
    this.isAsleep = false;
    this.jumps += 1;
    const untilMs = this.time.now + wakeGraceMs;
    this.sleep = [{ kind: 'sleep', name: 'a sleep', fromMs: this.sleepFromMs, untilMs }];
    this.apply({ kind: 'woke' });
    for (const action of this.missedWhileAsleep.splice(0)) {
      action();
    }
  }

  private get isOpen(): boolean {
    return this.monitor.phase.kind === 'open';
  }

  private endSession(kind: 'fin' | 'reset'): void {
    const connection = this.connection;
    this.whenAwake(() => {
      const { phase } = this.monitor;
      if (connection === this.connection && phase.kind !== 'waiting' && phase.kind !== 'idle') {
        this.finAtMs = kind === 'fin' && phase.kind === 'open' ? this.time.now : this.finAtMs;
        this.ended({ kind, code: undefined });
      }
    });
  }

  private ended(end: Extract<MonitorEvent, { kind: 'ended' }>['end']): void {
    this.connection += 1;
    this.isAsking = false;
    this.apply({ kind: 'closed', end });
    this.apply({ kind: 'ended', end, look: { socketIds: this.listeners, isChangeVisible: true } });
  }

  private get listeners(): readonly string[] {
    return this.isListening ? [String(this.listener)] : [];
  }

  private whenAwake(action: () => void): void {
    if (this.isAsleep) {
      this.missedWhileAsleep.push(action);
    } else {
      action();
    }
  }

  private apply(event: MonitorEvent): void {
    const now = this.time.now;
    const step = reduce(this.monitor, event, {
      nowMs: now,
      monotonicMs: now,
      timings: defaultTimings,
      random: this.random(),
    });
    this.monitor = step.state;
    this.judge();
    step.effects.forEach((effect) => {
      this.run(effect);
    });
  }

  private judge(): void {
    const now = this.time.now;
    const { loss } = this.monitor;
    const windows = loss === undefined ? [] : this.schedule.at(loss.sinceMs);
    const was = this.judged.health;
    this.judged = judgeHealth(this.monitor, now, [...windows, ...this.sleep]);
    const { health, expectation } = this.judged;
    if (expectation !== undefined) {
      this.timer('expectation', expectation.untilMs - now, () => {
        this.judge();
      });
    }
    if (health === 'healthy' && this.finAtMs !== undefined && loss?.kinds.includes('closed')) {
      this.schedule.noteReturn({ endedAtMs: this.finAtMs, backAtMs: now });
      this.finAtMs = undefined;
    }
    if (health !== was) {
      this.steps.push({ atMs: now, was, health });
    }
  }

  private timer(name: string, ms: number, action: () => void): void {
    const token = (this.timers.get(name) ?? 0) + 1;
    this.timers.set(name, token);
    this.time.after(ms, () => {
      this.whenAwake(() => {
        if (this.timers.get(name) === token) {
          action();
        }
      });
    });
  }

  private cancel(name: string): void {
    this.timers.set(name, (this.timers.get(name) ?? 0) + 1);
  }

  private run(effect: MonitorEffect): void {
    switch (effect.kind) {
      case 'look':
        this.timer('look', 1, () => {
          const look = { socketIds: this.listeners, isChangeVisible: false };
          this.apply({ kind: 'looked', look });
        });
        return;
      case 'dial':
        this.dial();
        return;
      case 'wait':
        this.timer('wait', effect.ms, () => {
          this.apply({ kind: 'wait over' });
        });
        return;
      case 'stop waiting':
        this.cancel('wait');
        return;
      case 'start verdict timer':
        this.timer('verdict', defaultTimings.verdictMs, () => {
          this.apply({ kind: 'verdict due' });
        });
        return;
      case 'stop verdict timer':
        this.cancel('verdict');
        return;
      case 'ask time':
        this.askTime();
        return;
      case 'check data':
        this.checkData();
        return;
      case 'schedule liveness':
        this.timer('liveness', effect.ms, () => {
          this.apply({ kind: 'liveness due' });
        });
        return;
      case 'stop liveness':
        this.cancel('liveness');
    }
  }

  private dial(): void {
    this.connection += 1;
    const connection = this.connection;
    this.isAsking = false;
    this.time.after(10, () => {
      this.whenAwake(() => {
        if (connection !== this.connection) {
          return;
        }
        if (!this.isListening) {
          this.ended({ kind: 'not connected', code: 'ECONNREFUSED', text: 'refused' });
          return;
        }
        this.apply({ kind: 'stage', stage: 'hello' });
        if (this.welcome === 'closes') {
          this.ended({ kind: 'fin', code: undefined });
        } else if (this.welcome === 'ready' && !this.isFrozen) {
          this.completeHandshake(connection);
        }
      });
    });
  }

  private completeHandshake(connection: number): void {
    this.time.after(50, () => {
      this.whenAwake(() => {
        if (connection !== this.connection || this.isFrozen || this.welcome !== 'ready') {
          return;
        }
        this.apply({ kind: 'stage', stage: 'ready' });
        this.apply({ kind: 'stage', stage: 'open' });
        if (!this.isLinked) {
          this.apply({ kind: 'message', code: 2110, farms: [] });
        }
      });
    });
  }

  private askTime(): void {
    if (this.isAsking) {
      return;
    }
    this.isAsking = true;
    const { connection, jumps } = this;
    const isAnswered = !this.isFrozen;
    this.time.after(isAnswered ? 20 : defaultTimings.answerDeadlineMs, () => {
      this.whenAwake(() => {
        if (connection !== this.connection) {
          return;
        }
        this.isAsking = false;
        if (isAnswered) {
          this.apply({ kind: 'answered', atMs: this.time.now });
        } else if (jumps === this.jumps) {
          this.apply({ kind: 'missed', unreadBytes: 0 });
        } else {
          this.askTime();
        }
      });
    });
  }

  private checkData(): void {
    if (this.isCheckingData) {
      return;
    }
    this.isCheckingData = true;
    const isDelivered = this.hasData && !this.isFrozen;
    this.time.after(isDelivered ? 300 : 10_000, () => {
      this.whenAwake(() => {
        this.isCheckingData = false;
        this.apply({ kind: 'data checked', isDelivered, isOwn: true });
      });
    });
  }
}
