import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'mocha';
import { type Clock, systemClock } from '../../src/core/clock';
import { Monitor } from '../../src/monitor/monitor';
import { Simulator } from '../../src/simulator/simulator';
import { quickTimings, quietMachine } from '../support/monitorRig';
import { until } from '../support/until';

/** The machine's clock, as if it were that time now; it can be put forward. */
function clockAt(text: string): Clock & { readonly jump: (ms: number) => void } {
  let shiftMs = Date.parse(text) - systemClock.now();
  return {
    jump: (ms) => {
      shiftMs += ms;
    },
    now: () => systemClock.now() + shiftMs,
    monotonicMs: () => systemClock.monotonicMs(),
    setTimer: (delayMs, action) => systemClock.setTimer(delayMs, action),
  };
}

describe('a link that TWS loses', () => {
  let monitor: Monitor | undefined;
  let simulator: Simulator | undefined;

  afterEach(async () => {
    monitor?.dispose();
    await simulator?.stop();
  });

  async function watched(
    clock: Clock,
    zone: string | undefined,
    timings = quickTimings,
  ): Promise<{ readonly watch: Monitor; readonly tws: Simulator }> {
    const tws = new Simulator();
    simulator = tws;
    const { host, port } = await tws.start();
    const watch = new Monitor({ host, port }, 9000, {
      clock,
      machine: quietMachine(port),
      timings,
      random: () => 0,
      ...(zone === undefined ? {} : { zone }),
    });
    monitor = watch;
    watch.ask();
    await until(watch.onDidChange, () => watch.snapshot.health === 'healthy');
    return { watch, tws };
  }

  async function lostAt(text: string, zone: string | undefined): Promise<string | undefined> {
    const { watch, tws } = await watched(clockAt(text), zone);
    await tws.setFault('upstream_lost');
    await until(watch.onDidChange, () => watch.snapshot.findings.length > 0);
    return watch.snapshot.findings[0]?.guide;
  }

  it('is expected in the nightly reset, turns nothing red, and says why and until when', async () => {
    const { watch, tws } = await watched(clockAt('2026-07-15T04:20:00Z'), 'America/New_York');
    const reasons: string[] = [];
    watch.onDidChangeHealth(({ reason }) => reasons.push(reason));
    await tws.setFault('upstream_lost');
    await until(watch.onDidChange, () => watch.snapshot.findings.length > 0);
    const { snapshot } = watch;
    assert.equal(snapshot.health, 'expected');
    assert.equal(snapshot.expectedUntilMs, Date.parse('2026-07-15T05:50:00Z'));
    assert.ok(snapshot.findings.every(({ severity }) => severity === 'info'));
    assert.match(snapshot.message, /it is the time of the nightly reset of IBKR in North America/);
    await tws.setFault('none');
    await until(watch.onDidChange, () => watch.snapshot.health === 'healthy');
    assert.match(reasons[0] ?? '', /has lost .*; it is the time of .*, expected until .*\.$/);
    assert.match(reasons.at(-1) ?? '', /; subscriptions were kept \(1102\)\.$/);
  });

  it('is down when it has outlived the reset', async () => {
    // Shortly before the window is over; five minutes of grace come after it.
    const clock = clockAt('2026-07-15T05:44:30Z');
    const { watch, tws } = await watched(clock, 'America/New_York');
    await tws.setFault('upstream_lost');
    await until(watch.onDidChange, () => watch.snapshot.health === 'expected');
    const health = () => watch.snapshot.health;
    for (let step = 0; step < 40 && health() === 'expected'; step += 1) {
      // Slower than a sleep, which would be another reason to wait.
      clock.jump(9000);
      await watch.askTime(100);
    }
    assert.equal(health(), 'down');
    assert.match(watch.snapshot.message, /and has outlived it/);
  });

  it('after a sleep of the machine is asked for at once, and judged by no gap', async () => {
    const clock = clockAt('2026-07-15T16:00:00Z');
    const { watch, tws } = await watched(clock, 'America/New_York');
    const changes: string[] = [];
    const tokens: string[] = [];
    watch.onDidChangeHealth(({ health }) => changes.push(health));
    watch.onDidLog(({ token }) => tokens.push(token));
    const asked = (): number => tws.statistics.requestsById[49] ?? 0;
    await tws.setFault('frozen_ready');
    const silent = watch.askTime(150);
    clock.jump(8 * 3_600_000);
    assert.equal(await silent, undefined);
    assert.deepEqual(changes, [], 'a question from before the sleep proves nothing');
    assert.ok(tokens.includes('clock.slept'));
    const before = asked();
    await tws.setFault('upstream_lost');
    await until(watch.onDidChange, () => watch.snapshot.health === 'expected');
    await tws.setFault('none');
    await until(watch.onDidChange, () => watch.snapshot.health === 'healthy');
    assert.ok(asked() > before);
    assert.ok(!(changes as readonly string[]).includes('down'));
    assert.equal(watch.snapshot.state.connectionsOpened, 1);
  });

  it('at 00:20 in New York is the nightly reset, for a machine near it', async () => {
    assert.equal(await lostAt('2026-07-15T04:20:00Z', 'America/New_York'), 'nightly_reset');
  });

  it('at noon is an outage', async () => {
    assert.equal(await lostAt('2026-07-15T16:00:00Z', 'America/New_York'), 'upstream_lost_1100');
  });

  it('is an outage at any time where nobody says where the machine is', async () => {
    assert.equal(await lostAt('2026-07-15T04:20:00Z', undefined), 'upstream_lost_1100');
  });
});
