import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { systemClock } from '../../src/core/clock';
import { defaultDataDirectory, endpointPaths } from '../../src/core/paths';
import { connectToDaemon } from '../../src/daemon/launcher';
import { leaveMachine } from '../../src/daemon/leave';
import { Simulator } from '../../src/simulator/simulator';
import { commandList, installCommand, rememberCommands } from '../../src/daemon/commandFiles';
import { eventually, isThere } from '../support/eventually';
import { FakeClock } from '../support/fakeClock';

const dist = path.join(__dirname, '..', '..', 'dist');
/** What the editor gives the script. */
const editorDeadlineMs = 5_000;

/** A stand-in for the trader's runner. */
const runner = `
console.log(JSON.stringify({ robo: 1, event: 'fetch', symbol: 'AAPL', ok: true }));
setInterval(() => undefined, 1000);
`;

describe('the removal of the extension', function () {
  this.timeout(60_000);
  let root: string;
  let simulator: Simulator;
  let port: number;
  let environment: Record<string, string>;
  let stateDirectory: string;
  let dataDirectory: string;
  let pids: number[];

  before(function () {
    if (process.platform === 'win32') {
      this.skip();
    }
  });

  beforeEach(async () => {
    root = realpathSync(mkdtempSync(path.join(tmpdir(), 'robo-leave-')));
    simulator = new Simulator();
    ({ port } = await simulator.start());
    pids = [];
    environment = { HOME: root, PATH: process.env['PATH'] ?? '' };
    stateDirectory = path.join(root, 'state');
    environment['ROBO_STATE_DIR'] = stateDirectory;
    dataDirectory = defaultDataDirectory({
      platform: process.platform,
      environment,
      homeDirectory: root,
      userId: process.getuid?.(),
    });
  });

  afterEach(async () => {
    for (const pid of pids.filter(isThere)) {
      process.kill(pid, 'SIGKILL');
    }
    await eventually(() => pids.every((pid) => !isThere(pid)), 'the processes end');
    await simulator.stop();
    rmSync(root, { recursive: true, force: true });
  });

  /** Runs the script as the editor does. */
  async function remove(): Promise<{ readonly text: string; readonly code: number | null }> {
    const script = path.join(dist, 'uninstall.cjs');
    const child = spawn(process.execPath, [script, '--type=extension-post-uninstall'], {
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: editorDeadlineMs,
    });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (more: string) => (text += more));
    child.stderr.setEncoding('utf8').on('data', (more: string) => (text += more));
    const [code] = (await once(child, 'close')) as [number | null];
    return { text, code };
  }

  it('ends the monitor and its runner not, names the runner, and removes the command', async () => {
    const workspace = path.join(root, 'trading');
    mkdirSync(workspace);
    const script = path.join(workspace, 'runner.js');
    writeFileSync(script, runner);
    const endpoint = { host: '127.0.0.1', port };
    const client = await connectToDaemon({
      stateDirectory,
      endpoint,
      clientId: 9000,
      kind: 'cli',
      runtime: { execPath: process.execPath, environment: {} },
      daemonScript: path.join(dist, 'daemon.cjs'),
      runnerScript: path.join(dist, 'runner.cjs'),
    });
    pids.push(client.daemon.pid);
    const started = await client.startRunner(
      {
        workspace,
        command: [process.execPath, script],
        workingDirectory: workspace,
        environment: {},
        symbols: ['AAPL'],
        helpers: [],
        restart: false,
      },
      () => undefined,
      new AbortController().signal,
    );
    assert.ok(started.outcome === 'started', JSON.stringify(started));
    pids.push(started.pid);
    client.dispose();
    const ours = await installCommand(path.join(root, 'bin'), '/launchers', process.platform);
    const foreign = path.join(root, 'other', 'robo');
    mkdirSync(path.dirname(foreign));
    writeFileSync(foreign, '#!/bin/sh\n');
    await rememberCommands(commandList(dataDirectory), [ours, foreign]);

    const { text, code } = await remove();

    assert.equal(code, 0, text);
    assert.match(text, new RegExp(`The monitor of 127\\.0\\.0\\.1:${port} has ended\\.`));
    assert.match(text, new RegExp(`runner of ${workspace} \\(pid ${started.pid}\\) goes on`));
    await eventually(() => !isThere(client.daemon.pid), 'the monitor ends');
    assert.ok(isThere(started.pid), 'the runner was ended');
    assert.equal(existsSync(ours), false);
    assert.ok(existsSync(foreign));
    assert.equal(existsSync(commandList(dataDirectory)), false);
  });

  it('has nothing to do where nothing runs, and makes no folder', async () => {
    const { text, code } = await remove();
    assert.equal(code, 0);
    assert.equal(text, '');
    assert.equal(existsSync(stateDirectory), false);
    assert.equal(existsSync(dataDirectory), false);
  });

  it('is done before the editor loses patience with a monitor that answers nothing', async () => {
    const silent = await silentMonitor(stateDirectory, port);
    try {
      const startedAt = systemClock.monotonicMs();
      const { text, code } = await remove();
      assert.equal(code, 0, text);
      assert.match(text, /127\.0\.0\.1_\d+ did not end within|could not be ended/);
      assert.ok(systemClock.monotonicMs() - startedAt < editorDeadlineMs);
    } finally {
      silent.close();
    }
  });
});

describe('leaving a machine', () => {
  let root: string;

  beforeEach(() => {
    root = mkdtempSync(path.join(tmpdir(), 'robo-leave-'));
  });

  afterEach(() => {
    rmSync(root, { recursive: true, force: true });
  });

  const leave = async (
    removeService: (name: string) => Promise<boolean>,
  ): Promise<readonly string[]> => {
    const said: string[] = [];
    await leaveMachine(
      {
        clock: systemClock,
        stateDirectory: path.join(root, 'state'),
        servicesDirectory: path.join(root, 'services'),
        removeService: async ({ host, port }) => removeService(`${host} ${port}`),
        say: (line) => said.push(line),
      },
      3_000,
    );
    return said;
  };

  it('removes the service of each endpoint that has programs of one, and touches no other folder', async () => {
    for (const name of ['robo-monitor-127.0.0.1_7497', 'robo-monitor---1_4002', 'robo', 'x_1']) {
      mkdirSync(path.join(root, 'services', name), { recursive: true });
    }
    mkdirSync(path.join(root, 'state', 'robo.db_backup'), { recursive: true });
    const asked: string[] = [];
    const said = await leave(async (name) => {
      asked.push(name);
      return Promise.resolve(true);
    });
    assert.deepEqual(asked.sort(), ['--1 4002', '127.0.0.1 7497']);
    assert.equal(said.filter((line) => line.includes('is removed')).length, 2);
  });

  it('says what could not be removed, and goes on with the rest', async () => {
    for (const port of [7496, 7497]) {
      mkdirSync(path.join(root, 'services', `robo-monitor-127.0.0.1_${port}`), { recursive: true });
    }
    const said = await leave(async (name) =>
      name.endsWith('7496') ? Promise.reject(new Error('no bus')) : Promise.resolve(true),
    );
    assert.equal(said.length, 2);
    assert.ok(said.some((line) => line.includes('127.0.0.1:7496 could not be ended: no bus')));
    assert.ok(said.some((line) => line.includes('127.0.0.1:7497 has ended and is removed')));
  });

  it('waits for nobody longer than it may', async () => {
    mkdirSync(path.join(root, 'services', 'robo-monitor-127.0.0.1_7497'), { recursive: true });
    const clock = new FakeClock();
    const said: string[] = [];
    const asked = new Promise<void>((resolve) => {
      const done = leaveMachine(
        {
          clock,
          stateDirectory: path.join(root, 'state'),
          servicesDirectory: path.join(root, 'services'),
          removeService: async () => {
            resolve();
            return new Promise<boolean>(() => undefined);
          },
          say: (line) => said.push(line),
        },
        4_200,
      );
      void done.then(() => said.push('done'));
    });
    await asked;
    assert.deepEqual(said, []);
    await clock.advance(4_200);
    await eventually(() => said.length === 2, 'it gives up');
    assert.match(said.join(), /127\.0\.0\.1_7497 did not end within 4\.2 s/);
  });
});

/** Somebody who takes connections where a monitor would, and says nothing. */
async function silentMonitor(stateDirectory: string, port: number): Promise<Server> {
  const { socket, directory } = endpointPaths(
    stateDirectory,
    { host: '127.0.0.1', port },
    { platform: process.platform, userId: process.getuid?.() },
  );
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  mkdirSync(path.dirname(socket), { recursive: true, mode: 0o700 });
  const server = createServer((connection) => {
    connection.on('error', () => undefined);
    connection.unref();
  });
  server.listen(socket);
  await once(server, 'listening');
  return server;
}
