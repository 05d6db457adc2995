import assert from 'node:assert/strict';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { connect, type Socket } from 'node:net';
import { WebSocket } from 'ws';
import { systemClock } from '../../src/core/clock';
import { toDisposable } from '../../src/core/disposables';
import { FeedServer, type FeedSource } from '../../src/daemon/feed/feedServer';
import { eventually } from '../support/eventually';
import { FakeClock } from '../support/fakeClock';

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers: IncomingHttpHeaders;
}

interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const page = '<!doctype html>page';

describe('the server of the feed', () => {
  let server: FeedServer;
  let clock: FakeClock;
  let sends: Set<(message: object) => void>;
  let changes: number;
  const sockets: (WebSocket | Socket)[] = [];

  beforeEach(async () => {
    clock = new FakeClock();
    sends = new Set();
    changes = 0;
    const source: FeedSource = (send) => {
      sends.add(send);
      send({ type: 'hello' });
      return toDisposable(() => sends.delete(send));
    };
    server = new FeedServer({
      clock,
      assets: { 'index.html': page, 'dashboard.js': 'js' },
      sources: { '/feed': source },
      status: () => ({ schema: 1 }),
      onClients: () => {
        changes += 1;
      },
    });
    await server.listen(0);
  });

  afterEach(async () => {
    for (const socket of sockets.splice(0)) {
      if (socket instanceof WebSocket) {
        socket.terminate();
      } else {
        socket.destroy();
      }
    }
    await server.close();
  });

  const ask = async (path: string, { method = 'GET', headers = {} }: Asked = {}): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const asked = httpRequest(
        { host: '127.0.0.1', port: server.port, path, method, headers, agent: false },
        (response) => {
          let text = '';
          response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
          response.on('end', () => {
            resolve({ status: response.statusCode ?? 0, text, headers: response.headers });
          });
        },
      );
      asked.on('error', reject).end();
    });

  const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });

  const listen = (
    headers: Readonly<Record<string, string>> = bearer(server.token),
    path = '/feed',
    protocols: readonly string[] = ['robo.feed.1'],
  ): WebSocket => {
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}${path}`, [...protocols], {
      headers: { ...headers },
    });
    sockets.push(socket);
    socket.on('error', () => undefined);
    return socket;
  };

  const opened = async (socket: WebSocket): Promise<string> =>
    new Promise((resolve, reject) => {
      socket.once('message', (data: Buffer) => {
        resolve(data.toString());
      });
      socket.once('unexpected-response', (_request, response) => {
        reject(new Error(String(response.statusCode)));
      });
      socket.once('error', reject);
    });

  const closed = async (socket: WebSocket): Promise<number> =>
    new Promise((resolve) => {
      socket.once('close', resolve);
    });

  it('gives the page to anybody on this machine, and the state to who has the token', async () => {
    const first = await ask('/');
    assert.deepEqual([first.status, first.text], [200, page]);
    assert.equal((await ask('/?token=x')).text, page);
    assert.equal((await ask('/status.json')).status, 401);
    const answer = await ask('/status.json', { headers: bearer(server.token) });
    assert.deepEqual([answer.status, JSON.parse(answer.text)], [200, { schema: 1 }]);
    assert.match(await opened(listen()), /hello/);
    assert.equal(server.clients, 1);
  });

  it('takes the token as a subprotocol too, which a browser can offer, and selects another', async () => {
    const socket = listen({}, '/feed', ['robo.feed.1', `robo.token.${server.token}`]);
    await opened(socket);
    assert.equal(socket.protocol, 'robo.feed.1');
  });

  it('allows its page nothing but itself', async () => {
    for (const path of ['/', '/dashboard.js', '/status.json', '/nothing']) {
      const { headers } = await ask(path);
      const policy = String(headers['content-security-policy']);
      assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self'/);
      assert.match(policy, /frame-ancestors 'none'/);
      assert.doesNotMatch(policy, /unsafe|\*/);
      assert.equal(headers['x-content-type-options'], 'nosniff');
      assert.equal(headers['referrer-policy'], 'no-referrer');
      assert.equal(headers['cache-control'], 'no-store');
      assert.equal(headers['access-control-allow-origin'], undefined);
      assert.equal(headers['set-cookie'], undefined);
    }
  });

  for (const host of [
    'evil.example',
    'evil.example:PORT',
    '127.0.0.1',
    '127.0.0.1:1',
    '[::1]:PORT',
  ]) {
    it(`gives nothing to a page that came by the name ${host}`, async () => {
      const headers = { ...bearer(server.token), Host: host.replace('PORT', String(server.port)) };
      assert.equal((await ask('/', { headers })).status, 403);
      assert.equal((await ask('/status.json', { headers })).status, 403);
      await assert.rejects(opened(listen(headers)), /403/);
    });
  }

  for (const origin of [
    'http://evil.example',
    'null',
    'https://127.0.0.1:PORT',
    'http://127.0.0.1',
    '',
  ]) {
    it(`gives nothing to a page of the origin "${origin}"`, async () => {
      const headers = {
        ...bearer(server.token),
        Origin: origin.replace('PORT', String(server.port)),
      };
      assert.equal((await ask('/status.json', { headers })).status, 403);
      await assert.rejects(opened(listen(headers)), /403/);
    });
  }

  it('answers a page of its own origin, by both names', async () => {
    for (const name of ['127.0.0.1', 'localhost']) {
      const own = `${name}:${server.port}`;
      const headers = { ...bearer(server.token), Host: own, Origin: `http://${own}` };
      assert.equal((await ask('/status.json', { headers })).status, 200);
      await opened(listen(headers));
    }
  });

  it('is not opened by guesses, and shuts the rightful one out by none', async () => {
    const wrong = ['', 'x', server.token.slice(1), `${server.token}x`, server.token.toUpperCase()];
    for (const token of wrong) {
      assert.equal((await ask('/status.json', { headers: bearer(token) })).status, 401);
      await assert.rejects(opened(listen(bearer(token))), /401/);
    }
    for (const header of [`Basic ${server.token}`, server.token, `Bearer  ${server.token}`]) {
      assert.ok((await ask('/status.json', { headers: { Authorization: header } })).status >= 401);
    }
    const statuses = new Set<number>();
    for (let guess = 0; guess < 30; guess += 1) {
      statuses.add((await ask('/status.json', { headers: bearer(`guess${guess}`) })).status);
    }
    assert.ok(statuses.has(429), [...statuses].join());
    assert.equal((await ask('/status.json', { headers: bearer(server.token) })).status, 200);
    await clock.advance(61_000);
    assert.equal((await ask('/status.json', { headers: bearer('later') })).status, 401);
  });

  it('does not take the token from the address, where histories and logs keep it', async () => {
    assert.equal((await ask(`/status.json?token=${server.token}`)).status, 401);
    await assert.rejects(opened(listen({}, `/feed?token=${server.token}`)), /401/);
  });

  it('exchanges a ticket for the token once, within a minute', async () => {
    const ticket = server.ticket();
    assert.equal((await ask('/status.json', { headers: bearer(ticket) })).status, 401);
    assert.equal((await ask('/token', { headers: bearer(ticket) })).text, server.token);
    assert.equal((await ask('/token', { headers: bearer(ticket) })).status, 401);
    const late = server.ticket();
    await clock.advance(60_000);
    assert.equal((await ask('/token', { headers: bearer(late) })).status, 401);
  });

  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD', 'TRACE']) {
    it(`does nothing for ${method}`, async () => {
      const { status, headers } = await ask('/', { method, headers: bearer(server.token) });
      assert.deepEqual([status, headers.allow], [405, 'GET']);
    });
  }

  for (const path of [
    ...['/../package.json', '/..%2f..%2fpackage.json', '/%2e%2e/feed-token', '//etc/passwd'],
    ...['/dashboard.js/../../x', '/index.html%00.js', '/constructor', '/__proto__', '/toString'],
    ...['/\\..\\package.json', `/${'a'.repeat(4000)}`],
  ]) {
    it(`has nothing at ${path.slice(0, 40)}`, async () => {
      const { status, text } = await ask(path, { headers: bearer(server.token) });
      assert.equal(status, 404);
      assert.doesNotMatch(text, /root:|"name"/);
      const refused = opened(listen(bearer(server.token), path.replaceAll('\\', '/')));
      await assert.rejects(refused, /404|Invalid URL/);
    });
  }

  it('ends a client that says anything, however little or much', async () => {
    for (const word of ['', 'x', 'stop the runner', 'y'.repeat(5_000_000)]) {
      const socket = listen();
      await opened(socket);
      socket.send(word);
      assert.ok([1008, 1009, 1006].includes(await closed(socket)), `after ${word.length} bytes`);
    }
    const pinging = listen();
    await opened(pinging);
    pinging.ping();
    assert.equal(await closed(pinging), 1008);
    await eventually(() => server.clients === 0 && sends.size === 0, 'all are forgotten');
  });

  it('ends a client whose frame claims to be huge, without waiting for it', async () => {
    const socket = connect(server.port, '127.0.0.1');
    sockets.push(socket);
    let answer = '';
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')));
    socket.write(
      `GET /feed HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nAuthorization: Bearer ${server.token}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`,
    );
    await eventually(() => answer.includes('hello'), 'it listens');
    const header = Buffer.alloc(14);
    header.writeUInt8(0x82, 0);
    header.writeUInt8(0xff, 1);
    header.writeBigUInt64BE(2n ** 40n, 2);
    const gone = new Promise((resolve) => socket.once('close', resolve));
    socket.write(header);
    socket.on('error', () => undefined);
    await gone;
    await eventually(() => server.clients === 0, 'it is forgotten');
  });

  it('drops a client that does not read, and goes on telling the others', async () => {
    const slow = connect(server.port, '127.0.0.1');
    sockets.push(slow);
    slow.on('error', () => undefined);
    slow.write(
      `GET /feed HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nAuthorization: Bearer ${server.token}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`,
    );
    await eventually(() => server.clients === 1, 'the slow one listens');
    slow.pause();
    const other = listen();
    await opened(other);
    let heard = 0;
    other.on('message', () => (heard += 1));
    const message = { type: 'log', text: 'x'.repeat(1_000_000) };
    for (let sent = 1; sent <= 40 && server.clients === 2; sent += 1) {
      for (const send of [...sends]) {
        send(message);
      }
      await eventually(() => heard === sent, 'the other one hears it');
    }
    await eventually(() => server.clients === 1 && sends.size === 1, 'the slow one is dropped');
    assert.equal(other.readyState, WebSocket.OPEN);
  });

  it('serves sixteen of a hundred clients, and the next one when one has left', async () => {
    const outcomes = await Promise.allSettled(
      Array.from({ length: 100 }, async () => opened(listen())),
    );
    const served = outcomes.filter(({ status }) => status === 'fulfilled').length;
    assert.equal(served, 16);
    assert.equal(server.clients, 16);
    const [first] = sockets.filter((socket) => (socket as WebSocket).readyState === WebSocket.OPEN);
    (first as WebSocket).close();
    await eventually(() => server.clients === 15, 'one has left');
    await opened(listen());
    assert.ok(changes >= 18);
    assert.equal((await ask('/')).status, 200);
  });

  it('asks every half minute who is still there, and lets go who is not', async () => {
    const alive = listen();
    await opened(alive);
    const silent = new WebSocket(`ws://127.0.0.1:${server.port}/feed`, {
      headers: bearer(server.token),
      autoPong: false,
    });
    sockets.push(silent);
    await opened(silent);
    const gone = closed(silent);
    const pinged = new Promise((resolve) => alive.once('ping', resolve));
    await clock.advance(30_000);
    await pinged;
    // The answer needs a moment on its way, which no clock of ours knows.
    await ask('/');
    await clock.advance(30_000);
    assert.equal(await gone, 1006);
    assert.equal(server.clients, 1);
  });

  it('ends what never says its request', async function () {
    this.timeout(12_000);
    const silent = connect(server.port, '127.0.0.1');
    sockets.push(silent);
    silent.on('error', () => undefined).resume();
    silent.write('GET / HTTP/1.1\r\nHost: x');
    await new Promise((resolve) => silent.once('close', resolve));
    assert.equal((await ask('/')).status, 200);
  });

  it('listens on this machine only, and says a port that is taken', async () => {
    const second = new FeedServer({
      clock: systemClock,
      assets: {},
      sources: {},
      status: () => ({}),
      onClients: () => undefined,
    });
    await assert.rejects(second.listen(server.port), /EADDRINUSE/);
    await second.close();
  });

  it('leaves nobody behind when it ends', async () => {
    const socket = listen();
    await opened(socket);
    const gone = closed(socket);
    await server.close();
    assert.ok([1001, 1006].includes(await gone));
    assert.equal(sends.size, 0);
    assert.equal(clock.pending, 0);
  });
});
