import assert from 'node:assert/strict';
import { join } from 'node:path';
import { systemClock } from '../../src/core/clock';
import { Monitor } from '../../src/monitor/monitor';
import { faults } from '../../src/simulator/faults';
import { eventually } from '../support/eventually';
import {
  describeSockets,
  hasKernelTable,
  kernelSockets,
  unfinishedSockets,
} from '../support/kernelSockets';
import { MonitorRig, quickTimings, quietMachine } from '../support/monitorRig';
import { TwsProcess } from '../support/twsProcess';

/** Half closed sockets go within a moment, those of both sides: both ends stand in one table. */
async function nothingHalfClosed(port: number, when: string): Promise<void> {
  const left = (): string => describeSockets(unfinishedSockets(kernelSockets(new Set([port]))));
  try {
    await eventually(() => left() === '', when, 3000);
  } catch (error) {
    throw new Error(`half closed sockets stay: ${left()}`, { cause: error });
  }
}

/** The same when the watch is over: then no socket of its own is open either. */
async function nothingIsLeft(port: number, when: string): Promise<void> {
  await nothingHalfClosed(port, when);
  const held = kernelSockets(new Set([port])).filter(
    ({ state, remotePort }) => state === 'ESTABLISHED' && remotePort === port,
  );
  assert.equal(describeSockets(held), '', `${when}: the watch is over and a socket is open`);
}

describe('what is left in the TCP table, both sides', function () {
  this.timeout(30_000);

  before(function () {
    if (!hasKernelTable) {
      // /proc/net/tcp is Linux's.
      this.skip();
    }
  });

  /** Tests a TWS whose fault was there from the start, or strikes an open session. */
  const play = async (fault: string, begin: 'from the start' | 'later'): Promise<void> => {
    const timings = { ...quickTimings, livenessIntervalMs: 50 };
    const rig = await MonitorRig.start(begin === 'later' ? {} : { fault }, timings);
    const { port } = rig.monitor.endpoint;
    try {
      rig.monitor.ask();
      if (begin === 'later') {
        await rig.shows(({ snapshot }) => snapshot.health === 'healthy', 10_000);
        await rig.simulator.setFault(fault);
      }
      await rig.preflight();
      await nothingHalfClosed(port, `${fault} ${begin}, watched`);
      await rig.monitor.end();
      await nothingIsLeft(port, `${fault} ${begin}, TWS still there`);
    } finally {
      await rig.end();
    }
    await nothingIsLeft(port, `${fault} ${begin}, both gone`);
  };

  const atOnce = 8;
  for (let from = 0; from < faults.length; from += atOnce) {
    const group = faults.slice(from, from + atOnce).map(({ name }) => name);
    it(`is nothing half closed after a test and a watch of ${group.join(', ')}`, async () => {
      await Promise.all(
        group.flatMap((fault) => [play(fault, 'from the start'), play(fault, 'later')]),
      );
    });
  }

  for (const stage of ['an open session', 'a new connection'] as const) {
    it(`is nothing after ${stage} with a TWS that is stopped (SIGSTOP) and goes on`, async () => {
      const tws = await TwsProcess.start({ dist: join(__dirname, '..', '..', 'dist') });
      const monitor = new Monitor({ host: '127.0.0.1', port: tws.port }, 9000, {
        clock: systemClock,
        machine: quietMachine(tws.port),
        timings: { ...quickTimings, livenessIntervalMs: 50 },
        random: () => 0,
      });
      const becomes = async (health: string): Promise<void> =>
        eventually(() => monitor.snapshot.health === health, `the health is ${health}`);
      try {
        if (stage === 'a new connection') {
          tws.signal('SIGSTOP');
        }
        monitor.ask();
        if (stage === 'an open session') {
          await becomes('healthy');
          tws.signal('SIGSTOP');
        }
        await becomes('down');
        await monitor.end();
        await nothingIsLeft(tws.port, 'TWS still stopped');
        tws.signal('SIGCONT');
        const hasSeenTheEnd = async (): Promise<boolean> =>
          (await tws.control('status')).includes(', 0 open;');
        await eventually(hasSeenTheEnd, 'TWS sees the end of the connection');
        await nothingIsLeft(tws.port, 'TWS goes on');
      } finally {
        monitor.dispose();
        await tws.end();
      }
    });
  }
});
