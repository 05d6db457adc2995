import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'mocha';
import { Monitor } from '../../src/monitor/monitor';
import { defaultTimings } from '../../src/monitor/timings';
import { eventually } from '../support/eventually';
import { FakeClock } from '../support/fakeClock';
import { quietMachine } from '../support/monitorRig';
import { RawServer } from '../support/rawServer';

describe('a TWS whose farm flaps without end', () => {
  let server: RawServer;
  let monitor: Monitor;

  afterEach(async () => {
    monitor.dispose();
    await server.stop();
  });

  it('is asked for its time a few times a second at most, and then once more', async () => {
    server = await RawServer.start();
    const clock = new FakeClock();
    monitor = new Monitor({ host: '127.0.0.1', port: server.port }, 9000, {
      clock,
      machine: quietMachine(server.port),
      timings: defaultTimings,
      random: () => 0,
    });
    const questions = (): number =>
      server.received.toString('latin1').split('\0').filter(isTime).length;
    let answered = 0;
    server.whenBytesCome(() => {
      for (; answered < questions(); answered += 1) {
        server.send(49, 1, Math.floor(clock.now() / 1000));
      }
    });
    monitor.ask();
    await server.makeReady();
    await eventually(() => monitor.snapshot.health === 'healthy', 'healthy');
    const before = questions();
    for (let time = 0; time < 40; time += 1) {
      server.send(4, 2, -1, 2103, 'Market data farm connection is broken:usfarm');
      await eventually(() => monitor.snapshot.health === 'degraded', 'broken');
      server.send(4, 2, -1, 2104, 'Market data farm connection is OK:usfarm');
      await eventually(() => monitor.snapshot.health === 'healthy', 'well');
    }
    assert.ok(questions() - before <= 1, `${questions() - before} in no time`);
    await clock.advance(1000);
    await eventually(() => questions() - before > 0, 'it is asked after all');
    assert.ok(questions() - before <= 5, `${questions() - before} in a second`);
  });
});

/** The name of the question for the time, behind the length of its frame. */
function isTime(field: string): boolean {
  return field.endsWith('49');
}
