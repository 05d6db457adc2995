import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { HistoryFile } from '../../src/daemon/historyFile';
import type { IncidentRow } from '../../src/daemon/historyRows';
import { IncidentLedger } from '../../src/daemon/incidentLedger';
import { findingOf, stateOf } from '../support/historyFixtures';
import { Sandbox } from '../support/sandbox';

describe('robo report', function () {
  this.timeout(30_000);
  let box: Sandbox;

  beforeEach(async () => {
    box = await Sandbox.start();
  });

  afterEach(async () => {
    await box.end();
  });

  it('says so while nothing was recorded', async () => {
    const { code, stdout } = await box.robo(['report']);
    assert.equal(code, 0);
    assert.match(stdout, /## Incidents\n\n```text\nnone yet\n```/);
  });

  it('has the last incidents, redacted, newest first', async () => {
    const file = new HistoryFile(join(box.endpointDirectory, 'robo.db'));
    file.connect();
    const ledger = new IncidentLedger();
    const told = findingOf('port_refused');
    const message = `DU1234567 is not\nreached from ${hostname()}.`;
    const rows: IncidentRow[] = [
      ...ledger.take(stateOf('down', 0, [told]), true),
      ...ledger.take(stateOf('healthy', 60_000), false),
      ...ledger.take(stateOf('down', 120_000, [{ ...told, message }]), true),
    ];
    file.write(rows.map((row) => ({ table: 'incidents', row }) as const));
    file.close();
    const { stdout } = await box.robo(['report']);
    const [, text = ''] = /## Incidents\n\n```text\n([^`]*)\n```/.exec(stdout) ?? [];
    const [newest = '', oldest = '', ...more] = text.split('\n');
    assert.deepEqual(more, []);
    assert.match(
      newest,
      /^2026-11-20T15:02:00\.000Z open: connection, port_refused: <account> is not reached/,
    );
    assert.match(oldest, /^2026-11-20T15:00:00\.000Z to 2026-11-20T15:01:00\.000Z \(60\.0 s\):/);
  });
});
