import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, systemClock } from '../../src/core/clock';
import { WatchSetup } from '../../src/daemon/watchSetup';
import { Monitor } from '../../src/monitor/monitor';
import { Simulator } from '../../src/simulator/simulator';
import { quickTimings, quietMachine } from '../support/monitorRig';
import { pathsBelow } from '../support/statusRecords';
import { until } from '../support/until';

/** The machine's clock, put forward. */
class ShiftedClock implements Clock {
  shiftMs = 0;
  now(): number {
    return systemClock.now() + this.shiftMs;
  }
  monotonicMs(): number {
    return systemClock.monotonicMs();
  }
  setTimer(delayMs: number, action: () => void): ReturnType<Clock['setTimer']> {
    return systemClock.setTimer(delayMs, action);
  }
}

describe('the restart of TWS', function () {
  this.timeout(10_000);
  let root: string;
  let simulator: Simulator;
  let port: number;
  let clock: ShiftedClock;
  let monitor: Monitor | undefined;

  beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), 'robo-learned-'));
    simulator = new Simulator();
    ({ port } = await simulator.start());
    clock = new ShiftedClock();
  });

  afterEach(async () => {
    monitor?.dispose();
    await simulator.stop();
    rmSync(root, { recursive: true, force: true });
  });

  const newSetup = (): WatchSetup => {
    const endpoint = { host: '127.0.0.1', port };
    const base = { endpoint, clientId: 9000, stateDirectory: root, runnerScript: '/r' };
    return new WatchSetup(pathsBelow(root), {
      args: { ...base, isService: false },
      planned: { machineZone: 'UTC' },
      nowMs: clock.now(),
      log: () => undefined,
    });
  };

  /** A daemon's watch that sees one restart of TWS and then dies without a word. */
  async function seeOneRestart(): Promise<number | undefined> {
    const setup = newSetup();
    const watch = new Monitor({ host: '127.0.0.1', port }, 9000, {
      clock,
      machine: quietMachine(port),
      timings: quickTimings,
      random: () => 0,
      zone: 'UTC',
      schedule: { zone: 'UTC', restarts: setup.restarts },
      onRestarts: (seen) => {
        setup.keepRestarts(seen);
      },
    });
    monitor = watch;
    watch.ask();
    await until(watch.onDidChange, () => watch.snapshot.health === 'healthy');
    await simulator.setFault('refused');
    const wasClosed = (): boolean => watch.snapshot.state.loss?.kinds.includes('closed') === true;
    await until(watch.onDidChange, wasClosed);
    clock.shiftMs += 60_000;
    await simulator.setFault('none');
    watch.ask();
    await until(watch.onDidChange, () => watch.snapshot.health === 'healthy');
    const { restartMinute } = watch;
    watch.dispose();
    return restartMinute;
  }

  it('is learned from two days, although each was seen by another daemon', async () => {
    assert.equal(await seeOneRestart(), undefined);
    clock.shiftMs += 86_400_000 - 60_000;
    const minute = await seeOneRestart();
    assert.notEqual(minute, undefined);
    assert.equal(newSetup().restarts.length, 2);
    // From a clock that was put back since, they would hide all that come.
    clock.shiftMs = -10 * 86_400_000;
    assert.deepEqual(newSetup().restarts, []);
  });
});
