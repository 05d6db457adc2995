import assert from 'node:assert/strict';
import { join } from 'node:path';
import { systemClock } from '../../src/core/clock';
import { Monitor } from '../../src/monitor/monitor';
import { Simulator } from '../../src/simulator/simulator';
import { BlackholeRelay } from '../support/blackholeRelay';
import { CutLink, farAddress } from '../support/cutLink';
import { eventually } from '../support/eventually';
import { describeSockets, hasKernelTable, kernelSockets } from '../support/kernelSockets';
import { quickTimings, quietMachine } from '../support/monitorRig';
import { SpawnedDaemon } from '../support/spawnedDaemon';
import { TwsProcess } from '../support/twsProcess';

const dist = join(__dirname, '..', '..', 'dist');

/** All sockets of a port but those that listen or have ended on both sides. */
function openSockets(port: number, pid: number | 'self' = 'self'): string {
  return describeSockets(
    kernelSockets(new Set([port]), pid).filter(
      ({ state }) => state !== 'LISTEN' && state !== 'TIME_WAIT',
    ),
  );
}

describe('a half-open connection', function () {
  this.timeout(60_000);

  it('is seen behind a relay that swallows everything, and leaves no socket', async () => {
    const simulator = new Simulator();
    const relay = await BlackholeRelay.start((await simulator.start()).port);
    const monitor = new Monitor({ host: '127.0.0.1', port: relay.port }, 9000, {
      clock: systemClock,
      machine: quietMachine(relay.port),
      timings: { ...quickTimings, livenessIntervalMs: 50 },
      random: () => 0,
    });
    const becomes = async (health: string): Promise<void> =>
      eventually(() => monitor.snapshot.health === health, `the health is ${health}`);
    try {
      monitor.ask();
      await becomes('healthy');
      const healths = new Set<string>();
      monitor.onDidChangeHealth(({ health }) => healths.add(health));
      relay.swallow();
      await becomes('down');
      // Two questions in a row without an answer, not one.
      assert.deepEqual([...healths], ['degraded', 'down']);
      // Kept, and not doubled (laws 2 and 3).
      assert.equal(monitor.snapshot.state.connectionsOpened, 1);
      await monitor.end();
      if (hasKernelTable) {
        await eventually(() => openSockets(relay.port) === '', 'its socket goes', 3000);
      }
    } finally {
      monitor.dispose();
      relay.end();
      await simulator.stop();
    }
  });

  describe('over a cable that is cut', () => {
    let link: CutLink;
    let tws: TwsProcess;
    let daemon: SpawnedDaemon;

    before(async function () {
      const laid = process.platform === 'linux' ? await CutLink.lay() : 'namespaces are of Linux';
      if (typeof laid === 'string') {
        console.log(`      skipped, no cable to cut here: ${laid}`);
        this.skip();
      }
      link = laid;
    });

    beforeEach(async () => {
      tws = await TwsProcess.start({ dist, host: farAddress, within: link.on('far') });
      const endpoint = { host: farAddress, port: tws.port };
      const within = link.on('near');
      daemon = await SpawnedDaemon.start({ dist, endpoint, intervalMs: 1000, within });
    });

    afterEach(async () => {
      await daemon.end();
      await tws.end();
    });

    after(() => {
      link.end();
    });

    it('is seen, healed on the same socket when the cable is mended, and left without a trace', async () => {
      await link.cut();
      const down = await daemon.shows(({ health }) => health === 'down', 30_000);
      assert.equal(down.session.connectionsOpened, 1);
      assert.equal(down.connected, false);
      await link.mend();
      const back = await daemon.shows(({ health }) => health === 'healthy', 30_000);
      assert.equal(back.session.connectionsOpened, 1);
      await daemon.terminate();
      for (const side of ['near', 'far'] as const) {
        const left = (): string => openSockets(tws.port, link.pidOn(side));
        await eventually(() => left() === '', `no socket stays on the ${side} side`, 3000);
      }
    });

    it('leaves no socket when the watch ends while the cable is cut', async () => {
      await link.cut();
      await daemon.terminate();
      assert.equal(openSockets(tws.port, link.pidOn('near')), '');
      await link.mend();
    });
  });
});
