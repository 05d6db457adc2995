import assert from 'node:assert/strict';
import { systemClock } from '../../src/core/clock';
import { machineFor } from '../../src/host/thisMachine';
import { Monitor } from '../../src/monitor/monitor';
import { defaultTimings } from '../../src/monitor/timings';
import { runPreflight } from '../../src/preflight/preflight';
import type { PreflightReport } from '../../src/preflight/report';
import { findRecording, type Recording, RecordingServer } from '../support/recording';

describe('a recorded session of a real TWS (server version 173)', () => {
  const recording = findRecording('tws-173');

  before(function () {
    if (recording === undefined) {
      console.log('      skipped: the recordings do not lie beside this project');
      this.skip();
    }
  });

  for (const byteByByte of [false, true]) {
    it(`passes the pre-flight ${byteByByte ? 'one byte at a time' : 'in its own chunks'}`, async () => {
      assert.ok(recording);
      const { report, accepted } = await preflight(recording, byteByByte);
      const status = Object.fromEntries(report.layers.map(({ layer, status: is }) => [layer, is]));
      assert.equal(report.ok, true, JSON.stringify(report.findings));
      assert.equal(accepted, 1);
      for (const layer of ['tcp', 'hello', 'ready', 'account'] as const) {
        assert.equal(status[layer], 'pass', layer);
      }
      // Frames of several days: the clock is off and the bars are old, which warns.
      assert.equal(status['clock'], 'warn');
      assert.equal(status['data'], 'warn');
    });
  }
});

async function preflight(
  recording: Recording,
  byteByByte: boolean,
): Promise<{ readonly report: PreflightReport; readonly accepted: number }> {
  const server = new RecordingServer(recording, { byteByByte });
  const port = await server.start();
  const machine = machineFor(process.platform);
  const monitor = new Monitor({ host: '127.0.0.1', port }, 9000, {
    clock: systemClock,
    machine,
    timings: defaultTimings,
    random: () => 0,
  });
  try {
    const report = await runPreflight(
      {
        symbols: ['AAPL', 'TSLA'],
        withData: true,
        mode: 'paper',
        timeoutMs: 3000,
        dataTimeoutMs: () => 3000,
      },
      {
        clock: systemClock,
        machine,
        source: monitor,
        onLayer: () => undefined,
        signal: new AbortController().signal,
      },
    );
    return { report, accepted: server.accepted };
  } finally {
    monitor.dispose();
    await server.stop();
  }
}
