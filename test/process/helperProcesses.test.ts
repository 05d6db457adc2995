import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/core/clock';
import { machineFor } from '../../src/host/thisMachine';
import type { HelperCommand } from '../../src/runner/helperCommand';
import { HelperProcesses, helpersLeftIn, type HelperStart } from '../../src/runner/helperProcesses';
import { eventually, isThere } from '../support/eventually';

const machine = machineFor(process.platform);

describe('helpers of a runner', function () {
  this.timeout(20_000);
  let folder: string;
  let order: string;
  const made: HelperProcesses[] = [];
  const servers: Server[] = [];

  beforeEach(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'robo-helpers-')));
    order = join(folder, 'order');
  });

  afterEach(async () => {
    for (const helpers of made.splice(0)) {
      await helpers.stop();
      helpers.dispose();
    }
    servers.splice(0).forEach((server) => server.close());
    rmSync(folder, { recursive: true, force: true });
  });

  function helpersOf(): HelperProcesses {
    const helpers = new HelperProcesses(join(folder, 'state'), {
      clock: systemClock,
      machine,
      onChange: () => undefined,
      graceMs: 1000,
    });
    made.push(helpers);
    return helpers;
  }

  /** Notes its begin and end in one file, says hello, and listens where a port is asked for. */
  function helper(name: string, more: Partial<HelperCommand> = {}): HelperCommand {
    const code = `
      const { appendFileSync } = require('node:fs');
      const note = (word) => appendFileSync(process.env.ORDER, word + ' ${name} ');
      process.on('SIGTERM', () => { note('end'); process.exit(0); });
      const up = () => { note('begin'); console.log('hello of ${name}'); };
      if (process.env.PORT) require('node:net').createServer().listen(+process.env.PORT, '127.0.0.1', up);
      else up();
      setInterval(() => {}, 1000);`;
    const { port = null } = more;
    return {
      name,
      command: [process.execPath, '-e', code],
      environment: { ORDER: order, ...(port === null ? {} : { PORT: String(port) }) },
      order: 'before',
      port,
      ...more,
    };
  }

  function start(...list: readonly HelperCommand[]): HelperStart {
    const environment = { PATH: process.env['PATH'] ?? '' };
    return { helpers: list, workspace: folder, workingDirectory: folder, environment };
  }

  async function freePort(): Promise<number> {
    const server = await listen();
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    return port;
  }

  async function listen(): Promise<Server> {
    const server = createServer();
    servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return server;
  }

  const noted = (): string => (existsSync(order) ? readFileSync(order, 'utf8').trim() : '');

  it('end with what they had detached from themselves', async function () {
    if (process.platform !== 'linux') {
      // Only Linux lets us see the environments of processes.
      this.skip();
    }
    const helpers = helpersOf();
    const file = join(folder, 'left');
    const last = `require('node:fs').writeFileSync(${JSON.stringify(file)}, String(process.pid)); setInterval(() => {}, 1000)`;
    const between = `require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(last)}], { detached: true, stdio: 'ignore' }).unref()`;
    const code = `require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(between)}], { detached: true, stdio: 'ignore' }); setInterval(() => {}, 1000)`;
    await helpers.start(
      'before',
      start(helper('feed', { command: [process.execPath, '-e', code] })),
    );
    await eventually(
      () => existsSync(file) && readFileSync(file, 'utf8') !== '',
      'the detached one is up',
    );
    const left = Number(readFileSync(file, 'utf8'));
    // Whoever comes after a monitor knows it too.
    helpers.release();
    const next = helpersOf();
    await next.adopt();
    await next.stop();
    const seen = await machine.process(left);
    assert.deepEqual(seen, { known: true, value: undefined });
  });

  it('start in order, wait for the port of the one before, and end in reverse', async () => {
    const helpers = helpersOf();
    const port = await freePort();
    const list = start(
      helper('feed', { port }),
      helper('late', { order: 'after' }),
      helper('web', { port: await freePort() }),
    );
    await helpers.start('before', list);
    assert.equal(noted(), 'begin feed begin web');
    await helpers.start('after', list);
    await eventually(() => noted().endsWith('begin late'), 'the last one is up');
    const running = helpers.status();
    assert.deepEqual(
      running.map(({ name, state }) => `${name} ${state}`),
      ['feed running', 'web running', 'late running'],
    );
    assert.equal(running[0]?.port, port);
    await helpers.stop();
    assert.equal(noted().replace(/^.*begin late /, ''), 'end late end web end feed');
    assert.ok(running.every(({ pid }) => pid !== null && !isThere(pid)));
    assert.equal(await helpersLeftIn(join(folder, 'state')), undefined);
    assert.match(
      readFileSync(join(folder, 'state', 'helper-feed.log'), 'utf8'),
      /^hello of feed\n/,
    );
  });

  it('name the owner of a port that is taken, and touch nothing of it', async () => {
    const helpers = helpersOf();
    const server = await listen();
    const { port } = server.address() as AddressInfo;
    const finding = await helpers.takenPort(start(helper('feed'), helper('web', { port })));
    assert.equal(finding?.guide, 'helper_port_taken');
    assert.match(
      finding.message,
      new RegExp(
        `port ${port}, which its helper web needs, belongs to .+ \\(pid ${process.pid}\\)`,
      ),
    );
    assert.equal(noted(), '');
    assert.ok(server.listening);
    assert.equal(
      await helpers.takenPort(start(helper('web', { port: await freePort() }))),
      undefined,
    );
  });

  it('let the others start when one cannot, and say why', async () => {
    const helpers = helpersOf();
    const list = start(helper('gone', { command: ['no-such-program-xyz'] }), helper('feed'));
    await helpers.start('before', list);
    const [gone, feed] = helpers.status();
    assert.deepEqual([gone?.state, gone?.pid, feed?.state], ['failed', null, 'running']);
    assert.match(gone?.why ?? '', /"no-such-program-xyz" was not found/);
  });

  it('are said to have ended when they end, and only those are started anew', async () => {
    const helpers = helpersOf();
    const list = start(
      helper('short', { command: [process.execPath, '-e', 'process.exit(3)'] }),
      helper('feed'),
    );
    await helpers.start('before', list);
    await eventually(() => helpers.status()[0]?.state === 'exited', 'the short one has ended');
    assert.match(helpers.status()[0]?.why ?? '', /exit code 3; see .*helper-short\.log/);
    const { pid } = helpers.status()[1] ?? { pid: null };
    await helpers.start('before', list);
    assert.deepEqual(
      helpers.status().map(({ name }) => name),
      ['feed', 'short'],
    );
    assert.equal(helpers.status()[0]?.pid, pid);
  });

  it('go on without their monitor, and the next one adopts and ends them', async () => {
    const first = helpersOf();
    await first.start('before', start(helper('feed'), helper('web')));
    await eventually(() => noted().includes('begin feed') && noted().includes('begin web'), 'up');
    const pids = first.status().map(({ pid }) => pid);
    first.release();
    made.splice(0);
    assert.equal(await helpersLeftIn(join(folder, 'state')), folder);
    const second = helpersOf();
    await second.adopt();
    assert.deepEqual(
      second.status().map(({ pid }) => pid),
      pids,
    );
    await second.stop();
    assert.match(noted(), /end web end feed$/);
  });

  it('that are gone or somebody else by now are not adopted', async () => {
    const first = helpersOf();
    await first.start('before', start(helper('feed')));
    await eventually(() => noted() === 'begin feed', 'up');
    const pid = first.status()[0]?.pid ?? 0;
    first.release();
    made.splice(0);
    process.kill(pid, 'SIGKILL');
    await eventually(async () => {
      const seen = await machine.process(pid);
      return seen.known && seen.value === undefined;
    }, 'gone');
    const second = helpersOf();
    await second.adopt();
    assert.deepEqual(second.status(), []);
  });
});
