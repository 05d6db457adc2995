import assert from 'node:assert/strict';
import { type Clock, systemClock } from '../../src/core/clock';
import { Emitter } from '../../src/core/emitter';
import { known } from '../../src/core/observed';
import { makeFinding } from '../../src/diagnostics/makeFinding';
import { Monitor } from '../../src/monitor/monitor';
import { initialState } from '../../src/monitor/monitorState';
import { Recovery } from '../../src/monitor/recovery';
import { recoveryOff } from '../../src/monitor/recoverySettings';
import { defaultTimings } from '../../src/monitor/timings';
import { Simulator } from '../../src/simulator/simulator';
import { eventually } from '../support/eventually';
import { FakeClock } from '../support/fakeClock';
import { FakeIbc } from '../support/fakeIbc';
import { FakeMachine, fakeProcess, fakeSocket } from '../support/hostFakes';
import { quietMachine } from '../support/monitorRig';
import { RawClient } from '../support/rawClient';

/** How much faster than the world the clock of these tests goes. */
const pace = 200;

/** Minutes pass in moments; sockets are as fast as they are. */
const fastClock: Clock = {
  now: () => systemClock.now(),
  monotonicMs: () => systemClock.monotonicMs() * pace,
  setTimer: (delayMs, action) => systemClock.setTimer(delayMs / pace, action),
};

/** A simulated TWS, a monitor of it, and recovery beside it. */
class Rig {
  readonly log: string[] = [];
  recovery: Recovery;

  private constructor(
    readonly simulator: Simulator,
    readonly monitor: Monitor,
    recovery: (rig: Rig) => Recovery,
  ) {
    this.recovery = recovery(this);
  }

  static async start(): Promise<Rig> {
    const simulator = new Simulator({});
    const { host, port } = await simulator.start();
    const machine = quietMachine(port);
    const holder: { rig?: Rig } = {};
    const monitor = new Monitor({ host, port }, 9000, {
      clock: fastClock,
      machine,
      // The handshake of a loaded machine must fit into them at that pace.
      timings: {
        ...defaultTimings,
        verdictMs: 400_000,
        livenessIntervalMs: 200_000,
        answerDeadlineMs: 400_000,
        listenerLookMs: defaultTimings.listenerLookMs * 10,
      },
      random: () => 0,
      advise: async (ended) => {
        assert.ok(holder.rig !== undefined);
        return holder.rig.recovery.advise(ended);
      },
    });
    const rig = new Rig(
      simulator,
      monitor,
      ({ log }) =>
        new Recovery(monitor, {
          clock: fastClock,
          machine,
          settings: recoveryOff,
          runners: () => [],
          runnerClientId: () => undefined,
          log: (level, token, words) => log.push(`${level} ${token} ${words}`),
        }),
    );
    holder.rig = rig;
    return rig;
  }

  async end(): Promise<void> {
    this.recovery.dispose();
    this.monitor.dispose();
    await this.simulator.stop();
  }
}

describe('recovery over TCP', () => {
  let rig: Rig;
  let holder: RawClient | undefined;

  beforeEach(async () => {
    rig = await Rig.start();
  });

  afterEach(async () => {
    holder?.socket.destroy();
    holder = undefined;
    await rig.end();
  });

  /** A client with this id that is connected and ready, as a runner with the wrong setting. */
  async function hold(clientId: number): Promise<RawClient> {
    const client = await RawClient.connect(rig.monitor.endpoint.port);
    client.sendHello();
    await eventually(() => client.frames.length > 0, 'the hello is answered');
    client.send(71, 2, clientId, '');
    await eventually(() => client.frames.length > 2, 'the client is ready');
    return client;
  }

  it('waits when our client id is taken, then takes another one of its own (326)', async () => {
    holder = await hold(9000);
    rig.monitor.ask();
    await eventually(
      () => rig.monitor.snapshot.health === 'healthy',
      'the monitor is connected under another id',
      10_000,
    );
    assert.equal(rig.monitor.clientId, 9001);
    // Under the taken id two to four times, depending on how long TWS takes to close at this pace.
    const { connectionsOpened } = rig.monitor.snapshot.state;
    assert.ok(connectionsOpened >= 3 && connectionsOpened <= 5, `${connectionsOpened}`);
    assert.equal(holder.ending, undefined, 'whoever holds the id keeps it');
    const [attempt] = rig.recovery.attempts.filter(({ step }) => step === 'clientId');
    assert.match(attempt?.outcome ?? '', /client id 9000 is taken/);
  });

  it('takes its own id again when the slot was only stale (326)', async () => {
    holder = await hold(9000);
    rig.monitor.ask();
    await eventually(() => rig.recovery.attempts.length > 0, 'the id is found taken');
    holder.socket.destroy();
    await eventually(
      () => rig.monitor.snapshot.health === 'healthy',
      'the monitor is connected',
      10_000,
    );
    assert.equal(rig.monitor.clientId, 9000);
  });
});

describe('recovery and IBC over TCP', () => {
  it('sends one command to the TWS that owns both ports, and says what it answered', async () => {
    const ibc = await FakeIbc.start({ onLine: (_, socket) => socket.write('OK \r\n') });
    const machine = new FakeMachine();
    machine.table = known([fakeProcess(4711, '/opt/tws/java jclient.LoginFrame /root/Jts')]);
    machine.rows = known(
      [7497, ibc.port].map((port) => fakeSocket(`127.0.0.1:${port}`, '0.0.0.0:0', 'LISTEN', 4711)),
    );
    const changed = new Emitter<void>();
    const clock = new FakeClock();
    const recovery = new Recovery(
      {
        endpoint: { host: '127.0.0.1', port: 7497 },
        clientId: 9000,
        onDidChange: changed.event,
        ownSession: { os: undefined },
        ask: () => undefined,
        snapshot: {
          health: 'degraded',
          findings: [farmBroken],
          accounts: [],
          state: initialState,
        },
      },
      {
        clock,
        machine,
        settings: { ibcCommandPort: ibc.port, allow: new Set(['RECONNECTDATA']) },
        runners: () => [],
        runnerClientId: () => undefined,
        log: () => undefined,
      },
    );
    try {
      changed.fire();
      await clock.advance(300_000);
      const outcome = (): string | undefined => recovery.attempts[0]?.outcome;
      await eventually(() => outcome() === 'IBC has taken it', 'IBC has answered');
      assert.deepEqual(ibc.lines, ['RECONNECTDATA']);
      assert.equal(ibc.connections, 1);
    } finally {
      recovery.dispose();
      await ibc.stop();
    }
  });
});

const farmBroken = makeFinding({
  subject: { kind: 'connection' },
  causes: [{ id: 'farm_broken_2103', confidence: 0.9, why: 'TWS sent message 2103' }],
  message: 'Market data farm connection is broken.',
  nowMs: 0,
  severity: 'warning',
  evidence: [],
});
