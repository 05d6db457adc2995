import { readdir } from 'node:fs/promises';
import { type Clock, delay } from '../core/clock';
import { errorText } from '../core/errors';
import type { RunnerStatus } from '../diagnostics/status';
import { type Endpoint, formatEndpoint } from '../ibkr/endpoint';
import { endDaemon, joinDaemon } from './launcher';

/** What leaving a machine works with. */
export interface LeaveDeps {
  readonly clock: Clock;
  /** The folder with one folder of records per endpoint. */
  readonly stateDirectory: string;
  /** The folder with the programs of the services, one folder each. */
  readonly servicesDirectory: string;
  /** Ends and removes the service of an endpoint; false where there is none. */
  readonly removeService: (endpoint: Endpoint) => Promise<boolean>;
  readonly say: (line: string) => void;
}

const servicePrefix = 'robo-monitor-';

/**
 * Ends the monitors of all endpoints and removes their services. A runner that works goes on and
 * is named: positions may depend on it. What fails is said and keeps nothing else.
 * @param deadlineMs what has not ended by then is left, and said
 */
export async function leaveMachine(deps: LeaveDeps, deadlineMs: number): Promise<void> {
  const services = await endpointsIn(deps.servicesDirectory, servicePrefix);
  const records = await endpointsIn(deps.stateDirectory, '');
  const names = [...new Map([...services, ...records]).keys()];
  const pending = new Set(names);
  const work = Promise.all(
    names.map(async (name) => {
      const endpoint = services.get(name) ?? records.get(name);
      if (endpoint !== undefined) {
        await leaveEndpoint(deps, endpoint, services.has(name));
      }
      pending.delete(name);
    }),
  );
  await Promise.race([work, delay(deps.clock, deadlineMs)]);
  for (const name of pending) {
    deps.say(`The monitor of ${name} did not end within ${deadlineMs / 1000} s and was left.`);
  }
}

/** Endpoints by the names of their folders, such as `127.0.0.1_7497`. */
async function endpointsIn(directory: string, prefix: string): Promise<Map<string, Endpoint>> {
  const names = await readdir(directory).catch(() => []);
  return new Map(
    names.flatMap((name) => {
      const [, folder, host, port] =
        new RegExp(`^${prefix}(([A-Za-z0-9.-]{1,253})_(\\d{1,5}))$`).exec(name) ?? [];
      // The host as the folder has it names the same socket and the same service again.
      return folder === undefined || host === undefined
        ? []
        : [[folder, { host, port: Number(port) }] as const];
    }),
  );
}

async function leaveEndpoint(
  deps: LeaveDeps,
  endpoint: Endpoint,
  hasService: boolean,
): Promise<void> {
  const name = formatEndpoint(endpoint);
  try {
    const client = await joinDaemon({
      stateDirectory: deps.stateDirectory,
      endpoint,
      kind: 'cli',
    });
    for (const runner of client === undefined ? [] : (await client.status()).runner) {
      sayRunner(runner, deps.say);
    }
    // A service's monitor ends with it; ended by itself the system would start it again.
    if (hasService && (await deps.removeService(endpoint))) {
      deps.say(`The service that watched ${name} has ended and is removed.`);
    } else if (client !== undefined) {
      await endDaemon(client);
      deps.say(`The monitor of ${name} has ended.`);
    }
    client?.dispose();
  } catch (error) {
    deps.say(`The monitor of ${name} could not be ended: ${errorText(error)}`);
  }
}

function sayRunner({ pid, state, workspace }: RunnerStatus, say: LeaveDeps['say']): void {
  if (pid !== null && state !== 'exited') {
    say(
      `The runner of ${workspace} (pid ${pid}) goes on without Robo, because positions may depend on it. End it yourself when it may end.`,
    );
  }
}
