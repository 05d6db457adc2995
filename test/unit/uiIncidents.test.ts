import assert from 'node:assert/strict';
import { GateFindings } from '../../src/ui/gateFindings';
import { IncidentBook } from '../../src/ui/incidents';
import { ago, findingWith, startMs, statusWith } from '../support/uiFixtures';

describe('An incident', () => {
  it('is told once, whatever its diagnosis becomes', () => {
    const book = new IncidentBook();
    const [first] = book.update([findingWith()], 'down').opened;
    assert.equal(book.update([findingWith({ count: 9 })], 'down').opened.length, 0);
    const refined = findingWith({ guide: 'wedged_close_wait', firstAt: ago(1) });
    assert.equal(book.update([refined], 'down').opened.length, 0);
    assert.ok(first);
    assert.equal(book.present(first)?.guide, 'wedged_close_wait');
  });

  it('survives the moment between two attempts and ends with health', () => {
    const book = new IncidentBook();
    book.update([findingWith()], 'down');
    assert.equal(book.update([], 'connecting').closed.length, 0);
    assert.equal(book.update([findingWith()], 'down').opened.length, 0);
    assert.equal(book.update([], 'healthy').closed.length, 1);
    assert.equal(book.update([findingWith()], 'down').opened.length, 1);
  });

  it('has the same name in every window', () => {
    const [one] = new IncidentBook().update([findingWith()], 'down').opened;
    const [other] = new IncidentBook().update([findingWith({ count: 7 })], 'down').opened;
    assert.equal(one?.key, other?.key);
  });

  it('is never opened by warnings or by single symbols', () => {
    const book = new IncidentBook();
    const symbol = findingWith({ subject: { kind: 'symbol', name: 'AAPL' } });
    const change = book.update([findingWith({ severity: 'warning' }), symbol], 'degraded');
    assert.equal(change.opened.length, 0);
  });

  it('of a runner ends when its finding is gone', () => {
    const book = new IncidentBook();
    const finding = findingWith({ subject: { kind: 'runner', name: '/w' } });
    const [incident] = book.update([finding], 'down').opened;
    assert.ok(incident !== undefined && book.present(incident) !== undefined);
    assert.equal(book.update([], 'down').closed.length, 1);
    assert.equal(book.present(incident), undefined);
  });
});

describe('The findings of the last test or start', () => {
  it('stay until the connection healed after them', () => {
    const gate = new GateFindings();
    gate.note([findingWith()], startMs);
    assert.equal(gate.merge(undefined, []).length, 1);
    assert.equal(gate.merge(statusWith({ since: ago(60) }), []).length, 1);
    assert.equal(gate.merge(statusWith({ since: ago(-1) }), []).length, 0);
    assert.equal(gate.merge(undefined, []).length, 0);
  });

  it("give way to the monitor's own word about the same subject", () => {
    const gate = new GateFindings();
    gate.note([findingWith()], startMs);
    const own = findingWith({ guide: 'port_refused' });
    assert.deepEqual(gate.merge(statusWith({ health: 'down', findings: [own] }), []), [own]);
  });
});
