import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DaemonClient } from '../../src/daemon/client';
import type { Hello } from '../../src/daemon/protocol';
import type { WatchSettingsBySource } from '../../src/daemon/watchSettings';
import { recoveryOff } from '../../src/monitor/recoverySettings';
import { DaemonAccess } from '../../src/ui/daemonAccess';
import type { WorkspaceSetup } from '../../src/ui/workspaceSetup';

const endpoint = { host: '127.0.0.1', port: 7497 };
const nothing = { cli: {}, window: {} };

/** As much of a setup as the access to the daemon reads. */
function setupWith(over: Partial<WorkspaceSetup>): WorkspaceSetup {
  return {
    configuration: { endpoint, clientId: 9000 },
    stateDirectory: '/s',
    nodePath: process.execPath,
    alerts: { desktop: undefined, command: undefined, heartbeatUrl: undefined },
    recovery: recoveryOff,
    watch: {
      intervalSeconds: undefined,
      twsZone: undefined,
      twsRestart: undefined,
      alsoAt: undefined,
      feed: undefined,
    },
    ...over,
  } as unknown as WorkspaceSetup;
}

describe("a window's access to the daemon", function () {
  this.timeout(15_000);
  let storage: string;
  let sent: unknown[];
  let wrong: string[];
  let old: string[];
  let overruled: string[];

  beforeEach(() => {
    storage = mkdtempSync(join(tmpdir(), 'robo-access-'));
    [sent, wrong, old, overruled] = [[], [], [], []];
  });

  afterEach(() => {
    rmSync(storage, { recursive: true, force: true });
  });

  /** Opens a daemon that says this of itself and answers a setting with what was said before. */
  async function open(
    setup: WorkspaceSetup,
    answer: WatchSettingsBySource | Error,
    daemon: Partial<Hello> = {},
  ): Promise<void> {
    const client = {
      daemon: { protocol: 1, version: '0.0.0-dev', pid: 2, kind: 'daemon', ...daemon },
      configureAlerts: () => Promise.resolve(nothing),
      configureWatch: (source: string, settings: unknown) => {
        sent.push([source, settings]);
        return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
      },
    } as unknown as DaemonClient;
    const access = new DaemonAccess({
      connect: () => Promise.resolve(client),
      extensionDirectory: join(__dirname, '..', '..'),
      storageDirectory: storage,
      version: '1.0.0',
      onWrongSetting: (sentence) => wrong.push(sentence),
      onOldService: (at, version) => old.push(`${at.port} ${version}`),
      onOverruled: (sentence) => overruled.push(sentence),
    });
    assert.equal(await access.open(setup), client);
  }

  it('says the explicit settings, and recovery as it is', async () => {
    const watch = {
      intervalSeconds: 60,
      twsZone: 'Europe/Zurich',
      twsRestart: undefined,
      alsoAt: '/tmp',
      feed: undefined,
    };
    const recovery = { ibcCommandPort: 7462, allow: new Set(['RESTART'] as const) };
    await open(setupWith({ watch, recovery }), nothing);
    assert.deepEqual(sent, [
      [
        'window',
        {
          intervalSeconds: 60,
          twsZone: 'Europe/Zurich',
          alsoAt: '/tmp',
          recovery: { ibcCommandPort: 7462, allow: ['RESTART'] },
        },
      ],
    ]);
    assert.deepEqual([wrong, old, overruled], [[], [], []]);
  });

  it('says which setting is wrong, sends none then, and watches all the same', async () => {
    const { watch } = setupWith({});
    await open(setupWith({ watch: { ...watch, twsRestart: 'noon' } }), nothing);
    assert.deepEqual(sent, []);
    assert.equal(wrong.length, 1);
    assert.match(wrong[0] ?? '', /robo\.tws\.restartTime.*23:45/);
  });

  it('says which settings do not count, because the command line has said otherwise', async () => {
    const { watch } = setupWith({});
    const said = { ...watch, intervalSeconds: 60, twsZone: 'Asia/Tokyo', alsoAt: '/tmp' };
    const cli = { intervalSeconds: 5, twsZone: 'Asia/Tokyo', twsRestart: '21:00' };
    await open(setupWith({ watch: said }), { cli, window: {} });
    assert.equal(overruled.length, 1);
    assert.match(overruled[0] ?? '', /: robo\.monitor\.intervalSeconds\.$/);
  });

  it('says that an older service watches, and not that it knows fewer settings', async () => {
    const unknown = new Error('Unhandled method configureWatch');
    const service = { isService: true, version: '0.9.0' };
    await open(setupWith({}), unknown, service);
    assert.deepEqual([old, wrong], [['7497 0.9.0'], []]);
    // One that is no service has made room already, and one that is not older knows it all.
    await open(setupWith({}), nothing, { version: '0.9.0' });
    await open(setupWith({}), nothing, { isService: true, version: '1.0.0' });
    assert.equal(old.length, 1);
    await open(setupWith({}), new Error('It is full.'), { isService: true, version: '1.0.0' });
    assert.deepEqual(wrong, ['It is full.']);
  });
});
