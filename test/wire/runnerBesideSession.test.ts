import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { isoTime } from '../../src/core/clock';
import type { Finding } from '../../src/diagnostics/finding';
import { isConnectionInTrouble, withVerdict } from '../../src/diagnostics/runnerVerdict';
import type { RunnerStatus } from '../../src/diagnostics/status';
import { MonitorRig } from '../support/monitorRig';

function failing(layer: 'hello' | 'data', atMs: number): RunnerStatus {
  const finding: Finding = {
    subject: { kind: 'connection' },
    severity: 'error',
    layer,
    causes: [{ id: 'silent_handshake', confidence: 0.5, why: 'no sign' }],
    message: 'The runner has no connection to TWS; it says: TimeoutError()',
    evidence: [],
    remedy: [],
    guide: 'silent_handshake',
    firstAt: isoTime(atMs),
    lastAt: isoTime(atMs),
    count: 1,
  };
  return {
    workspace: '/ws',
    state: 'running',
    pid: 77,
    command: ['python3', 'bot.py'],
    symbols: [],
    startedAt: null,
    logFile: '/ws/runner.log',
    work: 'failing',
    lastCycleAt: null,
    lastFetchAt: null,
    symbolStatus: [],
    bypassReason: null,
    exit: null,
    findings: [finding],
  };
}

describe('a runner beside the session that is kept', () => {
  let rig: MonitorRig;

  beforeEach(async () => {
    rig = await MonitorRig.start();
  });

  afterEach(async () => {
    await rig.end();
  });

  const first = (runner: RunnerStatus): string | undefined =>
    withVerdict(runner, rig.monitor.ownSession, Date.now()).findings[0]?.guide;

  it('is judged by the times of a real handshake and of real data', async () => {
    const before = Date.now() - 1000;
    await rig.preflight();
    const { openAtMs, lastDataAtMs, lastAnswerAtMs } = rig.monitor.ownSession;
    assert.ok(openAtMs !== undefined && lastDataAtMs !== undefined && lastAnswerAtMs !== undefined);
    assert.ok(isConnectionInTrouble(failing('hello', before)));
    assert.equal(first(failing('hello', before)), 'client_lib_mismatch');
    assert.equal(first(failing('hello', openAtMs + 1)), 'accept_queue_wedge');
    assert.equal(first(failing('data', before)), 'silent_stream_death');
    assert.equal(first(failing('data', lastDataAtMs + 1)), 'silent_handshake');
  });

  it('gets a look at the machine on request', async () => {
    await rig.preflight();
    const seen = (): number | undefined => rig.monitor.ownSession.os?.port;
    assert.equal(seen(), undefined);
    await rig.monitor.lookAgain(true);
    assert.equal(seen(), rig.monitor.endpoint.port);
  });

  it('is not judged beside a session that is down', async () => {
    await rig.simulator.setFault('silent_handshake');
    await rig.preflight();
    assert.equal(first(failing('hello', Date.now())), 'silent_handshake');
  });
});
