import assert from 'node:assert/strict';
import { Emitter } from '../../src/core/emitter';
import type { StatusRecord } from '../../src/diagnostics/status';
import type { DaemonConnection } from '../../src/ui/daemonConnection';
import { MonitorLink } from '../../src/ui/monitorLink';
import { FakeClock, settle } from '../support/fakeClock';
import { statusWith } from '../support/uiFixtures';

type Needed = Pick<DaemonConnection, 'status' | 'onDidChangeStatus' | 'onDidClose' | 'dispose'>;

class FakeDaemon implements Needed {
  private readonly statuses = new Emitter<StatusRecord>();
  private readonly closes = new Emitter<string>();
  readonly onDidChangeStatus = this.statuses.event;
  readonly onDidClose = this.closes.event;
  isDisposed = false;

  async status(): Promise<StatusRecord> {
    return Promise.resolve(statusWith());
  }

  say(status: StatusRecord): void {
    this.statuses.fire(status);
  }

  die(): void {
    this.closes.fire('it ended');
  }

  dispose(): void {
    this.isDisposed = true;
  }
}

describe('The link to the monitor', () => {
  let clock: FakeClock;
  let daemons: FakeDaemon[];
  let failure: Error | undefined;
  let link: MonitorLink<Needed>;

  beforeEach(() => {
    clock = new FakeClock();
    daemons = [];
    failure = undefined;
    link = new MonitorLink<Needed>(async () => {
      if (failure !== undefined) {
        throw failure;
      }
      const daemon = new FakeDaemon();
      daemons.push(daemon);
      return Promise.resolve(daemon);
    }, clock);
  });

  afterEach(() => {
    link.dispose();
    assert.equal(clock.pending, 0, 'a timer was left');
  });

  it('shows each state that the daemon tells', async () => {
    link.start();
    await settle();
    daemons[0]?.say(statusWith({ health: 'down' }));
    const { state } = link;
    assert.ok(state.kind === 'watching' && state.status.health === 'down');
  });

  it('makes one connection for callers at the same time', async () => {
    const [one, other] = await Promise.all([link.connection(), link.connection()]);
    assert.equal(one, other);
    assert.equal(daemons.length, 1);
  });

  it('says unknown when the daemon is gone, and finds it again', async () => {
    link.start();
    await settle();
    daemons[0]?.die();
    assert.deepEqual(link.state, { kind: 'noMonitor', why: 'it ended' });
    await clock.advance(1_000);
    assert.equal(link.state.kind, 'watching');
    assert.equal(daemons.length, 2);
  });

  it('tries less and less often, and at once when asked', async () => {
    failure = new Error('no Node');
    let attempts = 0;
    link.onDidChange(() => (attempts += 1));
    link.start();
    await settle();
    await clock.advance(60_000);
    assert.ok(attempts >= 4 && attempts <= 6, `${attempts} attempts in a minute`);
    await assert.rejects(link.connection(), /no Node/);
    failure = undefined;
    await link.connection();
    assert.equal(link.state.kind, 'watching');
  });

  it('lets everything go when disposed', async () => {
    await link.connection();
    link.dispose();
    daemons[0]?.die();
    await clock.advance(60_000);
    assert.equal(daemons.length, 1);
    assert.equal(daemons[0]?.isDisposed, true);
  });
});
