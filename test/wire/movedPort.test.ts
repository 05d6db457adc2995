import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'mocha';
import { systemClock } from '../../src/core/clock';
import { Monitor } from '../../src/monitor/monitor';
import { eventually } from '../support/eventually';
import { quickTimings, quietMachine } from '../support/monitorRig';
import { RawServer } from '../support/rawServer';

describe('a TWS that moves to another port (1300)', () => {
  const servers: RawServer[] = [];
  let monitor: Monitor | undefined;

  afterEach(async () => {
    await monitor?.end();
    await Promise.all(servers.splice(0).map(async (server) => server.stop()));
  });

  /** A server that is ready for whoever connects, and answers every question with the time. */
  async function tws(accounts: string): Promise<RawServer> {
    const server = await RawServer.start();
    servers.push(server);
    server.whenBytesCome(() => {
      if (server.received.includes('API\0') && !server.received.includes('71\0')) {
        server.send(178, '20261120 10:00:00 EST');
      } else if (server.received.includes('49\0')) {
        server.send(49, 1, Math.floor(Date.now() / 1000));
      } else {
        server.send(15, 1, accounts);
        server.send(9, 1, 1);
      }
    });
    return server;
  }

  async function moved(accounts: string, later: string): Promise<Monitor> {
    const [old, next] = [await tws(accounts), await tws(later)];
    const watch = new Monitor({ host: '127.0.0.1', port: old.port }, 9000, {
      clock: systemClock,
      machine: quietMachine(old.port),
      timings: quickTimings,
      random: () => 0,
    });
    monitor = watch;
    watch.ask();
    await eventually(() => watch.snapshot.health === 'healthy', 'healthy');
    const words = 'TWS socket port has been reset. Please reconnect on the new port -';
    old.send(4, 2, -1, 1300, `${words} ${String(next.port)}`);
    await eventually(() => watch.activeCodes.includes(1300), '1300');
    servers.splice(servers.indexOf(old), 1);
    await old.stop();
    return watch;
  }

  it('is watched there, and is not well: programs still use the old port', async () => {
    const watch = await moved('DU1234567', 'DU1234567');
    await eventually(() => watch.snapshot.health === 'degraded', 'degraded');
    const isNamed = (): boolean => watch.snapshot.findings[0]?.guide === 'port_reset_1300';
    await eventually(isNamed, 'the finding');
    assert.equal(watch.snapshot.state.movedTo, servers[0]?.port);
  });

  it('is left alone there when other accounts answer', async () => {
    const watch = await moved('DU1234567', 'U7654321');
    const tokens: string[] = [];
    watch.onDidLog(({ token }) => tokens.push(token));
    await eventually(() => tokens.includes('connection.turned_back'), 'turned back');
    await eventually(() => watch.snapshot.health === 'down', 'down');
    assert.equal(servers[0]?.sockets.length, 1);
  });

  it('is not even looked for there by a live login at a paper port, or one of no mode', async () => {
    const watch = await moved('X1', 'X1');
    await eventually(() => watch.snapshot.state.phase.kind === 'waiting', 'waiting');
    assert.equal(servers[0]?.sockets.length, 0);
  });
});
