import { systemClock } from '../../src/core/clock';
import { known } from '../../src/core/observed';
import type { Finding } from '../../src/diagnostics/finding';
import type { Machine } from '../../src/host/machine';
import { machineFor } from '../../src/host/thisMachine';
import { Monitor } from '../../src/monitor/monitor';
import { defaultTimings, type MonitorTimings } from '../../src/monitor/timings';
import { type PreflightParams, runPreflight } from '../../src/preflight/preflight';
import type { LayerResult, LayerStatus, PreflightReport } from '../../src/preflight/report';
import { Simulator, type SimulatorOptions } from '../../src/simulator/simulator';
import { until } from './until';

/** Deadlines short enough for a test that meets them on real sockets. Milliseconds. */
export const quickTimings: MonitorTimings = {
  ...defaultTimings,
  verdictMs: 150,
  answerDeadlineMs: 150,
  listenerLookMs: 20,
};

/**
 * This machine as it would be if only this test ran on it: what else runs here, another
 * simulator perhaps, must not decide a test.
 */
export function quietMachine(port: number): Machine {
  const machine = machineFor(process.platform);
  return {
    platform: machine.platform,
    process: async (pid) => machine.process(pid),
    sockets: async () => machine.sockets([port]),
    listeners: async (port) => machine.listeners(port),
    twsFiles: () => Promise.resolve(known({ settings: [], logs: [] })),
    processes: async () => {
      const all = await machine.processes();
      return all.known ? known(all.value.filter(({ pid }) => pid === process.pid)) : all;
    },
  };
}

/** A simulated TWS and a monitor of it; `end` leaves neither socket nor timer behind. */
export class MonitorRig {
  private constructor(
    readonly simulator: Simulator,
    readonly monitor: Monitor,
  ) {}

  static async start(
    options: SimulatorOptions = {},
    timings: MonitorTimings = quickTimings,
  ): Promise<MonitorRig> {
    const simulator = new Simulator(options);
    const { host, port } = await simulator.start();
    const monitor = new Monitor({ host, port }, 9000, {
      clock: systemClock,
      machine: quietMachine(port),
      timings,
      random: () => 0,
    });
    return new MonitorRig(simulator, monitor);
  }

  async end(): Promise<void> {
    this.monitor.dispose();
    await this.simulator.stop();
  }

  /** Waits until the monitor shows `accept`; the present state counts. */
  async shows(accept: (monitor: Monitor) => boolean, deadlineMs = 5000): Promise<void> {
    if (!accept(this.monitor)) {
      await until(this.monitor.onDidChange, () => accept(this.monitor), deadlineMs);
    }
  }

  async preflight(
    params: Partial<PreflightParams> = {},
    signal: AbortSignal = new AbortController().signal,
  ): Promise<{ readonly report: PreflightReport; readonly seen: readonly LayerResult[] }> {
    const seen: LayerResult[] = [];
    const report = await runPreflight(
      {
        symbols: ['AAPL'],
        withData: true,
        mode: undefined,
        timeoutMs: 300,
        dataTimeoutMs: () => 300,
        ...params,
      },
      {
        clock: systemClock,
        machine: quietMachine(this.monitor.endpoint.port),
        source: this.monitor,
        onLayer: (layer) => seen.push(layer),
        signal,
      },
    );
    return { report, seen };
  }
}

/** The status of each layer of a report. */
export function statusOf(report: PreflightReport): Readonly<Record<string, LayerStatus>> {
  return Object.fromEntries(report.layers.map(({ layer, status }) => [layer, status]));
}

/** The ids of a finding's causes, best first. */
export function causesOf(finding: Finding | undefined): readonly string[] {
  return finding?.causes.map(({ id }) => id) ?? [];
}
