import { known, unknown } from '../../src/core/observed';
import type { ProcessInfo, SocketRow } from '../../src/host/machine';
import { FakeMachine, fakeProcess, fakeSocket } from './hostFakes';

/** What the tables of the machine show while a fault is met. */
export const situationNames = [
  'TWS old',
  'TWS young',
  'dead connections',
  'not accepted',
  'forwarder',
  'another client',
  'other port too',
  'stopped',
  'foreign program',
  'owner hidden',
  'tables blind',
] as const;
export type SituationName = (typeof situationNames)[number];

export const situationWords: Readonly<Record<SituationName, string>> = {
  'TWS old': 'TWS owns the port and has run for five hours',
  'TWS young': 'TWS was started a minute ago; it owns the port if anybody does',
  'dead connections': 'an old TWS holds three connections in CLOSE_WAIT',
  'not accepted': 'connections wait in the accept queue of an old TWS',
  forwarder: 'socat owns the port, no TWS is to be seen',
  'another client': "an old TWS, and the trader's runner is connected to it",
  'other port too': 'an old TWS, and port 4002 is listening as well',
  stopped: 'the TWS that owns the port is stopped by a signal',
  'foreign program': 'a native program that nobody knows owns the port',
  'owner hidden': 'the owner of the port is another user, no TWS is to be seen',
  'tables blind': 'neither processes nor sockets could be read',
};

export const port = 7497;
const here = `127.0.0.1:${port}`;
const any = '0.0.0.0:0';
const hour = 3_600_000;

export interface Attempt {
  readonly nowMs: number;
  /** False for a port on which nobody listens. */
  readonly isListening: boolean;
  /** True for a session that has been answered: somebody has accepted it. */
  readonly isAnswered: boolean;
  /** The local port of Robo's own connection while it is open. */
  readonly localPort: number | undefined;
}

/** A machine whose tables show the situation. */
export function machineIn(name: SituationName, attempt: Attempt): FakeMachine {
  const machine = new FakeMachine();
  if (name === 'tables blind') {
    machine.table = unknown('no permission');
    machine.rows = unknown('no permission');
    return machine;
  }
  const owner = ownerIn(name, attempt.nowMs);
  machine.table = known([
    ...owner.processes,
    fakeProcess(77, 'python3 -m robo_trader.runner_async', { startedAtMs: attempt.nowMs - hour }),
  ]);
  machine.rows = known([
    ...(attempt.isListening ? listening(name, owner.pid) : []),
    ...(attempt.isListening ? ownConnection(name, attempt, owner.pid) : []),
    ...(name === 'other port too' ? [fakeSocket('127.0.0.1:4002', any, 'LISTEN', 4712)] : []),
  ]);
  return machine;
}

interface Owner {
  readonly processes: readonly ProcessInfo[];
  /** Undefined where the owner is hidden. */
  readonly pid: number | undefined;
}

function ownerIn(name: SituationName, nowMs: number): Owner {
  const startedAtMs = name === 'TWS young' ? nowMs - 60_000 : nowMs - 5 * hour;
  const argv = '/opt/tws/jre/bin/java -Xmx768m jclient.LoginFrame';
  const tws = fakeProcess(4711, argv, { startedAtMs, isStopped: name === 'stopped' });
  switch (name) {
    case 'forwarder': {
      const socat = 'socat TCP-LISTEN:7497,fork TCP:127.0.0.1:4000';
      return { processes: [fakeProcess(500, socat, { startedAtMs })], pid: 500 };
    }
    case 'foreign program':
      return { processes: [fakeProcess(501, '/opt/thing/thingd', { startedAtMs })], pid: 501 };
    case 'owner hidden':
      return { processes: [], pid: undefined };
    default:
      return { processes: [tws], pid: 4711 };
  }
}

function listening(name: SituationName, pid: number | undefined): readonly SocketRow[] {
  const receiveQueue = name === 'not accepted' ? 4 : 0;
  const owned = { receiveQueue, ...(pid === undefined ? {} : { ownerPid: pid }) };
  const rows = [fakeSocket(here, any, 'LISTEN', owned)];
  const dead = [60_001, 60_002, 60_003];
  if (name === 'dead connections') {
    rows.push(...dead.map((from) => fakeSocket(here, `127.0.0.1:${from}`, 'CLOSE_WAIT', 4711)));
  }
  if (name === 'another client') {
    rows.push(
      fakeSocket(here, '127.0.0.1:40077', 'ESTABLISHED', 4711),
      fakeSocket('127.0.0.1:40077', here, 'ESTABLISHED', 77),
    );
  }
  return rows;
}

function ownConnection(
  name: SituationName,
  { localPort, isAnswered }: Attempt,
  pid: number | undefined,
): readonly SocketRow[] {
  if (localPort === undefined) {
    return [];
  }
  const ours = `127.0.0.1:${localPort}`;
  return [
    // The kernel's number of a socket that no process has accepted is 0.
    fakeSocket(
      here,
      ours,
      'ESTABLISHED',
      name === 'not accepted' && !isAnswered ? { socketId: '0' } : (pid ?? {}),
    ),
    fakeSocket(ours, here, 'ESTABLISHED', process.pid),
  ];
}
