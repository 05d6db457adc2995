import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createMessageConnection,
  StreamMessageReader,
  StreamMessageWriter,
} from 'vscode-jsonrpc/node';
import { systemClock } from '../../src/core/clock';
import { Emitter } from '../../src/core/emitter';
import { DaemonClient } from '../../src/daemon/client';
import type { Daemon } from '../../src/daemon/daemon';
import { type Hello, protocolVersion, requests } from '../../src/daemon/protocol';
import { DaemonServer } from '../../src/daemon/server';
import type { StatusRecord } from '../../src/diagnostics/status';
import { eventually } from '../support/eventually';
import { pathsBelow, statusRecordOf } from '../support/statusRecords';
import { until } from '../support/until';

/** As much of a daemon as its server needs. */
class QuietDaemon {
  readonly statusEmitter = new Emitter<StatusRecord>();
  readonly onDidChangeStatus = this.statusEmitter.event;
  readonly runners = { onLines: new Emitter().event, isAnyAlive: false };
  windows = 0;

  askedStatus(): StatusRecord {
    return statusRecordOf();
  }

  setWindows(count: number): void {
    this.windows = count;
  }

  log(): void {
    // Nobody reads it here.
  }
}

describe("a daemon's server", () => {
  let root: string;
  let daemon: QuietDaemon;
  let server: DaemonServer;
  const sockets: Socket[] = [];

  beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), 'robo-s-'));
    daemon = new QuietDaemon();
    server = new DaemonServer(daemon as unknown as Daemon, pathsBelow(root), {
      clock: systemClock,
      isService: true,
    });
    await server.listen();
  });

  afterEach(async () => {
    sockets.splice(0).forEach((socket) => socket.destroy());
    await server.close();
    rmSync(root, { recursive: true, force: true });
  });

  const greet = async (protocol: number): Promise<{ socket: Socket; theirs: Hello }> => {
    const socket = connect(pathsBelow(root).socket);
    sockets.push(socket);
    const connection = createMessageConnection(
      new StreamMessageReader(socket),
      new StreamMessageWriter(socket),
    );
    connection.listen();
    const ours: Hello = { protocol, version: '0', pid: process.pid, kind: 'cli' };
    return { socket, theirs: await connection.sendRequest(requests.hello, ours) };
  };

  it('counts the windows, which tell alerts themselves', async () => {
    const clients = [];
    for (const kind of ['window', 'cli', 'window'] as const) {
      const client = await DaemonClient.connect(pathsBelow(root).socket, kind);
      assert.ok(client);
      clients.push(client);
    }
    assert.equal(daemon.windows, 2);
    clients.forEach((client) => {
      client.dispose();
    });
    await eventually(() => daemon.windows === 0, 'they have left');
  });

  it('tells every client of every change', async () => {
    const clients = [];
    for (const kind of ['window', 'cli'] as const) {
      const client = await DaemonClient.connect(pathsBelow(root).socket, kind);
      assert.ok(client);
      clients.push(client);
    }
    const told = clients.map(async (client) =>
      until(client.onDidChangeStatus, ({ message }) => message === 'changed'),
    );
    daemon.statusEmitter.fire(statusRecordOf({ message: 'changed' }));
    await Promise.all(told);
    clients.forEach((client) => {
      client.dispose();
    });
  });

  it('lets go of a client that no longer reads, instead of keeping all for it', async () => {
    const { socket } = await greet(protocolVersion);
    const reading = await DaemonClient.connect(pathsBelow(root).socket, 'cli');
    assert.ok(reading);
    socket.pause();
    const closed = new Promise((resolve) => socket.once('close', resolve));
    const large = statusRecordOf({ message: 'x'.repeat(10_000) });
    for (let sent = 0; sent < 400; sent += 1) {
      const heard = until(reading.onDidChangeStatus, () => true);
      daemon.statusEmitter.fire(large);
      await heard;
    }
    socket.resume();
    await closed;
    assert.equal((await reading.status()).schema, 1);
    reading.dispose();
  });

  it('tells nothing to a client of another protocol but its own', async () => {
    const { socket, theirs } = await greet(protocolVersion + 1);
    assert.equal(theirs.protocol, protocolVersion);
    let heard = 0;
    const other = await greet(protocolVersion);
    socket.on('data', (chunk: Buffer) => (heard += chunk.length));
    const seen = new Promise((resolve) => other.socket.once('data', resolve));
    daemon.statusEmitter.fire(statusRecordOf());
    await seen;
    assert.equal(heard, 0);
  });

  it('goes on when a client sends what is no message', async () => {
    const socket = connect(pathsBelow(root).socket);
    sockets.push(socket.on('error', () => undefined));
    socket.write('GET / HTTP/1.1\r\n\r\nContent-Length: 3\r\n\r\n{{{');
    await eventually(() => socket.bytesWritten > 0, 'it is sent');
    const client = await DaemonClient.connect(pathsBelow(root).socket, 'cli');
    assert.equal((await client?.status())?.schema, 1);
    client?.dispose();
  });
});
