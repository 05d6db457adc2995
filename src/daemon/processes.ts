import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../core/clock';
import { workspaceFolderName } from '../core/paths';
import { endProcessTree, type KillOutcome } from '../host/endProcess';
import type { Machine } from '../host/machine';
import { type Endpoint, usualPorts } from '../ibkr/endpoint';
import { listRunners } from '../runner/duplicates';
import { readLease } from '../runner/lease';
import type { KillProcessesParams, ListProcessesParams, ProcessListing } from './protocol';

export interface ProcessesDependencies {
  readonly machine: Machine;
  readonly endpoint: Endpoint;
  /** Where the leases of this endpoint's runners are. */
  readonly runnersDirectory: string;
}

/** Lists runners and what belongs to them, by a look at the machine; needs no daemon. */
export async function listProcesses(
  params: ListProcessesParams,
  deps: ProcessesDependencies,
): Promise<ProcessListing> {
  const { machine, endpoint } = deps;
  const ports = [endpoint.port, ...usualPorts.map(({ port }) => port)];
  const [processes, sockets] = await Promise.all([machine.processes(), machine.sockets(ports)]);
  if (!processes.known) {
    return { unknownWhy: processes.why, processes: [] };
  }
  return {
    unknownWhy: null,
    processes: listRunners({
      processes: processes.value,
      sockets: sockets.known ? sockets.value : undefined,
      workspace: params.workspace === null ? null : await resolved(params.workspace),
      endpoint,
      runnerCommand: params.command ?? [],
      supervised: await supervised(params.workspace, deps.runnersDirectory),
      ownPid: process.pid,
    }),
  };
}

/** Links in the path are resolved, as the kernel does for working directories. */
async function resolved(path: string): Promise<string> {
  return realpath(path).catch(() => path);
}

async function supervised(
  workspace: string | null,
  runnersDirectory: string,
): Promise<{ readonly pid: number; readonly startToken: string } | undefined> {
  if (workspace === null) {
    return undefined;
  }
  const lease = await readLease(join(runnersDirectory, workspaceFolderName(workspace)));
  return lease.known ? lease.value : undefined;
}

/** Ends the processes of a listing with their children, each checked again before each signal. */
export async function endListed(
  targets: KillProcessesParams['targets'],
  deps: { readonly machine: Machine; readonly clock: Clock },
): Promise<readonly KillOutcome[]> {
  const outcomes = await Promise.all(
    targets.map(async (target) =>
      endProcessTree(target, {
        ...deps,
        signal: (pid, signal) => {
          process.kill(pid, signal);
        },
        ownPid: process.pid,
      }),
    ),
  );
  return outcomes.flat();
}
