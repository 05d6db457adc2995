import { readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../core/clock';
import { parseEnvFile } from '../core/envFile';
import { workspaceFolderName } from '../core/paths';
import { endProcessTree, type KillOutcome } from '../host/endProcess';
import type { Machine, ProcessInfo } from '../host/machine';
import type { ProcessBackground } from '../host/processBackground';
import { type Endpoint, type Mode, usualPorts } from '../ibkr/endpoint';
import { listRunners } from '../runner/duplicates';
import { type Lease, readLease } from '../runner/lease';
import type { ListedProcess, ListRunnersInput, ProcessRole } from '../runner/listedProcess';
import { statedVariables } from '../runner/statedIdentity';
import type { KillProcessesParams, ListProcessesParams, ProcessListing } from './protocol';

export interface ProcessesDependencies {
  readonly machine: Machine;
  readonly endpoint: Endpoint;
  /** Where the leases of this endpoint's runners are. */
  readonly runnersDirectory: string;
  /** Mode of the account behind the endpoint, where a session has told it. */
  readonly mode?: (() => Mode | undefined) | undefined;
}

/** The helpers' own ports where neither `.env` nor flags say others: dashboard and feed. */
const usualHelperPorts = [5555, 8765];

/** Lists runners and what belongs to them, by a look at the machine; needs no daemon. */
export async function listProcesses(
  params: ListProcessesParams,
  deps: ProcessesDependencies,
): Promise<ProcessListing> {
  const table = await deps.machine.processes();
  return table.known
    ? { unknownWhy: null, processes: await listKnown(table.value, params, deps) }
    : { unknownWhy: table.why, processes: [] };
}

/** The same among processes that were just looked at. */
export async function listKnown(
  processes: readonly ProcessInfo[],
  params: ListProcessesParams,
  deps: ProcessesDependencies,
): Promise<readonly ListedProcess[]> {
  const { machine, endpoint } = deps;
  const base = await listInput(processes, params, deps);
  const envFile = await envFileOf(base.workspace);
  const ports = [
    endpoint.port,
    ...usualPorts.map(({ port }) => port),
    ...usualHelperPorts,
    ...['DASH_PORT', 'WEBSOCKET_PORT'].map((name) => Number(envFile.get(name))),
  ].filter((port) => Number.isInteger(port) && port > 0);
  const [sockets, background] = await Promise.all([
    machine.sockets([...new Set(ports)]),
    backgroundOf(listRunners(base), processes, machine),
  ]);
  return listRunners({
    ...base,
    sockets: sockets.known ? sockets.value : undefined,
    background,
    envFile,
    mode: deps.mode?.(),
  });
}

/**
 * True where a closer look may find duplicates: what it adds (sockets, environments, `.env`) only
 * ever tells processes apart. Costs no look at the machine.
 */
export async function mayBeDoubled(
  processes: readonly ProcessInfo[],
  params: ListProcessesParams,
  deps: ProcessesDependencies,
): Promise<boolean> {
  const listed = listRunners(await listInput(processes, params, deps));
  return listed.some(({ role }) => role === 'duplicate');
}

async function listInput(
  processes: readonly ProcessInfo[],
  params: ListProcessesParams,
  { endpoint, runnersDirectory }: ProcessesDependencies,
): Promise<ListRunnersInput> {
  const { workspace } = params;
  const lease = await leaseOf(workspace, runnersDirectory);
  const command = params.command ?? [];
  return {
    processes,
    sockets: undefined,
    workspace: workspace === null ? null : await resolved(workspace),
    endpoint,
    runnerCommand: command.length > 0 ? command : (lease?.command ?? []),
    supervised: lease,
    ownPid: process.pid,
  };
}

/** The runners and helpers, what stands above them, and ourselves, to compare with. */
async function backgroundOf(
  listed: readonly ListedProcess[],
  processes: readonly ProcessInfo[],
  machine: Machine,
): Promise<ReadonlyMap<number, ProcessBackground> | undefined> {
  const byPid = new Map(processes.map((info) => [info.pid, info]));
  const wanted = new Map<number, ProcessInfo>();
  const judged = listed.filter(({ role }) => role !== 'tws' && role !== 'proxy');
  for (const { pid } of judged.length === 0 ? [] : [...judged, { pid: process.pid }]) {
    for (
      let info = byPid.get(pid);
      info !== undefined && !wanted.has(info.pid);
      info = byPid.get(info.parentPid)
    ) {
      wanted.set(info.pid, info);
    }
  }
  return wanted.size === 0
    ? undefined
    : machine.background?.([...wanted.values()], statedVariables);
}

/** What the workspace's `.env` says of what tells runners apart; read as text. */
async function envFileOf(workspace: string | null): Promise<ReadonlyMap<string, string>> {
  const text =
    workspace === null ? '' : await readFile(join(workspace, '.env'), 'utf8').catch(() => '');
  const entries = parseEnvFile(text);
  return new Map(
    statedVariables.flatMap((name) => {
      const entry = entries.get(name);
      return entry === undefined ? [] : [[name, entry.value]];
    }),
  );
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
