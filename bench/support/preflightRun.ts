import { systemClock } from '../../src/core/clock';
import type { Machine } from '../../src/host/machine';
import { Monitor } from '../../src/monitor/monitor';
import { defaultTimings } from '../../src/monitor/timings';
import { runPreflight } from '../../src/preflight/preflight';
import type { PreflightReport } from '../../src/preflight/report';
import type { Endpoint } from '../../src/ibkr/endpoint';

/** A monitor as the daemon makes it. */
export function newMonitor(endpoint: Endpoint, clientId: number, machine: Machine): Monitor {
  return new Monitor(endpoint, clientId, {
    clock: systemClock,
    machine,
    timings: defaultTimings,
    random: Math.random,
  });
}

/** The pre-flight through `clock` with the deadline of `robo test`, 3 s. */
export async function preflightOf(monitor: Monitor, machine: Machine): Promise<PreflightReport> {
  return runPreflight(
    { symbols: [], withData: false, mode: undefined, timeoutMs: 3000, dataTimeoutMs: () => 0 },
    {
      clock: systemClock,
      machine,
      source: monitor,
      onLayer: () => undefined,
      signal: new AbortController().signal,
    },
  );
}

/** Resolves when the monitor has seen its connection end. */
export async function endOf(monitor: Monitor): Promise<void> {
  if (monitor.progress?.stage === 'ended') {
    return;
  }
  await new Promise<void>((resolve) => {
    monitor.onDidLog(({ token }) => {
      if (token === 'connection.ended') {
        resolve();
      }
    });
  });
}
