import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { HumanError } from '../../src/core/errors';
import { causeOfAlert } from '../../src/rehearsal/audience';
import { type Expectation, expectations } from '../../src/rehearsal/expectations';
import { judge, type Observation } from '../../src/rehearsal/judge';
import { Stage } from '../../src/rehearsal/stage';
import { faults } from '../../src/simulator/faults';

const outage: Expectation = {
  meets: 'kept session',
  gate: 'shut',
  causes: ['upstream_lost_1100', 'nightly_reset'],
  alert: 'until healed',
  heals: 'by itself',
  afterwards: 'healthy',
  why: 'as it is',
};

const asExpected: Observation = {
  gate: 'shut',
  namedByGate: 'upstream_lost_1100',
  namedByAlert: 'nightly_reset',
  namedInStatus: ['upstream_lost_1100'],
  wasAlertSeen: true,
  isAlertBeforeHealing: true,
  isAlertAfterwards: false,
  healthAfterwards: 'healthy',
  runner: { pid: 4711, trouble: undefined },
};

const quiet: Partial<Observation> = {
  namedByGate: undefined,
  namedByAlert: undefined,
  namedInStatus: [],
  wasAlertSeen: false,
  isAlertBeforeHealing: false,
};

/** The checks that did not hold. */
function missed(seen: Partial<Observation>, expected: Partial<Expectation> = {}): string[] {
  return judge({ ...outage, ...expected }, { ...asExpected, ...seen })
    .filter(({ held }) => !held)
    .map(({ check }) => check);
}

describe('what a rehearsal expects', () => {
  it('is written down for every fault of the simulator, and for no other', () => {
    assert.deepEqual(
      Object.keys(expectations).toSorted(),
      faults.map(({ name }) => name).toSorted(),
    );
  });

  it('has a reason each, and a cause wherever the gate is shut or an alert stays', () => {
    for (const [fault, { why, gate, alert, causes }] of Object.entries(expectations)) {
      assert.match(why, /^[A-Z].*\.$/, fault);
      assert.ok(gate === 'open' || causes.length > 0, fault);
      assert.ok(alert !== 'until healed' || causes.length > 0, fault);
    }
  });

  it('shuts the gate while an alert lasts', () => {
    for (const [fault, { gate, alert }] of Object.entries(expectations)) {
      assert.ok(alert !== 'until healed' || gate === 'shut', fault);
    }
  });
});

describe('the judgement of a rehearsal', () => {
  it('holds when everything was as expected', () => {
    assert.deepEqual(missed({}), []);
  });

  for (const [what, seen, check] of [
    ['a gate that opened', { gate: 'open' }, ['gate']],
    ['a start that failed', { gate: 'failed' }, ['gate']],
    ['a wrong cause in the gate', { namedByGate: 'port_refused' }, ['cause']],
    ['no cause in the gate', { namedByGate: undefined }, ['cause']],
    ['a wrong cause in the alert', { namedByAlert: 'port_refused' }, ['cause']],
    [
      'no alert at all',
      { wasAlertSeen: false, isAlertBeforeHealing: false, namedByAlert: undefined },
      ['cause', 'alert'],
    ],
    ['an alert that went too early', { isAlertBeforeHealing: false }, ['alert']],
    ['an alert that stayed', { isAlertAfterwards: true }, ['alert']],
    ['a health that did not come back', { healthAfterwards: 'down' }, ['recovery']],
    ['no word about the health', { healthAfterwards: undefined }, ['recovery']],
    ['a runner that was signalled', { runner: { pid: 1, trouble: 'signalled' } }, ['runner']],
  ] as const) {
    it(`does not hold after ${what}`, () => {
      assert.deepEqual(missed(seen), check);
    });
  }

  it('wants nothing named and no alert where nothing is wrong', () => {
    const harmless = { gate: 'open', alert: 'none', causes: [] } as const;
    assert.deepEqual(missed({ ...quiet, gate: 'open' }, harmless), []);
    assert.deepEqual(missed({ ...quiet, gate: 'open', namedInStatus: ['x'] }, harmless), ['cause']);
    assert.deepEqual(missed({ ...quiet, gate: 'open', namedByGate: 'x' }, harmless), ['cause']);
    assert.deepEqual(missed({ ...quiet, gate: 'open', wasAlertSeen: true }, harmless), ['alert']);
  });

  it('takes the word of the gate or of the status where the gate only warns', () => {
    const warning = { gate: 'open', alert: 'none' } as const;
    const seen = { ...quiet, gate: 'open' } as const;
    assert.deepEqual(missed({ ...seen, namedByGate: 'nightly_reset' }, warning), []);
    assert.deepEqual(missed({ ...seen, namedInStatus: ['nightly_reset'] }, warning), []);
    assert.deepEqual(missed(seen, warning), ['cause']);
  });

  it('wants an alert that passes to be over before the fault is', () => {
    const passing = { alert: 'passing' } as const;
    assert.deepEqual(missed({ isAlertBeforeHealing: false }, passing), []);
    assert.deepEqual(missed({ isAlertBeforeHealing: true }, passing), ['alert']);
  });
});

describe('the cause in an alert file', () => {
  it('is read from its line', () => {
    const text = 'CRITICAL ALERT: x\nDown.\nLikely cause: port_reset_1300 (95 %): TWS said so\n';
    assert.equal(causeOfAlert(text), 'port_reset_1300');
    assert.equal(causeOfAlert('CRITICAL ALERT: x\nDown.\n'), undefined);
    assert.equal(causeOfAlert(undefined), undefined);
  });
});

describe('the stage of a rehearsal', () => {
  const trader = { host: '127.0.0.1', port: 45_000 };

  it('is a new folder, and is gone when it is removed', () => {
    const stage = new Stage(trader);
    const root = dirname(stage.runnerScript);
    assert.ok(existsSync(stage.runnerScript));
    assert.ok(stage.stateDirectory.startsWith(root));
    stage.remove();
    assert.equal(existsSync(root), false);
  });

  it('admits no address where a real TWS may be', () => {
    const stage = new Stage(trader);
    try {
      stage.admit({ host: '127.0.0.1', port: 45_001 });
      for (const endpoint of [
        trader,
        ...[7497, 7496, 4001, 4002].map((port) => ({ host: '127.0.0.1', port })),
        { host: '192.168.1.5', port: 45_001 },
      ]) {
        assert.throws(() => {
          stage.admit(endpoint);
        }, HumanError);
      }
    } finally {
      stage.remove();
    }
  });
});
