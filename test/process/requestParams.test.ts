import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import {
  createMessageConnection,
  ErrorCodes,
  type MessageConnection,
  ParameterStructures,
  ResponseError,
  StreamMessageReader,
  StreamMessageWriter,
} from 'vscode-jsonrpc/node';
import { systemClock } from '../../src/core/clock';
import { Emitter } from '../../src/core/emitter';
import { HumanError } from '../../src/core/errors';
import type { Daemon } from '../../src/daemon/daemon';
import { protocolVersion, requests } from '../../src/daemon/protocol';
import { checked } from '../../src/daemon/requestParams';
import { DaemonServer } from '../../src/daemon/server';
import { DaemonRig } from '../support/daemonRig';
import { pathsBelow, statusRecordOf } from '../support/statusRecords';

const withParams = [
  'hello',
  'test',
  'startRunner',
  'stopRunner',
  'listProcesses',
  'killProcesses',
  'acknowledge',
  'quiet',
  'configureAlerts',
  'configureWatch',
] as const;

/** What is taken of each, so that one part of it can be spoilt. */
const good: Readonly<Record<(typeof withParams)[number], Record<string, unknown>>> = {
  hello: { protocol: protocolVersion, version: '1', pid: 2, kind: 'cli' },
  test: { token: 't', symbols: ['AAPL'], withData: true, mode: 'paper', timeoutMs: 5 },
  startRunner: {
    token: 't',
    workspace: '/w',
    command: ['a'],
    workingDirectory: '/w',
    environment: { A: 'b' },
    symbols: [],
    mode: 'live',
    restart: false,
    refuseAfterMs: 100,
    bypassReason: 'because I say so',
    restartsByItself: true,
    helpers: [{ name: 'n', command: ['c'], environment: {}, order: 'before', port: null }],
  },
  stopRunner: { workspace: '/w' },
  listProcesses: { workspace: null, command: ['a'] },
  killProcesses: {
    workspace: '/w',
    command: [],
    targets: [{ pid: 2, startToken: 's', argv: ['a'] }],
  },
  acknowledge: { keys: ['k'] },
  quiet: { until: null },
  configureAlerts: { source: 'cli', settings: null },
  configureWatch: { source: 'window', settings: {} },
};
const needless = new Set(['mode', 'refuseAfterMs', 'bypassReason', 'restartsByItself', 'helpers']);

/** Answers everything, and keeps what reaches it. */
class AnsweringDaemon {
  readonly onDidChangeStatus = new Emitter<never>().event;
  readonly runners = { onLines: new Emitter<never>().event, isAnyAlive: false };
  readonly calls: string[] = [];
  readonly log = (): void => undefined;
  readonly setWindows = (): void => undefined;
  readonly askedStatus = statusRecordOf;

  readonly test = this.taken('test');
  readonly startRunner = this.taken('startRunner');
  readonly stopRunner = this.taken('stopRunner');
  readonly listProcesses = this.taken('listProcesses');
  readonly killProcesses = this.taken('killProcesses');
  readonly acknowledge = this.taken('acknowledge');
  readonly configureAlerts = this.taken('configureAlerts');
  readonly configureWatch = this.taken('configureWatch');
  readonly reconnect = this.taken('reconnect');
  readonly quiet = (until: string | null): null => {
    this.calls.push('quiet');
    if (until !== null) {
      throw new HumanError('Quiet takes another time.');
    }
    return null;
  };

  private taken(name: string): () => null {
    return () => {
      this.calls.push(name);
      return null;
    };
  }
}

function speakTo(socketPath: string): { connection: MessageConnection; socket: Socket } {
  const socket = connect(socketPath).on('error', () => undefined);
  const connection = createMessageConnection(
    new StreamMessageReader(socket),
    new StreamMessageWriter(socket),
  );
  connection.onError(() => undefined);
  connection.listen();
  return { connection, socket };
}

async function errorOf(asking: Promise<unknown>): Promise<ResponseError<unknown>> {
  const error: unknown = await asking.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ResponseError, `no error but ${String(error)}`);
  return error as ResponseError<unknown>;
}

function assertInvalid(error: ResponseError<unknown>): void {
  assert.equal(error.code, ErrorCodes.InvalidParams, error.message);
  assert.ok(error.message.length <= 301 && !/[\r\n]/.test(error.message), error.message);
}

describe('what a client may ask', () => {
  let root: string;
  let daemon: AnsweringDaemon;
  let server: DaemonServer;
  let connection: MessageConnection;
  let socket: Socket;

  beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), 'robo-p-'));
    daemon = new AnsweringDaemon();
    server = new DaemonServer(daemon as unknown as Daemon, pathsBelow(root), {
      clock: systemClock,
      isService: true,
    });
    await server.listen();
    ({ connection, socket } = speakTo(pathsBelow(root).socket));
    await connection.sendRequest('hello', good.hello);
  });

  afterEach(async () => {
    connection.dispose();
    socket.destroy();
    await server.close();
    rmSync(root, { recursive: true, force: true });
  });

  for (const method of withParams) {
    it(`is ${method} with what it takes, and nothing else`, async () => {
      await connection.sendRequest(method, good[method]);
      // What a newer client says besides is no fault.
      await connection.sendRequest(method, { ...good[method], later: 1 });
      const before = daemon.calls.length;
      for (const key of Object.keys(good[method])) {
        const rest = Object.fromEntries(
          Object.entries(good[method]).filter(([name]) => name !== key),
        );
        if (!needless.has(key) && !['keys', 'command'].includes(key)) {
          const error = await errorOf(connection.sendRequest(method, rest));
          assertInvalid(error);
          assert.match(error.message, new RegExp(`"${method}" cannot be taken: .*${key}`));
        }
        const spoilt = { ...good[method], [key]: { odd: 1 } };
        if (key !== 'settings' && key !== 'environment') {
          assertInvalid(await errorOf(connection.sendRequest(method, spoilt)));
        }
      }
      // A list would be taken apart, and its parts for something else.
      const { byPosition } = ParameterStructures;
      for (const list of [[good[method]], [null, 1]]) {
        assertInvalid(await errorOf(connection.sendRequest(method, byPosition, ...list)));
      }
      assertInvalid(await errorOf(connection.sendRequest(method)));
      assert.equal(daemon.calls.length, before, 'nothing of it has reached the daemon');
    });
  }

  for (const [method, key, value] of [
    ['stopRunner', 'workspace', 'relative'],
    ['stopRunner', 'workspace', '/w\0'],
    ['startRunner', 'command', ['a\0b']],
    ['startRunner', 'environment', { A: 1 }],
    ['startRunner', 'environment', { 'A\0': '1' }],
    ['startRunner', 'refuseAfterMs', -1],
    ['startRunner', 'refuseAfterMs', 1e12],
    ['startRunner', 'helpers', [{ name: 'n' }]],
    ['test', 'timeoutMs', Number.MAX_VALUE],
    ['test', 'symbols', Array.from({ length: 10_001 }, () => 'A')],
    ['test', 'token', 'x'.repeat(100_001)],
    ['killProcesses', 'targets', [{ pid: -1, startToken: '', argv: [] }]],
    ['killProcesses', 'targets', [{ pid: 1.5, startToken: '', argv: [] }]],
    ['configureAlerts', 'source', 'somebody'],
    ['configureWatch', 'settings', 'x'],
    ['hello', 'kind', 'stranger'],
  ] as const) {
    it(`is not ${method} with ${key} ${JSON.stringify(value).slice(0, 40)}`, () => {
      assert.throws(
        () => checked(method, { ...good[method], [key]: value }),
        (error) => {
          assert.ok(error instanceof ResponseError);
          assertInvalid(error);
          return true;
        },
      );
    });
  }

  it('is told as invalid too where only the daemon understands it', async () => {
    const error = await errorOf(connection.sendRequest('quiet', { until: 'tomorrow' }));
    assertInvalid(error);
    assert.equal(error.message, 'Quiet takes another time.');
  });

  it('gets an answer whatever it is, and the next one is served', async () => {
    const method = fc.constantFrom(...withParams, 'status', 'reconnect', 'nonsense');
    await fc.assert(
      fc.asyncProperty(method, fc.jsonValue(), async (name, params) => {
        await connection.sendRequest(name, params).catch((error: unknown) => {
          assert.ok(error instanceof ResponseError, String(error));
          assert.ok(!/TypeError|undefined \(|not a function/.test(error.message), error.message);
        });
        assert.equal((await connection.sendRequest(requests.status)).schema, 1);
      }),
      { numRuns: 300 },
    );
  });
});

describe('a real daemon', function () {
  this.timeout(60_000);
  let rig: DaemonRig;

  beforeEach(async () => {
    rig = await DaemonRig.start();
  });

  afterEach(async () => {
    await rig.end();
  });

  it('is brought down by nothing that a client sends', async () => {
    // Nobody listens there: no gate opens, so that no start comes to a process.
    await rig.simulator.setFault('refused');
    const witness = await rig.connect();
    const word = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('', '/', '/nowhere', '..', '\0', '__proto__', 'constructor', rig.root),
    );
    const spoilt = fc.constantFrom(...withParams.filter((name) => name !== 'hello')).chain((name) =>
      fc
        .dictionary(fc.constantFrom(...Object.keys(good[name])), fc.oneof(fc.jsonValue(), word))
        .map((parts) => {
          const params = { ...good[name], workingDirectory: rig.root, ...parts };
          // What would start something is left out; all else is meant to be odd.
          return { name, params: { ...params, bypassReason: 'short', refuseAfterMs: 0 } };
        }),
    );
    const raw = fc.oneof(
      fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
      fc.jsonValue().map((value) => framed(value)),
      fc
        .record({ id: fc.jsonValue(), method: fc.jsonValue(), params: fc.jsonValue() })
        .map((message) => framed({ jsonrpc: '2.0', ...message })),
    );
    await fc.assert(
      fc.asyncProperty(spoilt, raw, async ({ name, params }, bytes) => {
        const { connection, socket } = speakTo(rig.paths.socket);
        await connection.sendRequest('hello', good.hello);
        await connection.sendRequest(name, params).catch(() => undefined);
        socket.destroy();
        const stranger = connect(rig.paths.socket).on('error', () => undefined);
        stranger.end(bytes);
        const status = await witness.status();
        assert.equal(status.monitor.pid, witness.daemon.pid);
        stranger.destroy();
        connection.dispose();
      }),
      { numRuns: 120 },
    );
    assert.deepEqual(await rig.daemonPids(), [witness.daemon.pid]);
    assert.deepEqual(
      (await witness.status()).runner.filter(({ state }) => state !== 'exited'),
      [],
    );
  });
});

function framed(value: unknown): Buffer {
  const body = Buffer.from(JSON.stringify(value));
  return Buffer.concat([Buffer.from(`Content-Length: ${body.length}\r\n\r\n`), body]);
}
