import assert from 'node:assert/strict';
import dns from 'node:dns';
import { createServer } from 'node:net';
import { TwsConnection } from '../../src/ibkr/connection';
import { connectTo, reaches } from '../support/connections';
import { FakeClock, settle } from '../support/fakeClock';
import { RawServer } from '../support/rawServer';
import { until } from '../support/until';

describe('answers on a connection to TWS', () => {
  let server: RawServer;
  let connection: TwsConnection;
  let clock: FakeClock;

  beforeEach(async () => {
    server = await RawServer.start();
    clock = new FakeClock();
    connection = connectTo(server.port, clock);
    await server.makeReady();
    await reaches(connection, 'open');
  });

  afterEach(async () => {
    connection.close('the test is over');
    await server.stop();
  });

  const answer = async (): Promise<void> => {
    const heard = until(connection.onServerTime, () => true);
    server.send(49, 1, 1_790_000_000);
    await heard;
    await settle();
  };

  it('are matched anew after one of them has never come', async () => {
    const lost = connection.askTime(5000);
    await clock.advance(5000);
    assert.equal(await lost, undefined);
    // The answer to this one is taken for the first's, as it might be late.
    const second = connection.askTime(5000);
    await answer();
    await clock.advance(5000);
    assert.equal(await second, undefined);
    const third = connection.askTime(5000);
    await answer();
    assert.equal((await third)?.epochSec, 1_790_000_000);
  });

  it('are not taken for a later question’s when they are late', async () => {
    const late = connection.askTime(5000);
    await clock.advance(5000);
    assert.equal(await late, undefined);
    const next = connection.askTime(5000);
    await answer();
    await clock.advance(100);
    await answer();
    assert.equal((await next)?.roundTripMs, 100);
  });

  it('hold no more text than anybody reads', async () => {
    const heard = until(connection.onMessage, () => true);
    server.send(4, 2, -1, 1100, 'x'.repeat(1_000_000));
    assert.equal((await heard).text.length, 4000);
  });
});

describe('a host name with several addresses', () => {
  it('costs one connection to one of them, IPv4 first', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => {
      other.listen(0, '127.0.0.1', resolve);
    });
    const address = other.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    let accepted = 0;
    other.on('connection', () => (accepted += 1));
    const original = dns.lookup;
    const orders: unknown[] = [];
    const addresses = ['127.0.0.2', '127.0.0.1'].map((text) => ({ address: text, family: 4 }));
    type Callback = (error: null, found: unknown, family?: number) => void;
    const faked = (_name: string, options: dns.LookupOptions, callback: Callback): void => {
      orders.push(options.order);
      if (options.all === true) {
        callback(null, addresses);
      } else {
        callback(null, '127.0.0.2', 4);
      }
    };
    dns.lookup = faked as unknown as typeof dns.lookup;
    try {
      const connection = new TwsConnection({ host: 'tws.test', port }, 9000, new FakeClock());
      const { end } = await reaches(connection, 'ended');
      assert.deepEqual(end?.kind === 'not connected' && end.code, 'ECONNREFUSED');
      assert.deepEqual(orders, ['ipv4first']);
      assert.equal(accepted, 0);
    } finally {
      dns.lookup = original;
      other.close();
    }
  });
});
