import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import {
  createMessageConnection,
  StreamMessageReader,
  StreamMessageWriter,
} from 'vscode-jsonrpc/node';
import { HumanError } from '../../src/core/errors';
import { ensurePrivateDirectory } from '../../src/monitor/records';
import type { DaemonClient } from '../../src/daemon/client';
import { endDaemon } from '../../src/daemon/launcher';
import { takeLock } from '../../src/daemon/lock';
import { type ListedProcess, protocolVersion, requests } from '../../src/daemon/protocol';
import type { StatusRecord } from '../../src/diagnostics/status';
import { DaemonRig, isAlive, tickingRunner } from '../support/daemonRig';
import { eventually } from '../support/eventually';
import { until } from '../support/until';

const signal = new AbortController().signal;

async function becomes(
  client: DaemonClient,
  accept: (status: StatusRecord) => boolean,
): Promise<StatusRecord> {
  const present = await client.status();
  return accept(present) ? present : until(client.onDidChangeStatus, accept);
}

const isHealthy = ({ health }: StatusRecord): boolean => health === 'healthy';
const isDown = ({ health }: StatusRecord): boolean => health === 'down';

describe('the daemon of an endpoint', function () {
  this.timeout(20_000);
  let rig: DaemonRig;

  beforeEach(async () => {
    rig = await DaemonRig.start();
  });

  afterEach(async () => {
    await rig.end();
  });

  it('is one, with one connection, however many start it at the same instant', async () => {
    const clients = await Promise.all(Array.from({ length: 6 }, async () => rig.connect()));
    const pids = new Set(clients.map(({ daemon }) => daemon.pid));
    assert.equal(pids.size, 1);
    await Promise.all(clients.map(async (client) => becomes(client, isHealthy)));
    await eventually(async () => (await rig.daemonPids()).length === 1, 'the others end');
    assert.deepEqual(await rig.daemonPids(), [...pids]);
    assert.equal(takeLock(rig.paths.lock), undefined);
    assert.equal(rig.simulator.statistics.connectionsAccepted, 1);
  });

  it('is one by whatever link its folder is reached, where its socket lies elsewhere', async () => {
    const long = join(rig.root, 'x'.repeat(100));
    mkdirSync(long);
    symlinkSync(long, join(rig.root, 'link'));
    const first = await rig.connect({ stateDirectory: join(long, 'state') });
    const second = await rig.connect({ stateDirectory: join(rig.root, 'link', 'state') });
    assert.equal(second.daemon.pid, first.daemon.pid);
    await endDaemon(first);
  });

  it('is one also when a dead one left its socket behind', async () => {
    const first = await rig.connect();
    await rig.kill(first.daemon.pid);
    assert.ok(lstatSync(rig.paths.socket).isSocket());
    const clients = await Promise.all(Array.from({ length: 4 }, async () => rig.connect()));
    assert.equal(new Set(clients.map(({ daemon }) => daemon.pid)).size, 1);
    await eventually(async () => (await rig.daemonPids()).length === 1, 'the others end');
  });

  it('leaves when somebody removes its folder, and harms none that comes after', async () => {
    const first = await rig.connect();
    await eventually(() => rig.record?.health === 'healthy', 'the first one watches');
    rmSync(rig.paths.directory, { recursive: true, force: true });
    const second = await rig.connect();
    assert.notEqual(second.daemon.pid, first.daemon.pid);
    await eventually(async () => !(await isAlive(first.daemon.pid)), 'the first one has left');
    await eventually(() => rig.record?.health === 'healthy', 'the second one watches');
    assert.equal(rig.record?.monitor.pid, second.daemon.pid);
    assert.ok(existsSync(rig.paths.socket));
    assert.equal(rig.simulator.statistics.connectionsOpen, 1);
  });

  it("ends a duplicate of the trader's own program, although it supervises none", async () => {
    const client = await rig.connect();
    const script = join(rig.root, 'own_bot.js');
    writeFileSync(script, 'setInterval(() => undefined, 1000);');
    const strays = [1, 2].map(() =>
      spawn(process.execPath, [script], { cwd: rig.root, stdio: 'ignore' }),
    );
    try {
      const command = [process.execPath, script];
      const duplicates = async (): Promise<readonly ListedProcess[]> =>
        (await client.listProcesses(rig.root, command)).processes.filter(
          ({ role }) => role === 'duplicate',
        );
      await eventually(async () => (await duplicates()).length === 1, 'the duplicate is seen');
      const targets = await duplicates();
      const outcomes = await client.killProcesses({ workspace: rig.root, command, targets });
      assert.deepEqual(
        outcomes.map(({ outcome }) => outcome),
        ['ended'],
      );
    } finally {
      for (const child of strays) {
        child.kill('SIGKILL');
      }
    }
  });

  it('keeps one connection for all its clients, and goes on when they leave', async () => {
    const window = await rig.connect({ kind: 'window' });
    await becomes(window, isHealthy);
    const cli = await rig.connect();
    assert.equal(cli.daemon.pid, window.daemon.pid);
    const test = { symbols: ['AAPL'], withData: true, timeoutMs: 3000 };
    const reports = await Promise.all(
      [window, cli].map(async (client) => client.test(test, () => undefined, signal)),
    );
    assert.deepEqual(
      reports.map(({ ok }) => ok),
      [true, true],
    );
    window.dispose();
    await cli.reconnect();
    cli.dispose();
    const later = await rig.connect();
    assert.equal(later.daemon.pid, cli.daemon.pid);
    assert.ok(isHealthy(await later.status()));
    assert.equal(rig.simulator.statistics.connectionsAccepted, 1);
  });

  it('tells its clients when it dies, and rejects what they wait for', async () => {
    const client = await rig.connect();
    await rig.simulator.setFault('silent_handshake');
    const closed = until(client.onDidClose, () => true);
    const waiting = client.test(
      { symbols: ['AAPL'], withData: true, timeoutMs: 60_000 },
      () => undefined,
      signal,
    );
    const rejected = assert.rejects(waiting, /HumanError: The monitor process ended/);
    await rig.kill(client.daemon.pid);
    await closed;
    await rejected;
    await assert.rejects(client.status(), HumanError);
  });

  it('dies without its runner, which prints on; the next one adopts it', async () => {
    const first = await rig.connect();
    await becomes(first, isHealthy);
    const pid = await rig.startRunner(first, tickingRunner);
    const logFile = (await first.status()).runner[0]?.logFile ?? '';
    await eventually(() => readFileSync(logFile, 'utf8').includes('tick 5\n'), 'ticks');
    await rig.kill(first.daemon.pid);
    const { size } = statSync(logFile);
    await eventually(() => statSync(logFile).size > size + 20, 'the runner prints on');
    assert.ok(await isAlive(pid));

    const second = await rig.connect();
    assert.notEqual(second.daemon.pid, first.daemon.pid);
    const status = await becomes(
      second,
      (record) => isHealthy(record) && record.runner[0]?.state === 'running',
    );
    assert.equal(status.runner[0]?.pid, pid);
    assert.equal(status.monitor.pid, second.daemon.pid);
    assert.deepEqual(rig.record?.runner[0]?.pid, pid);
    const lines = await until(second.onDidLog, (batch) => batch.lines.length > 0);
    assert.match(lines.lines[0] ?? '', /^tick \d+$/);
    const stopped = await second.stopRunner(rig.root);
    assert.deepEqual(stopped, {
      outcome: 'stopped',
      pid,
      wasKilled: false,
      how: 'TERM',
      isGraceful: true,
    });
    assert.equal(await isAlive(pid), false);
  });

  it('never calls an end clean that nobody saw', async () => {
    const first = await rig.connect();
    const pid = await rig.startRunner(first, tickingRunner);
    await rig.kill(first.daemon.pid);
    await rig.kill(pid);
    const second = await rig.connect();
    const [runner] = (await second.status()).runner;
    assert.equal(runner?.state, 'exited');
    assert.equal(runner.exit?.how, 'unseen');
    assert.deepEqual([runner.exit.code, runner.exit.signal], [null, null]);
    assert.equal(runner.findings[0]?.severity, 'warning');
  });

  it('confirms the alert of a dead one while the trouble lasts, and clears it after', async () => {
    const { alert } = rig.paths;
    const first = await rig.connect();
    await becomes(first, isHealthy);
    assert.equal(existsSync(alert), false);
    await rig.simulator.setFault('refused');
    await becomes(first, isDown);
    await eventually(() => existsSync(alert), 'the alert');
    await rig.kill(first.daemon.pid);
    const second = await rig.connect();
    await becomes(second, (record) => {
      assert.ok(existsSync(alert), `gone while ${record.health}`);
      return isDown(record);
    });
    await eventually(() => rig.record?.monitor.pid === second.daemon.pid, 'the new record');
    assert.match(readFileSync(alert, 'utf8'), /^CRITICAL ALERT: .*\n/);
    await rig.simulator.setFault('none');
    await becomes(second, isHealthy);
    await eventually(() => !existsSync(alert), 'the alert goes');
  });

  it('clears the alert of a dead one when all is well again', async () => {
    const first = await rig.connect();
    await rig.simulator.setFault('refused');
    await becomes(first, isDown);
    await eventually(() => existsSync(rig.paths.alert), 'the alert');
    await rig.kill(first.daemon.pid);
    await rig.simulator.setFault('none');
    await becomes(await rig.connect(), isHealthy);
    await eventually(() => !existsSync(rig.paths.alert), 'the alert goes');
  });

  it('says in the records that nobody watches any more, and leaves the runner', async () => {
    const client = await rig.connect();
    await becomes(client, isHealthy);
    const pid = await rig.startRunner(client, tickingRunner);
    const closed = until(client.onDidClose, () => true);
    await client.shutdown();
    await closed;
    await eventually(async () => !(await isAlive(client.daemon.pid)), 'the daemon ends', 2000);
    const { record } = rig;
    assert.equal(record?.connected, false);
    assert.equal(record.health, 'unknown');
    assert.match(record.message, /^Not watched since .*: a client asked for it\.$/);
    assert.equal(existsSync(rig.paths.alert), false);
    assert.equal(existsSync(rig.paths.socket), false);
    assert.ok(await isAlive(pid));
    await eventually(() => rig.simulator.statistics.connectionsOpen === 0, 'the session ends');
    const next = await rig.connect();
    assert.equal((await next.status()).runner[0]?.pid, pid);
  });

  it('ends on TERM within 2 s, and leaves neither socket nor process', async () => {
    const client = await rig.connect();
    await becomes(client, isHealthy);
    const from = performance.now();
    await rig.kill(client.daemon.pid, 'SIGTERM');
    assert.ok(performance.now() - from < 2000);
    assert.equal(existsSync(rig.paths.socket), false);
    assert.deepEqual(await rig.daemonPids(), []);
    assert.match(rig.record?.message ?? '', /told to end by a signal/);
    const lock = takeLock(rig.paths.lock);
    assert.ok(lock);
    lock.release();
  });

  it('ends on TERM while somebody is connected who says nothing', async () => {
    const client = await rig.connect();
    const stranger = connect(rig.paths.socket);
    await once(stranger, 'connect');
    const gone = once(stranger, 'close');
    const from = performance.now();
    await rig.kill(client.daemon.pid, 'SIGTERM');
    assert.ok(performance.now() - from < 2000);
    await gone;
  });

  it('ends on TERM while a client has stopped reading', async () => {
    const client = await rig.connect();
    const deaf = connect(rig.paths.socket);
    await once(deaf, 'connect');
    const asking = createMessageConnection(
      new StreamMessageReader(deaf),
      new StreamMessageWriter(deaf),
    );
    asking.listen();
    const ours = {
      protocol: protocolVersion,
      version: '0',
      pid: process.pid,
      kind: 'cli',
    } as const;
    await asking.sendRequest(requests.hello, ours);
    deaf.pause();
    for (let count = 0; count < 3000; count += 1) {
      asking.sendRequest(requests.status).catch(() => undefined);
    }
    // Answered after those: the daemon has taken them all.
    await eventually(() => deaf.writableLength === 0, 'the questions are on their way');
    await client.status();
    const from = performance.now();
    await rig.kill(client.daemon.pid, 'SIGTERM');
    assert.ok(performance.now() - from < 2000);
    asking.dispose();
    deaf.destroy();
  });

  it('comes up when the one that held the lock goes without a word', async () => {
    ensurePrivateDirectory(rig.paths.directory);
    const held = takeLock(rig.paths.lock);
    assert.ok(held);
    const connecting = rig.connect();
    setTimeout(() => {
      held.release();
    }, 700);
    const client = await connecting;
    assert.deepEqual(await rig.daemonPids(), [client.daemon.pid]);
  });

  for (const [what, prepare, says] of [
    [
      'is a file',
      (directory: string) => {
        writeFileSync(directory, '');
      },
      /is a link or a file|cannot be used \((EEXIST|ENOTDIR)\)/,
    ],
    [
      'lies below a file',
      (directory: string) => {
        writeFileSync(join(directory, '..'), '');
      },
      /cannot be used \(ENOTDIR\).*--state-dir/,
    ],
    [
      'is a link',
      (directory: string) => {
        mkdirSync(`${directory}-target`);
        symlinkSync(`${directory}-target`, directory);
      },
      /is a link or a file.*--state-dir/,
    ],
  ] as const) {
    it(`says in one sentence that a state directory ${what}`, async () => {
      const parent = join(rig.root, 'parent');
      if (what !== 'lies below a file') {
        mkdirSync(parent);
      }
      const stateDirectory = join(parent, 'state');
      prepare(stateDirectory);
      await assert.rejects(rig.connect({ stateDirectory }), (error: unknown) => {
        assert.ok(error instanceof HumanError);
        assert.match(error.message, says);
        assert.equal(error.message.split('\n').length, 1);
        return true;
      });
    });
  }

  it('exits with 75 where another one holds the endpoint, and with a word where it cannot start', async () => {
    const client = await rig.connect();
    const run = async (args: readonly string[]): Promise<{ code: unknown; said: string }> => {
      const child = spawn(process.execPath, [rig.options.daemonScript, ...args], {
        cwd: rig.root,
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      let said = '';
      child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
      const [code] = (await once(child, 'close')) as [unknown];
      return { code, said };
    };
    const flags = [
      ...['--host=localhost', `--port=${rig.port}`, '--client-id=9000', '--runner-script=/r.cjs'],
      '--interval-ms=30000',
    ];
    assert.equal((await run([...flags, `--state-dir=${rig.options.stateDirectory}`])).code, 75);
    // Relative to where it was started, although it does not stay there.
    assert.equal((await run([...flags, '--state-dir=state'])).code, 75);
    const wrong = await run([...flags, '--frobnicate']);
    assert.equal(wrong.code, 64);
    assert.match(wrong.said, /^The monitor process was started with wrong flags: .*\n$/);
    assert.ok(await isAlive(client.daemon.pid));
  });
});
