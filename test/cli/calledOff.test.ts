import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DaemonClient } from '../../src/daemon/client';
import { daemonPaths } from '../../src/daemon/launcher';
import type { StartRunnerResult } from '../../src/daemon/protocol';
import { eventually } from '../support/eventually';
import { Sandbox } from '../support/sandbox';

/** What a runner leaves behind that should never have been started. */
const runner = "require('node:fs').writeFileSync('started', '')";

describe('a start that waits at the gate', function () {
  this.timeout(30_000);
  let box: Sandbox;
  let client: DaemonClient;

  const joined = async (): Promise<DaemonClient> => {
    const { socket } = daemonPaths({
      stateDirectory: box.stateDirectory,
      endpoint: { host: '127.0.0.1', port: box.port },
    });
    const found = await DaemonClient.connect(socket, 'cli');
    assert.ok(found);
    return found;
  };

  const start = (signal: AbortSignal): Promise<StartRunnerResult> =>
    client.startRunner(
      {
        workspace: box.workspace,
        command: [process.execPath, '-e', runner],
        workingDirectory: box.workspace,
        environment: {},
        symbols: ['AAPL'],
        restart: false,
      },
      () => undefined,
      signal,
    );

  /** TWS answers at last; a start that still stood would be through the gate now. */
  const nothingStarted = async (): Promise<void> => {
    await box.simulator.setFault('none');
    await eventually(() => box.status?.health === 'healthy', 'the held socket heals');
    assert.equal((await box.robo(['test'])).code, 0);
    assert.equal(existsSync(join(box.workspace, 'started')), false);
    assert.deepEqual(box.status?.runner, []);
  };

  beforeEach(async () => {
    box = await Sandbox.start();
    await box.simulator.setFault('silent_handshake');
    await box.robo(['test', '--timeout', '0.1']);
    client = await joined();
  });

  afterEach(async () => {
    client.dispose();
    await box.end();
  });

  it('starts nothing any more when its caller has called it off', async () => {
    const controller = new AbortController();
    const asked = start(controller.signal);
    await client.status();
    controller.abort();
    const result = await asked;
    assert.equal(result.outcome, 'refused');
    await nothingStarted();
  });

  it('starts nothing for a caller that is gone', async () => {
    const asked = start(new AbortController().signal).catch((error: unknown) => error);
    await client.status();
    client.dispose();
    await asked;
    client = await joined();
    await nothingStarted();
  });

  it('starts nothing after a stop that came meanwhile', async () => {
    const asked = start(new AbortController().signal);
    const other = await joined();
    await other.status();
    assert.equal((await other.stopRunner(box.workspace)).outcome, 'not running');
    other.dispose();
    assert.equal((await asked).outcome, 'refused');
    await nothingStarted();
  });
});
