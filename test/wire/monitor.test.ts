import assert from 'node:assert/strict';
import { MonitorRig, quickTimings } from '../support/monitorRig';

describe('the monitor over TCP', () => {
  let rig: MonitorRig;

  const watch = async (timings = quickTimings): Promise<void> => {
    rig = await MonitorRig.start({}, timings);
    rig.monitor.ask();
    await rig.shows((monitor) => monitor.snapshot.health === 'healthy');
  };

  afterEach(async () => {
    await rig.end();
  });

  it('keeps one connection and asks the time over it', async () => {
    await watch({ ...quickTimings, livenessIntervalMs: 20 });
    const asked = (): number => rig.simulator.statistics.requestsById[49] ?? 0;
    const before = asked();
    await rig.shows(() => asked() >= before + 3);
    assert.equal(rig.simulator.statistics.connectionsAccepted, 1);
    assert.equal(rig.monitor.snapshot.state.connectionsOpened, 1);
  });

  for (const fault of ['drop', 'drop_reset']) {
    it(`sees ${fault} at once and comes back`, async () => {
      await watch();
      await rig.simulator.setFault(fault);
      await rig.shows((monitor) => monitor.snapshot.health === 'down');
      await rig.shows((monitor) => monitor.snapshot.health === 'healthy');
      assert.equal(rig.simulator.statistics.connectionsAccepted, 2);
    });
  }

  it('calls a frozen TWS down, keeps the socket, and heals on it', async () => {
    await watch({ ...quickTimings, livenessIntervalMs: 50 });
    await rig.simulator.setFault('frozen_ready');
    await rig.shows((monitor) => monitor.snapshot.health === 'down');
    await rig.simulator.setFault('none');
    await rig.shows((monitor) => monitor.snapshot.health === 'healthy');
    assert.equal(rig.simulator.statistics.connectionsAccepted, 1);
  });

  it('takes a question without an answer for a sign, whoever asked', async () => {
    await watch();
    await rig.simulator.setFault('frozen_ready');
    assert.equal(await rig.monitor.askTime(100), undefined);
    assert.equal(rig.monitor.snapshot.health, 'degraded');
    await rig.shows((monitor) => monitor.snapshot.health === 'down');
    await rig.shows((monitor) => monitor.snapshot.findings.length > 0);
    assert.equal(rig.simulator.statistics.connectionsAccepted, 1);
  });

  it('is degraded while 1102 names farms that did not come back', async () => {
    await watch();
    await rig.simulator.setFault('upstream_partial');
    await rig.shows((monitor) => monitor.snapshot.health === 'down');
    await rig.simulator.setFault('none');
    await rig.shows((monitor) => monitor.snapshot.health === 'degraded');
    await rig.shows(({ snapshot: { findings } }) =>
      findings.some(({ causes }) => causes[0]?.id === 'restored_partial_farms'),
    );
  });

  it('goes down on 1100 and is healthy only after 1102 has been verified', async () => {
    await watch();
    await rig.simulator.setFault('upstream_lost');
    await rig.shows((monitor) => monitor.snapshot.health === 'down');
    await rig.shows((monitor) => monitor.snapshot.findings.length > 0);
    assert.equal(rig.monitor.snapshot.findings[0]?.causes[0]?.id, 'upstream_lost_1100');
    const before = rig.simulator.statistics.requestsById[49] ?? 0;
    await rig.simulator.setFault('none');
    await rig.shows((monitor) => monitor.snapshot.health === 'healthy');
    assert.ok((rig.simulator.statistics.requestsById[49] ?? 0) > before);
    assert.deepEqual(rig.monitor.snapshot.findings, []);
  });

  it('waits for a listener without dialling, and finds TWS when it starts', async () => {
    await watch();
    await rig.simulator.setFault('refused');
    await rig.shows(
      ({ snapshot: { state } }) =>
        state.phase.kind === 'waiting' && state.phase.why === 'no listener',
    );
    const opened = rig.monitor.snapshot.state.connectionsOpened;
    await rig.simulator.setFault('none');
    await rig.shows((monitor) => monitor.snapshot.health === 'healthy');
    assert.equal(rig.monitor.snapshot.state.connectionsOpened, opened + 1);
  });

  it('shows data trouble after a failed data check and takes it back by itself', async () => {
    await watch({ ...quickTimings, livenessIntervalMs: 50 });
    await rig.simulator.setFault('unknown_symbols');
    await rig.preflight({ symbols: ['AAPL', 'NVDA'] });
    await rig.shows((monitor) => monitor.snapshot.health === 'degraded');
    await rig.shows((monitor) => monitor.snapshot.findings.length > 0);
    await rig.simulator.setFault('none');
    await rig.shows((monitor) => monitor.snapshot.health === 'healthy');
    assert.deepEqual(rig.monitor.snapshot.findings, []);
  });

  it('gives the cause when it goes down, and nothing when it is well', async () => {
    await watch();
    await rig.simulator.setFault('drop_reset');
    await rig.shows((monitor) => monitor.snapshot.health === 'down');
    await rig.shows((monitor) => monitor.snapshot.findings.length > 0);
    await rig.shows((monitor) => monitor.snapshot.health === 'healthy');
    await rig.shows((monitor) => monitor.snapshot.findings.length === 0);
  });

  it('never tells an outage by what was wrong before it', async () => {
    await watch();
    await rig.simulator.setFault('farm_broken');
    await rig.shows(({ snapshot: { findings } }) => findings[0]?.guide === 'farm_broken_2103');
    const told: string[] = [];
    rig.monitor.onDidChange(() => {
      const { health, findings, message } = rig.monitor.snapshot;
      if (health === 'down') {
        told.push(...findings.map(({ guide }) => guide), message);
      }
    });
    await rig.simulator.setFault('drop_reset');
    await rig.shows((monitor) => monitor.snapshot.health === 'healthy');
    assert.ok(told.length > 0);
    assert.deepEqual(
      told.filter((words) => words.includes('2103')),
      [],
    );
  });

  for (const fault of ['http_server', 'refused', 'close_after_start']) {
    it(`takes no attempt under way for the reason of an outage, ${fault}`, async () => {
      await watch();
      const seen = new Set<string>();
      rig.monitor.onDidChange(() => {
        rig.monitor.snapshot.findings.forEach(({ guide }) => seen.add(guide));
      });
      await rig.simulator.setFault('drop');
      await rig.simulator.setFault(fault);
      await rig.shows(
        ({ snapshot: { state, findings } }) => state.failures > 1 || findings.length > 0,
      );
      await rig.simulator.setFault('none');
      await rig.shows((monitor) => monitor.snapshot.health === 'healthy', 10_000);
      assert.ok(seen.size > 0);
      for (const cause of ['silent_handshake', 'partial_handshake_no_next_valid_id']) {
        assert.ok(!seen.has(cause), `${cause} among ${[...seen].join(', ')}`);
      }
    });
  }
});
