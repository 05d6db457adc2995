import assert from 'node:assert/strict';
import { GateFindings } from '../../src/ui/gateFindings';
import { ago, findingWith, startMs, statusWith } from '../support/uiFixtures';

describe('What the last test found', () => {
  it('is shown until the connection healed after it', () => {
    const gate = new GateFindings();
    gate.note([findingWith()], startMs - 60_000);
    assert.equal(gate.merge(undefined, []).length, 1);
    assert.equal(gate.merge(statusWith({ since: ago(120) }), []).length, 1);
    assert.equal(gate.merge(statusWith({ since: ago(30) }), []).length, 0);
    assert.equal(gate.merge(undefined, []).length, 0);
  });

  it('gives way to what the monitor says of the same subject', () => {
    const gate = new GateFindings();
    gate.note([findingWith({ message: 'from the test' })], startMs);
    const findings = [findingWith({ message: 'from the monitor' })];
    const shown = gate.merge(statusWith({ health: 'down', findings }), []);
    assert.deepEqual(
      shown.map(({ message }) => message),
      ['from the monitor'],
    );
  });

  it('is information and no error inside a planned interruption', () => {
    const gate = new GateFindings();
    const symbol = findingWith({ subject: { kind: 'symbol', name: 'XYZ' } });
    gate.note([findingWith(), symbol], startMs);
    const severities = (health: 'expected' | 'down'): readonly string[] =>
      gate.merge(statusWith({ health }), []).map(({ severity }) => severity);
    assert.deepEqual(severities('expected'), ['info', 'error']);
    assert.deepEqual(severities('down'), ['error', 'error']);
  });
});
