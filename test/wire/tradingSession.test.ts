import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { systemClock } from '../../src/core/clock';
import { Simulator } from '../../src/simulator/simulator';
import { KeptBars } from '../../src/trading/keptBars';
import { openSession } from '../../src/trading/openSession';
import type { OpenedSession } from '../../src/trading/tradingLoop';
import { until } from '../support/until';

describe('the session of the built-in runner', () => {
  let simulator: Simulator;
  let opened: OpenedSession;

  beforeEach(async () => {
    simulator = new Simulator();
    const { host, port } = await simulator.start();
    const target = { endpoint: { host, port }, clientId: 123 };
    opened = await openSession(target, systemClock, new AbortController().signal);
  });

  afterEach(async () => {
    if (opened.ok) {
      opened.session.close();
    }
    await simulator.stop();
  });

  it('tells when TWS has lost data, and not when it has kept it', async () => {
    assert.ok(opened.ok);
    let losses = 0;
    opened.session.onDidLoseData(() => {
      losses += 1;
    });
    const { marketData, onDidLoseData } = opened.session;
    for (const fault of ['upstream_lost', 'upstream_lost_data']) {
      await simulator.setFault(fault);
      const healed = fault === 'upstream_lost' ? undefined : until(onDidLoseData, () => true);
      await simulator.setFault('none');
      await healed;
      // An answer comes behind whatever was said before it.
      assert.ok((await marketData.stockContract('AAPL', 5000)).ok);
      assert.equal(losses, fault === 'upstream_lost' ? 0 : 1);
    }
  });

  it('gets an end that fits the bars that were asked for whole', async () => {
    assert.ok(opened.ok);
    const { marketData } = opened.session;
    const request = { duration: '1 D', barSize: '1 min', regularHoursOnly: true };
    const contract = await marketData.stockContract('AAPL', 5000);
    assert.ok(contract.ok);
    const kept = new KeptBars(request);
    const whole = await marketData.bars(contract.value, request, 10_000);
    assert.ok(whole.ok);
    kept.keep(contract.value, whole.value);
    // Not the clock's time: at midnight in New York all would be asked for again.
    const nowMs = (whole.value.at(-1)?.timeMs ?? 0) + 59_999;
    const tail = kept.tailFor(contract.value, nowMs);
    assert.equal(tail?.duration, '180 S');
    const end = await marketData.bars(contract.value, tail, 10_000);
    assert.ok(end.ok && end.value.length <= 6, JSON.stringify(end));
    const merged = kept.merge(contract.value, end.value, nowMs);
    const complete = whole.value.slice(0, -1);
    assert.deepEqual(merged?.slice(0, complete.length), complete);
    assert.deepEqual(merged.at(-1), end.value.at(-1));
  });
});
