import assert from 'node:assert/strict';
import { IBApi } from '@stoqey/ib/dist/api/api';
import { EventName } from '@stoqey/ib/dist/api/data/enum/event-name';
import { BarSizeSetting } from '@stoqey/ib/dist/api/historical/bar-size-setting';
import { SecType } from '@stoqey/ib/dist/api/data/enum/sec-type';
import { WhatToShow } from '@stoqey/ib/dist/api/historical/what-to-show';
import { causeIds } from '../../src/diagnostics/causeIds';
import { machineFor } from '../../src/host/thisMachine';
import { faultNamed, faults } from '../../src/simulator/faults';
import { Simulator, type SimulatorOptions } from '../../src/simulator/simulator';
import { FakeClock } from '../support/fakeClock';
import { hasKernelTable } from '../support/kernelSockets';
import { RawClient } from '../support/rawClient';
import { until } from '../support/until';

const contract = (symbol: string): readonly (string | number)[] => [
  ...['', symbol, 'STK', '', '', '', '', 'SMART', '', 'USD', '', ''],
];

describe('simulator', () => {
  const started: Simulator[] = [];
  const clients: RawClient[] = [];

  afterEach(async () => {
    for (const client of clients.splice(0)) {
      client.close();
    }
    await Promise.all(started.splice(0).map((simulator) => simulator.stop()));
  });

  async function start(options: SimulatorOptions = {}): Promise<readonly [Simulator, number]> {
    const simulator = new Simulator(options);
    started.push(simulator);
    const { port } = await simulator.start();
    return [simulator, port];
  }

  async function connect(port: number): Promise<RawClient> {
    const client = await RawClient.connect(port);
    clients.push(client);
    return client;
  }

  async function session(port: number, clientId = 1, range?: string): Promise<RawClient> {
    const client = await connect(port);
    return await client.ready(clientId, range);
  }

  /** The first frame's fields, as soon as they are there. */
  async function greeted(port: number, range?: string): Promise<RawClient> {
    const client = await connect(port);
    client.sendHello(range);
    await client.until(() => client.frames.length > 0, 'the server version');
    return client;
  }

  describe('handshake', () => {
    it('answers the hello, then accounts, next valid id and notices', async () => {
      const clock = new FakeClock(Date.parse('2026-11-22T14:30:00Z'));
      const [, port] = await start({ clock });
      const client = await session(port);
      assert.deepEqual(
        client.frames.map((frame) => frame.slice(0, 4).join('|')),
        [
          '178|20261122 09:30:00 EST',
          '15|1|DU1234567',
          '9|1|1',
          '4|2|-1|2104',
          '4|2|-1|2106',
          '4|2|-1|2158',
        ],
      );
      assert.equal(await client.askTime(), Date.parse('2026-11-22T14:30:00Z') / 1000);
    });

    for (const [offered, range, agreed] of [
      [178, 'v100..193', '178'],
      [193, 'v100..178', '178'],
      [176, 'v157..178', '176'],
      [193, 'v100..226', '193'],
      [178, 'v100..177 +PACEAPI', '177'],
      [178, 'v176', '176'],
    ] as const) {
      it(`agrees on ${agreed} where ${offered} meets ${range}`, async () => {
        const [, port] = await start({ serverVersion: offered });
        const client = await greeted(port, range);
        assert.equal(client.frames[0]?.[0], agreed);
      });
    }

    it('closes on a range that it cannot serve', async () => {
      const [, port] = await start();
      for (const range of ['v201..226', 'v50..76']) {
        const client = await connect(port);
        client.sendHello(range);
        assert.equal(await client.ended(), 'fin');
        assert.equal(client.bytes.length, 0);
      }
    });

    it('resets a hello that is none, and announced floods', async () => {
      const [, port] = await start();
      for (const bytes of [
        'GET / HTTP/1.1\r\n\r\n',
        'API\0\0\0\0\x09v100.200x',
        'API\0\xff\xff\xff\xfc',
      ]) {
        const client = await connect(port);
        client.socket.write(Buffer.from(bytes, 'latin1'));
        assert.equal(await client.ended(), 'rst', bytes);
      }
      const client = await session(port);
      client.socket.write(Buffer.from('7fffffff', 'hex'));
      assert.equal(await client.ended(), 'rst');
    });

    it('takes a hello and requests in single bytes', async () => {
      const [, port] = await start();
      const client = await connect(port);
      const bytes = Buffer.from('API\0\0\0\0\x09v100..178\0\0\0\x0871\x002\x005\0\0', 'latin1');
      for (const byte of bytes) {
        client.socket.write(Buffer.from([byte]));
      }
      assert.equal((await client.message(9))[2], '1');
    });

    it('drops requests from before START_API without a word', async () => {
      const [simulator, port] = await start();
      const client = await greeted(port);
      client.send(49, 1);
      client.send(71, 2, 1, '');
      await client.error(2158);
      assert.equal(client.first(49), undefined);
      await client.askTime();
      assert.equal(client.all(49).length, 1);
      assert.equal(simulator.statistics.requestsById[49], 2);
    });

    it('refuses a client id in use with 326 alone, closes later, and frees it at once', async () => {
      const clock = new FakeClock();
      const [, port] = await start({ clock });
      const holder = await session(port, 7);
      const second = await greeted(port);
      second.send(71, 2, 7, '');
      const error = await second.error(326);
      assert.deepEqual(error.slice(0, 4), ['4', '2', '-1', '326']);
      await clock.advance(600);
      assert.equal(second.ending, undefined);
      await clock.advance(200);
      assert.equal(await second.ended(), 'fin');
      assert.equal(second.first(15), undefined);
      assert.equal(second.first(9), undefined);
      holder.socket.end();
      await holder.ended();
      await session(port, 7);
    });
  });

  describe('requests', () => {
    it('answers contract details field by field', async () => {
      const clock = new FakeClock(Date.parse('2026-11-20T15:00:00Z'));
      const [, port] = await start({ clock, tradingHours: 'exchange' });
      const client = await session(port);
      client.send(9, 8, 5, ...contract('AAPL'), '', '', '', '');
      const fields = await client.message(10);
      assert.deepEqual(fields.slice(0, 14), [
        ...['10', '5', 'AAPL', 'STK', '', '0', '', 'SMART', 'USD', 'AAPL', 'NMS', 'NMS'],
        ...['265598', '0.01'],
      ]);
      const zone = fields.indexOf('US/Eastern');
      assert.match(fields[zone + 1] ?? '', /^20261120:0400-20261120:2000;20261121:CLOSED;/);
      assert.match(fields[zone + 2] ?? '', /^20261120:0930-20261120:1600;20261121:CLOSED;/);
      assert.equal((await client.message(52))[2], '5');
    });

    it('answers an unknown symbol, another type and another currency with 200', async () => {
      const [, port] = await start({ unknownSymbols: ['NOPE'] });
      const client = await session(port);
      const wrong = [
        contract('ZZTOP'),
        contract('NOPE'),
        contract('aapl'),
        contract('AAPL').with(2, 'OPT'),
        contract('AAPL').with(9, 'EUR'),
        contract('AAPL').with(7, 'NOWHERE'),
        contract(''),
      ];
      for (const [index, block] of wrong.entries()) {
        client.send(9, 8, 100 + index, ...block, '', '', '', '');
      }
      await client.askTime();
      const errors = client.all(4).filter((frame) => frame[3] === '200');
      assert.deepEqual(
        errors.map((frame) => frame[2]),
        wrong.map((_, index) => String(100 + index)),
      );
    });

    it('finds a stock by the contract id that it gave', async () => {
      const [, port] = await start();
      const client = await session(port);
      client.send(9, 8, 1, ...contract('MSFT'), '', '', '', '');
      const conId = (await client.message(10))[12] ?? '';
      client.send(9, 8, 2, conId, ...contract('').slice(1), '', '', '', '');
      await client.until(() => client.all(10).length === 2, 'the second answer');
      assert.equal(client.all(10)[1]?.[2], 'MSFT');
    });

    it('sends history in both date formats, and the same bars each time', async () => {
      const clock = new FakeClock(Date.parse('2026-11-22T08:12:34Z'));
      const [, port] = await start({ clock });
      const client = await session(port);
      const ask = (id: number, format: number): void =>
        client.send(
          ...[20, id, ...contract('TSLA'), 0, '', '30 mins', '10 D', 1, 'TRADES', format, 0, ''],
        );
      ask(1, 1);
      ask(2, 2);
      await client.until(() => client.all(17).length === 2, 'both histories');
      const [text, epoch] = client.all(17);
      assert.ok(text !== undefined && epoch !== undefined);
      assert.deepEqual(text.slice(2, 5), [
        '20261112 03:12:34 US/Eastern',
        '20261122 03:12:34 US/Eastern',
        '480',
      ]);
      assert.equal(text.length, 5 + 480 * 8);
      assert.equal(text.at(-8), '20261122 03:00:00 US/Eastern');
      assert.equal(epoch.at(-8), String(Date.parse('2026-11-22T08:00:00Z') / 1000));
      assert.deepEqual(text.slice(-7), epoch.slice(-7));
    });

    it('takes an end in the future for now', async () => {
      const clock = new FakeClock(Date.parse('2026-11-22T08:12:34Z'));
      const [, port] = await start({ clock });
      const client = await session(port);
      for (const end of ['', '20991231-00:00:00']) {
        client.send(
          ...[20, 1, ...contract('TSLA'), 0, end, '30 mins', '1 D', 1, 'TRADES', 1, 0, ''],
        );
      }
      await client.until(() => client.all(17).length === 2, 'both histories');
      assert.deepEqual(client.all(17)[0], client.all(17)[1]);
    });

    it('refuses bad bar sizes, durations and ends, and goes on', async () => {
      const [, port] = await start();
      const client = await session(port);
      const ask = (id: number, end: string, size: string, duration: string): void =>
        client.send(
          ...[20, id, ...contract('TSLA'), 0, end, size, duration, 1, 'TRADES', 1, 0, ''],
        );
      ask(1, '', '7 mins', '1 D');
      ask(2, '', '1 min', 'forever');
      ask(3, 'tomorrow', '1 min', '1 D');
      ask(4, '', '1 secs', '1 Y');
      client.send('constructor');
      client.send('');
      client.send(20);
      client.send(62, 1, 9, 'All', 'constructor,NetLiquidation');
      await client.message(64);
      assert.deepEqual(
        client
          .all(4)
          .filter((frame) => frame[2] !== '-1')
          .map((frame) => `${frame[2] ?? ''}:${frame[3] ?? ''}`)
          .slice(0, 4),
        ['1:321', '2:321', '3:321', '4:162'],
      );
      assert.equal(client.all(63).length, 1);
    });

    it('answers accounts, positions, orders and the rest of a start-up', async () => {
      const [, port] = await start({ accounts: ['DU1', 'DU2'], nextValidId: 40 });
      const client = await session(port);
      client.send(17, 1);
      client.send(8, 1, 1);
      client.send(61, 1);
      client.send(62, 1, 3, 'All', 'NetLiquidation,AccountType');
      client.send(6, 2, 1, 'DU2');
      client.send(76, 1, 4, 'DU1', '', 0);
      client.send(5, 1);
      client.send(16, 1);
      client.send(99, 0);
      client.send(7, 3, 5, '', '', '', '', '', '', '');
      client.send(14, 1, 2);
      client.send(59, 1, 3);
      client.send(64, 1);
      client.send(87, 6, ...contract('AAPL'), 0, 1, 'TRADES', 1);
      await client.askTime();
      assert.equal(client.all(15).length, 2);
      assert.equal(client.all(9)[1]?.[2], '40');
      assert.equal(client.all(61).length, 4);
      assert.deepEqual(
        client.all(63).map((frame) => frame.slice(3, 5).join(' ')),
        ['DU1 AccountType', 'DU1 NetLiquidation', 'DU2 AccountType', 'DU2 NetLiquidation'],
      );
      assert.equal(client.first(54)?.[2], 'DU2');
      for (const [id, count] of [
        ...[
          [62, 1],
          [64, 1],
          [74, 1],
          [53, 2],
          [102, 1],
          [55, 1],
          [88, 1],
        ],
      ] as const) {
        assert.equal(client.all(id).length, count, `message ${id}`);
      }
    });

    it('refuses whatever could trade', async () => {
      const [, port] = await start();
      const client = await session(port);
      client.send(3, 12, ...contract('AAPL'), 'BUY', 100);
      client.send(4, 1, 13);
      client.send(58, 1);
      await client.askTime();
      assert.deepEqual(
        client
          .all(4)
          .filter((frame) => frame[3] === '321')
          .map((frame) => frame[2]),
        ['12', '13', '-1'],
      );
    });

    it('streams quotes and bars until they are cancelled', async () => {
      const clock = new FakeClock();
      const [, port] = await start({ clock });
      const client = await session(port);
      client.send(1, 11, 5, ...contract('AAPL'), 0, '', 0, 0, '');
      client.send(20, 6, ...contract('AAPL'), 0, '', '1 min', '1 D', 1, 'TRADES', 1, 1, '');
      await client.message(17);
      const quotes = client.all(46).length;
      await clock.advance(5000);
      const update = await client.message(90);
      assert.equal(update[1], '6');
      await client.until(() => client.all(46).length === quotes + 5, 'five more quotes');
      client.send(2, 2, 5);
      client.send(25, 1, 6);
      await client.error(162);
      assert.equal(clock.pending, 0);
    });

    it('gives delayed quotes only to those who take them', async () => {
      const [, port] = await start({ delayedSymbols: ['F'] });
      const client = await session(port);
      client.send(1, 11, 1, ...contract('F'), 0, '', 1, 0, '');
      assert.equal((await client.error(354))[2], '1');
      client.send(59, 1, 3);
      client.send(1, 11, 2, ...contract('F'), 0, '', 1, 0, '');
      client.send(1, 11, 3, ...contract('AAPL'), 0, '', 1, 0, '');
      await client.until(() => client.all(57).length === 2, 'both snapshots');
      assert.equal(client.notice(10167)?.[2], '2');
      const ticks = (id: string): readonly (string | undefined)[] =>
        client
          .all(1)
          .filter((frame) => frame[2] === id)
          .map((frame) => frame[3]);
      assert.deepEqual(ticks('2').slice(0, 3), ['66', '67', '68']);
      assert.deepEqual(ticks('3').slice(0, 3), ['1', '2', '4']);
      assert.deepEqual(
        client.all(58).map((frame) => frame[3]),
        ['3', '1'],
      );
    });
  });

  describe('@stoqey/ib', () => {
    for (const version of [100, 150, 163, 176, 177, 178, 193]) {
      it(`reads everything at server version ${version}`, async () => {
        const [, port] = await start({ serverVersion: version });
        const ib = new IBApi({ host: '127.0.0.1', port, clientId: 3, maxReqPerSec: 1000 });
        try {
          await readEverything(ib, version);
        } finally {
          ib.disconnect();
        }
      });
    }
  });

  describe('faults', () => {
    it('have unique names, words and causes from the catalogue', () => {
      assert.equal(new Set(faults.map((fault) => fault.name)).size, faults.length);
      assert.equal(faults[0]?.name, 'none');
      for (const { name, description, living, causes } of faults) {
        assert.match(name, /^[a-z][a-z0-9_]*$/);
        assert.match(description, /^[A-Z0-9].*\.$/);
        assert.match(living, /^[A-Z].*\.$/);
        for (const cause of causes) {
          assert.ok((causeIds as readonly string[]).includes(cause), `${name}: ${cause}`);
        }
      }
    });

    it('are found by name, by cause, and by neither with the nearest names', () => {
      assert.equal(faultNamed('refused').name, 'refused');
      assert.equal(faultNamed('closed_at_once_untrusted').name, 'close_on_accept');
      assert.equal(faultNamed('client_id_in_use_326').name, 'client_id_in_use');
      assert.throws(() => faultNamed('silent_handshaek'), /"silent_handshaek".*silent_handshake/);
      assert.throws(() => faultNamed(''), /nearest/);
    });

    it('leave a running session as it was when they come and go unnoticed', async () => {
      const [simulator, port] = await start();
      const client = await session(port);
      for (const fault of faults) {
        const touches = fault.living !== 'Open connections go on as before.';
        if (!touches) {
          await simulator.setFault(fault.name);
          assert.equal(simulator.faultName, fault.name);
          await client.askTime();
        }
      }
      await simulator.setFault('none');
      await client.askTime();
      assert.equal(simulator.statistics.connectionsAccepted, 1);
    });

    it('silent_handshake: no byte, and healed it answers the hello it held', async () => {
      const [simulator, port] = await start({ fault: 'silent_handshake' });
      const client = await connect(port);
      client.sendHello();
      client.send(71, 2, 1, '');
      await until(
        simulator.onEvent,
        (event) => event.kind === 'request' && event.fields[0] === '71',
      );
      assert.equal(client.bytes.length, 0);
      assert.equal(client.ending, undefined);
      await simulator.setFault('none');
      await client.error(2158);
      assert.equal(client.frames[0]?.[0], '178');
      await client.askTime();
      assert.equal(simulator.statistics.connectionsAccepted, 1);
    });

    it('silent_handshake: a close by the client is answered', async () => {
      const [simulator, port] = await start({ fault: 'silent_handshake' });
      const client = await connect(port);
      client.sendHello();
      client.socket.end();
      assert.equal(await client.ended(), 'fin');
      assert.equal(client.bytes.length, 0);
      assert.equal(simulator.statistics.connectionsAccepted, 1);
    });

    it('wedged_close_wait: never closes its side, and is reset when healed', async () => {
      const [simulator, port] = await start();
      const living = await session(port, 1);
      await simulator.setFault('wedged_close_wait');
      living.send(49, 1);
      const client = await connect(port);
      client.sendHello();
      client.socket.end();
      await until(simulator.onEvent, (event) => event.kind === 'peer_ended');
      assert.equal(simulator.statistics.connectionsOpen, 2);
      assert.equal(client.ending, undefined);
      await simulator.setFault('none');
      assert.equal(await living.ended(), 'rst');
      assert.equal(await client.ended(), 'rst');
      assert.equal(living.first(49), undefined);
      assert.equal(client.bytes.length, 0);
    });

    it('frozen_ready: handshakes complete, nothing is answered until it heals', async () => {
      const [simulator, port] = await start();
      const living = await session(port, 1);
      await simulator.setFault('frozen_ready');
      living.send(49, 1);
      const fresh = await session(port, 2);
      fresh.send(49, 1);
      await until(
        simulator.onEvent,
        (event) => event.kind === 'request' && event.connection === 2 && event.fields[0] === '49',
      );
      assert.equal(simulator.statistics.requestsById[49], 2);
      assert.equal(living.first(49), undefined);
      assert.equal(fresh.first(49), undefined);
      await simulator.setFault('none');
      await living.message(49);
      await fresh.message(49);
    });

    it('gateway_frozen: neither hello nor living sessions are answered until it heals', async () => {
      const [simulator, port] = await start();
      const living = await session(port, 1);
      await simulator.setFault('gateway_frozen');
      living.send(49, 1);
      const fresh = await connect(port);
      fresh.sendHello();
      await until(simulator.onEvent, (event) => event.kind === 'hello');
      assert.equal(fresh.bytes.length, 0);
      assert.equal(living.first(49), undefined);
      await simulator.setFault('none');
      await living.message(49);
      await fresh.until(() => fresh.frames.length === 1, 'the server version');
    });

    for (const [name, ending] of [
      ['close_on_accept', 'fin'],
      ['tls_server', 'fin'],
      ['reset_on_accept', 'rst'],
    ] as const) {
      it(`${name}: ${ending} before any byte, and served again when healed`, async () => {
        const [simulator, port] = await start({ fault: name });
        // The reset may come so early that the connection never stands.
        const client = await connect(port).catch(() => undefined);
        client?.sendHello();
        assert.equal((await client?.ended()) ?? 'rst', ending);
        assert.equal(client?.bytes.length ?? 0, 0);
        await simulator.setFault('none');
        await session(port);
      });
    }

    it('refused: closes living connections and the port, and takes the port back', async () => {
      const [simulator, port] = await start();
      const living = await session(port);
      await simulator.setFault('refused');
      assert.equal(await living.ended(), 'fin');
      await assert.rejects(connect(port), { code: 'ECONNREFUSED' });
      await simulator.setFault('none');
      await session(port);
    });

    for (const name of ['http_server', 'version_too_old'] as const) {
      (hasKernelTable ? it : it.skip)(
        `${name}: another program listens, and another again when TWS is back`,
        async () => {
          const [simulator, port] = await start();
          const machine = machineFor(process.platform);
          const listeners = async (): Promise<string> => {
            const seen = await machine.listeners(port);
            return seen.known ? seen.value.join(' ') : `unknown: ${seen.why}`;
          };
          const tws = await listeners();
          await simulator.setFault(name);
          const other = await listeners();
          await simulator.setFault('farm_broken');
          const back = await listeners();
          assert.equal(new Set([tws, other, back]).size, 3, `${tws}, ${other}, ${back}`);
          await simulator.setFault('none');
          assert.equal(await listeners(), back);
          await session(port);
        },
      );
    }

    it('refused from the start: the port is known and refuses', async () => {
      const [simulator, port] = await start({ fault: 'refused' });
      await assert.rejects(connect(port), { code: 'ECONNREFUSED' });
      await simulator.setFault('none');
      await session(port);
    });

    for (const name of ['version_only', 'accounts_only', 'next_id_only'] as const) {
      it(`${name}: a start-up that stops half way and is completed when healed`, async () => {
        const [simulator, port] = await start({ fault: name });
        const client = await greeted(port);
        client.send(71, 2, 1, '');
        await until(
          simulator.onEvent,
          (event) => event.kind === 'request' && event.fields[0] === '71',
        );
        if (name !== 'version_only') {
          await client.askTime();
        }
        assert.equal(client.first(15) !== undefined, name === 'accounts_only');
        assert.equal(client.first(9) !== undefined, name === 'next_id_only');
        await simulator.setFault('none');
        await client.error(2158);
        await client.askTime();
        assert.equal(client.all(15).length, 1);
        assert.equal(client.all(9).length, 1);
      });
    }

    it('close_after_start and paper_disclaimer: closed after START_API', async () => {
      const [simulator, port] = await start({ fault: 'close_after_start' });
      const silent = await greeted(port);
      silent.send(71, 2, 1, '');
      assert.equal(await silent.ended(), 'fin');
      assert.equal(silent.frames.length, 1);
      await simulator.setFault('paper_disclaimer');
      const told = await greeted(port);
      told.send(71, 2, 1, '');
      assert.equal(await told.ended(), 'fin');
      assert.deepEqual(told.frames[1]?.slice(0, 4), ['4', '2', '-1', '10141']);
      assert.equal(told.frames.length, 2);
    });

    it('client_id_in_use: 326 for a free id too', async () => {
      const clock = new FakeClock();
      const [, port] = await start({ fault: 'client_id_in_use', clock });
      const client = await greeted(port);
      client.send(71, 2, 99, '');
      await client.error(326);
      await clock.advance(700);
      assert.equal(await client.ended(), 'fin');
      assert.equal(client.frames.length, 2);
    });

    for (const [name, ending] of [
      ['drop', 'fin'],
      ['drop_reset', 'rst'],
      ['port_reset', 'fin'],
    ] as const) {
      it(`${name}: living connections end with ${ending}`, async () => {
        const [simulator, port] = await start();
        const living = await session(port);
        await simulator.setFault(name);
        assert.equal(await living.ended(), ending);
        if (name === 'port_reset') {
          await living.error(1300);
        } else {
          const again = await session(port);
          await simulator.setFault(name);
          assert.equal(await again.ended(), ending);
        }
      });
    }

    for (const [name, broken, healed] of [
      ['upstream_lost', 1100, 1102],
      ['upstream_partial', 1100, 1102],
      ['upstream_lost_data', 1100, 1101],
      ['server_broken', 2110, 2104],
      ['farm_broken', 2103, 2104],
      ['hmds_broken', 2105, 2106],
      ['secdef_broken', 2157, 2158],
    ] as const) {
      it(`${name}: ${broken} to living and new sessions, ${healed} when healed`, async () => {
        const [simulator, port] = await start();
        const living = await session(port, 1);
        await simulator.setFault(name);
        await living.error(broken);
        const fresh = await greeted(port);
        fresh.send(71, 2, 2, '');
        await fresh.error(broken);
        await fresh.askTime();
        assert.equal(fresh.notice(healed), undefined);
        await simulator.setFault('none');
        const notices = living.all(4).length;
        await fresh.error(healed);
        await living.until(() => living.all(4).length > notices, 'the good news');
        await living.askTime();
        assert.equal(living.all(4).filter((frame) => frame[3] === String(broken)).length, 1);
      });
    }

    it('upstream_lost: 1100 again every minute, no data; streams live on after 1102 only', async () => {
      for (const [fault, lives] of [
        ['upstream_lost', true],
        ['upstream_lost_data', false],
      ] as const) {
        const clock = new FakeClock();
        const [simulator, port] = await start({ clock });
        const client = await session(port);
        client.send(1, 11, 5, ...contract('AAPL'), 0, '', 0, 0, '');
        await client.message(46);
        await simulator.setFault(fault);
        await clock.advance(120_000);
        client.send(9, 8, 1, ...contract('AAPL'), '', '', '', '');
        await client.askTime();
        assert.equal(client.all(4).filter((frame) => frame[3] === '1100').length, 3);
        assert.equal(client.first(10), undefined);
        assert.equal(client.all(46).length, 1);
        await simulator.setFault('none');
        await clock.advance(1000);
        await client.askTime();
        assert.equal(client.all(46).length, lives ? 2 : 1);
        await simulator.stop();
        assert.equal(clock.pending, 0);
      }
    });

    it('data faults: each request gets its answer, its error or nothing', async () => {
      const [simulator, port] = await start();
      const client = await session(port);
      let id = 100;
      const outcome = async (): Promise<string> => {
        id += 10;
        client.send(9, 8, id, ...contract('AAPL'), '', '', '', '');
        client.send(20, id + 1, ...contract('AAPL'), 0, '', '1 day', '2 D', 1, 'TRADES', 1, 0, '');
        client.send(1, 11, id + 2, ...contract('AAPL'), 0, '', 1, 0, '');
        await client.askTime();
        return [id, id + 1, id + 2]
          .map((request) => {
            const error = client.all(4).find((frame) => frame[2] === String(request));
            const answered = [
              [10, 1],
              [17, 1],
              [57, 2],
            ].some(([message = 0, place = 0]) =>
              client.all(message).some((frame) => frame[place] === String(request)),
            );
            return error?.[3] ?? (answered ? 'ok' : 'silence');
          })
          .join(' ');
      };
      const seen = new Map<string, string>();
      for (const name of [
        ...['none', 'no_data', 'data_not_subscribed', 'hist_no_data', 'pacing_162'],
        ...['unknown_symbols', 'competing_session', 'api_entitlement', 'upstream_lost'],
        ...['farm_broken', 'hmds_broken', 'secdef_broken', 'silent_stream_death'],
      ]) {
        await simulator.setFault(name);
        seen.set(name, await outcome());
      }
      assert.deepEqual(Object.fromEntries(seen), {
        none: 'ok ok ok',
        no_data: 'silence silence silence',
        data_not_subscribed: 'ok 162 354',
        hist_no_data: 'ok 162 ok',
        pacing_162: 'ok 162 ok',
        unknown_symbols: '200 200 200',
        competing_session: 'ok 162 10197',
        api_entitlement: 'ok ok 10089',
        upstream_lost: 'silence silence silence',
        farm_broken: 'ok ok silence',
        hmds_broken: 'ok silence ok',
        secdef_broken: '200 ok ok',
        silent_stream_death: 'ok ok ok',
      });
    });

    it('clock_skew, live_account and read_only: only that is wrong', async () => {
      const clock = new FakeClock();
      const [simulator, port] = await start({ clock });
      const client = await session(port);
      const nowSec = Math.floor(clock.now() / 1000);
      await simulator.setFault('clock_skew');
      assert.equal(await client.askTime(), nowSec + 3 * 3600);
      await simulator.setFault('live_account');
      assert.equal(await client.askTime(), nowSec);
      const live = await session(port, 2);
      assert.equal((await live.message(15))[2], 'U1234567');
      await simulator.setFault('read_only');
      client.send(16, 1);
      assert.equal((await client.error(321))[2], '-1');
      client.send(61, 1);
      await client.message(62);
    });

    it('strangers: what they say, and how they close', async () => {
      const [simulator, port] = await start({ fault: 'http_server' });
      const http = await connect(port);
      http.sendHello();
      assert.equal(await http.ended(), 'fin');
      assert.match(http.bytes.toString(), /^HTTP\/1\.1 400 /);
      await simulator.setFault('ssh_server');
      const ssh = await connect(port);
      await ssh.until(() => ssh.bytes.toString().endsWith('\r\n'), 'the banner');
      assert.match(ssh.bytes.toString(), /^SSH-2\.0-/);
      await simulator.setFault('garbage');
      assert.equal(await ssh.ended(), 'fin');
      const garbage = await connect(port);
      await garbage.until(() => garbage.bytes.length === 64, '64 bytes');
      assert.ok(garbage.bytes.every((byte) => byte === 0xff));
      await simulator.setFault('none');
      assert.equal(await garbage.ended(), 'fin');
    });

    it('hostile lengths come to living and to new sessions', async () => {
      for (const [name, prefix] of [
        ['negative_length', 'fffffffc'],
        ['huge_length', '7fffffff'],
      ] as const) {
        const [simulator, port] = await start();
        const living = await session(port, 1);
        await simulator.setFault(name);
        const fresh = await session(port, 2);
        const poison = Buffer.from(prefix, 'hex');
        for (const client of [living, fresh]) {
          await client.until(() => client.bytes.includes(poison), 'the hostile length');
        }
      }
    });

    it('hellos that are wrong: old, not a number, negative length, odd zone', async () => {
      const [simulator, port] = await start({ fault: 'version_too_old' });
      assert.equal((await greeted(port)).frames[0]?.[0], '76');
      await simulator.setFault('version_not_a_number');
      assert.equal((await greeted(port)).frames[0]?.[0], 'hello');
      await simulator.setFault('odd_time_zone');
      const odd = await greeted(port);
      assert.ok(odd.bytes.includes(Buffer.from('Mitteleurop\u00e4ische Zeit\0', 'latin1')));
      await simulator.setFault('negative_length_hello');
      const negative = await connect(port);
      negative.sendHello();
      await negative.until(() => negative.bytes.length === 12, 'the answer');
      assert.equal(negative.bytes.readInt32BE(0), -4);
    });

    it('startup_twice and bad_reject_json: odd, and served all the same', async () => {
      const [simulator, port] = await start({ fault: 'startup_twice' });
      const twice = await session(port, 1);
      await twice.until(() => twice.all(9).length === 3, 'the second start-up');
      assert.equal(twice.all(15).length, 2);
      assert.deepEqual(
        twice.all(9).map((frame) => frame[2]),
        ['574', '1', '1'],
      );
      await simulator.setFault('bad_reject_json');
      await twice.until(() => twice.bytes.includes(Buffer.from('{not json')), 'the bad field');
      await twice.askTime();
    });

    it('slow_bytes: right, in single bytes, and fast again when healed', async () => {
      const [simulator, port] = await start({ fault: 'slow_bytes' });
      const client = await session(port);
      client.send(20, 1, ...contract('AAPL'), 0, '', '1 day', '10 D', 1, 'TRADES', 1, 0, '');
      const history = await client.message(17);
      assert.equal(history.length, 5 + 10 * 8);
      assert.ok(client.chunks > client.bytes.length / 4, `${client.chunks} chunks`);
      await simulator.setFault('none');
      const { chunks } = client;
      await client.askTime();
      assert.ok(client.chunks <= chunks + 3);
    });
  });

  describe('life', () => {
    it('counts connections, hellos, ready sessions and requests', async () => {
      const [simulator, port] = await start();
      const first = await session(port, 1);
      await session(port, 2);
      await first.askTime();
      await first.askTime();
      first.close();
      await until(simulator.onEvent, (event) => event.kind === 'closed');
      const { statistics } = simulator;
      assert.equal(statistics.connectionsAccepted, 2);
      assert.equal(statistics.connectionsOpen, 1);
      assert.equal(statistics.hellos, 2);
      assert.equal(statistics.readySessions, 2);
      assert.deepEqual(statistics.requestsById, { 71: 2, 49: 2 });
      assert.deepEqual(statistics.requestIds, [71, 71, 49, 49]);
    });

    it('resets what is open when it stops, and frees the port', async () => {
      const [simulator, port] = await start();
      const client = await session(port);
      await simulator.stop();
      assert.equal(await client.ended(), 'rst');
      const [, again] = await start({ port });
      assert.equal(again, port);
    });

    it('says in one sentence why it cannot start', async () => {
      const [, port] = await start();
      await assert.rejects(new Simulator({ port }).start(), /already\. Choose another --port/);
      assert.throws(() => new Simulator({ serverVersion: 194 }), /100 to 193/);
      assert.throws(() => new Simulator({ fault: 'gremlins' }), /no fault/);
    });

    it('rejects an unknown fault and keeps the present one', async () => {
      const [simulator, port] = await start({ fault: 'slow_bytes' });
      assert.throws(() => void simulator.setFault('gremlins'), /no fault/);
      assert.equal(simulator.faultName, 'slow_bytes');
      await session(port);
    });
  });
});

/** One of everything that the built-in runner and common clients ask, and what they make of it. */
async function readEverything(ib: IBApi, version: number): Promise<void> {
  const stock = { symbol: 'AAPL', secType: SecType.STK, exchange: 'SMART', currency: 'USD' };
  const errors: string[] = [];
  // The library types each event by an overload of its own; here one listener serves all.
  const events = ib as unknown as {
    on(event: EventName, listener: (...values: unknown[]) => void): void;
  };
  ib.on(EventName.error, (error, code, id) => errors.push(`${id} ${code} ${error.message}`));
  const next = <T extends unknown[]>(event: EventName, last: (...values: T) => boolean) =>
    new Promise<T[]>((resolve, reject) => {
      const seen: T[] = [];
      const timer = setTimeout(() => {
        reject(new Error(`${event} did not come; errors: ${errors.join('; ')}`));
      }, 3000);
      const listener = (...values: unknown[]): void => {
        seen.push(values as T);
        if (last(...(values as T))) {
          clearTimeout(timer);
          resolve(seen);
        }
      };
      events.on(event, listener);
    });
  const always = (): boolean => true;

  const ready = next(EventName.nextValidId, always);
  const accounts = next<[string]>(EventName.managedAccounts, always);
  ib.connect();
  await ready;
  assert.deepEqual(await accounts, [['DU1234567']]);
  assert.equal(ib.serverVersion, version);

  const time = next<[number]>(EventName.currentTime, always);
  const details = next<[number, Record<string, unknown>]>(EventName.contractDetails, always);
  const detailsEnd = next(EventName.contractDetailsEnd, always);
  const bars = (id: number) =>
    next<[number, string, number, number, number, number, number]>(
      EventName.historicalData,
      (request, date) => request === id && date.startsWith('finished'),
    );
  const [daily, minutes] = [bars(2), bars(3)];
  const positions = next(EventName.positionEnd, always);
  const held = next(EventName.position, always);
  const summary = next(EventName.accountSummaryEnd, always);
  const snapshot = next(EventName.tickSnapshotEnd, always);
  ib.reqCurrentTime();
  ib.reqContractDetails(1, stock);
  const ask = (id: number, duration: string, size: BarSizeSetting): IBApi =>
    ib.reqHistoricalData(id, stock, '', duration, size, WhatToShow.TRADES, 1, 1, false);
  ask(2, '1 M', BarSizeSetting.DAYS_ONE);
  ask(3, '1 D', BarSizeSetting.MINUTES_ONE);
  ib.reqPositions();
  ib.reqAccountSummary(4, 'All', 'NetLiquidation');
  ib.reqMktData(5, stock, '', true, false);

  const [seconds = 0] = (await time)[0] ?? [];
  assert.ok(Math.abs(seconds - Date.now() / 1000) < 5);
  const described = (await details)[0]?.[1] ?? {};
  await detailsEnd;
  assert.deepEqual(described['contract'], {
    ...{ symbol: 'AAPL', secType: 'STK', strike: 0, right: undefined, exchange: 'SMART' },
    ...{ currency: 'USD', localSymbol: 'AAPL', tradingClass: 'NMS', conId: 265598 },
    ...{ multiplier: 0, primaryExch: described['contract'] && primaryExchange(described) },
    ...(version >= 182 ? { lastTradeDate: '' } : {}),
  });
  assert.equal(described['timeZoneId'], 'US/Eastern');
  assert.equal(described['minTick'], 0.01);
  assert.equal(described['stockType'], version >= 152 ? 'COMMON' : undefined);
  assert.match(String(described['liquidHours']), /^\d{8}:0000-\d{8}:0000;/);
  assert.ok((await daily).length >= 28);
  const all = await minutes;
  assert.ok(all.length >= 1435);
  const [, date, open = 0, high = 0, low = 0, close = 0, volume = 0] = all.at(-2) ?? [];
  assert.match(String(date), /^\d{8} {1,2}\d\d:\d\d:\d\d/);
  assert.ok(low <= open && open <= high && low <= close && close <= high && volume > 0);
  await positions;
  assert.ok((await held).length > 0);
  await summary;
  await snapshot;
  assert.deepEqual(errors, []);

  const unknown = next<[Error, number, number]>(EventName.error, always);
  ib.reqContractDetails(9, { ...stock, symbol: 'ZZTOP' });
  const [, code, id] = (await unknown)[0] ?? [];
  assert.deepEqual([code, id], [200, 9]);
}

function primaryExchange(described: Record<string, unknown>): unknown {
  const { primaryExch } = described['contract'] as { primaryExch?: unknown };
  assert.ok(primaryExch === 'NASDAQ' || primaryExch === 'NYSE');
  return primaryExch;
}
