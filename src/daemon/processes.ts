import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../core/clock';
import { workspaceFolderName } from '../core/paths';
import { endProcessTree, type KillOutcome } from '../host/endProcess';
import type { Machine } from '../host/machine';
import { type Endpoint, usualPorts } from '../ibkr/endpoint';
import { type ListedProcess, listRunners, type ProcessRole } from '../runner/duplicates';
import { type Lease, readLease } from '../runner/lease';
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
  const lease = await leaseOf(params.workspace, deps.runnersDirectory);
  return {
    unknownWhy: null,
    processes: listRunners({
      processes: processes.value,
      sockets: sockets.known ? sockets.value : undefined,
      workspace: params.workspace === null ? null : await resolved(params.workspace),
      endpoint,
      runnerCommand: params.command ?? lease?.command ?? [],
      supervised: lease,
      ownPid: process.pid,
    }),
  };
}

/** Links in the path are resolved, as the kernel does for working directories. */
async function resolved(path: string): Promise<string> {
  return realpath(path).catch(() => path);
}

/** What the supervised runner of the workspace was started as. */
async function leaseOf(
  workspace: string | null,
  runnersDirectory: string,
): Promise<Lease | undefined> {
  if (workspace === null) {
    return undefined;
  }
  const lease = await readLease(join(runnersDirectory, workspaceFolderName(workspace)));
  return lease.known ? lease.value : undefined;
}

/** Roles that may be ended at all; TWS, proxies and strangers are in no list of targets. */
const endableRoles: ReadonlySet<ProcessRole> = new Set([
  'runner',
  'duplicate',
  'other runner',
  'worker',
  'helper',
  'monitor',
]);

/**
 * Ends processes with their children, each checked again before each signal. A target that is not
 * in the fresh `listing` under a role that may be ended is refused, whatever the caller says.
 */
export async function endListed(
  targets: KillProcessesParams['targets'],
  listing: ProcessListing,
  deps: { readonly machine: Machine; readonly clock: Clock },
): Promise<readonly KillOutcome[]> {
  const outcomes = await Promise.all(
    targets.map(async (target) => {
      const listed = listing.processes.find(
        ({ pid, startToken }) => pid === target.pid && startToken === target.startToken,
      );
      if (listed === undefined || !endableRoles.has(listed.role)) {
        return [refusal(target.pid, listed)];
      }
      return endProcessTree(target, {
        ...deps,
        signal: (pid, signal) => {
          process.kill(pid, signal);
        },
        ownPid: process.pid,
      });
    }),
  );
  return outcomes.flat();
}

function refusal(pid: number, listed: ListedProcess | undefined): KillOutcome {
  const why =
    listed === undefined
      ? 'it is no longer a runner of this list: it has ended, or is another process now'
      : `it is listed as ${listed.role}, which Robo never ends`;
  return { pid, outcome: 'refused', why };
}
