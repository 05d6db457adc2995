import assert from 'node:assert/strict';
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import type { Readable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { createFactReader } from '../../src/diagnostics/runnerReader';
import { Simulator } from '../../src/simulator/simulator';

const entry = join(import.meta.dirname, '../../src/runner.ts');
// By its path: the child's working directory is elsewhere.
const loader = pathToFileURL(createRequire(entry).resolve('tsx')).href;

describe('built-in runner as a process', function () {
  this.timeout(20_000);
  let folder: string;
  let server: Server;
  const sockets: Socket[] = [];

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'robo-built-in-'));
    server = createServer((socket) => {
      socket.on('error', () => undefined);
      sockets.push(socket);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });

  afterEach(() => {
    sockets.splice(0).forEach((socket) => socket.destroy());
    server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  function run(
    args: readonly string[],
    port = (server.address() as AddressInfo).port,
  ): {
    child: ChildProcessByStdio<null, Readable, null>;
    output: () => string;
  } {
    const environment = { PATH: process.env['PATH'], IBKR_PORT: String(port) };
    const child = spawn(process.execPath, ['--import', loader, entry, ...args], {
      cwd: folder,
      env: environment,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    return { child, output: () => output };
  }

  it('ends with 2 and one sentence for bad configuration', async () => {
    const { child, output } = run([]);
    const [code] = (await once(child, 'close')) as [number | null];
    assert.equal(code, 2);
    const event = JSON.parse(output()) as { robo: number; event: string; message: string };
    assert.deepEqual([event.robo, event.event], [1, 'error']);
    assert.match(event.message, /SYMBOLS=/);
  });

  it('ends with 1 when TWS closes the connection', async () => {
    server.on('connection', (socket) => socket.end());
    const { child, output } = run(['--symbols', 'AAPL']);
    const [code] = (await once(child, 'close')) as [number | null];
    assert.equal(code, 1);
    assert.match(output(), /No session with .*closed by the other side/);
  });

  it('does a cycle against a simulated TWS, and sends it no order', async () => {
    const simulator = new Simulator({ unknownSymbols: ['QQQQ'] });
    const { port } = await simulator.start();
    try {
      const { child, output } = run(['--symbols', 'AAPL,QQQQ', '--once'], port);
      const [code] = (await once(child, 'close')) as [number | null];
      assert.equal(code, 0);
      const read = createFactReader();
      const facts = output().split('\n').flatMap(read);
      const kinds = facts.map((fact) => fact.kind);
      assert.deepEqual([...new Set(kinds)].sort(), [
        'connected',
        'cycle',
        'fetch failed',
        'fetch ok',
        'signal',
      ]);
      const failed = facts.find((fact) => fact.kind === 'fetch failed');
      assert.deepEqual([failed?.symbol, failed?.code], ['QQQQ', 200]);
      // Start, time, contract details, history (law 12).
      const sent = Object.keys(simulator.statistics.requestsById).map(Number);
      assert.deepEqual(
        sent.filter((id) => ![71, 49, 9, 20].includes(id)),
        [],
      );
    } finally {
      await simulator.stop();
    }
  });

  it('ends with 0 within 5 s of TERM, also while TWS is silent', async () => {
    const { child, output } = run(['--symbols', 'AAPL']);
    await once(server, 'connection');
    const start = performance.now();
    child.kill('SIGTERM');
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
    assert.deepEqual([code, signal], [0, null]);
    assert.ok(performance.now() - start < 5000);
    assert.equal(output(), '');
  });
});
