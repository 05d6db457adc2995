import { connect, type Socket } from 'node:net';
import type { Endpoint } from '../../src/ibkr/endpoint';

const hello = Buffer.from('API\0\0\0\0\tv100..193');

/**
 * The bytes of a handshake and one server-time question over a bare socket, without a look at
 * anything but the message ids: the floor that any client stands on.
 * @returns the socket, still open, after the answer
 */
export async function bareExchange(endpoint: Endpoint, clientId: number): Promise<Socket> {
  const socket = connect({ host: endpoint.host, port: endpoint.port, noDelay: true });
  socket.on('error', () => undefined);
  let pending: Buffer = Buffer.alloc(0);
  const wanted = new Set(['15', '9']);
  let isGreeted = false;
  return new Promise((resolve, reject) => {
    socket.once('connect', () => socket.write(hello));
    socket.once('close', () => {
      reject(new Error('the peer closed in the middle of the bare exchange'));
    });
    socket.on('data', (chunk) => {
      pending = Buffer.concat([pending, chunk]);
      while (pending.length >= 4 && pending.length >= 4 + pending.readUInt32BE(0)) {
        const end = 4 + pending.readUInt32BE(0);
        const id = pending.toString('latin1', 4, pending.indexOf(0, 4));
        pending = pending.subarray(end);
        if (!isGreeted) {
          isGreeted = true;
          socket.write(frame(`71\x002\x00${clientId}\0\0`));
        } else if (wanted.delete(id) && wanted.size === 0) {
          socket.write(frame('49\x001\0'));
        } else if (id === '49') {
          resolve(socket);
        }
      }
    });
  });
}

/** Waits until the peer has closed or reset. */
export async function closed(socket: Socket): Promise<void> {
  if (!socket.closed) {
    // Not `once` of node:events, which takes the reset for a failure.
    await new Promise((resolve) => socket.once('close', resolve));
  }
}

function frame(text: string): Buffer {
  const body = Buffer.from(text, 'latin1');
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  return Buffer.concat([length, body]);
}
