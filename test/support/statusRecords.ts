import { endpointPaths } from '../../src/core/paths';
import type { StatusRecord } from '../../src/diagnostics/status';
import { statusRecord } from '../../src/daemon/statusRecord';
import type { MonitorSnapshot } from '../../src/monitor/monitor';
import { initialState } from '../../src/monitor/monitorState';

export const recordAtMs = Date.parse('2026-11-20T15:00:00Z');

/** What a monitor shows before anything has happened. */
export const idleSnapshot: MonitorSnapshot = {
  state: initialState,
  health: 'unknown',
  expectedUntilMs: undefined,
  planned: [],
  nextWindow: undefined,
  healthSinceMs: recordAtMs,
  layer: null,
  findings: [],
  message: 'Not watching 127.0.0.1:7497 yet.',
  progress: undefined,
  accounts: [],
  roundTripMs: undefined,
};

/** The status record of a daemon at 127.0.0.1:7497 that shows this. */
export function statusRecordOf(snapshot: Partial<MonitorSnapshot> = {}): StatusRecord {
  return statusRecord(
    { ...idleSnapshot, ...snapshot },
    [],
    {
      endpoint: { host: '127.0.0.1', port: 7497 },
      clientId: 9000,
      startedAtMs: recordAtMs,
      recordsProblem: null,
    },
    recordAtMs,
  );
}

/** The paths of 127.0.0.1:7497 below a directory. */
export function pathsBelow(directory: string): ReturnType<typeof endpointPaths> {
  return endpointPaths(
    directory,
    { host: '127.0.0.1', port: 7497 },
    { platform: process.platform, userId: process.getuid?.() },
  );
}
