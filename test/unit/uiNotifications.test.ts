import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { IncidentStatus } from '../../src/diagnostics/status';
import type { Notifications } from '../../src/ui/notifications';
import type { Toast, Toasts } from '../../src/ui/toasts';
import { eventually } from '../support/eventually';
import { FakeClock } from '../support/fakeClock';
import { installFakeVscode } from '../support/fakeVscode';
import { ago } from '../support/uiFixtures';

const incident: IncidentStatus = {
  key: 'connection 1',
  subject: { kind: 'connection' },
  severity: 'error',
  cause: 'port_refused',
  layer: 'port',
  message: 'Nobody listens.',
  since: ago(3),
  toldAt: ago(2),
  acknowledgedAt: null,
};

describe('Notifications beside a command', () => {
  let folder: string;
  let clock: FakeClock;
  let asked: Toast[];
  let notifications: Notifications;
  let removeFake: () => void;

  before(() => {
    removeFake = installFakeVscode().remove;
  });

  after(() => {
    removeFake();
  });

  beforeEach(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'robo-told-'));
    clock = new FakeClock();
    asked = [];
    const toasts = {
      ask: (toast: Toast) => {
        asked.push(toast);
        return Promise.resolve(undefined);
      },
    };
    const module = await import('../../src/ui/notifications');
    notifications = new module.Notifications({
      clock,
      log: { info: () => undefined, warn: () => undefined },
      memory: { get: () => undefined, update: () => Promise.resolve(), keys: () => [] },
      claimsDirectory: folder,
      toasts: toasts as unknown as Toasts,
    });
  });

  afterEach(() => {
    notifications.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  it('tell what opened while it ran and told of nothing', async () => {
    const held = notifications.hold();
    notifications.update([incident], [], false);
    assert.deepEqual(readdirSync(folder), []);
    held.release(false);
    await eventually(() => asked.length === 1, 'the incident is told');
  });

  it('tell what opens right behind one that told of nothing', async () => {
    notifications.hold().release(false);
    notifications.update([incident], [], false);
    await eventually(() => asked.length === 1, 'the incident is told');
  });

  it('leave alone what it has told of itself, also a moment later', async () => {
    const held = notifications.hold();
    held.release(true);
    notifications.update([incident], [], false);
    await clock.advance(2_000);
    // No other window tells it either.
    await eventually(() => readdirSync(folder).length === 1, 'the word is taken');
    assert.deepEqual(asked, []);
  });

  it('wait for the last of two commands', async () => {
    const first = notifications.hold();
    const second = notifications.hold();
    notifications.update([incident], [], false);
    first.release(false);
    assert.deepEqual(readdirSync(folder), []);
    second.release(false);
    await eventually(() => asked.length === 1, 'the incident is told');
  });
});
