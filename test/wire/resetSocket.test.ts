import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { resetSocket } from '../../src/core/resetSocket';

const unread = Buffer.alloc(8_000_000);

describe('a reset', () => {
  let server: Server;
  let client: Socket;
  let peer: Socket;

  beforeEach(async () => {
    server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const accepted = once(server, 'connection') as Promise<[Socket]>;
    client = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' });
    [[peer]] = await Promise.all([accepted, once(client, 'connect')]);
    peer.on('error', () => undefined);
  });

  afterEach(() => {
    peer.destroy();
    server.close();
  });

  const before: Readonly<Record<string, () => void>> = {
    'of an open connection': () => undefined,
    'right behind an end in order': () => client.end(),
    'behind an end with the last words': () => client.end('bye'),
    'behind an end that waits for a peer who does not read': () => client.end(unread),
    'of what nobody reads': () => client.write(unread),
  };
  for (const [name, act] of Object.entries(before)) {
    it(`${name} leaves nothing behind`, async () => {
      const errors: Error[] = [];
      client.on('error', (error) => errors.push(error));
      act();
      const closed = once(client, 'close');
      resetSocket(client);
      await closed;
      assert.deepEqual(errors, []);
    });
  }
});
