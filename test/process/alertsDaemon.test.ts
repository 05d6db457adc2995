import assert from 'node:assert/strict';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HumanError } from '../../src/core/errors';
import type { DaemonClient } from '../../src/daemon/client';
import type { StatusRecord } from '../../src/diagnostics/status';
import { DaemonRig } from '../support/daemonRig';
import { eventually } from '../support/eventually';
import { until } from '../support/until';

async function becomes(
  client: DaemonClient,
  accept: (status: StatusRecord) => boolean,
): Promise<StatusRecord> {
  const present = await client.status();
  return accept(present) ? present : until(client.onDidChangeStatus, accept, 15_000);
}

describe('alerts of a daemon', function () {
  this.timeout(40_000);
  let rig: DaemonRig;

  beforeEach(async () => {
    rig = await DaemonRig.start();
  });

  afterEach(async () => {
    await rig.end();
  });

  /** A program that notes the event and the key of each alert that it gets. */
  function notingProgram(): { readonly file: string; readonly noted: () => readonly string[] } {
    const file = join(rig.root, 'page');
    writeFileSync(
      file,
      `#!${process.execPath}
const { event, incident } = JSON.parse(require('node:fs').readFileSync(0, 'utf8'));
require('node:fs').appendFileSync(__filename + '.noted', event + ' ' + incident.key + '\\n');
`,
    );
    chmodSync(file, 0o755);
    return {
      file,
      noted: () =>
        existsSync(`${file}.noted`)
          ? readFileSync(`${file}.noted`, 'utf8').split('\n').slice(0, -1)
          : [],
    };
  }

  it('say each incident once and its end once, also when the daemon is killed between', async () => {
    const { file, noted } = notingProgram();
    const first = await rig.connect();
    await first.configureAlerts('cli', { command: [file] });
    await becomes(first, ({ health }) => health === 'healthy');
    await rig.simulator.setFault('refused');
    const told = await becomes(first, ({ incidents }) => (incidents?.[0]?.toldAt ?? null) !== null);
    const key = told.incidents?.[0]?.key ?? '';
    await eventually(() => noted().length === 1, 'the begin');
    assert.deepEqual(
      (await first.acknowledge()).map((each) => each.key),
      [key],
    );
    assert.match(readFileSync(rig.paths.alert, 'utf8'), /^CRITICAL ALERT: /);
    await eventually(
      () => readFileSync(rig.paths.alert, 'utf8').includes('\nAcknowledged: '),
      'the alert file says so',
    );
    await rig.kill(first.daemon.pid);

    const second = await rig.connect();
    const found = await becomes(second, ({ health }) => health === 'down');
    assert.equal(found.incidents?.length, 1);
    assert.equal(found.incidents[0]?.key, key);
    assert.notEqual(found.incidents[0].acknowledgedAt, null);
    await rig.simulator.setFault('none');
    await becomes(
      second,
      ({ health, incidents }) => health === 'healthy' && incidents?.length === 0,
    );
    await eventually(() => noted().length === 2, 'the end');
    assert.deepEqual(noted(), [`begin ${key}`, `end ${key}`]);
    assert.equal(existsSync(rig.paths.alert), false);
  });

  it('are in the answer to a client and in the status file alike, at every moment', async () => {
    const client = await rig.connect();
    await becomes(client, ({ health }) => health === 'healthy');
    await rig.simulator.setFault('refused');
    for (const act of ['look', 'quiet', 'acknowledge', 'heal', 'loud']) {
      if (act === 'quiet' || act === 'loud') {
        const inAnHour = new Date(Date.now() + 3_600_000).toISOString();
        const record = await client.quiet(act === 'quiet' ? inAnHour : null);
        assert.equal(record.alerts?.quietUntil, act === 'quiet' ? inAnHour : null);
      } else if (act === 'acknowledge') {
        await becomes(client, ({ health }) => health === 'down');
        await client.acknowledge();
      } else if (act === 'heal') {
        await rig.simulator.setFault('none');
      }
      const told = await client.status();
      const { record: written } = rig;
      assert.ok(written !== undefined);
      assert.ok(written.timestamp >= told.timestamp);
      if (written.timestamp === told.timestamp) {
        assert.deepEqual(written, told, act);
      }
      assert.deepEqual(written.alerts, told.alerts, act);
    }
  });

  it('refuse wrong requests in a sentence', async () => {
    const client = await rig.connect();
    await assert.rejects(client.quiet('2001-01-01T00:00:00Z'), HumanError);
    await assert.rejects(client.configureAlerts('window', { command: ['page-me'] }), /absolute/);
    assert.equal((await client.status()).alerts?.quietUntil, null);
  });
});
