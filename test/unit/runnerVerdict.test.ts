import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { isoTime } from '../../src/core/clock';
import { known } from '../../src/core/observed';
import type { CauseId } from '../../src/diagnostics/causeIds';
import type { Finding } from '../../src/diagnostics/finding';
import { type OwnSession, runnerVerdict, withVerdict } from '../../src/diagnostics/runnerVerdict';
import type { RunnerStatus } from '../../src/diagnostics/status';
import { calm, nowMs, oldTws } from '../support/situations';

const minute = 60_000;

function trouble(layer: 'hello' | 'data', atMs: number): Finding {
  return {
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
}

function runner(findings: readonly Finding[], state: RunnerStatus['state'] = 'running') {
  return {
    workspace: '/ws',
    state,
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
    findings,
  } satisfies RunnerStatus;
}

const failedAt = nowMs - 2 * minute;
const ours: OwnSession = {
  openAtMs: nowMs - 60 * minute,
  lastAnswerAtMs: nowMs - 5000,
  lastDataAtMs: undefined,
  os: calm,
};
const silent = runner([trouble('hello', failedAt)]);
const guide = (own: Partial<OwnSession>, status: RunnerStatus = silent) =>
  runnerVerdict(status, { ...ours, ...own }, nowMs)?.guide;

describe('a runner that fails beside a session that works', () => {
  it("has a fault of its own only where our handshake is newer than the runner's failure", () => {
    const newer = runnerVerdict(silent, { ...ours, openAtMs: nowMs - minute }, nowMs);
    assert.equal(newer?.guide, 'client_lib_mismatch');
    const ids = newer.causes.map(({ id }) => id);
    assert.ok(ids.includes('event_loop_misuse') && ids.includes('client_id_in_use_326'));
    assert.ok(!ids.includes('accept_queue_wedge'));
    assert.ok((newer.causes[0]?.confidence ?? 1) < 0.7);
    assert.equal(guide({}), 'accept_queue_wedge');
  });

  it('shows an accept loop that is dead where new connections wait behind our old session', () => {
    const waiting = { ...calm, listeners: known([{ ...oldTws, receiveQueue: 3 }]) };
    const finding = runnerVerdict(silent, { ...ours, os: waiting }, nowMs);
    assert.equal(finding?.guide, 'accept_queue_wedge');
    assert.ok((finding.causes[0]?.confidence ?? 0) >= 0.7);
    const [unseen] = runnerVerdict(silent, { ...ours, os: undefined }, nowMs)?.causes ?? [];
    assert.ok((unseen?.confidence ?? 1) < 0.7, 'an unseen queue is no proof');
  });

  it('shows a wedge where TWS holds dead connections behind our old session', () => {
    const dead = { side: 'server', ownerPid: 4711, role: 'tws', count: 2 } as const;
    assert.equal(guide({ os: { ...calm, closeWait: known([dead]) } }), 'wedged_close_wait');
  });

  it('has a dead stream or worker where our data came after its own stopped', () => {
    const stopped = runner([trouble('data', failedAt)]);
    assert.equal(guide({ lastDataAtMs: nowMs - minute }, stopped), 'silent_stream_death');
    assert.equal(guide({ lastDataAtMs: failedAt - minute }, stopped), undefined);
    assert.equal(guide({ lastDataAtMs: undefined }, stopped), undefined);
  });

  it('says nothing where our session is no better off, or the runner is not in trouble', () => {
    assert.equal(guide({ openAtMs: undefined }), undefined);
    assert.equal(guide({ lastAnswerAtMs: nowMs - 5 * minute }), undefined);
    assert.equal(guide({}, runner([])), undefined);
    assert.equal(guide({}, runner([trouble('hello', failedAt)], 'exited')), undefined);
  });

  it('leaves it at what the runner says where a code or a traceback decides', () => {
    const said = (layer: 'ready' | 'tcp' | 'port', id: CauseId, confidence: number): RunnerStatus =>
      runner([
        { ...trouble('hello', failedAt), layer, causes: [{ id, confidence, why: 'it says so' }] },
      ]);
    for (const openAtMs of [nowMs - 60 * minute, nowMs - minute]) {
      assert.equal(guide({ openAtMs }, said('ready', 'client_id_in_use_326', 0.95)), undefined);
      assert.equal(guide({ openAtMs }, said('ready', 'client_lib_mismatch', 0.8)), undefined);
      assert.equal(guide({ openAtMs }, said('port', 'port_refused', 0.6)), 'bad_configuration');
      assert.equal(guide({ openAtMs }, said('tcp', 'bad_host', 0.9)), 'bad_configuration');
    }
    const gone = { os: { ...calm, listeners: known([]) } };
    assert.equal(guide(gone, said('port', 'port_refused', 0.6)), undefined);
  });

  it('keeps what the runner said as evidence', () => {
    const finding = runnerVerdict(silent, ours, nowMs);
    assert.ok(finding);
    assert.ok(finding.evidence.some(({ text }) => text.includes('TimeoutError')));
    assert.deepEqual(finding.subject, { kind: 'connection' });
    assert.deepEqual(withVerdict(silent, ours, nowMs).findings, [finding]);
    const sum = finding.causes.reduce((total, { confidence }) => total + confidence, 0);
    assert.ok(sum <= 1);
  });
});
