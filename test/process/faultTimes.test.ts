import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { Health } from '../../src/diagnostics/status';
import { Monitor } from '../../src/monitor/monitor';
import { defaultTimings } from '../../src/monitor/timings';
import { eventually } from '../support/eventually';
import { FakeClock } from '../support/fakeClock';
import { quietMachine } from '../support/monitorRig';
import { SpawnedDaemon } from '../support/spawnedDaemon';
import { TwsProcess } from '../support/twsProcess';

const dist = join(__dirname, '..', '..', 'dist');

describe('from a fault on a real socket to the status file', function () {
  this.timeout(30_000);
  let tws: TwsProcess;

  beforeEach(async () => {
    tws = await TwsProcess.start({ dist });
  });

  afterEach(async () => {
    await tws.end();
  });

  describe('of the daemon, which asks only once an hour', () => {
    let daemon: SpawnedDaemon;

    beforeEach(async () => {
      const endpoint = { host: '127.0.0.1', port: tws.port };
      daemon = await SpawnedDaemon.start({ dist, endpoint, intervalMs: 3_600_000 });
    });

    afterEach(async () => {
      await daemon.end();
    });

    for (const [name, strike] of [
      ['FIN', async () => tws.control('fault drop')],
      ['RST', async () => tws.control('fault drop_reset')],
      [
        'the death of TWS',
        () => {
          tws.signal('SIGKILL');
        },
      ],
      ['message 1100', async () => tws.control('fault upstream_lost')],
    ] as const) {
      it(`${name} says so by itself: no question had to go unanswered`, async () => {
        await strike();
        const seen = await daemon.shows(({ health }) => health !== 'healthy', 10_000);
        assert.equal(seen.health, 'down');
        assert.equal(seen.connected, false);
      });
    }
  });

  describe('of a TWS that is stopped (SIGSTOP), by a clock of the test', () => {
    for (const random of [0, 0.5, 0.999]) {
      it(`two unanswered questions are enough, within the interval and 12 s (jitter ${random})`, async () => {
        const clock = new FakeClock();
        const monitor = new Monitor({ host: '127.0.0.1', port: tws.port }, 9000, {
          clock,
          machine: quietMachine(tws.port),
          timings: defaultTimings,
          random: () => random,
        });
        const healths: Health[] = [];
        monitor.onDidChange(() => {
          const { health } = monitor.snapshot;
          if (healths.at(-1) !== health) {
            healths.push(health);
          }
        });
        try {
          monitor.ask();
          await eventually(() => monitor.snapshot.health === 'healthy', 'it is healthy');
          // The worst moment: the next question has just been answered.
          tws.signal('SIGSTOP');
          healths.length = 0;
          const from = clock.monotonicMs();
          while (monitor.snapshot.health !== 'down') {
            await clock.advance(100);
            const passedMs = clock.monotonicMs() - from;
            assert.ok(passedMs <= defaultTimings.livenessIntervalMs + 12_000, `${passedMs} ms`);
          }
          assert.deepEqual(healths, ['degraded', 'down']);
          assert.equal(monitor.snapshot.state.missedAnswers, 2);
          tws.signal('SIGCONT');
          await eventually(() => monitor.snapshot.health === 'healthy', 'it heals by itself');
          assert.equal(monitor.snapshot.state.connectionsOpened, 1);
        } finally {
          monitor.dispose();
          tws.signal('SIGCONT');
        }
      });
    }
  });
});
