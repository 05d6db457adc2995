import { isoTime } from '../core/clock';
import { listenerKind, youngMs } from '../diagnostics/connectionFacts';
import { describeDuration } from '../diagnostics/notices';
import type { Evidence, Layer } from '../diagnostics/finding';
import type { PortListener, PortObservation } from '../host/portObservation';
import { type Endpoint, formatEndpoint, isLoopback } from '../ibkr/endpoint';
import type { LayerResult, LayerStatus } from './report';

type PassiveResult = Omit<LayerResult, 'durationMs'>;

/** The layers process, port and sockets: what the system says without a touch of the port (law 1). */
export function passiveLayers(
  os: PortObservation,
  endpoint: Endpoint,
  nowMs: number,
): readonly PassiveResult[] {
  if (!isLoopback(endpoint.host)) {
    const why = `${formatEndpoint(endpoint)} is no loopback address; the processes and sockets behind it cannot be seen from here`;
    return (['process', 'port', 'sockets'] as const).map((layer) => result(layer, 'unknown', why));
  }
  return [processLayer(os, nowMs), portLayer(os, endpoint, nowMs), socketsLayer(os, nowMs)];
}

function processLayer(os: PortObservation, nowMs: number): PassiveResult {
  if (!os.twsProcesses.known) {
    return result('process', 'unknown', os.twsProcesses.why);
  }
  const found = os.twsProcesses.value;
  if (found.length === 0) {
    // Not a failure: TWS may run under another user, in a container or behind a proxy.
    return result('process', 'warn', 'No TWS or IB Gateway process is visible on this machine');
  }
  const stopped = found.filter(({ isStopped }) => isStopped);
  const evidence = found.map((process) =>
    note(
      'process',
      nowMs,
      `${process.product}, pid ${process.pid}, running since ${isoTime(process.startedAtMs)}${process.isStopped ? ', stopped by a signal' : ''}`,
    ),
  );
  const names = found.map(({ product, pid }) => `${product} (pid ${pid})`).join(', ');
  return stopped.length > 0
    ? result(
        'process',
        'warn',
        `${names}; stopped by a signal: pid ${stopped.map(({ pid }) => pid).join(', ')}`,
        evidence,
      )
    : result('process', 'pass', `Running: ${names}`, evidence);
}

function portLayer(os: PortObservation, endpoint: Endpoint, nowMs: number): PassiveResult {
  if (!os.listeners.known) {
    return result('port', 'unknown', os.listeners.why);
  }
  const listeners = os.listeners.value;
  if (listeners.length === 0) {
    const others = os.otherUsualPortsListening.known ? os.otherUsualPortsListening.value : [];
    const hint = others.length > 0 ? `; listening instead: ${others.join(', ')}` : '';
    const words = `Nobody listens on port ${endpoint.port}${hint}${startingWords(os, nowMs)}`;
    return result('port', 'fail', words, [
      note('socket', nowMs, `no LISTEN row for port ${endpoint.port}${hint}`),
    ]);
  }
  const evidence = listeners.map((listener) =>
    note('socket', nowMs, listenerWords(listener, endpoint)),
  );
  const kind = listenerKind({ listeners });
  return result(
    'port',
    // Only a warning: who listens may still pass connections on to a TWS.
    kind === 'stranger' || kind === 'native' ? 'warn' : 'pass',
    listeners.map((entry) => listenerWords(entry, endpoint)).join('; '),
    evidence,
  );
}

/** A TWS that has just been started opens its port after the login. */
function startingWords(os: PortObservation, nowMs: number): string {
  const starts = os.twsProcesses.known
    ? os.twsProcesses.value
        .filter(({ product }) => product !== 'simulator')
        .map(({ startedAtMs }) => nowMs - startedAtMs)
    : [];
  const youngest = Math.min(...starts);
  return youngest < youngMs
    ? `; TWS was started ${describeDuration(youngest)} ago: starting, or waiting for the login or second factor`
    : '';
}

function listenerWords(listener: PortListener, endpoint: Endpoint): string {
  const who =
    listener.pid === undefined
      ? 'a process that we may not see'
      : `${listener.product ?? listener.argv?.[0] ?? listener.role} (pid ${listener.pid})`;
  return `Port ${endpoint.port} belongs to ${who}`;
}

function socketsLayer(os: PortObservation, nowMs: number): PassiveResult {
  if (!os.closeWait.known || !os.established.known) {
    const why = !os.closeWait.known ? os.closeWait.why : 'the connections could not be read';
    return result('sockets', 'unknown', why);
  }
  const left = os.closeWait.value.filter(({ side }) => side === 'server');
  const leftCount = left.reduce((sum, { count }) => sum + count, 0);
  const waiting = os.listeners.known
    ? os.listeners.value.reduce((sum, { receiveQueue }) => sum + (receiveQueue ?? 0), 0)
    : 0;
  const established = os.established.value.length;
  const evidence = [
    ...left.map((group) =>
      note('socket', nowMs, `${group.count} CLOSE_WAIT held by ${group.role}`),
    ),
    ...(waiting > 0 ? [note('socket', nowMs, `${waiting} connection(s) wait to be accepted`)] : []),
  ];
  if (leftCount > 0 || waiting > 0) {
    const words = [
      ...(leftCount > 0 ? [`${leftCount} in CLOSE_WAIT on TWS's side`] : []),
      ...(waiting > 0 ? [`${waiting} not accepted`] : []),
    ];
    return result(
      'sockets',
      'warn',
      `Connections: ${established} established, ${words.join(', ')}`,
      evidence,
    );
  }
  return result(
    'sockets',
    'pass',
    `Connections: ${established} established, none left behind`,
    evidence,
  );
}

function note(kind: Evidence['kind'], nowMs: number, text: string): Evidence {
  return {
    kind,
    source: kind === 'process' ? 'process table' : 'TCP table',
    at: isoTime(nowMs),
    text,
  };
}

function result(
  layer: Layer,
  status: LayerStatus,
  summary: string,
  evidence: readonly Evidence[] = [],
): PassiveResult {
  return { layer, status, summary, evidence };
}
