import assert from 'node:assert/strict';
import { GateFindings } from '../../src/ui/gateFindings';
import type { IncidentStatus } from '../../src/diagnostics/status';
import { findingOf, IncidentBook, ownIncidents, wordKey } from '../../src/ui/incidents';
import { ago, findingWith, startMs, statusWith } from '../support/uiFixtures';

function incidentWith(changes: Partial<IncidentStatus> = {}): IncidentStatus {
  return {
    key: 'connection/@1',
    subject: { kind: 'connection' },
    severity: 'error',
    cause: 'silent_accept_dialog',
    layer: 'hello',
    message: 'TCP accepted, no answer.',
    since: ago(30),
    toldAt: null,
    acknowledgedAt: null,
    ...changes,
  };
}

describe('An incident', () => {
  it('opens once, whatever its diagnosis becomes, and closes once', () => {
    const book = new IncidentBook();
    assert.equal(book.update([incidentWith()]).opened.length, 1);
    const refined = incidentWith({ cause: 'wedged_close_wait', toldAt: ago(1) });
    assert.deepEqual(book.update([refined]), { opened: [], closed: [] });
    assert.deepEqual(book.present, [refined]);
    assert.deepEqual(book.update([]), { opened: [], closed: [refined] });
    assert.deepEqual(book.update([]), { opened: [], closed: [] });
  });

  it('that follows another one is a new one', () => {
    const book = new IncidentBook();
    book.update([incidentWith()]);
    const change = book.update([incidentWith({ key: 'connection/@2' })]);
    assert.deepEqual([change.opened.length, change.closed.length], [1, 1]);
  });

  it('is one word in every window, and another one when it grows worse', () => {
    const told = incidentWith({ toldAt: ago(20) });
    assert.equal(wordKey(told), wordKey({ ...told, message: 'Other words.' }));
    assert.notEqual(wordKey(told), wordKey({ ...told, toldAt: ago(1) }));
  });

  it("is not this window's when it is another folder's runner", () => {
    const connection = incidentWith();
    const own = incidentWith({ subject: { kind: 'runner', name: '/w' } });
    const other = incidentWith({ subject: { kind: 'runner', name: '/other' } });
    assert.deepEqual(ownIncidents([connection, own, other], '/w'), [connection, own]);
    assert.deepEqual(ownIncidents([connection, own, other], undefined), [connection]);
  });

  it("is not this window's when it is about another folder's duplicates", () => {
    const robo = incidentWith({ subject: { kind: 'process', name: 'robo' } });
    const own = incidentWith({ subject: { kind: 'process', name: '/w' } });
    const other = incidentWith({ subject: { kind: 'process', name: '/other' } });
    assert.deepEqual(ownIncidents([robo, own, other], '/w'), [robo, own]);
  });

  it('is told with the worst finding about its subject', () => {
    const notice = findingWith({ severity: 'info' });
    const runner = findingWith({ subject: { kind: 'runner', name: '/w' } });
    const worst = findingWith({ message: 'The real one.' });
    assert.equal(findingOf(incidentWith(), [runner, notice, worst]), worst);
    assert.equal(findingOf(incidentWith(), [runner, notice]), notice);
    assert.equal(findingOf(incidentWith(), [runner]), undefined);
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
