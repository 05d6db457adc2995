import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { Emitter } from '../../src/core/emitter';
import type { SessionSource } from '../../src/preflight/sessionSource';
import { type SessionVerdict, waitForSession } from '../../src/preflight/sessionLayers';
import type { ConnectionProgress } from '../../src/ibkr/connection';
import { FakeClock } from '../support/fakeClock';
import { calm, ended, fin, situation } from '../support/situations';

/** A session whose last attempt ended `agoMs` before now, and that counts the questions. */
class Rig {
  readonly clock = new FakeClock();
  readonly changes = new Emitter<void>();
  asks = 0;
  progress: ConnectionProgress | undefined;

  constructor(agoMs: number) {
    this.progress = this.endedAt(this.clock.now() - agoMs);
  }

  endedAt(endedAtMs: number): ConnectionProgress {
    return { ...ended('hello', fin), startedAtMs: endedAtMs - 5, endedAtMs };
  }

  wait(): Promise<SessionVerdict> {
    return waitForSession(3000, {
      clock: this.clock,
      source: this.source(),
      signal: new AbortController().signal,
    });
  }

  private source(): SessionSource {
    const progress = (): ConnectionProgress | undefined => this.progress;
    return {
      endpoint: { host: '127.0.0.1', port: 7497 },
      clientId: 9000,
      get progress() {
        return progress();
      },
      marketData: undefined,
      onDidChange: this.changes.event,
      ask: () => {
        this.asks += 1;
      },
      askTime: () => Promise.resolve(undefined),
      situation: () => situation(this.progress, calm),
      activeCodes: [],
      outage: undefined,
      loginFinding: undefined,
      acceptLogin: () => undefined,
      dataChecked: () => undefined,
    };
  }
}

describe('waiting for a session whose last attempt has just ended', () => {
  it('asks once more when the question met an end that was still looked into', async () => {
    const rig = new Rig(20);
    const verdict = rig.wait();
    rig.changes.fire();
    rig.changes.fire();
    assert.equal(rig.asks, 2);
    rig.progress = rig.endedAt(rig.clock.now());
    rig.changes.fire();
    assert.equal((await verdict).kind, 'ended');
    assert.equal(rig.asks, 2);
  });

  it('takes that end for the answer where no other attempt was made', async () => {
    const rig = new Rig(20);
    const verdict = rig.wait();
    await rig.clock.advance(3000);
    assert.equal((await verdict).kind, 'ended');
  });

  it('takes no older end for one: then nothing was tried', async () => {
    const rig = new Rig(60_000);
    const verdict = rig.wait();
    await rig.clock.advance(3000);
    assert.equal((await verdict).kind, 'not tried');
  });
});
