import { known, unknown } from '../../src/core/observed';
import type { ConnectionSituation } from '../../src/diagnostics/situation';
import type { PortListener, PortObservation, TwsProcess } from '../../src/host/portObservation';
import type { ConnectionEnd, ConnectionProgress } from '../../src/ibkr/connection';

export const nowMs = Date.parse('2026-11-20T15:00:00Z');
const hour = 3_600_000;

export const oldTws: PortListener = {
  address: '127.0.0.1',
  pid: 4711,
  role: 'tws',
  product: 'TWS',
  argv: ['/opt/tws/jre/bin/java', 'jclient.LoginFrame'],
  startedAtMs: nowMs - 5 * hour,
  isStopped: false,
  receiveQueue: 0,
  socketId: '1',
};

export const twsProcess: TwsProcess = {
  pid: 4711,
  product: 'TWS',
  startedAtMs: nowMs - 5 * hour,
  isStopped: false,
  argv: ['/opt/tws/jre/bin/java'],
};

/** TWS runs, listens, and nothing else is to be seen. */
export const calm: PortObservation = {
  port: 7497,
  listeners: known([oldTws]),
  otherUsualPortsListening: known([]),
  closeWait: known([]),
  established: known([]),
  twsProcesses: known([twsProcess]),
  twsFiles: known({ settings: [], logs: [] }),
  platform: 'linux',
};

/** Nothing runs. */
export const empty: PortObservation = {
  ...calm,
  listeners: known([]),
  twsProcesses: known([]),
};

/** Nothing could be looked at. */
export const blind: PortObservation = {
  port: 7497,
  listeners: unknown('no permission'),
  otherUsualPortsListening: unknown('no permission'),
  closeWait: unknown('no permission'),
  established: unknown('no permission'),
  twsProcesses: unknown('no permission'),
  twsFiles: unknown('no permission'),
  platform: 'linux',
};

const fresh: ConnectionProgress = {
  stage: 'tcp',
  endedIn: undefined,
  end: undefined,
  startedAtMs: nowMs - 3000,
  connectedAtMs: undefined,
  helloAtMs: undefined,
  openAtMs: undefined,
  endedAtMs: undefined,
  localPort: undefined,
  serverVersion: undefined,
  serverTimeText: undefined,
  accounts: [],
  nextValidId: undefined,
  startupMessages: [],
};

/** A connection that still waits in `stage`. */
export function waiting(
  stage: ConnectionProgress['stage'],
  change: Partial<ConnectionProgress> = {},
): ConnectionProgress {
  const reached = {
    ...(stage === 'tcp' ? {} : { connectedAtMs: nowMs - 3000, localPort: 50_001 }),
    ...(stage === 'ready' || stage === 'open'
      ? { helloAtMs: nowMs - 2990, serverVersion: 178 }
      : {}),
  };
  return { ...fresh, stage, ...reached, ...change };
}

/** A connection that ended in `stage`, `heldMs` after it began. */
export function ended(
  stage: 'tcp' | 'hello' | 'ready' | 'open',
  end: ConnectionEnd,
  heldMs = 4,
): ConnectionProgress {
  const startedAtMs = nowMs - heldMs;
  return {
    ...waiting(stage),
    startedAtMs,
    connectedAtMs: stage === 'tcp' ? undefined : startedAtMs,
    helloAtMs: stage === 'ready' || stage === 'open' ? startedAtMs : undefined,
    stage: 'ended',
    endedIn: stage,
    end,
    endedAtMs: nowMs,
  };
}

export function notConnected(code: string): ConnectionProgress {
  return ended('tcp', { kind: 'not connected', code, text: code });
}

export const fin: ConnectionEnd = { kind: 'fin', code: undefined };
export const reset: ConnectionEnd = { kind: 'reset', code: 'ECONNRESET' };

export function situation(
  connection: ConnectionProgress | undefined,
  os: PortObservation = calm,
  change: Partial<ConnectionSituation> = {},
): ConnectionSituation {
  return {
    endpoint: { host: '127.0.0.1', port: 7497 },
    connection,
    messages: [],
    os,
    nowMs,
    ...change,
  };
}
