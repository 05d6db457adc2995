import { known } from '../core/observed';
import type { Machine, ProcessInfo } from './machine';

/** A rehearsal: the process that plays TWS and started everything else, and the port it plays on. */
export interface RehearsalScene {
  readonly pid: number;
  readonly port: number;
}

/**
 * This machine as far as a rehearsal goes: its own processes, its own port, and nothing that the
 * real TWS has written. What else runs here must neither decide a rehearsal nor be looked at by
 * it. The process that plays TWS is shown as the simulator that it is.
 */
export function confinedMachine(machine: Machine, scene: RehearsalScene): Machine {
  const ours = (ports: readonly number[]): readonly number[] =>
    ports.filter((port) => port === scene.port);
  return {
    platform: machine.platform,
    process: async (pid) => machine.process(pid),
    ...(machine.background === undefined ? {} : { background: machine.background.bind(machine) }),
    listeners: async (port) => (port === scene.port ? machine.listeners(port) : known([])),
    sockets: async (ports) => (ours(ports).length === 0 ? known([]) : machine.sockets(ours(ports))),
    twsFiles: async () => Promise.resolve(known({ settings: [], logs: [] })),
    processes: async () => {
      const all = await machine.processes();
      return all.known ? known(withDescendants(all.value, scene)) : all;
    },
  };
}

function withDescendants(
  all: readonly ProcessInfo[],
  { pid: root, port }: RehearsalScene,
): readonly ProcessInfo[] {
  const parents = new Map(all.map(({ pid, parentPid }) => [pid, parentPid]));
  return all
    .filter(({ pid }) => descendsFrom(pid, root, parents))
    .map((info) => (info.pid === root ? { ...info, argv: simulatorArgv(info, port) } : info));
}

function descendsFrom(pid: number, root: number, parents: ReadonlyMap<number, number>): boolean {
  const seen = new Set<number>();
  let present: number | undefined = pid;
  // A pid that was used again can make a ring on Windows.
  while (present !== undefined && !seen.has(present)) {
    if (present === root) {
      return true;
    }
    seen.add(present);
    present = parents.get(present);
  }
  return false;
}

function simulatorArgv({ argv }: ProcessInfo, port: number): readonly string[] {
  return [argv[0] ?? 'node', 'dist/cli.cjs', 'simulate', '--port', String(port)];
}
