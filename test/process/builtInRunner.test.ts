import assert from 'node:assert/strict';
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { build } from 'esbuild';
import { endpointPaths, workspaceFolderName } from '../../src/core/paths';
import { createFactReader } from '../../src/diagnostics/runnerReader';
import { allowedMessages } from '../../src/ibkr/allowList';
import { Simulator } from '../../src/simulator/simulator';
import { replay } from '../../src/trading/book';
import { BookStore } from '../../src/trading/bookStore';
import { eventually } from '../support/eventually';
import { seeded } from '../support/paper';

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
    const environment = {
      PATH: process.env['PATH'],
      IBKR_PORT: String(port),
      ROBO_STATE_DIR: join(folder, 'state'),
    };
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
    assert.match(output(), /^\{"robo":1,"event":"book"/);
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
        'book',
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
    assert.doesNotMatch(output(), /"event":"(?:error|cycle)"/);
  });

  it('keeps a whole book through kill -9 at any moment', async function () {
    this.timeout(60_000);
    const file = join(folder, 'kill.db');
    const host = join(import.meta.dirname, '../support/paperHost.ts');
    const random = seeded(7);
    let said = 0;
    for (let life = 1; life <= 8; life += 1) {
      const child = spawn(process.execPath, ['--import', loader, host, file, String(life)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const lines: string[] = [];
      const enough = 1 + Math.floor(random() * 40);
      const reader = createInterface({ input: child.stdout });
      reader.on('line', (line) => {
        lines.push(line);
        if (lines.length === enough) {
          child.kill('SIGKILL');
        }
      });
      const [, signal] = (await once(child, 'close')) as [number | null, string | null];
      assert.equal(signal, 'SIGKILL');
      said += lines.length - 1;
      const store = BookStore.open(file, { kind: 'opened', atMs: 0, cash: 1 });
      const journal = store.journal();
      assert.deepEqual(replay(journal), store.book, 'the tables agree, or opening had failed');
      const fills = journal.filter((entry) => entry.kind === 'filled');
      const onBars = new Set(fills.map((fill) => `${fill.symbol} ${fill.barAtMs}`));
      assert.equal(onBars.size, fills.length, 'nothing was traded twice on a bar');
      // What was said was kept; what was kept in the last instant may not have been said.
      const kept = new Set(
        fills.map((fill) => `${fill.symbol} ${fill.side} ${fill.quantity} ${fill.atMs}`),
      );
      assert.equal(kept.size, fills.length);
      assert.ok(fills.length >= said, `${said} fills were said, ${fills.length} are kept`);
      store.close();
    }
    assert.ok(said > 20);
  });

  it('keeps a whole book through kill -9 at random moments, its opening included', async function () {
    this.timeout(120_000);
    const file = join(folder, 'random.db');
    const host = join(import.meta.dirname, '../support/paperHost.ts');
    const seed = Date.now();
    const random = seeded(seed);
    let killedAtWork = 0;
    let fillsBefore = 0;
    for (let life = 1; life <= 10; life += 1) {
      const child = spawn(process.execPath, ['--import', loader, host, file, String(life)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let printed = '';
      child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
      // Half of them while the book is being opened, or a moment later; half of them at work.
      const isEarly = life % 2 === 1;
      if (isEarly) {
        await delay(50 + random() * 700);
      } else {
        await once(child.stdout, 'data');
        await delay(random() * 400);
      }
      child.kill('SIGKILL');
      const [, signal] = (await once(child, 'close')) as [number | null, string | null];
      assert.equal(signal, 'SIGKILL');
      killedAtWork += printed.length > 100 ? 1 : 0;
      const store = BookStore.open(file, { kind: 'opened', atMs: 0, cash: 100_000_000_000 });
      const journal = store.journal();
      assert.deepEqual(replay(journal), store.book, `seed ${seed}`);
      store.close();
      const fills = journal.filter((entry) => entry.kind === 'filled');
      assert.ok(fills.length >= fillsBefore, 'no fill of an earlier life is gone');
      fillsBefore = fills.length;
      const trades = new Set(fills.map((fill) => `${fill.symbol} ${fill.barAtMs}`));
      assert.equal(trades.size, fills.length, 'nothing was traded twice on a bar');
      const database = new DatabaseSync(file, { readOnly: true });
      const rows = database.prepare('SELECT symbol, quantity, price FROM fills ORDER BY seq').all();
      database.close();
      assert.deepEqual(
        rows.map((row) => ({ ...row })),
        fills.map(({ symbol, quantity, price }) => ({ symbol, quantity, price })),
      );
    }
    assert.ok(killedAtWork >= 3, `${killedAtWork} of 10 were killed while they traded`);
  });

  describe('asked to stop', () => {
    const symbols = ['AAPL', 'NVDA', 'TSLA', 'MSFT', 'SPY', 'QQQ', 'AMZN', 'META'].join(',');
    let simulator: Simulator;
    let port: number;

    beforeEach(async () => {
      simulator = new Simulator();
      ({ port } = await simulator.start());
    });

    afterEach(async () => {
      await simulator.stop();
    });

    for (const [phase, text, isThere] of [
      ['a strategy is slow', 'const end = Date.now() + 1500; while (Date.now() < end);', /"fetch"/],
      ['a strategy never comes back', 'for (;;);', /"fetch"/],
      ['a strategy has timers of its own', 'setInterval(() => {}, 1000);', /"cycle"/],
      ['it waits for the next cycle', '', /"cycle"/],
    ] as const) {
      it(`ends with 0 within 5 s while ${phase}`, async () => {
        const file = join(folder, 'own.mjs');
        const answer = "return { signal: 0, reason: 'test' };";
        writeFileSync(file, `export function strategy() {\n  ${text}\n  ${answer}\n}\n`);
        const { child, output } = run(['--symbols', symbols, '--strategy', file], port);
        await eventually(() => isThere.test(output()), 'the phase', 15_000);
        const start = performance.now();
        child.kill('SIGTERM');
        const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
        assert.deepEqual([code, signal], [0, null], output());
        const tookMs = performance.now() - start;
        assert.ok(tookMs < 5000, `it took ${tookMs} ms`);
      });
    }

    it('ends with 0 within 5 s while a request is open', async () => {
      const { child, output } = run(['--symbols', 'AAPL'], port);
      await simulator.setFault('hmds_broken');
      await eventually(
        () => (simulator.statistics.requestsById[20] ?? 0) > 0,
        'the request',
        15_000,
      );
      const start = performance.now();
      child.kill('SIGTERM');
      const [code] = (await once(child, 'close')) as [number | null];
      assert.equal(code, 0, output());
      assert.ok(performance.now() - start < 5000);
    });

    it('ends with --once though a strategy has timers, and survives what they throw', async () => {
      const file = join(folder, 'own.mjs');
      writeFileSync(
        file,
        [
          'Promise.reject(new Error("no news today"));',
          'setInterval(() => {}, 1000);',
          'export const strategy = () => ({ signal: 0, reason: "test" });',
        ].join('\n'),
      );
      const { child, output } = run(['--symbols', 'AAPL', '--once', '--strategy', file], port);
      const [code] = (await once(child, 'close')) as [number | null];
      assert.equal(code, 0, output());
      const events = output()
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as { readonly event: string; readonly source?: unknown });
      const errors = events.filter(({ event }) => event === 'error');
      assert.deepEqual(
        errors.map(({ source }) => source),
        [{ file, line: 1 }],
      );
      assert.match(output(), /failed in the background: no news today/);
    });
  });

  it('says with whom its client id collides: what TWS said before it closed', async () => {
    const simulator = new Simulator();
    const { port } = await simulator.start();
    await simulator.setFault('client_id_in_use');
    try {
      const { child, output } = run(['--symbols', 'AAPL'], port);
      const [code] = (await once(child, 'close')) as [number | null];
      assert.equal(code, 1);
      assert.match(output(), /after it said 326: /);
    } finally {
      await simulator.stop();
    }
  });

  it('refuses to write a book that another runner writes', async () => {
    const file = join(folder, 'one.db');
    const store = BookStore.open(file, { kind: 'opened', atMs: 0, cash: 1_000_000 });
    try {
      const { child, output } = run(['--symbols', 'AAPL', '--paper-db', file]);
      const [code] = (await once(child, 'close')) as [number | null];
      assert.equal(code, 2);
      assert.match(output(), /"event":"error".*in use by another runner/);
    } finally {
      store.close();
    }
  });

  it('keeps its book beside the log that a daemon of this folder would give it', async () => {
    const simulator = new Simulator();
    const { port } = await simulator.start();
    try {
      const { child } = run(['--symbols', 'AAPL', '--once'], port);
      await once(child, 'close');
      const { runners } = endpointPaths(
        join(folder, 'state'),
        { host: '127.0.0.1', port },
        { platform: process.platform, userId: process.getuid?.() },
      );
      assert.ok(existsSync(join(runners, workspaceFolderName(realpathSync(folder)), 'paper.db')));
    } finally {
      await simulator.stop();
    }
  });
});

/** Makes this Node.js as VS Code 1.101's: it can strip types, and does not by itself. */
const noTypes = ['--no-experimental-strip-types'];

describe('the bundle of the built-in runner', function () {
  this.timeout(60_000);
  let folder: string;
  let script: string;
  let simulator: Simulator;
  let port: number;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'robo-runner-bundle-'));
    script = join(folder, 'runner.cjs');
    await build({
      entryPoints: [entry],
      outfile: script,
      bundle: true,
      platform: 'node',
      format: 'cjs',
      target: 'node20',
      mainFields: ['module', 'main'],
      define: { __ROBO_VERSION__: '"0.0.0"' },
    });
    simulator = new Simulator();
    ({ port } = await simulator.start());
  });

  after(async () => {
    await simulator.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function run(
    args: readonly string[],
    nodeFlags: readonly string[] = [],
  ): Promise<{ code: number | null; output: string }> {
    const child = spawn(
      process.execPath,
      [...nodeFlags, script, '--symbols', 'AAPL,NVDA,TSLA', ...args],
      {
        cwd: folder,
        env: {
          PATH: process.env['PATH'],
          IBKR_PORT: String(port),
          ROBO_STATE_DIR: join(folder, 'state'),
        },
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, output };
  }

  function strategy(name: string, text: string): string {
    const file = join(folder, name);
    writeFileSync(file, text);
    return file;
  }

  it('sends TWS nothing but what is on the list, also while it buys on paper', async () => {
    const buyer = strategy(
      'buyer.mjs',
      "export default () => ({ signal: 'buy', reason: 'test' });",
    );
    // Only a market that is open by its own hours is bought in: the simulator's always is.
    for (const args of [['--once', '--strategy', buyer], ['--once']]) {
      const { code, output } = await run([...args, '--preset', 'fast']);
      assert.equal(code, 0, output);
    }
    const { requestsById } = simulator.statistics;
    const sent = Object.keys(requestsById).map(Number);
    assert.deepEqual(
      sent.filter((id) => !allowedMessages.has(id)),
      [],
    );
    assert.ok((requestsById[20] ?? 0) >= 6);
  });

  for (const [name, text, words, line] of [
    [
      'typed.ts',
      'const x: number = 1;\nexport function strategy(b: number[]) {\n  return { signal: x - 1, reason: `${b.length} bars` };\n}\n',
      /"reason":"\d+ bars"/,
      0,
    ],
    [
      'broken.ts',
      'export const a: number = 1;\nexport function strategy(): {\n  const x: = 2;\n}\n',
      /could not be loaded: SyntaxError/,
      3,
    ],
    [
      'enum.ts',
      'export const a = 1;\nenum Side { Buy }\nexport const strategy = () => Side.Buy;\n',
      /could not be loaded: SyntaxError: TypeScript enum is not supported/,
      2,
    ],
    [
      'common.cts',
      "const s: number = 0;\nmodule.exports = () => ({ signal: s, reason: 'common' });\n",
      /"reason":"common"/,
      0,
    ],
    [
      'broken.mjs',
      'export function strategy() {\n  return {{;\n}\n',
      /SyntaxError: Unexpected token/,
      2,
    ],
    ['raises.mjs', '\nthrow new Error("no data file");\n', /could not be loaded: no data file/, 2],
    [
      'awaits.mjs',
      '\nexport const strategy = await Promise.resolve(1);\n',
      /awaits at its top level/,
      2,
    ],
    ['endless.cjs', 'while (true) {}\n', /did not come back within 4 s/, 1],
  ] as const) {
    // VS Code 1.101 to 1.103 bring a Node.js that does not strip types by itself.
    for (const nodeFlags of name.endsWith('ts') ? [[], noTypes] : [[]]) {
      const where = nodeFlags.length === 0 ? '' : ' where Node.js does not strip types by itself';
      it(`reads ${name}, or says what is wrong at its own line${where}`, async () => {
        const file = strategy(name, text);
        const { code, output } = await run(['--once', '--strategy', file], nodeFlags);
        assert.match(output, words);
        assert.equal(code, line === 0 ? 0 : 2, output);
        if (line > 0) {
          const event = JSON.parse(output) as { readonly source?: unknown };
          assert.deepEqual(event.source, { file, line });
        }
      });
    }
  }

  it('tells the line of TypeScript beside it, types stripped by whomever', async () => {
    const beside = strategy(
      'beside.ts',
      'interface Bar {\n  close: number;\n}\nexport const last = (b: readonly Bar[]): number => {\n  throw new Error("no last");\n};\n',
    );
    const file = strategy(
      'typed-main.mts',
      'import { last } from "./beside.ts";\nimport type { Gone } from "./gone.ts";\nexport const strategy = (b: never[]) => ({ signal: last(b), reason: "x" });\n',
    );
    for (const nodeFlags of [[], noTypes]) {
      const { code, output } = await run(['--once', '--strategy', file], nodeFlags);
      assert.equal(code, 0, output);
      const [error] = output
        .split('\n')
        .filter((line) => line.includes('"event":"error"'))
        .map((line) => JSON.parse(line) as { readonly source?: unknown });
      assert.deepEqual(error?.source, { file: beside, line: 5 });
    }
  });
});
