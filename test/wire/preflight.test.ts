import assert from 'node:assert/strict';
import { layers } from '../../src/diagnostics/finding';
import { eventually } from '../support/eventually';
import { causesOf, MonitorRig, statusOf } from '../support/monitorRig';

describe('the pre-flight over TCP', () => {
  let rig: MonitorRig;

  beforeEach(async () => {
    rig = await MonitorRig.start();
  });

  afterEach(async () => {
    await rig.end();
  });

  it('passes every layer of a healthy TWS, in order, over one connection', async () => {
    const { report, seen } = await rig.preflight({ symbols: ['AAPL', 'NVDA'] });
    assert.equal(report.ok, true, JSON.stringify(report.findings));
    assert.deepEqual(
      report.layers.map(({ layer }) => layer),
      layers,
    );
    assert.deepEqual(
      seen.map(({ layer }) => layer),
      layers,
    );
    assert.equal(rig.simulator.statistics.connectionsAccepted, 1);
  });

  it('verifies a kept session anew instead of opening a second one', async () => {
    await rig.preflight();
    const before = rig.simulator.statistics.requestsById[49] ?? 0;
    const { report } = await rig.preflight();
    assert.equal(report.ok, true);
    assert.equal(rig.simulator.statistics.connectionsAccepted, 1);
    assert.ok((rig.simulator.statistics.requestsById[49] ?? 0) > before);
  });

  it('asks for data differently within 15 s, so that no answer comes from memory', async () => {
    await rig.preflight();
    await rig.simulator.setFault('no_data');
    const { report } = await rig.preflight();
    assert.equal(report.failedLayer, 'data');
    assert.equal(report.ok, false);
  });

  it('asks for data also where nobody names a symbol: no question proves nothing', async () => {
    await rig.preflight();
    await rig.simulator.setFault('no_data');
    const { report } = await rig.preflight({ symbols: [] });
    assert.equal(report.failedLayer, 'data');
    assert.equal(report.ok, false);
  });

  it('does not pass, nor wait on, when it is called off in its last layer', async () => {
    await rig.preflight();
    await rig.simulator.setFault('no_data');
    const controller = new AbortController();
    const asked = rig.preflight({ dataTimeoutMs: () => 60_000 }, controller.signal);
    await eventually(
      () => (rig.simulator.statistics.requestsById[9] ?? 0) > 1,
      'data is asked for',
    );
    controller.abort();
    const { report } = await asked;
    assert.equal(report.ok, false);
    assert.equal(statusOf(report)['data'], 'skipped');
    assert.deepEqual(report.findings, []);
  });

  it('touches no port that nobody listens on', async () => {
    await rig.simulator.setFault('refused');
    const { report } = await rig.preflight();
    assert.equal(report.failedLayer, 'port');
    assert.equal(rig.monitor.progress, undefined);
    assert.equal(causesOf(report.findings[0])[0], 'port_refused');
  });

  it('gives its verdict on silence and holds the socket', async () => {
    await rig.simulator.setFault('silent_handshake');
    const { report } = await rig.preflight();
    assert.equal(report.failedLayer, 'hello');
    assert.equal(causesOf(report.findings[0])[0], 'silent_handshake');
    assert.equal(rig.simulator.statistics.connectionsOpen, 1);
    const again = await rig.preflight();
    assert.equal(again.report.failedLayer, 'hello');
    assert.equal(rig.simulator.statistics.connectionsAccepted, 1);
  });

  it('heals on the held socket when TWS answers at last', async () => {
    await rig.simulator.setFault('silent_handshake');
    await rig.preflight();
    await rig.simulator.setFault('none');
    await rig.shows((monitor) => monitor.snapshot.health === 'healthy');
    assert.equal(rig.simulator.statistics.connectionsAccepted, 1);
  });

  it('can be cancelled without giving the socket up', async () => {
    await rig.simulator.setFault('silent_handshake');
    const controller = new AbortController();
    const running = rig.preflight({ timeoutMs: 60_000 }, controller.signal);
    await rig.shows((monitor) => monitor.progress?.stage === 'hello');
    controller.abort();
    const { report } = await running;
    assert.equal(report.ok, false);
    assert.equal(rig.simulator.statistics.connectionsOpen, 1);
  });

  for (const [fault, layer, cause] of [
    ['close_on_accept', 'hello', 'closed_at_once_untrusted'],
    ['http_server', 'hello', 'wrong_service'],
    ['ssh_server', 'hello', 'wrong_service'],
    ['garbage', 'hello', 'wrong_service'],
    ['client_id_in_use', 'ready', 'client_id_in_use_326'],
    ['paper_disclaimer', 'ready', 'paper_disclaimer_10141'],
    ['version_only', 'ready', 'partial_handshake_no_next_valid_id'],
    ['accounts_only', 'ready', 'partial_handshake_no_next_valid_id'],
    ['version_too_old', 'hello', 'server_version_too_old'],
    ['hmds_broken', 'data', 'hmds_broken_2105'],
  ] as const) {
    it(`stops at ${layer} under ${fault} and names ${cause}`, async () => {
      await rig.simulator.setFault(fault);
      const { report } = await rig.preflight({ timeoutMs: 1500 });
      assert.equal(report.failedLayer, layer);
      assert.ok(
        causesOf(report.findings[0]).slice(0, 2).includes(cause),
        JSON.stringify(report.findings[0]?.causes),
      );
    });
  }

  it('refuses an account of another mode than the trader asked for', async () => {
    await rig.simulator.setFault('live_account');
    const { report } = await rig.preflight({ mode: 'paper' });
    assert.equal(report.failedLayer, 'account');
    assert.equal(causesOf(report.findings[0])[0], 'account_mode_mismatch');
  });

  it('warns of one unknown symbol among others, and refuses when none is answered', async () => {
    const one = await rig.preflight({ symbols: ['AAPL', 'ZZTOP'] });
    assert.equal(one.report.ok, true);
    assert.equal(statusOf(one.report)['data'], 'warn');
    assert.equal(one.report.findings[0]?.subject.name, 'ZZTOP');
    await rig.simulator.setFault('no_data');
    const none = await rig.preflight({ symbols: ['AAPL', 'NVDA'] });
    assert.equal(none.report.ok, false);
    assert.equal(none.report.findings.length, 1);
    assert.equal(none.report.findings[0]?.subject.kind, 'connection');
  });

  it('survives a hostile length prefix after the session was ready', async () => {
    await rig.preflight();
    await rig.simulator.setFault('negative_length');
    const { report } = await rig.preflight();
    assert.equal(report.ok, false);
    assert.equal(causesOf(report.findings[0])[0], 'decoder_desync');
  });

  it('is not passed without data either when TWS has said that it lost IBKR', async () => {
    await rig.preflight();
    await rig.simulator.setFault('upstream_lost');
    await rig.shows((monitor) => monitor.activeCodes.includes(1100));
    const { report } = await rig.preflight({ withData: false });
    assert.equal(report.ok, false);
    assert.equal(report.failedLayer, 'data');
    assert.equal(causesOf(report.findings[0])[0], 'upstream_lost_1100');
  });
});
