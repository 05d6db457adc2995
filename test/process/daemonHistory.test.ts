import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { DaemonRig } from '../support/daemonRig';
import { eventually } from '../support/eventually';

type Row = Record<string, unknown>;

/** Two cycles and three signals, then an end with a code of its own. */
const fallingRunner = `
for (const [symbol, signal] of [['AAPL', 'buy'], ['NVDA', 'hold'], ['TSLA', 'sell']]) {
  console.log(JSON.stringify({ robo: 1, event: 'signal', symbol, signal, price: 10 }));
}
console.log(JSON.stringify({ robo: 1, event: 'cycle' }));
console.log(JSON.stringify({ robo: 1, event: 'cycle' }));
console.log('account DU1234567 falls');
setTimeout(() => process.exit(7), 500);
`;

describe('the database of a real daemon', function () {
  this.timeout(40_000);
  let rig: DaemonRig;

  beforeEach(async () => {
    rig = await DaemonRig.start();
  });

  afterEach(async () => {
    await rig.end();
  });

  function rows(sql: string): readonly Row[] {
    if (!existsSync(rig.paths.database)) {
      return [];
    }
    const reader = new DatabaseSync(rig.paths.database, { readOnly: true });
    try {
      return reader.prepare(sql).all();
    } finally {
      reader.close();
    }
  }

  it('has one incident for one outage, also when the daemon is killed in it', async () => {
    await rig.simulator.setFault('silent_handshake');
    const first = await rig.connect();
    const named = 'SELECT * FROM incidents WHERE cause IS NOT NULL';
    await eventually(() => rows(named).length === 1, 'the outage is written');
    await rig.kill(first.daemon.pid);
    await rig.connect();
    await eventually(
      () => rows('SELECT * FROM incidents WHERE unwatched_ms > 0').length === 1,
      'the next daemon goes on with it',
    );
    await rig.simulator.setFault('none');
    await eventually(
      () => rows('SELECT * FROM incidents WHERE until IS NOT NULL').length === 1,
      'it ends',
    );
    const [incident, ...more] = rows('SELECT * FROM incidents');
    assert.deepEqual(more, []);
    assert.equal(incident?.['ending'], 'seen');
    assert.notEqual(incident['notified_at'], null);
    const transitions = rows('SELECT health, reason FROM health ORDER BY id');
    assert.equal(transitions.at(-1)?.['health'], 'healthy');
    for (const { reason } of transitions) {
      assert.match(String(reason), /^[^\n]+\.$/);
    }
    assert.equal(rows('PRAGMA integrity_check')[0]?.['integrity_check'], 'ok');
  });

  it("has a run with the evidence of its end, and the runner's signals", async () => {
    const client = await rig.connect();
    const pid = await rig.startRunner(client, fallingRunner);
    await eventually(
      () => rows('SELECT * FROM runs WHERE ended_at IS NOT NULL').length === 1,
      'it ends',
    );
    const [run] = rows('SELECT * FROM runs');
    assert.deepEqual(
      [run?.['pid'], run?.['cycles'], run?.['exit_code'], run?.['exit_signal'], run?.['how']],
      [pid, 2, 7, null, 'by itself'],
    );
    assert.match(String(run?.['last_lines']), /account <account> falls/);
    await eventually(() => rows('SELECT * FROM signals').length === 3, 'the signals are written');
    await eventually(
      () => rows("SELECT * FROM incidents WHERE subject_kind = 'runner'").length === 1,
      'its end is an incident',
    );
  });
});
