import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'mocha';
import type { Monitor } from '../../src/monitor/monitor';
import { Simulator } from '../../src/simulator/simulator';
import { causesOf, MonitorRig, statusOf } from '../support/monitorRig';

const paper = 'DU1234567';
const live = 'U7654321';

describe('a TWS that comes back at the same port', () => {
  let rig: MonitorRig;
  let other: Simulator | undefined;

  afterEach(async () => {
    await rig.end();
    await other?.stop();
    other = undefined;
  });

  const has =
    (health: string) =>
    ({ snapshot }: Monitor): boolean =>
      snapshot.health === health;

  /** A watched login, and TWS started again with another one. */
  async function restarted(before: string, after: string): Promise<void> {
    rig = await MonitorRig.start({ accounts: [before] });
    rig.monitor.ask();
    await rig.shows(has('healthy'));
    await rig.simulator.stop();
    await rig.shows(has('down'));
    other = new Simulator({ port: rig.monitor.endpoint.port, accounts: [after] });
    await other.start();
  }

  it('with a live account where a paper one was is not well, and no gate opens', async () => {
    await restarted(paper, live);
    await rig.shows(has('degraded'));
    await rig.shows(({ snapshot }) => snapshot.findings.length > 0);
    const [finding] = rig.monitor.snapshot.findings;
    assert.deepEqual(causesOf(finding), ['account_mode_mismatch']);
    assert.equal(finding?.severity, 'error');
    assert.equal(rig.monitor.snapshot.message, finding.message);
    const { report } = await rig.preflight();
    assert.equal(statusOf(report)['account'], 'fail');
    assert.equal(report.ok, false);
    const asked = await rig.preflight({ mode: 'live' });
    assert.equal(statusOf(asked.report)['account'], 'pass');
    await rig.shows(has('healthy'));
    assert.equal(statusOf((await rig.preflight()).report)['account'], 'pass');
  });

  it('with a live account is well when the trader says that it is meant', async () => {
    await restarted(paper, live);
    await rig.shows(has('degraded'));
    rig.monitor.askAnew();
    await rig.shows(has('healthy'));
    const { report } = await rig.preflight();
    assert.equal(statusOf(report)['account'], 'pass');
  });

  it('with another paper account, or from live to paper, is as well as before', async () => {
    await restarted(live, paper);
    await rig.shows(has('healthy'));
    assert.deepEqual(rig.monitor.snapshot.accounts, [paper]);
  });
});
