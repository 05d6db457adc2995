import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { HumanError } from '../../src/core/errors';
import { Feed } from '../../src/daemon/feed/feed';
import type { DashboardMessage } from '../../src/diagnostics/dashboard';
import { DaemonRig } from '../support/daemonRig';
import { eventually } from '../support/eventually';
import { FakeClock } from '../support/fakeClock';
import { FakeMachine } from '../support/hostFakes';

const projectRoot = join(__dirname, '..', '..');

/** Says what a runner can say, then waits; it ends when it is told to. */
const talkingRunner = `
const say = (event) => console.log(JSON.stringify({ robo: 1, at: new Date().toISOString(), ...event }));
say({ event: 'fetch', symbol: 'AAPL', ok: true, price: 231.4 });
say({ event: 'signal', symbol: 'AAPL', signal: 1, price: 231.4, reason: 'crossed' });
say({ event: 'fill', symbol: 'AAPL', side: 'buy', quantity: 8, price: 231.5 });
say({ event: 'book', equity: 99990, cash: 1 });
say({ event: 'cycle', number: 1, symbols: 1, failed: 0, durationMs: 1200, nextInMs: 300000, equity: 99990 });
setInterval(() => undefined, 1000);
`;

describe('the feed of a daemon', function () {
  this.timeout(30_000);
  let rig: DaemonRig;
  const sockets: WebSocket[] = [];

  beforeEach(async () => {
    rig = await DaemonRig.start();
  });

  afterEach(async () => {
    sockets.splice(0).forEach((socket) => {
      socket.terminate();
    });
    await rig.end();
  });

  const listen = (path: string, port: number, token: string): Record<string, unknown>[] => {
    const heard: Record<string, unknown>[] = [];
    const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, ['robo.feed.1'], {
      headers: { Authorization: `Bearer ${token}` },
    });
    sockets.push(socket);
    socket.on('message', (data: Buffer) => {
      heard.push(JSON.parse(data.toString()) as Record<string, unknown>);
    });
    return heard;
  };

  it('is off at first, opens when asked, and ends with the daemon and its key', async () => {
    const client = await rig.connect();
    assert.equal((await client.status()).feed, null);
    const tokenFile = join(rig.paths.directory, 'feed-token');
    assert.ok(!existsSync(tokenFile));
    const { port, token } = await client.openFeed();
    assert.deepEqual(rig.record?.feed, { port, problem: null });
    assert.ok(!JSON.stringify(rig.record).includes(token));
    assert.equal(readFileSync(tokenFile, 'utf8').trim(), token);
    assert.equal(statSync(tokenFile).mode & 0o777, 0o600);
    assert.equal((await client.openFeed()).port, port);
    const page = await fetch(`http://127.0.0.1:${port}/`);
    assert.match(await page.text(), /<div id="app">/);
    const script = await fetch(`http://127.0.0.1:${port}/dashboard.js`);
    assert.ok((await script.text()).length > 100_000);
    const heard = listen('/feed', port, token);
    await eventually(() => heard.length >= 2, 'it tells');
    await client.shutdown();
    await eventually(() => !existsSync(tokenFile), 'the key is gone');
    await assert.rejects(fetch(`http://127.0.0.1:${port}/`));
    await eventually(() => rig.record?.feed === null, 'the record says so');
  });

  it('tells what a runner says, to programs, pages and windows alike', async () => {
    const client = await rig.connect();
    const { port, token } = await client.openFeed();
    const feed = listen('/feed', port, token);
    const page = listen('/dashboard', port, token);
    const window: DashboardMessage[] = [];
    client.onDidChangeDashboard((message) => window.push(message));
    await client.followDashboard(true);
    await rig.startRunner(client, talkingRunner);
    const fills = (messages: readonly unknown[]): number =>
      (messages as readonly DashboardMessage[])
        .flatMap((message) =>
          message.type === 'snapshot' ? message.snapshot.fills : message.update.fills,
        )
        .filter(({ quantity }) => quantity === 8).length;
    await eventually(() => fills(page) === 1 && fills(window) === 1, 'the fill comes');
    const types = (): readonly unknown[] => feed.map(({ type }) => type);
    await eventually(() => types().includes('fill') && types().includes('log'), 'the feed tells');
    assert.deepEqual(types().slice(0, 2), ['hello', 'health']);
    assert.ok(types().includes('signal') && types().includes('book'));
    await client.followDashboard(false);
    const late = listen('/dashboard', port, token);
    await eventually(() => late.length > 0, 'all is told anew');
    const first = late[0] as unknown as Extract<DashboardMessage, { type: 'snapshot' }>;
    assert.deepEqual(first.snapshot.equity[rig.root]?.at(-1)?.[1], 99_990);
    assert.equal(first.snapshot.cycles[0]?.durationMs, 1200);
    assert.equal(first.snapshot.state.runners.length, 1);
  });

  it('says whose a port is that it cannot have, goes on without, and takes it once it is free', async () => {
    const other = createServer();
    const port = await new Promise<number>((resolve) => {
      other.listen(0, '127.0.0.1', () => {
        const address = other.address();
        resolve(typeof address === 'object' && address !== null ? address.port : 0);
      });
    });
    const client = await rig.connect();
    await client.configureWatch('window', { feed: { isEnabled: true, port } });
    await eventually(() => typeof rig.record?.feed?.problem === 'string', 'the record tells');
    const problem = rig.record?.feed?.problem ?? '';
    assert.match(problem, new RegExp(`Port ${port} .* \\(pid ${process.pid}\\)`));
    assert.equal(rig.record?.feed?.port, null);
    assert.match(readFileSync(rig.paths.monitorLog, 'utf8'), /feed\.unavailable Port/);
    await assert.rejects(client.openFeed(port), /belongs to/);
    assert.equal((await client.status()).schema, 1);
    await new Promise((resolve) => other.close(resolve));
    await client.configureWatch('window', { feed: { isEnabled: true, port }, intervalSeconds: 7 });
    await eventually(() => rig.record?.feed?.port === port, 'it is taken');
    await client.configureWatch('window', { feed: { isEnabled: false, port } });
    await eventually(() => rig.record?.feed === null, 'it is off');
    await assert.rejects(fetch(`http://127.0.0.1:${port}/`));
  });

  it('is never put where TWS is to listen', async () => {
    const client = await rig.connect();
    await assert.rejects(client.openFeed(7497), /API port/);
    await assert.rejects(client.openFeed(rig.port), /API port/);
    assert.equal((await client.status()).feed, null);
  });

  it('is opened by "robo dashboard", which says the address and nothing else', async () => {
    await rig.connect();
    const args = ['--port', String(rig.port), '--state-dir', rig.options.stateDirectory];
    const robo = async (...more: readonly string[]) =>
      new Promise<{ readonly code: number; readonly out: string; readonly err: string }>(
        (resolve) => {
          const script = join(projectRoot, 'dist', 'cli.cjs');
          const options = { cwd: rig.root, env: { PATH: process.env['PATH'] ?? '' } };
          const all = [script, 'dashboard', ...args, ...more];
          const child = execFile(process.execPath, all, options, (_error, out, err) => {
            resolve({ code: child.exitCode ?? -1, out, err });
          });
        },
      );
    const { code, out, err } = await robo();
    assert.deepEqual([code, err], [0, '']);
    const [, port = '', token = ''] =
      /^http:\/\/127\.0\.0\.1:(\d+)\/#token=([\w-]+)\n/.exec(out) ?? [];
    const headers = { Authorization: `Bearer ${token}` };
    const status = await fetch(`http://127.0.0.1:${port}/status.json`, { headers });
    assert.equal(((await status.json()) as { readonly schema: number }).schema, 1);
    const said = JSON.parse((await robo('--json')).out) as Record<string, unknown>;
    assert.deepEqual([said['port'], said['token']], [Number(port), token]);
    assert.equal((await robo('--feed-port', 'x')).code, 64);
    assert.equal((await robo('--feed-port', '4002')).code, 1);
  });

  it('is used as the ten lines of the documentation say', async () => {
    const client = await rig.connect();
    await client.openFeed();
    const text = readFileSync(join(projectRoot, 'docs', 'feed.md'), 'utf8');
    const [, snippet = ''] = /```js\n([\s\S]*?)```/.exec(text) ?? [];
    const folder = /const folder = .*;/;
    assert.match(snippet, folder);
    const script = join(rig.root, 'client.mjs');
    writeFileSync(
      script,
      snippet.replace(folder, `const folder = ${JSON.stringify(rig.paths.directory)};`),
    );
    const child = execFile(process.execPath, [script]);
    let said = '';
    child.stdout?.on('data', (chunk: string) => (said += chunk));
    try {
      await eventually(() => /healthy|unknown|connecting/.test(said), 'it says the health');
    } finally {
      child.kill('SIGKILL');
    }
  });
});

describe('a feed whose page cannot be read', () => {
  it('says which folder that is, and is not open', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'robo-feed-'));
    const pageDirectory = join(directory, 'page');
    mkdirSync(join(pageDirectory, 'index.html'), { recursive: true });
    const feed = new Feed({
      clock: new FakeClock(),
      machine: new FakeMachine(),
      directory,
      pageDirectory,
      sources: {},
      status: () => ({}),
      log: () => undefined,
      onChange: () => undefined,
      onClients: () => undefined,
    });
    try {
      await assert.rejects(feed.open(), (error) => {
        assert.ok(error instanceof HumanError);
        assert.ok(error.message.includes(`page in ${pageDirectory} cannot be read (EISDIR)`));
        return true;
      });
      assert.equal(feed.status, null);
    } finally {
      await feed.end();
      rmSync(directory, { recursive: true });
    }
  });
});
