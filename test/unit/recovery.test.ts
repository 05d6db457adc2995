import assert from 'node:assert/strict';
import { Emitter } from '../../src/core/emitter';
import { known } from '../../src/core/observed';
import type { CauseId } from '../../src/diagnostics/causeIds';
import type { Finding } from '../../src/diagnostics/finding';
import { makeFinding } from '../../src/diagnostics/makeFinding';
import type { Health, RunnerStatus } from '../../src/diagnostics/status';
import type { PortObservation } from '../../src/host/portObservation';
import type { ConnectionProgress } from '../../src/ibkr/connection';
import { type IbcCommand, ibcCommands, type IbcReply } from '../../src/ibkr/ibcCommands';
import { initialState, type Phase } from '../../src/monitor/monitorState';
import { Recovery, type WatchedConnection } from '../../src/monitor/recovery';
import type { RecoverySettings } from '../../src/monitor/recoverySettings';
import { FakeClock, settle } from '../support/fakeClock';
import { FakeMachine, fakeProcess, fakeSocket } from '../support/hostFakes';
import { calm, oldTws, waiting } from '../support/situations';

const minuteMs = 60_000;
const held: Phase = { kind: 'held', stage: 'hello', sinceMs: 0 };
const open: Phase = { kind: 'open', sinceMonotonicMs: 0, isVerified: true };
const tws = fakeProcess(4711, '/opt/tws/java -cp /opt/tws/jars/* jclient.LoginFrame /root/Jts');

function finding(id: CauseId): Finding {
  return makeFinding({
    subject: { kind: 'connection' },
    causes: [{ id, confidence: 0.95, why: 'seen' }],
    message: 'Something is wrong.',
    nowMs: 0,
    severity: 'error',
    evidence: [],
  });
}

/** A watch whose state a test writes. */
class FakeWatch implements WatchedConnection {
  readonly endpoint = { host: '127.0.0.1', port: 7497 };
  readonly clientId = 9000;
  readonly changed = new Emitter<void>();
  readonly onDidChange = this.changed.event;
  asks = 0;
  os: PortObservation | undefined = calm;
  snapshot: WatchedConnection['snapshot'] = {
    state: initialState,
    health: 'unknown',
    findings: [],
    accounts: ['DU1234567'],
  };

  get ownSession(): { readonly os: PortObservation | undefined } {
    return { os: this.os };
  }

  show(health: Health, causes: readonly CauseId[] = [], phase: Phase = held): void {
    const state = { ...initialState, phase };
    this.snapshot = { ...this.snapshot, health, findings: causes.map(finding), state };
    this.changed.fire();
  }

  ask(): void {
    this.asks += 1;
  }
}

/** Recovery on a machine on which one TWS runs, with IBC inside it. */
class Rig {
  readonly clock = new FakeClock();
  readonly machine = new FakeMachine();
  readonly watch = new FakeWatch();
  readonly sent: string[] = [];
  readonly log: string[] = [];
  runners: readonly RunnerStatus[] = [];
  runnerIds: Readonly<Record<string, number>> = {};
  reply: IbcReply = { kind: 'done', text: '' };
  readonly recovery: Recovery;

  constructor(settings: RecoverySettings = { ibcCommandPort: 7462, allow: new Set(ibcCommands) }) {
    this.machine.table = known([tws]);
    this.machine.rows = known([
      fakeSocket('127.0.0.1:7497', '0.0.0.0:0', 'LISTEN', 4711),
      fakeSocket('127.0.0.1:7462', '0.0.0.0:0', 'LISTEN', 4711),
    ]);
    this.recovery = new Recovery(this.watch, {
      clock: this.clock,
      machine: this.machine,
      settings,
      runners: () => this.runners,
      runnerClientId: (workspace) => this.runnerIds[workspace],
      log: (level, token, words) => {
        this.log.push(`${level} ${token} ${words}`);
      },
      send: (port: number, command: IbcCommand) => {
        this.sent.push(`${command} ${port}`);
        return Promise.resolve(this.reply);
      },
    });
  }

  outcomeOf(step: string): string | undefined {
    return this.recovery.attempts.findLast((attempt) => attempt.step === step)?.outcome;
  }

  said(token: string): readonly string[] {
    return this.log.filter((line) => line.includes(` ${token} `));
  }
}

describe('recovery', () => {
  it('reconnects the data of a farm that stays broken, and calls nobody when that helps', async () => {
    const rig = new Rig();
    rig.watch.show('degraded', ['farm_broken_2103'], open);
    await rig.clock.advance(5 * minuteMs - 1);
    assert.deepEqual(rig.sent, []);
    await rig.clock.advance(1);
    assert.deepEqual(rig.sent, ['RECONNECTDATA 7462']);
    rig.watch.show('healthy', [], open);
    await rig.clock.advance(24 * 60 * minuteMs);
    assert.deepEqual(rig.sent, ['RECONNECTDATA 7462']);
    assert.match(rig.outcomeOf('RECONNECTDATA') ?? '', /^IBC has taken it; all was well at /);
    assert.deepEqual(rig.said('recovery.call'), []);
    assert.equal(rig.clock.pending, 0);
  });

  it('restarts a wedged TWS with its warning, and then calls a person with what was tried', async () => {
    const rig = new Rig();
    rig.watch.show('down', ['wedged_close_wait']);
    await rig.clock.advance(minuteMs);
    assert.deepEqual(rig.sent, ['RESTART 7462']);
    assert.match(rig.outcomeOf('RESTART') ?? '', /login with a second factor/);
    await rig.clock.advance(60 * minuteMs);
    assert.deepEqual(rig.sent, ['RESTART 7462']);
    const [call, ...more] = rig.said('recovery.call');
    assert.match(
      call ?? '',
      /^ERROR .*a person must look: Something is wrong.*tried: held .*RESTART/,
    );
    assert.deepEqual(more, []);
  });

  it('looks once more just before it sends: a runner that came meanwhile is left in peace', async () => {
    const rig = new Rig();
    rig.watch.show('down', ['wedged_close_wait']);
    rig.machine.table = known([tws, fakeProcess(77, 'python3 trade.py')]);
    rig.machine.rows = known([
      ...(rig.machine.rows.known ? rig.machine.rows.value : []),
      fakeSocket('127.0.0.1:7497', '127.0.0.1:50001', 'ESTABLISHED', 4711),
      fakeSocket('127.0.0.1:50001', '127.0.0.1:7497', 'ESTABLISHED', 77),
    ]);
    await rig.clock.advance(minuteMs);
    assert.deepEqual(rig.sent, []);
    assert.match(rig.outcomeOf('RESTART') ?? '', /^not done: .*pid 77\) is connected/);
    assert.equal(rig.said('recovery.call').length, 1);
  });

  it('sends nothing to a port that nobody, or another program, listens on', async () => {
    for (const [rows, words] of [
      [[], /nobody listens on port 7462/],
      [[fakeSocket('127.0.0.1:7462', '0.0.0.0:0', 'LISTEN', 9)], /not to IBC/],
    ] as const) {
      const rig = new Rig();
      rig.machine.table = known([tws, fakeProcess(9, 'redis-server')]);
      rig.machine.rows = known([
        fakeSocket('127.0.0.1:7497', '0.0.0.0:0', 'LISTEN', 4711),
        ...rows,
      ]);
      rig.watch.show('degraded', ['hmds_broken_2105'], open);
      await rig.clock.advance(5 * minuteMs);
      assert.deepEqual(rig.sent, []);
      assert.match(rig.outcomeOf('RECONNECTDATA') ?? '', words);
    }
  });

  it('says what IBC refused', async () => {
    const rig = new Rig();
    rig.reply = { kind: 'refused', text: 'Command invalid' };
    rig.watch.show('down', ['upstream_lost_1100'], open);
    await rig.clock.advance(10 * minuteMs);
    assert.equal(rig.outcomeOf('RECONNECTACCOUNT'), 'IBC refused it: Command invalid');
    assert.equal(rig.said('recovery.call').length, 1);
  });

  it('leaves an expected interruption alone, and takes its time when that is outlived', async () => {
    const rig = new Rig();
    rig.watch.show('expected', ['upstream_lost_1100'], open);
    await rig.clock.advance(3 * 60 * minuteMs);
    assert.deepEqual([rig.sent, rig.said('recovery.call')], [[], []]);
    rig.watch.show('down', ['outage_outlives_reset_window'], open);
    await rig.clock.advance(11 * minuteMs);
    assert.deepEqual(rig.sent, ['RECONNECTACCOUNT 7462']);
  });

  it('warns, and does not restart, when the trader asks at a wedged TWS', async () => {
    const rig = new Rig();
    rig.watch.show('down', ['accept_queue_wedge']);
    rig.recovery.asked();
    await settle();
    assert.deepEqual(rig.sent, []);
    assert.match(rig.said('recovery.wedged')[0] ?? '', /each can make it worse/);
  });

  it('dials again when a wedge is gone from the tables', () => {
    const rig = new Rig();
    rig.watch.os = { ...calm, listeners: known([{ ...oldTws, receiveQueue: 3 }]) };
    rig.watch.show('down', ['accept_queue_wedge'], held);
    const waits: Phase = { kind: 'waiting', why: 'for a change', untilMs: 0, untilMonotonicMs: 0 };
    rig.watch.show('down', ['accept_queue_wedge'], waits);
    assert.equal(rig.watch.asks, 0);
    rig.watch.os = calm;
    rig.watch.show('down', ['accept_queue_wedge'], waits);
    assert.equal(rig.watch.asks, 1);
  });

  it('tells each change of what was tried', async () => {
    const rig = new Rig();
    let changes = 0;
    rig.recovery.onDidChange(() => (changes += 1));
    rig.watch.show('degraded', ['farm_broken_2103'], open);
    rig.watch.show('degraded', ['farm_broken_2103'], open);
    assert.equal(changes, 0);
    await rig.clock.advance(5 * minuteMs);
    assert.equal(changes, 2, 'sent, and replied');
  });

  it('does nothing more once it is disposed of', async () => {
    const rig = new Rig();
    rig.watch.show('down', ['wedged_close_wait']);
    rig.recovery.dispose();
    rig.watch.show('degraded', ['farm_broken_2103'], open);
    await rig.clock.advance(24 * 60 * minuteMs);
    assert.deepEqual(rig.sent, []);
    assert.equal(rig.clock.pending, 0);
  });
});

describe('the advice for the next dial', () => {
  const ended = (progress: Partial<ConnectionProgress>): ConnectionProgress => ({
    ...waiting('tcp'),
    stage: 'ended',
    ...progress,
  });
  const stuck = { ...calm, listeners: known([{ ...oldTws, receiveQueue: 3 }]) };
  const unseen = { ...calm, listeners: known([{ ...oldTws, receiveQueue: undefined }]) };

  it('is the usual one where nothing speaks against dialling', async () => {
    const rig = new Rig();
    const advice = await rig.recovery.advise({
      progress: ended({ endedIn: 'hello' }),
      os: calm,
      finding: finding('startup_window_reset'),
    });
    assert.deepEqual(advice, { kind: 'usual' });
  });

  for (const [what, os, kind] of [
    ['waits for another listener while the tables show it', stuck, 'for a change'],
    ['dials seldom where the tables do not tell', unseen, 'wait'],
    ['dials as usual where the tables show that it is gone', calm, 'usual'],
  ] as const) {
    it(`of a wedged TWS: ${what}`, async () => {
      const rig = new Rig();
      const progress = ended({ endedIn: 'tcp' });
      const wedge = finding('accept_queue_wedge');
      assert.equal((await rig.recovery.advise({ progress, os, finding: wedge })).kind, kind);
    });
  }

  it('remembers the wedge when its connection ends in another way', async () => {
    const rig = new Rig();
    rig.watch.os = stuck;
    rig.watch.show('down', ['accept_queue_wedge']);
    const progress = ended({ endedIn: 'hello' });
    const advice = await rig.recovery.advise({
      progress,
      os: stuck,
      finding: finding('startup_window_reset'),
    });
    assert.deepEqual(advice, { kind: 'for a change' });
  });

  it('waits for a stale slot, then names another id of our own, never a runner’s (326)', async () => {
    const rig = new Rig();
    rig.runners = [{ workspace: '/ws', state: 'exited', pid: null } as RunnerStatus];
    rig.runnerIds = { '/ws': 9001 };
    const progress = ended({ endedIn: 'ready', startupMessages: [in326] });
    const facts = { progress, os: calm, finding: finding('client_id_in_use_326') };
    assert.deepEqual(await rig.recovery.advise(facts), {
      kind: 'wait',
      ms: 3000,
      clientId: 9000,
    });
    await rig.clock.advance(60_000);
    assert.deepEqual(await rig.recovery.advise(facts), { kind: 'wait', ms: 1000, clientId: 9002 });
    assert.match(rig.said('recovery.client_id').at(-1) ?? '', /Robo takes 9002/);
    assert.match(rig.outcomeOf('clientId') ?? '', /a slot that TWS has not released yet/);
  });

  it('reports another monitor that holds our id by its pid, and goes on with no other', async () => {
    const rig = new Rig();
    rig.machine.table = known([
      tws,
      fakeProcess(88, 'node /opt/robo/daemon.cjs --host=127.0.0.1 --port=7497 --client-id=9000'),
    ]);
    const os: PortObservation = {
      ...calm,
      established: known([
        {
          clientAddress: '127.0.0.1',
          clientPort: 50_001,
          clientPid: 88,
          clientRole: 'robo',
          clientProgram: 'node daemon.cjs',
          serverOwned: true,
        },
      ]),
    };
    const progress = ended({ endedIn: 'ready', startupMessages: [in326] });
    const facts = { progress, os, finding: finding('client_id_in_use_326') };
    await rig.recovery.advise(facts);
    await rig.clock.advance(60_000);
    for (let round = 0; round < 5; round += 1) {
      const advice = await rig.recovery.advise(facts);
      assert.deepEqual(advice, { kind: 'wait', ms: 300_000, clientId: 9000 });
      await rig.clock.advance(300_000);
    }
    assert.match(rig.outcomeOf('clientId') ?? '', /another monitor, node daemon.cjs \(pid 88\)/);
  });
});

const in326 = { requestId: -1, code: 326, text: 'client id in use', atMs: 0 } as const;
