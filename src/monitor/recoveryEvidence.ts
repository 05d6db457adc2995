import { modeOfAccount } from '../diagnostics/notices';
import { failingSymbols } from '../diagnostics/runnerWork';
import type { RunnerStatus } from '../diagnostics/status';
import type { PortListener, PortObservation } from '../host/portObservation';
import { type Endpoint, type Mode, usualPort } from '../ibkr/endpoint';
import { type IbcCommand } from '../ibkr/ibcCommands';
import { otherClients } from './recoveryClientId';
import type { RunnerAtWork } from './recoveryLadder';

/**
 * Whether anybody works with this TWS: a runner of ours that is not known to fail, or any other
 * program with a session. What cannot be seen may be a program with open positions.
 */
export function runnerAtWork(
  runners: readonly RunnerStatus[],
  os: PortObservation | undefined,
  ownPid: number,
): RunnerAtWork {
  const living = runners.filter(({ state }) => state !== 'exited');
  const working = living.find((runner) => !isIdle(runner));
  if (working !== undefined) {
    return { works: 'yes', why: `the runner of ${working.workspace} works, or may` };
  }
  const others = os === undefined ? undefined : otherClients(os, ownPid);
  if (os === undefined || others === undefined) {
    return { works: 'unknown', why: 'it cannot be seen whether a program works with this TWS' };
  }
  const idle = new Set(living.map(({ pid }) => pid));
  const session = others.find(
    ({ clientPid, serverOwned }) => serverOwned !== false && !idle.has(clientPid),
  );
  if (session !== undefined) {
    const { clientProgram, clientPid } = session;
    return { works: 'yes', why: `${clientProgram ?? 'a program'} (pid ${clientPid}) is connected` };
  }
  const hidden = os.established.known
    ? os.established.value.find(
        ({ clientPid, serverOwned }) => clientPid === undefined && serverOwned !== false,
      )
    : undefined;
  return hidden === undefined
    ? { works: 'no', why: '' }
    : { works: 'yes', why: `a client at ${hidden.clientAddress} is connected` };
}

/**
 * It has stalled, or its connection fails. One that fails on some symbols still works with the
 * others, and one that says nothing that we understand may work.
 */
function isIdle(runner: RunnerStatus): boolean {
  const { failing, all } = failingSymbols(runner);
  const isPartial = failing > 0 && failing < all;
  const isCut = runner.findings.some(({ subject }) => subject.kind === 'connection');
  return runner.work === 'stalled' || (runner.work === 'failing' && (!isPartial || isCut));
}

/** Paper only where the accounts say so and the port does not contradict; live in any doubt. */
export function modeOf(accounts: readonly string[], { port }: Endpoint): Mode | undefined {
  const modes = accounts.map(modeOfAccount);
  if (modes.includes('live') || usualPort(port)?.mode === 'live') {
    return 'live';
  }
  return modes.length > 0 && modes.every((mode) => mode === 'paper') ? 'paper' : undefined;
}

/**
 * Why a command must not be sent to who listens on the command port; undefined where it may. The
 * table tells whether the server is there: nobody connects to it to find out.
 * @param server what the system says about the command port
 * @param api what it says about the endpoint
 */
export function serverProblem(
  command: IbcCommand,
  server: PortObservation,
  api: PortObservation,
): string | undefined {
  const { listeners, port } = server;
  // What ends a session or a login needs proof that it meets the right TWS (law 9).
  const needsProof = command === 'RESTART' || command === 'RECONNECTACCOUNT';
  if (!listeners.known) {
    return needsProof ? `who listens on port ${port} cannot be seen: ${listeners.why}` : undefined;
  }
  const [first] = listeners.value;
  if (first === undefined) {
    return `nobody listens on port ${port}; IBC's config.ini must have CommandServerPort=${port}`;
  }
  const frozen = listeners.value.find(({ isStopped }) => isStopped);
  if (frozen !== undefined) {
    return `the TWS with IBC (pid ${frozen.pid ?? 'unknown'}) is stopped by a signal and cannot answer`;
  }
  if (listeners.value.every(({ role }) => role === 'hidden' || role === 'nobody')) {
    return needsProof ? `whose port ${port} is cannot be seen` : undefined;
  }
  const ibc = listeners.value.find(({ role }) => role === 'tws' || role === 'java');
  if (ibc === undefined) {
    return `port ${port} belongs to another program (${first.argv?.[0] ?? first.role}), not to IBC`;
  }
  return otherTws(ibc, api, needsProof);
}

/** IBC runs inside the TWS that it serves: the same process must own both ports. */
function otherTws(
  server: PortListener,
  { listeners, twsProcesses }: PortObservation,
  needsProof: boolean,
): string | undefined {
  const pids = listeners.known ? listeners.value.map(({ pid }) => pid) : [undefined];
  if (pids.includes(server.pid)) {
    return undefined;
  }
  const isSeen = listeners.known && pids.every((pid) => pid !== undefined);
  if (isSeen && pids.length > 0) {
    return `the command port belongs to another TWS (pid ${server.pid ?? 'unknown'}) than the endpoint`;
  }
  const others = twsProcesses.known
    ? twsProcesses.value.filter(({ pid, product }) => pid !== server.pid && product !== 'IBC')
    : undefined;
  if (isSeen && others?.length === 0) {
    return undefined;
  }
  return needsProof || (others?.length ?? 0) > 0
    ? 'it cannot be told whether the command port belongs to the TWS of this endpoint'
    : undefined;
}
