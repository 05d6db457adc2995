import assert from 'node:assert/strict';
import fc from 'fast-check';
import { known, unknown } from '../../src/core/observed';
import type { EstablishedClient, PortObservation } from '../../src/host/portObservation';
import {
  type ClientIdState,
  freshClientId,
  holderOf,
  type IdHolder,
  type KnownClient,
  onIdAccepted,
  onIdTaken,
  ownClientIds,
} from '../../src/monitor/recoveryClientId';
import { blind, calm } from '../support/situations';

const ownPid = 100;
const fresh = freshClientId(9000);
const nobody: IdHolder = { kind: 'nobody' };

function client(pid: number | undefined, program = 'python3 trade.py'): EstablishedClient {
  return {
    clientAddress: '127.0.0.1',
    clientPort: 50_000 + (pid ?? 0),
    clientPid: pid,
    clientRole: pid === undefined ? 'hidden' : 'other',
    clientProgram: pid === undefined ? undefined : program,
    serverOwned: true,
  };
}

function seen(...clients: readonly EstablishedClient[]): PortObservation {
  return { ...calm, established: known(clients) };
}

function holder(os: PortObservation, ...known: readonly KnownClient[]): IdHolder {
  return holderOf(9000, os, { ownPid, known });
}

describe('who holds the client id (326)', () => {
  it('is nobody where only we are connected: a stale slot', () => {
    assert.deepEqual(holder(seen(client(ownPid))), nobody);
  });

  it('is another monitor with the same id', () => {
    const os = seen(client(7, 'daemon.cjs'), client(8));
    assert.deepEqual(holder(os, { pid: 7, clientId: 9000, isMonitor: true }), {
      kind: 'monitor',
      pid: 7,
      program: 'daemon.cjs (pid 7)',
    });
  });

  it('is a runner whose settings name it', () => {
    assert.equal(
      holder(seen(client(8)), { pid: 8, clientId: 9000, isMonitor: false }).kind,
      'program',
    );
  });

  it('is no program that is known to use another id', () => {
    assert.deepEqual(holder(seen(client(8)), { pid: 8, clientId: 123, isMonitor: false }), nobody);
  });

  it('may be any other client of this or another machine', () => {
    assert.deepEqual(holder(seen(client(8), client(undefined))), {
      kind: 'perhaps',
      programs: ['python3 trade.py (pid 8)', '127.0.0.1:50000'],
    });
  });

  it('is unknown where the table cannot be read', () => {
    assert.deepEqual(holder(blind), { kind: 'unknown', why: 'no permission' });
    assert.equal(holder({ ...calm, established: unknown('x') }).kind, 'unknown');
  });
});

describe('what is done about a taken id', () => {
  const at = (monotonicMs: number, reserved: readonly number[] = []) => ({ monotonicMs, reserved });

  for (const held of [
    nobody,
    { kind: 'perhaps', programs: ['x'] },
    { kind: 'unknown', why: 'x' },
  ] as const) {
    it(`waits a minute, then takes the next own id: ${held.kind}`, () => {
      const first = onIdTaken(fresh, held, at(1000));
      assert.deepEqual([first.state.id, first.waitMs], [9000, 3000]);
      const soon = onIdTaken(first.state, held, at(4700));
      assert.deepEqual([soon.state.id, soon.waitMs], [9000, 26_300]);
      const second = onIdTaken(soon.state, held, at(31_500));
      assert.deepEqual([second.state.id, second.waitMs], [9000, 29_500]);
      assert.match(second.words, /tried again in 30 s/);
      const third = onIdTaken(second.state, held, at(61_000));
      assert.deepEqual([third.state.id, third.waitMs], [9001, 1000]);
      assert.match(third.words, /Robo takes 9001 from its own range/);
    });
  }

  it('leaves the id to another monitor, and does not watch twice', () => {
    let step = onIdTaken(fresh, { kind: 'monitor', pid: 7, program: 'daemon.cjs (pid 7)' }, at(0));
    for (let round = 1; round < 48; round += 1) {
      const held = { kind: 'monitor', pid: 7, program: 'daemon.cjs (pid 7)' } as const;
      step = onIdTaken(step.state, held, at(round * 300_000));
      assert.deepEqual([step.state.id, step.waitMs], [9000, 300_000]);
    }
    assert.match(step.words, /another monitor, daemon.cjs \(pid 7\); Robo does not watch twice/);
  });

  it('leaves the id to a program whose setting it is, at once', () => {
    const step = onIdTaken(fresh, { kind: 'program', pid: 8, program: 'python3 (pid 8)' }, at(0));
    assert.equal(step.state.id, 9001);
    assert.match(step.words, /held by python3 \(pid 8\), whose settings name it/);
  });

  it('begins its own range where another id was configured', () => {
    const step = onIdTaken({ ...fresh, id: 7, takenSinceMs: 0, takenAtMs: 0 }, nobody, at(60_000));
    assert.equal(step.state.id, 9000);
  });

  it('never takes 0 or the id of a runner, and says when none is left', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 8995, max: 9012 }), { maxLength: 18 }),
        fc.nat(20_000),
        (reserved, id) => {
          let state: ClientIdState = freshClientId(id);
          let monotonicMs = 0;
          for (let round = 0; round < 60; round += 1) {
            const step = onIdTaken(state, nobody, at(monotonicMs, reserved));
            assert.ok(step.waitMs >= 1000);
            if (step.state.id !== state.id) {
              assert.ok(step.state.id >= ownClientIds.from && step.state.id <= ownClientIds.to);
              assert.ok(!reserved.includes(step.state.id));
            }
            ({ state } = step);
            monotonicMs += step.waitMs;
          }
        },
      ),
    );
    const all = Array.from({ length: 10 }, (_, index) => 9000 + index);
    const step = onIdTaken({ ...fresh, takenSinceMs: 0, takenAtMs: 0 }, nobody, at(60_000, all));
    assert.deepEqual([step.state.id, step.waitMs], [9000, 300_000]);
    assert.match(step.words, /none of Robo's ids 9000 to 9009 is free/);
  });

  it('waits anew for a slot that is stale another time', () => {
    const first = onIdTaken(fresh, nobody, at(0));
    const later = onIdTaken(first.state, nobody, at(3_600_000));
    assert.deepEqual([later.state.id, later.waitMs], [9000, 3000]);
  });

  it('keeps the id that works, and forgets what was taken', () => {
    const state = { id: 9001, takenSinceMs: 5, takenAtMs: 5, taken: [9000] };
    assert.deepEqual(onIdAccepted(state), freshClientId(9001));
    assert.equal(onIdAccepted(fresh), fresh);
  });
});
